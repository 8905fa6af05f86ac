//! What is said to the publisher, and what it says of itself.

use serde::{Deserialize, Serialize};

use crate::platform::object::{ObjectClass, requests};
use waxseal::api::{DryRun, RulesHistory, RulesPut, RulesRefused, RulesText, RulesVersion};
use waxseal::guard::Profile;
use waxseal::guard::rules::Diagnostic;
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
    /// What the publisher says of itself, and what rules in dry run would have changed.
    GetStatus {} -> (Status, Vec<DryRun>);
    /// The text of a version; without one, of the rules in force.
    ReadRules { version: Option<u64> } -> Option<RulesText>;
    /// Every version that is kept.
    ListRules {} -> RulesHistory;
    /// Puts rules in force: answered once they are published.
    PutRules {
        new: NewRules,
        /// The header `If-Match`, as it came.
        if_match: Option<String>,
        /// Only tells what would become of them.
        dry_run: bool,
    } -> RulesOutcome;
}

/// Where the new rules come from.
#[derive(Serialize, Deserialize)]
pub(crate) enum NewRules {
    /// Of a request.
    Text(String),
    /// An earlier version.
    Version(u64),
}

/// What became of rules.
#[derive(Serialize, Deserialize)]
pub(crate) enum RulesOutcome {
    InForce(RulesPut),
    /// Other rules came into force since.
    Changed,
    Invalid(Vec<Diagnostic>),
    /// No such version is kept.
    Unknown,
    /// The namespace is another publisher's.
    OfAnother,
}

/// Of the status in KV.
pub(super) const STATUS_VERSION: u32 = 1;

/// What the publisher says of itself: in KV for operators, and to the API.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// `None`: the shipped ones hold.
    pub(crate) rules: Option<RulesVersion>,
    pub(crate) refused: Option<RulesRefused>,
    /// Bans that went into wider ones in the newest base, because there were too many.
    pub(crate) merged: usize,
    /// Bans that did not fit into it.
    pub(crate) dropped: usize,
}
