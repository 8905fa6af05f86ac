//! SQLite of a Durable Object without its traps: no `one()` (it hangs on no rows), no booleans or blobs through
//! serde, and a transaction that really rolls back. See `docs/RUNTIME.md`.

use wasm_bindgen::prelude::*;
use worker::{SqlStorageValue, State};

use super::error::Fault;

#[wasm_bindgen]
extern "C" {
    /// The raw `ctx.storage`; `worker` does not bind its `transactionSync`.
    type RawStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &RawStorage,
        body: &mut dyn FnMut() -> Result<(), JsValue>,
    ) -> Result<(), JsValue>;
}

/// A number to bind: a time or a count below 2^53, which a double holds exactly.
pub(crate) fn integer(value: u64) -> SqlStorageValue {
    SqlStorageValue::Float(value as f64)
}

/// One row: the values in the order of the select list.
pub(crate) struct Row(std::vec::IntoIter<SqlStorageValue>);

impl Row {
    fn next(&mut self) -> Result<SqlStorageValue, Fault> {
        self.0.next().ok_or_else(|| Fault::new("sql_row", "fewer columns than asked for"))
    }

    /// An INTEGER that is not negative.
    pub(crate) fn integer(&mut self) -> Result<u64, Fault> {
        match self.next()? {
            SqlStorageValue::Integer(n) => u64::try_from(n).map_err(|e| Fault::new("sql_row", e)),
            _ => Err(Fault::new("sql_row", "not an integer")),
        }
    }

    /// An INTEGER that is not negative, or nothing where the column is NULL.
    pub(crate) fn optional_integer(&mut self) -> Result<Option<u64>, Fault> {
        match self.next()? {
            SqlStorageValue::Null => Ok(None),
            SqlStorageValue::Integer(n) => u64::try_from(n).map(Some).map_err(|e| Fault::new("sql_row", e)),
            _ => Err(Fault::new("sql_row", "not an integer")),
        }
    }

    /// TEXT.
    pub(crate) fn text(&mut self) -> Result<String, Fault> {
        match self.next()? {
            SqlStorageValue::String(text) => Ok(text),
            _ => Err(Fault::new("sql_row", "not a text")),
        }
    }

    /// TEXT, or nothing where the column is NULL.
    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, Fault> {
        match self.next()? {
            SqlStorageValue::Null => Ok(None),
            SqlStorageValue::String(text) => Ok(Some(text)),
            _ => Err(Fault::new("sql_row", "not a text")),
        }
    }

    /// BLOB, or nothing where the column is NULL.
    pub(crate) fn blob(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        match self.next()? {
            SqlStorageValue::Blob(bytes) => Ok(Some(bytes)),
            SqlStorageValue::Null => Ok(None),
            _ => Err(Fault::new("sql_row", "not a blob")),
        }
    }
}

/// The database of one Durable Object.
pub(crate) struct Database {
    sql: worker::SqlStorage,
    raw: RawStorage,
}

impl Database {
    pub(crate) fn new(state: &State) -> Self {
        let storage = state.storage();
        let raw: &JsValue = storage.as_raw().as_ref();
        Self { sql: storage.sql(), raw: raw.clone().unchecked_into() }
    }

    /// All rows of a SELECT. Bound it with LIMIT. Anything else is refused: only a transaction writes.
    pub(crate) fn rows(&self, select: &str, values: Vec<SqlStorageValue>) -> Result<Vec<Row>, Fault> {
        if !select.starts_with("SELECT ") || select.contains(';') {
            return Err(Fault::new("sql", "not a SELECT"));
        }
        let cursor = self.sql.exec(select, values).map_err(|e| Fault::new("sql", e))?;
        cursor
            .raw()
            .map(|row| row.map(|values| Row(values.into_iter())).map_err(|e| Fault::new("sql", e)))
            .collect()
    }

    /// Whether there is a table of this name. Reading writes nothing, so an object that only looks leaves no storage
    /// behind.
    pub(crate) fn has_table(&self, name: &str) -> Result<bool, Fault> {
        let named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?";
        Ok(!self.rows(named, vec![SqlStorageValue::String(name.to_owned())])?.is_empty())
    }

    /// Runs `body` in `transactionSync`: on an error every row it wrote is taken back.
    pub(crate) fn transaction(
        &self,
        mut body: impl FnMut(&Tx<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut fault = None;
        let outcome = self.raw.transaction_sync(&mut || {
            body(&Tx(self)).map_err(|error| {
                fault = Some(error);
                JsValue::from_str("rolled back")
            })
        });
        match (outcome, fault) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(fault)) => Err(fault),
            (Err(error), None) => Err(error.into()),
        }
    }
}

/// A transaction that is under way: only it can write.
pub(crate) struct Tx<'d>(&'d Database);

impl core::ops::Deref for Tx<'_> {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0
    }
}

impl Tx<'_> {
    /// Runs a statement whose rows nobody reads.
    pub(crate) fn run(&self, statement: &str, values: Vec<SqlStorageValue>) -> Result<(), Fault> {
        self.sql.exec(statement, values).map(|_| ()).map_err(|e| Fault::new("sql", e))
    }

    /// Brings the tables up to date: applies each of the migrations that was not applied yet.
    pub(crate) fn migrate(&self, migrations: &[&[&str]]) -> Result<(), Fault> {
        self.run("CREATE TABLE IF NOT EXISTS schema (version INTEGER NOT NULL) STRICT", vec![])?;
        let done = match self.rows("SELECT max(version) FROM schema", vec![])?.first_mut() {
            Some(row) => row.optional_integer()?.unwrap_or(0),
            None => 0,
        };
        for (number, statements) in (1u64..).zip(migrations) {
            if number <= done {
                continue;
            }
            for statement in *statements {
                self.run(statement, vec![])?;
            }
            self.run("INSERT INTO schema (version) VALUES (?)", vec![integer(number)])?;
        }
        Ok(())
    }
}
