//! What a ledger has to tell others: its events to the log, and to its customer's object that there is such a letter, or no more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use worker::Env;

use super::store;
use crate::objects::customer::{Forget, Register, Registered};
use crate::objects::sequencer;
use crate::platform::alarm::Backoff;
use crate::platform::error::Fault;
use crate::platform::object;
use crate::platform::outbox::Topic;
use crate::platform::sql::Database;
use waxseal::evidence::leaf::Leaf;
use waxseal::ledger::{Event, StoredEvent};
use waxseal::types::{LetterId, UnixSeconds};

/// Numbers of events in the chain, for the log.
pub(super) const LOG: &str = "ledger_log";
/// For the customer's object. Who that is stays in the one row that erasure destroys.
pub(super) const CUSTOMER: &str = "ledger_customer";

/// After what failed, here and in the alarm.
pub(super) const BACKOFF: Backoff = Backoff { initial_ms: 1_000, max_ms: 15 * 60_000 };

/// A burst of events goes to the log together.
const GATHER_MS: u64 = 300;

/// So many of them in one call.
const BATCH: u64 = 256;

/// What the customer's object has to hear.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum CustomerMessage {
    /// The letter is theirs.
    Register,
    /// The letter is erased.
    Forget,
}

pub(super) fn to_log() -> Topic<u64> {
    Topic::new(LOG, GATHER_MS, BATCH, BACKOFF)
}

pub(super) fn to_customer() -> Topic<CustomerMessage> {
    Topic::new(CUSTOMER, GATHER_MS, 1, BACKOFF)
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
    let events = store::events_of(db, numbers.keys())?;
    for event in events {
        match leaf(letter, &event) {
            Ok(leaf) => {
                leaves.push(leaf);
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

/// Tells the customer's object. Whether the letter has to be erased, because the customer asked for that after it was issued.
/// `issued_at` is known as long as the manifest can be read.
pub(super) async fn tell_customer(
    env: &Env,
    db: &Database,
    letter: LetterId,
    message: CustomerMessage,
    issued_at: Option<UnixSeconds>,
) -> Result<bool, Fault> {
    let Some(name) = store::customer(db)? else { return Ok(false) };
    match (message, issued_at) {
        (CustomerMessage::Register, Some(issued_at)) => {
            let Registered { erase } = object::call(env, &name, &Register { letter, issued_at }).await?;
            Ok(erase)
        }
        // Without the key of its manifest nobody can read the letter, and nobody misses it on a list.
        (CustomerMessage::Register, None) => Ok(false),
        (CustomerMessage::Forget, _) => {
            object::call(env, &name, &Forget { letter }).await?;
            db.transaction(store::shred_customer)?;
            Ok(false)
        }
    }
}

/// A row that was altered on disk before it got into the log does not get there as if it were what was recorded.
fn leaf(letter: LetterId, row: &StoredEvent) -> Result<Leaf, Fault> {
    if row.hash != row.computed_hash(letter) {
        return Err(Fault::new("event_altered", format!("event {} of letter {letter}", row.seq)));
    }
    let event = Event::try_from(row).map_err(|e| Fault::new(e.code(), e))?;
    Ok(Leaf::of(letter, &event))
}
