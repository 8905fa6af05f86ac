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

use waxseal::guard::snapshot::{Kind, Source, Stamp};
use waxseal::guard::strikes::{Caps, StrikeStanding, strict_asns};
use waxseal::guard::{
    ClientFacts, ClientKey, Dynamic, Offence, Request, Rules, SentinelState, Settings, Snapshot,
    SnapshotError, Stored, Strike, Verdict, compile, decide, recognise,
};
use waxseal::token::Keyring;
use waxseal::types::{UnixMillis, UnixSeconds};

use super::super::check::RulesFile;
use super::asked::{Asked, is_for_all};
use super::log::LogLine;
use super::report::{Banned, Report, Seen};

/// The edge has four sentinels; one state stands for them all.
const SHARDS: usize = 4;

/// A line that stands further back than this is worth a word.
const LATE_MILLIS: u64 = 3_600_000;

/// So many clients keep their compiled bans.
const MAX_KEPT: usize = 8_192;

type Deltas = BTreeMap<ClientKey, (Dynamic, Option<Stored>)>;

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
    /// AS numbers of which many networks are banned by now.
    strict: Vec<u32>,
    /// What clients' bans were compiled to, at hand for the next request: that saves time and decides nothing.
    deltas: Deltas,
    pub(super) report: Report,
}

impl<'k, D: Fn(UnixSeconds) -> UnixSeconds> Simulation<'k, D> {
    /// Begins with no bans. `day_end` says when the day of a moment ends in the site's time zone.
    ///
    /// Without a keyring, a link whose check holds is forged when the log says that it was answered with 400 to 404,
    /// because strangers get nothing else; genuine with any other answer below 429; and unproven with 408, 429 and
    /// above, or no status at all: then it is served, gets no strike, and is no proof of honesty.
    pub(super) fn new(
        rules: &RulesFile,
        keyring: Option<&'k Keyring>,
        day_end: D,
    ) -> Result<Self, SnapshotError> {
        let one = Caps::default();
        let caps = Caps {
            watched: one.watched * SHARDS,
            banned: one.banned * SHARDS,
            networks: one.networks * SHARDS,
        };
        let settings = rules.checked.rules.settings;
        Ok(Self {
            settings,
            rules: rules.stored()?,
            keyring,
            day_end,
            day_ends_at: UnixSeconds(0),
            now: UnixMillis(0),
            state: SentinelState::new(caps),
            strict: Vec::new(),
            deltas: Deltas::new(),
            report: Report::new(settings.profile, keyring.is_some()),
        })
    }

    /// Replays one request.
    pub(super) fn feed(&mut self, line: &LogLine) {
        let late = self.now.0.saturating_sub(line.at.0) > LATE_MILLIS;
        self.now = self.now.max(line.at);
        let now = self.now.seconds();
        if now >= self.day_ends_at {
            self.new_day(now);
        }
        self.report.request(now, late);
        if is_for_all(line) {
            return self.report.shared();
        }
        let Some(base) = self.rules.view() else { return };
        let Ok(rules) = base.with_delta(None) else { return };
        let asked = Asked::of(line, self.keyring, &rules, now);
        let agent = recognise(line.agent.as_deref()).kind;
        let (client, asn, country) = (line.client, line.asn, line.country);
        let facts = ClientFacts { client, asn, country, agent: line.agent.as_deref() };
        let strict = self.strict.iter().copied().filter(|it| Some(*it) == asn).collect();
        let bans = self.state.bans_of(client, now);
        let bans = bans.iter().map(|(target, ban)| ban.of(*target)).collect();
        let verdict = verdict(&mut self.deltas, base, &facts, Dynamic { bans, strict_asns: strict }, now);
        let request = Request {
            class: asked.class,
            class_without_dry_run: asked.class_without_dry_run,
            agent,
            over_limit: false,
            declines: false,
        };
        let decision = decide(&request, &verdict, &self.settings);
        let seen = Seen { client, asked: &asked, agent, verdict: &verdict, decision: &decision, now };
        self.report.seen(&seen, &rules);
        if let Some(offence) = decision.plan.strike {
            self.strike(line, offence);
        }
    }

    /// What was found.
    pub(super) fn finish(self) -> Report {
        self.report.finish()
    }

    fn strike(&mut self, line: &LogLine, offence: Offence) {
        let strikes = self.state.watched(line.client).map_or(0, |watched| watched.strikes).saturating_add(1);
        let mut path_hash = DefaultHasher::new();
        line.path().hash(&mut path_hash);
        let strike = Strike { client: line.client, asn: line.asn, offence, path_hash: path_hash.finish() };
        let outcome = self.state.strike(&strike, &self.settings, self.now, self.day_ends_at);
        let StrikeStanding::Banned { until } = outcome.standing else { return };
        let at = self.now.seconds();
        let dry_run = self.settings.thresholds.dry_run;
        let banned = Banned { at, until, reason: offence.kind.reason(), strikes, dry_run };
        self.report.banned(line.client, banned, &outcome.networks, line.asn);
        if !outcome.networks.is_empty() && line.asn.is_some() {
            self.strict = strict_asns(self.state.banned_networks(at), &self.settings.thresholds);
        }
    }

    /// Bans and points end with the day.
    fn new_day(&mut self, now: UnixSeconds) {
        self.state.sweep(self.now);
        self.strict.clear();
        self.day_ends_at = (self.day_end)(now).max(UnixSeconds(now.0.saturating_add(1)));
        self.report.log.days += 1;
    }
}

/// What the edge would know of a client once a snapshot holds what was learnt. Of that a look-up can only meet what is about
/// this client.
fn verdict(
    deltas: &mut Deltas,
    base: Snapshot<'_>,
    facts: &ClientFacts<'_>,
    learnt: Dynamic,
    now: UnixSeconds,
) -> Verdict {
    if learnt == Dynamic::default() {
        return base.lookup(facts, now);
    }
    if deltas.get(&facts.client).is_none_or(|(held, _)| *held != learnt) {
        if deltas.len() >= MAX_KEPT {
            deltas.clear();
        }
        let made = delta(&learnt);
        deltas.insert(facts.client, (learnt, made));
    }
    let delta = deltas.get(&facts.client).and_then(|(_, delta)| delta.as_ref()?.view());
    base.with_delta(delta).map_or_else(|_| base.lookup(facts, now), |overlay| overlay.lookup(facts, now))
}

fn delta(learnt: &Dynamic) -> Option<Stored> {
    let stamp = Stamp { kind: Kind::Delta { base: BASE }, generation: BASE + 1, made_at: UnixSeconds(0) };
    let rules = Rules { settings: Settings::default(), entries: Vec::new() };
    let compiled = compile(&Source { rules: &rules, dynamic: learnt, max_bans: usize::MAX }, &stamp).ok()?;
    Stored::new(compiled.bytes).ok()
}
