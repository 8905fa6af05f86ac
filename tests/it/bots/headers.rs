//! Recorded and composed header sets: people pass in one step, robots at machine speed are asked.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use waxseal::bots::{Reason, Signals, Suspicion, THRESHOLD, is_unbound, opening, score};

const OWN: &str = "https://letters.example";

#[derive(Deserialize)]
struct Table {
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    name: String,
    kind: String,
    source: String,
    after_8_seconds: Option<String>,
    asn: Option<u32>,
    organisation: Option<String>,
    headers: BTreeMap<String, String>,
}

impl Set {
    fn signals(&self, dwell: u64) -> Signals<'_> {
        let header = |name: &str| self.headers.get(name).map(String::as_str);
        Signals {
            agent: header("user-agent"),
            brands: header("sec-ch-ua"),
            asn: self.asn,
            organisation: self.organisation.as_deref(),
            site: header("sec-fetch-site"),
            mode: header("sec-fetch-mode"),
            dest: header("sec-fetch-dest"),
            user: header("sec-fetch-user"),
            accept: header("accept"),
            language: header("accept-language"),
            origin: header("origin"),
            own_origin: OWN,
            referrer: header("referer").is_some(),
            content_type: header("content-type"),
            dwell: Some(dwell),
            bound: true,
        }
    }

    fn after(&self, dwell: u64) -> Suspicion {
        score(&self.signals(dwell))
    }
}

fn sets(name: &str) -> Vec<Set> {
    let path = Path::new("tests/robots/headers").join(name);
    let table: Table = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    table.sets
}

#[test]
fn every_set_says_where_it_is_from() {
    for set in sets("people.json").iter().chain(&sets("scanners.json")) {
        let kinds = ["post recorded", "navigation recorded", "agent recorded", "composed"];
        assert!(kinds.contains(&set.kind.as_str()), "{}: {}", set.name, set.kind);
        assert!(set.source.len() > 4, "{}", set.name);
    }
}

#[test]
fn people_pass_in_one_step() {
    let people = sets("people.json");
    assert!(people.len() >= 35);
    for set in &people {
        // Two boxes' worth of reading, a good look, and a page that lay open for almost an hour.
        for dwell in [3_000, 8_000, 60_000, 3_599_999] {
            let found = set.after(dwell);
            assert!(!found.is_suspected(), "{} after {dwell} ms: {found:?}", set.name);
        }
    }
}

#[test]
fn robots_at_machine_speed_are_asked() {
    let scanners = sets("scanners.json");
    assert!(scanners.len() >= 30);
    for set in &scanners {
        for dwell in [0, 50, 400, 999] {
            assert!(set.after(dwell).is_suspected(), "{} after {dwell} ms: {:?}", set.name, set.after(dwell));
        }
    }
}

#[test]
fn what_becomes_of_patient_robots_is_written_down() {
    for set in &sets("scanners.json") {
        let found = set.after(8_000);
        let expected = set.after_8_seconds.as_deref() == Some("asked");
        assert_eq!(found.is_suspected(), expected, "{}: {found:?}", set.name);
    }
}

/// Nobody is that quick, whatever they use; that is the one sign that people share with robots.
#[test]
fn even_people_are_asked_below_a_second() {
    for set in &sets("people.json") {
        let found = set.after(300);
        assert!(found.is_suspected() && found.reasons.contains(&"too_quick"), "{}: {found:?}", set.name);
    }
}

/// No single thing that an honest browser may lack is enough.
#[test]
fn one_missing_header_accuses_nobody() {
    for set in &sets("people.json") {
        for name in set.headers.keys().filter(|name| *name != "content-type") {
            let mut headers = set.headers.clone();
            headers.remove(name);
            if name.starts_with("sec-fetch-") {
                // What strips one strips them all.
                headers.retain(|name, _| !name.starts_with("sec-fetch-"));
            }
            let stripped = Set {
                headers,
                name: set.name.clone(),
                kind: String::new(),
                source: String::new(),
                after_8_seconds: None,
                organisation: None,
                asn: set.asn.filter(|_| !name.starts_with("sec-fetch-")),
            };
            let alone = set.after(20_000).points;
            let found = stripped.after(20_000);
            // Where something is lacking already, a second lack may be one too many.
            assert!(!found.is_suspected() || alone >= 30, "{} without {name}: {found:?}", set.name);
        }
    }
}

/// Which posts could be another site's: `null` and no origin at all say nothing, the cookie of the page and the browser's own
/// word do.
#[test]
fn a_form_that_another_site_may_have_sent_is_asked_about() {
    let people = sets("people.json");
    let old = people.iter().find(|set| !set.headers.contains_key("sec-fetch-site")).unwrap();
    let by = |origin, bound| Signals { origin, bound, ..old.signals(20_000) };
    for (origin, bound, reason) in [
        (Some("null"), true, None),
        (None, true, None),
        (Some(OWN), false, None),
        (Some("HTTPS://LETTERS.EXAMPLE"), false, None),
        (Some("null"), false, Some("unbound_form")),
        (Some("NULL"), false, Some("unbound_form")),
        (None, false, Some("unbound_form")),
        (Some("https://evil.example"), true, Some("foreign_origin")),
        (Some("https://letters.example.evil.example"), true, Some("foreign_origin")),
        (Some("http://letters.example"), true, Some("foreign_origin")),
        (Some("https://letters.example:8443"), true, Some("foreign_origin")),
        (Some(""), true, Some("foreign_origin")),
    ] {
        let signals = by(origin, bound);
        let found = score(&signals);
        let told = ["unbound_form", "foreign_origin"].into_iter().find(|code| found.reasons.contains(code));
        assert_eq!(told, reason, "{origin:?}, bound {bound}: {found:?}");
        assert_eq!(found.is_suspected(), reason.is_some(), "{origin:?}, bound {bound}: {found:?}");
        assert_eq!(is_unbound(&signals), !bound && origin != Some(OWN) && reason.is_some());
    }
    // Where the browser says where a form comes from, nothing else has to.
    let new = people.iter().find(|set| set.headers.contains_key("sec-fetch-site")).unwrap();
    assert!(!score(&Signals { bound: false, ..new.signals(20_000) }).is_suspected());
}

#[test]
fn a_command_line_that_says_so_is_not_hurried() {
    let program = Signals {
        agent: Some("waxseal/0.1.0"),
        accept: Some("application/json"),
        own_origin: OWN,
        content_type: Some("application/x-www-form-urlencoded"),
        dwell: Some(3),
        ..Signals::default()
    };
    let found = score(&program);
    assert_eq!((found.points, found.program), (0, true));
    // Not in Microsoft's network either, where silence about Sec-Fetch would be Safe Links.
    assert_eq!(score(&Signals { asn: Some(8_075), ..program }).points, 0);
    // Node's own fetch says the mode and nothing else.
    assert_eq!(score(&Signals { mode: Some("cors"), ..program }).points, 0);
    // It has no page, so no cookie of one. What sends an origin of `null` is a browser.
    assert_eq!(score(&Signals { origin: Some("null"), ..program }).reasons, ["unbound_form"]);
    // A script inside a browser is no command line, nor is a scanner that asks for JSON.
    let script = Signals { site: Some("same-origin"), mode: Some("cors"), dest: Some("empty"), ..program };
    assert!(score(&script).is_suspected() && !score(&script).program);
    assert!(score(&Signals { asn: Some(22_843), ..program }).is_suspected());
    assert!(score(&Signals { agent: Some("Slackbot 1.0"), ..program }).is_suspected());
    assert!(score(&Signals { accept: Some("text/html, application/json"), ..program }).is_suspected());
}

/// As it opens the link: what belongs to a form's post is not there yet.
fn opens(set: &Set) -> Signals<'_> {
    let signals = set.signals(0);
    let site = signals.site.map(|_| "cross-site");
    Signals { site, origin: None, content_type: None, dwell: None, ..signals }
}

#[test]
fn people_open_as_people_and_what_fetches_ahead_does_not() {
    for set in &sets("people.json") {
        let signals = opens(set);
        let found = opening(&signals, None, false);
        assert!(!found.is_suspected(), "{}: {found:?}", set.name);
        // People come through redirects and other apps, so that nobody set the navigation off by hand.
        assert!(!opening(&Signals { user: None, ..signals }, None, false).is_suspected(), "{}", set.name);
        for purpose in [
            "prefetch",
            "prefetch;prerender",
            "Prefetch",
            "prefetch;anonymous-client-ip",
            "preview",
            "x, preload",
        ] {
            let found = opening(&signals, Some(purpose), false);
            assert!(
                found.is_suspected() && found.reasons[0] == "prefetch",
                "{} {purpose}: {found:?}",
                set.name
            );
        }
        assert!(opening(&signals, None, true).is_suspected(), "{}", set.name);
        for (mode, dest) in
            [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("navigate", "embed")]
        {
            let embedded = Signals { mode: Some(mode), dest: Some(dest), ..signals };
            let found = opening(&embedded, None, false);
            assert!(found.is_suspected() && found.reasons.contains(&"not_navigation"), "{} {dest}", set.name);
        }
    }
}

#[test]
fn programs_fetch() {
    let scanners = sets("scanners.json");
    let people: Vec<_> =
        scanners.iter().filter(|set| !opening(&opens(set), None, false).is_suspected()).collect();
    // What looks like a person in every header is taken for one.
    let undetected = [
        "Defender with a whole browser, by a script",
        "Defender with a whole browser, by a click",
        "Microsoft Office, before a link opens",
        "A script with a browser’s name and its Accept",
        "A script that copies every header",
    ];
    for set in people {
        assert!(undetected.contains(&set.name.as_str()), "{}", set.name);
    }
    let program =
        Signals { accept: Some("application/json"), agent: Some("waxseal/0.1.0"), ..Signals::default() };
    assert_eq!(opening(&program, None, false).reasons, ["program"]);
    assert!(opening(&Signals::default(), None, false).is_suspected());
}

#[test]
fn every_weight_has_a_name_and_stays_within_its_bounds() {
    let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Reason::ALL.len());
    assert!(Reason::ALL.iter().all(|reason| (1..=THRESHOLD).contains(&reason.points())));
    // The record keeps the names in one field of at most 128 bytes, cut at the end; the first is never cut.
    assert!(names.iter().all(|name| name.len() <= 20));
}

#[test]
fn the_documentation_has_every_weight() {
    let path = Path::new("docs/ROBOTS.md");
    let text = std::fs::read_to_string(path).unwrap();
    for reason in Reason::ALL {
        let row = format!("| `{}` | {} |", reason.code(), reason.points());
        assert!(text.contains(&row), "docs/ROBOTS.md lacks {row}");
    }
}
