//! The compiled snapshot answers as the rules and bans do, and bad bytes are refused.
use super::common::{
    base, client, clients, compiled, dynamic, facts, facts_of, look, naive, networks, probe, rules,
};
use proptest::prelude::*;
use waxseal::guard::snapshot::{Kind, Stamp};
use waxseal::guard::{
    Ban, ClientKey, Dynamic, Network, Reason, Rules, Snapshot, SnapshotError, Standing, Stored, Verdict,
};
use waxseal::types::UnixSeconds;

const ALL: usize = usize::MAX;

fn told(verdict: &Verdict) -> super::common::Told {
    let cause = verdict.cause;
    (verdict.standing, cause.map(|it| it.reason), cause.and_then(|it| it.line), cause.and_then(|it| it.until))
}

fn ban(target: &str, until: u64) -> Ban {
    let target = target.parse().unwrap();
    Ban { target, since: UnixSeconds(1), until: UnixSeconds(until), reason: Reason::Damaged, dry_run: false }
}

fn bans(list: &[(&str, u64)]) -> Dynamic {
    Dynamic { bans: list.iter().map(|(target, until)| ban(target, *until)).collect(), ..Dynamic::default() }
}

/// Puts the checksum right after a change, so that what is behind it is put to the test.
fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let sum = twox_hash::XxHash64::oneshot(2, &bytes[24..]);
    bytes[16..24].copy_from_slice(&sum.to_le_bytes());
    bytes
}

#[test]
fn an_allowed_address_in_a_denied_network_in_an_allowed_country() {
    let rules = Rules::parse(
        "[[deny]]\nnetwork = \"10.0.0.0/8\"\nnote = \"ours\"\n[[allow]]\naddress = \"10.1.2.3\"\n\
         [[deny]]\naddress = \"10.1.2.3\"\nexpires = 1970-01-01T00:01:40Z\n",
    )
    .unwrap();
    let bytes = compiled(
        &rules,
        &bans(&[("10.1.2.3", 500), ("192.0.2.1", 500), ("192.0.2.0/24", 300)]),
        ALL,
        &base(1),
    )
    .bytes;
    assert_eq!(look(&bytes, "10.1.2.3", 50), Standing::Allowed);
    assert_eq!(look(&bytes, "10.1.2.4", 50), Standing::Denied);
    assert_eq!(look(&bytes, "192.0.2.1", 299), Standing::AddressBanned);
    assert_eq!(look(&bytes, "192.0.2.2", 299), Standing::NetworkBanned);
    assert_eq!(look(&bytes, "192.0.2.2", 300), Standing::Clear, "bans end by themselves");
    assert_eq!(look(&bytes, "::ffff:10.1.2.4", 50), Standing::Denied, "an IPv4 client has one face");

    let overlay = Snapshot::validate(&bytes).unwrap().with_delta(None).unwrap();
    let verdict = overlay.lookup(&facts("10.9.9.9"), UnixSeconds(5));
    let cause = verdict.cause.unwrap();
    assert_eq!((cause.line, cause.until, overlay.note(&cause)), (Some(1), None, "ours"));
    assert_eq!(overlay.settings(), &rules.settings);
}

#[test]
fn an_expired_entry_uncovers_what_it_hid() {
    let rules = Rules::parse(
        "[[allow]]\naddress = \"10.1.2.3\"\nexpires = 1970-01-01T00:01:40Z\n[[deny]]\nnetwork = \"10.0.0.0/8\"\n\
         expires = 1970-01-01T00:03:20Z\n",
    )
    .unwrap();
    let bytes = compiled(&rules, &bans(&[("10.1.2.3", 300)]), ALL, &base(1)).bytes;
    let expected =
        [(0, Standing::Allowed), (99, Standing::Allowed), (100, Standing::Denied), (199, Standing::Denied)];
    for (now, standing) in
        expected.into_iter().chain([(200, Standing::AddressBanned), (300, Standing::Clear)])
    {
        assert_eq!(look(&bytes, "10.1.2.3", now), standing, "at {now}");
    }
}

#[test]
fn what_a_client_says_of_itself_lifts_no_rule_about_who_it_is() {
    let rules = Rules::parse(
        "[[allow]]\nagent = \"monitor\"\n[[deny]]\nagent = \"mon\"\n[[deny]]\naddress = \"10.0.0.1\"\n",
    )
    .unwrap();
    let bytes = compiled(&rules, &bans(&[("10.0.0.2", 9)]), ALL, &base(1)).bytes;
    let snapshot = Snapshot::validate(&bytes).unwrap();
    let look = |text, agent| {
        let facts = waxseal::guard::ClientFacts { agent: Some(agent), ..facts(text) };
        let verdict = snapshot.lookup(&facts, UnixSeconds(5));
        (verdict.standing, verdict.agent_allowed)
    };
    assert_eq!(look("10.0.0.3", "My Monitor/1"), (Standing::Clear, true));
    assert_eq!(look("10.0.0.3", "Money/1"), (Standing::Denied, false));
    assert_eq!(look("10.0.0.1", "My Monitor/1"), (Standing::Denied, true));
    assert_eq!(look("10.0.0.2", "My Monitor/1"), (Standing::AddressBanned, true));
}

#[test]
fn honeypots_are_found_in_any_spelling() {
    let rules = Rules::parse(
        "[[honeypot]]\npath = \"/trap\"\n[[honeypot]]\npath = [\"/soon/*\"]\ndry_run = true\n\
         [[honeypot]]\npath = \"/over\"\nexpires = 1970-01-01T00:00:05Z\n",
    )
    .unwrap();
    let bytes = compiled(&rules, &Dynamic::default(), ALL, &base(1)).bytes;
    let overlay = Snapshot::validate(&bytes).unwrap().with_delta(None).unwrap();
    let found = |path: &str| {
        let found = overlay.honeypot(path, UnixSeconds(5));
        (found.cause.is_some(), found.would.is_some())
    };
    for path in [
        "/trap",
        "/TRAP/",
        "//trap?x",
        "/%74rap",
        "/wp-login.php",
        "/blog/wp-login.php",
        "/.env.local",
        "/.git/config",
    ] {
        assert_eq!(found(path), (true, false), "{path}");
    }
    assert_eq!(found("/soon/a"), (false, true));
    for path in [
        "/",
        "",
        "/over",
        "/trap2",
        "/favicon.ico",
        "/robots.txt",
        "/.well-known/security.txt",
        "/assets/viewer.js",
    ] {
        assert_eq!(found(path), (false, false), "{path}");
    }
}

#[test]
fn damaged_bytes_are_refused_with_the_reason() {
    let rules =
        Rules::parse("[[deny]]\nnetwork = [\"11.22.33.0/24\", \"192.0.2.0/24\"]\n[[deny]]\nasn = [5, 9]\n")
            .unwrap();
    let good = compiled(&rules, &bans(&[("192.0.2.1", 9), ("2001:db8::1", 9)]), ALL, &base(3)).bytes;
    assert!(Snapshot::validate(&good).is_ok());
    let code = |bytes: &[u8]| Snapshot::validate(bytes).unwrap_err().code();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };

    assert_eq!(code(b""), "not_a_snapshot");
    assert_eq!(code(&with(0, b'X')), "not_a_snapshot");
    assert_eq!(Snapshot::validate(&with(8, 3)).unwrap_err(), SnapshotError::NewerVersion(3));
    assert_eq!(code(&with(8, 1)), "not_a_snapshot", "from before the change of format");
    for cut in 8..good.len() {
        let code = code(&good[..cut]);
        assert!(code == "wrong_length" || cut < 10 && code == "not_a_snapshot", "cut at {cut}: {code}");
    }
    let longer: Vec<u8> = good.iter().copied().chain([0]).collect();
    assert_eq!(code(&longer), "wrong_length");
    for (at, byte) in good.iter().enumerate().skip(16) {
        assert_eq!(code(&with(at, byte ^ 1)), "wrong_checksum", "byte {at}");
    }
    assert_eq!(
        code(
            &vec![0; 10_000_001]
                .iter()
                .enumerate()
                .map(|(at, _)| *good.get(at).unwrap_or(&0))
                .collect::<Vec<u8>>()
        ),
        "too_large"
    );

    // Behind a right checksum: two starts swapped, a stack that is not there, an unknown profile.
    let start = good.windows(4).position(|four| four == 0x0b16_2100u32.to_le_bytes()).unwrap();
    let mut swapped = good.clone();
    swapped[start..start + 8].rotate_left(4);
    assert_eq!(code(&sealed(swapped)), "unsorted");
    assert_eq!(code(&sealed(with(56, 9))), "nonsense");
    assert_eq!(code(&sealed(with(24, 7))), "nonsense");
    let counts = 112;
    assert_eq!(code(&sealed(with(counts + 4 * 3, 200))), "nonsense");
}

#[test]
fn a_delta_belongs_to_one_base() {
    let rules = Rules::parse("[[allow]]\naddress = \"10.0.0.9\"\n").unwrap();
    let before = bans(&[("10.0.0.1", 100), ("10.0.0.2", 100)]);
    let mut delta = bans(&[("10.0.0.2", 200), ("10.0.0.3", 100), ("10.0.0.9", 100), ("10.0.0.0/24", 50)]);
    delta.strict_asns = vec![77];
    let base_bytes = compiled(&rules, &before, ALL, &base(4)).bytes;
    let stamp = |base| Stamp { kind: Kind::Delta { base }, generation: 5, made_at: UnixSeconds(9) };
    let delta_bytes = compiled(&rules, &delta, ALL, &stamp(4)).bytes;
    let other_bytes = compiled(&rules, &delta, ALL, &stamp(3)).bytes;
    let [base, delta, other] =
        [&base_bytes, &delta_bytes, &other_bytes].map(|it| Snapshot::validate(it).unwrap());
    assert_eq!(base.with_delta(Some(other)).unwrap_err(), SnapshotError::OtherBase);
    assert_eq!(delta.with_delta(None).unwrap_err(), SnapshotError::OtherBase);
    assert_eq!(base.with_delta(Some(base)).unwrap_err(), SnapshotError::OtherBase);
    let overlay = base.with_delta(Some(delta)).unwrap();
    let look = |text, now| overlay.lookup(&facts(text), UnixSeconds(now)).standing;
    assert_eq!(look("10.0.0.1", 40), Standing::AddressBanned);
    assert_eq!(look("10.0.0.2", 150), Standing::AddressBanned);
    assert_eq!(look("10.0.0.3", 40), Standing::AddressBanned);
    assert_eq!(look("10.0.0.4", 40), Standing::NetworkBanned);
    assert_eq!(look("10.0.0.9", 40), Standing::Allowed, "allow in the base wins over a ban in the delta");
    let facts = waxseal::guard::ClientFacts { asn: Some(77), ..facts("192.0.2.1") };
    assert!(overlay.lookup(&facts, UnixSeconds(1)).strict);
}

#[test]
fn a_full_list_merges_neighbours_and_lets_the_rest_go() {
    let rules = Rules::parse("[[allow]]\naddress = \"10.0.1.200\"\n").unwrap();
    let mut list: Vec<String> = (1..=100).map(|n| format!("10.0.0.{n}")).collect();
    list.extend((1..=90).map(|n| format!("10.0.1.{n}")));
    list.push("192.0.2.1".to_owned());
    let list: Vec<(&str, u64)> = list.iter().map(|it| (it.as_str(), 100)).collect();
    let full = compiled(&rules, &bans(&list), 92, &base(1));
    assert_eq!((full.merged, full.dropped), (100, 0));
    assert_eq!(look(&full.bytes, "10.0.0.250", 9), Standing::NetworkBanned, "merged: a genuine link passes");
    assert_eq!(look(&full.bytes, "10.0.1.5", 9), Standing::AddressBanned, "its /24 has an allowed address");
    assert_eq!(look(&full.bytes, "10.0.1.201", 9), Standing::Clear);
    assert_eq!(look(&full.bytes, "10.0.1.200", 9), Standing::Allowed);
    let tight = compiled(&rules, &bans(&list), 2, &base(1));
    assert_eq!(tight.dropped, 90);
    assert_eq!(look(&tight.bytes, "10.0.1.201", 9), Standing::Clear);
}

#[test]
fn a_stored_snapshot_is_viewed_without_a_second_check() {
    let bytes = compiled(&Rules::default(), &bans(&[("192.0.2.1", 9)]), ALL, &base(12)).bytes;
    let stored = Stored::new(bytes.clone()).unwrap();
    assert_eq!(stored.bytes(), bytes);
    let view = stored.view().unwrap();
    assert_eq!(
        (view.generation(), view.made_at(), view.is_delta(), view.blocks()),
        (12, UnixSeconds(7), false, 1)
    );
    assert!(Stored::new(bytes[1..].to_vec()).is_err());
}

#[test]
fn ten_megabytes_are_never_exceeded() {
    // Addresses far apart, so that nothing merges: IPv6 blocks take 12 bytes each.
    let spread = (0..850_000u64).map(|n| Network::single(ClientKey::V6((0x2600 << 48) + (n << 24))));
    let bans = spread.map(|target| Ban { target, ..ban("192.0.2.1", 9) }).collect();
    let full = compiled(&Rules::default(), &Dynamic { bans, ..Dynamic::default() }, ALL, &base(1));
    assert!(full.bytes.len() <= waxseal::guard::MAX_SNAPSHOT_BYTES);
    assert!(full.dropped > 0 && full.blocks > 500_000, "{} {} {}", full.blocks, full.merged, full.dropped);
    assert!(Snapshot::validate(&full.bytes).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(600) })]

    #[test]
    fn compiled_look_up_is_the_naive_one(
        rules in rules(),
        dynamic in dynamic(),
        probes in prop::collection::vec(probe(), 40),
    ) {
        let bytes = compiled(&rules, &dynamic, ALL, &base(1)).bytes;
        prop_assert_eq!(&bytes, &compiled(&rules, &dynamic, ALL, &base(1)).bytes, "deterministic");
        let snapshot = Snapshot::validate(&bytes).unwrap();
        for probe in &probes {
            let verdict = snapshot.lookup(&facts_of(probe), probe.4);
            let (expected, would) = naive(&rules, &dynamic, probe);
            prop_assert_eq!(told(&verdict), expected, "{:?}", probe);
            let found = verdict.would.map(|it| told(&Verdict { standing: it.standing, cause: it.cause, ..verdict }));
            match found {
                Some(found) => prop_assert_eq!(found, would, "dry run, {:?}", probe),
                // Nothing differs, or only which of two entries decides alike.
                None => prop_assert_eq!(expected, would, "dry run, {:?}", probe),
            }
            prop_assert_eq!(verdict.strict, probe.1.is_some_and(|it| dynamic.strict_asns.contains(&it)));
        }
    }

    #[test]
    fn allow_always_wins(
        mut rules in rules(),
        dynamic in dynamic(),
        allowed in networks(),
        probe in probe(),
        most in 0usize..30,
    ) {
        let text = format!("[honeypots]\nshipped = false\n[[allow]]\nnetwork = \"{allowed}\"\n");
        let Ok(extra) = Rules::parse(&text) else { return Ok(()) };
        rules.entries.extend(extra.entries);
        let bytes = compiled(&rules, &dynamic, most, &base(1)).bytes;
        let snapshot = Snapshot::validate(&bytes).unwrap();
        for client in [allowed.first(), allowed.last(), probe.0] {
            if allowed.contains(client) {
                let facts = waxseal::guard::ClientFacts { client, ..facts_of(&probe) };
                prop_assert_eq!(snapshot.lookup(&facts, probe.4).standing, Standing::Allowed);
            }
        }
    }

    #[test]
    fn merging_covers_no_allowed_client(
        rules in rules(),
        dynamic in dynamic(),
        more in prop::collection::vec(clients(), 0..60),
        most in 0usize..12,
        probes in prop::collection::vec(clients(), 60),
    ) {
        let mut dynamic = dynamic;
        dynamic.bans.extend(more.into_iter().map(|client| Ban { target: Network::single(client), ..ban("192.0.2.1", 200) }));
        // A delta leaves the rules out: what shows in it are the bans alone, after merging.
        let stamp = Stamp { kind: Kind::Delta { base: 1 }, generation: 2, made_at: UnixSeconds(1) };
        let merged = compiled(&rules, &dynamic, most, &stamp);
        let allowed: Vec<Network> = rules.entries.iter().filter_map(|entry| match (&entry.action, &entry.matcher) {
            (waxseal::guard::rules::Action::Allow, waxseal::guard::rules::Matcher::Networks(all)) => Some(all.clone()),
            _ => None,
        }).flatten().collect();
        let snapshot = Snapshot::validate(&merged.bytes).unwrap();
        for client in &probes {
            let facts = waxseal::guard::ClientFacts { client: *client, asn: None, country: None, agent: None };
            let verdict = snapshot.lookup(&facts, UnixSeconds(10));
            let was_banned = dynamic.bans.iter().any(|ban| ban.target.contains(*client));
            if allowed.iter().any(|network| network.contains(*client)) {
                prop_assert!(verdict.standing == Standing::Clear || was_banned);
            }
            // Merging loses nobody; only letting go does, and the caller is told.
            let refused_before = dynamic.bans.iter().any(|ban| !ban.dry_run && ban.target.contains(*client));
            if refused_before && merged.dropped == 0 {
                prop_assert!(matches!(verdict.standing, Standing::AddressBanned | Standing::NetworkBanned));
            }
        }
    }

    #[test]
    fn a_delta_over_a_base_says_what_a_new_base_says(
        rules in rules(),
        older in dynamic(),
        new in prop::collection::vec(super::common::ban(), 0..10),
        probes in prop::collection::vec(probe(), 30),
    ) {
        // Sentinels tell what began since the base; what was lifted makes a new base.
        let mut new = new;
        new.retain(|ban| older.bans.iter().all(|it| it.target != ban.target));
        new.sort_by_key(|ban| (ban.target, ban.dry_run));
        new.dedup_by_key(|ban| (ban.target, ban.dry_run));
        let delta = Dynamic { bans: new.clone(), strict_asns: older.strict_asns.clone() };
        let newer = Dynamic { bans: older.bans.iter().copied().chain(new).collect(), ..delta.clone() };
        let stamp = Stamp { kind: Kind::Delta { base: 1 }, generation: 2, made_at: UnixSeconds(1) };
        let [old, changes, new] = [
            compiled(&rules, &older, ALL, &base(1)).bytes,
            compiled(&rules, &delta, ALL, &stamp).bytes,
            compiled(&rules, &newer, ALL, &base(3)).bytes,
        ];
        let overlay = Snapshot::validate(&old).unwrap().with_delta(Some(Snapshot::validate(&changes).unwrap())).unwrap();
        let whole = Snapshot::validate(&new).unwrap();
        for probe in &probes {
            let (a, b) = (overlay.lookup(&facts_of(probe), probe.4), whole.lookup(&facts_of(probe), probe.4));
            prop_assert_eq!(told(&a), told(&b), "{:?}", probe);
        }
    }

    #[test]
    fn random_bytes_never_panic(
        rules in rules(),
        dynamic in dynamic(),
        noise in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        junk in prop::collection::vec(any::<u8>(), 0..400),
        probes in prop::collection::vec(probe(), 10),
    ) {
        prop_assert!(Snapshot::validate(&junk).is_err());
        let good = compiled(&rules, &dynamic, ALL, &base(1)).bytes;
        let mut bytes = good.clone();
        for (at, byte) in noise {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if bytes != good {
            let untouched = bytes[..24] == good[..24];
            prop_assert!(!untouched || Snapshot::validate(&bytes).is_err());
        }
        // Somebody who gets the checksum right still cannot make a look-up panic.
        let bytes = sealed(bytes);
        if let Ok(snapshot) = Snapshot::validate(&bytes) {
            for probe in &probes {
                let _ = snapshot.lookup(&facts_of(probe), probe.4);
                if let Ok(overlay) = snapshot.with_delta(None) {
                    let _ = overlay.honeypot("/wp-login.php", probe.4);
                }
            }
        }
    }
}

#[test]
fn the_test_helpers_see_what_they_should() {
    assert_eq!(client("::ffff:10.0.0.1"), ClientKey::V4(0x0a00_0001));
}
