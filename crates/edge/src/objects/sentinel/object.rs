//! The Durable Object: strikes and bans of some of the clients, as truth.

use std::cell::{Cell, RefCell};

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::memory::{Memory, Work, Writes};
use super::messages::{AddBan, CountRows, Export, GetStanding, LiftBans, ListBans, ListEvents, RecordStrike};
use super::store;
use crate::objects::publisher::{Dirty, NAME};
use crate::platform::error::Fault;
use crate::platform::object::{self, serve};
use crate::platform::sql::Database;
use crate::platform::{alarm, clock, log};
use waxseal::guard::strikes::Notice;
use waxseal::types::UnixMillis;

/// Changes are gathered for so long before the publisher is told.
const GATHER_MILLIS: u64 = 1_000;

/// After a fault the alarm rings again so much later.
const AGAIN_MILLIS: u64 = 5_000;

/// A part of the guard's memory: one of `SHARDS`.
#[durable_object(alarm)]
pub struct Sentinel {
    state: State,
    env: Env,
    /// A copy of what is on disk: absent until it is needed, and after anything went wrong. It is taken out while it
    /// is worked on, and never across an await.
    memory: RefCell<Option<Memory>>,
    /// When the alarm is set to ring, as far as this start of the object knows.
    alarm: Cell<Option<UnixMillis>>,
    /// The publisher did not answer; it is not told again before.
    not_before: Cell<UnixMillis>,
}

impl DurableObject for Sentinel {
    fn new(state: State, env: Env) -> Self {
        Self {
            state,
            env,
            memory: RefCell::new(None),
            alarm: Cell::new(None),
            not_before: Cell::new(UnixMillis(0)),
        }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, RecordStrike => answer, AddBan => answer, LiftBans => answer, GetStanding => answer,
            Export => answer, ListBans => answer, ListEvents => answer, CountRows => answer)
    }

    /// Rings when something ends, and a moment after bans changed.
    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.set(None);
        match self.ring().await {
            Ok(()) => Response::empty(),
            Err(fault) => {
                log::fault("sentinel_alarm", &fault);
                // The platform gives up on an alarm after a few quick tries; what is over must be forgotten.
                let later = after(AGAIN_MILLIS);
                self.not_before.set(later);
                match self.ring_by(Some(later)).await {
                    Ok(()) => Response::empty(),
                    Err(_) => Err(worker::Error::RustError(fault.code.to_owned())),
                }
            }
        }
    }
}

impl Sentinel {
    async fn answer<R: Work>(&self, request: R) -> Result<R::Reply, Fault> {
        let (reply, ring_at) = self.change(|memory, now| memory.answer(request, now))?;
        // No await came between writing and this, so that the platform stores rows and alarm together.
        self.ring_by(ring_at).await?;
        Ok(reply)
    }

    async fn ring(&self) -> Result<(), Fault> {
        let (notice, _) = self.change(|memory, now| {
            let writes = memory.sweep(now);
            (memory.news.notice(), writes)
        })?;
        if let Some(notice) = notice {
            object::call(&self.env, NAME, &Dirty { rebase: notice.rebase }).await?;
            self.change(|memory, _| {
                memory.news.tell(notice);
                ((), Writes { news: Some(memory.news), ..Writes::default() })
            })?;
            self.not_before.set(UnixMillis(0));
            self.report(notice)?;
        }
        self.rest().await
    }

    /// Sets the alarm, or gives the storage back when there is nothing to keep.
    async fn rest(&self) -> Result<(), Fault> {
        let (empty, ring_at) = self.look(Memory::is_empty)?;
        if !empty {
            return self.ring_by(ring_at).await;
        }
        self.alarm.set(None);
        self.state.storage().delete_alarm().await.map_err(|e| Fault::new("alarm", e))?;
        // A question may have come meanwhile. From here to the deletion nothing awaits.
        let (empty, ring_at) = self.look(Memory::is_empty)?;
        if !empty {
            return self.ring_by(ring_at).await;
        }
        self.memory.take();
        self.state.storage().delete_all().await.map_err(|e| Fault::new("sentinel_empty", e))
    }

    /// Does something to the memory and the same to the disk, in one transaction. When that fails the memory is gone,
    /// and is read anew for the next question. Returns when the alarm has to ring.
    fn change<T>(
        &self,
        work: impl FnOnce(&mut Memory, UnixMillis) -> (T, Writes),
    ) -> Result<(T, Option<UnixMillis>), Fault> {
        let db = Database::new(&self.state);
        let mut memory = self.recall(&db)?;
        let (done, writes) = work(&mut memory, clock::now());
        Ok((done, self.keep(&db, memory, &writes)?))
    }

    /// Writes, and puts the memory back.
    fn keep(&self, db: &Database, mut memory: Memory, writes: &Writes) -> Result<Option<UnixMillis>, Fault> {
        if !writes.is_empty() {
            let migrated = memory.migrated;
            db.transaction(|db| {
                if !migrated {
                    store::migrate(db)?;
                }
                store::save(db, writes)
            })?;
            memory.migrated = true;
        }
        let ring_at = self.ring_at(&memory);
        self.memory.replace(Some(memory));
        Ok(ring_at)
    }

    fn look<T>(&self, work: impl FnOnce(&Memory) -> T) -> Result<(T, Option<UnixMillis>), Fault> {
        self.change(|memory, _| (work(memory), Writes::default()))
    }

    /// Takes the memory, or reads it from disk.
    fn recall(&self, db: &Database) -> Result<Memory, Fault> {
        if let Some(memory) = self.memory.take() {
            return Ok(memory);
        }
        if !store::exists(db)? {
            return Ok(Memory::new());
        }
        db.transaction(store::migrate)?;
        store::restore(db)
    }

    fn ring_at(&self, memory: &Memory) -> Option<UnixMillis> {
        let news = memory.news.notice().map(|_| after(GATHER_MILLIS).max(self.not_before.get()));
        news.into_iter().chain(memory.next_end.map(|end| end.millis())).min()
    }

    /// Sets the alarm, unless it rings before that anyway.
    async fn ring_by(&self, at: Option<UnixMillis>) -> Result<(), Fault> {
        let Some(at) = at.filter(|at| self.alarm.get().is_none_or(|set| *at < set)) else { return Ok(()) };
        self.alarm.set(Some(at));
        let set = alarm::set(&self.state, at).await;
        if set.is_err() {
            self.alarm.set(None);
        }
        set
    }

    fn report(&self, notice: Notice) -> Result<(), Fault> {
        let (row_counts, _) = self.look(|memory| memory.state.row_counts())?;
        log::Line::new("guard_bans")
            .with("sentinel", self.state.id().name().unwrap_or_default())
            .with("watched", row_counts.watched)
            .with("banned", row_counts.banned)
            .with("networks", row_counts.networks)
            .with("rebase", notice.rebase)
            .info();
        Ok(())
    }
}

fn after(millis: u64) -> UnixMillis {
    UnixMillis(clock::now().0.saturating_add(millis))
}
