//! Counts of what rules in dry run would have changed. Gathered in the isolate for a second, then reported to the publisher:
//! an attack costs one call a second, not one a request.

use std::cell::RefCell;
use std::time::Duration;

use worker::{Context, Delay, Env};

use crate::objects::publisher::{CountDryRuns, NAME};
use crate::platform::{log, object};
use waxseal::api::DryRun;
use waxseal::types::UnixMillis;

const GATHER: Duration = Duration::from_secs(1);

/// A request that gathers is given up on after this: its background work may have been cut off.
const GIVEN_UP_MILLIS: u64 = 30_000;

/// More different ones than this in a second are not counted.
const MAX_COUNTS: usize = 256;

thread_local! {
    static GATHERED: RefCell<Gathered> = const { RefCell::new(Gathered { counts: Vec::new(), since: None }) };
}

struct Gathered {
    counts: Vec<DryRun>,
    /// When a request began to report to the publisher.
    since: Option<UnixMillis>,
}

/// Counts one request, whatever `what.requests` is.
pub(super) fn count(env: &Env, context: &Context, what: DryRun, now: UnixMillis) {
    let begin = GATHERED.with_borrow_mut(|gathered| {
        if let Some(held) = gathered.counts.iter_mut().find(|held| held.is_like(&what)) {
            held.requests = held.requests.saturating_add(1);
        } else if gathered.counts.len() < MAX_COUNTS {
            gathered.counts.push(DryRun { requests: 1, ..what });
        }
        let begin = gathered.since.is_none_or(|since| now.0.abs_diff(since.0) > GIVEN_UP_MILLIS);
        if begin {
            gathered.since = Some(now);
        }
        begin
    });
    if begin {
        log::in_background(context, env, |env| async move {
            Delay::from(GATHER).await;
            let counts = GATHERED.with_borrow_mut(|gathered| {
                gathered.since = None;
                std::mem::take(&mut gathered.counts)
            });
            if let Err(fault) = object::call(&env, NAME, &CountDryRuns { counts }).await {
                log::fault("guard_dry_runs", &fault);
            }
        });
    }
}
