//! The keyring: what is read, what is refused and in which words, rotation, the API's bearer key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use waxseal::token::{Class, Forgery, Keyring, KeyringError, RotateError, SiteKey, classify, mint};
use waxseal::types::{Kid, LetterId, UnixSeconds};

const LETTER: LetterId = LetterId([9; 16]);

fn secret(byte: u8) -> String {
    STANDARD.encode([byte; 32])
}

fn error(json: &str) -> KeyringError {
    Keyring::from_json(json).map(|_| ()).unwrap_err()
}

#[test]
fn the_form_of_the_design_is_read() {
    let json = format!(
        r#"{{ "active": 7, "keys": [ {{ "id": 6, "secret": "{}", "not_after": 1000 }},
            {{ "id": 7, "secret": "{}", "not_after": null }} ] }}"#,
        secret(6),
        secret(7)
    );
    let keyring = Keyring::from_json(&json).unwrap();
    assert_eq!(keyring.active().kid(), Kid(7));
    assert_eq!(keyring.keys().map(SiteKey::kid).collect::<Vec<_>>(), [Kid(7), Kid(6)]);
    assert!(keyring.verifying(Kid(6), UnixSeconds(999)).is_some());
    assert!(keyring.verifying(Kid(6), UnixSeconds(1000)).is_none());
    assert!(keyring.get(Kid(6)).is_some(), "a retired key still decrypts");
    assert!(keyring.get(Kid(5)).is_none());
    assert!(keyring.verifying(Kid(5), UnixSeconds(0)).is_none());
}

#[test]
fn base64_is_read_with_and_without_padding_and_with_escaped_slashes() {
    let bytes = [0xff; 32];
    let spellings =
        [STANDARD.encode(bytes), STANDARD_NO_PAD.encode(bytes), STANDARD.encode(bytes).replace('/', "\\/")];
    let written = Keyring::new(bytes).to_json();
    for spelling in spellings {
        let keyring =
            Keyring::from_json(&format!(r#"{{"active":1,"keys":[{{"id":1,"secret":"{spelling}"}}]}}"#));
        assert_eq!(keyring.unwrap().to_json(), written);
    }
}

#[test]
fn one_byte_order_mark_in_front_does_not_count() {
    let written = Keyring::new([1; 32]).to_json();
    let marked = format!("\u{feff}{}\n", *written);
    assert_eq!(Keyring::from_json(&marked).unwrap().to_json(), written);
    // What is wrong behind it is still told, at its place.
    assert_eq!(error("\u{feff}{\"active\":1,\"keys\":[]}\n"), KeyringError::ActiveMissing(Kid(1)));
    assert_eq!(error("\u{feff}[]"), error("[]"));
    for elsewhere in [format!("\u{feff}\u{feff}{}", *written), format!("{}\u{feff}", *written)] {
        assert!(matches!(error(&elsewhere), KeyringError::Json { .. }), "{elsewhere:?}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let keyring = Keyring::new([1; 32]).rotate([2; 32], UnixSeconds(5)).unwrap();
    let json = keyring.to_json();
    assert_eq!(
        json.as_str(),
        format!(
            r#"{{"active":2,"keys":[{{"id":2,"secret":"{}"}},{{"id":1,"secret":"{}","not_after":5}}]}}"#,
            secret(2),
            secret(1)
        )
    );
    assert_eq!(Keyring::from_json(&json).unwrap().to_json(), json);
}

#[test]
fn every_fault_is_named() {
    let key = |id: u16, byte: u8| format!(r#"{{"id":{id},"secret":"{}"}}"#, secret(byte));
    let ring = |active: u16, keys: &[String]| format!(r#"{{"active":{active},"keys":[{}]}}"#, keys.join(","));
    assert!(matches!(error(""), KeyringError::Json { .. }));
    assert!(matches!(error("{\"active\":1,"), KeyringError::Json { line: 1, .. }));
    assert!(matches!(error(&format!("{} x", ring(1, &[key(1, 1)]))), KeyringError::Json { .. }));
    assert!(matches!(error("[]"), KeyringError::Shape { .. }));
    assert!(matches!(error(&ring(256, &[key(1, 1)])), KeyringError::Shape { .. }));
    assert!(matches!(error(&ring(1, &[key(256, 1)])), KeyringError::Shape { .. }));
    let misspelled = format!(r#"{{"id":1,"secret":"{}","notAfter":5}}"#, secret(1));
    assert!(matches!(error(&ring(1, &[misspelled])), KeyringError::Shape { .. }));
    let negative = format!(r#"{{"id":1,"secret":"{}","not_after":-5}}"#, secret(1));
    assert!(matches!(error(&ring(1, &[negative])), KeyringError::Shape { .. }));
    assert_eq!(error(&ring(1, &[])), KeyringError::ActiveMissing(Kid(1)));
    assert_eq!(error(&ring(2, &[key(1, 1)])), KeyringError::ActiveMissing(Kid(2)));
    assert_eq!(error(&ring(1, &[key(1, 1), key(1, 2)])), KeyringError::DuplicateId(Kid(1)));
    assert_eq!(error(&ring(1, &[key(1, 1), key(2, 1)])), KeyringError::SameSecret(Kid(1), Kid(2)));
    let retired = format!(r#"{{"id":1,"secret":"{}","not_after":99999999999}}"#, secret(1));
    assert_eq!(error(&ring(1, &[retired])), KeyringError::ActiveRetired(Kid(1)));
    for (length, text) in [(31, STANDARD.encode([1; 31])), (33, STANDARD.encode([1; 33])), (0, String::new())]
    {
        let short = format!(r#"{{"id":4,"secret":"{text}"}}"#);
        assert_eq!(error(&ring(4, &[short])), KeyringError::SecretLength { kid: Kid(4), found: length });
    }
    for text in ["-_-_", "a b c d", "not base64!", &format!("{} ", secret(1))] {
        let odd = format!(r#"{{"id":4,"secret":"{text}"}}"#);
        assert_eq!(error(&ring(4, &[odd])), KeyringError::SecretEncoding(Kid(4)));
    }
}

#[test]
fn no_message_shows_a_secret() {
    let leak = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I";
    for json in [
        format!(r#"{{"active":1,"keys":[{{"id":"{leak}","secret":1}}]}}"#),
        format!(r#"{{"active":"{leak}"}}"#),
        format!(r#"{{"active":1,"keys":[{{"id":1,"{leak}":1}}]}}"#),
        format!(r#"{{"active":1,"keys":[{{"id":1,"secret":"{leak}~"}}]}}"#),
        format!(r#"{{"active":1,"keys":[{{"id":1,"secret":"{leak}{leak}"}}]}}"#),
        format!(r#"{{"active":1,"keys":[{{"id":1,"secret":"{leak}" x"#),
        format!(r#""{leak}""#),
    ] {
        let error = error(&json);
        let shown = format!("{error} {error:?} {}", error.code());
        assert!(!shown.contains(&leak[..8]), "{shown}");
    }
    let keyring = Keyring::new([0xaa; 32]);
    let shown = format!("{keyring:?}");
    assert!(!shown.contains("170") && !shown.contains("aa") && !shown.contains("qqqq"), "{shown}");
}

#[test]
fn rotation_keeps_old_links_until_the_old_key_retires() {
    let old = Keyring::new([1; 32]);
    let text = mint(old.active(), LETTER, UnixSeconds(1_000)).unwrap();
    let new = old.rotate([2; 32], UnixSeconds(2_000)).unwrap();
    assert_eq!(new.active().kid(), Kid(2));
    assert_eq!(classify(text.as_str(), &new, UnixSeconds(999)).code(), "valid");
    assert_eq!(classify(text.as_str(), &new, UnixSeconds(1_999)).code(), "closed");
    assert_eq!(classify(text.as_str(), &new, UnixSeconds(2_000)), Class::Forged(Forgery::RetiredKey(Kid(1))));
    let fresh = mint(new.active(), LETTER, UnixSeconds(5_000)).unwrap();
    assert_eq!(classify(fresh.as_str(), &new, UnixSeconds(2_000)).code(), "valid");
    assert_eq!(classify(fresh.as_str(), &old, UnixSeconds(0)), Class::Forged(Forgery::UnknownKey(Kid(2))));
    // A second rotation leaves the first key's end alone.
    let newer = new.rotate([3; 32], UnixSeconds(9_000)).unwrap();
    let ends: Vec<_> = newer.keys().map(|key| (key.kid().0, key.not_after().map(|end| end.0))).collect();
    assert_eq!(ends, [(3, None), (2, Some(9_000)), (1, Some(2_000))]);
}

#[test]
fn an_old_api_key_ends_on_its_own_and_the_links_go_on() {
    let old = Keyring::new([1; 32]);
    let (api, link) = (old.active().api_key(), mint(old.active(), LETTER, UnixSeconds(8_000)).unwrap());
    let new = old.rotate([2; 32], UnixSeconds(9_000)).unwrap().ending_old_api_keys(UnixSeconds(100));
    let json = new.to_json();
    let read = Keyring::from_json(&json).unwrap();
    assert!(json.contains(r#""not_after":9000,"api_not_after":100}"#), "{}", json.as_str());
    for ring in [&new, &read] {
        assert_eq!(ring.verify_api_key(&api, UnixSeconds(99)), Some(Kid(1)));
        assert_eq!(ring.verify_api_key(&api, UnixSeconds(100)), None);
        assert_eq!(classify(link.as_str(), ring, UnixSeconds(7_999)).code(), "valid");
        assert_eq!(ring.verify_api_key(&ring.active().api_key(), UnixSeconds(8_000)), Some(Kid(2)));
    }
    // Sooner is possible, later is not; and an API key never outlives its links.
    let sooner = new.ending_old_api_keys(UnixSeconds(50)).ending_old_api_keys(UnixSeconds(70));
    assert_eq!(sooner.verify_api_key(&api, UnixSeconds(50)), None);
    assert_eq!(sooner.verify_api_key(&api, UnixSeconds(49)), Some(Kid(1)));
    let late = old.rotate([2; 32], UnixSeconds(10)).unwrap().ending_old_api_keys(UnixSeconds(100));
    assert_eq!(late.verify_api_key(&api, UnixSeconds(10)), None);
    // Of the key that is in use it cannot be said: nobody could use the API.
    let closed = new.to_json().replace(r#""not_after":9000,"#, "").replace("\"active\":2", "\"active\":1");
    assert_eq!(Keyring::from_json(&closed).unwrap_err(), KeyringError::ActiveRetired(Kid(1)));
}

#[test]
fn rotation_finds_a_free_number_or_says_there_is_none() {
    let key = |id: u8| SiteKey::new(Kid(id), [id; 32], (id != 255).then_some(UnixSeconds(1)));
    let ring = Keyring::from_keys(Kid(255), vec![key(255), key(0), key(1)]).unwrap();
    assert_eq!(ring.rotate([77; 32], UnixSeconds(1)).unwrap().active().kid(), Kid(2));
    assert_eq!(ring.rotate([1; 32], UnixSeconds(1)).unwrap_err(), RotateError::SameSecret(Kid(1)));
    assert_eq!(ring.rotate([255; 32], UnixSeconds(1)).unwrap_err(), RotateError::SameSecret(Kid(255)));
    let full = Keyring::from_keys(Kid(255), (0..=255).map(key).collect()).unwrap();
    let mut secret = [9; 32];
    secret[0] = 8;
    assert_eq!(full.rotate(secret, UnixSeconds(1)).unwrap_err(), RotateError::Full);
}

#[test]
fn the_bearer_key_is_taken_in_its_one_spelling_only() {
    let keyring = Keyring::new([1; 32]).rotate([2; 32], UnixSeconds(2_000)).unwrap();
    let key = keyring.active().api_key();
    assert!(key.starts_with("wsk_02_") && key.len() == 7 + 52, "{}", key.as_str());
    assert_eq!(keyring.verify_api_key(&key, UnixSeconds(0)), Some(Kid(2)));
    let old = Keyring::new([1; 32]).active().api_key();
    assert_eq!(keyring.verify_api_key(&old, UnixSeconds(1_999)), Some(Kid(1)));
    assert_eq!(keyring.verify_api_key(&old, UnixSeconds(2_000)), None);
    let other = Keyring::new([3; 32]).active().api_key();
    let with_number = |number: &str| format!("wsk_{number}_{}", &key[7..]);
    for wrong in [
        "",
        "wsk_",
        "wsk_02_",
        "wsk_02",
        &key[4..],
        &key[..58],
        &key.to_uppercase(),
        &format!("{}0", key.as_str()),
        &format!(" {}", key.as_str()),
        &with_number("01"),
        &with_number("2"),
        &with_number("+2"),
        &with_number("002"),
        &with_number("ff"),
        &other,
    ] {
        assert_eq!(keyring.verify_api_key(wrong, UnixSeconds(0)), None, "{wrong}");
    }
    for at in 7..59 {
        let mut changed = key.to_string();
        let c = if &key[at..=at] == "7" { "8" } else { "7" };
        changed.replace_range(at..=at, c);
        assert_eq!(keyring.verify_api_key(&changed, UnixSeconds(0)), None, "{at}");
    }
}

/// Other test programs and `curl` make the keys, so these are held to RFC 5869 through the RFC's own steps.
#[test]
fn derivation_is_extract_then_expand() {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;
    use waxseal::token::Purpose;
    let hmac = |key: &[u8], data: &[u8]| -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(data);
        mac.finalize().into_bytes().into()
    };
    let key = SiteKey::new(Kid(1), [5; 32], None);
    for purpose in Purpose::ALL {
        for salt in [&[][..], &[1; 16], &[2; 100]] {
            let extracted = hmac(salt, &[5; 32]);
            let expanded = hmac(&extracted, &[purpose.info().as_bytes(), &[1]].concat());
            assert_eq!(*key.derive(*purpose, salt), expanded, "{purpose:?}");
        }
    }
}
