//! What an object has to tell others and must not forget. A message is written in the transaction that makes it true, delivered in
//! order and at least once, and deleted when its receiver has acknowledged it. One that cannot be read is set aside.

use std::marker::PhantomData;

use futures_util::lock::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::SqlStorageValue;

use super::alarm::{Backoff, after};
use super::error::Fault;
use super::log::{self, Line};
use super::object::{decode, encode};
use super::sql::{Database, Tx, integer};
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
        loop {
            let rows = db.rows(next, vec![text(self.name), integer(self.batch)])?;
            let (mut messages, mut broken) = (Vec::new(), Vec::new());
            for mut row in rows {
                let (number, message) = (row.integer()?, row.blob()?.unwrap_or_default());
                match decode(&message) {
                    Ok(message) => messages.push((number, message)),
                    Err(fault) => broken.push((number, fault)),
                }
            }
            if broken.is_empty() {
                return Ok(messages);
            }
            // They would hold up all that comes behind them.
            db.transaction(|tx| {
                let aside = "UPDATE outbox SET topic = ? WHERE number = ?";
                let topic = || text(&format!("{}_broken", self.name));
                broken.iter().try_for_each(|(number, _)| tx.run(aside, vec![topic(), integer(*number)]))
            })?;
            for (number, fault) in broken {
                let line = Line::new("outbox_message_broken").with("topic", self.name).with("number", number);
                line.with("code", fault.code).error();
            }
        }
    }
}

/// Writes a message for this topic.
pub(crate) fn push<M: Serialize>(tx: &Tx<'_>, topic: &str, message: &M) -> Result<(), Fault> {
    let row = vec![text(topic), SqlStorageValue::Blob(encode(message)?)];
    tx.run("INSERT INTO outbox (topic, message) VALUES (?, ?)", row)
}

/// Whether nothing waits.
pub(crate) fn is_empty(db: &Database, topic: &str) -> Result<bool, Fault> {
    let any = "SELECT 1 FROM outbox WHERE topic = ? LIMIT 1";
    Ok(db.rows(any, vec![text(topic)])?.is_empty())
}

fn text(text: &str) -> SqlStorageValue {
    SqlStorageValue::String(text.to_owned())
}
