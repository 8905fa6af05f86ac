//! The headers of every kind of answer, and the one silent answer.

// Clippy knows tests only by their attribute, not the functions they share.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

use waxseal::pages::headers::{self, Kind};
use waxseal::pages::{ROBOTS_TXT, security_txt, silent};
use waxseal::site::Site;

const KINDS: [Kind; 9] = [
    Kind::Page,
    Kind::Json,
    Kind::Report,
    Kind::ReportPdf,
    Kind::Asset,
    Kind::AssetHashed,
    Kind::Text,
    Kind::Redirect,
    Kind::Silent,
];

fn value(kind: Kind, name: &str) -> Option<&'static str> {
    headers::all(kind).find(|(found, _)| *found == name).map(|(_, value)| value)
}

#[test]
fn every_answer_carries_the_common_headers() {
    for kind in KINDS {
        assert_eq!(value(kind, "strict-transport-security"), Some("max-age=63072000"), "{kind:?}");
        assert_eq!(value(kind, "referrer-policy"), Some("no-referrer"), "{kind:?}");
        assert_eq!(value(kind, "cross-origin-opener-policy"), Some("same-origin"), "{kind:?}");
        assert_eq!(value(kind, "cross-origin-resource-policy"), Some("same-origin"), "{kind:?}");
        assert_eq!(value(kind, "x-content-type-options"), Some("nosniff"), "{kind:?}");
        assert_eq!(value(kind, "x-frame-options"), Some("DENY"), "{kind:?}");
        assert!(value(kind, "x-robots-tag").unwrap().starts_with("noindex, nofollow, noarchive"), "{kind:?}");
        assert!(value(kind, "permissions-policy").unwrap().contains("camera=()"), "{kind:?}");
    }
}

#[test]
fn names_are_lower_case_and_appear_once_and_values_are_clean() {
    for kind in KINDS {
        let all: Vec<_> = headers::all(kind).collect();
        for (name, value) in &all {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
            assert!(
                value.bytes().all(|b| (0x20..0x7f).contains(&b)) && !value.contains("  "),
                "{name}: {value}"
            );
            assert_eq!(all.iter().filter(|(other, _)| other == name).count(), 1, "{kind:?} {name}");
            assert!(!value.contains("unsafe"), "{kind:?} {name}");
        }
    }
}

#[test]
fn nothing_of_a_letter_is_stored() {
    for kind in [Kind::Page, Kind::Json, Kind::Report, Kind::ReportPdf, Kind::Redirect, Kind::Silent] {
        assert_eq!(value(kind, "cache-control"), Some("no-store"), "{kind:?}");
    }
    assert_eq!(value(Kind::Asset, "cache-control"), Some("public, no-cache"));
    assert_eq!(value(Kind::AssetHashed, "cache-control"), Some("public, max-age=31536000, immutable"));
}

#[test]
fn only_a_pdf_escapes_the_sandbox_and_nothing_may_be_framed() {
    let policy = |kind| value(kind, "content-security-policy").unwrap();
    assert!(policy(Kind::Report).contains("default-src 'none'; sandbox;"));
    assert!(!policy(Kind::ReportPdf).contains("sandbox"));
    // A page brings its own.
    assert_eq!(value(Kind::Page, "content-security-policy"), None);
    for kind in KINDS.into_iter().filter(|kind| *kind != Kind::Page) {
        assert!(policy(kind).contains("frame-ancestors 'none'"), "{kind:?}");
    }
}

#[test]
fn the_silent_answer_is_always_the_same() {
    let answer = silent();
    assert_eq!(answer, silent());
    assert_eq!((answer.status, answer.body), (404, "Not found\n"));
    assert_eq!(answer.headers, headers::all(Kind::Silent).collect::<Vec<_>>());
}

#[test]
fn the_plain_files_say_what_they_should() {
    assert_eq!(ROBOTS_TXT, "User-agent: *\nDisallow: /\n");
    let site = Site::from_json(r#"{"name":"A","contact":{"email":"a@b.example"}}"#).unwrap();
    let text = security_txt(&site, "2027-01-01T00:00:00Z");
    assert!(text.starts_with("Contact: mailto:a@b.example\nExpires: 2027-01-01T00:00:00Z\n"), "{text}");
}
