//! What the sentinel has learnt so far, at hand for every request: its rows again, by target, and the verdict that
//! rules and these rows give together.

use std::collections::BTreeMap;

use crate::guard::address::{ClientKey, Network};
use crate::guard::rules::Rules;
use crate::guard::settings::Thresholds;
use crate::guard::snapshot::{
    ClientFacts, Dynamic, Kind, Overlay, Snapshot, Source, Stamp, Stored, Verdict, compile,
};
use crate::guard::strikes::{BanRecord, Change, strict_systems};
use crate::types::UnixSeconds;

use super::SimulateError;

/// The generation of the one base.
const BASE: u64 = 1;

/// So many clients keep their compiled bans. It saves time and decides nothing.
const MOST_KEPT: usize = 8_192;

/// The rows of a sentinel, fed with its changes.
#[derive(Default)]
pub(super) struct Known {
    bans: BTreeMap<Network, BanRecord>,
    /// Banned networks of each AS.
    systems: BTreeMap<u32, u32>,
    kept: BTreeMap<ClientKey, (Dynamic, Option<Stored>)>,
}

/// The compiled rules.
pub(super) fn base(rules: &Rules) -> Result<Stored, SimulateError> {
    let stamp = Stamp { kind: Kind::Base, generation: BASE, made_at: UnixSeconds(0) };
    let dynamic = Dynamic::default();
    Ok(Stored::new(compile(&Source { rules, dynamic: &dynamic, most_bans: 0 }, &stamp)?.bytes)?)
}

impl Known {
    pub(super) fn apply(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Ban(target, record) => {
                    self.unban(target);
                    if let Some(system) = counted(target, record) {
                        let count = self.systems.entry(system).or_default();
                        *count = count.saturating_add(1);
                    }
                    self.bans.insert(*target, *record);
                }
                Change::Unban(target) => self.unban(target),
                Change::Watch(..) | Change::Unwatch(_) => {}
            }
        }
    }

    fn unban(&mut self, target: &Network) {
        let Some(record) = self.bans.remove(target) else { return };
        if let Some(system) = counted(target, &record) {
            let left = self.systems.get(&system).map_or(0, |count| count.saturating_sub(1));
            if left == 0 {
                self.systems.remove(&system);
            } else {
                self.systems.insert(system, left);
            }
        }
    }

    /// Whether strikes from this AS count more by now.
    pub(super) fn is_strict(&self, system: u32, limits: &Thresholds) -> bool {
        let count = self.systems.get(&system).map(|count| (system, *count));
        !strict_systems(count, limits).is_empty()
    }

    /// What the edge would know of this client once a snapshot holds all that was learnt.
    pub(super) fn verdict(
        &mut self,
        base: Snapshot<'_>,
        facts: &ClientFacts<'_>,
        limits: &Thresholds,
        now: UnixSeconds,
    ) -> Verdict {
        let client = facts.client;
        let learnt = self.learnt(facts, limits, now);
        if learnt == Dynamic::default() {
            return base.lookup(facts, now);
        }
        if self.kept.get(&client).is_none_or(|(held, _)| *held != learnt) {
            if self.kept.len() >= MOST_KEPT {
                self.kept.clear();
            }
            let delta = delta(&learnt);
            self.kept.insert(client, (learnt, delta));
        }
        let delta = self.kept.get(&client).and_then(|(_, delta)| delta.as_ref()?.view());
        let overlay: Option<Overlay<'_>> = base.with_delta(delta).ok();
        overlay.map_or_else(|| base.lookup(facts, now), |overlay| overlay.lookup(facts, now))
    }

    /// The rows that a look-up of this client can meet: bans are of a client, a /24, a /56 or a /48.
    fn learnt(&self, facts: &ClientFacts<'_>, limits: &Thresholds, now: UnixSeconds) -> Dynamic {
        let client = facts.client;
        let targets = [Some(Network::single(client)), Some(client.neighbourhood()), client.district()];
        let bans = targets.into_iter().flatten().filter_map(|target| Some((target, self.bans.get(&target)?)));
        let bans = bans.filter(|(_, ban)| now < ban.until);
        Dynamic {
            bans: bans.map(|(target, ban)| ban.of(target)).collect(),
            strict_systems: facts
                .system
                .filter(|system| self.is_strict(*system, limits))
                .into_iter()
                .collect(),
        }
    }
}

fn counted(target: &Network, record: &BanRecord) -> Option<u32> {
    record.system.filter(|_| !target.is_single() && !record.dry_run)
}

fn delta(learnt: &Dynamic) -> Option<Stored> {
    let stamp = Stamp { kind: Kind::Delta { base: BASE }, generation: BASE + 1, made_at: UnixSeconds(0) };
    let rules = Rules { settings: crate::guard::Settings::default(), entries: Vec::new() };
    let compiled = compile(&Source { rules: &rules, dynamic: learnt, most_bans: usize::MAX }, &stamp).ok()?;
    Stored::new(compiled.bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::guard::reason::StrikeKind;
    use crate::guard::strikes::{Caps, Offence, SentinelState, Strike};
    use crate::types::UnixMillis;

    const DAY_END: UnixSeconds = UnixSeconds(86_400);

    fn client(number: u16) -> ClientKey {
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
            let mut rules = Rules::parse("[[allow]]\naddress = \"10.0.0.3\"\n[[deny]]\nasn = 64500\n").unwrap();
            rules.settings.thresholds.system_after = 2;
            rules.settings.thresholds.dry_run = dry_run;
            let settings = rules.settings;
            let base = base(&rules).unwrap();
            let base = base.view().unwrap();
            let mut state = SentinelState::new(Caps { watched: 20, banned: 25, networks: 4 });
            let mut known = Known::default();
            let mut now = 0u64;
            for (number, act, system) in steps {
                now += 1_000;
                let client = client(number);
                let system = Some(64_500 + system);
                let changes = match act {
                    0 => state.sweep(UnixMillis(now)),
                    1 => {
                        now += 20_000_000;
                        Vec::new()
                    }
                    _ => {
                        let offence = Offence { kind: StrikeKind::Honeypot, strict: false };
                        let strike = Strike { client, system, offence, about: 0 };
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
