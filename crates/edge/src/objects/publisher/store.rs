//! The publisher's tables: one row of state, the rules that hold and held, counts of dry runs, and what was superseded in KV
//! and is not deleted yet.

use serde::{Deserialize, Serialize};
use worker::SqlStorageValue as Value;

use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::sql::{Database, Row, Tx, integer};
use waxseal::api::{DryRun, RulesRefused, RulesVersion};
use waxseal::guard::Profile;
use waxseal::types::UnixSeconds;

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE publisher (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT NOT NULL) STRICT",
    "CREATE TABLE rules (version INTEGER PRIMARY KEY, about TEXT NOT NULL) STRICT",
    "CREATE TABLE rules_part (version INTEGER, number INTEGER, text TEXT NOT NULL, PRIMARY KEY (version, number)) STRICT",
    "CREATE TABLE dry_run (what TEXT PRIMARY KEY, requests INTEGER NOT NULL) STRICT",
    "CREATE TABLE superseded (key TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT",
    FAILURE_TABLE,
]];

/// A value in SQLite may have 2 MB; rules may have 4 MiB.
const PART_CHARS: usize = 250_000;

/// How many versions of the rules are kept.
pub(super) const MAX_VERSIONS: usize = 20;

/// More different dry runs than any rules file makes sense with.
const MAX_DRY_RUNS: u64 = 1_000;

/// A base that was published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Base {
    pub(super) generation: u64,
    pub(super) made_at: UnixSeconds,
    /// When the first of its bans ends: from then on a new base is smaller.
    pub(super) ends_at: Option<UnixSeconds>,
    /// How many bans it has.
    pub(super) learnt: usize,
}

/// Rules that were read from KV.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Found {
    /// `None`: there are none.
    pub(super) sha256: Option<String>,
    /// The version, when it was the publisher that put them there.
    pub(super) mark: Option<u64>,
    /// Since when nothing else was read.
    pub(super) since: UnixSeconds,
}

/// The one row. What of it belongs into KV is noted here until it is there, in place of an outbox: only the newest counts, and it may
/// replace one that was never written.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct State {
    /// Random, in hexadecimal: tells our snapshots from those of another publisher.
    pub(super) guard: String,
    /// Of the newest snapshot.
    pub(super) generation: u64,
    pub(super) base: Option<Base>,
    /// Of the delta over the base.
    pub(super) delta: Option<u64>,
    pub(super) made_at: UnixSeconds,
    /// `None`: the shipped ones hold.
    pub(super) rules: Option<RulesVersion>,
    pub(super) refused: Option<RulesRefused>,
    /// Of the newest rules that ever held.
    pub(super) version: u64,
    /// What KV answers where the rules lie.
    pub(super) found: Found,
    /// SHA-256 of what operators put into KV past the publisher, the newest last.
    pub(super) seen: Vec<String>,
    /// The rules in KV are to be replaced by those that hold.
    pub(super) unwritten: bool,
    pub(super) profile: Profile,
    /// How often sentinels said that they learnt something.
    pub(super) asked: u64,
    /// The last of these that only a new base can answer.
    pub(super) rebase: u64,
    /// The last of these that the newest snapshot answers.
    pub(super) done: u64,
    /// The status in KV is not what it should be.
    pub(super) unreported: bool,
    pub(super) merged: usize,
    pub(super) dropped: usize,
}

impl State {
    pub(super) const fn new(guard: String) -> Self {
        Self {
            guard,
            generation: 0,
            base: None,
            delta: None,
            made_at: UnixSeconds(0),
            rules: None,
            refused: None,
            version: 0,
            found: Found { sha256: None, mark: None, since: UnixSeconds(0) },
            seen: Vec::new(),
            unwritten: false,
            profile: Profile::Balanced,
            asked: 0,
            rebase: 0,
            done: 0,
            unreported: true,
            merged: 0,
            dropped: 0,
        }
    }
}

pub(super) fn migrate(db: &Tx<'_>) -> Result<(), Fault> {
    db.migrate(MIGRATIONS)
}

pub(super) fn load(db: &Database) -> Result<Option<State>, Fault> {
    if !db.has_table("publisher")? {
        return Ok(None);
    }
    match db.rows("SELECT state FROM publisher LIMIT 1", vec![])?.first_mut() {
        Some(row) => Ok(Some(serde_json::from_str(&row.text()?)?)),
        None => Ok(None),
    }
}

/// Changes what is stored now, which may not be what a caller read before it awaited something.
pub(super) fn update(db: &Database, change: impl Fn(&mut State)) -> Result<(), Fault> {
    db.transaction(|db| match load(db)? {
        Some(mut state) => {
            change(&mut state);
            save(db, &state)
        }
        None => Ok(()),
    })
}

pub(super) fn save(db: &Tx<'_>, state: &State) -> Result<(), Fault> {
    db.run(
        "INSERT INTO publisher (one, state) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET state = excluded.state",
        vec![Value::String(serde_json::to_string(state)?)],
    )
}

/// The text of a version.
pub(super) fn rules_text(db: &Database, version: u64) -> Result<String, Fault> {
    let parts = "SELECT text FROM rules_part WHERE version = ? ORDER BY number LIMIT 1000";
    db.rows(parts, vec![integer(version)])?.iter_mut().map(Row::text).collect()
}

/// Every version that is kept, newest first.
pub(super) fn versions(db: &Database) -> Result<Vec<RulesVersion>, Fault> {
    let rows = db.rows("SELECT about FROM rules ORDER BY version DESC LIMIT 100", vec![])?;
    rows.into_iter().map(|mut row| Ok(serde_json::from_str(&row.text()?)?)).collect()
}

/// Keeps a new version, and forgets the oldest.
pub(super) fn add_version(db: &Tx<'_>, about: &RulesVersion, text: &str) -> Result<(), Fault> {
    let version = integer(about.version);
    let row = vec![version.clone(), Value::String(serde_json::to_string(about)?)];
    db.run("INSERT INTO rules (version, about) VALUES (?, ?)", row)?;
    let mut chars = text.chars();
    for number in 0u64.. {
        let part: String = chars.by_ref().take(PART_CHARS).collect();
        if part.is_empty() {
            break;
        }
        let row = vec![version.clone(), integer(number), Value::String(part)];
        db.run("INSERT INTO rules_part (version, number, text) VALUES (?, ?, ?)", row)?;
    }
    let oldest = integer((about.version + 1).saturating_sub(MAX_VERSIONS as u64));
    db.run("DELETE FROM rules WHERE version < ?", vec![oldest.clone()])?;
    db.run("DELETE FROM rules_part WHERE version < ?", vec![oldest])
}

/// Begins to count anew.
pub(super) fn forget_counts(db: &Tx<'_>) -> Result<(), Fault> {
    db.run("DELETE FROM dry_run", vec![])
}

/// Adds to the counts.
pub(super) fn count(db: &Tx<'_>, counts: &[DryRun]) -> Result<(), Fault> {
    let known = match db.rows("SELECT count(*) FROM dry_run", vec![])?.first_mut() {
        Some(row) => row.integer()?,
        None => 0,
    };
    for (count, number) in counts.iter().zip(known..) {
        let what = serde_json::to_string(&DryRun { requests: 0, ..count.clone() })?;
        let requests = integer(count.requests.min(1 << 40));
        if number >= MAX_DRY_RUNS {
            db.run(
                "UPDATE dry_run SET requests = requests + ? WHERE what = ?",
                vec![requests, Value::String(what)],
            )?;
            continue;
        }
        db.run(
            "INSERT INTO dry_run (what, requests) VALUES (?, ?)
             ON CONFLICT (what) DO UPDATE SET requests = min(requests + excluded.requests, 9007199254740991)",
            vec![Value::String(what), requests],
        )?;
    }
    Ok(())
}

pub(super) fn dry_runs(db: &Database) -> Result<Vec<DryRun>, Fault> {
    let rows = db.rows("SELECT what, requests FROM dry_run ORDER BY requests DESC LIMIT 1000", vec![])?;
    rows.into_iter()
        .map(|mut row| {
            let what: DryRun = serde_json::from_str(&row.text()?)?;
            Ok(DryRun { requests: row.integer()?, ..what })
        })
        .collect()
}

/// Notes keys of KV that no head names any more.
pub(super) fn supersede(db: &Tx<'_>, keys: &[String], now: UnixSeconds) -> Result<(), Fault> {
    for key in keys {
        db.run(
            "INSERT INTO superseded (key, at) VALUES (?, ?) ON CONFLICT (key) DO NOTHING",
            vec![Value::String(key.clone()), integer(now.0)],
        )?;
    }
    Ok(())
}

/// Some keys that were superseded before `before`.
pub(super) fn superseded(db: &Database, before: UnixSeconds) -> Result<Vec<String>, Fault> {
    let rows = db.rows("SELECT key FROM superseded WHERE at < ? LIMIT 50", vec![integer(before.0)])?;
    rows.into_iter().map(|mut row| row.text()).collect()
}

pub(super) fn deleted(db: &Tx<'_>, key: &str) -> Result<(), Fault> {
    db.run("DELETE FROM superseded WHERE key = ?", vec![Value::String(key.to_owned())])
}
