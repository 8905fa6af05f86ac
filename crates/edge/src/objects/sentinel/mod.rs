//! The Durable Objects that hold strikes and bans as truth, and the call that asks them.

mod client;
mod memory;
mod messages;
mod object;
mod store;

pub(crate) use client::{SHARDS, SentinelClient};
pub(crate) use messages::{Ask, BanPage, EventPage, Lifted, StandingOf, Struck, Taken};
