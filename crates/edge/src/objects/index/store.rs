//! The index's tables: a row for each letter, one for what happened to it at a time, and one for each customer who asked to be erased.

use worker::SqlStorageValue as Value;

use super::messages::{CustomerLetters, ListLetters, Listed, UpdateLetter};
use super::runs;
use crate::platform::alarm::FAILURE_TABLE;
use crate::platform::error::Fault;
use crate::platform::log;
use crate::platform::object::{decode, encode};
use crate::platform::sql::{Database, Row, Tx, integer};
use waxseal::api::{EventPage, FeedEntry, LetterPage, LetterRow};
use waxseal::ledger::EndReason;
use waxseal::ledger::sweep::Known;
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[
    &[
        // `heard_at` is when the index first heard of the letter, `seq` the number of its last event that it has heard of, and `tried`
        // how often the letter could not be erased.
        "CREATE TABLE letter (
        id BLOB PRIMARY KEY,
        customer TEXT,
        reference TEXT,
        issued_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        over TEXT,
        due INTEGER,
        heard_at INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        tried INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID, STRICT",
        "CREATE INDEX letter_of_customer ON letter (customer, issued_at) WHERE customer IS NOT NULL",
        "CREATE INDEX letter_of_reference ON letter (reference) WHERE reference IS NOT NULL",
        // What a ledger told at a time: the events up to number `upto` of that letter.
        "CREATE TABLE feed (seq INTEGER PRIMARY KEY, letter BLOB NOT NULL, upto INTEGER NOT NULL, events BLOB NOT NULL) STRICT",
        "CREATE TABLE erasure (
        customer TEXT PRIMARY KEY,
        before INTEGER NOT NULL,
        erased INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT",
        "CREATE TABLE run (number INTEGER PRIMARY KEY, run TEXT NOT NULL) STRICT",
        FAILURE_TABLE,
    ],
    &[
        // Who is told of the feed, and up to which entry; and the last number that each who tells of the site said.
        "CREATE TABLE webhook (id BLOB PRIMARY KEY, told INTEGER NOT NULL) WITHOUT ROWID, STRICT",
        "CREATE TABLE source (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID, STRICT",
    ],
];

/// The most letters on one list.
const MAX_LIST: usize = 100;

/// The letters that are to be erased: for each customer who asked, those of the index. CROSS JOIN keeps that order: the other way round
/// it reads every letter of the site.
const DOOMED: &str = "FROM erasure CROSS JOIN letter ON letter.customer = erasure.customer AND letter.issued_at <= erasure.before / 1000";
/// Of these customers alone.
const DOOMED_OF: &str = "WHERE erasure.customer IN (SELECT value FROM json_each(?))";

/// Whether anything was ever kept here. Reading writes nothing.
pub(super) fn exists(db: &Database) -> Result<bool, Fault> {
    db.has_table("letter")
}

/// Writes, in one transaction, into tables that are up to date.
pub(super) fn write(db: &Database, mut body: impl FnMut(&Tx<'_>) -> Result<(), Fault>) -> Result<(), Fault> {
    db.transaction(|tx| {
        tx.migrate(MIGRATIONS)?;
        body(tx)
    })
}

/// Notes how a letter stands, and its events that the feed does not have: a row for each of the two, or none where both are known.
/// Nothing brings back what was erased.
pub(super) fn update(tx: &Tx<'_>, update: &UpdateLetter, now: UnixMillis) -> Result<(), Fault> {
    let letter = || blob(update.letter);
    let heard = tx.rows("SELECT seq FROM letter WHERE id = ? LIMIT 1", vec![letter()])?;
    let heard = match heard.into_iter().next() {
        Some(mut row) => row.integer()?,
        // A row that was lost; the feed was not.
        None if runs::going(tx)?.is_some_and(|run| run.rebuild) => {
            number(tx, "SELECT coalesce(max(upto), 0) FROM feed WHERE letter = ?", vec![letter()])?
        }
        None => 0,
    };
    if update.over == Some(EndReason::Erased) {
        count_erased(tx, update.letter)?;
    }
    let optional = |word: Option<&str>| word.map_or(Value::Null, |word| Value::String(word.to_owned()));
    // A sender's clock may be ahead; an erasure that is asked for now means this letter too.
    let issued_at = update.issued_at.unwrap_or(now.seconds()).min(now.seconds());
    tx.run(
        "INSERT INTO letter (id, customer, reference, issued_at, state, over, due, seq, heard_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, over = excluded.over, due = excluded.due, seq = excluded.seq
         WHERE excluded.seq >= seq AND (over IS NOT 'erased' OR excluded.over = 'erased')
         AND (state, over, due, seq) IS NOT (excluded.state, excluded.over, excluded.due, excluded.seq)",
        vec![
            letter(),
            optional(update.customer.as_deref()),
            optional(update.reference.as_deref()),
            integer(issued_at.0),
            Value::String(update.state.as_str().to_owned()),
            optional(update.over.map(EndReason::as_str)),
            update.due.map_or(Value::Null, |due| integer(due.0)),
            integer(update.seq),
            integer(now.0),
        ],
    )?;
    // Apart from the rest: a column that is set writes its index, whether it changes or not.
    tx.run(
        "UPDATE letter SET customer = ?2 WHERE id = ?1 AND customer IS NOT ?2 AND seq = ?3
         AND (?2 IS NULL OR over IS NOT 'erased')",
        vec![letter(), optional(update.customer.as_deref()), integer(update.seq)],
    )?;
    // Said with the first event alone.
    let reference = update.reference.as_deref().filter(|_| update.over != Some(EndReason::Erased));
    if reference.is_some() || update.over == Some(EndReason::Erased) {
        tx.run(
            "UPDATE letter SET reference = ?2 WHERE id = ?1 AND reference IS NOT ?2 AND (?2 IS NULL OR over IS NOT 'erased')",
            vec![letter(), optional(reference)],
        )?;
    }
    let new: Vec<_> = update.events.iter().filter(|event| event.seq > heard).collect();
    if new.is_empty() {
        return Ok(());
    }
    tx.run(
        "INSERT INTO feed (letter, upto, events) VALUES (?, ?, ?)",
        vec![letter(), integer(update.seq), Value::Blob(encode(&new)?)],
    )
}

/// Counts the letter where its customer asked for its erasure. To be called before the row forgets whose it is: so it is counted once.
fn count_erased(tx: &Tx<'_>, letter: LetterId) -> Result<(), Fault> {
    tx.run(
        "UPDATE erasure SET erased = erased + 1 WHERE customer = (SELECT customer FROM letter WHERE id = ?1)
         AND before / 1000 >= (SELECT issued_at FROM letter WHERE id = ?1)",
        vec![blob(letter)],
    )
}

/// The letter is erased; its ledger will say so, too.
pub(super) fn erased(tx: &Tx<'_>, letter: LetterId) -> Result<(), Fault> {
    count_erased(tx, letter)?;
    tx.run(
        "UPDATE letter SET customer = NULL, reference = NULL, over = 'erased', due = NULL WHERE id = ?",
        vec![blob(letter)],
    )
}

/// It could not be erased; others come first next time.
pub(super) fn not_erased(tx: &Tx<'_>, letter: LetterId) -> Result<(), Fault> {
    tx.run("UPDATE letter SET tried = tried + 1 WHERE id = ?", vec![blob(letter)])
}

/// There is no such letter.
pub(super) fn delete(tx: &Tx<'_>, letter: LetterId) -> Result<(), Fault> {
    tx.run("DELETE FROM letter WHERE id = ?", vec![blob(letter)])
}

/// The sweep has it from the letter's ledger, or wants to ask it again, when it is due.
pub(super) fn set_due(tx: &Tx<'_>, letter: LetterId, due: Option<UnixMillis>) -> Result<(), Fault> {
    let due = due.map_or(Value::Null, |due| integer(due.0));
    let set = "UPDATE letter SET due = ?2 WHERE id = ?1 AND due IS NOT ?2 AND over IS NOT 'erased'";
    tx.run(set, vec![blob(letter), due])
}

/// The customer of this name wants letters erased that were issued before this moment, which never moves back. Dates are those at
/// which the index heard of a letter at the latest, so that this means all that were there, and none that come after: whoever asks again
/// how far it is names the same moment.
pub(super) fn begin_erasure(tx: &Tx<'_>, name: &str, before: UnixMillis) -> Result<(), Fault> {
    tx.run(
        "INSERT INTO erasure (customer, before, erased) VALUES (?, ?, 0)
         ON CONFLICT (customer) DO UPDATE SET before = excluded.before WHERE excluded.before > before",
        vec![Value::String(name.to_owned()), integer(before.0)],
    )
}

/// How many letters of a customer were erased since they asked for it.
pub(super) fn count_of_erased(db: &Database, names: &[String]) -> Result<u64, Fault> {
    let sum =
        "SELECT coalesce(sum(erased), 0) FROM erasure WHERE customer IN (SELECT value FROM json_each(?))";
    number(db, sum, vec![list(names)?])
}

/// How many letters are to be erased: of a customer, or of all.
pub(super) fn doomed(db: &Database, names: Option<&[String]>) -> Result<u64, Fault> {
    let (of, values) = of_customers(names)?;
    number(db, &format!("SELECT count(*) {DOOMED} {of}"), values)
}

/// Some of them; those that were tried least come first.
pub(super) fn next_doomed(
    db: &Database,
    names: Option<&[String]>,
    limit: u64,
) -> Result<Vec<LetterId>, Fault> {
    let (of, mut values) = of_customers(names)?;
    values.push(integer(limit));
    let next = format!("SELECT letter.id {DOOMED} {of} ORDER BY letter.tried, letter.issued_at LIMIT ?");
    db.rows(&next, values)?.iter_mut().map(letter).collect()
}

fn of_customers(names: Option<&[String]>) -> Result<(&'static str, Vec<Value>), Fault> {
    Ok(match names {
        Some(names) => (DOOMED_OF, vec![list(names)?]),
        None => ("", Vec::new()),
    })
}

/// Whether this letter is to be erased.
pub(super) fn is_doomed(db: &Database, letter: LetterId) -> Result<bool, Fault> {
    let doomed = "SELECT 1 FROM letter JOIN erasure USING (customer) WHERE id = ? AND issued_at <= before / 1000 LIMIT 1";
    Ok(!db.rows(doomed, vec![blob(letter)])?.is_empty())
}

/// The newest letters of a customer that were issued at `since` or later.
pub(super) fn customer(
    db: &Database,
    names: &[String],
    since: UnixSeconds,
) -> Result<CustomerLetters, Fault> {
    let newest = "SELECT id, issued_at FROM letter LEFT JOIN erasure USING (customer)
         WHERE customer IN (SELECT value FROM json_each(?)) AND issued_at >= ? AND issued_at > coalesce(before / 1000, -1)
         ORDER BY issued_at DESC, id DESC LIMIT ?";
    let rows = db.rows(newest, vec![list(names)?, integer(since.0), integer(MAX_LIST as u64 + 1)])?;
    let listed =
        |mut row: Row| Ok(Listed { letter: letter(&mut row)?, issued_at: UnixSeconds(row.integer()?) });
    let mut letters = rows.into_iter().map(listed).collect::<Result<Vec<_>, Fault>>()?;
    let more = letters.len() > MAX_LIST;
    letters.truncate(MAX_LIST);
    Ok(CustomerLetters { letters, more })
}

/// A page of the letters.
pub(super) fn letters(db: &Database, ask: &ListLetters) -> Result<LetterPage, Fault> {
    let mut wanted =
        "SELECT id, coalesce(over, state), issued_at, due, seq FROM letter WHERE issued_at >= ?".to_owned();
    let mut values = vec![integer(ask.since.0)];
    let mut only = |clause: &str, value: Option<Value>| {
        if let Some(value) = value {
            wanted.push_str(clause);
            values.push(value);
        }
    };
    only(" AND issued_at < ?", ask.until.map(|until| integer(until.0)));
    only(" AND coalesce(over, state) = ?", ask.state.clone().map(Value::String));
    only(" AND customer IN (SELECT value FROM json_each(?))", ask.customer.as_deref().map(list).transpose()?);
    only(
        " AND reference IN (SELECT value FROM json_each(?))",
        ask.reference.as_deref().map(list).transpose()?,
    );
    only(" AND id < ?", ask.after.map(blob));
    only(" ORDER BY id DESC LIMIT ?", Some(integer(ask.limit.saturating_add(1))));
    let row = |mut row: Row| {
        Ok(LetterRow {
            letter: letter(&mut row)?,
            state: row.text()?,
            issued_at: UnixSeconds(row.integer()?),
            due: row.optional_integer()?.map(UnixMillis),
            events: row.integer()?,
        })
    };
    let mut letters = db.rows(&wanted, values)?.into_iter().map(row).collect::<Result<Vec<_>, Fault>>()?;
    let more = letters.len() as u64 > ask.limit;
    letters.truncate(usize::try_from(ask.limit).unwrap_or(usize::MAX));
    let next = letters.last().map(|last| last.letter).filter(|_| more);
    Ok(LetterPage { letters, next })
}

/// Entries of the feed. One that cannot be read is left out: it would hold up all that come behind it.
pub(super) fn events(db: &Database, after: u64, limit: u64) -> Result<EventPage, Fault> {
    let behind = "SELECT seq, letter, events FROM feed WHERE seq > ? ORDER BY seq LIMIT ?";
    let mut page = EventPage { entries: Vec::new(), next: after };
    for mut row in db.rows(behind, vec![integer(after), integer(limit)])? {
        let number = row.integer()?;
        page.next = number;
        match entry(number, row) {
            Ok(entry) => page.entries.push(entry),
            Err(fault) => {
                log::Line::new("feed_entry_broken").with("number", number).with("code", fault.code).error();
            }
        }
    }
    Ok(page)
}

/// What happened to the site has no letter.
fn entry(number: u64, mut row: Row) -> Result<FeedEntry, Fault> {
    let letter = row.blob()?.unwrap_or_default();
    let told = row.blob()?.unwrap_or_default();
    if letter.is_empty() {
        return Ok(FeedEntry { number, letter: None, events: Vec::new(), site: Some(decode(&told)?) });
    }
    let letter = letter.try_into().map_err(|_| Fault::new("sql_row", "not a letter's id"))?;
    Ok(FeedEntry { number, letter: Some(LetterId(letter)), events: decode(&told)?, site: None })
}

/// How many letters have something due.
pub(super) fn count_of_due(db: &Database) -> Result<u64, Fault> {
    number(db, "SELECT count(*) FROM letter WHERE due IS NOT NULL", vec![])
}

/// A stretch of the letters: behind the first of these, up to and with the last (to the end without one).
pub(super) type Stretch = (Option<LetterId>, Option<LetterId>);

/// The letters of a stretch, all or those that have something due; at most `limit`.
pub(super) fn known(db: &Database, stretch: Stretch, all: bool, limit: u64) -> Result<Vec<Known>, Fault> {
    // The largest integer that travels is never due.
    let due = match all {
        true => {
            "SELECT id, coalesce(due, 9007199254740991) FROM letter WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
        }
        false => {
            "SELECT id, due FROM letter WHERE id > ? AND id <= ? AND due IS NOT NULL ORDER BY id LIMIT ?"
        }
    };
    let known = |mut row: Row| Ok(Known { letter: letter(&mut row)?, due: UnixMillis(row.integer()?) });
    let [after, last] = ends(stretch);
    db.rows(due, vec![after, last, integer(limit)])?.into_iter().map(known).collect()
}

/// How many of them the index has known only since then.
pub(super) fn count_of_new(db: &Database, stretch: Stretch, since: UnixMillis) -> Result<u64, Fault> {
    let new = "SELECT count(*) FROM letter WHERE id > ? AND id <= ? AND due IS NOT NULL AND heard_at >= ?";
    let [after, last] = ends(stretch);
    number(db, new, vec![after, last, integer(since.0)])
}

/// An empty blob comes before every other, and 17 bytes of ones behind every letter.
fn ends((after, last): Stretch) -> [Value; 2] {
    [after.map_or(Value::Blob(Vec::new()), blob), last.map_or(Value::Blob(vec![0xff; 17]), blob)]
}

fn number(db: &Database, select: &str, values: Vec<Value>) -> Result<u64, Fault> {
    db.rows(select, values)?.first_mut().map_or(Ok(0), Row::integer)
}

/// Texts, for `json_each`.
fn list(names: &[String]) -> Result<Value, Fault> {
    Ok(Value::String(serde_json::to_string(names)?))
}

fn blob(letter: LetterId) -> Value {
    Value::Blob(letter.as_bytes().to_vec())
}

fn letter(row: &mut Row) -> Result<LetterId, Fault> {
    let bytes = row.blob()?.and_then(|bytes| bytes.try_into().ok());
    bytes.map(LetterId).ok_or_else(|| Fault::new("sql_row", "not a letter's id"))
}
