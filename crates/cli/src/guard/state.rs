//! What the store says: the rules that stand in it, and what the edge made of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use waxseal::types::UnixSeconds;

use super::rules_file::{sha256, short};
use super::store::{HISTORY, Listed, RULES, STATUS, Store};
use crate::error::{Coded, Error};
use crate::output::line;
use crate::when;

/// What the publisher writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Status {
    version: u32,
    /// When it was written.
    pub(super) at: u64,
    pub(super) generation: u64,
    pub(super) base: u64,
    pub(super) profile: String,
    /// In force; `None`: the defaults, since no rules were ever accepted.
    pub(super) rules: Option<Accepted>,
    /// What now stands in `guard/rules`, when it cannot be used.
    pub(super) refused: Option<Refused>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Accepted {
    pub(super) sha256: String,
    pub(super) accepted_at: u64,
    pub(super) entries: u64,
    /// Its number in the history.
    pub(super) history: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) sha256: String,
    pub(super) at: u64,
    pub(super) faults: Vec<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fault {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) message: String,
}

/// What the store says cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateError {
    /// No status.
    #[error(
        "{0} has no {STATUS}: no edge with a guard has used it yet. Start the edge and let it answer one request, and \
         check that this is the store its binding GUARD names"
    )]
    Silent(String),
    /// Not of the known form.
    #[error("{STATUS} in {store} cannot be read ({reason}): is this program as new as the edge?")]
    Status {
        /// Which.
        store: String,
        /// What was odd.
        reason: String,
    },
    /// An accepted text is missing.
    #[error("number {number} of the history is not in {store}: {has}")]
    NoHistory {
        /// Asked for.
        number: u64,
        /// Which.
        store: String,
        /// What is there.
        has: String,
    },
    /// The defaults are in force.
    #[error("no rules were ever accepted: the defaults are in force, and an empty file says the same")]
    NeverAccepted,
}

impl Coded for StateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Silent(_) => "guard_silent",
            Self::Status { .. } => "guard_status_unreadable",
            Self::NoHistory { .. } => "history_unknown",
            Self::NeverAccepted => "rules_never_accepted",
        }
    }
}

/// Where the text that stands in the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none.
    Absent,
    InForce,
    Refused,
    /// The edge has not looked at it yet.
    Waiting,
}

impl Standing {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::InForce => "in_force",
            Self::Refused => "refused",
            Self::Waiting => "waiting",
        }
    }
}

/// What the store says.
pub(super) struct State {
    pub(super) text: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) status: Option<Status>,
}

impl State {
    pub(super) async fn load(store: &Store) -> Result<Self, Error> {
        let [text, status] = store.get([RULES, STATUS]).await?;
        let status = status.map(|text| read(&text, store)).transpose()?;
        Ok(Self { sha256: text.as_deref().map(sha256), text, status })
    }

    /// The status alone.
    pub(super) async fn status(store: &Store) -> Result<Option<Status>, Error> {
        let [status] = store.get([STATUS]).await?;
        Ok(status.map(|text| read(&text, store)).transpose()?)
    }

    pub(super) fn standing(&self) -> Standing {
        let Some(sum) = &self.sha256 else { return Standing::Absent };
        match &self.status {
            Some(status) if status.refuses(sum) => Standing::Refused,
            Some(status) if status.accepts(sum) => Standing::InForce,
            _ => Standing::Waiting,
        }
    }

    /// What is in force, when something was ever accepted.
    pub(super) fn accepted(&self) -> Option<&Accepted> {
        self.status.as_ref().and_then(|status| status.rules.as_ref())
    }
}

impl Status {
    pub(super) fn accepts(&self, sum: &str) -> bool {
        self.rules.as_ref().is_some_and(|rules| rules.sha256 == sum) && !self.refuses(sum)
    }

    pub(super) fn refuses(&self, sum: &str) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.sha256 == sum)
    }

    /// What is in force, in a line or two.
    pub(super) fn in_force(&self, now: UnixSeconds) -> String {
        let profile = line(&self.profile);
        match &self.rules {
            None => format!("In force: the defaults, profile {profile}; no rules were ever accepted."),
            Some(rules) => format!(
                "In force: {} {}, profile {profile}, since {}.\n  sha256 {}, number {} of the history",
                rules.entries,
                if rules.entries == 1 { "entry" } else { "entries" },
                ago(rules.accepted_at, now),
                short(&rules.sha256),
                rules.history,
            ),
        }
    }
}

impl Refused {
    /// Each fault on a line.
    pub(super) fn lines(&self) -> String {
        let each = self.faults.iter();
        each.map(|it| format!("\n  line {}, column {}: {}", it.line, it.column, line(&it.message))).collect()
    }
}

/// `2026-12-31 00:00:00 UTC (2 hours ago)`.
pub(super) fn ago(at: u64, now: UnixSeconds) -> String {
    format!("{} ({})", when::words(UnixSeconds(at)), when::distance(UnixSeconds(at), now))
}

fn read(text: &str, store: &Store) -> Result<Status, StateError> {
    let unreadable = |reason: String| StateError::Status { store: store.name(), reason };
    let value: Value = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    match value.get("version").and_then(Value::as_u64) {
        Some(1) => serde_json::from_value(value).map_err(|error| unreadable(line(&error.to_string()))),
        Some(other) => Err(unreadable(format!("it is of version {other}, this program knows 1"))),
        None => Err(unreadable("it has no version".to_owned())),
    }
}

/// A text that was accepted.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) number: u64,
    pub(super) sha256: Option<String>,
    pub(super) accepted_at: Option<u64>,
}

/// The accepted texts, oldest first.
pub(super) async fn history(store: &Store) -> Result<Vec<Past>, Error> {
    let mut past: Vec<Past> = store.list(HISTORY).await?.iter().filter_map(past).collect();
    past.sort_by_key(|past| past.number);
    Ok(past)
}

fn past(listed: &Listed) -> Option<Past> {
    let number = listed.name.strip_prefix(HISTORY)?;
    let metadata = listed.metadata.as_ref();
    Some(Past {
        number: number.parse().ok()?,
        sha256: metadata.and_then(|it| Some(it.get("sha256")?.as_str()?.to_owned())),
        accepted_at: metadata.and_then(|it| it.get("accepted_at")?.as_u64()),
    })
}

/// The text of a number of the history.
pub(super) async fn text_of(store: &Store, number: u64) -> Result<String, Error> {
    let [text] = store.get([format!("{HISTORY}{number:08}").as_str()]).await?;
    match text {
        Some(text) => Ok(text),
        None => {
            let numbers: Vec<String> =
                history(store).await?.iter().map(|past| past.number.to_string()).collect();
            let has = match numbers.as_slice() {
                [] => "it is empty".to_owned(),
                numbers => format!("it holds {}", numbers.join(", ")),
            };
            Err(StateError::NoHistory { number, store: store.name(), has }.into())
        }
    }
}
