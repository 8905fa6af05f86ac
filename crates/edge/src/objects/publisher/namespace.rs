//! The pointer in KV: which base and which delta hold now. Written last, so that what it names is there.

use serde::{Deserialize, Serialize};

use waxseal::types::UnixSeconds;

/// Of the head and of the snapshots that it names: raise it with either. A publisher that finds another makes a new base.
pub(crate) const VERSION: u32 = 2;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) version: u32,
    /// Whose snapshots these are: two publishers on one namespace would undo each other's bans.
    pub(crate) guard: String,
    /// Generation of the base.
    pub(crate) base: u64,
    /// Generation of the delta over it.
    pub(crate) delta: Option<u64>,
    pub(crate) made_at: UnixSeconds,
}
