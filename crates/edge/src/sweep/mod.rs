//! The sweeper: once a day it walks through the bucket and sees to it that every letter has a ledger, that every ledger did
//! what was due, and that nothing lies in the bucket for ever.

mod api;
mod client;
mod object;
mod store;
mod visit;

pub(super) use api::answer as answer_api;
pub(super) use client::SweeperClient;
