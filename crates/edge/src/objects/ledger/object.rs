//! The Durable Object: loads facts, has `waxseal::ledger` decide, writes the decision in one transaction, answers.

use core::cell::Cell;

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::client::{Ask, Kept, Outcome, Reply, Sealed, What};
use super::found::{Found, look};
use super::run::{needs_letter, run, take_on};
use super::store::{self, Letter};
use super::{chores, show};
use crate::platform::bucket::Letters;
use crate::platform::error::Fault;
use crate::platform::object::serve;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{alarm, clock, log};
use waxseal::lang::Lang;
use waxseal::ledger::{Actor, Answer, Command, Deadline, Details};
use waxseal::seal::{Manifest, body_key, manifest_key};
use waxseal::types::UnixMillis;

/// After a fault the alarm rings again in a quarter of an hour.
const ALARM_AGAIN_MILLIS: u64 = 15 * 60 * 1000;

/// The ledger of one letter.
#[durable_object(alarm)]
pub struct LetterLedger {
    state: State,
    env: Env,
    /// When the alarm rings, as far as this life of the object has set it.
    alarm: Cell<Option<UnixMillis>>,
    /// Chores that failed, in a row.
    failures: Cell<u32>,
    /// Whether the tables are known to be up to date.
    migrated: Cell<bool>,
}

impl DurableObject for LetterLedger {
    fn new(state: State, env: Env) -> Self {
        let (alarm, failures, migrated) = (Cell::new(None), Cell::new(0), Cell::new(false));
        Self { state, env, alarm, failures, migrated }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, Ask => reply)
    }

    /// Rings at the letter's end, at the end of its retention, and when there are chores.
    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.set(None);
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
    async fn reply(&self, mut ask: Ask) -> Result<Reply, Fault> {
        let settings = Settings::load(&self.env)?;
        let db = Database::new(&self.state);
        if self.load(&db)?.is_none() {
            match look(&self.env, &settings, ask.letter).await? {
                Found::Missing => return Ok(Reply::bare(Outcome::Missing)),
                Found::Damaged(code) => return Ok(Reply::bare(Outcome::Damaged { code: code.to_owned() })),
                Found::Whole(whole) => {
                    take_on(&settings, &db, &whole)?;
                    self.wake(&db).await?;
                }
            }
        }
        // From here on nothing awaits: no other request can come between reading and writing.
        let letter = self.there(&db)?;
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
        if let Some(sealed) = &sealed {
            complete(&mut ask, &sealed.manifest, settings.site.default_language);
        }
        let outcome = match ask.what {
            What::Show => Outcome::Shown(show::record(&settings, &db, &letter)?),
            What::Do(command) => {
                let outcome = run(&settings, &db, letter, &command, ask.by, &ask.details)?;
                if matches!(outcome, Outcome::Decided { changed: true, .. }) {
                    self.wake(&db).await?;
                }
                outcome
            }
            What::Brief => match &sealed {
                Some(sealed) => Outcome::Brief(show::brief(&db, &letter, &sealed.manifest)?),
                None => Outcome::Missing,
            },
            What::Receipt { consent } => {
                // Another row may be what cannot be brought there; whether this one is there is seen below.
                if let Err(fault) = self.bring_to_log(&db, &letter).await {
                    log::fault("receipt", &fault);
                }
                match show::receipt(&settings, &db, &self.there(&db)?, consent)? {
                    Some(facts) => Outcome::Receipt(facts),
                    None => Outcome::NoReceipt,
                }
            }
            What::Export => self.export(&settings, &db, letter, &ask.details).await?,
            What::Keep => self.keep(&settings, &db).await?,
            What::Erase => self.erase(&settings, &db, ask.by).await?,
        };
        let undoable_by = match &outcome {
            Outcome::Decided { answer: Answer::Refused | Answer::Withdrawn | Answer::Closed(_), .. } => {
                self.there(&db)?.snapshot.undoable(clock::now()).map(|(browser, _)| browser)
            }
            _ => None,
        };
        Ok(Reply { outcome, letter: sealed, undoable_by })
    }

    /// The letter's row, its tables brought up to date first.
    fn load(&self, db: &Database) -> Result<Option<Letter>, Fault> {
        if !self.migrated.get() && db.has_table("letter")? {
            db.transaction(store::migrate)?;
            self.migrated.set(true);
        }
        store::load(db)
    }

    fn there(&self, db: &Database) -> Result<Letter, Fault> {
        self.load(db)?.ok_or_else(|| Fault::new("ledger_row", "gone after it was written"))
    }

    /// Sets the alarm for what comes next. To be called in the same turn as the write that made it necessary: then both are
    /// on disk or neither is.
    async fn wake(&self, db: &Database) -> Result<(), Fault> {
        let now = clock::now();
        let Some(letter) = store::load(db)? else { return Ok(()) };
        let deadline = deadline(&letter);
        let chores = store::has_chores(db)?
            .then(|| UnixMillis(now.0.saturating_add(chores::wait_millis(self.failures.get()))));
        match (deadline, chores) {
            (Some(deadline), Some(chores)) => self.alarm_by(deadline.min(chores), now).await,
            (Some(at), None) | (None, Some(at)) => self.alarm_by(at, now).await,
            (None, None) => Ok(()),
        }
    }

    /// Leaves an alarm alone that rings earlier anyway.
    async fn alarm_by(&self, at: UnixMillis, now: UnixMillis) -> Result<(), Fault> {
        match self.alarm.get() {
            Some(set) if set <= at && set > now => Ok(()),
            _ => self.alarm_at(at).await,
        }
    }

    async fn alarm_at(&self, at: UnixMillis) -> Result<(), Fault> {
        self.alarm.set(Some(at));
        alarm::set(&self.state, at).await.inspect_err(|_| self.alarm.set(None))
    }

    async fn ring(&self) -> Result<(), Fault> {
        let settings = Settings::load(&self.env)?;
        let db = Database::new(&self.state);
        self.keep(&settings, &db).await.map(|_| ())
    }

    /// Does what is due and the chores. A chore that fails is tried again later and holds nothing up.
    async fn keep(&self, settings: &Settings, db: &Database) -> Result<Outcome, Fault> {
        // A bucket that refuses to delete keeps no event out of the log.
        let due = self.do_what_is_due(settings, db).await;
        let Some(letter) = self.load(db)? else { return due.map(|()| Outcome::Missing) };
        // Each for itself: one that fails does not keep the other from being done.
        let chores = [
            self.tell_customer(settings, db, &letter).await,
            chores::bring_to_log(&self.env, db, letter.snapshot.letter).await,
        ];
        let failed =
            chores.into_iter().filter_map(Result::err).inspect(|fault| log::fault("ledger_chores", fault));
        self.failures.set(if failed.count() == 0 { 0 } else { self.failures.get().saturating_add(1) });
        self.wake(db).await?;
        due?;
        let letter = self.there(db)?;
        let (due, over) = (deadline(&letter), letter.snapshot.over);
        Ok(Outcome::Kept(Kept { due, over, told: !store::has_chores(db)? }))
    }

    /// A customer who asked to be erased stays so: a letter that was issued before and is found later goes as well.
    async fn tell_customer(&self, settings: &Settings, db: &Database, letter: &Letter) -> Result<(), Fault> {
        let id = letter.snapshot.letter;
        let opened = |object: &Vec<u8>| Manifest::open(object, id, &settings.keyring).ok();
        let issued_at = letter.manifest.as_ref().and_then(opened).map(|(manifest, _)| manifest.issued_at);
        if !chores::tell_customer(&self.env, db, id, issued_at).await? {
            return Ok(());
        }
        self.erase(settings, db, Actor::Sender).await?;
        chores::tell_customer(&self.env, db, id, None).await.map(|_| ())
    }

    async fn do_what_is_due(&self, settings: &Settings, db: &Database) -> Result<(), Fault> {
        let nobody = Details::default();
        if let Some(letter) = self.load(db)?
            && let Some(Deadline::Expire(at)) = letter.snapshot.deadline()
            && at <= clock::now()
        {
            run(settings, db, letter, &Command::Expire, Actor::System, &nobody)?;
        }
        // A letter whose alarm was missed for long enough has both behind it.
        if let Some(letter) = self.load(db)?
            && let Some(Deadline::Erase(at)) = letter.snapshot.deadline()
            && at <= clock::now()
        {
            self.erase(settings, db, Actor::System).await?;
        }
        Ok(())
    }

    /// The objects first: what is on record as erased is gone. If that fails half way, the rest is done when it is tried again.
    async fn erase(&self, settings: &Settings, db: &Database, by: Actor) -> Result<Outcome, Fault> {
        let id = self.there(db)?.snapshot.letter;
        let bucket = Letters::open(&self.env)?;
        bucket.delete(&manifest_key(id)).await?;
        bucket.delete(&body_key(id)).await?;
        let outcome = run(settings, db, self.there(db)?, &Command::Erase, by, &Details::default())?;
        self.wake(db).await?;
        Ok(outcome)
    }

    async fn bring_to_log(&self, db: &Database, letter: &Letter) -> Result<(), Fault> {
        chores::bring_to_log(&self.env, db, letter.snapshot.letter).await
    }

    async fn export(
        &self,
        settings: &Settings,
        db: &Database,
        letter: Letter,
        details: &Details,
    ) -> Result<Outcome, Fault> {
        if let Some(broken) = show::record(settings, db, &letter)?.chain.broken {
            return Ok(Outcome::Broken { words: broken });
        }
        run(settings, db, letter, &Command::Export, Actor::Sender, details)?;
        self.wake(db).await?;
        self.bring_to_log(db, &self.there(db)?).await?;
        Ok(Outcome::Exported(show::exported(settings, db, &self.there(db)?)?))
    }
}

/// When the clock next does something to the letter.
fn deadline(letter: &Letter) -> Option<UnixMillis> {
    letter.snapshot.deadline().map(|(Deadline::Expire(at) | Deadline::Erase(at))| at)
}

/// The envelope's terms and language follow from the manifest, which the asking worker did not have: the same choice as it makes
/// when it shows them.
fn complete(ask: &mut Ask, manifest: &Manifest, default: Lang) {
    let Some(offer) = &ask.offer else { return };
    let letter = manifest.language.as_deref().and_then(Lang::from_tag);
    let lang = Lang::choose(offer.lang.as_deref(), letter, ask.details.accept_language.as_deref(), default);
    ask.details.language = Some(lang.tag().to_owned());
    if let What::Do(Command::Open { terms, .. }) = &mut ask.what {
        let pinned = manifest.terms.map(|terms| terms.0);
        *terms = pinned.or_else(|| offer.terms.get(lang as usize).map(|terms| terms.0));
    }
}
