//! The Durable Object: keeps the list, and sees an erasure through.

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::messages::{EraseAll, Erasing, Forget, Letters, ListLetters, Register, Registered};
use super::store::{self, Write};
use crate::objects::ledger::{self, EraseLetter, NoLetter};
use crate::platform::alarm::{Alarm, Backoff, after};
use crate::platform::error::Fault;
use crate::platform::object::serve;
use crate::platform::sql::Database;
use crate::platform::{clock, log, tasks};
use waxseal::ledger::Actor;
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

/// An erasure that was cut short goes on after so long.
const RESUME_MS: u64 = 30_000;

/// The next slice of an erasure that gets on.
const NEXT_SLICE_MS: u64 = 1_000;

/// Letters that are erased in one go.
const SLICE: u64 = 60;

/// After a slice that failed.
const BACKOFF: Backoff = Backoff { initial_ms: 30_000, max_ms: 15 * 60_000 };

/// The letters of one customer.
#[durable_object(alarm)]
pub struct Customer {
    state: State,
    env: Env,
    alarm: Alarm,
}

impl DurableObject for Customer {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, alarm: Alarm::new(BACKOFF) }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, Register => register, Forget => forget, ListLetters => letters, EraseAll => erase_all)
    }

    /// Rings while letters are left to be erased.
    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.ring(&self.state, "customer_alarm", self.ring()).await
    }
}

impl Customer {
    fn db(&self) -> Database {
        Database::new(&self.state)
    }

    async fn register(&self, Register { letter, issued_at }: Register) -> Result<Registered, Fault> {
        let db = self.db();
        // A sender's clock may be ahead; an erasure that is asked for now means this letter too.
        let issued_at = issued_at.min(clock::now().seconds());
        self.write(&db, &Write::Letter(letter, issued_at))?;
        let erase = store::erase_until(&db)?.is_some_and(|until| issued_at <= until);
        if erase {
            // Whoever asks will erase it and say so. If they cannot, it is erased from here.
            self.soon().await?;
        }
        Ok(Registered { erase })
    }

    async fn forget(&self, Forget { letter }: Forget) -> Result<(), Fault> {
        let db = self.db();
        if store::exists(&db)? {
            self.write(&db, &Write::Gone(letter))?;
            self.give_back(&db).await?;
        }
        Ok(())
    }

    async fn letters(&self, ListLetters { since }: ListLetters) -> Result<Letters, Fault> {
        let db = self.db();
        if !store::exists(&db)? {
            return Ok(Letters::default());
        }
        let until = store::erase_until(&db)?.map_or(UnixSeconds(0), |until| UnixSeconds(until.0 + 1));
        store::letters(&db, since.max(until))
    }

    async fn erase_all(&self, EraseAll { before }: EraseAll) -> Result<Erasing, Fault> {
        let db = self.db();
        self.write(&db, &Write::Erasure(before))?;
        let earlier = store::erased(&db)?;
        // In the same turn as the write, so that a crash loses neither.
        self.soon().await?;
        Ok(Erasing { earlier, ..self.go_on().await? })
    }

    fn write(&self, db: &Database, write: &Write) -> Result<(), Fault> {
        db.transaction(|db| {
            store::migrate(db)?;
            store::save(db, write)
        })
    }

    async fn ring(&self) -> Result<Option<UnixMillis>, Fault> {
        match self.go_on().await? {
            Erasing { left: 0, .. } => Ok(None),
            Erasing { erased: 0, left, .. } => Err(Fault::new("not_erased", format_args!("{left} letters"))),
            Erasing { .. } => Ok(Some(after(NEXT_SLICE_MS))),
        }
    }

    async fn soon(&self) -> Result<(), Fault> {
        self.alarm.wake_by(&self.state, Some(after(RESUME_MS))).await
    }

    /// Erases some of what is to be erased.
    async fn go_on(&self) -> Result<Erasing, Fault> {
        let db = Database::new(&self.state);
        if !store::exists(&db)? {
            return Ok(Erasing::default());
        }
        let Some(until) = store::erase_until(&db)? else { return Ok(Erasing::default()) };
        let letters = store::doomed(&db, until)?;
        let next = store::next_doomed(&db, until, SLICE)?;
        let gone = tasks::all(next.iter().map(|letter| erase(&self.env, *letter))).await;
        let mut erased = 0;
        for (letter, gone) in next.into_iter().zip(gone) {
            match gone {
                Ok(()) => {
                    self.write(&db, &Write::Gone(letter))?;
                    erased += 1;
                }
                Err(fault) => {
                    log::fault("customer_erase", &fault);
                    self.write(&db, &Write::Tried(letter))?;
                }
            }
        }
        Ok(Erasing { letters, erased, left: store::doomed(&db, until)?, earlier: 0 })
    }

    /// Gives the storage back when there is nothing to keep.
    async fn give_back(&self, db: &Database) -> Result<(), Fault> {
        if !store::is_empty(db)? {
            return Ok(());
        }
        self.alarm.forget();
        self.state.storage().delete_all().await.map_err(|e| Fault::new("customer_empty", e))
    }
}

/// Erases a letter; once more changes nothing. One that is nowhere is erased.
async fn erase(env: &Env, letter: LetterId) -> Result<(), Fault> {
    match ledger::call(env, &EraseLetter { letter, by: Actor::Sender }).await? {
        Ok(_) | Err(NoLetter::Missing) => Ok(()),
        Err(NoLetter::Damaged { code }) => Err(Fault::new("not_erased", format_args!("{letter}: {code}"))),
    }
}
