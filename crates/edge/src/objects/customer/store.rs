//! A customer's tables: a row for each letter, and one for the moment at which the customer asked to be erased.

use worker::SqlStorageValue as Value;

use super::messages::{Letters, Listed};
use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::sql::{Database, Row, Tx, integer};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE letter (
        id BLOB PRIMARY KEY,
        issued_at INTEGER NOT NULL,
        tried INTEGER NOT NULL
    ) STRICT",
        "CREATE INDEX letter_issued_at ON letter (issued_at)",
        "CREATE TABLE erasure (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        before INTEGER NOT NULL
    ) STRICT",
    ],
    &["ALTER TABLE erasure ADD COLUMN erased INTEGER NOT NULL DEFAULT 0", FAILURE_TABLE],
];

/// The most letters on one list.
pub(super) const MAX_LIST: u64 = 100;

/// Whether anything was ever kept here. Reading writes nothing, so that a look-up leaves no storage behind.
pub(super) fn exists(db: &Database) -> Result<bool, Fault> {
    db.has_table("letter")
}

/// Brings the tables up to date.
pub(super) fn migrate(db: &Tx<'_>) -> Result<(), Fault> {
    db.migrate(MIGRATIONS)
}

/// What is written.
pub(super) enum Write {
    /// A letter, unless it is there.
    Letter(LetterId, UnixSeconds),
    /// The letter is gone.
    Gone(LetterId),
    /// Its erasure did not succeed; others come first next time.
    Tried(LetterId),
    /// The moment before which every letter is to be erased. It never moves back.
    Erasure(UnixMillis),
}

/// Writes.
pub(super) fn save(db: &Tx<'_>, write: &Write) -> Result<(), Fault> {
    let id = |letter: &LetterId| Value::Blob(letter.as_bytes().to_vec());
    match write {
        Write::Letter(letter, issued_at) => db.run(
            "INSERT INTO letter (id, issued_at, tried) VALUES (?, ?, 0) ON CONFLICT (id) DO NOTHING",
            vec![id(letter), integer(issued_at.0)],
        ),
        Write::Gone(letter) => {
            // Counted where the customer asked for it. Its ledger may have told of it already: then it is not here twice.
            let counted = "UPDATE erasure SET erased = erased + (SELECT count(*) FROM letter WHERE id = ?)";
            db.run(counted, vec![id(letter)])?;
            db.run("DELETE FROM letter WHERE id = ?", vec![id(letter)])
        }
        Write::Tried(letter) => db.run("UPDATE letter SET tried = tried + 1 WHERE id = ?", vec![id(letter)]),
        // Dates are those of registration at the latest, so that this means all that were there, and none that come after:
        // whoever asks again how far it is names the same moment.
        Write::Erasure(before) => db.run(
            "INSERT INTO erasure (one, before) VALUES (1, ?)
             ON CONFLICT (one) DO UPDATE SET before = max(before, excluded.before)",
            vec![integer(before.0)],
        ),
    }
}

/// Letters issued in this second or earlier are to be erased. `None` when the customer never asked.
pub(super) fn erase_until(db: &Database) -> Result<Option<UnixSeconds>, Fault> {
    let mut rows = db.rows("SELECT before FROM erasure LIMIT 1", vec![])?;
    let Some(row) = rows.first_mut() else { return Ok(None) };
    Ok(Some(UnixMillis(row.integer()?).seconds()))
}

/// How many letters were erased since the customer asked for it.
pub(super) fn erased(db: &Database) -> Result<u64, Fault> {
    let mut rows = db.rows("SELECT erased FROM erasure LIMIT 1", vec![])?;
    rows.first_mut().map_or(Ok(0), Row::integer)
}

/// The newest letters issued at `since` or later.
pub(super) fn letters(db: &Database, since: UnixSeconds) -> Result<Letters, Fault> {
    let mut letters = db
        .rows(
            "SELECT id, issued_at FROM letter WHERE issued_at >= ? ORDER BY issued_at DESC, id DESC LIMIT ?",
            vec![integer(since.0), integer(MAX_LIST.saturating_add(1))],
        )?
        .into_iter()
        .map(|mut row| Ok(Listed { letter: letter(&mut row)?, issued_at: UnixSeconds(row.integer()?) }))
        .collect::<Result<Vec<_>, Fault>>()?;
    let more = letters.len() as u64 > MAX_LIST;
    letters.truncate(MAX_LIST as usize);
    Ok(Letters { letters, more })
}

/// How many letters are to be erased.
pub(super) fn doomed(db: &Database, until: UnixSeconds) -> Result<u64, Fault> {
    let mut rows = db.rows("SELECT count(*) FROM letter WHERE issued_at <= ?", vec![integer(until.0)])?;
    rows.first_mut().map_or(Ok(0), Row::integer)
}

/// Some letters that are to be erased; those that were tried least come first.
pub(super) fn next_doomed(db: &Database, until: UnixSeconds, limit: u64) -> Result<Vec<LetterId>, Fault> {
    let statement = "SELECT id FROM letter WHERE issued_at <= ? ORDER BY tried, issued_at LIMIT ?";
    db.rows(statement, vec![integer(until.0), integer(limit)])?.iter_mut().map(letter).collect()
}

/// Whether nothing is worth keeping: no letter, and no erasure that later letters must know of.
pub(super) fn is_empty(db: &Database) -> Result<bool, Fault> {
    let kept = "SELECT 1 WHERE EXISTS (SELECT 1 FROM letter) OR EXISTS (SELECT 1 FROM erasure)";
    Ok(db.rows(kept, vec![])?.is_empty())
}

fn letter(row: &mut Row) -> Result<LetterId, Fault> {
    let bytes = row.blob()?.and_then(|bytes| bytes.try_into().ok());
    bytes.map(LetterId).ok_or_else(|| Fault::new("sql_row", "not a letter's id"))
}
