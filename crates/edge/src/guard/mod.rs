//! The guard at the edge: asks the pure guard what to do with a request, tells the sentinels what it did wrong, and
//! keeps the snapshot that both need.

mod api;
mod dry_runs;
mod fresh;
mod gate;
mod head;
mod isolate;
mod kv;
mod limits;
mod publisher;
mod sentinel;

pub(super) use api::answer as answer_api;
pub(super) use gate::{Ruling, is_flood, rule};
pub(super) use kv::Namespace;
pub(super) use limits::Limits;
pub(super) use publisher::PublisherClient;
pub(super) use sentinel::SentinelClient;
