//! Rules, bans and clients from a small world, so that they overlap; and the matcher that is obviously right.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::cmp::Reverse;

use proptest::prelude::*;
use waxseal::guard::pattern::matches_agent;
use waxseal::guard::rules::{Action, Country, Entry, Matcher};
use waxseal::guard::snapshot::{Kind, Source, Stamp};
use waxseal::guard::{
    Ban, ClientFacts, ClientKey, Compiled, Dynamic, Network, Reason, Rules, Snapshot, Standing, compile,
};
use waxseal::types::UnixSeconds;

pub const AGENTS: [&str; 4] = ["Mozilla/5.0 Evil", "curl/8.1", "monitor 1.0", ""];
const COUNTRIES: [[u8; 2]; 3] = [*b"NL", *b"XX", *b"T1"];

pub fn base(generation: u64) -> Stamp {
    Stamp { kind: Kind::Base, generation, made_at: UnixSeconds(7) }
}

pub fn compiled(rules: &Rules, dynamic: &Dynamic, max_bans: usize, stamp: &Stamp) -> Compiled {
    compile(&Source { rules, dynamic, max_bans }, stamp).unwrap()
}

pub fn client(text: &str) -> ClientKey {
    text.parse().unwrap()
}

pub fn facts(text: &str) -> ClientFacts<'static> {
    ClientFacts { client: client(text), asn: None, country: None, agent: None }
}

pub fn look(bytes: &[u8], text: &str, now: u64) -> Standing {
    Snapshot::validate(bytes).unwrap().lookup(&facts(text), UnixSeconds(now)).standing
}

pub fn clients() -> impl Strategy<Value = ClientKey> {
    let low = prop_oneof![0u64..80, Just(255), Just(256)];
    let v4 = (prop_oneof![Just(0u32), Just(0x0a00_0000), Just(u32::MAX - 300)], low.clone());
    let v6 = (prop_oneof![Just(0u64), Just(0x2001_0db8_0001_0000), Just(u64::MAX - 300)], low);
    prop_oneof![
        v4.prop_map(|(from, low)| ClientKey::V4(from + low as u32)),
        v6.prop_map(|(from, low)| ClientKey::V6(from + low)),
    ]
}

pub fn networks() -> impl Strategy<Value = Network> {
    let bits = prop_oneof![6 => Just(0u8), 6 => 1u8..6, 3 => 6u8..12, 1 => 12u8..=64];
    (clients(), bits).prop_map(|(client, host)| {
        let whole: u8 = if client.is_v4() { 32 } else { 64 };
        Network::around(client, whole.saturating_sub(host))
    })
}

pub fn moments() -> impl Strategy<Value = UnixSeconds> {
    (1u64..5).prop_map(|n| UnixSeconds(n * 50))
}

fn entry() -> impl Strategy<Value = Entry> {
    let matcher = prop_oneof![
        6 => prop::collection::vec(networks(), 1..6).prop_map(Matcher::Networks),
        1 => prop::collection::vec(1u32..5, 1..3).prop_map(Matcher::Asns),
        1 => prop::sample::select(COUNTRIES.to_vec()).prop_map(|it| Matcher::Countries(vec![Country(it)])),
        1 => prop::sample::select(vec!["evil", "curl/*", "*monitor*", "mozilla"])
            .prop_map(|it| Matcher::Agents(vec![it.to_owned()])),
    ];
    let allow = prop::bool::weighted(0.35);
    (allow, matcher, prop::option::weighted(0.4, moments()), prop::bool::weighted(0.25), 1u32..1_000)
        .prop_map(|(allow, matcher, expires, dry_run, line)| Entry {
            action: if allow { Action::Allow } else { Action::Deny },
            matcher,
            note: format!("note {line}"),
            expires,
            dry_run,
            line,
        })
}

pub fn rules() -> impl Strategy<Value = Rules> {
    prop::collection::vec(entry(), 0..12).prop_map(|entries| Rules { entries, ..Rules::default() })
}

pub fn ban() -> impl Strategy<Value = Ban> {
    let reason =
        prop::sample::select(vec![Reason::Damaged, Reason::Honeypot, Reason::Neighbours, Reason::Ops]);
    (networks(), 0u64..50, moments(), reason, prop::bool::weighted(0.15)).prop_map(
        |(target, since, until, reason, dry_run)| Ban {
            target,
            since: UnixSeconds(since),
            until,
            reason,
            dry_run,
        },
    )
}

/// One ban for each target and dry-run state, as sentinels have it.
pub fn dynamic() -> impl Strategy<Value = Dynamic> {
    let bans = prop::collection::vec(ban(), 0..30);
    (bans, prop::collection::vec(1u32..5, 0..2)).prop_map(|(mut bans, strict_asns)| {
        bans.sort_by_key(|ban| (ban.target, ban.dry_run));
        bans.dedup_by_key(|ban| (ban.target, ban.dry_run));
        Dynamic { bans, strict_asns }
    })
}

/// Client, AS number, country, agent, moment.
pub type Probe = (ClientKey, Option<u32>, Option<Country>, Option<&'static str>, UnixSeconds);

pub fn probe() -> impl Strategy<Value = Probe> {
    (
        clients(),
        prop::option::of(1u32..6),
        prop::option::of(prop::sample::select(COUNTRIES.to_vec()).prop_map(Country)),
        prop::option::of(prop::sample::select(AGENTS.to_vec())),
        (0u64..250).prop_map(UnixSeconds),
    )
}

pub fn facts_of(probe: &Probe) -> ClientFacts<'static> {
    ClientFacts { client: probe.0, asn: probe.1, country: probe.2, agent: probe.3 }
}

/// What decides, in the same words for both matchers.
pub type Told = (Standing, Option<Reason>, Option<u32>, Option<UnixSeconds>);

/// Goes through every rule and ban. Returns what decides, and what would if nothing were in dry run.
pub fn naive(rules: &Rules, dynamic: &Dynamic, probe: &Probe) -> (Told, Told) {
    (naive_told(rules, dynamic, probe, false), naive_told(rules, dynamic, probe, true))
}

fn naive_told(rules: &Rules, dynamic: &Dynamic, probe: &Probe, with_dry_run: bool) -> Told {
    let (client, asn, country, agent, now) = probe;
    let counts = |dry_run: bool, until: Option<UnixSeconds>| {
        (with_dry_run || !dry_run) && until.is_none_or(|until| *now < until)
    };
    let matches = |entry: &&Entry| {
        counts(entry.dry_run, entry.expires)
            && match &entry.matcher {
                Matcher::Networks(all) => all.iter().any(|network| network.contains(*client)),
                Matcher::Asns(all) => asn.is_some_and(|asn| all.contains(&asn)),
                Matcher::Countries(all) => country.is_some_and(|country| all.contains(&country)),
                Matcher::Agents(all) => agent
                    .is_some_and(|agent| all.iter().any(|it| matches_agent(it.as_bytes(), agent.as_bytes()))),
                Matcher::Paths(_) => false,
            }
    };
    let found: Vec<&Entry> = rules.entries.iter().filter(matches).collect();
    let by_agent = |entry: &&&Entry| matches!(entry.matcher, Matcher::Agents(_));
    let agent_allowed = found.iter().filter(by_agent).any(|entry| entry.action == Action::Allow);
    let told = |entry: &Entry, standing, reason| (standing, Some(reason), Some(entry.line), entry.expires);
    let reason = |entry: &Entry| match entry.matcher {
        Matcher::Networks(_) | Matcher::Paths(_) => Reason::NetworkRule,
        Matcher::Asns(_) => Reason::AsnRule,
        Matcher::Countries(_) => Reason::CountryRule,
        Matcher::Agents(_) => Reason::AgentRule,
    };
    let allow = found.iter().find(|entry| entry.action == Action::Allow && !by_agent(entry));
    if let Some(entry) = allow {
        return told(entry, Standing::Allowed, reason(entry));
    }
    let deny = found.iter().find(|entry| entry.action == Action::Deny && !(agent_allowed && by_agent(entry)));
    if let Some(entry) = deny {
        return told(entry, Standing::Denied, reason(entry));
    }
    let bans =
        dynamic.bans.iter().filter(|it| counts(it.dry_run, Some(it.until)) && it.target.contains(*client));
    let ban = bans.min_by_key(|it| (!it.target.is_single(), Reverse(it.until), it.reason, it.dry_run));
    match ban {
        None => (Standing::Clear, None, None, None),
        Some(ban) if ban.target.is_single() => {
            (Standing::AddressBanned, Some(ban.reason), None, Some(ban.until))
        }
        Some(ban) => (Standing::NetworkBanned, Some(ban.reason), None, Some(ban.until)),
    }
}
