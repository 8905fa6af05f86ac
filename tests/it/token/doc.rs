//! `docs/TOKEN.md` is true: its worked example, its commands, its keyring, and the claim that a stranger can
//! implement it (`token_reference.py` did, and classifies every vector).

use std::process::Command;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use waxseal::token::{Keyring, Purpose, SiteKey, TOKEN_BYTES, TOKEN_CHARS, Token, crockford, mint};
use waxseal::types::{Kid, UnixSeconds};

fn page() -> String {
    std::fs::read_to_string("docs/TOKEN.md").unwrap()
}

/// The first fenced block of this language.
fn block(page: &str, language: &str) -> String {
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

/// The value of this name in the worked example.
fn value(example: &str, name: &str) -> String {
    let line = example.lines().find(|line| line.get(..13).is_some_and(|start| start.trim_end() == name));
    line.unwrap_or_else(|| panic!("no {name}"))[13..].to_owned()
}

fn hmac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

#[test]
fn the_worked_example_is_true_step_by_step() {
    let example = block(&page(), "example");
    let hex = |name: &str| HEXLOWER.decode(value(&example, name).as_bytes()).unwrap();
    let not_after: u32 = value(&example, "not-after").parse().unwrap();
    let letter: waxseal::types::LetterId = value(&example, "letter").parse().unwrap();
    assert_eq!(hex("hkdf prk"), hmac(&[0; 32], &hex("secret")));
    assert_eq!(hex("token key"), hmac(&hex("hkdf prk"), b"waxseal/v1/token\x01"));
    let head = [&[1, 7], letter.as_bytes().as_slice(), &not_after.to_be_bytes()].concat();
    assert_eq!(hex("bytes 0-21"), head);
    assert_eq!(hex("hmac"), hmac(&hex("token key"), &head));
    assert_eq!(hex("tag"), hex("hmac")[..16]);
    let body = [head, hex("tag")].concat();
    assert_eq!(hex("sha-256"), Sha256::digest(&body)[..]);
    assert_eq!(hex("check"), hex("sha-256")[..3]);
    let raw = [body, hex("check")].concat();
    assert_eq!(hex("token bytes"), raw);
    assert_eq!((raw.len(), value(&example, "token").len()), (TOKEN_BYTES, TOKEN_CHARS));
    assert_eq!(value(&example, "token"), crockford::encode(&raw));
}

#[test]
fn the_worked_example_is_what_this_crate_mints() {
    let example = block(&page(), "example");
    let secret = HEXLOWER.decode(value(&example, "secret").as_bytes()).unwrap();
    let key = SiteKey::new(Kid(7), secret.try_into().unwrap(), None);
    let letter = value(&example, "letter").parse().unwrap();
    let not_after = UnixSeconds(value(&example, "not-after").parse().unwrap());
    let text = mint(&key, letter, not_after).unwrap();
    assert_eq!(text.as_str(), value(&example, "token"));
    assert_eq!(HEXLOWER.encode(key.derive(Purpose::Token, &[]).as_ref()), value(&example, "token key"));
    assert_eq!(Token::parse(text.as_str()).unwrap().letter(), letter);
}

#[test]
fn the_command_prints_what_the_page_says() {
    let page = page();
    let output = Command::new("sh")
        .args(["-euc", &block(&page, "sh")])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), block(&page, "output"));
}

#[test]
fn the_keyring_of_the_page_is_read() {
    let keyring = Keyring::from_json(&block(&page(), "json")).unwrap();
    assert_eq!(keyring.active().kid(), Kid(7));
    assert_eq!(keyring.get(Kid(6)).unwrap().not_after(), Some(UnixSeconds(1_924_992_000)));
}

#[test]
fn every_purpose_and_the_alphabet_are_on_the_page() {
    let page = page();
    for purpose in Purpose::ALL {
        assert!(page.contains(&format!("| `{}` |", purpose.info())), "{purpose:?}");
    }
    let alphabet = block(&page, "text");
    let symbols: Vec<String> =
        (0..32u8).map(|value| crockford::encode(&[value << 3])[..1].to_owned()).collect();
    assert_eq!(alphabet.trim_end(), symbols.concat());
}

#[test]
fn an_implementation_made_from_the_page_classifies_every_vector() {
    let output = Command::new("python3").arg("tests/token_reference.py").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.ends_with("cases, 0 wrong\n"), "{said}");
}
