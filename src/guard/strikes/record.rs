//! The rows of a sentinel, and what goes in and out of it.

use serde::{Deserialize, Serialize};

use crate::guard::address::{ClientKey, Network};
use crate::guard::reason::{Reason, StrikeKind};
use crate::types::{UnixMillis, UnixSeconds};

/// How much one sentinel remembers. The defaults take some 15 MB when full: all
/// sentinels may share one isolate, and its 128 MB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Clients with points and no ban.
    pub watched: usize,
    /// Banned clients.
    pub banned: usize,
    /// Banned networks.
    pub networks: usize,
}

impl Default for Caps {
    fn default() -> Self {
        Self { watched: 25_000, banned: 50_000, networks: 10_000 }
    }
}

/// What a request did wrong, as [`crate::guard::decide`] sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Offence {
    /// What.
    pub kind: StrikeKind,
    /// From an AS that is judged strictly.
    pub strict: bool,
}

/// An offence and who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strike {
    /// Who.
    pub client: ClientKey,
    /// The AS number.
    pub asn: Option<u32>,
    /// What.
    pub offence: Offence,
    /// A hash of the path. The same damaged link again costs nothing: a person who presses reload is not guessing.
    pub path_hash: u64,
}

/// A client that has points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watched {
    /// When its points will have faded.
    pub clear_at: UnixMillis,
    /// When it is forgotten at the latest: the end of the day.
    pub forget_at: UnixSeconds,
    /// How many strikes there were. Stops at the largest number.
    pub strikes: u32,
    /// What the last damaged link was.
    pub path_hash: u64,
}

impl Watched {
    /// The points that are left, in thousandths. None when it is to be forgotten, or points fade at once.
    pub fn millipoints(&self, now: UnixMillis, fade_seconds: u32) -> u64 {
        let spent = if now.seconds() < self.forget_at { self.clear_at.0.saturating_sub(now.0) } else { 0 };
        spent.checked_div(u64::from(fade_seconds)).unwrap_or(0)
    }
}

/// A banned client or network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanRecord {
    /// Since when.
    pub since: UnixSeconds,
    /// It counts while now < `until`.
    pub until: UnixSeconds,
    /// Why.
    pub reason: Reason,
    /// The AS number, when known.
    pub asn: Option<u32>,
    /// Made while the thresholds were in dry run: refuses nobody.
    pub dry_run: bool,
}

/// One changed row. Applied in order they take a stored copy to the new state, and `SentinelState::restore` takes the
/// stored rows back in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Keep this.
    Watch(ClientKey, Watched),
    /// Forget it.
    Unwatch(ClientKey),
    /// Keep this. A client is a network of one.
    Ban(Network, BanRecord),
    /// Forget it.
    Unban(Network),
}

impl Change {
    /// When the row is over; `None` for one that is forgotten.
    pub fn ends_at(&self) -> Option<UnixSeconds> {
        match self {
            Self::Watch(_, watched) => Some(watched.forget_at),
            Self::Ban(_, ban) => Some(ban.until),
            Self::Unwatch(_) | Self::Unban(_) => None,
        }
    }
}

/// Where the client of a strike now stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrikeStanding {
    /// It has points, in thousandths, and no ban.
    Counted {
        /// How many of them.
        millipoints: u64,
    },
    /// This strike banned it.
    Banned {
        /// The ban ends then.
        until: UnixSeconds,
    },
    /// It was banned already.
    AlreadyBanned {
        /// The ban ends then.
        until: UnixSeconds,
    },
}

/// What a strike did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Where the client stands.
    pub standing: StrikeStanding,
    /// Networks that this strike banned.
    pub networks: Vec<Network>,
    /// Rows to store.
    pub changes: Vec<Change>,
}
