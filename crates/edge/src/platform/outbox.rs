//! What an object has to tell others and must not forget. A message is written in the transaction that makes it true, delivered in
//! order and at least once, and deleted when its receiver has acknowledged it.

use std::marker::PhantomData;

use futures_util::lock::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::SqlStorageValue;

use super::alarm::{Backoff, after};
use super::error::Fault;
use super::log;
use super::object::{decode, encode};
use super::sql::{Database, Row, Tx, integer};
use waxseal::types::UnixMillis;

/// For the migrations of an object that has an outbox, beside [`FAILURE_TABLE`](super::alarm::FAILURE_TABLE).
pub(crate) const OUTBOX_TABLE: &str =
    "CREATE TABLE outbox (number INTEGER PRIMARY KEY, topic TEXT NOT NULL, message BLOB NOT NULL) STRICT";

/// Messages of one kind, to one receiver. One that fails holds up those behind it, and no other topic.
pub(crate) struct Topic<M> {
    pub(crate) name: &'static str,
    /// What comes within this time goes together.
    gather_ms: u64,
    /// So many at once.
    batch: u64,
    backoff: Backoff,
    /// Whoever delivers: what was sent is not overtaken by what comes behind it.
    delivering: Mutex<()>,
    messages: PhantomData<M>,
}

impl<M: Serialize + DeserializeOwned> Topic<M> {
    pub(crate) fn new(name: &'static str, gather_ms: u64, batch: u64, backoff: Backoff) -> Self {
        Self { name, gather_ms, batch, backoff, delivering: Mutex::default(), messages: PhantomData }
    }

    /// When to deliver; `None` when nothing waits.
    pub(crate) fn due(&self, db: &Database) -> Result<Option<UnixMillis>, Fault> {
        if is_empty(db, self.name)? {
            return Ok(None);
        }
        Ok(Some(after(self.gather_ms).max(self.backoff.retry_at(db, self.name)?)))
    }

    /// Delivers what waits. `send` gets messages with their numbers and answers the numbers of those that were acknowledged; none
    /// is as good as a failure. How it went is noted, and a failure logged.
    pub(crate) async fn deliver(
        &self,
        db: &Database,
        send: impl AsyncFnMut(Vec<(u64, M)>) -> Result<Vec<u64>, Fault>,
    ) -> Result<(), Fault> {
        let _turn = self.delivering.lock().await;
        let outcome = self.deliver_all(db, send).await;
        if let Err(fault) = &outcome {
            log::fault(self.name, fault);
        }
        self.backoff.note(db, self.name, outcome.as_ref().err())?;
        outcome
    }

    async fn deliver_all(
        &self,
        db: &Database,
        mut send: impl AsyncFnMut(Vec<(u64, M)>) -> Result<Vec<u64>, Fault>,
    ) -> Result<(), Fault> {
        loop {
            let waiting = self.waiting(db)?;
            if waiting.is_empty() {
                return Ok(());
            }
            let acknowledged = send(waiting).await?;
            if acknowledged.is_empty() {
                return Err(Fault::new("not_acknowledged", "none of the messages that wait"));
            }
            db.transaction(|tx| {
                acknowledged.iter().try_for_each(|number| {
                    tx.run("DELETE FROM outbox WHERE number = ?", vec![integer(*number)])
                })
            })?;
        }
    }

    fn waiting(&self, db: &Database) -> Result<Vec<(u64, M)>, Fault> {
        let next = "SELECT number, message FROM outbox WHERE topic = ? ORDER BY number LIMIT ?";
        let rows = db.rows(next, vec![SqlStorageValue::String(self.name.to_owned()), integer(self.batch)])?;
        let message = |mut row: Row| Ok((row.integer()?, decode(&row.blob()?.unwrap_or_default())?));
        rows.into_iter().map(message).collect()
    }
}

/// Writes a message for this topic.
pub(crate) fn push<M: Serialize>(tx: &Tx<'_>, topic: &str, message: &M) -> Result<(), Fault> {
    let row = vec![SqlStorageValue::String(topic.to_owned()), SqlStorageValue::Blob(encode(message)?)];
    tx.run("INSERT INTO outbox (topic, message) VALUES (?, ?)", row)
}

/// Whether nothing waits.
pub(crate) fn is_empty(db: &Database, topic: &str) -> Result<bool, Fault> {
    let any = "SELECT 1 FROM outbox WHERE topic = ? LIMIT 1";
    Ok(db.rows(any, vec![SqlStorageValue::String(topic.to_owned())])?.is_empty())
}
