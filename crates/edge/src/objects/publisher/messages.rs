//! What is said to the publisher, and what it says of itself.

use serde::{Deserialize, Serialize};

use crate::platform::object::{ObjectClass, requests};
use waxseal::guard::Profile;
use waxseal::types::UnixSeconds;

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "PUBLISHER" };
/// The one object of this class.
pub(crate) const NAME: &str = "publisher";

requests! { CLASS;
    /// Somebody needs the guard: see that the alarm is set.
    Wake {} -> ();
    /// A sentinel learnt something.
    Dirty {
        /// Something was lifted: only a new base can say so.
        rebase: bool,
    } -> ();
    /// What rules in dry run would have changed.
    CountDryRuns { counts: Vec<DryRun> } -> ();
    /// What the publisher says of itself.
    GuardStatus {} -> Status;
}

/// Requests that something in dry run would have answered otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DryRun {
    /// The line of the rules file; absent for what is shipped, learnt, or a setting.
    pub(crate) line: Option<u32>,
    /// Why it would have.
    pub(crate) reason: String,
    /// What was answered.
    pub(crate) now: String,
    /// What would have been.
    pub(crate) would: String,
    /// How many requests.
    pub(crate) requests: u64,
}

impl DryRun {
    /// Whether both count the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let Self { line, reason, now, would, requests: _ } = self;
        *line == other.line && *reason == other.reason && *now == other.now && *would == other.would
    }
}

/// The rules that hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RulesInForce {
    /// SHA-256 of their text, in hexadecimal.
    pub(crate) sha256: String,
    pub(crate) accepted_at: UnixSeconds,
    /// How many entries the text has.
    pub(crate) entries: usize,
    /// Their number in the history.
    pub(crate) history: u64,
}

/// Rules that stand in KV and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) sha256: String,
    pub(crate) at: UnixSeconds,
    pub(crate) faults: Vec<Mistake>,
}

/// What is wrong with rules, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mistake {
    /// From 1; 0 when it is about the whole.
    pub(crate) line: u32,
    /// In characters, from 1.
    pub(crate) column: u32,
    pub(crate) message: String,
}

/// Of the status in KV; `waxseal guard` knows this one.
pub(super) const STATUS_VERSION: u32 = 1;

/// What the publisher says of itself: in KV for ops, and to the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: u32,
    /// When this was written.
    pub(crate) at: UnixSeconds,
    /// Of the newest snapshot; 0 before the first.
    pub(crate) generation: u64,
    /// Of its base.
    pub(crate) base: u64,
    /// When it was made.
    pub(crate) made_at: UnixSeconds,
    pub(crate) profile: Profile,
    /// `None`: no rules stand in KV, the shipped ones hold.
    pub(crate) rules: Option<RulesInForce>,
    pub(crate) refused: Option<Refused>,
    /// Bans that went into wider ones in the newest base, because there were too many.
    pub(crate) merged: usize,
    /// Bans that did not fit into it.
    pub(crate) dropped: usize,
    /// Only to the API; KV's copy has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) dry_run: Vec<DryRun>,
}
