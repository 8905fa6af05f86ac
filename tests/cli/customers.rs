//! Pushing terms and erasing customers, against a stand-in that speaks the contract.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::guard_edge::{Call, Edge};
use super::support::{Desk, Ran};

fn run(edge: &Edge, desk: &Desk, arguments: &[&str]) -> Ran {
    desk.run(&[arguments, &["--url", &edge.url(), "--retries", "0"]].concat())
}

fn hex(text: &str) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

const NL: &str = "Garage Vermeer vraagt: mag het?\n\nZeg ja of nee.\n";
const DE: &str = "Garage Vermeer fragt: \u{201e}Darf es sein?\u{201c}\n";

fn terms(call: &Call, _: usize) -> Option<(u16, Value)> {
    Some(match (call.method.as_str(), call.path.as_str()) {
        ("PUT", "/api/v1/terms/current") => (200, json!({ "changed": ["nl"] })),
        ("PUT", _) => (201, json!({ "sha256": hex(NL), "language": "nl", "new": true })),
        ("GET", "/api/v1/terms") => (
            200,
            json!({
                "current": {
                    "en": { "sha256": hex("en"), "source": "site", "since": null },
                    "nl": { "sha256": hex(NL), "source": "pushed", "since": 1_700_000_000_000u64 },
                },
                "history": [
                    { "language": "nl", "sha256": hex("old\u{1b}[31m"), "at": 1_600_000_000_000u64 },
                    { "language": "nl", "sha256": hex(NL), "at": 1_700_000_000_000u64 },
                ],
            }),
        ),
        ("GET", path) if path.ends_with(&hex(NL)) => {
            (200, json!({ "sha256": hex(NL), "language": "nl", "text": NL }))
        }
        _ => (200, json!({ "sha256": hex("x"), "language": "nl", "text": "another text" })),
    })
}

#[test]
fn terms_are_pushed_to_the_byte_and_become_current_together() {
    let (desk, edge) = (Desk::new(), Edge::start(terms));
    desk.write("nl.txt", NL.as_bytes());
    desk.write("de.txt", DE.as_bytes());
    let ran = run(&edge, &desk, &["terms", "push", "nl=nl.txt", "--language", "de", "de.txt"]).succeeded();
    assert!(ran.out.contains(&format!("nl  {}  current from now on", hex(NL))), "{}", ran.out);
    assert!(ran.out.contains(&format!("de  {}  current already", hex(DE))), "{}", ran.out);
    assert_eq!(
        edge.log(),
        [
            format!("PUT /api/v1/terms/{}?language=nl {NL}", hex(NL)).trim_end().to_owned(),
            format!("PUT /api/v1/terms/{}?language=de {DE}", hex(DE)).trim_end().to_owned(),
            format!("PUT /api/v1/terms/current {}", json!({ "de": hex(DE), "nl": hex(NL) })),
        ]
    );
    let json = run(&edge, &desk, &["terms", "push", "nl=nl.txt", "--json"]).succeeded().json();
    assert_eq!(
        json["terms"][0],
        json!({ "language": "nl", "sha256": hex(NL), "new": true, "changed": true })
    );
}

#[test]
fn a_text_that_cannot_be_terms_is_refused_before_any_call() {
    let (desk, edge) = (Desk::new(), Edge::start(terms));
    desk.write("good.txt", NL.as_bytes());
    desk.write("windows.txt", b"Garage Vermeer\r\nasks\r\n");
    desk.write("mark.txt", "\u{feff}Garage Vermeer".as_bytes());
    desk.write("template.txt", b"{sender} asks");
    for (arguments, code) in [
        (&["nl=good.txt", "de=windows.txt"][..], "terms_carriage_return"),
        (&["nl=mark.txt"], "terms_hidden"),
        (&["nl=template.txt"], "terms_placeholder"),
        (&["nl=missing.txt"], "file_unreadable"),
        (&["xx=good.txt"], "unknown_language"),
        (&["good.txt"], "terms_argument"),
        (&["nl=good.txt", "--language", "nl", "good.txt"], "language_twice"),
    ] {
        let ran = run(&edge, &desk, &[&["terms", "push", "--json"], arguments].concat()).failed(2);
        assert_eq!(ran.error_code(), code, "{arguments:?}");
    }
    run(&edge, &desk, &["terms", "push"]).failed(2);
    assert_eq!(edge.log(), Vec::<String>::new());
}

#[test]
fn terms_are_listed_and_shown_to_the_byte() {
    let (desk, edge) = (Desk::new(), Edge::start(terms));
    let list = run(&edge, &desk, &["terms", "list"]).succeeded().out;
    assert!(list.contains(&format!("en  {}  the site's own", hex("en"))), "{list}");
    assert!(list.contains(&format!("nl  {}  pushed 2023-11-14", hex(NL))), "{list}");
    assert!(list.find("2023-11-14") < list.find("2020-09-13"), "newest first: {list}");
    assert_eq!(run(&edge, &desk, &["terms", "show", &hex(NL)]).succeeded().out, NL);
    let other = run(&edge, &desk, &["terms", "show", &hex("x"), "--json"]).failed(1);
    assert_eq!(other.error_code(), "terms_hash");
    run(&edge, &desk, &["terms", "show", "abc"]).failed(2);
}

/// An edge with so many letters of the customer, which erases 60 in each call.
fn eraser(letters: u64) -> (Edge, Arc<AtomicU64>) {
    let left = Arc::new(AtomicU64::new(letters));
    let seen = left.clone();
    let edge = Edge::start(move |call, _| {
        if call.body["customer"] != "C-1042" {
            return Some((422, json!({ "code": "customer_nobody", "detail": "nobody" })));
        }
        let before = seen.load(Ordering::SeqCst);
        let erased = before.min(60);
        seen.store(before - erased, Ordering::SeqCst);
        let moment = call.body["before"].as_u64().unwrap_or(1_700_000_000_000);
        Some((
            200,
            json!({ "letters": before, "erased": erased, "left": before - erased, "before": moment, "earlier": 0 }),
        ))
    });
    (edge, left)
}

#[test]
fn a_customer_is_erased_to_the_end_and_the_reference_travels_in_bodies_alone() {
    let (edge, left) = eraser(130);
    let desk = Desk::new();
    let arguments = ["erase", "--customer", "-", "--yes", "--json", "--url", &edge.url(), "--retries", "0"];
    let ran = desk.run_with_input(&arguments, b" C-1042\n").succeeded();
    assert_eq!(
        ran.json(),
        json!({ "letters": 130, "erased": 130, "left": 0, "before": 1_700_000_000_000u64, "earlier": 0 })
    );
    assert_eq!(left.load(Ordering::SeqCst), 0);
    let first = json!({ "customer": "C-1042" });
    let again = json!({ "customer": "C-1042", "before": 1_700_000_000_000u64 });
    let path = "POST /api/v1/customers/erase";
    assert_eq!(edge.log(), [format!("{path} {first}"), format!("{path} {again}"), format!("{path} {again}")]);
}

#[test]
fn erasing_a_customer_asks_first_and_names_nobody() {
    let (edge, _) = eraser(1);
    let desk = Desk::new();
    let unasked = run(&edge, &desk, &["erase", "--customer", "C-1042", "--json"]).failed(2);
    assert_eq!(unasked.error_code(), "confirmation_needed");
    for nobody in ["", " - ", "null", "000"] {
        let ran = run(&edge, &desk, &["erase", "--customer", nobody, "--yes", "--json"]).failed(2);
        assert_eq!(ran.error_code(), "customer_nobody", "{nobody:?}");
    }
    run(&edge, &desk, &["erase", "--yes"]).failed(2);
    run(&edge, &desk, &["erase", "LETTER", "--customer", "C-1042", "--yes"]).failed(2);
    assert_eq!(edge.log(), Vec::<String>::new());
    let ran = run(&edge, &desk, &["erase", "--customer", "C-1042", "--yes"]).succeeded();
    assert!(ran.out.starts_with("1 letter is erased."), "{}", ran.out);
    assert!(!ran.out.contains("C-1042") && !ran.err.contains("C-1042"));
    let none = run(&edge, &desk, &["erase", "--customer", "C-1042", "--yes"]).failed(1);
    assert!(none.err.contains("no letter of this customer is known") && none.out.is_empty(), "{}", none.err);
    assert!(none.err.contains("The request is on record"), "{}", none.err);
}

#[test]
fn references_that_are_nearly_the_same_are_named() {
    // Composed and decomposed are one reference, so that is what travels.
    let kept = ["C-1042", "M\u{fc}ller \u{1b}[31m"];
    let edge = Edge::start(move |call, _| {
        if call.path.ends_with("/erase") {
            assert_eq!(call.body["customer"], "c 1042");
            return Some((200, json!({ "letters": 0, "erased": 0, "left": 0, "before": 7, "earlier": 0 })));
        }
        let asked = call.body["customers"].as_array().unwrap();
        assert!((1..=24).contains(&asked.len()));
        let letters: Vec<u64> =
            asked.iter().map(|one| if kept.contains(&one.as_str().unwrap()) { 2 } else { 0 }).collect();
        Some((200, json!({ "letters": letters })))
    });
    let desk = Desk::new();
    let ran = run(&edge, &desk, &["erase", "--customer", "c 1042", "--yes"]).failed(1);
    assert!(ran.err.contains("Is one of these meant? C-1042 (2 letters)"), "{}", ran.err);
    let json = run(&edge, &desk, &["erase", "--customer", "c 1042", "--yes", "--json"]).failed(1);
    assert_eq!(json.json()["near"], json!([{ "customer": "C-1042", "letters": 2 }]));
    assert_eq!(json.error_code(), "customer_unknown");
    assert_eq!(
        edge.log().iter().filter(|line| line.contains("/erase")).count(),
        2,
        "one erasure for each run"
    );
}

#[test]
fn a_reference_goes_out_in_one_form() {
    let edge = Edge::start(|call, _| {
        assert_eq!(call.body["customer"], "M\u{fc}ller");
        Some((200, json!({ "letters": 1, "erased": 1, "left": 0, "before": 1, "earlier": 0 })))
    });
    run(&edge, &Desk::new(), &["erase", "--customer", "Mu\u{308}ller", "--yes"]).succeeded();
}

#[test]
fn an_erasure_that_does_not_get_on_is_left_to_the_edge() {
    let edge = Edge::always(200, json!({ "letters": 3, "erased": 0, "left": 3, "before": 1, "earlier": 0 }));
    let ran = run(&edge, &Desk::new(), &["erase", "--customer", "C-1042", "--yes"]).failed(1);
    assert!(ran.err.contains("3 letters are not erased yet"), "{}", ran.err);
    assert!(ran.out.contains("0 of 3 letters are erased. The edge goes on with the other 3"), "{}", ran.out);
}
