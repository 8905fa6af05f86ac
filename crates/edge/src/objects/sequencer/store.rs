//! The sequencer's tables: how the log stands, its entries in their order, and what each witness saw.

use serde::{Deserialize, Serialize};
use worker::SqlStorageValue as Value;

use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::sql::{Database, Tx, integer};
use waxseal::evidence::leaf::Leaf;
use waxseal::types::UnixMillis;

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE log (one INTEGER PRIMARY KEY CHECK (one = 1), standing TEXT NOT NULL) STRICT",
    "CREATE TABLE entry (number INTEGER PRIMARY KEY, slot BLOB NOT NULL, event BLOB NOT NULL) STRICT",
    "CREATE INDEX entry_by_slot ON entry (slot)",
    "CREATE TABLE witness (
        key TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        at INTEGER,
        lines TEXT NOT NULL
    ) STRICT",
    FAILURE_TABLE,
]];

/// How the log stands: the one row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Standing {
    /// The log's name since its first entry.
    pub(super) origin: String,
    /// Entries in the tree that was signed last.
    pub(super) size: u64,
    /// Its root, in base64; empty before the first.
    pub(super) root: String,
    /// The checkpoint that says so, as it was signed, without cosignatures; empty before the first.
    pub(super) note: String,
    pub(super) signed_at: Option<UnixMillis>,
    /// What the bucket has is not this.
    pub(super) unpublished: bool,
}

/// What is known of a witness.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Entries of the newest tree that it is known to have cosigned.
    pub(super) size: u64,
    /// When it last cosigned, by our clock.
    pub(super) at: Option<UnixMillis>,
    /// Its signature lines for that tree; empty when they are not known.
    pub(super) lines: String,
}

/// A place in the log that an entry got.
pub(super) struct Taken {
    pub(super) number: u64,
    /// Another event has the same slot: two histories of one letter.
    pub(super) forked: bool,
}

/// Brings the tables up to date.
pub(super) fn migrate(db: &Tx<'_>) -> Result<(), Fault> {
    db.migrate(MIGRATIONS)
}

/// How the log stands; `None` before its first entry. Reading writes nothing.
pub(super) fn load(db: &Database) -> Result<Option<Standing>, Fault> {
    if !db.has_table("log")? {
        return Ok(None);
    }
    match db.rows("SELECT standing FROM log LIMIT 1", vec![])?.first_mut() {
        Some(row) => Ok(Some(serde_json::from_str(&row.text()?)?)),
        None => Ok(None),
    }
}

pub(super) fn save(db: &Tx<'_>, standing: &Standing) -> Result<(), Fault> {
    db.run(
        "INSERT INTO log (one, standing) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET standing = excluded.standing",
        vec![Value::String(serde_json::to_string(standing)?)],
    )
}

/// Changes what is stored now, which may not be what a caller read before it awaited something.
pub(super) fn update(db: &Database, change: impl Fn(&mut Standing)) -> Result<(), Fault> {
    db.transaction(|db| match load(db)? {
        Some(mut standing) => {
            change(&mut standing);
            save(db, &standing)
        }
        None => Ok(()),
    })
}

/// How many entries have a number, in the tree or not yet.
pub(super) fn entries(db: &Database) -> Result<u64, Fault> {
    match db.rows("SELECT max(number) FROM entry", vec![])?.first_mut() {
        Some(row) => Ok(row.optional_integer()?.map_or(0, |last| last.saturating_add(1))),
        None => Ok(0),
    }
}

/// The entry's number: its own if it has one, else `next`.
pub(super) fn take(db: &Tx<'_>, leaf: &Leaf, next: u64) -> Result<Taken, Fault> {
    let slot = Value::Blob(leaf.slot.to_vec());
    let rows = db.rows(
        "SELECT number, event FROM entry WHERE slot = ? ORDER BY number LIMIT 1000",
        vec![slot.clone()],
    )?;
    let forked = !rows.is_empty();
    for mut row in rows {
        let number = row.integer()?;
        if row.blob()?.as_deref() == Some(leaf.event.as_slice()) {
            return Ok(Taken { number, forked: false });
        }
    }
    db.run(
        "INSERT INTO entry (number, slot, event) VALUES (?, ?, ?)",
        vec![integer(next), slot, Value::Blob(leaf.event.to_vec())],
    )?;
    Ok(Taken { number: next, forked })
}

/// At most `most` entries from this number on. A gap is a fault: the order of the log would be another.
pub(super) fn leaves(db: &Database, from: u64, most: u64) -> Result<Vec<Leaf>, Fault> {
    let rows = db.rows(
        "SELECT number, slot, event FROM entry WHERE number >= ? ORDER BY number LIMIT ?",
        vec![integer(from), integer(most)],
    )?;
    let mut leaves = Vec::with_capacity(rows.len());
    for (expected, mut row) in (from..).zip(rows) {
        if row.integer()? != expected {
            return Err(Fault::new("log_entry_missing", expected));
        }
        let (slot, event) = (row.blob()?.unwrap_or_default(), row.blob()?.unwrap_or_default());
        let (Ok(slot), Ok(event)) = (slot.try_into(), event.try_into()) else {
            return Err(Fault::new("log_entry_malformed", expected));
        };
        leaves.push(Leaf { slot, event });
    }
    Ok(leaves)
}

/// What is known of the witness with this verifier key.
pub(super) fn seen(db: &Database, key: &str) -> Result<Seen, Fault> {
    let mut rows = db.rows(
        "SELECT size, at, lines FROM witness WHERE key = ? LIMIT 1",
        vec![Value::String(key.to_owned())],
    )?;
    let Some(row) = rows.first_mut() else { return Ok(Seen::default()) };
    Ok(Seen { size: row.integer()?, at: row.optional_integer()?.map(UnixMillis), lines: row.text()? })
}

pub(super) fn note_seen(db: &Tx<'_>, key: &str, seen: &Seen) -> Result<(), Fault> {
    db.run(
        "INSERT OR REPLACE INTO witness (key, size, at, lines) VALUES (?, ?, ?, ?)",
        vec![
            Value::String(key.to_owned()),
            integer(seen.size),
            seen.at.map_or(Value::Null, |at| integer(at.0)),
            Value::String(seen.lines.clone()),
        ],
    )
}

impl Standing {
    /// A log without entries.
    pub(super) fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            size: 0,
            root: String::new(),
            note: String::new(),
            signed_at: None,
            unpublished: false,
        }
    }
}
