//! The Durable Object: loads facts, has `waxseal::ledger` decide, writes the decision in one transaction, answers.

use std::cell::Cell;
use std::rc::Rc;

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::messages::{
    BrokenChain, Decide, Decided, EraseLetter, Erased, ExportEvidence, Exported, GetReceipt, NoLetter,
    ReceiptFacts, Reconcile, Reconciled, Sealed, ShowRecord, Summarise, Summary,
};
use super::outbox::{self, Named};
use super::run::{create, needs_letter, run};
use super::store::{self, Letter};
use super::{found, show};
use crate::platform::alarm::Alarm;
use crate::platform::bucket::Letters;
use crate::platform::error::Fault;
use crate::platform::object::serve;
use crate::platform::outbox::Topic;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{clock, intl};
use waxseal::api::{Code, LetterRecord};
use waxseal::lang::Lang;
use waxseal::ledger::{Actor, Command, Deadline, Details};
use waxseal::seal::{Manifest, body_key, manifest_key};
use waxseal::types::{LetterId, UnixMillis};

/// The ledger of one letter.
#[durable_object(alarm)]
pub struct LetterLedger {
    state: State,
    env: Env,
    alarm: Alarm,
    to_log: Topic<u64>,
    to_index: Topic<u64>,
    /// Whether the tables are known to be up to date.
    migrated: Cell<bool>,
}

/// A fault leaves the outcome open.
type Reply<T> = Result<Result<T, NoLetter>, Fault>;

/// A letter whose ledger was created.
struct There {
    settings: Rc<Settings>,
    db: Database,
    row: Letter,
    /// The letter itself; absent when it is erased, or when its key was dropped.
    sealed: Result<Sealed, NoLetter>,
}

impl DurableObject for LetterLedger {
    fn new(state: State, env: Env) -> Self {
        let (to_log, to_index) = (outbox::to_log(), outbox::to_index());
        Self { state, env, alarm: Alarm::new(outbox::BACKOFF), to_log, to_index, migrated: Cell::new(false) }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, Decide => decide, ShowRecord => show_record, Reconcile => reconcile, ExportEvidence => export,
            GetReceipt => receipt, Summarise => summarise, EraseLetter => erase_letter)
    }

    /// Rings at the letter's end, at the end of its retention, and when something waits in the outbox.
    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.fire(&self.state, "ledger_alarm", self.fire()).await
    }
}

impl LetterLedger {
    /// Takes the letter on where it is not, then does what is asked. From there on the ledger's own rows are read and written without
    /// an await between: no other request can come in between.
    async fn with<T>(&self, letter: LetterId, work: impl AsyncFnOnce(There) -> Reply<T>) -> Reply<T> {
        let settings = Settings::load(&self.env)?;
        let db = Database::new(&self.state);
        if self.load(&db)?.is_none() {
            match found::load(&self.env, &settings, letter).await? {
                Err(no_letter) => return Ok(Err(no_letter)),
                Ok(whole) => {
                    create(&settings, &db, &whole)?;
                    self.wake(&db).await?;
                }
            }
        }
        let row = self.there(&db)?;
        if row.snapshot.letter != letter {
            return Err(Fault::new("ledger_row", "another letter"));
        }
        let sealed = match (&row.manifest, &row.body_etag) {
            (Some(object), Some(etag)) => match Manifest::open(object, letter, &settings.keyring) {
                Ok((manifest, kid)) => {
                    // The end that it has since it was re-issued.
                    let manifest = Manifest { not_after: row.snapshot.not_after, ..manifest };
                    Ok(Sealed { manifest, kid, body_etag: etag.clone() })
                }
                Err(error) => Err(NoLetter::Damaged { code: Code::from(&error) }),
            },
            _ => Err(NoLetter::Missing),
        };
        work(There { settings, db, row, sealed }).await
    }

    async fn decide(&self, mut ask: Decide) -> Reply<Decided> {
        self.with(ask.letter, async |There { settings, db, row, sealed }| {
            let sealed = match sealed {
                Ok(sealed) => Some(sealed),
                // Its key was dropped from the keyring. The letter is lost, but a no, a cancellation and the end of its
                // time are recorded all the same.
                Err(damaged @ NoLetter::Damaged { .. }) if needs_letter(&ask.command) => {
                    return Ok(Err(damaged));
                }
                Err(_) => None,
            };
            if let Some(sealed) = &sealed {
                complete(&mut ask, &sealed.manifest, settings.site.default_language);
            }
            let decided = run(&settings, &db, row, &ask.command, ask.by, &ask.details)?;
            if decided.changed {
                self.wake(&db).await?;
            }
            Ok(Ok(Decided { letter: sealed, ..decided }))
        })
        .await
    }

    async fn show_record(&self, ask: ShowRecord) -> Reply<LetterRecord> {
        self.with(ask.letter, async |it| show::record(&it.settings, &it.db, &it.row).map(Ok)).await
    }

    async fn reconcile(&self, ask: Reconcile) -> Reply<Reconciled> {
        self.with(ask.letter, async |it| {
            if ask.retell {
                it.db.transaction(outbox::retell)?;
            }
            let done = self.reconciled(&it.settings, &it.db).await;
            self.wake(&it.db).await?;
            done.map(Ok)
        })
        .await
    }

    async fn summarise(&self, ask: Summarise) -> Reply<Summary> {
        self.with(ask.letter, async |it| {
            Ok(it.sealed.map(|sealed| show::summary(&it.row.snapshot, sealed.manifest)))
        })
        .await
    }

    async fn receipt(&self, ask: GetReceipt) -> Reply<Option<ReceiptFacts>> {
        self.with(ask.letter, async |There { settings, db, row, sealed }| {
            // Another row may be what cannot be brought there; whether this one is there is seen below.
            let _ = self.bring_to_log(&db, &row).await;
            let manifest = sealed.ok().map(|sealed| sealed.manifest);
            show::receipt(&settings, &db, &self.there(&db)?, ask.consent, manifest).map(Ok)
        })
        .await
    }

    async fn export(&self, ask: ExportEvidence) -> Reply<Result<Exported, BrokenChain>> {
        self.with(ask.letter, async |There { settings, db, row, .. }| {
            if let Some(words) = show::record(&settings, &db, &row)?.chain.broken {
                return Ok(Ok(Err(BrokenChain { words })));
            }
            run(&settings, &db, row, &Command::Export, Actor::Sender, &Details::default())?;
            self.wake(&db).await?;
            self.bring_to_log(&db, &self.there(&db)?).await?;
            Ok(Ok(Ok(show::exported(&settings, &db, &self.there(&db)?)?)))
        })
        .await
    }

    async fn erase_letter(&self, ask: EraseLetter) -> Reply<Erased> {
        self.with(ask.letter, async |it| self.erase(&it.settings, &it.db, ask.by).await.map(Ok)).await
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

    /// Sets the alarm for what comes next. To be called in the same turn as the write that made it necessary.
    async fn wake(&self, db: &Database) -> Result<(), Fault> {
        self.alarm.wake_by(&self.state, self.next(db)?).await
    }

    fn next(&self, db: &Database) -> Result<Option<UnixMillis>, Fault> {
        let Some(letter) = store::load(db)? else { return Ok(None) };
        let due = [letter.due(), self.to_log.due(db)?, self.to_index.due(db)?];
        Ok(due.into_iter().flatten().min())
    }

    async fn fire(&self) -> Result<Option<UnixMillis>, Fault> {
        let settings = Settings::load(&self.env)?;
        let db = Database::new(&self.state);
        if self.load(&db)?.is_some() {
            self.reconciled(&settings, &db).await?;
        }
        self.next(&db)
    }

    /// Does what is due, and delivers what others have not heard yet.
    async fn reconciled(&self, settings: &Settings, db: &Database) -> Result<Reconciled, Fault> {
        // A bucket that refuses to delete keeps no event out of the log.
        let due = self.do_what_is_due(settings, db).await;
        let letter = self.there(db)?;
        // Each for itself, logged and tried again later: one that fails does not keep the other from being done.
        let _ = self.tell_index(settings, db).await;
        let _ = self.bring_to_log(db, &letter).await;
        due?;
        let letter = self.there(db)?;
        let (due, end_reason) = (letter.due(), letter.snapshot.end_reason);
        let reported = self.to_log.due(db)?.is_none() && self.to_index.due(db)?.is_none();
        Ok(Reconciled { due, end_reason, reported })
    }

    /// A customer who asked to be erased stays so: a letter that was issued before and is found later goes as well. Until it is, the
    /// index is told again.
    async fn tell_index(&self, settings: &Settings, db: &Database) -> Result<(), Fault> {
        let send = async |waiting: Vec<(u64, u64)>| {
            let letter = self.there(db)?;
            let from = waiting.iter().map(|(_, seq)| *seq).min().unwrap_or(1);
            let opened =
                |object: &Vec<u8>| Manifest::open(object, letter.snapshot.letter, &settings.keyring).ok();
            let manifest = letter.manifest.as_ref().filter(|_| from == 1).and_then(opened);
            let named = manifest.map(|(manifest, kid)| {
                let reference = manifest.reference.as_deref();
                let name = |reference| settings.keyring.letter_name(kid, reference, intl::nfc);
                Named { issued_at: Some(manifest.issued_at), reference: reference.and_then(name) }
            });
            let named = named.unwrap_or_default();
            if outbox::update_index(&self.env, db, &letter, from, named).await? {
                self.erase(settings, db, Actor::Sender).await?;
            }
            Ok(waiting.into_iter().map(|(number, _)| number).collect())
        };
        self.to_index.deliver(db, send).await
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
    async fn erase(&self, settings: &Settings, db: &Database, by: Actor) -> Result<Erased, Fault> {
        let id = self.there(db)?.snapshot.letter;
        let bucket = Letters::open(&self.env)?;
        bucket.delete(&manifest_key(id)).await?;
        bucket.delete(&body_key(id)).await?;
        let decided = run(settings, db, self.there(db)?, &Command::Erase, by, &Details::default())?;
        self.wake(db).await?;
        Ok(Erased { changed: decided.changed })
    }

    async fn bring_to_log(&self, db: &Database, letter: &Letter) -> Result<(), Fault> {
        let id = letter.snapshot.letter;
        self.to_log.deliver(db, async |waiting| outbox::log_events(&self.env, db, id, waiting).await).await
    }
}

/// The envelope's terms and language follow from the manifest, which the asking worker did not have: the same choice as it makes
/// when it shows them.
fn complete(ask: &mut Decide, manifest: &Manifest, default: Lang) {
    let Some(offer) = &ask.offer else { return };
    let letter = manifest.language.as_deref().and_then(Lang::from_tag);
    let lang = Lang::choose(offer.lang.as_deref(), letter, ask.details.accept_language.as_deref(), default);
    ask.details.language = Some(lang.tag().to_owned());
    if let Command::Open { terms, .. } = &mut ask.command {
        let pinned = manifest.terms.map(|terms| terms.0);
        *terms = pinned.or_else(|| offer.terms.get(lang as usize).map(|terms| terms.0));
    }
}
