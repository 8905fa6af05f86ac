//! What lies in KV under which key: rules, snapshots, and which of these hold.

use serde::{Deserialize, Serialize};
use worker::Env;

use crate::platform::error::Fault;
use crate::platform::kv::Namespace;
use waxseal::types::UnixSeconds;

/// The namespace of the guard.
pub(crate) fn open(env: &Env) -> Result<Namespace, Fault> {
    Namespace::open(env, "GUARD")
}

/// The rules, in TOML: what the publisher put there, or operators past it.
pub(super) const RULES: &str = "guard/rules";
/// A [`Head`].
pub(crate) const HEAD: &str = "guard/head";
/// What the publisher says of the rules.
pub(super) const STATUS: &str = "guard/status";

pub(crate) fn base_key(generation: u64) -> String {
    format!("guard/base/{generation}")
}

pub(crate) fn delta_key(generation: u64) -> String {
    format!("guard/delta/{generation}")
}

/// Which base and which delta hold now. Written last, so that what it names is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Of the snapshots that it names. A publisher that finds another makes a new base.
    pub(crate) version: u16,
    /// Whose snapshots these are: two publishers on one namespace would undo each other's bans.
    pub(crate) guard: String,
    /// Generation of the base.
    pub(crate) base: u64,
    /// Generation of the delta over it.
    pub(crate) delta: Option<u64>,
    pub(crate) made_at: UnixSeconds,
}

/// The metadata of rules that the publisher put.
#[derive(Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) version: u64,
    pub(super) sha256: String,
}
