//! The headers of every kind of answer, and the one silent answer.

use base64::Engine as _;
use sha2::{Digest, Sha256};
use waxseal::lang::Lang;
use waxseal::pages::headers::{self, Kind};
use waxseal::pages::{ROBOTS_TXT, plain_http, security_txt, silent};
use waxseal::site::Site;

const KINDS: [Kind; 10] = [
    Kind::Picture,
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
        let anywhere = kind == Kind::Picture;
        let policy = if anywhere { "cross-origin" } else { "same-origin" };
        assert_eq!(value(kind, "cross-origin-resource-policy"), Some(policy), "{kind:?}");
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
    assert_eq!(answer.status, 404);
    // The tests on the real edge compare with this file.
    assert_eq!(answer.body, include_str!("../../edge/lib/silent.html"));
    assert_eq!(answer.headers, headers::all(Kind::Silent).collect::<Vec<_>>());
}

/// Kind, and light; and nothing in it says whose it is.
#[test]
fn the_page_for_strangers_helps_in_every_language_and_names_nobody() {
    let policy = value(Kind::Silent, "content-security-policy").unwrap();
    let strangers = |lang: Lang| &lang.messages().stranger;
    for (html, title, text) in [
        (
            silent().body,
            Lang::ALL.map(|lang| strangers(lang).title()),
            Lang::ALL.map(|lang| strangers(lang).text()),
        ),
        (
            plain_http(),
            Lang::ALL.map(|lang| strangers(lang).secure_title()),
            Lang::ALL.map(|lang| strangers(lang).secure_text()),
        ),
    ] {
        assert!(html.len() <= 1536, "{}", html.len());
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
        assert!(
            html.contains("content=\"width=device-width, initial-scale=1\"") && html.contains("light dark")
        );
        assert_eq!((html.matches("<h1>").count(), html.matches("<main>").count()), (1, 1));
        for ((lang, title), text) in Lang::ALL.into_iter().zip(title).zip(text) {
            assert!(html.contains(&format!("<section lang=\"{lang}\">")), "{lang}");
            assert!(
                html.contains(&format!(">{title}</h")) && html.contains(&format!("<p>{text}</p>")),
                "{lang}"
            );
            assert!(!text.contains(['<', '&']) && !title.contains(['<', '&']), "{lang}: plain text");
        }
        let (_, style) = html.split_once("<style>").unwrap();
        let (style, _) = style.split_once("</style>").unwrap();
        let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(style.as_bytes()));
        assert!(policy.contains(&format!("style-src 'sha256-{hash}'")), "{hash}");
        let lower = html.to_lowercase();
        for tells in
            ["waxseal", "seal", "letter", "brief", "lettre", "sender", "<script", "http-equiv", "href=\"/"]
        {
            assert!(!lower.contains(tells), "{tells}");
        }
    }
}

#[test]
fn the_plain_files_say_what_they_should() {
    assert_eq!(ROBOTS_TXT, "User-agent: *\nDisallow: /\n");
    let site = Site::from_json(r#"{"name":"A","contact":{"email":"a@b.example"}}"#).unwrap();
    let text = security_txt(&site, "2027-01-01T00:00:00Z");
    assert!(text.starts_with("Contact: mailto:a@b.example\nExpires: 2027-01-01T00:00:00Z\n"), "{text}");
}
