//! A sentinel's tables: numbered migrations, one row for each client with points, ban and event.

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use worker::SqlStorageValue as Value;

use super::memory::{Memory, Writes};
use super::object::{INDEX, PUBLISHER};
use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::outbox::{self, OUTBOX_TABLE};
use crate::platform::random;
use crate::platform::sql::{Database, Row, Tx};
use waxseal::guard::strikes::{BanRecord, Event, EventKind, Journal, Watched};
use waxseal::guard::{Change, ClientKey, Network, NetworkError};
use waxseal::ledger::EventId;
use waxseal::types::{UnixMillis, UnixSeconds};
use waxseal::webhook::SiteEvent;

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[&[
    "CREATE TABLE watched (
        client TEXT PRIMARY KEY,
        clear_at INTEGER NOT NULL,
        forget_at INTEGER NOT NULL,
        strikes INTEGER NOT NULL,
        path_hash BLOB NOT NULL
    ) WITHOUT ROWID, STRICT",
    "CREATE TABLE ban (
        target TEXT PRIMARY KEY,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL,
        reason TEXT NOT NULL,
        asn INTEGER,
        dry_run INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT",
    "CREATE TABLE event (
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        target TEXT NOT NULL,
        reason TEXT NOT NULL,
        asn INTEGER,
        forget_at INTEGER NOT NULL
    ) STRICT",
    OUTBOX_TABLE,
    FAILURE_TABLE,
]];

/// So many rows are read, and so many deleted, by one statement.
const AT_ONCE: usize = 1_000;

/// Numbers from here on do not come back from a double as they were.
const TOO_LARGE: u64 = 1 << 53;

fn integer(value: u64) -> Result<Value, Fault> {
    if value < TOO_LARGE {
        Ok(Value::Float(value as f64))
    } else {
        Err(Fault::new("sentinel_row", "too large"))
    }
}

fn optional(value: Option<u32>) -> Result<Value, Fault> {
    value.map_or(Ok(Value::Null), |value| integer(u64::from(value)))
}

fn text(value: impl ToString) -> Value {
    Value::String(value.to_string())
}

/// Whether the tables are there. Looking writes nothing, so that a question leaves no storage behind.
pub(super) fn exists(db: &Database) -> Result<bool, Fault> {
    db.has_table("schema")
}

/// Brings the tables up to date.
pub(super) fn migrate(db: &Tx<'_>) -> Result<(), Fault> {
    db.migrate(MIGRATIONS)
}

/// Everything that is on disk, where the tables are there.
pub(super) fn restore(db: &Database) -> Result<Memory, Fault> {
    let mut memory = Memory::new();
    let state = &mut memory.state;
    each(
        db,
        "SELECT client, clear_at, forget_at, strikes, path_hash FROM watched WHERE client > ? ORDER BY client LIMIT ?",
        |key, row| {
            let watched = Watched {
                clear_at: UnixMillis(row.integer()?),
                forget_at: UnixSeconds(row.integer()?),
                strikes: u32::try_from(row.integer()?).unwrap_or(u32::MAX),
                path_hash: row.blob()?.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_be_bytes),
            };
            state.take_in(Change::Watch(client(key)?, watched));
            Ok(())
        },
    )?;
    each(
        db,
        "SELECT target, since, until, reason, asn, dry_run FROM ban WHERE target > ? ORDER BY target LIMIT ?",
        |key, row| {
            let ban = BanRecord {
                since: UnixSeconds(row.integer()?),
                until: UnixSeconds(row.integer()?),
                reason: named(&row.text()?)?,
                asn: row.optional_integer()?.and_then(|asn| u32::try_from(asn).ok()),
                dry_run: row.integer()? != 0,
            };
            state.take_in(Change::Ban(network(key)?, ban));
            Ok(())
        },
    )?;
    let events =
        db.rows("SELECT seq, at, kind, target, reason, asn, forget_at FROM event ORDER BY seq", vec![])?;
    let events = events.into_iter().map(event).collect::<Result<Vec<Event>, Fault>>()?;
    memory.journal = Journal::restore(Journal::CAP, events);
    memory.find_next_end();
    memory.migrated = true;
    Ok(memory)
}

/// Writes what changed.
pub(super) fn save(db: &Tx<'_>, writes: &Writes) -> Result<(), Fault> {
    // Rows that go come in long runs: a day's end is 150,000 of them at worst.
    let table = |change: &Change| gone(change).map(|(statement, _)| statement);
    for run in writes.changes.chunk_by(|a, b| table(a).is_some() && table(a) == table(b)) {
        match run.first().and_then(table) {
            Some(statement) => {
                let keys: Vec<String> = run.iter().filter_map(gone).map(|(_, key)| key).collect();
                for keys in keys.chunks(AT_ONCE) {
                    db.run(statement, vec![Value::String(serde_json::to_string(keys)?)])?;
                }
            }
            None => run.iter().try_for_each(|change| put(db, change))?,
        }
    }
    for event in &writes.events {
        let Event { seq, at, kind, target, reason, asn, forget_at } = event;
        db.run(
            "INSERT INTO event (seq, at, kind, target, reason, asn, forget_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            vec![
                integer(*seq)?,
                integer(at.0)?,
                text(kind.code()),
                text(target),
                text(reason.code()),
                optional(*asn)?,
                integer(forget_at.0)?,
            ],
        )?;
    }
    for numbers in writes.forgotten.chunks(AT_ONCE) {
        db.run(
            "DELETE FROM event WHERE seq IN (SELECT value FROM json_each(?))",
            vec![Value::String(serde_json::to_string(numbers)?)],
        )?;
    }
    for event in writes.events.iter().filter(|event| event.kind == EventKind::NetworkBanned) {
        let Event { seq, at, target, forget_at, .. } = event;
        let id = EventId::v7(*at, random::bytes()?);
        let told = SiteEvent::network_banned(id, *at, *target, *forget_at);
        outbox::push(db, INDEX, &(*seq, told))?;
    }
    writes.dirty.iter().try_for_each(|dirty| outbox::push(db, PUBLISHER, dirty))
}

/// How rows like this one are deleted, and its key; `None` for one that is kept.
fn gone(change: &Change) -> Option<(&'static str, String)> {
    match change {
        Change::Unwatch(client) => {
            Some(("DELETE FROM watched WHERE client IN (SELECT value FROM json_each(?))", client.to_string()))
        }
        Change::Unban(target) => {
            Some(("DELETE FROM ban WHERE target IN (SELECT value FROM json_each(?))", target.to_string()))
        }
        Change::Watch(..) | Change::Ban(..) => None,
    }
}

fn put(db: &Tx<'_>, change: &Change) -> Result<(), Fault> {
    match change {
        Change::Watch(client, watched) => db.run(
            "INSERT OR REPLACE INTO watched (client, clear_at, forget_at, strikes, path_hash) VALUES (?, ?, ?, ?, ?)",
            vec![
                text(client),
                integer(watched.clear_at.0)?,
                integer(watched.forget_at.0)?,
                integer(u64::from(watched.strikes))?,
                Value::Blob(watched.path_hash.to_be_bytes().to_vec()),
            ],
        ),
        Change::Ban(target, ban) => db.run(
            "INSERT OR REPLACE INTO ban (target, since, until, reason, asn, dry_run) VALUES (?, ?, ?, ?, ?, ?)",
            vec![
                text(target),
                integer(ban.since.0)?,
                integer(ban.until.0)?,
                text(ban.reason.code()),
                optional(ban.asn)?,
                integer(u64::from(ban.dry_run))?,
            ],
        ),
        Change::Unwatch(_) | Change::Unban(_) => Ok(()),
    }
}

/// Reads a table by and by: `select` takes the last key and a limit, and its first column is the key.
fn each(
    db: &Database,
    select: &str,
    mut take: impl FnMut(&str, &mut Row) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut last = String::new();
    loop {
        let rows = db.rows(select, vec![text(&last), integer(AT_ONCE as u64)?])?;
        let whole = rows.len() == AT_ONCE;
        for mut row in rows {
            last = row.text()?;
            take(&last, &mut row)?;
        }
        if !whole {
            return Ok(());
        }
    }
}

fn event(mut row: Row) -> Result<Event, Fault> {
    Ok(Event {
        seq: row.integer()?,
        at: UnixMillis(row.integer()?),
        kind: named(&row.text()?)?,
        target: network(&row.text()?)?,
        reason: named(&row.text()?)?,
        asn: row.optional_integer()?.and_then(|asn| u32::try_from(asn).ok()),
        forget_at: UnixSeconds(row.integer()?),
    })
}

fn client(text: &str) -> Result<ClientKey, Fault> {
    text.parse().map_err(|_| Fault::new("sentinel_row", "not a client"))
}

fn network(text: &str) -> Result<Network, Fault> {
    // The message of some of these errors holds the address.
    text.parse().map_err(|error: NetworkError| Fault::new("sentinel_row", error.code()))
}

/// What a stored code stands for.
fn named<T: DeserializeOwned>(code: &str) -> Result<T, Fault> {
    let code: StrDeserializer<'_, serde::de::value::Error> = code.into_deserializer();
    T::deserialize(code).map_err(|_| Fault::new("sentinel_row", "an unknown code"))
}
