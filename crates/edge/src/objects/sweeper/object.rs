//! The Durable Object: goes through the bucket in slices, an alarm for each, its place on disk.

use std::cell::{Cell, RefCell};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::store::{self, Count, Counts, Progress, Run};
use super::visit::{Entry, Visit};
use crate::platform::alarm::{Alarm, Backoff, after};
use crate::platform::bucket::{Letters, Page};
use crate::platform::error::Fault;
use crate::platform::object::{ObjectClass, requests, serve};
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{clock, log, tasks};
use waxseal::ledger::sweep::{Found, Known, PREFIX, Step, behind, gather, steps};
use waxseal::seal::manifest_key;
use waxseal::types::{LetterId, UnixMillis};

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "SWEEPER" };
/// The one object of this class.
pub(crate) const NAME: &str = "sweeper";

requests! { CLASS;
    /// Begin a run unless one is going on. It will come to its end.
    BeginSweep {} -> Runs;
    /// The last run, and the one before it for comparison.
    SweepStatus {} -> Runs;
}

/// Keys of one listing; the platform gives no more.
const PAGE: u32 = 1_000;
/// Letters that one slice asks. Each costs up to three calls of the thousand that the platform allows in one go.
const CALLS: usize = 250;
/// Letters that are asked at a time; the platform keeps six connections open.
const CONCURRENCY: usize = 6;
/// Rows of the register that are read in one slice.
const ROWS: u64 = 2_000;
/// After so long a slice asks no further letter.
const SLICE_MS: u64 = 20_000;
/// After a fault of the whole.
const BACKOFF: Backoff = Backoff { initial_ms: 5_000, max_ms: 15 * 60_000 };
/// So many failures and no success in one slice are the platform's, not the letters': wait.
const MAX_IN_VAIN: u64 = 20;
/// So long.
const IN_VAIN_MS: u64 = 60_000;

/// The sweeper of a site.
#[durable_object(alarm)]
pub struct Sweeper {
    state: State,
    env: Env,
    alarm: Alarm,
}

impl DurableObject for Sweeper {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, alarm: Alarm::new(BACKOFF) }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, BeginSweep => begin, SweepStatus => status)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let slice = async { self.slice().await.inspect_err(|fault| self.held_up(fault)) };
        self.alarm.ring(&self.state, "sweeper_alarm", slice).await
    }
}

impl Sweeper {
    async fn begin(&self, _: BeginSweep) -> Result<Runs, Fault> {
        let db = Database::new(&self.state);
        let now = clock::now();
        db.transaction(|db| {
            store::migrate(db)?;
            if store::going(db)?.is_none() { store::begin(db, now) } else { Ok(()) }
        })?;
        // A run that is going on, too: whatever became of its alarm, and whatever time it was set for by a clock that was
        // wrong.
        self.alarm.wake_by(&self.state, Some(now)).await?;
        status(&db)
    }

    async fn status(&self, _: SweepStatus) -> Result<Runs, Fault> {
        status(&Database::new(&self.state))
    }

    /// Notes a fault of the whole run, for whoever asks how it is.
    fn held_up(&self, fault: &Fault) {
        let db = Database::new(&self.state);
        let noted = db.transaction(|db| match store::going(db)? {
            Some(run) => store::held_up(db, run.number, fault.code, clock::now()),
            None => Ok(()),
        });
        if let Err(fault) = noted {
            log::fault("sweeper", &fault);
        }
    }

    /// Goes a stretch further; answers when the next one comes, unless the run is over. Nothing of it counts before all of it is on disk, so a crash repeats it.
    async fn slice(&self) -> Result<Option<UnixMillis>, Fault> {
        let db = Database::new(&self.state);
        if !store::exists(&db)? {
            return Ok(None);
        }
        let Some(run) = store::going(&db)? else { return Ok(None) };
        let settings = Settings::load(&self.env)?;
        let bucket = Letters::open(&self.env)?;
        let now = clock::now();
        let stretch = Stretch::look(&bucket, &db, &run, now).await?;
        let visit = Visit { settings: &settings, env: &self.env, bucket: &bucket, now };
        let seen = stretch.visit(&visit).await;
        let (done, over) = stretch.progress(&run, seen);
        let in_vain =
            done.counts.get(Count::Failed) >= MAX_IN_VAIN && done.known.is_empty() && done.gone.is_empty();
        db.transaction(|db| {
            store::advance(db, run.number, &done)?;
            if over { store::end(db, run.number, clock::now()) } else { Ok(()) }
        })?;
        if !over {
            return Ok(Some(after(if in_vain { IN_VAIN_MS } else { 0 })));
        }
        if let Some(run) = store::runs(&db, 1)?.first() {
            let line = run.shown(now).into_iter().filter(|(name, _)| name != "state" && name != "fault");
            line.fold(log::Line::new("sweep"), |line, (name, value)| line.with(&name, value)).info();
        }
        Ok(None)
    }
}

fn status(db: &Database) -> Result<Runs, Fault> {
    let runs = if store::exists(db)? { store::runs(db, 2)? } else { Vec::new() };
    Ok(Runs { runs, now: clock::now() })
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
    pub(crate) fn shown(&self) -> Map<String, Value> {
        let mut runs = self.runs.iter().map(|run| run.shown(self.now));
        let Some(mut shown) = runs.next() else {
            let never = [("run", Value::from(0)), ("state", "never".into())];
            return never.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        };
        shown.insert("before".into(), runs.next().into());
        shown
    }
}

/// A stretch of the alphabet: what bucket and register have there.
struct Stretch {
    found: Vec<Found>,
    foreign: Vec<String>,
    steps: Vec<Step>,
    end: End,
}

/// Where a stretch ends.
enum End {
    /// Nothing comes behind it.
    Over,
    /// With this letter.
    Letter(LetterId),
    /// With this key. There is no letter in this stretch.
    Key(String),
}

impl Stretch {
    async fn look(bucket: &Letters, db: &Database, run: &Run, now: UnixMillis) -> Result<Self, Fault> {
        let Page { objects, more } = bucket.list(PREFIX, &run.place, PAGE).await?;
        let (mut found, foreign) = gather(objects.iter().map(|it| (it.key.as_str(), it.uploaded)));
        let foreign = foreign.into_iter().map(str::to_owned).collect();
        // The manifest of the last letter may be the first key of the next page.
        if more
            && let Some(last) = found.last_mut().filter(|last| last.manifest.is_none())
            && bucket.head(&manifest_key(last.letter)).await?.is_some()
        {
            last.manifest = last.body;
        }
        let last = found.last().map(|last| last.letter).filter(|_| more);
        let mut end = match (last, objects.last()) {
            (Some(letter), _) => End::Letter(letter),
            (None, Some(object)) if more => End::Key(object.key.clone()),
            _ => End::Over,
        };
        let known = match &end {
            End::Key(_) => Vec::new(),
            End::Letter(_) | End::Over => store::register(db, run.upto, last, ROWS)?,
        };
        if let (true, Some(known)) = (known.len() as u64 >= ROWS, known.last()) {
            // The register has more than is looked at in one go.
            found.retain(|found| found.letter <= known.letter);
            end = End::Letter(known.letter);
        }
        let since = store::began_before(db, run)?;
        Ok(Self { steps: steps(&found, &known, now, since), found, foreign, end })
    }

    /// Visits the letters, some at a time, until there are none left or it is enough for one go. Answers what became of as
    /// many of the steps, from the first on, as there was time for.
    async fn visit(&self, visit: &Visit<'_>) -> Vec<(Step, Entry, Counts)> {
        let (next, seen) = (Cell::new(0usize), RefCell::new(Vec::new()));
        let lane = async || {
            loop {
                let number = next.get();
                let spent = clock::now().0.saturating_sub(visit.now.0);
                // Every lane goes once, so that every slice gets further.
                if number >= CALLS || (number >= CONCURRENCY && spent >= SLICE_MS) {
                    return;
                }
                let Some(step) = self.steps.get(number) else { return };
                next.set(number.saturating_add(1));
                let (entry, counts) = visit.pay(step).await;
                seen.borrow_mut().push((*step, entry, counts));
            }
        };
        tasks::all((0..CONCURRENCY).map(|_| lane())).await;
        seen.into_inner()
    }

    /// What to note, and whether the run is over.
    fn progress(self, run: &Run, seen: Vec<(Step, Entry, Counts)>) -> (Progress, bool) {
        let mut end = self.end;
        if seen.len() < self.steps.len() {
            let last = seen.iter().map(|(step, _, _)| step.letter).max();
            end = last.map_or_else(|| End::Key(run.place.clone()), End::Letter);
        }
        let (place, upto) = match &end {
            End::Over => (run.place.clone(), run.upto),
            End::Letter(letter) => (behind(*letter), Some(*letter)),
            End::Key(key) => (key.clone(), run.upto),
        };
        let over = matches!(end, End::Over);
        let listed =
            self.found.iter().filter(|it| over || upto.is_some_and(|upto| it.letter <= upto)).count();
        let foreign = self.foreign.iter().filter(|key| over || **key <= place).count();
        let mut counts = Counts::default();
        counts.add(Count::Listed, listed as u64);
        counts.add(Count::Foreign, foreign as u64);
        let (mut known, mut gone) = (Vec::new(), Vec::new());
        for (Step { letter, .. }, entry, seen) in seen {
            counts.add_all(&seen);
            match entry {
                Entry::Stays => {}
                Entry::Due(due) => known.push(Known { letter, due }),
                Entry::Over => gone.push(letter),
            }
        }
        (Progress { known, gone, counts, place, upto }, over)
    }
}
