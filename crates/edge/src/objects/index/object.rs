//! The Durable Object: hears of letters, answers what there are, and sees erasures and the sweep through.

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::messages::{
    AddWebhook, BeginSweep, CountLetters, CustomerLetters, EraseCustomer, Erasing, ListCustomer, ListEvents,
    ListLetters, ListWebhooks, NoteEvent, RemoveWebhook, SweepStatus, UpdateLetter, Updated,
};
use super::runs::{self, Run, Runs};
use super::{store, sweep, webhooks};
use crate::objects::ledger::{self, EraseLetter, NoLetter};
use crate::platform::alarm::{Alarm, Backoff, after};
use crate::platform::error::Fault;
use crate::platform::object::serve;
use crate::platform::sql::Database;
use crate::platform::{clock, log, tasks};
use waxseal::api::{EventPage, LetterPage};
use waxseal::ledger::Actor;
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};
use waxseal::webhook::WebhookId;

/// Whoever waits for the feed sees after so long that there is more of it.
const LOOK: Duration = Duration::from_millis(500);

/// So many wait for the feed at most; each looks twice a second.
const MAX_WAITING: u32 = 100;

/// An erasure that was cut short goes on after so long.
const RESUME_MS: u64 = 30_000;
/// The next slice of an erasure that gets on.
const NEXT_SLICE_MS: u64 = 1_000;
/// Letters that are erased in one go.
const SLICE: u64 = 60;

/// What the alarm does: each waits for itself after it failed.
const ERASURE: &str = "index_erasure";
const ERASURE_BACKOFF: Backoff = Backoff { initial_ms: RESUME_MS, max_ms: 15 * 60_000 };
const WEBHOOKS: &str = "index_webhooks";
const WEBHOOKS_BACKOFF: Backoff = Backoff { initial_ms: 1_000, max_ms: 5 * 60_000 };
const SWEEP: &str = "index_sweep";
const SWEEP_BACKOFF: Backoff = Backoff { initial_ms: 5_000, max_ms: 15 * 60_000 };

/// The index of a site.
#[durable_object(alarm)]
pub struct Index {
    state: State,
    env: Env,
    db: Database,
    alarm: Alarm,
    /// How many wait for the feed.
    waiting: Cell<u32>,
}

/// One who waits for the feed, until it is dropped.
struct Waits<'a>(&'a Cell<u32>);

impl<'a> Waits<'a> {
    fn begin(count: &'a Cell<u32>) -> Self {
        count.set(count.get().saturating_add(1));
        Self(count)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl DurableObject for Index {
    fn new(state: State, env: Env) -> Self {
        Self {
            db: Database::new(&state),
            state,
            env,
            alarm: Alarm::new(SWEEP_BACKOFF),
            waiting: Cell::new(0),
        }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, UpdateLetter => update, ListLetters => list_letters, ListEvents => list_events, ListCustomer => list_customer, CountLetters => count,
            EraseCustomer => erase_customer, BeginSweep => begin_sweep, SweepStatus => sweep_status, NoteEvent => note_event,
            AddWebhook => add_webhook, RemoveWebhook => remove_webhook, ListWebhooks => list_webhooks)
    }

    /// Rings while letters are left to be erased, and while a sweep is going on.
    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.fire(&self.state, "index_alarm", self.fire()).await
    }
}

impl Index {
    async fn update(&self, update: UpdateLetter) -> Result<Updated, Fault> {
        store::write(&self.db, |tx| store::update(tx, &update, clock::now()))?;
        self.wake_for_webhooks().await?;
        let erase = store::is_doomed(&self.db, update.letter)?;
        if erase {
            // Whoever asks will erase it and say so. If they cannot, it is erased from here.
            self.wake_in(RESUME_MS).await?;
        }
        Ok(Updated { erase })
    }

    async fn note_event(&self, NoteEvent { source, number, event }: NoteEvent) -> Result<(), Fault> {
        webhooks::note(&self.db, &source, number, &event)?;
        self.wake_for_webhooks().await
    }

    async fn add_webhook(&self, AddWebhook { webhook }: AddWebhook) -> Result<bool, Fault> {
        webhooks::add(&self.db, webhook)
    }

    async fn remove_webhook(&self, RemoveWebhook { webhook }: RemoveWebhook) -> Result<(), Fault> {
        webhooks::remove(&self.db, webhook)
    }

    async fn list_webhooks(&self, _: ListWebhooks) -> Result<Vec<WebhookId>, Fault> {
        Ok(webhooks::list(&self.db)?.into_iter().map(|(id, _)| id).collect())
    }

    /// In the turn of the write that an endpoint has to hear of.
    async fn wake_for_webhooks(&self) -> Result<(), Fault> {
        if webhooks::anyone_behind(&self.db)? { self.wake_in(0).await } else { Ok(()) }
    }

    async fn list_letters(&self, ask: ListLetters) -> Result<LetterPage, Fault> {
        match store::exists(&self.db)? {
            true => store::letters(&self.db, &ask),
            false => Ok(LetterPage { letters: Vec::new(), next: None }),
        }
    }

    async fn list_events(
        &self,
        ListEvents { after: after_number, limit, wait_ms }: ListEvents,
    ) -> Result<EventPage, Fault> {
        let until = after(wait_ms);
        let _waits = Waits::begin(&self.waiting);
        if wait_ms > 0 && self.waiting.get() > MAX_WAITING {
            return Err(Fault::new(
                "too_many_wait",
                format_args!("more than {MAX_WAITING} wait for the feed"),
            ));
        }
        loop {
            let page = match store::exists(&self.db)? {
                true => store::events(&self.db, after_number, limit)?,
                false => EventPage { entries: Vec::new(), next: after_number },
            };
            if page.next > after_number || clock::now() >= until {
                return Ok(page);
            }
            clock::sleep(LOOK).await;
        }
    }

    async fn list_customer(
        &self,
        ListCustomer { names, since }: ListCustomer,
    ) -> Result<CustomerLetters, Fault> {
        if !store::exists(&self.db)? {
            return Ok(CustomerLetters::default());
        }
        store::customer(&self.db, &names, since)
    }

    async fn count(&self, CountLetters { customers }: CountLetters) -> Result<Vec<usize>, Fault> {
        let mut counts = Vec::with_capacity(customers.len());
        for names in customers {
            counts
                .push(self.list_customer(ListCustomer { names, since: UnixSeconds(0) }).await?.letters.len());
        }
        Ok(counts)
    }

    async fn erase_customer(&self, EraseCustomer { names, before }: EraseCustomer) -> Result<Erasing, Fault> {
        store::write(&self.db, |tx| {
            names.iter().try_for_each(|name| store::begin_erasure(tx, name, before))
        })?;
        let earlier = store::count_of_erased(&self.db, &names)?;
        // In the same turn as the write, so that a crash loses neither.
        self.wake_in(RESUME_MS).await?;
        Ok(Erasing { earlier, ..self.erase_some(Some(&names)).await? })
    }

    async fn begin_sweep(&self, BeginSweep { rebuild }: BeginSweep) -> Result<Runs, Fault> {
        store::write(&self.db, |tx| match runs::going(tx)? {
            Some(run) if run.rebuild || !rebuild => Ok(()),
            going => runs::begin(tx, going, rebuild, clock::now()),
        })?;
        // A run that is going on, too: whatever became of its alarm, whatever it waits for, and whatever time it was set for by a
        // clock that was wrong.
        SWEEP_BACKOFF.note(&self.db, SWEEP, None)?;
        self.wake_in(0).await?;
        runs::last(&self.db)
    }

    async fn sweep_status(&self, _: SweepStatus) -> Result<Runs, Fault> {
        runs::last(&self.db)
    }

    async fn wake_in(&self, millis: u64) -> Result<(), Fault> {
        self.alarm.wake_by(&self.state, Some(after(millis))).await
    }

    async fn fire(&self) -> Result<Option<UnixMillis>, Fault> {
        if !store::exists(&self.db)? {
            return Ok(None);
        }
        let webhooks = self.attempt(WEBHOOKS, WEBHOOKS_BACKOFF, webhooks::tell(&self.env, &self.db)).await?;
        let erasure = self.attempt(ERASURE, ERASURE_BACKOFF, self.erase_slice()).await?;
        let sweep = self.attempt(SWEEP, SWEEP_BACKOFF, self.sweep_slice()).await?;
        Ok(webhooks.into_iter().chain(erasure).chain(sweep).min())
    }

    /// Does some of a work, unless it failed and has to wait; when there is more to do.
    async fn attempt(
        &self,
        name: &'static str,
        backoff: Backoff,
        work: impl Future<Output = Result<Option<UnixMillis>, Fault>>,
    ) -> Result<Option<UnixMillis>, Fault> {
        let retry_at = backoff.retry_at(&self.db, name)?;
        if retry_at > clock::now() {
            return Ok(Some(retry_at));
        }
        let done = work.await;
        if let Err(fault) = &done {
            log::fault(name, fault);
        }
        let retry_at = backoff.note(&self.db, name, done.as_ref().err())?;
        Ok(done.unwrap_or(Some(retry_at)))
    }

    async fn erase_slice(&self) -> Result<Option<UnixMillis>, Fault> {
        match self.erase_some(None).await? {
            Erasing { left: 0, .. } => Ok(None),
            Erasing { erased: 0, left, .. } => Err(Fault::new("not_erased", format_args!("{left} letters"))),
            Erasing { .. } => Ok(Some(after(NEXT_SLICE_MS))),
        }
    }

    /// Erases some of what is to be erased: of a customer, or of all.
    async fn erase_some(&self, names: Option<&[String]>) -> Result<Erasing, Fault> {
        let letters = store::doomed(&self.db, names)?;
        if letters == 0 {
            return Ok(Erasing::default());
        }
        let next = store::next_doomed(&self.db, names, SLICE)?;
        let gone = tasks::all(next.iter().map(|letter| erase(&self.env, *letter))).await;
        let mut erased = 0;
        for (letter, gone) in next.into_iter().zip(gone) {
            match gone {
                Ok(()) => {
                    store::write(&self.db, |tx| store::erased(tx, letter))?;
                    erased += 1;
                }
                Err(fault) => {
                    log::fault(ERASURE, &fault);
                    store::write(&self.db, |tx| store::not_erased(tx, letter))?;
                }
            }
        }
        Ok(Erasing { letters, erased, left: store::doomed(&self.db, names)?, earlier: 0 })
    }

    async fn sweep_slice(&self) -> Result<Option<UnixMillis>, Fault> {
        let Some(run) = runs::going(&self.db)? else { return Ok(None) };
        let number = run.number;
        sweep::slice(&self.env, &self.db, run).await.inspect_err(|fault| {
            // For whoever asks how the run is.
            let noted = runs::change(&self.db, number, |run: &mut Run| run.held_up(fault.code, clock::now()));
            if let Err(fault) = noted {
                log::fault(SWEEP, &fault);
            }
        })
    }
}

/// Erases a letter; once more changes nothing. One that is nowhere is erased.
async fn erase(env: &Env, letter: LetterId) -> Result<(), Fault> {
    match ledger::call(env, &EraseLetter { letter, by: Actor::Sender }).await? {
        Ok(_) | Err(NoLetter::Missing) => Ok(()),
        Err(NoLetter::Damaged { code }) => {
            Err(Fault::new("not_erased", format_args!("{letter}: {}", code.as_str())))
        }
    }
}
