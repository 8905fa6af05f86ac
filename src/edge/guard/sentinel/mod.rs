//! The Durable Objects that hold strikes and bans as truth, and the call that asks them.

mod client;
mod memory;
mod messages;
mod object;
mod store;

pub(in crate::edge) use client::{SHARDS, SentinelClient};
pub(in crate::edge) use messages::{Ask, BanPage, EventPage, Lifted, StandingOf, Struck, Taken};
