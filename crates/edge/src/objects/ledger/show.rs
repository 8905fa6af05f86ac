//! What a ledger tells of itself: to the sender, the auditor, the customer.

use data_encoding::HEXLOWER;

use super::messages::{Exported, Logged, ReceiptFacts, Summary};
use super::run::{letter_key, names_of};
use super::store::{self, Letter};
use crate::platform::error::Fault;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use waxseal::api::{ChainStatus, LetterEvent, LetterRecord};
use waxseal::evidence::Row;
use waxseal::ledger::{
    ConsentId, Event, Kind, LetterKey, Names, Snapshot, State, StoredEvent, verify_chain_exact,
};
use waxseal::seal::Manifest;
use waxseal::types::{LetterId, UnixMillis};

/// A day, in seconds.
const DAY: u64 = 86_400;

/// All of it, and whether the chain holds.
pub(super) fn record(settings: &Settings, db: &Database, letter: &Letter) -> Result<LetterRecord, Fault> {
    let rows = store::events(db)?;
    let snapshot = &letter.snapshot;
    let events: Vec<StoredEvent> = rows.iter().map(|(event, _)| event.clone()).collect();
    let verdict = verify_chain_exact(snapshot.letter, &events, &snapshot.head);
    let key = letter_key(settings, letter);
    let views = rows.iter().map(|(row, entry)| view(snapshot.letter, row, *entry, key.as_ref())).collect();
    Ok(LetterRecord {
        letter: snapshot.letter,
        state: snapshot.state,
        over: snapshot.end_reason,
        chain: ChainStatus {
            verified: verdict.is_ok(),
            head: HEXLOWER.encode(&snapshot.head.hash),
            length: rows.len() as u64,
            broken: verdict.err().map(|broken| broken.to_string()),
        },
        events: views,
    })
}

fn view(letter: LetterId, row: &StoredEvent, entry: Option<u64>, key: Option<&LetterKey>) -> LetterEvent {
    // A row that does not parse is shown as it is: the chain's verdict names it.
    let event = Event::try_from(row).ok();
    let sealed = row.kind == Kind::Sealed.as_str();
    let about = row.terms.as_ref().map(|about| HEXLOWER.encode(about));
    let details = key.zip(event.as_ref()).and_then(|(key, event)| key.open(letter, event).ok().flatten());
    LetterEvent {
        seq: row.seq,
        id: event.map(|event| event.id.to_string()).unwrap_or_default(),
        kind: row.kind.clone(),
        at: UnixMillis(row.at),
        actor: row.actor.clone(),
        terms: about.clone().filter(|_| !sealed),
        names: about.filter(|_| sealed),
        prev: HEXLOWER.encode(&row.prev),
        hash: HEXLOWER.encode(&row.hash),
        entry,
        details,
    }
}

fn retention_days(snapshot: &Snapshot) -> u16 {
    let kept = snapshot.delete_after.0.saturating_sub(snapshot.not_after.0);
    u16::try_from(kept / DAY).unwrap_or(u16::MAX)
}

/// An event with its entry, once it is in the log.
fn logged((row, entry): &(StoredEvent, Option<u64>)) -> Result<Logged, Fault> {
    let entry = entry.ok_or_else(|| Fault::new("log_behind", "an event is not in the log yet"))?;
    Ok(Logged { row: Row::from(row), entry })
}

/// The event that commits to what the letter is called, once it is in the log, and that; `None` once it is erased.
fn named(settings: &Settings, db: &Database, letter: &Letter) -> Result<Option<(Logged, Names)>, Fault> {
    let id = letter.snapshot.letter;
    let rows = store::events(db)?;
    let first = rows.first().filter(|(row, entry)| row.kind == Kind::Sealed.as_str() && entry.is_some());
    let manifest =
        letter.manifest.as_ref().and_then(|object| Manifest::open(object, id, &settings.keyring).ok());
    let (Some(first), Some((manifest, _)), Some(key)) = (first, manifest, letter_key(settings, letter))
    else {
        return Ok(None);
    };
    let details = Event::try_from(&first.0).ok().and_then(|event| key.open(id, &event).ok().flatten());
    let salt = details.and_then(|details| HEXLOWER.decode(details.names_salt?.as_bytes()).ok());
    let Some(salt) = salt.and_then(|salt| <[u8; 32]>::try_from(salt).ok()) else { return Ok(None) };
    let names = names_of(&manifest, salt);
    // A record from before there were names commits to none.
    if first.0.terms.as_deref() != Some(names.commitment(id).as_slice()) {
        return Ok(None);
    }
    Ok(Some((logged(first)?, names)))
}

/// Every event, and the key of the details as long as there is one.
pub(super) fn exported(settings: &Settings, db: &Database, letter: &Letter) -> Result<Exported, Fault> {
    let events = store::events(db)?.iter().map(logged).collect::<Result<_, _>>()?;
    let key = letter_key(settings, letter).map(|key| HEXLOWER.encode(key.disclose().as_slice()));
    let names = named(settings, db, letter)?.map(|(_, names)| names);
    Ok(Exported { events, names, key, retention_days: retention_days(&letter.snapshot) })
}

/// The events of the receipt of `consent`, or else of the refusal or of the consent that was withdrawn. `None` when there is
/// neither.
pub(super) fn receipt(
    settings: &Settings,
    db: &Database,
    letter: &Letter,
    consent: Option<ConsentId>,
    manifest: Option<Manifest>,
) -> Result<Option<ReceiptFacts>, Fault> {
    let rows = store::events(db)?;
    let last = |kind: Kind| rows.iter().rev().find(|(row, _)| row.kind == kind.as_str());
    let given = match (consent, letter.snapshot.state) {
        (Some(consent), _) => rows.iter().find(|(row, _)| {
            row.kind == Kind::ConsentGiven.as_str() && row.id == consent.as_bytes().as_slice()
        }),
        (None, State::Refused) => last(Kind::ConsentRefused),
        (None, State::Withdrawn) => last(Kind::ConsentGiven),
        (None, _) => None,
    };
    let Some(given) = given else { return Ok(None) };
    // A withdrawal that was taken back is none.
    let withdrawn = letter.snapshot.state == State::Withdrawn;
    let taken = last(Kind::ConsentWithdrawn).filter(|taken| withdrawn && taken.0.seq > given.0.seq);
    let language =
        letter_key(settings, letter).zip(Event::try_from(&given.0).ok()).and_then(|(key, event)| {
            key.open(letter.snapshot.letter, &event).ok().flatten().and_then(|details| details.language)
        });
    let events = core::iter::once(given).chain(taken).map(logged).collect::<Result<_, _>>()?;
    let retention_days = retention_days(&letter.snapshot);
    let ended = letter.snapshot.end_reason.is_some();
    // Whoever has nothing but the link is told no more of a closed letter than the closed page tells.
    let named = match consent {
        Some(_) => named(settings, db, letter)?,
        None => None,
    };
    Ok(Some(ReceiptFacts { events, named, language, retention_days, ended, manifest }))
}

/// How the letter stands.
pub(super) fn summary(snapshot: &Snapshot, manifest: Manifest) -> Summary {
    let Snapshot { state, end_reason, declined_by, not_after, .. } = *snapshot;
    Summary { manifest, state, end_reason, declined_by, not_after }
}
