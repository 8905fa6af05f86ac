//! The feed is the outbox of webhooks: the index knows of each endpoint how far it was told, and tells it the rest, in order. What an
//! endpoint acknowledged is on its disk.

use worker::{Env, SqlStorageValue as Value};

use super::store::{self, write};
use crate::objects::webhook::{Hear, Refused};
use crate::platform::alarm::{Backoff, after};
use crate::platform::error::Fault;
use crate::platform::object::{self, encode};
use crate::platform::sql::{Database, Row, integer};
use crate::platform::{log, tasks};
use waxseal::types::UnixMillis;
use waxseal::webhook::{SiteEvent, WebhookId};

/// The most endpoints of one site.
const MAX_WEBHOOKS: usize = 20;
/// Entries that are told at a time,
const BATCH: u64 = 200;
/// and so often in one go.
const BATCHES: usize = 20;
/// After an endpoint's object failed.
const BACKOFF: Backoff = Backoff { initial_ms: 1_000, max_ms: 5 * 60_000 };

/// The endpoints, the oldest first, with the number of the entry that each was told last.
pub(super) fn list(db: &Database) -> Result<Vec<(WebhookId, u64)>, Fault> {
    if !db.has_table("webhook")? {
        return Ok(Vec::new());
    }
    let rows = db.rows("SELECT id, told FROM webhook ORDER BY id", vec![])?;
    let one = |mut row: Row| {
        let id = row.blob()?.and_then(|bytes| bytes.try_into().ok());
        Ok((WebhookId(id.ok_or_else(|| Fault::new("sql_row", "not an endpoint's id"))?), row.integer()?))
    };
    rows.into_iter().map(one).collect()
}

/// Another endpoint, which hears what happens from now on; whether there is room. Once more changes nothing.
pub(super) fn add(db: &Database, id: WebhookId) -> Result<bool, Fault> {
    let known = list(db)?;
    if known.iter().any(|(known, _)| *known == id) {
        return Ok(true);
    }
    if known.len() >= MAX_WEBHOOKS {
        return Ok(false);
    }
    write(db, |tx| {
        tx.run("INSERT INTO webhook (id, told) SELECT ?, coalesce(max(seq), 0) FROM feed", vec![blob(id)])
    })?;
    Ok(true)
}

pub(super) fn remove(db: &Database, id: WebhookId) -> Result<(), Fault> {
    write(db, |tx| tx.run("DELETE FROM webhook WHERE id = ?", vec![blob(id)]))
}

/// Notes what happened to the site, once: `number` grows with each event of a source.
pub(super) fn note(db: &Database, source: &str, number: u64, event: &SiteEvent) -> Result<(), Fault> {
    let named = || Value::String(source.to_owned());
    write(db, |tx| {
        let known = "SELECT number FROM source WHERE name = ? LIMIT 1";
        let known = tx.rows(known, vec![named()])?.first_mut().map_or(Ok(0), Row::integer)?;
        if number <= known {
            return Ok(());
        }
        tx.run("INSERT OR REPLACE INTO source (name, number) VALUES (?, ?)", vec![named(), integer(number)])?;
        let entry = "INSERT INTO feed (letter, upto, events) VALUES (zeroblob(0), 0, ?)";
        tx.run(entry, vec![Value::Blob(encode(event)?)])
    })
}

/// Whether some endpoint was not told everything.
pub(super) fn anyone_behind(db: &Database) -> Result<bool, Fault> {
    let behind = "SELECT 1 FROM webhook WHERE told < (SELECT max(seq) FROM feed) LIMIT 1";
    Ok(db.has_table("webhook")? && !db.rows(behind, vec![])?.is_empty())
}

/// Tells every endpoint what it was not told; answers when to go on.
pub(super) async fn tell(env: &Env, db: &Database) -> Result<Option<UnixMillis>, Fault> {
    if !anyone_behind(db)? {
        return Ok(None);
    }
    let told = list(db)?.into_iter().map(|(id, told)| tell_one(env, db, id, told));
    let next = tasks::all(told).await.into_iter().collect::<Result<Vec<_>, Fault>>()?;
    Ok(next.into_iter().flatten().min())
}

/// One that fails waits for itself.
async fn tell_one(
    env: &Env,
    db: &Database,
    id: WebhookId,
    mut told: u64,
) -> Result<Option<UnixMillis>, Fault> {
    let name = id.to_string();
    let retry_at = BACKOFF.retry_at(db, &name)?;
    if retry_at > after(0) {
        return Ok(Some(retry_at));
    }
    for _ in 0..BATCHES {
        let page = store::events(db, told, BATCH)?;
        if page.next == told {
            return Ok(None);
        }
        match object::call(env, &name, &Hear { entries: page.entries }).await {
            Ok(Ok(true)) => {
                told = page.next;
                let note = "UPDATE webhook SET told = ? WHERE id = ?";
                db.transaction(|tx| tx.run(note, vec![integer(told), blob(id)]))?;
                BACKOFF.note(db, &name, None)?;
            }
            // What it was not told stays in the feed.
            Ok(Ok(false)) => {
                let full = Fault::new("webhook_full", format_args!("{name} has as much waiting as it keeps"));
                log::fault("index_webhooks", &full);
                return BACKOFF.note(db, &name, Some(&full)).map(Some);
            }
            // Deleted, and whoever did that died before they said so here.
            Ok(Err(Refused::Missing | Refused::Disabled | Refused::NoSuchDelivery)) => {
                remove(db, id)?;
                return Ok(None);
            }
            Err(fault) => {
                log::fault("index_webhooks", &fault);
                return BACKOFF.note(db, &name, Some(&fault)).map(Some);
            }
        }
    }
    Ok(Some(after(0)))
}

fn blob(id: WebhookId) -> Value {
    Value::Blob(id.0.to_vec())
}
