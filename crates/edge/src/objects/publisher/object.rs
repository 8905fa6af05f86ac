//! The Durable Object: answers, and rings its own alarm for as long as the site is used.

use data_encoding::HEXLOWER;
use futures_util::lock::Mutex;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::messages::{
    CountDryRuns, Dirty, GuardStatus, ListRules, PutRules, ReadRules, RulesOutcome, Status, Wake,
};
use super::publish::{self, tick};
use super::{rules, store};
use crate::platform::error::Fault;
use crate::platform::object::serve;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{alarm, clock, log, random};
use waxseal::api::{RulesHistory, RulesText};
use waxseal::types::UnixMillis;

/// After a fault the alarm rings again after this.
const AGAIN_MILLIS: u64 = 5_000;

/// After a fault that does not go away by itself.
const LONG_MILLIS: u64 = 60_000;

/// The publisher of a guard.
#[durable_object(alarm)]
pub struct Publisher {
    state: State,
    env: Env,
    /// Held by whoever publishes: one after the other.
    publishing: Mutex<()>,
}

impl DurableObject for Publisher {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, publishing: Mutex::default() }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, Wake => wake, Dirty => dirty, CountDryRuns => count, GuardStatus => status,
            ReadRules => read, ListRules => list, PutRules => put)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        let next = match self.ring().await {
            Ok(next) => next,
            Err(fault) => {
                log::fault("publisher_alarm", &fault);
                // Only operators can end that one; there is no hurry.
                let pause = if fault.code == publish::ANOTHER { LONG_MILLIS } else { AGAIN_MILLIS };
                UnixMillis(clock::now().0.saturating_add(pause))
            }
        };
        // The platform gives up on an alarm after a few quick tries, so it is set anew whatever happened.
        match alarm::set_by(&self.state, next).await {
            Ok(()) => Response::empty(),
            Err(fault) => Err(worker::Error::RustError(fault.code.to_owned())),
        }
    }
}

impl Publisher {
    async fn wake(&self, _: Wake) -> Result<(), Fault> {
        self.open()?;
        alarm::set_unless_set(&self.state, clock::now()).await
    }

    async fn dirty(&self, Dirty { rebase }: Dirty) -> Result<(), Fault> {
        let settings = Settings::load(&self.env)?;
        store::update(&self.open()?, |state| {
            state.asked = state.asked.saturating_add(1);
            if rebase {
                state.rebase = state.asked;
            }
        })?;
        let pause = publish::pause_millis(settings.site.guard.refresh_seconds);
        alarm::set_by(&self.state, UnixMillis(clock::now().0.saturating_add(pause))).await
    }

    async fn count(&self, CountDryRuns { counts }: CountDryRuns) -> Result<(), Fault> {
        self.open()?.transaction(|db| store::count(db, &counts))
    }

    async fn status(&self, _: GuardStatus) -> Result<Status, Fault> {
        let db = self.open()?;
        let state = publish::loaded(&db)?;
        Ok(Status { dry_run: store::dry_runs(&db)?, ..publish::status(&state, clock::now().seconds()) })
    }

    async fn read(&self, ReadRules { version }: ReadRules) -> Result<Option<RulesText>, Fault> {
        rules::text(&self.open()?, version)
    }

    async fn list(&self, _: ListRules) -> Result<RulesHistory, Fault> {
        let db = self.open()?;
        Ok(RulesHistory { version: rules::version(&publish::loaded(&db)?), history: store::versions(&db)? })
    }

    async fn put(&self, PutRules { new, if_match, dry_run }: PutRules) -> Result<RulesOutcome, Fault> {
        let _turn = self.publishing.lock().await;
        let db = self.open()?;
        // Set before anything is decided: what is cut short is finished by it.
        alarm::set_by(&self.state, UnixMillis(clock::now().0.saturating_add(AGAIN_MILLIS))).await?;
        rules::put(&self.env, &self.state.storage(), &db, new, if_match.as_deref(), dry_run).await
    }

    /// Does what is due; answers when to ring again.
    async fn ring(&self) -> Result<UnixMillis, Fault> {
        let _turn = self.publishing.lock().await;
        let settings = Settings::load(&self.env)?;
        let db = self.open()?;
        tick(&self.env, &self.state.storage(), &db).await?;
        let state = publish::loaded(&db)?;
        let refresh = settings.site.guard.refresh_seconds;
        let pause = if state.asked > state.done {
            publish::pause_millis(refresh)
        } else {
            u64::from(refresh).saturating_mul(1_000)
        };
        Ok(UnixMillis(clock::now().0.saturating_add(pause)))
    }

    /// The database, with its tables and its row.
    fn open(&self) -> Result<Database, Fault> {
        let db = Database::new(&self.state);
        if store::load(&db)?.is_none() {
            let guard = HEXLOWER.encode(&random::bytes::<8>()?);
            db.transaction(|db| {
                store::migrate(db)?;
                store::save(db, &store::State::new(guard.clone()))
            })?;
        }
        Ok(db)
    }
}
