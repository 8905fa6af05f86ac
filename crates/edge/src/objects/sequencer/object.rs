//! The Durable Object: takes entries, answers, and sets its own alarm as long as something is left to do.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use futures_util::lock::Mutex;
use serde_bytes::ByteBuf;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::grow::{self, keys};
use super::messages::{AddEntries, GetLogStatus, MAX_LEAVES, ProveEntries, Proved};
use super::store::{self, Standing};
use crate::platform::alarm::{Alarm, Backoff, after, failure};
use crate::platform::error::Fault;
use crate::platform::log::Line;
use crate::platform::object::serve;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{clock, log};
use waxseal::api::{LastFault, LogStatus};
use waxseal::evidence::leaf::Leaf;
use waxseal::evidence::tile::{Growth, Tile};
use waxseal::types::UnixMillis;

/// From an entry to the tree: entries that come together go in together.
const GATHER_MS: u64 = 1_000;

/// After a failure of the log.
const BACKOFF: Backoff = Backoff { initial_ms: 1_000, max_ms: 60_000 };

/// What fails then.
const GROWING: &str = "log";

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
    alarm: Alarm,
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
            alarm: Alarm::new(BACKOFF),
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
        serve!(self.log, call, AddEntries => add, ProveEntries => prove_entries, GetLogStatus => show)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.log.alarm.fire(&self.log.state, "sequencer_alarm", self.log.fire()).await
    }
}

impl Log {
    async fn prove_entries(&self, ProveEntries { entries }: ProveEntries) -> Result<Proved, Fault> {
        self.prove(&*Settings::load(&self.env)?, &entries).await.map(Into::into)
    }

    async fn show(&self, _: GetLogStatus) -> Result<LogStatus, Fault> {
        let settings = Settings::load(&self.env)?;
        let status = self.status(&settings)?;
        // Operators look when something seems stuck. It is not, after this.
        self.fire_by(self.due(&settings)?).await?;
        Ok(status)
    }

    /// Gives each entry its number, in one transaction. It is on disk before the answer leaves the object.
    async fn add(&self, AddEntries { leaves }: AddEntries) -> Result<Vec<u64>, Fault> {
        let settings = Settings::load(&self.env)?;
        let leaf = |bytes: &ByteBuf| Leaf::from_bytes(bytes).map_err(|e| Fault::new(e.code(), e));
        let leaves = leaves.iter().map(leaf).collect::<Result<Vec<_>, _>>()?;
        if leaves.len() > MAX_LEAVES {
            return Err(Fault::new("too_many_entries", leaves.len()));
        }
        if let Some(standing) = store::load(&self.db)? {
            grow::check_origin(&settings, &standing)?;
        }
        // First, so that no crash leaves entries that nobody comes for.
        let retry_at = BACKOFF.retry_at(&self.db, GROWING)?;
        self.fire_by(Some(after(GATHER_MS).max(retry_at))).await?;
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

    /// Does what is due; answers when to fire again.
    async fn fire(self: &Rc<Self>) -> Result<Option<UnixMillis>, Fault> {
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

    /// Notes how it went, for operators and for the next attempt. A failure is noted and logged, and no more.
    fn noting(&self, outcome: Result<(), Fault>) -> Result<(), Fault> {
        if let Err(fault) = &outcome {
            log::fault("log", fault);
        }
        BACKOFF.note(&self.db, GROWING, outcome.as_ref().err()).map(|_| ())
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
        let retry_at = BACKOFF.retry_at(&self.db, GROWING)?.0;
        let pending = store::entries(&self.db)?.saturating_sub(standing.size);
        let unsigned = standing.size > 0 && !grow::signed_as_now(&standing, &keys(settings)?);
        let mut due = Vec::new();
        if pending > 0 || unsigned {
            // A slice was not enough: go on at once.
            let pause = if pending >= grow::SLICE { 0 } else { GATHER_MS };
            due.push(now.saturating_add(pause).max(retry_at));
        }
        if standing.unpublished {
            due.push(self.put_due().0.max(now).max(retry_at));
        }
        due.extend(self.ask_due(settings, &standing)?.map(|at| at.max(now)));
        Ok(due.into_iter().min().map(UnixMillis))
    }

    pub(super) async fn fire_by(&self, at: Option<UnixMillis>) -> Result<(), Fault> {
        self.alarm.wake_by(&self.state, at).await
    }

    fn status(&self, settings: &Settings) -> Result<LogStatus, Fault> {
        let keys = keys(settings)?;
        let vkey = keys.iter().map(|key| key.verifier().to_string()).collect();
        let Some(standing) = store::load(&self.db)? else {
            return Ok(LogStatus {
                origin: settings.site.log.origin.clone(),
                vkey,
                size: 0,
                signed: None,
                checkpoint: None,
                pending: 0,
                witnesses: self.witnesses(settings, None)?,
                fault: None,
            });
        };
        // Settings are at fault now, whatever happened last.
        let fault = match grow::check_origin(settings, &standing) {
            Err(fault) => Some((fault.code.to_owned(), clock::now())),
            Ok(()) => failure(&self.db, GROWING)?.map(|failure| (failure.code, failure.at)),
        };
        let signed = standing.size > 0;
        Ok(LogStatus {
            vkey,
            size: standing.size,
            signed: standing.signed_at,
            checkpoint: if signed { Some(self.composed(settings, &standing)?) } else { None },
            pending: store::entries(&self.db)?.saturating_sub(standing.size),
            witnesses: self.witnesses(settings, Some(&standing))?,
            fault: fault.map(|(code, at)| LastFault { code, at }),
            origin: standing.origin,
        })
    }
}
