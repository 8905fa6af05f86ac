//! The alarm of a Durable Object, one moment at which the platform wakes it; and how long what failed waits for its next attempt.
//! That is on disk, for an object may be thrown out of memory, or killed, at any time.

use std::cell::Cell;
use std::future::Future;

use js_sys::Date;
use wasm_bindgen::JsValue;
use worker::{Response, ScheduledTime, SqlStorageValue, State};

use super::error::Fault;
use super::sql::{Database, integer};
use super::{clock, log};
use waxseal::types::UnixMillis;

/// For the migrations of an object that tries again: a row for each thing that failed, until it succeeds.
pub(crate) const FAILURE_TABLE: &str = "CREATE TABLE failure (name TEXT PRIMARY KEY, failures INTEGER NOT NULL, retry_at INTEGER NOT NULL, code TEXT NOT NULL, at INTEGER NOT NULL) STRICT";

/// How the waits grow from one failure in a row to the next: each is twice as long as the one before it.
#[derive(Clone, Copy)]
pub(crate) struct Backoff {
    pub(crate) initial_ms: u64,
    pub(crate) max_ms: u64,
}

/// The last failure of something that did not succeed since.
pub(crate) struct Failure {
    /// How many there were in a row.
    failures: u64,
    retry_at: UnixMillis,
    pub(crate) code: String,
    pub(crate) at: UnixMillis,
}

/// What is known of the failures of `name`.
pub(crate) fn failure(db: &Database, name: &str) -> Result<Option<Failure>, Fault> {
    if !db.has_table("failure")? {
        return Ok(None);
    }
    let last = "SELECT failures, retry_at, code, at FROM failure WHERE name = ? LIMIT 1";
    let mut rows = db.rows(last, vec![SqlStorageValue::String(name.to_owned())])?;
    let Some(row) = rows.first_mut() else { return Ok(None) };
    Ok(Some(Failure {
        failures: row.integer()?,
        retry_at: UnixMillis(row.integer()?),
        code: row.text()?,
        at: UnixMillis(row.integer()?),
    }))
}

impl Backoff {
    /// When `name` may be tried again: at once where it did not fail, or where a clock that was ahead noted that.
    pub(crate) fn retry_at(self, db: &Database, name: &str) -> Result<UnixMillis, Fault> {
        let latest = after(self.max_ms);
        let at = failure(db, name)?.map(|failure| failure.retry_at).filter(|at| *at <= latest);
        Ok(at.unwrap_or(UnixMillis(0)))
    }

    /// Notes how an attempt went, a failure if it did not succeed; when there is to be another.
    pub(crate) fn note(self, db: &Database, name: &str, fault: Option<&Fault>) -> Result<UnixMillis, Fault> {
        let before = failure(db, name)?;
        let named = || SqlStorageValue::String(name.to_owned());
        let Some(fault) = fault else {
            if before.is_some() {
                db.transaction(|tx| tx.run("DELETE FROM failure WHERE name = ?", vec![named()]))?;
            }
            return Ok(UnixMillis(0));
        };
        let failures = before.map_or(0, |failure| failure.failures).min(32);
        let retry_at = after(self.initial_ms.saturating_mul(1 << failures).min(self.max_ms));
        if db.has_table("failure")? {
            let code = || SqlStorageValue::String(fault.code.to_owned());
            db.transaction(|tx| {
                tx.run(
                    "INSERT OR REPLACE INTO failure (name, failures, retry_at, code, at) VALUES (?, ?, ?, ?, ?)",
                    vec![named(), integer(failures.saturating_add(1)), integer(retry_at.0), code(), integer(clock::now().0)],
                )
            })?;
        }
        Ok(retry_at)
    }
}

/// The one alarm of an object.
pub(crate) struct Alarm {
    backoff: Backoff,
    /// When it fires, as far as this life of the object has set it.
    set_for: Cell<Option<UnixMillis>>,
}

impl Alarm {
    /// `backoff`: how soon work that failed is tried again.
    pub(crate) const fn new(backoff: Backoff) -> Self {
        Self { backoff, set_for: Cell::new(None) }
    }

    /// Sees to it that the alarm fires at this time or earlier: the next of all that is due. Nothing awaits before it is set, so that
    /// in the turn of the write that made it necessary both are on disk or neither is.
    pub(crate) async fn wake_by(&self, state: &State, at: Option<UnixMillis>) -> Result<(), Fault> {
        let Some(at) = at else { return Ok(()) };
        if self.set_for.get().is_some_and(|set| set <= at && set > clock::now()) {
            return Ok(());
        }
        self.set_for.set(Some(at));
        set(state, at).await.inspect_err(|_| self.set_for.set(None))
    }

    /// Sees to it that the alarm fires at some time: at once, unless it is set.
    pub(crate) async fn wake(&self, state: &State) -> Result<(), Fault> {
        match state.storage().get_alarm().await.map_err(|e| Fault::new("alarm", e))? {
            Some(_) => Ok(()),
            None => self.wake_by(state, Some(clock::now())).await,
        }
    }

    /// The object is awake: does the work, which answers when there is something to do next, and sets the alarm anew whatever became of
    /// it. The platform gives up on an alarm after a few quick tries; what is due must come to pass.
    pub(crate) async fn fire(
        &self,
        state: &State,
        name: &'static str,
        work: impl Future<Output = Result<Option<UnixMillis>, Fault>>,
    ) -> worker::Result<Response> {
        self.set_for.set(None);
        let done = work.await;
        if let Err(fault) = &done {
            log::fault(name, fault);
        }
        let noted = self.backoff.note(&Database::new(state), name, done.as_ref().err());
        let next = match (done, noted) {
            (Ok(next), Ok(_)) => next,
            (Err(_), Ok(retry_at)) => Some(retry_at),
            (_, Err(_)) => Some(after(self.backoff.max_ms)),
        };
        match self.wake_by(state, next).await {
            Ok(()) => Response::empty(),
            Err(fault) => Err(worker::Error::RustError(fault.code.to_owned())),
        }
    }

    /// Nothing is due any more.
    pub(crate) async fn delete(&self, state: &State) -> Result<(), Fault> {
        self.forget();
        state.storage().delete_alarm().await.map_err(|e| Fault::new("alarm", e))
    }

    /// Whatever was set may be gone with the object's storage.
    pub(crate) fn forget(&self) {
        self.set_for.set(None);
    }
}

/// So many milliseconds from now.
pub(crate) fn after(millis: u64) -> UnixMillis {
    UnixMillis(clock::now().0.saturating_add(millis))
}

async fn set(state: &State, at: UnixMillis) -> Result<(), Fault> {
    // The platform refuses 0, which for us is as good as any other time that is over.
    let date = Date::new(&JsValue::from_f64(at.0.max(1) as f64));
    state.storage().set_alarm(ScheduledTime::new(date)).await.map_err(|e| Fault::new("alarm", e))
}
