//! The Durable Object: hears of the feed, sends, and answers what became of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::send::{self, Outcome};
use super::store::{self, DAY_MS, DELIVERED, Endpoint, GIVEN_UP, MAX_WAITING, Which};
use super::{
    ChangeEndpoint, DeleteEndpoint, Hear, ListDeliveries, MakeEndpoint, Refused, Replay, RotateSecret,
    SendTest, ShowEndpoint,
};
use crate::objects::index::{self, NoteEvent};
use crate::platform::alarm::{Alarm, Backoff, after};
use crate::platform::error::Fault;
use crate::platform::log::Line;
use crate::platform::object::{self, serve};
use crate::platform::outbox::{self, Topic};
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::tasks::Bell;
use crate::platform::{clock, random};
use waxseal::api::{DeliveryPage, Replayed, WebhookRequest, WebhookSecret, WebhookView};
use waxseal::ledger::EventId;
use waxseal::types::UnixMillis;
use waxseal::webhook::{
    Choice, EventType, GIVE_UP_MS, Health, Message, ROTATION_SECONDS, SiteEvent, Verdict, Waiting, choose,
    next_attempt, verdict,
};

/// After a failure of our own.
const BACKOFF: Backoff = Backoff { initial_ms: 1_000, max_ms: 15 * 60_000 };
/// The alarm's work begins anew after so long; the platform lets it run for fifteen minutes.
const RUN_MS: u64 = 10 * 60_000;
/// That an endpoint fails, for the index.
const INDEX: &str = "webhook_index";

/// An endpoint.
#[durable_object(alarm)]
pub struct Webhook {
    state: State,
    env: Env,
    db: Database,
    alarm: Alarm,
    to_index: Topic<SiteEvent>,
    /// What waits, as on disk; absent until it is needed, and after anything but an attempt changed it.
    waiting: RefCell<Option<Vec<Waiting>>>,
    /// Numbers of what is under way.
    running: RefCell<BTreeSet<u64>>,
    /// There is something else to choose from.
    changed: Bell,
}

impl DurableObject for Webhook {
    fn new(state: State, env: Env) -> Self {
        Self {
            db: Database::new(&state),
            state,
            env,
            alarm: Alarm::new(BACKOFF),
            to_index: Topic::new(INDEX, 0, 1, BACKOFF),
            waiting: RefCell::default(),
            running: RefCell::default(),
            changed: Bell::default(),
        }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, Hear => hear, MakeEndpoint => make, ChangeEndpoint => change, ShowEndpoint => show,
            DeleteEndpoint => delete, RotateSecret => rotate, SendTest => test, ListDeliveries => list, Replay => replay)
    }

    /// Rings when a message is to be sent, and once a day while there is something to forget.
    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.fire(&self.state, "webhook_alarm", self.fire()).await
    }
}

impl Webhook {
    async fn make(&self, MakeEndpoint { webhook, about }: MakeEndpoint) -> Result<String, Fault> {
        let mut bytes = random::bytes()?;
        let text = waxseal::webhook::Secret::from(bytes).text();
        let secret = send::seal(&Settings::load(&self.env)?.keyring, webhook, &mut bytes)?;
        let endpoint = Endpoint {
            id: webhook,
            url: String::new(),
            kinds: None,
            description: String::new(),
            created_at: clock::now(),
            disabled: None,
            secret,
            old_secrets: Vec::new(),
            heard: 0,
            last: 0,
            health: Health::NEW,
            failing_told: false,
            pruned_at: clock::now(),
        };
        self.db.transaction(|tx| store::save(tx, &as_asked(endpoint.clone(), about.clone())))?;
        Ok(text.to_string())
    }

    async fn change(
        &self,
        ChangeEndpoint { about }: ChangeEndpoint,
    ) -> Result<Result<WebhookView, Refused>, Fault> {
        let Some(endpoint) = store::endpoint(&self.db)? else { return Ok(Err(Refused::Missing)) };
        let endpoint = as_asked(endpoint, about);
        self.db.transaction(|tx| {
            store::save(tx, &endpoint)?;
            if endpoint.disabled.is_some() {
                store::give_up(tx, Which::All, clock::now())?;
            }
            Ok(())
        })?;
        self.wake().await?;
        self.shown(endpoint).map(Ok)
    }

    async fn show(&self, _: ShowEndpoint) -> Result<Result<WebhookView, Refused>, Fault> {
        match store::endpoint(&self.db)? {
            Some(endpoint) => self.shown(endpoint).map(Ok),
            None => Ok(Err(Refused::Missing)),
        }
    }

    fn shown(&self, endpoint: Endpoint) -> Result<WebhookView, Fault> {
        let old_secret_until = endpoint.old_secrets(clock::now()).last().map(|(_, until)| *until);
        Ok(WebhookView {
            webhook: endpoint.id,
            url: endpoint.url,
            kinds: endpoint.kinds,
            description: endpoint.description,
            created_at: endpoint.created_at,
            enabled: endpoint.disabled.is_none(),
            disabled: endpoint.disabled,
            waiting: store::count_waiting(&self.db)?,
            failures: endpoint.health.failures.into(),
            failing_since: endpoint.health.failing_since,
            old_secret_until,
        })
    }

    async fn delete(&self, _: DeleteEndpoint) -> Result<Result<(), Refused>, Fault> {
        if !store::exists(&self.db)? {
            return Ok(Err(Refused::Missing));
        }
        self.alarm.delete(&self.state).await?;
        self.waiting.take();
        self.state.storage().delete_all().await.map_err(|e| Fault::new("webhook_delete", e))?;
        Ok(Ok(()))
    }

    async fn rotate(&self, _: RotateSecret) -> Result<Result<WebhookSecret, Refused>, Fault> {
        let Some(mut endpoint) = store::endpoint(&self.db)? else { return Ok(Err(Refused::Missing)) };
        let mut bytes = random::bytes()?;
        let text = waxseal::webhook::Secret::from(bytes).text();
        let until = after(ROTATION_SECONDS.saturating_mul(1_000));
        let new = send::seal(&Settings::load(&self.env)?.keyring, endpoint.id, &mut bytes)?;
        endpoint.rotate(new, clock::now(), until);
        self.db.transaction(|tx| store::save(tx, &endpoint))?;
        Ok(Ok(WebhookSecret { secret: text.to_string(), old_secret_until: until }))
    }

    async fn hear(&self, Hear { entries }: Hear) -> Result<Result<bool, Refused>, Fault> {
        let Some(mut endpoint) = store::endpoint(&self.db)? else { return Ok(Err(Refused::Missing)) };
        let now = clock::now();
        let new = entries.iter().filter(|entry| entry.number > endpoint.heard);
        let id = endpoint.id;
        let letters = new.clone().filter_map(|entry| entry.letter.map(|letter| (letter, &entry.events)));
        let letters = letters.flat_map(|(letter, events)| {
            events.iter().map(move |it| Message::of_letter(letter, it.seq, it.id, it.kind, it.at, it.actor))
        });
        // Nobody who does not answer is told that they do not.
        let site = new.filter_map(|entry| entry.site.as_ref()).filter(|event| event.webhook != Some(id));
        let wanted = |it: &Message| endpoint.kinds.as_ref().is_none_or(|kinds| kinds.contains(&it.kind));
        let messages: Vec<_> = letters.chain(site.map(Message::of_site)).filter(wanted).collect();
        endpoint.heard = entries.iter().map(|entry| entry.number).max().unwrap_or(0).max(endpoint.heard);
        if messages.is_empty() || endpoint.disabled.is_some() {
            return Ok(Ok(true));
        }
        // The feed keeps the rest: a receiver that is slow loses nothing.
        if store::count_waiting(&self.db)? >= MAX_WAITING {
            return Ok(Ok(false));
        }
        let first = endpoint.last;
        endpoint.last = first.saturating_add(messages.len() as u64);
        self.db.transaction(|tx| {
            store::save(tx, &endpoint)?;
            (first.saturating_add(1)..)
                .zip(&messages)
                .try_for_each(|(number, message)| store::add(tx, number, message, now))
        })?;
        self.wake().await?;
        Ok(Ok(true))
    }

    async fn test(&self, _: SendTest) -> Result<Result<EventId, Refused>, Fault> {
        let mut endpoint = match self.enabled()? {
            Ok(endpoint) => endpoint,
            Err(refused) => return Ok(Err(refused)),
        };
        let now = clock::now();
        let id = EventId::v7(now, random::bytes()?);
        let (kind, webhook) = (EventType::WebhookTest, Some(endpoint.id));
        let message = Message::of_site(&SiteEvent { id, kind, at: now, network: None, until: None, webhook });
        endpoint.last = endpoint.last.saturating_add(1);
        self.db.transaction(|tx| {
            store::save(tx, &endpoint)?;
            store::add(tx, endpoint.last, &message, now)
        })?;
        self.wake().await?;
        Ok(Ok(id))
    }

    async fn list(&self, ask: ListDeliveries) -> Result<Result<DeliveryPage, Refused>, Fault> {
        match store::exists(&self.db)? {
            true => store::page(&self.db, ask.state.as_deref(), ask.after, ask.limit).map(Ok),
            false => Ok(Err(Refused::Missing)),
        }
    }

    async fn replay(&self, Replay { ask }: Replay) -> Result<Result<Replayed, Refused>, Fault> {
        let mut endpoint = match self.enabled()? {
            Ok(endpoint) => endpoint,
            Err(refused) => return Ok(Err(refused)),
        };
        let now = clock::now();
        let room = MAX_WAITING.saturating_sub(store::count_waiting(&self.db)?);
        let (since, until) = (ask.since.unwrap_or(UnixMillis(0)), ask.until.unwrap_or(now));
        let mut found = store::replayable(&self.db, ask.delivery, since, until, room.saturating_add(1))?;
        let rest = found.split_off(found.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
        let first = endpoint.last;
        endpoint.last = first.saturating_add(found.len() as u64);
        // Whoever asks knows that the receiver is back: neither its wait nor its three days of failure count against what is sent again.
        (endpoint.health, endpoint.failing_told) = (Health::NEW, false);
        let mut hurried = false;
        self.db.transaction(|tx| {
            store::save(tx, &endpoint)?;
            for (number, (old, _)) in (first.saturating_add(1)..).zip(&found) {
                store::revive(tx, *old, number, now)?;
            }
            if let (Some(id), true) = (ask.delivery, found.is_empty()) {
                hurried = store::hurry(tx, id, now)?;
            }
            Ok(())
        })?;
        if ask.delivery.is_some() && found.is_empty() && !hurried {
            return Ok(Err(Refused::NoSuchDelivery));
        }
        self.wake().await?;
        let deliveries = (found.len() as u64).max(hurried.into());
        Ok(Ok(Replayed { deliveries, more: !rest.is_empty(), since: rest.first().map(|(_, at)| *at) }))
    }

    fn enabled(&self) -> Result<Result<Endpoint, Refused>, Fault> {
        Ok(match store::endpoint(&self.db)? {
            None => Err(Refused::Missing),
            Some(endpoint) if endpoint.disabled.is_some() => Err(Refused::Disabled),
            Some(endpoint) => Ok(endpoint),
        })
    }

    /// What waits is another; in the turn of the write.
    async fn wake(&self) -> Result<(), Fault> {
        self.waiting.take();
        self.changed.ring();
        self.alarm.wake_by(&self.state, Some(clock::now())).await
    }

    async fn fire(&self) -> Result<Option<UnixMillis>, Fault> {
        if !store::exists(&self.db)? {
            return Ok(None);
        }
        // Nothing is under way when the alarm begins: whatever was, died.
        self.running.take();
        self.waiting.take();
        let sends = self.send_all().await?;
        // Deleted meanwhile.
        let Some(mut endpoint) = store::endpoint(&self.db)? else { return Ok(None) };
        let mut prunes = UnixMillis(endpoint.pruned_at.0.saturating_add(DAY_MS));
        if prunes <= clock::now() {
            endpoint.pruned_at = clock::now();
            self.db.transaction(|tx| {
                store::save(tx, &endpoint)?;
                store::prune(tx, endpoint.last, endpoint.pruned_at)
            })?;
            prunes = after(DAY_MS);
        }
        // Logged, and tried again later.
        let _ = self.to_index.deliver(&self.db, async |waiting| self.tell_index(waiting).await).await;
        let prunes = store::has_done(&self.db)?.then_some(prunes);
        Ok(sends.into_iter().chain(prunes).chain(self.to_index.due(&self.db)?).min())
    }

    async fn tell_index(&self, waiting: Vec<(u64, SiteEvent)>) -> Result<Vec<u64>, Fault> {
        let mut told = Vec::new();
        for (number, event) in waiting {
            let source = event.webhook.map(|id| id.to_string()).unwrap_or_default();
            let at = event.at.0;
            object::call(&self.env, index::NAME, &NoteEvent { source, number: at, event }).await?;
            told.push(number);
        }
        Ok(told)
    }

    /// Sends what is due, and what comes to be while something is under way; answers when there is something again.
    async fn send_all(&self) -> Result<Option<UnixMillis>, Fault> {
        let end = after(RUN_MS);
        let mut running = FuturesUnordered::new();
        loop {
            let now = clock::now();
            let choice = if now < end { self.choose(now)? } else { Choice::Until(now) };
            match choice {
                Choice::Send(number) => {
                    self.running.borrow_mut().insert(number);
                    running.push(self.attempt(number));
                }
                Choice::Nothing if running.is_empty() => return Ok(None),
                Choice::Until(at) if running.is_empty() => return Ok(Some(at)),
                Choice::Nothing | Choice::Until(_) => {
                    let pause = match choice {
                        Choice::Until(at) if now < end => at.0.saturating_sub(now.0).min(RUN_MS),
                        _ => RUN_MS,
                    };
                    let rung = pin!(self.changed.rung());
                    let next = select(running.next(), rung);
                    if let Some(Either::Left((Some(done), _))) =
                        clock::within(Duration::from_millis(pause), next).await
                    {
                        done?;
                    }
                }
            }
        }
    }

    fn choose(&self, now: UnixMillis) -> Result<Choice, Fault> {
        let Some(endpoint) = store::endpoint(&self.db)?.filter(|it| it.disabled.is_none()) else {
            return Ok(Choice::Nothing);
        };
        let mut known = self.waiting.borrow_mut();
        let waiting = match known.take() {
            Some(waiting) => waiting,
            None => store::waiting(&self.db)?,
        };
        let choice = choose(&waiting, &self.running.borrow(), &endpoint.health, now);
        *known = Some(waiting);
        Ok(choice)
    }

    async fn attempt(&self, number: u64) -> Result<(), Fault> {
        let done = self.attempt_now(number).await;
        self.running.borrow_mut().remove(&number);
        done
    }

    async fn attempt_now(&self, number: u64) -> Result<(), Fault> {
        let (Some(endpoint), Some(ready)) = (store::endpoint(&self.db)?, store::ready(&self.db, number)?)
        else {
            return Ok(());
        };
        let outcome = send::send(&self.env, &endpoint, &ready).await?;
        self.note(number, &endpoint.url, outcome)
    }

    /// Writes down what came of an attempt, in one transaction.
    fn note(
        &self,
        number: u64,
        sent_to: &str,
        Outcome { attempt, retry_after }: Outcome,
    ) -> Result<(), Fault> {
        // Meanwhile it may have been given up, or the endpoint changed or deleted.
        let Some(mut endpoint) = store::endpoint(&self.db)? else { return Ok(()) };
        // What another address said, even 410, is nothing of this one's: the message goes there.
        if endpoint.url != sent_to {
            return Ok(());
        }
        let Some(mut ready) = store::ready(&self.db, number)? else { return Ok(()) };
        let now = clock::now();
        let mut waiting = match self.waiting.take() {
            Some(waiting) => waiting,
            None => store::waiting(&self.db)?,
        };
        let verdict = attempt.status.map_or(Verdict::Failed, verdict);
        let random = u16::from_le_bytes(random::bytes()?);
        ready.attempts = ready.attempts.saturating_add(1);
        ready.log.push(attempt);
        let before = endpoint.health;
        match verdict {
            Verdict::Delivered => {
                endpoint.health = before.succeeded(now, before.is_tripped(&waiting));
                endpoint.failing_told = false;
                self.db.transaction(|tx| {
                    store::finish(tx, number, &ready, DELIVERED, now)?;
                    if before.failures > 0 { store::save(tx, &endpoint) } else { Ok(()) }
                })?;
                waiting.retain(|it| it.number != number);
            }
            Verdict::Gone => {
                endpoint.disabled = Some("gone".to_owned());
                let mut lost = 0;
                self.db.transaction(|tx| {
                    store::finish(tx, number, &ready, GIVEN_UP, now)?;
                    lost = store::give_up(tx, Which::All, now)?;
                    store::save(tx, &endpoint)
                })?;
                waiting.clear();
                given_up(&endpoint, "gone", lost.saturating_add(1));
            }
            Verdict::Refused | Verdict::Failed => {
                let next = next_attempt(ready.first_at.unwrap_or(now), now, ready.attempts, random);
                for it in waiting.iter_mut().filter(|it| it.number == number) {
                    it.failed(now, verdict, next.unwrap_or(it.due), &before);
                }
                endpoint.health = match verdict {
                    Verdict::Failed => before.failed(now, &waiting, retry_after, random),
                    _ => before.refused(now),
                };
                let since = endpoint.health.failing_since.unwrap_or(now);
                let for_ms = now.0.saturating_sub(since.0);
                let event = (for_ms >= DAY_MS && !endpoint.failing_told)
                    .then(|| failing_event(&endpoint, now))
                    .transpose()?;
                endpoint.failing_told |= event.is_some();
                let mut lost = 0;
                self.db.transaction(|tx| {
                    store::save(tx, &endpoint)?;
                    match next {
                        Some(_) => waiting
                            .iter()
                            .filter(|it| it.number == number)
                            .try_for_each(|it| store::put_off(tx, it, &ready, now))?,
                        None => store::finish(tx, number, &ready, GIVEN_UP, now)?,
                    }
                    lost = if for_ms >= GIVE_UP_MS {
                        store::give_up(
                            tx,
                            Which::CreatedBy(UnixMillis(now.0.saturating_sub(GIVE_UP_MS))),
                            now,
                        )?
                    } else {
                        0
                    };
                    event.iter().try_for_each(|event| outbox::push(tx, INDEX, event))
                })?;
                if next.is_none() || lost > 0 {
                    waiting = store::waiting(&self.db)?;
                }
                given_up(&endpoint, "in_vain", lost.saturating_add(next.is_none().into()));
                if event.is_some() {
                    line(&endpoint, "webhook_failing").with("since", since.0).error();
                }
            }
        }
        *self.waiting.borrow_mut() = Some(waiting);
        Ok(())
    }
}

/// The endpoint with what is asked of it.
fn as_asked(endpoint: Endpoint, about: WebhookRequest) -> Endpoint {
    let off = || endpoint.disabled.clone().unwrap_or_else(|| "off".to_owned());
    let disabled = (about.enabled == Some(false)).then(off);
    // At another address, or enabled again, it has yet to fail.
    let same = endpoint.url == about.url && disabled == endpoint.disabled;
    Endpoint {
        health: if same { endpoint.health } else { Health::NEW },
        failing_told: same && endpoint.failing_told,
        url: about.url,
        kinds: about.kinds,
        description: about.description.unwrap_or_default(),
        disabled,
        ..endpoint
    }
}

fn failing_event(endpoint: &Endpoint, now: UnixMillis) -> Result<SiteEvent, Fault> {
    let id = EventId::v7(now, random::bytes()?);
    let (kind, webhook) = (EventType::WebhookFailing, Some(endpoint.id));
    Ok(SiteEvent { id, kind, at: now, network: None, until: None, webhook })
}

fn line(endpoint: &Endpoint, event: &str) -> Line {
    Line::new(event).with("webhook", endpoint.id.to_string())
}

fn given_up(endpoint: &Endpoint, why: &str, count: u64) {
    if count > 0 {
        line(endpoint, "webhook_given_up").with("why", why).with("messages", count).error();
    }
}
