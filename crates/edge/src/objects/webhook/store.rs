//! An endpoint's tables: itself, the messages that wait, and those that are over. Each message is a row, and its attempts are in it.

use serde::{Deserialize, Serialize};
use worker::SqlStorageValue as Value;

use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::outbox::OUTBOX_TABLE;
use crate::platform::sql::{Database, Row, Tx, integer};
use waxseal::api::{Attempt, Delivery, DeliveryPage};
use waxseal::ledger::EventId;
use waxseal::types::{Kid, LetterId, UnixMillis};
use waxseal::webhook::{EventType, Health, Message, Waiting, WebhookId};

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[
    &[
        "CREATE TABLE endpoint (one INTEGER PRIMARY KEY CHECK (one = 1), about TEXT NOT NULL) STRICT",
        // Two tables, so that the few that wait are found without an index.
        "CREATE TABLE waiting (
        number INTEGER PRIMARY KEY,
        event BLOB NOT NULL,
        kind TEXT NOT NULL,
        letter BLOB,
        body TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        first_at INTEGER,
        tried_at INTEGER,
        attempts INTEGER NOT NULL,
        due INTEGER NOT NULL,
        log TEXT NOT NULL
    ) STRICT",
        "CREATE TABLE done (
        number INTEGER PRIMARY KEY,
        event BLOB NOT NULL,
        kind TEXT NOT NULL,
        letter BLOB,
        body TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        log TEXT NOT NULL,
        state TEXT NOT NULL,
        at INTEGER NOT NULL
    ) STRICT",
        OUTBOX_TABLE,
        FAILURE_TABLE,
    ],
    &["ALTER TABLE waiting ADD COLUMN released INTEGER NOT NULL DEFAULT 0"],
];

/// Messages that wait at most: more stay in the feed until there is room.
pub(super) const MAX_WAITING: u64 = 10_000;
/// A message that is over is kept for at most so many that came behind it,
const MAX_DONE: u64 = 200_000;
/// and no longer than this, if it arrived,
const DELIVERED_MS: u64 = 7 * DAY_MS;
/// or was given up.
const GIVEN_UP_MS: u64 = 30 * DAY_MS;
pub(super) const DAY_MS: u64 = 86_400_000;
/// Secrets that sign besides the newest; of more the oldest ends early.
const MAX_OLD_SECRETS: usize = 8;
/// Attempts that are kept of a message.
const MAX_LOG: usize = 20;

/// Words for the states of what is over.
pub(super) const DELIVERED: &str = "delivered";
pub(super) const GIVEN_UP: &str = "given_up";

/// Sealed under a site key.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SealedSecret {
    pub(super) kid: Kid,
    pub(super) bytes: Vec<u8>,
}

/// The endpoint.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Endpoint {
    pub(super) id: WebhookId,
    pub(super) url: String,
    pub(super) kinds: Option<Vec<EventType>>,
    pub(super) description: String,
    pub(super) created_at: UnixMillis,
    /// Why nothing is sent.
    pub(super) disabled: Option<String>,
    pub(super) secret: SealedSecret,
    /// Those before, the oldest first, and until when each signs, too.
    #[serde(default)]
    pub(super) old_secrets: Vec<(SealedSecret, UnixMillis)>,
    /// The last entry of the feed that it has heard of.
    pub(super) heard: u64,
    /// The last number of a message.
    pub(super) last: u64,
    pub(super) health: Health,
    /// That it fails was told.
    pub(super) failing_told: bool,
    /// When old messages were deleted last.
    pub(super) pruned_at: UnixMillis,
}

impl Endpoint {
    /// The secrets before that still sign, the oldest first, and until when each does.
    pub(super) fn old_secrets(&self, now: UnixMillis) -> impl Iterator<Item = &(SealedSecret, UnixMillis)> {
        self.old_secrets.iter().filter(move |(_, until)| now < *until)
    }

    /// Takes another secret. Who rotates twice may have deployed neither of the new ones: all before go on signing, each to its own end.
    pub(super) fn rotate(&mut self, new: SealedSecret, now: UnixMillis, until: UnixMillis) {
        self.old_secrets.retain(|(_, until)| now < *until);
        self.old_secrets.push((core::mem::replace(&mut self.secret, new), until));
        let surplus = self.old_secrets.len().saturating_sub(MAX_OLD_SECRETS);
        self.old_secrets.drain(..surplus);
    }
}

/// A message that waits, to be sent.
pub(super) struct Ready {
    pub(super) id: EventId,
    pub(super) body: String,
    pub(super) first_at: Option<UnixMillis>,
    pub(super) attempts: u32,
    pub(super) log: Vec<Attempt>,
}

/// Whether there is an endpoint. Reading writes nothing.
pub(super) fn exists(db: &Database) -> Result<bool, Fault> {
    db.has_table("endpoint")
}

/// The endpoint, if there is one.
pub(super) fn endpoint(db: &Database) -> Result<Option<Endpoint>, Fault> {
    if !exists(db)? {
        return Ok(None);
    }
    let rows = db.rows("SELECT about FROM endpoint LIMIT 1", vec![])?;
    rows.into_iter().next().map(|mut row| Ok(serde_json::from_str(&row.text()?)?)).transpose()
}

/// Writes the endpoint, into tables that are up to date.
pub(super) fn save(tx: &Tx<'_>, endpoint: &Endpoint) -> Result<(), Fault> {
    tx.migrate(MIGRATIONS)?;
    let about = Value::String(serde_json::to_string(endpoint)?);
    tx.run("INSERT OR REPLACE INTO endpoint (one, about) VALUES (1, ?)", vec![about])
}

/// The messages that wait, the oldest first.
pub(super) fn waiting(db: &Database) -> Result<Vec<Waiting>, Fault> {
    let all = "SELECT number, letter, attempts, tried_at, released, due FROM waiting ORDER BY number";
    let one = |mut row: Row| {
        Ok(Waiting {
            number: row.integer()?,
            letter: letter(&mut row)?,
            attempts: small(row.integer()?),
            tried_at: row.optional_integer()?.map(UnixMillis),
            released: row.integer()? > 0,
            due: UnixMillis(row.integer()?),
        })
    };
    db.rows(all, vec![])?.into_iter().map(one).collect()
}

/// How many wait.
pub(super) fn count_waiting(db: &Database) -> Result<u64, Fault> {
    db.rows("SELECT count(*) FROM waiting", vec![])?.first_mut().map_or(Ok(0), Row::integer)
}

/// The message of this number, if it still waits.
pub(super) fn ready(db: &Database, number: u64) -> Result<Option<Ready>, Fault> {
    let one = "SELECT event, body, first_at, attempts, log FROM waiting WHERE number = ?";
    let rows = db.rows(one, vec![integer(number)])?;
    let ready = |mut row: Row| {
        Ok(Ready {
            id: event(&mut row)?,
            body: row.text()?,
            first_at: row.optional_integer()?.map(UnixMillis),
            attempts: small(row.integer()?),
            log: serde_json::from_str(&row.text()?)?,
        })
    };
    rows.into_iter().next().map(ready).transpose()
}

/// A message that is to be sent now.
pub(super) fn add(tx: &Tx<'_>, number: u64, message: &Message, now: UnixMillis) -> Result<(), Fault> {
    tx.run(
        "INSERT INTO waiting (number, event, kind, letter, body, created_at, attempts, due, log) VALUES (?, ?, ?, ?, ?, ?, 0, ?, '[]')",
        vec![
            integer(number),
            Value::Blob(message.id.as_bytes().to_vec()),
            Value::String(message.kind.as_str().to_owned()),
            message.letter.map_or(Value::Null, |letter| Value::Blob(letter.as_bytes().to_vec())),
            Value::String(message.body.clone()),
            integer(now.0),
            integer(now.0),
        ],
    )
}

/// It failed, and waits as `it` says.
pub(super) fn put_off(tx: &Tx<'_>, it: &Waiting, ready: &Ready, now: UnixMillis) -> Result<(), Fault> {
    tx.run(
        "UPDATE waiting SET first_at = ?, tried_at = ?, attempts = ?, released = ?, due = ?, log = ? WHERE number = ?",
        vec![
            integer(ready.first_at.unwrap_or(now).0),
            it.tried_at.map_or(Value::Null, |at| integer(at.0)),
            integer(it.attempts.into()),
            integer(it.released.into()),
            integer(it.due.0),
            log(ready)?,
            integer(it.number),
        ],
    )
}

/// It is over, with this state.
pub(super) fn finish(
    tx: &Tx<'_>,
    number: u64,
    ready: &Ready,
    state: &str,
    now: UnixMillis,
) -> Result<(), Fault> {
    over(tx, ("number = ?", integer(number)), Some(log(ready)?), state, now)
}

/// Those that wait and are meant are given up; answers how many.
pub(super) fn give_up(tx: &Tx<'_>, which: Which, now: UnixMillis) -> Result<u64, Fault> {
    let (clause, value) = match which {
        Which::All => ("number >= ?", integer(0)),
        Which::CreatedBy(at) => ("created_at <= ?", integer(at.0)),
    };
    let before = count_waiting(tx)?;
    over(tx, (clause, value), None, GIVEN_UP, now)?;
    Ok(before.saturating_sub(count_waiting(tx)?))
}

/// Which messages are meant.
pub(super) enum Which {
    All,
    CreatedBy(UnixMillis),
}

/// Moves those that are meant; with another log than they have, if there is one.
fn over(
    tx: &Tx<'_>,
    (clause, value): (&str, Value),
    log: Option<Value>,
    state: &str,
    now: UnixMillis,
) -> Result<(), Fault> {
    tx.run(
        &format!(
            "INSERT INTO done (number, event, kind, letter, body, created_at, log, state, at)
             SELECT number, event, kind, letter, body, created_at, coalesce(?1, log), ?2, ?3 FROM waiting WHERE {}",
            clause.replace('?', "?4")
        ),
        vec![
            log.unwrap_or(Value::Null),
            Value::String(state.to_owned()),
            integer(now.0),
            value.clone(),
        ],
    )?;
    tx.run(&format!("DELETE FROM waiting WHERE {clause}"), vec![value])
}

/// The numbers of messages that are over and meant, the oldest first, with when they were made.
pub(super) fn replayable(
    db: &Database,
    one: Option<EventId>,
    since: UnixMillis,
    until: UnixMillis,
    limit: u64,
) -> Result<Vec<(u64, UnixMillis)>, Fault> {
    let found = match one {
        Some(id) => db.rows(
            "SELECT number, created_at FROM done WHERE event = ? ORDER BY number DESC LIMIT 1",
            vec![Value::Blob(id.as_bytes().to_vec())],
        )?,
        None => db.rows(
            "SELECT number, created_at FROM done WHERE created_at >= ? AND created_at <= ? ORDER BY number LIMIT ?",
            vec![integer(since.0), integer(until.0), integer(limit)],
        )?,
    };
    found.into_iter().map(|mut row| Ok((row.integer()?, UnixMillis(row.integer()?)))).collect()
}

/// A message of this id that still waits is sent now; whether there is one.
pub(super) fn hurry(tx: &Tx<'_>, id: EventId, now: UnixMillis) -> Result<bool, Fault> {
    let event = || Value::Blob(id.as_bytes().to_vec());
    let found = !tx.rows("SELECT 1 FROM waiting WHERE event = ? LIMIT 1", vec![event()])?.is_empty();
    tx.run("UPDATE waiting SET due = ? WHERE event = ?", vec![integer(now.0), event()])?;
    Ok(found)
}

/// A message that is over waits again, as number `number`, as if it had never been sent; its attempts stay on record.
pub(super) fn revive(tx: &Tx<'_>, old: u64, number: u64, now: UnixMillis) -> Result<(), Fault> {
    tx.run(
        "INSERT INTO waiting (number, event, kind, letter, body, created_at, attempts, due, log)
         SELECT ?1, event, kind, letter, body, created_at, 0, ?2, log FROM done WHERE number = ?3",
        vec![integer(number), integer(now.0), integer(old)],
    )?;
    tx.run("DELETE FROM done WHERE number = ?", vec![integer(old)])
}

/// Forgets what has been over for long.
pub(super) fn prune(tx: &Tx<'_>, last: u64, now: UnixMillis) -> Result<(), Fault> {
    let ago = |millis: u64| integer(now.0.saturating_sub(millis));
    tx.run(
        "DELETE FROM done WHERE number <= ?1 OR at < ?2 OR (state = 'delivered' AND at < ?3)",
        vec![integer(last.saturating_sub(MAX_DONE)), ago(GIVEN_UP_MS), ago(DELIVERED_MS)],
    )
}

/// Whether anything is kept that is over.
pub(super) fn has_done(db: &Database) -> Result<bool, Fault> {
    Ok(!db.rows("SELECT 1 FROM done LIMIT 1", vec![])?.is_empty())
}

/// A page of messages, the newest first.
pub(super) fn page(
    db: &Database,
    state: Option<&str>,
    after: Option<u64>,
    limit: u64,
) -> Result<DeliveryPage, Fault> {
    let columns = "number, event, kind, letter, created_at, log";
    let all = format!(
        "SELECT * FROM (SELECT {columns}, 'waiting' AS state, due FROM waiting UNION ALL SELECT {columns}, state, NULL FROM done)
         WHERE number < ?1 AND (?2 IS NULL OR state = ?2) ORDER BY number DESC LIMIT ?3"
    );
    let one = |mut row: Row| {
        let number = row.integer()?;
        let delivery = event(&mut row)?;
        let kind = row.text()?.parse().map_err(|e| Fault::new("webhook_kind", e))?;
        Ok(Delivery {
            delivery,
            number,
            kind,
            letter: letter(&mut row)?,
            created_at: UnixMillis(row.integer()?),
            attempts: serde_json::from_str(&row.text()?)?,
            state: row.text()?,
            due: row.optional_integer()?.map(UnixMillis),
        })
    };
    let state = state.map_or(Value::Null, |state| Value::String(state.to_owned()));
    // The largest integer that travels comes behind every number.
    let below = integer(after.unwrap_or((1 << 53) - 1));
    let rows = db.rows(&all, vec![below, state, integer(limit.saturating_add(1))])?;
    let mut deliveries = rows.into_iter().map(one).collect::<Result<Vec<_>, Fault>>()?;
    let more = deliveries.len() as u64 > limit;
    deliveries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = deliveries.last().map(|last| last.number).filter(|_| more);
    Ok(DeliveryPage { deliveries, next })
}

fn log(ready: &Ready) -> Result<Value, Fault> {
    let newest = ready.log.get(ready.log.len().saturating_sub(MAX_LOG)..).unwrap_or_default();
    Ok(Value::String(serde_json::to_string(newest)?))
}

fn event(row: &mut Row) -> Result<EventId, Fault> {
    let bytes = row.blob()?.and_then(|bytes| bytes.try_into().ok());
    bytes.map(EventId).ok_or_else(|| Fault::new("sql_row", "not an event's id"))
}

fn letter(row: &mut Row) -> Result<Option<LetterId>, Fault> {
    let Some(bytes) = row.blob()? else { return Ok(None) };
    bytes
        .try_into()
        .map(|bytes| Some(LetterId(bytes)))
        .map_err(|_| Fault::new("sql_row", "not a letter's id"))
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
