//! The Durable Object: strikes and bans of some of the clients, as truth.

use std::cell::RefCell;

use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::memory::{Memory, Work, Writes};
use super::messages::{AddBan, CountRows, Export, GetStanding, LiftBans, ListBans, ListEvents, RecordStrike};
use super::store;
use crate::objects::index::{self, NoteEvent};
use crate::objects::publisher::{Dirty, NAME};
use crate::platform::alarm::{Alarm, Backoff};
use crate::platform::error::Fault;
use crate::platform::object::{self, serve};
use crate::platform::outbox::Topic;
use crate::platform::sql::Database;
use crate::platform::{clock, log};
use waxseal::types::UnixMillis;
use waxseal::webhook::SiteEvent;

/// Changes are gathered for so long before the publisher is told.
const GATHER_MS: u64 = 1_000;

/// So many changes are told of at once.
const BATCH: u64 = 10_000;

/// After what failed.
const BACKOFF: Backoff = Backoff { initial_ms: 5_000, max_ms: 60_000 };

/// That bans changed, for the publisher.
pub(super) const PUBLISHER: &str = "sentinel_publisher";
/// That a network was banned, for the index.
pub(super) const INDEX: &str = "sentinel_index";

/// A part of the guard's memory: one of `SHARDS`.
#[durable_object(alarm)]
pub struct Sentinel {
    state: State,
    env: Env,
    /// A copy of what is on disk: absent until it is needed, and after anything went wrong. It is taken out while it
    /// is worked on, and never across an await.
    memory: RefCell<Option<Memory>>,
    alarm: Alarm,
    to_publisher: Topic<Dirty>,
    to_index: Topic<(u64, SiteEvent)>,
}

impl DurableObject for Sentinel {
    fn new(state: State, env: Env) -> Self {
        let to_publisher = Topic::new(PUBLISHER, GATHER_MS, BATCH, BACKOFF);
        let to_index = Topic::new(INDEX, GATHER_MS, BATCH, BACKOFF);
        Self { state, env, memory: RefCell::new(None), alarm: Alarm::new(BACKOFF), to_publisher, to_index }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, RecordStrike => answer, AddBan => answer, LiftBans => answer, GetStanding => answer,
            Export => answer, ListBans => answer, ListEvents => answer, CountRows => answer)
    }

    /// Rings when something ends, and a moment after bans changed.
    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.fire(&self.state, "sentinel_alarm", self.fire()).await
    }
}

impl Sentinel {
    async fn answer<R: Work>(&self, request: R) -> Result<R::Reply, Fault> {
        let (reply, fire_at) = self.change(|memory, now| memory.answer(request, now))?;
        // No await came between writing and this, so that the platform stores rows and alarm together.
        self.alarm.wake_by(&self.state, fire_at).await?;
        Ok(reply)
    }

    async fn fire(&self) -> Result<Option<UnixMillis>, Fault> {
        let db = Database::new(&self.state);
        if !store::exists(&db)? {
            return Ok(None);
        }
        self.change(|memory, now| ((), memory.sweep(now)))?;
        // Logged, and tried again later.
        let _ = self.to_publisher.deliver(&db, async |waiting| self.tell_publisher(waiting).await).await;
        let _ = self.to_index.deliver(&db, async |waiting| self.tell_index(waiting).await).await;
        self.rest(&db).await
    }

    async fn tell_index(&self, waiting: Vec<(u64, (u64, SiteEvent))>) -> Result<Vec<u64>, Fault> {
        let mut told = Vec::new();
        for (row, (number, event)) in waiting {
            // By its id: an object that its alarm wakes does not know its name everywhere.
            let source = self.state.id().to_string();
            object::call(&self.env, index::NAME, &NoteEvent { source, number, event }).await?;
            told.push(row);
        }
        Ok(told)
    }

    async fn tell_publisher(&self, waiting: Vec<(u64, Dirty)>) -> Result<Vec<u64>, Fault> {
        let rebase = waiting.iter().any(|(_, dirty)| dirty.rebase);
        object::call(&self.env, NAME, &Dirty { rebase }).await?;
        let (row_counts, _) = self.look(|memory| memory.state.row_counts())?;
        log::Line::new("guard_bans")
            .with("sentinel", self.state.id().name().unwrap_or_default())
            .with("watched", row_counts.watched)
            .with("banned", row_counts.banned)
            .with("networks", row_counts.networks)
            .with("rebase", rebase)
            .info();
        Ok(waiting.into_iter().map(|(number, _)| number).collect())
    }

    /// When the alarm has to fire next; gives the storage back when there is nothing to keep.
    async fn rest(&self, db: &Database) -> Result<Option<UnixMillis>, Fault> {
        let idle = || {
            let (empty, fire_at) = self.look(Memory::is_empty)?;
            Ok::<_, Fault>((empty && self.told_at(db)?.is_none(), fire_at))
        };
        if let (false, fire_at) = idle()? {
            return Ok(fire_at);
        }
        self.alarm.delete(&self.state).await?;
        // A question may have come meanwhile. From here to the deletion nothing awaits.
        if let (false, fire_at) = idle()? {
            return Ok(fire_at);
        }
        self.memory.take();
        self.state.storage().delete_all().await.map_err(|e| Fault::new("sentinel_empty", e))?;
        Ok(None)
    }

    /// Does something to the memory and the same to the disk, in one transaction. When that fails the memory is gone,
    /// and is read anew for the next question. Returns when the alarm has to fire.
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
        let fire_at = self.fire_at(db, &memory)?;
        self.memory.replace(Some(memory));
        Ok(fire_at)
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

    /// When others are to be told something.
    fn told_at(&self, db: &Database) -> Result<Option<UnixMillis>, Fault> {
        Ok(self.to_publisher.due(db)?.into_iter().chain(self.to_index.due(db)?).min())
    }

    fn fire_at(&self, db: &Database, memory: &Memory) -> Result<Option<UnixMillis>, Fault> {
        let told = if memory.migrated { self.told_at(db)? } else { None };
        Ok(told.into_iter().chain(memory.next_end.map(|end| end.millis())).min())
    }
}
