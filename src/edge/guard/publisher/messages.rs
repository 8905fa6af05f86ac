//! What is said to the publisher, and what it says of itself.

use serde::{Deserialize, Serialize};

use crate::guard::Profile;
use crate::types::UnixSeconds;

/// What is said to the publisher.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) enum Tell {
    /// Somebody needs the guard: see that the alarm is set.
    Wake,
    /// A sentinel learnt something.
    Dirty {
        /// Something was lifted: only a new base can say so.
        rebase: bool,
    },
    /// What rules in dry run would have changed.
    Count(Vec<DryRun>),
    /// Nothing; answer the status.
    Nothing,
}

/// Requests that something in dry run would have answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::edge) struct DryRun {
    /// The line of the rules file; absent for what is shipped, learnt, or a setting.
    pub(in crate::edge) line: Option<u32>,
    /// Why it would have.
    pub(in crate::edge) reason: String,
    /// What was answered.
    pub(in crate::edge) now: String,
    /// What would have been.
    pub(in crate::edge) would: String,
    /// How many requests.
    pub(in crate::edge) requests: u64,
}

impl DryRun {
    /// Whether both count the same.
    pub(in crate::edge) fn is_like(&self, other: &Self) -> bool {
        let Self { line, reason, now, would, requests: _ } = self;
        *line == other.line && *reason == other.reason && *now == other.now && *would == other.would
    }
}

/// The rules that hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::edge) struct RulesInForce {
    /// SHA-256 of their text, in hexadecimal.
    pub(in crate::edge) sha256: String,
    pub(in crate::edge) accepted_at: UnixSeconds,
    /// How many entries the text has.
    pub(in crate::edge) entries: usize,
    /// Their number in the history.
    pub(in crate::edge) history: u64,
}

/// Rules that stand in KV and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::edge) struct Refused {
    pub(in crate::edge) sha256: String,
    pub(in crate::edge) at: UnixSeconds,
    pub(in crate::edge) faults: Vec<Mistake>,
}

/// What is wrong with rules, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::edge) struct Mistake {
    /// From 1; 0 when it is about the whole.
    pub(in crate::edge) line: u32,
    /// In characters, from 1.
    pub(in crate::edge) column: u32,
    pub(in crate::edge) message: String,
}

/// Of the status in KV; `waxseal guard` knows this one.
pub(super) const STATUS_VERSION: u32 = 1;

/// What the publisher says of itself: in KV for ops, and to the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::edge) struct Status {
    pub(in crate::edge) version: u32,
    /// When this was written.
    pub(in crate::edge) at: UnixSeconds,
    /// Of the newest snapshot; 0 before the first.
    pub(in crate::edge) generation: u64,
    /// Of its base.
    pub(in crate::edge) base: u64,
    /// When it was made.
    pub(in crate::edge) made_at: UnixSeconds,
    pub(in crate::edge) profile: Profile,
    /// `None`: no rules stand in KV, the shipped ones hold.
    pub(in crate::edge) rules: Option<RulesInForce>,
    pub(in crate::edge) refused: Option<Refused>,
    /// Bans that went into wider ones in the newest base, because there were too many.
    pub(in crate::edge) merged: usize,
    /// Bans that did not fit into it.
    pub(in crate::edge) dropped: usize,
    /// Only to the desk; KV's copy has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::edge) dry_run: Vec<DryRun>,
}
