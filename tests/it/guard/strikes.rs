//! Strikes become bans, bans escalate, and everything ends with the day and stays small.
use std::collections::BTreeMap;

use proptest::prelude::*;
use waxseal::guard::strikes::{Caps, StrikeStanding, strict_asns};
use waxseal::guard::{
    Change, ClientKey, Network, Offence, Outcome, Profile, Reason, SentinelState, Settings, Strike,
    StrikeKind, Thresholds,
};
use waxseal::types::{UnixMillis, UnixSeconds};

const START: u64 = 1_800_000_000;
const MIDNIGHT: UnixSeconds = UnixSeconds(START + 40_000);

fn at(second: u64) -> UnixMillis {
    UnixMillis((START + second) * 1000)
}

fn strike(client: &str, kind: StrikeKind, path_hash: u64) -> Strike {
    let offence = Offence { kind, strict: false };
    Strike { client: client.parse().unwrap(), asn: None, offence, path_hash }
}

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

fn new() -> SentinelState {
    SentinelState::new(Caps::default())
}

/// Strikes now and then, each about another link; returns the last outcome.
fn hit(state: &mut SentinelState, strike: Strike, times: u64, second: u64) -> Outcome {
    let settings = Settings::default();
    let mut last = None;
    for n in 0..times {
        last = Some(state.strike(
            &Strike { path_hash: strike.path_hash + n, ..strike },
            &settings,
            at(second),
            MIDNIGHT,
        ));
    }
    last.unwrap()
}

fn points(outcome: &Outcome) -> u64 {
    match outcome.standing {
        StrikeStanding::Counted { millipoints } => millipoints,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn each_kind_is_banned_within_its_allowance() {
    for (kind, times) in [
        (StrikeKind::Damaged, 20),
        (StrikeKind::Forged, 2),
        (StrikeKind::ApiKey, 4),
        (StrikeKind::Honeypot, 1),
    ] {
        let mut state = new();
        if times > 1 {
            assert!(matches!(
                hit(&mut state, strike("192.0.2.1", kind, 1), times - 1, 0).standing,
                StrikeStanding::Counted { .. }
            ));
        }
        let outcome = hit(&mut state, strike("192.0.2.1", kind, 1000), 1, 0);
        assert_eq!(outcome.standing, StrikeStanding::Banned { until: MIDNIGHT }, "{kind:?}");
        let again = hit(&mut state, strike("192.0.2.1", kind, 2000), 1, 5);
        assert_eq!(again.standing, StrikeStanding::AlreadyBanned { until: MIDNIGHT });
        assert!(again.changes.is_empty(), "a banned client costs no more rows");
        let bans = state.bans_of("192.0.2.1".parse().unwrap(), at(5).seconds());
        assert_eq!((bans.len(), bans[0].1.reason), (1, kind.reason()));
    }
}

#[test]
fn the_allowance_is_what_it_says_also_when_time_passes_between_the_strikes() {
    for (kind, times, seconds) in
        [(StrikeKind::Damaged, 20, 30), (StrikeKind::Forged, 2, 600), (StrikeKind::ApiKey, 4, 120)]
    {
        let mut state = new();
        for n in 1..times {
            let outcome = hit(&mut state, strike("192.0.2.7", kind, 100 * n), 1, n * seconds);
            assert!(matches!(outcome.standing, StrikeStanding::Counted { .. }), "{kind:?} {n}: {outcome:?}");
        }
        let outcome = hit(&mut state, strike("192.0.2.7", kind, 9_000), 1, times * seconds);
        assert!(matches!(outcome.standing, StrikeStanding::Banned { .. }), "{kind:?}: {outcome:?}");
    }
}

#[test]
fn points_fade() {
    let mut state = new();
    assert_eq!(points(&hit(&mut state, strike("192.0.2.1", StrikeKind::Damaged, 1), 19, 0)), 19_000);
    // Half an hour fades one point, ten hours twenty.
    assert_eq!(points(&hit(&mut state, strike("192.0.2.1", StrikeKind::Damaged, 100), 1, 1_800)), 19_000);
    assert_eq!(points(&hit(&mut state, strike("192.0.2.1", StrikeKind::Damaged, 200), 1, 39_000)), 1_000);
}

#[test]
fn the_same_damaged_link_again_is_no_guess() {
    let mut state = new();
    let settings = Settings::default();
    for second in 0..500 {
        let outcome =
            state.strike(&strike("192.0.2.1", StrikeKind::Damaged, 7), &settings, at(second), MIDNIGHT);
        assert!(points(&outcome) <= 1_000, "a person presses reload");
    }
    assert_eq!(state.watched("192.0.2.1".parse().unwrap()).unwrap().strikes, 500);
}

#[test]
fn strikes_from_a_strict_system_count_double() {
    let with = |strict| {
        let offence = Offence { kind: StrikeKind::Damaged, strict };
        points(&hit(&mut new(), Strike { offence, ..strike("192.0.2.1", StrikeKind::Damaged, 1) }, 5, 0))
    };
    assert_eq!((with(false), with(true)), (5_000, 10_000));
}

#[test]
fn three_banned_neighbours_ban_their_network() {
    let mut state = new();
    let trap = |client| strike(client, StrikeKind::Honeypot, 1);
    for client in ["192.0.2.1", "192.0.2.9", "192.0.3.1", "192.0.2.1"] {
        assert!(hit(&mut state, trap(client), 1, 0).networks.is_empty());
    }
    assert_eq!(hit(&mut state, trap("192.0.2.200"), 1, 0).networks, [network("192.0.2.0/24")]);
    assert!(hit(&mut state, trap("192.0.2.201"), 1, 0).networks.is_empty(), "once");
    let bans = state.bans_of("192.0.2.77".parse().unwrap(), at(0).seconds());
    assert_eq!(
        (bans[0].0, bans[0].1.reason, bans[0].1.until),
        (network("192.0.2.0/24"), Reason::Neighbours, MIDNIGHT)
    );
}

#[test]
fn ipv6_escalates_from_56_to_48() {
    let mut state = new();
    let mut trap = |client: &str| hit(&mut state, strike(client, StrikeKind::Honeypot, 1), 1, 0).networks;
    assert!(trap("2001:db8:1:0::1").is_empty());
    assert!(trap("2001:db8:1:0::2").is_empty(), "the same /64");
    assert!(trap("2001:db8:1:1::1").is_empty());
    assert_eq!(trap("2001:db8:1:2::1"), [network("2001:db8:1::/56")]);
    assert!(trap("2001:db8:1:100::1").is_empty(), "the second /56 with a ban");
    assert_eq!(trap("2001:db8:1:ff00::1"), [network("2001:db8:1::/48")], "the third");
    assert!(trap("2001:db8:2:ff00::1").is_empty());
}

#[test]
fn a_system_with_many_banned_networks_turns_strict_and_is_never_banned() {
    let mut state = new();
    let settings = Settings::default();
    for net in 0..20u32 {
        assert!(state.dynamic(&settings, at(0).seconds()).strict_asns.is_empty(), "{net}");
        for host in 0..3 {
            let trap = Strike {
                client: ClientKey::V4(net << 8 | host),
                asn: Some(64_500),
                ..strike("192.0.2.1", StrikeKind::Honeypot, 1)
            };
            state.strike(&trap, &settings, at(0), MIDNIGHT);
        }
    }
    let dynamic = state.dynamic(&settings, at(0).seconds());
    assert_eq!(dynamic.strict_asns, [64_500]);
    assert_eq!(dynamic.bans.len(), 80, "60 clients and 20 networks, nothing wider");
    let limits = Thresholds { system_after: 12, ..Thresholds::default() };
    assert_eq!(
        strict_asns([(1, 6), (2, 11), (1, 6), (3, u32::MAX), (3, 9)], &limits),
        [1, 3],
        "added up over sentinels"
    );
}

#[test]
fn the_strict_profile_is_literal() {
    let settings = Settings { profile: Profile::Strict, ..Settings::default() };
    let mut state = new();
    let outcome = state.strike(&strike("192.0.2.1", StrikeKind::Damaged, 1), &settings, at(0), MIDNIGHT);
    assert_eq!(outcome.standing, StrikeStanding::Banned { until: MIDNIGHT });
    assert_eq!(outcome.networks, [network("192.0.2.0/24")]);
    let bans = state.bans_of("192.0.2.2".parse().unwrap(), at(0).seconds());
    assert_eq!(bans[0].1.reason, Reason::Damaged);
}

#[test]
fn after_midnight_nothing_is_left() {
    let mut state = new();
    for host in 0..=255u32 {
        let client = ClientKey::V4(0xc000_0200 | host);
        let kind = if host % 2 == 0 { StrikeKind::Honeypot } else { StrikeKind::Damaged };
        hit(&mut state, Strike { client, ..strike("192.0.2.1", kind, 1) }, 1, u64::from(host));
    }
    assert!(state.rows() > 256);
    assert_eq!(state.next_end(), Some(MIDNIGHT));
    state.sweep(UnixMillis(MIDNIGHT.0 * 1000 - 1));
    assert!(state.rows() > 128, "a millisecond before midnight bans stand");
    let changes = state.sweep(MIDNIGHT.millis());
    assert_eq!((state.rows(), state.next_end()), (0, None));
    assert!(changes.iter().all(|change| matches!(change, Change::Unban(_) | Change::Unwatch(_))));
    assert!(state.sweep(MIDNIGHT.millis()).is_empty());
}

#[test]
fn a_day_that_cannot_be_is_put_right() {
    for (given, expected) in [(0, START + 1), (u64::MAX, START + 26 * 3_600), (START, START + 1)] {
        let settings = Settings::default();
        let outcome =
            new().strike(&strike("192.0.2.1", StrikeKind::Honeypot, 1), &settings, at(0), UnixSeconds(given));
        assert_eq!(outcome.standing, StrikeStanding::Banned { until: UnixSeconds(expected) });
    }
}

#[test]
fn a_clock_that_goes_back_a_little_stands_still_and_one_that_was_wrong_is_forgiven() {
    let mut state = new();
    hit(&mut state, strike("192.0.2.1", StrikeKind::Damaged, 1), 5, 3_000);
    assert_eq!(
        points(&hit(&mut state, strike("192.0.2.1", StrikeKind::Damaged, 50), 1, 0)),
        6_000,
        "no point comes or goes"
    );
    // A year ahead, and back.
    let settings = Settings::default();
    let later = START + 365 * 86_400;
    let wrong = UnixMillis(later * 1000);
    state.strike(&strike("192.0.2.8", StrikeKind::Honeypot, 1), &settings, wrong, UnixSeconds(later + 9_000));
    state.strike(&strike("192.0.2.9", StrikeKind::Damaged, 1), &settings, wrong, UnixSeconds(later + 9_000));
    state.ban(network("198.51.100.0/24"), UnixSeconds(later), wrong);
    let changes = state.sweep(at(4_000));
    assert!(!changes.is_empty());
    let ban = state.bans_of("192.0.2.8".parse().unwrap(), at(4_000).seconds())[0].1;
    assert!(ban.until <= UnixSeconds(START + 4_000 + 26 * 3_600), "a ban of that year ends within a day");
    assert!(state.watched("192.0.2.9".parse().unwrap()).is_none());
    assert_eq!(
        state.bans_of("198.51.100.1".parse().unwrap(), at(4_000).seconds()).len(),
        1,
        "ops may ban for longer"
    );
}

#[test]
fn ops_ban_and_lift() {
    let mut state = new();
    let until = UnixSeconds(START + 900_000);
    state.ban(network("192.0.0.0/16"), until, at(0));
    for host in 1..4 {
        hit(&mut state, strike(&format!("192.0.2.{host}"), StrikeKind::Honeypot, 1), 1, 0);
    }
    hit(&mut state, strike("192.0.2.9", StrikeKind::Forged, 1), 1, 0);
    state.lift(network("192.0.2.0/24"));
    let client = "192.0.2.1".parse().unwrap();
    assert_eq!(state.bans_of(client, at(1).seconds()).len(), 1, "the wider one stays");
    assert!(state.watched("192.0.2.9".parse().unwrap()).is_none(), "points are gone too");
    state.lift(network("192.0.0.0/16"));
    assert_eq!(state.rows(), 0);
    assert!(state.lift(network("192.0.0.0/16")).is_empty());
}

#[test]
fn what_a_wrong_clock_noted_is_put_right_after_a_restart() {
    let client: ClientKey = "192.0.2.7".parse().unwrap();
    let late = START + 20 * 86_400;
    let mut state = new();
    let changes = state
        .strike(
            &strike("192.0.2.7", StrikeKind::Honeypot, 1),
            &Settings::default(),
            UnixMillis(late * 1_000),
            UnixSeconds(late + 9_000),
        )
        .changes;
    let mut restored = SentinelState::restore(Caps::default(), changes);
    assert!(!restored.settle(at(0)).is_empty());
    let (_, ban) = restored.bans_of(client, at(0).seconds())[0];
    assert!(ban.until <= UnixSeconds(START + 26 * 3_600), "a day from now at most");
}

#[test]
fn nested_networks_of_a_system_count_once() {
    let mut state = new();
    for near in 0..3 {
        for host in 0..3 {
            let mut strike =
                strike(&format!("2001:db8:1:{:x}::1", near << 8 | host), StrikeKind::Honeypot, 1);
            strike.asn = Some(64_500);
            hit(&mut state, strike, 1, 0);
        }
    }
    assert_eq!(state.bans_of("2001:db8:1::".parse().unwrap(), at(0).seconds()).len(), 3, "/64, /56, /48");
    assert_eq!(state.banned_networks(at(0).seconds()).get(&64_500), Some(&1));
}

#[test]
fn lifting_lets_off_everything_inside_and_nothing_else() {
    let mut state = new();
    let bans = [
        "2001:db8::/47",
        "2001:db8::/48",
        "2001:db8::/56",
        "2001:db8:0:ff00::/56",
        "2001:db8::/64",
        "2001:db8:0:ffff::/64",
        "2001:db8:1::/56",
        "2001:db7:ffff:ffff::/64",
    ];
    for target in bans {
        state.ban(network(target), MIDNIGHT, at(0));
    }
    assert_eq!(state.lift(network("2001:db8::/48")).len(), 5);
    let (left, _) = state.page(None, 10, at(0).seconds());
    let left: Vec<String> = left.iter().map(|(target, _)| target.to_string()).collect();
    assert_eq!(left, ["2001:db7:ffff:ffff::/64", "2001:db8::/47", "2001:db8:1::/56"]);
    assert_eq!(state.lift(network("2001:db7:ffff:ffff::/64")).len(), 1);
    assert_eq!(state.lift(network("::/0")).len(), 2);
    assert_eq!(state.rows(), 0);
}

#[test]
fn dry_run_counts_and_refuses_nobody() {
    let limits = Thresholds { dry_run: true, ..Thresholds::default() };
    let dry = Settings { thresholds: limits, ..Settings::default() };
    let mut state = new();
    for host in 1..4 {
        state.strike(&strike(&format!("192.0.2.{host}"), StrikeKind::Honeypot, 1), &dry, at(0), MIDNIGHT);
    }
    let dynamic = state.dynamic(&dry, at(0).seconds());
    assert_eq!(dynamic.bans.len(), 4);
    assert!(dynamic.bans.iter().all(|ban| ban.dry_run));
    // Once it counts, a client has to earn its ban again; those of the trial do not add up.
    let real = Settings::default();
    let outcome = state.strike(&strike("192.0.2.1", StrikeKind::Honeypot, 1), &real, at(1), MIDNIGHT);
    assert_eq!((outcome.standing, outcome.networks.len()), (StrikeStanding::Banned { until: MIDNIGHT }, 0));
}

/// Applies changes as a shell would to its table.
fn apply(rows: &mut BTreeMap<String, Change>, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Watch(client, _) => drop(rows.insert(format!("w{client}"), *change)),
            Change::Unwatch(client) => drop(rows.remove(&format!("w{client}"))),
            Change::Ban(target, _) => drop(rows.insert(format!("b{target}"), *change)),
            Change::Unban(target) => drop(rows.remove(&format!("b{target}"))),
        }
    }
}

#[test]
fn a_flood_of_addresses_stays_within_the_caps() {
    let caps = Caps { watched: 500, banned: 300, networks: 100 };
    let mut state = SentinelState::new(caps);
    let settings = Settings::default();
    let mut rows = BTreeMap::new();
    // One that is well on its way keeps its points while the others come and go.
    for n in 0..19 {
        apply(
            &mut rows,
            &state.strike(&strike("203.0.113.5", StrikeKind::Damaged, n), &settings, at(0), MIDNIGHT).changes,
        );
    }
    for n in 0..60_000u32 {
        let client = if n % 2 == 0 {
            ClientKey::V4(n.wrapping_mul(2_654_435_761))
        } else {
            ClientKey::V6(u64::from(n) << 30)
        };
        let kind = [StrikeKind::Damaged, StrikeKind::Honeypot, StrikeKind::Damaged][n as usize % 3];
        let one = Strike { client, path_hash: u64::from(n), ..strike("192.0.2.1", kind, 0) };
        apply(&mut rows, &state.strike(&one, &settings, at(u64::from(n) / 60), MIDNIGHT).changes);
    }
    assert!(state.rows() <= 900, "{}", state.rows());
    assert_eq!(rows.len(), state.rows(), "the stored copy is bounded too");
    assert!(state.watched("203.0.113.5".parse().unwrap()).is_some());
    let restored = SentinelState::restore(caps, rows.into_values());
    assert_eq!(restored.rows(), state.rows());
    assert_eq!(restored.dynamic(&settings, at(1).seconds()), state.dynamic(&settings, at(1).seconds()));
}

#[test]
fn counters_stop_at_the_largest_number() {
    let limits = Thresholds {
        allowance: u32::MAX,
        damaged: u32::MAX - 1,
        fade_seconds: u32::MAX,
        strict_factor: u32::MAX,
        ..Thresholds::default()
    };
    let settings = Settings { thresholds: limits, ..Settings::default() };
    let offence = Offence { kind: StrikeKind::Damaged, strict: true };
    let mut state = new();
    let end = UnixMillis(u64::MAX);
    for path_hash in 0..3 {
        let one = Strike { offence, ..strike("192.0.2.1", StrikeKind::Damaged, path_hash) };
        state.strike(&one, &settings, end, UnixSeconds(u64::MAX));
    }
    assert!(state.rows() >= 1);
}

fn strikes() -> impl Strategy<Value = Vec<(Strike, u64)>> {
    let client = prop_oneof![
        (0u32..3, 0u32..6).prop_map(|(net, host)| ClientKey::V4(0xc000_0000 | net << 8 | host)),
        (0u64..3, 0u64..3, 0u64..4)
            .prop_map(|(a, b, c)| ClientKey::V6(0x2001_0db8 << 32 | a << 16 | b << 8 | c)),
    ];
    let kind = prop::sample::select(vec![
        StrikeKind::Damaged,
        StrikeKind::Forged,
        StrikeKind::Honeypot,
        StrikeKind::ApiKey,
    ]);
    let one = (client, kind, any::<bool>(), 0u64..4, 0u64..38_000, prop::option::of(1u32..3));
    prop::collection::vec(
        one.prop_map(|(client, kind, strict, path_hash, second, asn)| {
            (Strike { client, asn, offence: Offence { kind, strict }, path_hash }, second)
        }),
        1..120,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn within_a_day_bans_only_grow(strikes in strikes(), in_order in any::<bool>()) {
        let (mut state, settings) = (new(), Settings::default());
        let mut strikes = strikes;
        if in_order {
            strikes.sort_by_key(|(_, second)| *second);
        }
        let mut rows = BTreeMap::new();
        let mut before: Vec<Network> = Vec::new();
        for (strike, second) in strikes {
            let outcome = state.strike(&strike, &settings, at(second), MIDNIGHT);
            apply(&mut rows, &outcome.changes);
            let bans: Vec<_> = state.dynamic(&settings, at(second).seconds()).bans;
            let now: Vec<Network> = bans.iter().map(|ban| ban.target).collect();
            prop_assert!(before.iter().all(|target| now.contains(target)), "a ban went away");
            prop_assert!(bans.iter().all(|ban| ban.until == MIDNIGHT), "bans end with the day");
            // A network is banned only with three members, and never wider than a /24 or a /48.
            for network in now.iter().filter(|it| !it.is_single()) {
                let widest = if network.first().is_v4() { 24 } else { 48 };
                prop_assert!(network.prefix() >= widest);
                prop_assert!(now.iter().filter(|it| it.is_single() && network.overlaps(it)).count() >= 3);
            }
            if let StrikeStanding::Counted { millipoints } = outcome.standing {
                prop_assert!(millipoints < 20_000);
            }
            before = now;
        }
        prop_assert_eq!(rows.len(), state.rows());
        let restored = SentinelState::restore(Caps::default(), rows.into_values());
        prop_assert_eq!(restored.dynamic(&settings, at(0).seconds()), state.dynamic(&settings, at(0).seconds()));
        state.sweep(MIDNIGHT.millis());
        prop_assert_eq!(state.rows(), 0);
    }
}
