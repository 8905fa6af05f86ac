//! The sweeper's tables: the register of letters, and the last runs with their figures.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use worker::SqlStorageValue as Value;

use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::sql::{Database, Tx, integer};
use waxseal::ledger::sweep::Known;
use waxseal::types::{LetterId, UnixMillis};

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[&[
    // Twenty-four bytes a letter and nothing about anybody.
    "CREATE TABLE register (letter BLOB PRIMARY KEY, due INTEGER NOT NULL) WITHOUT ROWID, STRICT",
    "CREATE TABLE run (
        number INTEGER PRIMARY KEY,
        started INTEGER NOT NULL,
        ended INTEGER,
        place TEXT NOT NULL,
        upto BLOB,
        fault TEXT,
        fault_at INTEGER,
        known INTEGER,
        listed INTEGER NOT NULL,
        taken_on INTEGER NOT NULL,
        rung INTEGER NOT NULL,
        orphans INTEGER NOT NULL,
        deleted INTEGER NOT NULL,
        damaged INTEGER NOT NULL,
        vanished INTEGER NOT NULL,
        foreign_keys INTEGER NOT NULL,
        failed INTEGER NOT NULL
    ) STRICT",
    FAILURE_TABLE,
]];

/// Runs that are kept: a month of days.
const KEPT_RUNS: u64 = 31;

/// What is counted, in the order of the columns.
#[derive(Clone, Copy)]
pub(super) enum Count {
    /// Letters that the bucket has something of.
    Listed,
    /// Letters that came into the register.
    TakenOn,
    /// Letters that were overdue and asked to do what is due.
    Rung,
    /// Bodies without a manifest that were deleted.
    Orphans,
    /// Letters that are erased, or damaged beyond their time, and whose objects were deleted.
    Deleted,
    /// Letters that no ledger can take on.
    Damaged,
    /// Letters in the register that lack an object before their time.
    Vanished,
    /// Keys in the bucket that this software does not write.
    Foreign,
    /// Letters whose ledger or objects could not be reached.
    Failed,
}

const COUNTS: usize = 9;

/// Names of the figures for people and programs.
const NAMES: [&str; COUNTS] =
    ["listed", "taken_on", "rung", "orphans", "deleted", "damaged", "vanished", "foreign", "failed"];

/// The figures of a run or of a part of it.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Counts([u64; COUNTS]);

impl Counts {
    pub(super) fn add(&mut self, count: Count, by: u64) {
        if let Some(figure) = self.0.get_mut(count as usize) {
            *figure = figure.saturating_add(by);
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (figure, more) in self.0.iter_mut().zip(other.0) {
            *figure = figure.saturating_add(more);
        }
    }

    pub(super) fn get(&self, count: Count) -> u64 {
        self.0.get(count as usize).copied().unwrap_or_default()
    }
}

/// A run of the sweep.
#[derive(Serialize, Deserialize)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) started: UnixMillis,
    pub(super) ended: Option<UnixMillis>,
    /// The key in the bucket behind which it goes on.
    pub(super) place: String,
    /// The letter in the register behind which it goes on.
    pub(super) upto: Option<LetterId>,
    /// The last fault that held the whole run up, and when.
    pub(super) fault: Option<(String, u64)>,
    /// Letters in the register at its end.
    pub(super) known: Option<u64>,
    pub(super) counts: Counts,
}

impl Run {
    /// For the API and the log.
    pub(super) fn shown(&self, now: UnixMillis) -> Map<String, Json> {
        let ended = self.ended.unwrap_or(now);
        let millis = ended.0.saturating_sub(self.started.0);
        let fault = self.fault.as_ref().map(|(code, at)| json!({ "code": code, "at": at }));
        let mut shown = Map::new();
        let state = if self.ended.is_some() { "done" } else { "running" };
        shown.insert("run".into(), self.number.into());
        shown.insert("state".into(), state.into());
        shown.insert("started_at".into(), self.started.0.into());
        shown.insert("ended_at".into(), self.ended.map(|at| at.0).into());
        shown.insert("seconds".into(), (millis as f64 / 1_000.0).into());
        for (name, figure) in NAMES.iter().zip(self.counts.0) {
            shown.insert((*name).into(), figure.into());
        }
        shown.insert("register".into(), self.known.into());
        shown.insert("fault".into(), fault.into());
        shown
    }
}

pub(super) fn migrate(db: &Tx<'_>) -> Result<(), Fault> {
    db.migrate(MIGRATIONS)
}

/// Whether there are tables. Reading writes nothing.
pub(super) fn exists(db: &Database) -> Result<bool, Fault> {
    db.has_table("run")
}

/// The newest runs first.
pub(super) fn runs(db: &Database, limit: u64) -> Result<Vec<Run>, Fault> {
    let rows = db.rows(
        "SELECT number, started, ended, place, upto, fault, fault_at, known, listed, taken_on, rung, orphans,
         deleted, damaged, vanished, foreign_keys, failed FROM run ORDER BY number DESC LIMIT ?",
        vec![integer(limit)],
    )?;
    let run = |mut row: crate::platform::sql::Row| {
        let mut run = Run {
            number: row.integer()?,
            started: UnixMillis(row.integer()?),
            ended: row.optional_integer()?.map(UnixMillis),
            place: row.text()?,
            upto: row.blob()?.and_then(letter_of),
            fault: row.optional_text()?.zip(row.optional_integer()?),
            known: row.optional_integer()?,
            counts: Counts::default(),
        };
        for figure in &mut run.counts.0 {
            *figure = row.integer()?;
        }
        Ok(run)
    };
    rows.into_iter().map(run).collect()
}

/// The run that is going on.
pub(super) fn going(db: &Database) -> Result<Option<Run>, Fault> {
    Ok(runs(db, 1)?.into_iter().find(|run| run.ended.is_none()))
}

/// Begins a run.
pub(super) fn begin(db: &Tx<'_>, now: UnixMillis) -> Result<(), Fault> {
    db.run(
        "INSERT INTO run (number, started, place, listed, taken_on, rung, orphans, deleted, damaged, vanished,
         foreign_keys, failed) SELECT coalesce(max(number), 0) + 1, ?, '', 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM run",
        vec![integer(now.0)],
    )?;
    let kept = "DELETE FROM run WHERE number <= (SELECT max(number) FROM run) - ?";
    db.run(kept, vec![integer(KEPT_RUNS)])
}

/// What a stretch came to.
pub(super) struct Progress {
    /// Letters that the register shall know, and when they are due.
    pub(super) known: Vec<Known>,
    /// Letters that it shall forget.
    pub(super) gone: Vec<LetterId>,
    pub(super) counts: Counts,
    /// Where the next stretch begins, in the bucket and in the register.
    pub(super) place: String,
    pub(super) upto: Option<LetterId>,
}

/// Notes what a stretch came to, all or nothing.
pub(super) fn advance(db: &Tx<'_>, run: u64, done: &Progress) -> Result<(), Fault> {
    for Known { letter, due } in &done.known {
        db.run(
            "INSERT INTO register (letter, due) VALUES (?, ?) ON CONFLICT (letter) DO UPDATE SET due = excluded.due",
            vec![blob(*letter), integer(due.0)],
        )?;
    }
    for letter in &done.gone {
        db.run("DELETE FROM register WHERE letter = ?", vec![blob(*letter)])?;
    }
    let figures = done.counts.0.map(integer);
    let place = [Value::String(done.place.clone()), done.upto.map_or(Value::Null, blob), integer(run)];
    db.run(
        "UPDATE run SET listed = listed + ?, taken_on = taken_on + ?, rung = rung + ?, orphans = orphans + ?,
         deleted = deleted + ?, damaged = damaged + ?, vanished = vanished + ?, foreign_keys = foreign_keys + ?,
         failed = failed + ?, place = ?, upto = ? WHERE number = ?",
        figures.into_iter().chain(place).collect(),
    )
}

/// Ends the run.
pub(super) fn end(db: &Tx<'_>, run: u64, now: UnixMillis) -> Result<(), Fault> {
    db.run(
        "UPDATE run SET ended = ?, known = (SELECT count(*) FROM register) WHERE number = ?",
        vec![integer(now.0), integer(run)],
    )
}

/// Notes what held the run up.
pub(super) fn held_up(db: &Tx<'_>, run: u64, code: &str, now: UnixMillis) -> Result<(), Fault> {
    db.run(
        "UPDATE run SET fault = ?, fault_at = ? WHERE number = ?",
        vec![Value::String(code.to_owned()), integer(now.0), integer(run)],
    )
}

/// When the run before this one began; this one itself if it is the first.
pub(super) fn began_before(db: &Database, run: &Run) -> Result<UnixMillis, Fault> {
    let before = "SELECT max(started) FROM run WHERE number < ?";
    let began = match db.rows(before, vec![integer(run.number)])?.first_mut() {
        Some(row) => row.optional_integer()?,
        None => None,
    };
    Ok(began.map_or(run.started, UnixMillis))
}

/// The register behind `after`, up to and with `last` (to its end without one), at most `limit` letters.
pub(super) fn register(
    db: &Database,
    after: Option<LetterId>,
    last: Option<LetterId>,
    limit: u64,
) -> Result<Vec<Known>, Fault> {
    // An empty blob comes before every other, and 17 bytes of ones behind every letter.
    let after = after.map_or(Value::Blob(Vec::new()), blob);
    let last = last.map_or(Value::Blob(vec![0xff; 17]), blob);
    let rows = db.rows(
        "SELECT letter, due FROM register WHERE letter > ? AND letter <= ? ORDER BY letter LIMIT ?",
        vec![after, last, integer(limit)],
    )?;
    let known = |mut row: crate::platform::sql::Row| {
        let letter = row.blob()?.and_then(letter_of);
        let letter = letter.ok_or_else(|| Fault::new("sql_row", "not a letter's id"))?;
        Ok(Known { letter, due: UnixMillis(row.integer()?) })
    };
    rows.into_iter().map(known).collect()
}

fn blob(letter: LetterId) -> Value {
    Value::Blob(letter.as_bytes().to_vec())
}

fn letter_of(bytes: Vec<u8>) -> Option<LetterId> {
    bytes.try_into().ok().map(LetterId)
}
