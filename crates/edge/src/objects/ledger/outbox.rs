//! What a ledger has to tell others: its events to the log, and to the index how its letter stands.

use std::collections::BTreeMap;

use worker::Env;

use super::store::{self, Letter};
use crate::objects::index::{self, UpdateLetter, Updated};
use crate::objects::sequencer;
use crate::platform::alarm::Backoff;
use crate::platform::error::Fault;
use crate::platform::object;
use crate::platform::outbox::{Topic, push};
use crate::platform::sql::{Database, Tx};
use waxseal::api::FeedEvent;
use waxseal::evidence::leaf::Leaf;
use waxseal::ledger::{EndReason, Event, StoredEvent};
use waxseal::types::{LetterId, UnixSeconds};

/// Numbers of events in the chain, for the log.
pub(super) const LOG: &str = "ledger_log";
/// For the index: the first of the events that were written together. How the letter stands, and whose it is, is looked up when that is
/// told; whose stays in the one row that erasure destroys.
pub(super) const INDEX: &str = "ledger_index";

/// After what failed, here and in the alarm.
pub(super) const BACKOFF: Backoff = Backoff { initial_ms: 1_000, max_ms: 15 * 60_000 };

/// A burst of events goes to the log together.
const GATHER_MS: u64 = 300;

/// So many of them in one call.
const BATCH: u64 = 256;

pub(super) fn to_log() -> Topic<u64> {
    Topic::new(LOG, GATHER_MS, BATCH, BACKOFF)
}

pub(super) fn to_index() -> Topic<u64> {
    Topic::new(INDEX, GATHER_MS, BATCH, BACKOFF)
}

/// The index shall hear everything once more.
pub(super) fn retell(tx: &Tx<'_>) -> Result<(), Fault> {
    push(tx, INDEX, &1_u64)
}

/// Brings these events (numbers in the outbox and in the chain) into the log. The log knows an entry again.
pub(super) async fn log_events(
    env: &Env,
    db: &Database,
    letter: LetterId,
    waiting: Vec<(u64, u64)>,
) -> Result<Vec<u64>, Fault> {
    let mut numbers: BTreeMap<u64, u64> = waiting.into_iter().map(|(number, seq)| (seq, number)).collect();
    let (mut leaves, mut fit, mut altered) = (Vec::new(), Vec::new(), None);
    let events = store::events_of(db, numbers.keys().copied())?;
    for event in events {
        match unaltered(letter, &event) {
            Ok(whole) => {
                leaves.push(Leaf::of(letter, &whole));
                fit.push(event.seq);
            }
            // Whoever can alter one row shall not keep the others out.
            Err(fault) => {
                numbers.remove(&event.seq);
                altered = altered.or(Some(fault));
            }
        }
    }
    if let (true, Some(fault)) = (numbers.is_empty(), altered) {
        return Err(fault);
    }
    let entries = sequencer::add(env, &leaves).await?;
    let noted: Vec<_> = fit.into_iter().zip(entries).collect();
    db.transaction(|tx| store::note_entries(tx, &noted))?;
    Ok(numbers.into_values().collect())
}

/// What the manifest says that the index keeps.
#[derive(Default)]
pub(super) struct Named {
    pub(super) issued_at: Option<UnixSeconds>,
    /// The letter's reference, as a keyed hash.
    pub(super) reference: Option<String>,
}

/// Tells the index how the letter stands, and its events from this one on. Whether the letter has to be erased, because its customer
/// asked for that after it was issued.
pub(super) async fn update_index(
    env: &Env,
    db: &Database,
    letter: &Letter,
    from: u64,
    Named { issued_at, reference }: Named,
) -> Result<bool, Fault> {
    let snapshot = &letter.snapshot;
    let (id, seq) = (snapshot.letter, snapshot.head.seq);
    let events = store::events_of(db, from..=seq)?;
    // One that was altered on disk is the auditor's affair.
    let events = events.iter().filter_map(|row| unaltered(id, row).ok()).map(|event| {
        let Event { seq, id, kind, at, actor, .. } = event;
        FeedEvent { seq, id, kind, at, actor }
    });
    let events: Vec<_> = events.collect();
    // Of one that was erased before it was told nobody knows more than when its ledger began.
    let began = events.first().filter(|event| event.seq == 1).map(|event| event.at.seconds());
    let customer = store::customer(db)?;
    let erased = snapshot.end_reason == Some(EndReason::Erased);
    let update = UpdateLetter {
        letter: id,
        customer: customer.clone().filter(|_| !erased),
        reference,
        issued_at: issued_at.or(began),
        state: snapshot.state,
        over: snapshot.end_reason,
        due: letter.due(),
        seq,
        events,
    };
    let Updated { erase } = object::call(env, index::NAME, &update).await?;
    if erased && customer.is_some() {
        db.transaction(store::shred_customer)?;
    }
    Ok(erase)
}

/// A row that was altered on disk is told to nobody as if it were what was recorded.
fn unaltered(letter: LetterId, row: &StoredEvent) -> Result<Event, Fault> {
    if row.hash != row.computed_hash(letter) {
        return Err(Fault::new("event_altered", format!("event {} of letter {letter}", row.seq)));
    }
    Event::try_from(row).map_err(|e| Fault::new(e.code(), e))
}
