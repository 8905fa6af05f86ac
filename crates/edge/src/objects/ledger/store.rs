//! A ledger's tables: numbered migrations, one row for the letter, one for each event.

use worker::SqlStorageValue as Value;

use super::outbox::{INDEX, LOG};
use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::outbox::{self, OUTBOX_TABLE};
use crate::platform::sql::{Database, Row, Tx, integer};
use waxseal::ledger::{Deadline, EndReason, Event, Snapshot, StoredEvent, WrappedKey};
use waxseal::types::{Kid, UnixMillis};

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE letter (one INTEGER PRIMARY KEY CHECK (one = 1), snapshot TEXT NOT NULL, body_etag TEXT) STRICT",
    // Its number in the log is there once it is.
    "CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        kind TEXT NOT NULL,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        terms BLOB,
        sealed BLOB NOT NULL,
        prev BLOB NOT NULL,
        hash BLOB NOT NULL,
        entry INTEGER
    ) STRICT",
    // What erasure destroys, in a row of its own that is written once and never moves. A row that changes its length moves
    // about its page and leaves copies of itself behind, and no overwriting finds those.
    "CREATE TABLE secret (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        customer TEXT,
        key_kid INTEGER,
        key_wrapped BLOB,
        manifest BLOB
    ) STRICT",
    OUTBOX_TABLE,
    FAILURE_TABLE,
]];

/// The letter's row.
pub(super) struct Letter {
    pub(super) snapshot: Snapshot,
    /// Absent after erasure.
    pub(super) key: Option<WrappedKey>,
    /// The manifest object as it lay in the bucket; absent after erasure.
    pub(super) manifest: Option<Vec<u8>>,
    /// The entity tag of the body that the manifest was checked against; as the manifest.
    pub(super) body_etag: Option<String>,
}

impl Letter {
    /// When the clock next does something to the letter.
    pub(super) fn due(&self) -> Option<UnixMillis> {
        self.snapshot.deadline().map(|(Deadline::Expire(at) | Deadline::Erase(at))| at)
    }
}

/// The letter's row, or `None` in an object that never took a letter on. Reading writes nothing, so that a link to a
/// letter that does not exist leaves no storage behind.
pub(super) fn load(db: &Database) -> Result<Option<Letter>, Fault> {
    if !db.has_table("letter")? {
        return Ok(None);
    }
    let letter = "SELECT snapshot, body_etag, secret.key_kid, secret.key_wrapped, secret.manifest FROM letter LEFT JOIN secret USING (one) LIMIT 1";
    let mut rows = db.rows(letter, vec![])?;
    let Some(row) = rows.first_mut() else { return Ok(None) };
    let snapshot: Snapshot = serde_json::from_str(&row.text()?)?;
    let body_etag = row.optional_text()?;
    if snapshot.end_reason == Some(EndReason::Erased) {
        // Where they were are zeros.
        return Ok(Some(Letter { snapshot, key: None, manifest: None, body_etag: None }));
    }
    let kid = row.optional_integer()?;
    let wrapped = row.blob()?;
    let key = match (kid.and_then(|kid| u8::try_from(kid).ok()), wrapped) {
        (Some(kid), Some(bytes)) => {
            Some(WrappedKey::from_stored(Kid(kid), &bytes).map_err(|e| Fault::new(e.code(), e))?)
        }
        _ => None,
    };
    Ok(Some(Letter { snapshot, key, manifest: row.blob()?, body_etag }))
}

/// Brings the tables up to date.
pub(super) fn migrate(db: &Tx<'_>) -> Result<(), Fault> {
    db.migrate(MIGRATIONS)
}

/// Writes what erasure destroys; once, and in one statement.
pub(super) fn save_secret(db: &Tx<'_>, letter: &Letter, customer: Option<&str>) -> Result<(), Fault> {
    db.run(
        "INSERT INTO secret (one, customer, key_kid, key_wrapped, manifest) VALUES (1, ?, ?, ?, ?)",
        vec![
            customer.map_or(Value::Null, |name| Value::String(name.to_owned())),
            letter.key.as_ref().map_or(Value::Null, |key| integer(u64::from(key.kid.0))),
            letter.key.as_ref().map_or(Value::Null, |key| Value::Blob(key.bytes.to_vec())),
            letter.manifest.clone().map_or(Value::Null, Value::Blob),
        ],
    )
}

/// Overwrites the letter's key and its manifest in place: a value of the same length takes the very bytes of the page. The
/// zeros stay, for a page that is freed is not written any more.
pub(super) fn shred(db: &Tx<'_>) -> Result<(), Fault> {
    db.run(
        "UPDATE secret SET key_wrapped = zeroblob(length(key_wrapped)), manifest = zeroblob(length(manifest))",
        vec![],
    )
}

/// These events, in the order of the chain.
pub(super) fn events_of(db: &Database, seqs: impl Iterator<Item = u64>) -> Result<Vec<StoredEvent>, Fault> {
    let some = "SELECT seq, id, kind, at, actor, terms, sealed, prev, hash, entry FROM event
        WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq";
    let seqs = Value::String(serde_json::to_string(&seqs.collect::<Vec<_>>())?);
    db.rows(some, vec![seqs])?.into_iter().map(|row| event(row).map(|(event, _)| event)).collect()
}

/// Notes where events are in the log.
pub(super) fn note_entries(db: &Tx<'_>, entries: &[(u64, u64)]) -> Result<(), Fault> {
    entries.iter().try_for_each(|(seq, entry)| {
        db.run("UPDATE event SET entry = ? WHERE seq = ?", vec![integer(*entry), integer(*seq)])
    })
}

/// The name of the letter's customer. `None` when there is none, or no more.
pub(super) fn customer(db: &Database) -> Result<Option<String>, Fault> {
    let mut rows = db.rows("SELECT customer FROM secret LIMIT 1", vec![])?;
    let Some(row) = rows.first_mut() else { return Ok(None) };
    // Zeros when the index has heard of the erasure.
    Ok(row.optional_text()?.filter(|name| name.bytes().any(|c| c != b'0')))
}

/// The index has heard that the letter is erased: in place, as the key before it.
pub(super) fn shred_customer(db: &Tx<'_>) -> Result<(), Fault> {
    db.run("UPDATE secret SET customer = hex(zeroblob(length(customer) / 2))", vec![])
}

/// Writes the letter's row and the new events, and that the log and the index have to hear of them.
pub(super) fn save(db: &Tx<'_>, letter: &Letter, events: &[Event]) -> Result<(), Fault> {
    for event in events {
        db.run(
            "INSERT INTO event (seq, id, kind, at, actor, terms, sealed, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            vec![
                integer(event.seq),
                Value::Blob(event.id.as_bytes().to_vec()),
                Value::String(event.kind.as_str().to_owned()),
                integer(event.at.0),
                Value::String(event.actor.as_str().to_owned()),
                event.terms.map_or(Value::Null, |terms| Value::Blob(terms.to_vec())),
                Value::Blob(event.sealed.clone()),
                Value::Blob(event.prev.to_vec()),
                Value::Blob(event.hash.to_vec()),
            ],
        )?;
        outbox::push(db, LOG, &event.seq)?;
    }
    if let Some(first) = events.first() {
        outbox::push(db, INDEX, &first.seq)?;
    }
    db.run(
        "INSERT INTO letter (one, snapshot, body_etag) VALUES (1, ?, ?)
         ON CONFLICT (one) DO UPDATE SET snapshot = excluded.snapshot, body_etag = excluded.body_etag",
        vec![
            Value::String(serde_json::to_string(&letter.snapshot)?),
            letter.body_etag.clone().map_or(Value::Null, Value::String),
        ],
    )
}

/// Every event as it is stored. A ledger is bounded (`MAX_LEDGER_EVENTS`), so all of it fits in memory.
/// With each the number of its entry in the log, once it has one.
pub(super) fn events(db: &Database) -> Result<Vec<(StoredEvent, Option<u64>)>, Fault> {
    let all = "SELECT seq, id, kind, at, actor, terms, sealed, prev, hash, entry FROM event ORDER BY seq";
    db.rows(all, vec![])?.into_iter().map(event).collect()
}

fn event(mut row: Row) -> Result<(StoredEvent, Option<u64>), Fault> {
    let event = StoredEvent {
        seq: row.integer().unwrap_or(u64::MAX),
        id: bytes(&mut row),
        kind: row.text().unwrap_or_default(),
        at: row.integer().unwrap_or(u64::MAX),
        actor: row.text().unwrap_or_default(),
        terms: row.blob().unwrap_or_else(|_| Some(Vec::new())),
        sealed: bytes(&mut row),
        prev: bytes(&mut row),
        hash: bytes(&mut row),
    };
    Ok((event, row.optional_integer().unwrap_or_default()))
}

/// Somebody may have written behind our back, and what the table would not take. Such a value is no fault of the storage but a
/// broken line, and is named as one: nothing that is read in its place fits the event's hash.
fn bytes(row: &mut Row) -> Vec<u8> {
    row.blob().ok().flatten().unwrap_or_else(|| b"not a blob".to_vec())
}
