//! The publisher: takes in what operators write and what the sentinels learnt, and publishes both as snapshots in KV.

mod messages;
pub(crate) mod namespace;
mod object;
mod publish;
mod rules;
mod store;

pub(crate) use messages::{
    CLASS, CountDryRuns, Dirty, GetStatus, ListRules, NAME, NewRules, PutRules, ReadRules, RulesOutcome,
    Status, Wake,
};
