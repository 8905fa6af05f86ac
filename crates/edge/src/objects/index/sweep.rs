//! The sweep: once a day it goes through the bucket in slices, an alarm for each, its place on disk, and sees to it that every letter
//! has a ledger, that every ledger did what was due, and that nothing lies in the bucket for ever.

use std::cell::{Cell, RefCell};

use worker::Env;

use super::runs::{self, Counts, Run};
use super::store;
use super::visit::{Outcome, Visit};
use crate::platform::alarm::after;
use crate::platform::bucket::{Letters, Listed, Page};
use crate::platform::error::Fault;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{clock, log, tasks};
use waxseal::ledger::sweep::{Found, PREFIX, Step, behind, gather, steps};
use waxseal::seal::manifest_key;
use waxseal::token::Creation;
use waxseal::types::{LetterId, UnixMillis};

/// Keys of one listing; the platform gives no more.
const PAGE: u32 = 1_000;
/// Letters that one slice asks. Each costs up to three calls of the thousand that the platform allows in one go.
const CALLS: usize = 250;
/// Letters that are asked at a time; the platform keeps six connections open.
const CONCURRENCY: usize = 6;
/// Rows of the index that are read in one slice.
const ROWS: u64 = 2_000;
/// After so long a slice asks no further letter.
const SLICE_MS: u64 = 20_000;
/// So many failures and no success in one slice are the platform's, not the letters': wait.
const MAX_IN_VAIN: u64 = 20;
/// So long.
const IN_VAIN_MS: u64 = 60_000;

/// Goes a stretch further; answers when the next one comes, unless the run is over. Nothing of it counts before all of it is on disk,
/// so a crash repeats it.
pub(super) async fn slice(env: &Env, db: &Database, run: Run) -> Result<Option<UnixMillis>, Fault> {
    let settings = Settings::load(env)?;
    let bucket = Letters::open(env)?;
    let now = clock::now();
    forget_creations(&bucket, now).await?;
    let stretch = Stretch::look(&bucket, db, &run, now).await?;
    let seen =
        stretch.visit(&Visit { settings: &settings, env, bucket: &bucket, now, rebuild: run.rebuild }).await;
    let outcomes: Vec<_> = seen.iter().map(|(step, outcome, _)| (step.letter, *outcome)).collect();
    let behind = run.upto;
    let (run, over) = stretch.progress(run, &seen);
    store::write(db, |tx| {
        // Another run may have begun in place of this one.
        let Some(_) = runs::going(tx)?.filter(|going| going.number == run.number) else { return Ok(()) };
        let mut run = run.clone();
        for (letter, outcome) in &outcomes {
            match outcome {
                Outcome::Unknown => {}
                Outcome::Due(due) => store::set_due(tx, *letter, *due)?,
                Outcome::Nothing => store::delete(tx, *letter)?,
            }
        }
        // Their ledgers told of them, if not to this slice, then to the one that it repeats.
        if over || run.upto.is_some() {
            let stretch = (behind, run.upto.filter(|_| !over));
            run.counts.taken_on += store::count_of_new(tx, stretch, run.started)?;
        }
        if over {
            (run.ended, run.register) = (Some(clock::now()), Some(store::count_of_due(tx)?));
        }
        runs::save(tx, &run)
    })?;
    if !over {
        let failed: u64 = seen.iter().map(|(_, _, counts)| counts.failed).sum();
        let in_vain = failed >= MAX_IN_VAIN && failed == seen.len() as u64;
        return Ok(Some(after(if in_vain { IN_VAIN_MS } else { 0 })));
    }
    if let Some(run) = runs::runs(db, 1)?.first() {
        let line = run.shown(now)?.into_iter().filter(|(name, _)| name != "state" && name != "fault");
        line.fold(log::Line::new("sweep"), |line, (name, value)| line.with(&name, value)).info();
    }
    Ok(None)
}

/// Deletes the oldest records of what created letters. A letter has one at most, and a slice looks at no more letters than that.
async fn forget_creations(bucket: &Letters, now: UnixMillis) -> Result<(), Fault> {
    let Page { objects, .. } = bucket.list(Creation::PREFIX, "", PAGE).await?;
    let is_old = |it: &Listed| now.0.saturating_sub(it.uploaded.0) > Creation::LIFE_MILLIS;
    let old: Vec<String> = objects.into_iter().filter(is_old).map(|it| it.key).collect();
    if old.is_empty() { Ok(()) } else { bucket.delete_all(old).await }
}

/// A stretch of the alphabet: what bucket and index have there.
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
            End::Letter(_) | End::Over => store::known(db, (run.upto, last), run.rebuild, ROWS)?,
        };
        if let (true, Some(known)) = (known.len() as u64 >= ROWS, known.last()) {
            // The index has more than is looked at in one go.
            found.retain(|found| found.letter <= known.letter);
            end = End::Letter(known.letter);
        }
        let since = runs::runs(db, 2)?.last().map_or(run.started, |before| before.started);
        Ok(Self { steps: steps(&found, &known, now, since, run.rebuild), found, foreign, end })
    }

    /// Visits the letters, some at a time, until there are none left or it is enough for one go. Answers what became of as
    /// many of the steps, from the first on, as there was time for.
    async fn visit(&self, visit: &Visit<'_>) -> Vec<(Step, Outcome, Counts)> {
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
                let (outcome, counts) = visit.pay(step).await;
                seen.borrow_mut().push((*step, outcome, counts));
            }
        };
        tasks::all((0..CONCURRENCY).map(|_| lane())).await;
        seen.into_inner()
    }

    /// How far the run is then, and whether it is over.
    fn progress(self, mut run: Run, seen: &[(Step, Outcome, Counts)]) -> (Run, bool) {
        let mut end = self.end;
        if seen.len() < self.steps.len() {
            let last = seen.iter().map(|(step, _, _)| step.letter).max();
            end = last.map_or_else(|| End::Key(run.place.clone()), End::Letter);
        }
        let over = matches!(end, End::Over);
        match end {
            End::Over => {}
            End::Letter(letter) => (run.place, run.upto) = (behind(letter), Some(letter)),
            End::Key(key) => run.place = key,
        }
        let listed =
            self.found.iter().filter(|it| over || run.upto.is_some_and(|upto| it.letter <= upto)).count();
        let foreign = self.foreign.iter().filter(|key| over || **key <= run.place).count();
        let here = Counts { listed: listed as u64, foreign: foreign as u64, ..Counts::default() };
        seen.iter().map(|(_, _, counts)| counts).chain([&here]).for_each(|counts| run.counts.add(counts));
        (run, over)
    }
}
