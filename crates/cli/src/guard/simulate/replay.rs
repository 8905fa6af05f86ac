//! Replays requests against rules. The same pure code as at the edge decides: the compiled snapshot and its look-up,
//! [`decide`], and one [`SentinelState`] in place of all shards. What differs, and what it means:
//!
//! - A ban holds from the next request on. At the edge other isolates learn of it some seconds later.
//! - The flood gate is left out: logs do not say how the platform counts.
//! - A log holds no AS number or country unless it was told to. Rules about what is not there match nothing.
//! - An API call with a wrong key is one that got 400 to 404: logs hold no keys.
//! - Time never goes back. Lines a little out of order are taken at the latest time seen so far.
//! - Memory is bounded by constants, however long the log.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use waxseal::guard::pattern::TEXT_BYTES_MAX;
use waxseal::guard::snapshot::{Kind, Source, Stamp};
use waxseal::guard::strikes::{BanRecord, Caps, StrikeStanding, strict_systems};
use waxseal::guard::{
    Agent, Change, ClientFacts, ClientKey, Dynamic, Network, Offence, Request, Rules, SentinelState,
    Settings, Snapshot, SnapshotError, Stored, Strike, Thresholds, Verdict, compile, decide, recognise,
};
use waxseal::token::Keyring;
use waxseal::types::{UnixMillis, UnixSeconds};

use super::asked::{Asked, is_for_all};
use super::log::{LineError, LogLine};
use super::report::{Banned, Report, Seen, Tally};

/// The edge has four sentinels; one state stands for them all.
const SHARDS: usize = 4;

/// So many agents are recognised only once, and so many clients keep their compiled bans. That saves time and decides nothing.
const MAX_KEPT: usize = 8_192;

/// A line that stands further back than this is worth a word.
const LATE_MILLIS: u64 = 3_600_000;

/// The generation of the one base, as [`waxseal::guard::Checked`] makes it.
const BASE: u64 = 0;

/// A replay under way.
pub(super) struct Simulation<'k, D> {
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
    /// Begins with no bans, on the snapshot of these rules. `day_end` says when the day of a moment ends in the site's time zone.
    ///
    /// Without a keyring, a link whose check holds is forged when the log says that it was answered with 400 to 404,
    /// because strangers get nothing else; genuine with any other answer below 429; and unproven with 408, 429 and
    /// above, or no status at all: then it is served, gets no strike, and is no proof of honesty.
    pub(super) fn new(
        settings: Settings,
        snapshot: Vec<u8>,
        keyring: Option<&'k Keyring>,
        day_end: D,
    ) -> Result<Self, SnapshotError> {
        let one = Caps::default();
        let caps = Caps {
            watched: one.watched * SHARDS,
            banned: one.banned * SHARDS,
            networks: one.networks * SHARDS,
        };
        Ok(Self {
            settings,
            rules: Stored::new(snapshot)?,
            keyring,
            day_end,
            day_ends_at: UnixSeconds(0),
            now: UnixMillis(0),
            state: SentinelState::new(caps),
            known: Known::default(),
            agents: BTreeMap::new(),
            tally: Tally::new(settings.profile, keyring.is_some()),
        })
    }

    /// Counts a line that could not be read: the log's name, the line's number there from 1, and why.
    pub(super) fn skip(&mut self, file: &str, line: u64, error: LineError) {
        self.tally.skip(file, line, error);
    }

    /// Replays one request.
    pub(super) fn feed(&mut self, line: &LogLine) {
        let late = self.now.0.saturating_sub(line.at.0) > LATE_MILLIS;
        self.now = self.now.max(line.at);
        let now = self.now.seconds();
        if now >= self.day_ends_at {
            self.new_day();
        }
        self.tally.request(now, late);
        if is_for_all(line) {
            return self.tally.shared();
        }
        let agent = self.recognise(line.agent.as_deref());
        let Some(base) = self.rules.view() else { return };
        let Ok(rules) = base.with_delta(None) else { return };
        let asked = Asked::of(line, self.keyring, &rules, now);
        let (client, system, country) = (line.client, line.system, line.country);
        let facts = ClientFacts { client, system, country, agent: line.agent.as_deref() };
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

    /// What was found.
    pub(super) fn report(self) -> Report {
        self.tally.report()
    }

    fn strike(&mut self, line: &LogLine, offence: Offence) {
        let strikes = self.state.watched(line.client).map_or(0, |watched| watched.strikes).saturating_add(1);
        let mut path_hash = DefaultHasher::new();
        line.path().hash(&mut path_hash);
        let strike =
            Strike { client: line.client, system: line.system, offence, path_hash: path_hash.finish() };
        let outcome = self.state.strike(&strike, &self.settings, self.now, self.day_ends_at);
        self.known.apply(&outcome.changes);
        let StrikeStanding::Banned { until } = outcome.standing else { return };
        let at = self.now.seconds();
        let dry_run = self.settings.thresholds.dry_run;
        let banned = Banned { at, until, reason: offence.kind.reason(), strikes, dry_run };
        self.tally.banned(line.client, line.system, banned);
        for network in &outcome.networks {
            self.tally.network(*network, line.system, &banned);
        }
        let strict = |system: &u32| self.known.is_strict(*system, &self.settings.thresholds);
        if let Some(system) = line.system.filter(strict).filter(|_| !outcome.networks.is_empty()) {
            self.tally.strict(system, at);
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
        if self.agents.len() >= MAX_KEPT {
            self.agents.clear();
        }
        let found = recognise(agent);
        self.agents.insert(text.to_vec(), found);
        found
    }
}

/// The rows of the sentinel again, at hand for every request.
#[derive(Default)]
struct Known {
    bans: BTreeMap<Network, BanRecord>,
    /// Banned networks of each AS.
    systems: BTreeMap<u32, u32>,
    kept: BTreeMap<ClientKey, (Dynamic, Option<Stored>)>,
}

impl Known {
    fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            let (target, new) = match change {
                Change::Ban(target, record) => (*target, Some(*record)),
                Change::Unban(target) => (*target, None),
                Change::Watch(..) | Change::Unwatch(_) => continue,
            };
            let counted = |ban: BanRecord| ban.system.filter(|_| !target.is_single() && !ban.dry_run);
            if let Some(system) = new.and_then(counted) {
                let count = self.systems.entry(system).or_default();
                *count = count.saturating_add(1);
            }
            let old = match new {
                Some(record) => self.bans.insert(target, record),
                None => self.bans.remove(&target),
            };
            if let Some(count) = old.and_then(counted).and_then(|system| self.systems.get_mut(&system)) {
                *count = count.saturating_sub(1);
            }
        }
    }

    /// Whether strikes from this AS count more by now.
    fn is_strict(&self, system: u32, limits: &Thresholds) -> bool {
        let count = self.systems.get(&system).map(|count| (system, *count));
        !strict_systems(count, limits).is_empty()
    }

    /// What the edge would know of this client once a snapshot holds all that was learnt. Of that a look-up can only meet bans of the
    /// client, its /24, its /56 or its /48.
    fn verdict(
        &mut self,
        base: Snapshot<'_>,
        facts: &ClientFacts<'_>,
        limits: &Thresholds,
        now: UnixSeconds,
    ) -> Verdict {
        let client = facts.client;
        let targets = [Some(Network::single(client)), Some(client.neighbourhood()), client.district()];
        let bans = targets.into_iter().flatten().filter_map(|target| Some((target, self.bans.get(&target)?)));
        let bans = bans.filter(|(_, ban)| now < ban.until).map(|(target, ban)| ban.of(target)).collect();
        let strict = facts.system.filter(|system| self.is_strict(*system, limits));
        let learnt = Dynamic { bans, strict_systems: strict.into_iter().collect() };
        if learnt == Dynamic::default() {
            return base.lookup(facts, now);
        }
        if self.kept.get(&client).is_none_or(|(held, _)| *held != learnt) {
            if self.kept.len() >= MAX_KEPT {
                self.kept.clear();
            }
            let delta = delta(&learnt);
            self.kept.insert(client, (learnt, delta));
        }
        let delta = self.kept.get(&client).and_then(|(_, delta)| delta.as_ref()?.view());
        match base.with_delta(delta) {
            Ok(overlay) => overlay.lookup(facts, now),
            Err(_) => base.lookup(facts, now),
        }
    }
}

fn delta(learnt: &Dynamic) -> Option<Stored> {
    let stamp = Stamp { kind: Kind::Delta { base: BASE }, generation: BASE + 1, made_at: UnixSeconds(0) };
    let rules = Rules { settings: Settings::default(), entries: Vec::new() };
    let compiled = compile(&Source { rules: &rules, dynamic: learnt, max_bans: usize::MAX }, &stamp).ok()?;
    Stored::new(compiled.bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use waxseal::guard::{Checked, StrikeKind};

    use super::*;

    const DAY_END: UnixSeconds = UnixSeconds(86_400);

    fn numbered(number: u16) -> ClientKey {
        let (high, low) = (u64::from(number >> 4 & 0xff), u64::from(number & 0x0f));
        if number >> 12 & 1 == 0 {
            ClientKey::V4(0x0a00_0000 | (high as u32 & 3) << 8 | low as u32)
        } else {
            ClientKey::V6(0x2001_0db8_0001_0000 | (high & 7) << 8 | low)
        }
    }

    proptest! {
        /// What one client's rows give is what a snapshot of everything gives.
        #[test]
        fn a_few_rows_decide_as_all_of_them(
            steps in prop::collection::vec((any::<u16>(), 0u8..12, 0u32..3), 1..120),
            dry_run: bool,
        ) {
            let text = format!(
                "[thresholds]\nsystem_after = 2\ndry_run = {dry_run}\n[[allow]]\naddress = \"10.0.0.3\"\n[[deny]]\nasn = 64500\n"
            );
            let Checked { rules, snapshot, .. } = Checked::read(text.as_bytes()).unwrap();
            let settings = rules.settings;
            let base = Stored::new(snapshot).unwrap();
            let base = base.view().unwrap();
            let mut state = SentinelState::new(Caps { watched: 20, banned: 25, networks: 4 });
            let mut known = Known::default();
            let mut now = 0u64;
            for (number, act, system) in steps {
                now += 1_000;
                let client = numbered(number);
                let system = Some(64_500 + system);
                let changes = match act {
                    0 => state.sweep(UnixMillis(now)),
                    1 => {
                        now += 20_000_000;
                        Vec::new()
                    }
                    _ => {
                        let offence = Offence { kind: StrikeKind::Honeypot, strict: false };
                        let strike = Strike { client, system, offence, path_hash: 0 };
                        state.strike(&strike, &settings, UnixMillis(now), DAY_END).changes
                    }
                };
                known.apply(&changes);
                let now = UnixMillis(now).seconds();
                let all = delta(&state.dynamic(&settings, now)).unwrap();
                let facts = ClientFacts { client, system, country: None, agent: None };
                let expected = base.with_delta(all.view()).unwrap().lookup(&facts, now);
                let got = known.verdict(base, &facts, &settings.thresholds, now);
                // Bans whose day is over count for an AS until they are swept.
                prop_assert_eq!(got.standing, expected.standing);
                prop_assert_eq!(got.cause, expected.cause);
                prop_assert_eq!(got.would, expected.would);
                prop_assert!(got.strict || !expected.strict);
            }
        }
    }
}
