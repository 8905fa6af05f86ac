//! The Durable Object: loads facts, has `crate::ledger` decide, writes the decision in one transaction, answers.

use data_encoding::HEXLOWER;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::client::{Ask, ChainView, EventView, Kept, Outcome, Record, Reply, Sealed, What};
use super::store::{self, Letter};
use crate::edge::bucket::Letters;
use crate::edge::error::Fault;
use crate::edge::settings::Settings;
use crate::edge::sql::Database;
use crate::edge::{alarm, clock, log, random};
use crate::ledger::{
    Actor, Answer, Command, Deadline, Decision, Details, Entropy, Event, LetterKey, Snapshot, StoredEvent,
    decide, verify_chain_exact,
};
use crate::seal::{MAX_MANIFEST, Manifest, body_key, manifest_key};
use crate::types::{LetterId, UnixMillis};

/// After a fault the alarm rings again in a quarter of an hour.
const ALARM_AGAIN_MILLIS: u64 = 15 * 60 * 1000;

/// The ledger of one letter.
#[durable_object(alarm)]
pub struct LetterLedger {
    state: State,
    env: Env,
}

/// What the bucket says of a letter that the ledger does not know yet.
enum Found {
    Missing,
    Damaged(&'static str),
    /// The manifest, its object, and the entity tag of the body.
    Whole(Box<Manifest>, Vec<u8>, String),
}

impl DurableObject for LetterLedger {
    fn new(state: State, env: Env) -> Self {
        Self { state, env }
    }

    async fn fetch(&self, mut request: Request) -> worker::Result<Response> {
        match self.reply(&mut request).await {
            Ok(reply) => Response::from_json(&reply),
            Err(fault) => {
                log::fault("ledger", &fault);
                Response::error(fault.code, 500)
            }
        }
    }

    /// Rings at the letter's end and at the end of its retention.
    async fn alarm(&self) -> worker::Result<Response> {
        match self.ring().await {
            Ok(()) => Response::empty(),
            Err(fault) => {
                log::fault("ledger_alarm", &fault);
                // The platform gives up on an alarm after a few quick tries; expiry and erasure must come to pass.
                let later = UnixMillis(clock::now().0.saturating_add(ALARM_AGAIN_MILLIS));
                match self.alarm_at(later).await {
                    Ok(()) => Response::empty(),
                    Err(_) => Err(worker::Error::RustError(fault.code.to_owned())),
                }
            }
        }
    }
}

impl LetterLedger {
    async fn reply(&self, request: &mut Request) -> Result<Reply, Fault> {
        let ask: Ask = serde_json::from_str(&request.text().await?)?;
        let settings = Settings::load(&self.env)?;
        let db = Database::new(&self.state);
        if store::load(&db)?.is_none() {
            match self.look(&settings, ask.letter).await? {
                Found::Missing => return Ok(Reply::bare(Outcome::Missing)),
                Found::Damaged(code) => return Ok(Reply::bare(Outcome::Damaged { code: code.to_owned() })),
                Found::Whole(manifest, object, etag) => {
                    self.take_on(&settings, &db, &manifest, object, etag).await?;
                }
            }
        }
        // From here on nothing awaits: no other request can come between reading and writing.
        let letter =
            store::load(&db)?.ok_or_else(|| Fault::new("ledger_row", "gone after it was written"))?;
        if letter.snapshot.letter != ask.letter {
            return Err(Fault::new("ledger_row", "another letter"));
        }
        let sealed = match (&letter.manifest, &letter.body_etag) {
            (Some(object), Some(etag)) => match Manifest::open(object, ask.letter, &settings.keyring) {
                Ok((manifest, kid)) => Some(Sealed { manifest, kid, body_etag: etag.clone() }),
                // Its key was dropped from the keyring. The letter is lost, but a no, a cancellation and the end of its
                // time are recorded all the same.
                Err(error) if needs_letter(&ask.what) => {
                    return Ok(Reply::bare(Outcome::Damaged { code: error.code().to_owned() }));
                }
                Err(_) => None,
            },
            _ => None,
        };
        let outcome = match ask.what {
            What::Show => Outcome::Shown(show(&settings, &db, &letter)?),
            What::Do(command) => run(&settings, &db, letter, &command, &ask.details)?,
            What::Keep => {
                self.ring().await?;
                self.ring().await?;
                let snapshot = store::load(&db)?.map(|letter| letter.snapshot);
                let due = snapshot.as_ref().and_then(Snapshot::deadline).map(|deadline| match deadline {
                    Deadline::Expire(at) | Deadline::Erase(at) => at,
                });
                Outcome::Kept(Kept { due, over: snapshot.and_then(|it| it.over), told: true })
            }
            What::Erase { by } => {
                let bucket = Letters::open(&self.env)?;
                bucket.delete(&manifest_key(ask.letter)).await?;
                bucket.delete(&body_key(ask.letter)).await?;
                let Some(letter) = store::load(&db)? else { return Ok(Reply::bare(Outcome::Missing)) };
                run(&settings, &db, letter, &Command::Erase { by }, &Details::default())?
            }
        };
        Ok(Reply { outcome, letter: sealed })
    }

    /// Reads the manifest and checks that the body is there in full length.
    async fn look(&self, settings: &Settings, letter: LetterId) -> Result<Found, Fault> {
        let bucket = Letters::open(&self.env)?;
        let object = match bucket.read(&manifest_key(letter), MAX_MANIFEST as u64).await {
            Ok(Some(object)) => object,
            Ok(None) => return Ok(Found::Missing),
            Err(fault) if fault.code == "object_too_large" => {
                return Ok(Found::Damaged("manifest_too_large"));
            }
            Err(fault) => return Err(fault),
        };
        let manifest = match Manifest::open(&object, letter, &settings.keyring) {
            Ok((manifest, _)) => manifest,
            Err(error) => return Ok(Found::Damaged(error.code())),
        };
        if let Some((code, _)) = settings.cannot_honour(&manifest) {
            return Ok(Found::Damaged(code));
        }
        match bucket.head(&body_key(letter)).await? {
            None => Ok(Found::Damaged("body_missing")),
            Some(body) if manifest.check_body(body.size).is_err() => Ok(Found::Damaged("body_length")),
            Some(body) => Ok(Found::Whole(Box::new(manifest), object, body.etag)),
        }
    }

    /// Opens the ledger: tables, key, first event and alarm, unless a concurrent request just did.
    async fn take_on(
        &self,
        settings: &Settings,
        db: &Database,
        manifest: &Manifest,
        object: Vec<u8>,
        body_etag: String,
    ) -> Result<(), Fault> {
        let letter = manifest.letter;
        let key = LetterKey::new(&mut random::bytes()?);
        let wrapped = key
            .wrap(settings.keyring.active(), letter, random::bytes()?)
            .map_err(|e| Fault::new(e.code(), e))?;
        let command = Command::Seal {
            not_after: manifest.not_after,
            retention_days: u32::from(manifest.retention_days),
        };
        let details = Details { sha256: Some(manifest.sha256.to_string()), ..Details::default() };
        let decision = decide(&Snapshot::new(letter), &command, clock::now(), &entropy()?);
        let finished = decision.finish(&details, Some(&key)).map_err(|e| Fault::new(e.code(), e))?;
        let alarm = finished.snapshot.deadline();
        let row = Letter {
            snapshot: finished.snapshot,
            key: Some(wrapped),
            manifest: Some(object),
            body_etag: Some(body_etag),
        };
        db.transaction(|db| {
            if store::load(db)?.is_some() {
                return Ok(());
            }
            store::migrate(db)?;
            store::save(db, &row, &finished.events)
        })?;
        self.set_alarm(alarm).await
    }

    async fn set_alarm(&self, deadline: Option<Deadline>) -> Result<(), Fault> {
        let at = match deadline {
            Some(Deadline::Expire(at) | Deadline::Erase(at)) => at,
            None => return Ok(()),
        };
        self.alarm_at(at).await
    }

    async fn alarm_at(&self, at: UnixMillis) -> Result<(), Fault> {
        alarm::set(&self.state, at).await
    }

    async fn ring(&self) -> Result<(), Fault> {
        let settings = Settings::load(&self.env)?;
        let db = Database::new(&self.state);
        let Some(letter) = store::load(&db)? else { return Ok(()) };
        let id = letter.snapshot.letter;
        match letter.snapshot.deadline() {
            Some(Deadline::Expire(_)) => {
                run(&settings, &db, letter, &Command::Expire, &Details::default())?;
            }
            Some(Deadline::Erase(at)) if at <= clock::now() => {
                let bucket = Letters::open(&self.env)?;
                bucket.delete(&manifest_key(id)).await?;
                bucket.delete(&body_key(id)).await?;
                let Some(letter) = store::load(&db)? else { return Ok(()) };
                run(&settings, &db, letter, &Command::Erase { by: Actor::System }, &Details::default())?;
            }
            Some(Deadline::Erase(_)) | None => {}
        }
        let next = store::load(&db)?.and_then(|letter| letter.snapshot.deadline());
        self.set_alarm(next).await
    }
}

fn entropy() -> Result<Entropy, Fault> {
    Ok(Entropy::from_bytes(random::bytes::<{ Entropy::BYTES }>()?))
}

/// Whether the answer would show or send something of the letter.
fn needs_letter(what: &What) -> bool {
    matches!(what, What::Do(Command::Open { .. } | Command::Consent { .. } | Command::Report { .. }))
}

/// The key of the personal details; `None` when it was erased, or when the site key that wraps it was dropped from the
/// keyring. Then the log says so, and what happens is recorded without details.
fn letter_key(settings: &Settings, letter: &Letter) -> Option<LetterKey> {
    match letter.key.as_ref()?.unwrap(&settings.keyring, letter.snapshot.letter) {
        Ok(key) => Some(key),
        Err(error) => {
            log::fault("letter_key", &Fault::new(error.code(), error));
            None
        }
    }
}

/// Decides, and records what was decided before it is answered.
fn run(
    settings: &Settings,
    db: &Database,
    letter: Letter,
    command: &Command,
    details: &Details,
) -> Result<Outcome, Fault> {
    let decision: Decision = decide(&letter.snapshot, command, clock::now(), &entropy()?);
    let changed = decision.changed();
    if !changed && decision.next == letter.snapshot {
        return Ok(Outcome::Decided { answer: decision.answer, changed });
    }
    let key = letter_key(settings, &letter);
    if key.is_none() && matches!(command, Command::Consent { .. }) {
        // A consent whose evidence cannot be kept is none.
        return Err(Fault::new("letter_key", "no key for the evidence of a consent"));
    }
    let finished = decision.finish(details, key.as_ref()).map_err(|e| Fault::new(e.code(), e))?;
    let erased = finished.answer == Answer::Erased;
    let row = Letter {
        snapshot: finished.snapshot,
        key: letter.key.filter(|_| !erased),
        manifest: letter.manifest.filter(|_| !erased),
        body_etag: letter.body_etag.filter(|_| !erased),
    };
    db.transaction(|db| {
        store::migrate(db)?;
        store::save(db, &row, &finished.events)
    })?;
    Ok(Outcome::Decided { answer: finished.answer, changed })
}

fn show(settings: &Settings, db: &Database, letter: &Letter) -> Result<Record, Fault> {
    let rows = store::events(db)?;
    let snapshot = &letter.snapshot;
    let verdict = verify_chain_exact(snapshot.letter, &rows, &snapshot.head);
    let key = letter_key(settings, letter);
    let events = rows.iter().map(|row| view(snapshot.letter, row, key.as_ref())).collect();
    Ok(Record {
        letter: snapshot.letter,
        state: snapshot.state,
        over: snapshot.over.map(|over| over.as_str().to_owned()),
        chain: ChainView {
            verified: verdict.is_ok(),
            head: HEXLOWER.encode(&snapshot.head.hash),
            length: rows.len() as u64,
            broken: verdict.err().map(|broken| broken.to_string()),
        },
        events,
    })
}

fn view(letter: LetterId, row: &StoredEvent, key: Option<&LetterKey>) -> EventView {
    // A row that does not parse is shown as it is: the chain's verdict names it.
    let event = Event::try_from(row).ok();
    let details = key.zip(event.as_ref()).and_then(|(key, event)| key.open(letter, event).ok().flatten());
    EventView {
        seq: row.seq,
        id: event.map(|event| event.id.to_string()).unwrap_or_default(),
        kind: row.kind.clone(),
        at: row.at,
        actor: row.actor.clone(),
        terms: row.terms.as_ref().map(|terms| HEXLOWER.encode(terms)),
        prev: HEXLOWER.encode(&row.prev),
        hash: HEXLOWER.encode(&row.hash),
        details,
    }
}
