//! The guard.

mod addresses;
mod agents;
mod common;
mod doc;
mod policy;
mod rules;
mod snapshot;
mod strikes;
