//! The Durable Object: takes entries, answers, and rings its own alarm as long as something is left to do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use futures_util::lock::Mutex;
use serde_bytes::ByteBuf;
use serde_json::{Value, json};
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::grow::{self, keys};
use super::messages::{AddEntries, LogStatus, MOST_LEAVES, ProveEntries, Proved};
use super::store::{self, Standing, Trouble};
use crate::platform::error::Fault;
use crate::platform::log::Line;
use crate::platform::object::serve;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{alarm, clock, log};
use waxseal::evidence::leaf::Leaf;
use waxseal::evidence::tile::{Growth, Tile};
use waxseal::types::UnixMillis;

/// From an entry to the tree: entries that come together go in together.
const PAUSE_MILLIS: u64 = 1_000;

/// After a failure, twice that after the next, and so on.
const AGAIN_MILLIS: u64 = 1_000;

/// But never longer.
const LONGEST_MILLIS: u64 = 60_000;

/// The sequencer of a site's log.
#[durable_object(alarm)]
pub struct Sequencer {
    log: Rc<Log>,
}

/// What the object has in its hands.
pub(super) struct Log {
    pub(super) state: State,
    pub(super) env: Env,
    pub(super) db: Database,
    /// The tree's right edge, while it is known to be what the bucket has.
    pub(super) growth: RefCell<Option<Growth>>,
    /// Partial tiles that the bucket may have, until full ones take their place.
    pub(super) partials: RefCell<BTreeSet<Tile>>,
    /// Entries of the tree that was published last.
    pub(super) published: Cell<u64>,
    /// Whoever writes tiles or the checkpoint.
    pub(super) writing: Mutex<()>,
    /// Whoever asks witnesses.
    pub(super) asking: Mutex<()>,
    /// When the checkpoint was put last.
    pub(super) put_at: Cell<UnixMillis>,
}

impl DurableObject for Sequencer {
    fn new(state: State, env: Env) -> Self {
        let db = Database::new(&state);
        let log = Log {
            state,
            env,
            db,
            growth: RefCell::default(),
            partials: RefCell::default(),
            published: Cell::new(0),
            writing: Mutex::default(),
            asking: Mutex::default(),
            put_at: Cell::new(UnixMillis(0)),
        };
        Self { log: Rc::new(log) }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self.log, call, AddEntries => add, ProveEntries => prove_entries, LogStatus => show)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let next = match self.log.ring().await {
            Ok(next) => next,
            Err(fault) => {
                log::fault("sequencer_alarm", &fault);
                Some(UnixMillis(clock::now().0.saturating_add(LONGEST_MILLIS)))
            }
        };
        // The platform gives up on an alarm after a few quick tries, so it is set anew whatever happened.
        match self.log.ring_by(next).await {
            Ok(()) => Response::empty(),
            Err(fault) => Err(worker::Error::RustError(fault.code.to_owned())),
        }
    }
}

/// When it is tried again after a failure, in milliseconds: at once where a clock that was ahead noted that.
fn retry_at(standing: &Standing, now: UnixMillis) -> u64 {
    if standing.retry_at.0 > now.0.saturating_add(LONGEST_MILLIS) { 0 } else { standing.retry_at.0 }
}

impl Log {
    async fn prove_entries(&self, ProveEntries { entries }: ProveEntries) -> Result<Proved, Fault> {
        self.prove(&*Settings::load(&self.env)?, &entries).await.map(Into::into)
    }

    async fn show(&self, _: LogStatus) -> Result<Value, Fault> {
        let settings = Settings::load(&self.env)?;
        let status = self.status(&settings)?;
        // Ops look when something seems stuck. It is not, after this.
        self.ring_by(self.due(&settings)?).await?;
        Ok(status)
    }

    /// Gives each entry its number, in one transaction. It is on disk before the answer leaves the object.
    async fn add(&self, AddEntries { leaves }: AddEntries) -> Result<Vec<u64>, Fault> {
        let settings = Settings::load(&self.env)?;
        let leaf = |bytes: &ByteBuf| Leaf::from_bytes(bytes).map_err(|e| Fault::new(e.code(), e));
        let leaves = leaves.iter().map(leaf).collect::<Result<Vec<_>, _>>()?;
        if leaves.len() > MOST_LEAVES {
            return Err(Fault::new("too_many_entries", leaves.len()));
        }
        let standing = store::load(&self.db)?;
        let retry_at = match &standing {
            Some(standing) => {
                grow::check_origin(&settings, standing)?;
                retry_at(standing, clock::now())
            }
            None => 0,
        };
        // First, so that no crash leaves entries that nobody comes for.
        let soon = clock::now().0.saturating_add(PAUSE_MILLIS);
        self.ring_by(Some(UnixMillis(soon.max(retry_at)))).await?;
        let (mut numbers, mut forked) = (Vec::new(), Vec::new());
        self.db.transaction(|db| {
            store::migrate(db)?;
            if store::load(db)?.is_none() {
                store::save(db, &Standing::new(&settings.site.log.origin))?;
            }
            (numbers, forked) = (Vec::with_capacity(leaves.len()), Vec::new());
            let mut next = store::entries(db)?;
            for leaf in &leaves {
                let taken = store::take(db, leaf, next)?;
                if taken.number == next {
                    next = next.saturating_add(1);
                }
                if taken.forked {
                    forked.push(taken.number);
                }
                numbers.push(taken.number);
            }
            Ok(())
        })?;
        for number in forked {
            // Both stay, for everybody to see: that is what a log is for.
            Line::new("history_forked").with("entry", number).error();
        }
        Ok(numbers)
    }

    /// Does what is due; answers when to ring again.
    async fn ring(self: &Rc<Self>) -> Result<Option<UnixMillis>, Fault> {
        let settings = Settings::load(&self.env)?;
        {
            let _turn = self.writing.lock().await;
            let work = async {
                // What a witness said of the last one goes out before there is a new one.
                self.publish(&settings).await?;
                self.integrate(&settings).await?;
                self.publish(&settings).await
            };
            self.noting(work.await)?;
        }
        self.begin_asking(&settings);
        self.clear().await;
        self.due(&settings)
    }

    /// Notes how it went, for ops and for the next attempt. A failure is noted and logged, and no more.
    fn noting(&self, outcome: Result<(), Fault>) -> Result<(), Fault> {
        let Some(standing) = store::load(&self.db)? else { return outcome };
        let Err(fault) = outcome else {
            return match standing.fault {
                None => Ok(()),
                Some(_) => store::update(&self.db, |standing| {
                    (standing.fault, standing.failures, standing.retry_at) = (None, 0, UnixMillis(0));
                }),
            };
        };
        log::fault("log", &fault);
        let now = clock::now();
        let pause = AGAIN_MILLIS.checked_shl(standing.failures).unwrap_or(LONGEST_MILLIS).min(LONGEST_MILLIS);
        store::update(&self.db, |standing| {
            standing.failures = standing.failures.saturating_add(1).min(16);
            standing.retry_at = UnixMillis(now.0.saturating_add(pause));
            standing.fault = Some(Trouble { code: fault.code.to_owned(), at: now });
        })
    }

    /// The same, for whoever cannot go on after a failure.
    pub(super) fn noted<T>(&self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        match outcome {
            Ok(done) => self.noting(Ok(())).map(|()| done),
            Err(fault) => {
                let code = fault.code;
                self.noting(Err(fault))?;
                Err(Fault::new(code, "see the line before"))
            }
        }
    }

    /// When there is something to do next.
    pub(super) fn due(&self, settings: &Settings) -> Result<Option<UnixMillis>, Fault> {
        let Some(standing) = store::load(&self.db)? else { return Ok(None) };
        let now = clock::now().0;
        let retry_at = retry_at(&standing, clock::now());
        let pending = store::entries(&self.db)?.saturating_sub(standing.size);
        let unsigned = standing.size > 0 && !grow::signed_as_now(&standing, &keys(settings)?);
        let mut due = Vec::new();
        if pending > 0 || unsigned {
            // A slice was not enough: go on at once.
            let pause = if pending >= grow::SLICE { 0 } else { PAUSE_MILLIS };
            due.push(now.saturating_add(pause).max(retry_at));
        }
        if standing.unpublished {
            due.push(self.put_due().0.max(now).max(retry_at));
        }
        due.extend(self.ask_due(settings, &standing)?.map(|at| at.max(now)));
        Ok(due.into_iter().min().map(UnixMillis))
    }

    pub(super) async fn ring_by(&self, at: Option<UnixMillis>) -> Result<(), Fault> {
        match at {
            Some(at) => alarm::set_by(&self.state, at).await,
            None => Ok(()),
        }
    }

    fn status(&self, settings: &Settings) -> Result<Value, Fault> {
        let keys = keys(settings)?;
        let vkeys: Vec<_> = keys.iter().map(|key| key.verifier().to_string()).collect();
        let Some(standing) = store::load(&self.db)? else {
            return Ok(json!({
                "origin": settings.site.log.origin, "vkey": vkeys, "size": 0, "signed": null, "checkpoint": null,
                "pending": 0, "witnesses": self.witnesses(settings, None)?, "fault": null,
            }));
        };
        // Settings are at fault now, whatever happened last.
        let now = clock::now();
        let fault = match grow::check_origin(settings, &standing) {
            Err(fault) => Some(Trouble { code: fault.code.to_owned(), at: now }),
            Ok(()) => standing.fault.clone(),
        };
        Ok(json!({
            "origin": standing.origin,
            "vkey": vkeys,
            "size": standing.size,
            "signed": standing.signed_at,
            "checkpoint": if standing.size > 0 { Some(self.composed(settings, &standing)?) } else { None },
            "pending": store::entries(&self.db)?.saturating_sub(standing.size),
            "witnesses": self.witnesses(settings, Some(&standing))?,
            "fault": fault,
        }))
    }
}
