//! Replays an access log against rules: who would have been banned, honest people first.
//!
//! The same pure code as at the edge decides: the compiled snapshot and its look-up, [`decide`], and one
//! [`SentinelState`] in place of all shards. What differs, and what it means:
//!
//! - A ban holds from the next request on. At the edge other isolates learn of it some seconds later.
//! - The flood gate is left out: logs do not say how the platform counts.
//! - A log holds no AS number or country unless it was told to. Rules about what is not there match nothing.
//! - With a keyring a link is genuine when its tag holds at the time of the request. Without one see
//!   [`Simulation::new`].
//! - An API call with a wrong key is one that got 400 to 404: logs hold no keys.
//! - Time never goes back. Lines a little out of order are taken at the latest time seen so far.
//! - Memory is bounded by constants, however long the log: see [`MOST_CLIENTS`].

mod json;
mod known;
mod log;
mod report;
mod request;
mod tally;

use std::collections::BTreeMap;

use twox_hash::XxHash64;

pub use log::{LINE_BYTES_MAX, LineFault, LogLine};
pub use report::{
    Banned, BannedNetwork, DryRun, Honest, Log, MOST_HONEST, MOST_ROWS, Neighbourhood, Networks, Others,
    Person, Refusal, Report, RuleUse, StrictSystem, Unread,
};
pub use tally::MOST_CLIENTS;

use self::known::Known;
use self::request::{Asked, is_for_all};
use self::tally::{Seen, Tally};
use super::agents::{Agent, recognise};
use super::pattern::TEXT_BYTES_MAX;
use super::policy::{Request, decide};
use super::rules::Rules;
use super::settings::Settings;
use super::snapshot::{ClientFacts, CompileError, SnapshotError, Stored};
use super::strikes::{Caps, Offence, SentinelState, Strike, StrikeStanding};
use crate::token::Keyring;
use crate::types::{UnixMillis, UnixSeconds};

/// The edge has four sentinels; one state stands for them all.
const SHARDS: usize = 4;

/// So many agents are recognised only once.
const MOST_AGENTS: usize = 4_096;

/// A line that stands further back than this is worth a word.
const LATE_MILLIS: u64 = 3_600_000;

/// Why rules cannot be simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimulateError {
    /// They do not fit into a snapshot.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// What was compiled is not sound, which does not happen.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

impl SimulateError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Compile(error) => error.code(),
            Self::Snapshot(error) => error.code(),
        }
    }
}

/// A replay under way.
pub struct Simulation<'k, D> {
    settings: Settings,
    rules: Stored,
    keyring: Option<&'k Keyring>,
    day_end: D,
    day_ends_at: UnixSeconds,
    now: UnixMillis,
    state: SentinelState,
    known: Known,
    agents: BTreeMap<Vec<u8>, Agent>,
    tally: Tally,
}

impl<'k, D: Fn(UnixSeconds) -> UnixSeconds> Simulation<'k, D> {
    /// Begins with no bans. `day_end` says when the day of a moment ends in the site's time zone.
    ///
    /// Without a keyring, a link whose check holds is forged when the log says that it was answered with 400 to 404,
    /// because strangers get nothing else; genuine with any other answer below 429; and unproven with 408, 429 and
    /// above, or no status at all: then it is served, gets no strike, and is no proof of honesty.
    ///
    /// # Errors
    /// [`SimulateError`] when the rules do not fit into a snapshot.
    pub fn new(rules: &Rules, keyring: Option<&'k Keyring>, day_end: D) -> Result<Self, SimulateError> {
        let one = Caps::default();
        let caps = Caps {
            watched: one.watched * SHARDS,
            banned: one.banned * SHARDS,
            networks: one.networks * SHARDS,
        };
        Ok(Self {
            settings: rules.settings,
            rules: known::base(rules)?,
            keyring,
            day_end,
            day_ends_at: UnixSeconds(0),
            now: UnixMillis(0),
            state: SentinelState::new(caps),
            known: Known::default(),
            agents: BTreeMap::new(),
            tally: Tally::default(),
        })
    }

    /// Counts a line that could not be read: the log's name, the line's number there from 1, and why.
    pub fn skip(&mut self, file: &str, line: u64, fault: LineFault) {
        self.tally.skip(file, line, fault);
    }

    /// Replays one request.
    pub fn feed(&mut self, line: &LogLine<'_>) {
        let late = self.now.0.saturating_sub(line.at.0) > LATE_MILLIS;
        self.now = self.now.max(line.at);
        let now = self.now.seconds();
        if now >= self.day_ends_at {
            self.new_day();
        }
        self.tally.request(now, late);
        if is_for_all(line) {
            self.tally.shared();
            return;
        }
        let agent = self.recognise(line.agent.as_deref());
        let Some(base) = self.rules.view() else { return };
        let Ok(rules) = base.with_delta(None) else { return };
        let asked = Asked::of(line, self.keyring, &rules, now);
        let facts = ClientFacts {
            client: line.client,
            system: line.system,
            country: line.country,
            agent: line.agent.as_deref(),
        };
        let verdict = self.known.verdict(base, &facts, &self.settings.thresholds, now);
        let request = Request {
            class: asked.class,
            class_without_dry_run: asked.class_without_dry_run,
            agent: agent.kind,
            over_limit: false,
            declines: false,
        };
        let decision = decide(&request, &verdict, &self.settings);
        let seen = Seen { line, asked: &asked, agent, verdict: &verdict, decision: &decision, now };
        self.tally.seen(&seen, &rules);
        if let Some(offence) = decision.plan.strike {
            self.strike(line, offence);
        }
    }

    /// What was found so far.
    pub fn report(&self) -> Report {
        self.tally.report(self.settings.profile, self.keyring.is_some())
    }

    fn strike(&mut self, line: &LogLine<'_>, offence: Offence) {
        let strikes = self.state.watched(line.client).map_or(0, |watched| watched.strikes).saturating_add(1);
        let about = XxHash64::oneshot(0, line.path().as_bytes());
        let strike = Strike { client: line.client, system: line.system, offence, about };
        let outcome = self.state.strike(&strike, &self.settings, self.now, self.day_ends_at);
        self.known.apply(&outcome.changes);
        let StrikeStanding::Banned { until } = outcome.standing else { return };
        let banned = Banned {
            at: self.now.seconds(),
            until,
            reason: offence.kind.reason(),
            strikes,
            dry_run: self.settings.thresholds.dry_run,
        };
        self.tally.banned(line.client, line.system, banned);
        for network in &outcome.networks {
            self.tally.network(*network, line.system, &banned, &self.settings);
        }
        if outcome.networks.is_empty() {
            return;
        }
        let strict = |system: &u32| self.known.is_strict(*system, &self.settings.thresholds);
        if let Some(system) = line.system.filter(strict) {
            self.tally.strict(system, banned.at);
        }
    }

    /// Bans and points end with the day.
    fn new_day(&mut self) {
        let changes = self.state.sweep(self.now);
        self.known.apply(&changes);
        let now = self.now.seconds();
        let next = (self.day_end)(now);
        self.day_ends_at = UnixSeconds(next.0.max(now.0.saturating_add(1)));
        self.tally.new_day();
    }

    fn recognise(&mut self, agent: Option<&str>) -> Agent {
        // More of it is never looked at.
        let text = agent.unwrap_or_default().as_bytes();
        let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
        if let Some(found) = self.agents.get(text) {
            return *found;
        }
        if self.agents.len() >= MOST_AGENTS {
            self.agents.clear();
        }
        let found = recognise(agent);
        self.agents.insert(text.to_vec(), found);
        found
    }
}
