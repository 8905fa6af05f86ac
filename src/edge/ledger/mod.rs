//! The Durable Object of one letter, and the call that asks it.

mod client;
mod object;
mod store;

pub(super) use client::{Ask, CLASS, Kept, LedgerClient, Outcome, Reply, Sealed, What};
