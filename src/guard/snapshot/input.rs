//! What the sentinels know and the snapshot shall say.

use serde::{Deserialize, Serialize};

use crate::guard::address::Network;
use crate::guard::reason::Reason;
use crate::types::UnixSeconds;

/// A ban of one client or of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ban {
    /// Who.
    pub target: Network,
    /// Since when.
    pub since: UnixSeconds,
    /// It counts while now < `until`.
    pub until: UnixSeconds,
    /// Why.
    pub reason: Reason,
    /// It refuses nobody and is counted.
    pub dry_run: bool,
}

/// Everything learnt, as opposed to written by ops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dynamic {
    /// Bans, in any order.
    pub bans: Vec<Ban>,
    /// AS numbers whose clients are judged strictly.
    pub strict_systems: Vec<u32>,
}
