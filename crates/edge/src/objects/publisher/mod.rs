//! The publisher: takes in what ops write and what the sentinels learnt, and publishes both as snapshots in KV.

mod client;
pub(crate) mod head;
pub(crate) mod kv;
mod messages;
mod object;
mod publish;
mod store;

pub(crate) use client::PublisherClient;
pub(crate) use messages::{DryRun, Tell};
