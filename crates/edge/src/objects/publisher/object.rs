//! The Durable Object: answers, and sets its own alarm for as long as the site is used.

use data_encoding::HEXLOWER;
use futures_util::lock::Mutex;
use worker::{DurableObject, Env, Request, Response, State, durable_object};

use super::messages::{
    CountDryRuns, Dirty, GetStatus, ListRules, PutRules, ReadRules, RulesOutcome, Status, Wake,
};
use super::publish::{self, tick};
use super::{rules, store};
use crate::platform::alarm::{Alarm, Backoff, after};
use crate::platform::error::Fault;
use crate::platform::object::serve;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{clock, random};
use waxseal::api::{DryRun, RulesHistory, RulesText};
use waxseal::types::UnixMillis;

/// After what failed.
const BACKOFF: Backoff = Backoff { initial_ms: 5_000, max_ms: 60_000 };

/// What fails then.
const PUBLISHING: &str = "publisher_alarm";

/// The publisher of a guard.
#[durable_object(alarm)]
pub struct Publisher {
    state: State,
    env: Env,
    /// Held by whoever publishes: one after the other.
    publishing: Mutex<()>,
    alarm: Alarm,
}

impl DurableObject for Publisher {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, publishing: Mutex::default(), alarm: Alarm::new(BACKOFF) }
    }

    async fn fetch(&self, mut call: Request) -> worker::Result<Response> {
        serve!(self, call, Wake => wake, Dirty => dirty, CountDryRuns => count, GetStatus => status,
            ReadRules => read, ListRules => list, PutRules => put)
    }

    async fn alarm(&self) -> worker::Result<Response> {
        self.alarm.fire(&self.state, PUBLISHING, self.fire()).await
    }
}

impl Publisher {
    async fn wake(&self, _: Wake) -> Result<(), Fault> {
        self.open()?;
        self.alarm.wake(&self.state).await
    }

    async fn dirty(&self, Dirty { rebase }: Dirty) -> Result<(), Fault> {
        let settings = Settings::load(&self.env)?;
        let db = self.open()?;
        store::update(&db, |state| {
            state.asked = state.asked.saturating_add(1);
            if rebase {
                state.rebase = state.asked;
            }
        })?;
        let pause = publish::pause_millis(settings.site.guard.refresh_seconds);
        let retry_at = BACKOFF.retry_at(&db, PUBLISHING)?;
        self.alarm.wake_by(&self.state, Some(after(pause).max(retry_at))).await
    }

    async fn count(&self, CountDryRuns { counts }: CountDryRuns) -> Result<(), Fault> {
        self.open()?.transaction(|db| store::count(db, &counts))
    }

    async fn status(&self, _: GetStatus) -> Result<(Status, Vec<DryRun>), Fault> {
        let db = self.open()?;
        let state = publish::loaded(&db)?;
        Ok((publish::status(&state, clock::now().seconds()), store::dry_runs(&db)?))
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
        self.alarm.wake_by(&self.state, Some(after(BACKOFF.initial_ms))).await?;
        rules::put(&self.env, &self.state.storage(), &db, new, if_match.as_deref(), dry_run).await
    }

    /// Does what is due; answers when to fire again.
    async fn fire(&self) -> Result<Option<UnixMillis>, Fault> {
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
        Ok(Some(after(pause)))
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
