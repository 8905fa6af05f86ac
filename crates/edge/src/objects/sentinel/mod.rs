//! The Durable Objects that hold strikes and bans as truth, and the call that asks them.

mod memory;
mod messages;
mod object;
mod store;

pub(crate) use messages::{
    AddBan, CLASS, CountRows, Export, GetStanding, LiftBans, ListBans, ListEvents, RecordStrike, SHARDS,
    call, shard_of,
};
