//! The Durable Object of one letter, and the call that asks it.

mod chores;
mod client;
mod found;
mod object;
mod run;
mod show;
mod store;

pub(crate) use client::{
    Ask, Brief, CLASS, Exported, Kept, Logged, Offer, Outcome, ReceiptFacts, Reply, Sealed, What, ask,
};
