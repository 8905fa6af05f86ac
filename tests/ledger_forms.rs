//! The form's nonce and the browser's cookie: what is taken and what is not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod ledger_common;

use ledger_common::{LETTER, START, TERMS, form, keyring};
use proptest::prelude::*;
use waxseal::ledger::consent::{FORM_CHARS, FORM_SECONDS};
use waxseal::ledger::cookie::{
    COOKIE_CHARS, CookieName, MAX_COOKIE_HEADER, check_cookie, clear_cookie, consent_of, cookie_value,
    set_cookie,
};
use waxseal::ledger::{ConsentId, EventId, Form, FormError, check_form, mint_form};
use waxseal::token::{Keyring, SiteKey};
use waxseal::types::{Kid, LetterId, UnixMillis, UnixSeconds};

const NOW: UnixSeconds = START.seconds();
const OTHER: LetterId = LetterId([8; 16]);
const CONSENT: ConsentId = ConsentId(EventId([0xc5; 16]));

fn key(ring: &Keyring, kid: u8) -> &SiteKey {
    ring.get(Kid(kid)).unwrap()
}

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds(NOW.0 + seconds)
}

#[test]
fn a_form_comes_back_within_the_hour() {
    let ring = keyring();
    let text = mint_form(key(&ring, 7), LETTER, &TERMS, START, form(5));
    assert_eq!(text.as_str().len(), FORM_CHARS);
    assert!(text.as_str().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
    let shown = Form { id: form(5), issued_at: START, terms: TERMS };
    for seconds in [0, 1, FORM_SECONDS - 1] {
        assert_eq!(check_form(text.as_str(), &ring, LETTER, at(seconds).millis()), Ok(shown));
    }
    for seconds in [FORM_SECONDS, 86_399] {
        assert_eq!(check_form(text.as_str(), &ring, LETTER, at(seconds).millis()), Err(FormError::Expired));
    }
    // Another isolate's clock may be a little behind, but a form from next week is not honoured.
    let early = |seconds: u64| check_form(text.as_str(), &ring, LETTER, UnixMillis(START.0 - seconds * 1000));
    assert_eq!(early(300), Ok(shown));
    assert_eq!(early(301), Err(FormError::Expired));
    // The time is exact to the millisecond: it says how long a reader took.
    let text = mint_form(key(&ring, 7), LETTER, &TERMS, UnixMillis(START.0 + 123), form(5));
    let last = UnixMillis(START.0 + 123 + FORM_SECONDS * 1000 - 1);
    assert_eq!(check_form(text.as_str(), &ring, LETTER, last).unwrap().issued_at, UnixMillis(START.0 + 123));
    assert_eq!(check_form(text.as_str(), &ring, LETTER, UnixMillis(last.0 + 1)), Err(FormError::Expired));
    assert_eq!(shown.check_terms(&TERMS), Ok(()));
    assert_eq!(shown.check_terms(&[0; 32]), Err(FormError::OtherTerms));
}

#[test]
fn a_form_of_another_letter_key_or_with_a_changed_bit_is_forged() {
    let ring = keyring();
    let forged = Err(FormError::Forged);
    let text = mint_form(key(&ring, 7), LETTER, &TERMS, START, form(5)).to_string();
    assert_eq!(check_form(&text, &ring, OTHER, START), forged);
    for at in 0..text.len() {
        for c in "Aa09-_ =.%é".chars() {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[at] != c {
                changed[at] = c;
                let changed: String = changed.into_iter().collect();
                assert_eq!(check_form(&changed, &ring, LETTER, START), forged, "{changed}");
            }
        }
        assert_eq!(check_form(&text[..at], &ring, LETTER, START), forged);
    }
    for junk in [format!("{text}="), format!(" {text}"), "A".repeat(84), "A".repeat(100_000), "é".repeat(41)]
    {
        assert_eq!(check_form(&junk, &ring, LETTER, START), forged);
    }
    let stranger = SiteKey::new(Kid(7), [0xee; 32], None);
    let text = mint_form(&stranger, LETTER, &TERMS, START, form(5));
    assert_eq!(check_form(text.as_str(), &ring, LETTER, START), forged);
    let unknown = SiteKey::new(Kid(9), [7; 32], None);
    let text = mint_form(&unknown, LETTER, &TERMS, START, form(5));
    assert_eq!(check_form(text.as_str(), &ring, LETTER, START), forged);
}

#[test]
fn a_retired_key_takes_its_forms_and_cookies_with_it() {
    let ring = keyring();
    let retired = at(86_400);
    let text = mint_form(key(&ring, 6), LETTER, &TERMS, at(86_000).millis(), form(5));
    assert!(check_form(text.as_str(), &ring, LETTER, at(86_399).millis()).is_ok());
    assert_eq!(check_form(text.as_str(), &ring, LETTER, retired.millis()), Err(FormError::Forged));
    let value = cookie_value(key(&ring, 6), LETTER, CONSENT);
    assert_eq!(check_cookie(&value, &ring, LETTER, at(86_399)), Some(CONSENT));
    assert_eq!(check_cookie(&value, &ring, LETTER, retired), None);
}

#[test]
fn a_cookie_proves_its_consent_for_its_letter_only() {
    let ring = keyring();
    let value = cookie_value(key(&ring, 7), LETTER, CONSENT);
    assert_eq!(value.len(), COOKIE_CHARS);
    assert_eq!(check_cookie(&value, &ring, LETTER, NOW), Some(CONSENT));
    assert_eq!(check_cookie(&value, &ring, OTHER, NOW), None);
    for at in 0..value.len() {
        let mut changed = value.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(check_cookie(core::str::from_utf8(&changed).unwrap(), &ring, LETTER, NOW), None);
        assert_eq!(check_cookie(&value[..at], &ring, LETTER, NOW), None);
    }
    // A form's nonce is not a cookie, whatever is cut off it.
    let nonce = mint_form(key(&ring, 7), LETTER, &TERMS, START, form(5));
    assert_eq!(check_cookie(&nonce.as_str()[..COOKIE_CHARS], &ring, LETTER, NOW), None);
}

#[test]
fn names_differ_by_letter_and_keep_the_host_prefix() {
    let name = CookieName::of(LETTER);
    assert_eq!(name.as_str().len(), "__Host-waxseal-".len() + 8);
    assert!(name.as_str().starts_with("__Host-waxseal-"));
    assert!(name.as_str()[15..].bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')));
    assert_ne!(name, CookieName::of(OTHER));
    let ring = keyring();
    let header = set_cookie(key(&ring, 7), LETTER, CONSENT, 60);
    let value = cookie_value(key(&ring, 7), LETTER, CONSENT);
    assert_eq!(header, format!("{name}={value}; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax"));
    assert_eq!(clear_cookie(LETTER), format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"));
}

#[test]
fn the_cookie_is_found_in_any_header_that_holds_it() {
    let ring = keyring();
    let name = CookieName::of(LETTER);
    let value = cookie_value(key(&ring, 7), LETTER, CONSENT);
    let other = set_cookie(key(&ring, 7), OTHER, CONSENT, 60);
    let other = other.split(';').next().unwrap();
    let found = |header: &str| consent_of(header, &ring, LETTER, NOW);
    for header in [
        format!("{name}={value}"),
        format!("a=b; {name}={value}; c=d"),
        format!("a=b;{name}={value};"),
        format!(";;=;a;  {name}={value}\t; =x"),
        format!("{other}; {name}={value}"),
        format!("{name}=stale; {name}={value}"),
    ] {
        assert_eq!(found(&header), Some(CONSENT), "{header}");
    }
    for header in [
        String::new(),
        "; ".repeat(1000),
        name.to_string(),
        format!("{name}="),
        format!("{name}=\"{value}\""),
        format!("x{name}={value}"),
        format!("{} ={value}", name.as_str().to_ascii_uppercase()),
        format!("{name}=={value}"),
        format!("{name}={value}{value}"),
        other.to_owned(),
        other.replace(CookieName::of(OTHER).as_str(), name.as_str()),
        format!("{}{name}={value}", format!("{name}=no;").repeat(4)),
        format!("{name}={value}; pad={}", "x".repeat(MAX_COOKIE_HEADER)),
    ] {
        assert_eq!(found(&header), None, "{header:.200}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn hostile_text_never_panics_and_never_passes(text in any::<String>(), ascii in "[ -~]{0,120}") {
        let ring = keyring();
        for text in [&text, &ascii] {
            prop_assert_eq!(check_form(text, &ring, LETTER, START), Err(FormError::Forged));
            prop_assert_eq!(check_cookie(text, &ring, LETTER, NOW), None);
            prop_assert_eq!(consent_of(text, &ring, LETTER, NOW), None);
            let named = format!("{}={text}", CookieName::of(LETTER));
            prop_assert_eq!(consent_of(&named, &ring, LETTER, NOW), None);
        }
    }

    #[test]
    fn every_form_comes_back_as_it_was_issued(
        id in any::<[u8; 8]>(), terms in any::<[u8; 32]>(), letter in any::<[u8; 16]>(), now in 0u64..1 << 48,
    ) {
        let ring = keyring();
        let issued_at = UnixMillis(now);
        let text = mint_form(ring.active(), LetterId(letter), &terms, issued_at, waxseal::ledger::FormId(id));
        let form = check_form(text.as_str(), &ring, LetterId(letter), issued_at);
        prop_assert_eq!(form, Ok(Form { id: waxseal::ledger::FormId(id), issued_at, terms }));
    }
}
