//! The Durable Object: a row for each key.

use worker::{DurableObject, Env, Request, Response, SqlStorageValue as Value, State, durable_object};

use super::{AddKey, ListKeys, RemoveKey, UseKey};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::object::serve;
use crate::platform::sql::{Database, integer};
use waxseal::api::{KeyView, Scopes};
use waxseal::token::{ApiKeyId, hashes_match};
use waxseal::types::UnixSeconds;

/// Applied in order, each once. Never edit one that was released; add another.
const MIGRATIONS: &[&[&str]] = &[&["CREATE TABLE key (
    id BLOB PRIMARY KEY,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    scopes INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    used_at INTEGER
) STRICT"]];

/// The most keys of one site.
const MAX_KEYS: u64 = 500;

/// When a key was used last is written down so often at most: a write costs far more than the reading that each use is.
const USED_SECONDS: u64 = 3_600;

/// The keys of a site.
#[durable_object(fetch)]
pub struct ApiKeys {
    db: Database,
}

impl DurableObject for ApiKeys {
    fn new(state: State, _env: Env) -> Self {
        Self { db: Database::new(&state) }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, UseKey => use_key, AddKey => add, ListKeys => list, RemoveKey => remove)
    }
}

impl ApiKeys {
    async fn use_key(&self, UseKey { id, hash }: UseKey) -> Result<Option<Scopes>, Fault> {
        if !self.db.has_table("key")? {
            return Ok(None);
        }
        let row = "SELECT hash, scopes, used_at FROM key WHERE id = ? LIMIT 1";
        let mut rows = self.db.rows(row, vec![blob(id)])?;
        let Some(row) = rows.first_mut() else { return Ok(None) };
        if !hashes_match(&row.blob()?.unwrap_or_default(), &hash) {
            return Ok(None);
        }
        let scopes = scopes(row.integer()?);
        let now = clock::now().seconds();
        if row.optional_integer()?.is_none_or(|at| now.0.saturating_sub(at) >= USED_SECONDS) {
            self.db.transaction(|db| {
                db.run("UPDATE key SET used_at = ? WHERE id = ?", vec![integer(now.0), blob(id)])
            })?;
        }
        Ok(Some(scopes))
    }

    async fn add(&self, AddKey { id, hash, name, scopes }: AddKey) -> Result<bool, Fault> {
        let mut room = false;
        self.db.transaction(|db| {
            db.migrate(MIGRATIONS)?;
            room = db
                .rows("SELECT count(*) FROM key", vec![])?
                .first_mut()
                .map_or(Ok(0), |row| row.integer())?
                < MAX_KEYS;
            let values = vec![
                blob(id),
                Value::Blob(hash.to_vec()),
                Value::String(name.clone()),
                integer(scopes.bits().into()),
                integer(clock::now().seconds().0),
            ];
            let insert = "INSERT INTO key (id, hash, name, scopes, created_at) VALUES (?, ?, ?, ?, ?)";
            if room { db.run(insert, values) } else { Ok(()) }
        })?;
        Ok(room)
    }

    async fn list(&self, _: ListKeys) -> Result<Vec<KeyView>, Fault> {
        if !self.db.has_table("key")? {
            return Ok(Vec::new());
        }
        let rows = "SELECT id, name, scopes, created_at, used_at FROM key ORDER BY created_at, id LIMIT ?";
        let rows = self.db.rows(rows, vec![integer(MAX_KEYS)])?;
        let view = |mut row: crate::platform::sql::Row| {
            let id = row.blob()?.and_then(|id| id.try_into().ok());
            Ok(KeyView {
                id: ApiKeyId(id.ok_or_else(|| Fault::new("sql_row", "not a key's id"))?),
                name: row.text()?,
                scopes: scopes(row.integer()?),
                created_at: UnixSeconds(row.integer()?),
                used_at: row.optional_integer()?.map(UnixSeconds),
            })
        };
        rows.into_iter().map(view).collect()
    }

    async fn remove(&self, RemoveKey { id }: RemoveKey) -> Result<bool, Fault> {
        let known = self.list(ListKeys {}).await?.iter().any(|key| key.id == id);
        if known {
            self.db.transaction(|db| db.run("DELETE FROM key WHERE id = ?", vec![blob(id)]))?;
        }
        Ok(known)
    }
}

fn blob(id: ApiKeyId) -> Value {
    Value::Blob(id.0.to_vec())
}

fn scopes(bits: u64) -> Scopes {
    Scopes::from_bits(u8::try_from(bits).unwrap_or_default())
}
