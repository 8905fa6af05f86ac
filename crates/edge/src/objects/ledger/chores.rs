//! What a ledger has to tell others and must not forget: its events to the log, and to its customer's object that there is
//! such a letter, or no more. What is left undone is on disk, and the alarm that comes back to it is set in the same turn
//! as the event.

use worker::Env;

use super::store::{self, Tell};
use crate::objects::customer::{Forget, Register};
use crate::objects::sequencer;
use crate::platform::error::Fault;
use crate::platform::object;
use crate::platform::sql::Database;
use waxseal::evidence::leaf::Leaf;
use waxseal::ledger::{Event, StoredEvent};
use waxseal::types::{LetterId, UnixSeconds};

/// A burst of events goes to the log together.
const SOON_MILLIS: u64 = 300;
/// After a failure: doubled with every further one.
const AGAIN_MILLIS: u64 = 1_000;
/// But no longer than a quarter of an hour.
const LONGEST_MILLIS: u64 = 15 * 60 * 1000;

/// How long to wait before the chores are done, after so many failures in a row.
pub(super) fn wait_millis(failures: u32) -> u64 {
    match failures {
        0 => SOON_MILLIS,
        _ => AGAIN_MILLIS.saturating_mul(1 << failures.min(12)).min(LONGEST_MILLIS),
    }
}

/// Brings every event into the log, in the order of the chain. Two that do this at the same time do no harm: the log knows
/// an entry again.
pub(super) async fn bring_to_log(env: &Env, db: &Database, letter: LetterId) -> Result<(), Fault> {
    loop {
        let events = store::not_in_log(db)?;
        let mut altered = None;
        let (mut leaves, mut fit) = (Vec::new(), Vec::new());
        for event in &events {
            match leaf(letter, event) {
                Ok(leaf) => {
                    leaves.push(leaf);
                    fit.push(event.seq);
                }
                // Whoever can alter one row shall not keep the others out.
                Err(fault) => altered = altered.or(Some(fault)),
            }
        }
        if leaves.is_empty() {
            return altered.map_or(Ok(()), Err);
        }
        let entries = sequencer::add(env, &leaves).await?;
        let noted: Vec<_> = fit.into_iter().zip(entries).collect();
        db.transaction(|db| store::note_entries(db, &noted))?;
    }
}

/// Tells the customer's object of the letter, or of its end. Whether the letter has to be erased, because the customer asked
/// for that after it was issued; until then the object is told again.
pub(super) async fn tell_customer(
    env: &Env,
    db: &Database,
    letter: LetterId,
    issued_at: Option<UnixSeconds>,
) -> Result<bool, Fault> {
    match (store::customer(db)?, issued_at) {
        (Some((name, Tell::Register)), Some(issued_at)) => {
            let registered = object::call(env, &name, &Register { letter, issued_at }).await?;
            if registered.erase {
                return Ok(true);
            }
            db.transaction(|db| store::customer_heard(db, Tell::Register))?;
            // It may have been erased meanwhile, and its end may have been told before its beginning.
            match store::customer(db)? {
                Some((_, Tell::Nothing)) => Ok(false),
                _ => object::call(env, &name, &Forget { letter }).await.map(|()| false),
            }
        }
        (Some((name, Tell::Forget)), _) => {
            object::call(env, &name, &Forget { letter }).await?;
            db.transaction(|db| store::customer_heard(db, Tell::Forget))?;
            Ok(false)
        }
        // Without the key of its manifest nobody can read the letter, and nobody misses it on a list.
        (Some((_, Tell::Register)), None) => {
            db.transaction(|db| store::customer_heard(db, Tell::Register))?;
            Ok(false)
        }
        _ => Ok(false),
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
