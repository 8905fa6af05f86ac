//! The form's nonce and the browser's cookie: what is taken and what is not.
use super::common::{LETTER, START, TERMS, form, keyring};
use proptest::prelude::*;
use waxseal::ledger::consent::{FORM_CHARS, FORM_SECONDS};
use waxseal::ledger::cookie::{
    COOKIE_CHARS, CookieName, FormCookie, MAX_COOKIE_HEADER, check_cookie, clear_cookie, consent_of,
    cookie_value, set_cookie,
};
use waxseal::ledger::grant::{GRANT_SECONDS, Granted, RESUME_SECONDS, check_grant, mint_grant};
use waxseal::ledger::{
    Binding, ConsentId, EventId, Form, FormError, FormPurpose, FormText, check_form, mint_form,
};
use waxseal::token::{Keyring, SiteKey};
use waxseal::types::{Kid, LetterId, UnixMillis, UnixSeconds};

const NOW: UnixSeconds = START.seconds();
const OTHER: LetterId = LetterId([8; 16]);
const CONSENT: ConsentId = ConsentId(EventId([0xc5; 16]));

const BROWSER: FormCookie = FormCookie([0xb0; 16]);

/// A form that shows terms, and one that shows none.
fn shown(at: UnixMillis) -> Form {
    Form { id: form(5), issued_at: at, browser: BROWSER.binding(), terms: TERMS }
}

fn mint(site: &SiteKey, letter: LetterId, at: UnixMillis) -> FormText {
    mint_form(site, letter, FormPurpose::Consent, &shown(at))
}

fn check(text: &str, ring: &Keyring, letter: LetterId, at: UnixMillis) -> Result<Form, FormError> {
    check_form(text, ring, letter, FormPurpose::Consent, at)
}

fn key(ring: &Keyring, kid: u8) -> &SiteKey {
    ring.get(Kid(kid)).unwrap()
}

fn at(seconds: u64) -> UnixSeconds {
    UnixSeconds(NOW.0 + seconds)
}

#[test]
fn a_form_comes_back_within_the_hour() {
    let ring = keyring();
    let text = mint(key(&ring, 7), LETTER, START);
    assert_eq!(text.as_str().len(), FORM_CHARS);
    assert!(text.as_str().bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
    let shown = shown(START);
    for seconds in [0, 1, FORM_SECONDS - 1] {
        assert_eq!(check(text.as_str(), &ring, LETTER, at(seconds).millis()), Ok(shown));
    }
    for seconds in [FORM_SECONDS, 86_399] {
        assert_eq!(check(text.as_str(), &ring, LETTER, at(seconds).millis()), Err(FormError::Expired));
    }
    // Another isolate's clock may be a little behind, but a form from next week is not honoured.
    let early = |seconds: u64| check(text.as_str(), &ring, LETTER, UnixMillis(START.0 - seconds * 1000));
    assert_eq!(early(300), Ok(shown));
    assert_eq!(early(301), Err(FormError::Expired));
    // The time is exact to the millisecond: it says how long a reader took.
    let text = mint(key(&ring, 7), LETTER, UnixMillis(START.0 + 123));
    let last = UnixMillis(START.0 + 123 + FORM_SECONDS * 1000 - 1);
    assert_eq!(check(text.as_str(), &ring, LETTER, last).unwrap().issued_at, UnixMillis(START.0 + 123));
    assert_eq!(check(text.as_str(), &ring, LETTER, UnixMillis(last.0 + 1)), Err(FormError::Expired));
    assert_eq!(shown.check_terms(&TERMS), Ok(()));
    assert_eq!(shown.check_terms(&[0; 32]), Err(FormError::OtherTerms));
}

#[test]
fn a_form_of_another_letter_key_or_with_a_changed_bit_is_forged() {
    let ring = keyring();
    let forged = Err(FormError::Forged);
    let text = mint(key(&ring, 7), LETTER, START).to_string();
    assert_eq!(check(&text, &ring, OTHER, START), forged);
    for at in 0..text.len() {
        for c in "Aa09-_ =.%é".chars() {
            let mut changed: Vec<char> = text.chars().collect();
            if changed[at] != c {
                changed[at] = c;
                let changed: String = changed.into_iter().collect();
                assert_eq!(check(&changed, &ring, LETTER, START), forged, "{changed}");
            }
        }
        assert_eq!(check(&text[..at], &ring, LETTER, START), forged);
    }
    for junk in [format!("{text}="), format!(" {text}"), "A".repeat(95), "A".repeat(100_000), "é".repeat(41)]
    {
        assert_eq!(check(&junk, &ring, LETTER, START), forged);
    }
    let stranger = SiteKey::new(Kid(7), [0xee; 32], None);
    let text = mint(&stranger, LETTER, START);
    assert_eq!(check(text.as_str(), &ring, LETTER, START), forged);
    let unknown = SiteKey::new(Kid(9), [7; 32], None);
    let text = mint(&unknown, LETTER, START);
    assert_eq!(check(text.as_str(), &ring, LETTER, START), forged);
}

#[test]
fn a_retired_key_takes_its_forms_and_cookies_with_it() {
    let ring = keyring();
    let retired = at(86_400);
    let text = mint(key(&ring, 6), LETTER, at(86_000).millis());
    assert!(check(text.as_str(), &ring, LETTER, at(86_399).millis()).is_ok());
    assert_eq!(check(text.as_str(), &ring, LETTER, retired.millis()), Err(FormError::Forged));
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
    let nonce = mint(key(&ring, 7), LETTER, START);
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

#[test]
fn a_form_fits_the_browser_it_was_made_for_and_no_other() {
    let other = FormCookie([0xb1; 16]).binding();
    let mine = shown(START).browser;
    assert!(mine.is(Some(BROWSER.binding())));
    assert!(!mine.is(Some(other)) && !mine.is(Some(Binding::default())) && !mine.is(None));
    // The cookie comes back from the header it is set in, for its own letter.
    let set = BROWSER.set(LETTER);
    assert!(set.starts_with("__Host-waxseal-form-"));
    assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax") && !set.contains("Max-Age"));
    let pair = set.split(';').next().unwrap();
    assert_eq!(FormCookie::find(&format!("a=b; {pair}"), LETTER), Some(BROWSER));
    assert_eq!(FormCookie::find(pair, OTHER), None);
    assert_eq!(consent_of(pair, &keyring(), LETTER, NOW), None);
    for value in ["", "A", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAAA", "é", "======================"]
    {
        assert_eq!(
            FormCookie::find(&format!("{}={value}", CookieName::form(LETTER)), LETTER),
            None,
            "{value}"
        );
    }
}

#[test]
fn a_grant_begins_a_download_for_ten_minutes_and_goes_on_with_one_for_an_hour_more() {
    let ring = keyring();
    let grant = mint_grant(key(&ring, 7), LETTER, CONSENT, START);
    let check = |text: &str, letter, seconds: u64| check_grant(text, &ring, letter, at(seconds).millis());
    for (seconds, granted) in [
        (0, Some(Granted::Whole(CONSENT))),
        (GRANT_SECONDS - 1, Some(Granted::Whole(CONSENT))),
        (GRANT_SECONDS, Some(Granted::Rest(CONSENT))),
        (GRANT_SECONDS + RESUME_SECONDS - 1, Some(Granted::Rest(CONSENT))),
        (GRANT_SECONDS + RESUME_SECONDS, None),
        (400 * 86_400, None),
    ] {
        assert_eq!(check(&grant, LETTER, seconds), granted, "{seconds}");
    }
    assert_eq!(check(&grant, OTHER, 0), None);
    for at in 0..grant.len() {
        let mut changed = grant.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(check(core::str::from_utf8(&changed).unwrap(), LETTER, 0), None);
        assert_eq!(check(&grant[..at], LETTER, 0), None);
    }
    // A grant is no cookie, a cookie no grant, and a retired key takes its grants along.
    assert_eq!(check_cookie(&grant, &ring, LETTER, NOW), None);
    assert_eq!(check(&cookie_value(key(&ring, 7), LETTER, CONSENT), LETTER, 0), None);
    let retiring = mint_grant(key(&ring, 6), LETTER, CONSENT, at(86_399).millis());
    assert_eq!(check(&retiring, LETTER, 86_399), Some(Granted::Whole(CONSENT)));
    assert_eq!(check(&retiring, LETTER, 86_400), None);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn hostile_text_never_panics_and_never_passes(text in any::<String>(), ascii in "[ -~]{0,120}") {
        let ring = keyring();
        for text in [&text, &ascii] {
            prop_assert_eq!(check(text, &ring, LETTER, START), Err(FormError::Forged));
            prop_assert_eq!(check_cookie(text, &ring, LETTER, NOW), None);
            prop_assert_eq!(consent_of(text, &ring, LETTER, NOW), None);
            prop_assert_eq!(check_grant(text, &ring, LETTER, START), None);
            let named = format!("{}={text}", CookieName::of(LETTER));
            prop_assert_eq!(consent_of(&named, &ring, LETTER, NOW), None);
        }
    }

    #[test]
    fn every_form_comes_back_as_it_was_issued_and_for_no_other_purpose(
        id in any::<[u8; 8]>(), browser in any::<[u8; 8]>(), terms in any::<[u8; 32]>(), letter in any::<[u8; 16]>(),
        now in 0u64..1 << 48,
    ) {
        let ring = keyring();
        let (letter, now) = (LetterId(letter), UnixMillis(now));
        let shown = Form { id: waxseal::ledger::FormId(id), issued_at: now, browser: Binding(browser), terms };
        let purposes = [FormPurpose::Consent, FormPurpose::Decline, FormPurpose::Undo];
        for mine in purposes {
            let text = mint_form(ring.active(), letter, mine, &shown);
            for checked in purposes {
                let expected = if checked == mine { Ok(shown) } else { Err(FormError::Forged) };
                prop_assert_eq!(check_form(text.as_str(), &ring, letter, checked, now), expected);
            }
        }
    }
}
