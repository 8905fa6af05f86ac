//! The last runs of the sweep with their figures.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use worker::SqlStorageValue as Value;

use super::store;
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::sql::{Database, Row, Tx, integer};
use waxseal::types::{LetterId, UnixMillis};

/// Runs that are kept: a month of days.
const KEPT_RUNS: u64 = 31;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// The figures of a run or of a part of it, as people and programs are told them.
        #[derive(Clone, Copy, Default, Serialize, Deserialize)]
        pub(super) struct Counts { $($(#[$doc])* pub(super) $name: u64),+ }

        impl Counts {
            pub(super) fn add(&mut self, other: &Self) {
                $(self.$name = self.$name.saturating_add(other.$name);)+
            }
        }
    };
}
counts! {
    /// Letters that the bucket has something of.
    listed,
    /// Letters that the index did not know when the run began.
    taken_on,
    /// Letters that were overdue and asked to do what is due.
    rung,
    /// Bodies without a manifest that were deleted.
    orphans,
    /// Letters that are erased, or damaged beyond their time, and whose objects were deleted.
    deleted,
    /// Letters that no ledger can take on.
    damaged,
    /// Letters in the index that lack an object before their time.
    vanished,
    /// Keys in the bucket that this software does not write.
    foreign,
    /// Letters whose ledger or objects could not be reached.
    failed,
}

/// A run of the sweep.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(super) number: u64,
    pub(super) started: UnixMillis,
    pub(super) ended: Option<UnixMillis>,
    /// Whether every ledger is asked.
    pub(super) rebuild: bool,
    /// The key in the bucket behind which it goes on.
    pub(super) place: String,
    /// The letter in the index behind which it goes on.
    pub(super) upto: Option<LetterId>,
    /// The last fault that held the whole run up, and when.
    fault: Option<(String, UnixMillis)>,
    /// Letters in the index that had something due at its end.
    pub(super) register: Option<u64>,
    pub(super) counts: Counts,
}

impl Run {
    /// Something holds the whole run up.
    pub(super) fn held_up(&mut self, code: &str, now: UnixMillis) {
        self.fault = Some((code.to_owned(), now));
    }

    /// For the API and the log.
    pub(super) fn shown(&self, now: UnixMillis) -> Result<Map<String, Json>, Fault> {
        let millis = self.ended.unwrap_or(now).0.saturating_sub(self.started.0);
        let about = json!({
            "run": self.number,
            "state": if self.ended.is_some() { "done" } else { "running" },
            "started_at": self.started,
            "ended_at": self.ended,
            "seconds": millis as f64 / 1_000.0,
            "rebuild": self.rebuild,
            "register": self.register,
            "fault": self.fault.as_ref().map(|(code, at)| json!({ "code": code, "at": at })),
        });
        let parts = [about, serde_json::to_value(self.counts)?];
        Ok(parts.into_iter().filter_map(|part| part.as_object().cloned()).flatten().collect())
    }
}

/// The last run, and the one before it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Runs {
    runs: Vec<Run>,
    now: UnixMillis,
}

impl Runs {
    /// The number of the last run; 0 when there was none.
    pub(crate) fn last(&self) -> u64 {
        self.runs.first().map_or(0, |run| run.number)
    }

    /// As the API shows them.
    pub(crate) fn shown(&self) -> Result<Json, Fault> {
        let mut runs = self.runs.iter().map(|run| run.shown(self.now));
        let Some(last) = runs.next() else { return Ok(json!({ "run": 0, "state": "never" })) };
        let mut shown = last?;
        shown.insert("before".into(), runs.next().transpose()?.into());
        Ok(shown.into())
    }
}

/// The newest runs first.
pub(super) fn runs(db: &Database, limit: u64) -> Result<Vec<Run>, Fault> {
    let rows = db.rows("SELECT run FROM run ORDER BY number DESC LIMIT ?", vec![integer(limit)])?;
    rows.into_iter().map(|mut row: Row| Ok(serde_json::from_str(&row.text()?)?)).collect()
}

/// How the last two runs stand.
pub(super) fn last(db: &Database) -> Result<Runs, Fault> {
    Ok(Runs { runs: if store::exists(db)? { runs(db, 2)? } else { Vec::new() }, now: clock::now() })
}

/// The run that is going on.
pub(super) fn going(db: &Database) -> Result<Option<Run>, Fault> {
    Ok(runs(db, 1)?.into_iter().find(|run| run.ended.is_none()))
}

/// Begins a run, in place of one that is going on.
pub(super) fn begin(tx: &Tx<'_>, going: Option<Run>, rebuild: bool, now: UnixMillis) -> Result<(), Fault> {
    if let Some(run) = going {
        save(tx, &Run { ended: Some(now), ..run })?;
    }
    let number = runs(tx, 1)?.first().map_or(0, |run| run.number).saturating_add(1);
    let (place, counts) = (String::new(), Counts::default());
    save(
        tx,
        &Run {
            number,
            started: now,
            ended: None,
            rebuild,
            place,
            upto: None,
            fault: None,
            register: None,
            counts,
        },
    )?;
    let old = number.saturating_sub(KEPT_RUNS);
    tx.run("DELETE FROM run WHERE number <= ?", vec![integer(old)])
}

/// Changes the run of this number while it is going on.
pub(super) fn change(db: &Database, number: u64, mut change: impl FnMut(&mut Run)) -> Result<(), Fault> {
    db.transaction(|tx| match going(tx)?.filter(|run| run.number == number) {
        Some(mut run) => {
            change(&mut run);
            save(tx, &run)
        }
        None => Ok(()),
    })
}

pub(super) fn save(tx: &Tx<'_>, run: &Run) -> Result<(), Fault> {
    tx.run(
        "INSERT INTO run (number, run) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET run = excluded.run",
        vec![integer(run.number), Value::String(serde_json::to_string(run)?)],
    )
}
