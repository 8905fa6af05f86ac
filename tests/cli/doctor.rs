//! `waxseal doctor`: what it costs whoever runs it, and whose clock is wrong. All it looks at: tests/edge/doctor.test.mjs.

use serde_json::Value;
use waxseal::guard::policy::is_incidental;

use super::stub::{Fault, Stub};
use super::support::{Desk, KEYS};

/// The check of this name.
fn check(desk: &Desk, stub: &Stub, name: &str, more: &[&str]) -> Value {
    let ran = desk.run(&[&["doctor", "--url", &stub.url(), "--retries", "0", "--json"], more].concat());
    let checks = ran.json()["checks"].as_array().unwrap().clone();
    checks.into_iter().find(|check| check["name"] == name).unwrap()
}

#[test]
fn nobody_is_banned_for_looking() {
    for (profile, more, costs) in [
        (Some("balanced"), &[][..], 3),
        (Some("strict"), &[], 0),
        (Some("honeypot"), &[], 0),
        (None, &[], 0),
        (Some("strict"), &["--strangers"], 3),
    ] {
        for key in [true, false] {
            let (desk, stub) = (Desk::new().with("WAXSEAL_KEYS", if key { KEYS } else { "" }), Stub::start());
            stub.store().profile = profile;
            let silence = check(&desk, &stub, "silent_answer", more);
            let costly = |line: &&String| {
                let path = line.split_once(' ').unwrap().1;
                !path.starts_with("/api/v1/") && !path.starts_with("/log/") && !is_incidental(path)
            };
            let log = stub.store().log.clone();
            let asked: Vec<_> = log.iter().filter(costly).collect();
            let expected = if key || !more.is_empty() { costs } else { 0 };
            assert_eq!(asked.len(), expected, "{profile:?} {more:?} {key}: {asked:?}");
            assert!(stub.count("/.well-known/") > 0, "{silence}");
        }
    }
}

#[test]
fn a_clock_that_is_slow_is_not_excused_by_slow_answers() {
    let (desk, stub) = (Desk::new(), Stub::start());
    stub.store().ahead = 9;
    stub.fail("GET /.well-known/", Fault::Slow(4), 1);
    let clock = check(&desk, &stub, "clock", &[]);
    assert_eq!(clock["state"], "warning", "{clock}");
    assert!(clock["seen"].as_str().unwrap().contains("behind the edge's"), "{clock}");
}
