//! What the sentinels know and the snapshot shall say: bans, and who is spared from them.

use std::collections::BTreeMap;

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

/// Somebody whom no ban refuses; ops deny rules still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Spare {
    /// Who.
    pub target: Network,
    /// It counts while now < `until`.
    pub until: UnixSeconds,
    /// [`Reason::Trusted`] or [`Reason::Lifted`].
    pub reason: Reason,
}

/// Everything learnt, as opposed to written by ops.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dynamic {
    /// Bans, in any order.
    pub bans: Vec<Ban>,
    /// Who is spared, in any order.
    pub spared: Vec<Spare>,
    /// AS numbers whose clients are judged strictly.
    pub strict_systems: Vec<u32>,
}

impl Dynamic {
    /// What a delta over a base made from `older` has to say: what is new or longer, and what was lifted early.
    pub fn since(&self, older: &Dynamic, now: UnixSeconds) -> Dynamic {
        let (known, held) = (older.ends(), self.ends());
        let bans = self
            .bans
            .iter()
            .filter(|ban| known.get(&(ban.target, ban.dry_run)).is_none_or(|until| *until < ban.until));
        let lifted =
            older.bans.iter().filter(|ban| now < ban.until && !held.contains_key(&(ban.target, ban.dry_run)));
        let lifted = lifted.map(|ban| Spare { target: ban.target, until: ban.until, reason: Reason::Lifted });
        let spared = self.spared.iter().filter(|spare| !older.spared.contains(spare)).copied();
        let strict =
            self.strict_systems.iter().filter(|system| !older.strict_systems.contains(system)).copied();
        Dynamic {
            bans: bans.copied().collect(),
            spared: spared.chain(lifted).collect(),
            strict_systems: strict.collect(),
        }
    }

    /// When the bans end, by target and whether in dry run.
    fn ends(&self) -> BTreeMap<(Network, bool), UnixSeconds> {
        self.bans.iter().map(|ban| ((ban.target, ban.dry_run), ban.until)).collect()
    }
}
