//! The public test vectors, `tests/vectors/token.json` and `links.json`: they are what this implementation does, and what
//! `generate.rs` says they should be. `cargo test --test it -- --ignored token::vectors::regenerate` writes them.

mod expected;
mod generate;

use std::cell::Cell;
use std::collections::BTreeSet;

use self::expected::{Case, Links, Tokens};
use waxseal::token::{Class, CleanPath, Keyring, Purpose, SiteKey, classify, find_link, mint};
use waxseal::types::{Kid, UnixSeconds};

const TOKENS: &str = "tests/vectors/token.json";
const LINKS: &str = "tests/vectors/links.json";

fn tokens() -> Tokens {
    serde_json::from_str(&std::fs::read_to_string(TOKENS).unwrap()).unwrap()
}

fn links() -> Links {
    serde_json::from_str(&std::fs::read_to_string(LINKS).unwrap()).unwrap()
}

#[test]
#[ignore = "writes tests/vectors/token.json and links.json"]
fn regenerate() {
    std::fs::write(TOKENS, generate::tokens()).unwrap();
    std::fs::write(LINKS, generate::links()).unwrap();
}

#[test]
fn the_stored_vectors_are_the_generated_ones() {
    for (path, generated) in [(TOKENS, generate::tokens()), (LINKS, generate::links())] {
        assert!(std::fs::read_to_string(path).unwrap() == generated, "regenerate {path}");
    }
}

#[test]
fn there_are_enough_links_with_names_of_their_own() {
    let cases = links().cases;
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.clone()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 200, "{}", cases.len());
    let classes: BTreeSet<_> = cases.iter().map(|case| case.class.clone()).collect();
    assert_eq!(
        classes.into_iter().collect::<Vec<_>>(),
        ["closed", "damaged", "forged", "repairable", "valid"]
    );
}

#[test]
fn every_link_is_read_as_expected() {
    let file = links();
    let mut wrong = Vec::new();
    for case in &file.cases {
        let keyring = Keyring::from_json(&file.keyrings[&case.keyring].to_string()).unwrap();
        let seen = if case.pasted { pasted(case, &keyring) } else { requested(case, &keyring) };
        if *case != seen {
            wrong.push(format!("{}: {}\n expected {case:?}\n found {seen:?}", case.name, case.text));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), file.cases.len(), wrong.join("\n"));
}

/// The case with everything that is expected replaced by what happened to the path.
fn requested(case: &Case, keyring: &Keyring) -> Case {
    let class = classify(&case.text, keyring, UnixSeconds(case.now));
    let mut seen = given(case, class.code());
    match &class {
        Class::Damaged(damage) => reason(&mut seen, case, damage.code()),
        Class::Forged(forgery) => reason(&mut seen, case, forgery.code()),
        Class::Repairable { clean, .. } | Class::Closed { clean: Some(clean), .. } => {
            spelled(&mut seen, clean)
        }
        Class::Valid(_) | Class::Closed { clean: None, .. } => {}
    }
    if let Some(verified) = class.verified() {
        seen.kid = Some(verified.kid.0);
        seen.letter = Some(verified.letter);
        seen.not_after = Some(verified.not_after.0);
    }
    seen
}

/// The same for what somebody pasted.
fn pasted(case: &Case, keyring: &Keyring) -> Case {
    let refused = Cell::new(None);
    let found = find_link(&case.text, |token| match token.verify(keyring, UnixSeconds(case.now)) {
        Ok(_) => true,
        Err(forgery) => {
            refused.set(Some(forgery));
            false
        }
    });
    match (found, refused.get()) {
        (Ok(found), _) => {
            let mut seen = given(case, "repairable");
            seen.kid = Some(found.token.kid().0);
            seen.letter = Some(found.token.letter());
            seen.not_after = Some(found.token.not_after().0);
            spelled(&mut seen, &found.clean);
            seen
        }
        (Err(_), Some(forgery)) => {
            let mut seen = given(case, "forged");
            reason(&mut seen, case, forgery.code());
            seen
        }
        (Err(damage), None) => {
            let mut seen = given(case, "damaged");
            reason(&mut seen, case, damage.code());
            seen
        }
    }
}

fn given(case: &Case, class: &str) -> Case {
    let Case { name, keyring, now, text, pasted, .. } = case.clone();
    Case { name, keyring, now, text, pasted, class: class.into(), ..Case::default() }
}

fn reason(seen: &mut Case, case: &Case, code: &str) {
    seen.reason = case.reason.is_some().then(|| code.into());
}

fn spelled(seen: &mut Case, clean: &CleanPath) {
    seen.clean = Some(clean.token().to_string());
    seen.key = clean.fragment().map(Into::into);
}

#[test]
fn every_mint_vector_is_minted() {
    let file = tokens();
    assert!(file.mint.len() >= 12);
    for vector in &file.mint {
        let keyring = keyring_of_one(vector.kid, &vector.secret);
        let text = mint(keyring.active(), vector.letter, UnixSeconds(vector.not_after)).unwrap();
        assert_eq!(text.as_str(), vector.token, "{}", vector.name);
    }
}

#[test]
fn every_key_is_derived() {
    let file = tokens();
    for vector in &file.derive {
        let keyring = keyring_of_one(1, &vector.secret);
        let purpose = Purpose::ALL.iter().find(|purpose| purpose.info() == vector.info).unwrap();
        let salt = data_encoding::HEXLOWER.decode(vector.salt.as_bytes()).unwrap();
        let derived = keyring.active().derive(*purpose, &salt);
        assert_eq!(data_encoding::HEXLOWER.encode(derived.as_ref()), vector.key, "{}", vector.info);
    }
    let purposes: BTreeSet<_> = file.derive.iter().map(|vector| vector.info.as_str()).collect();
    assert_eq!(purposes.len(), Purpose::ALL.len());
    for vector in &file.api_keys {
        let keyring = keyring_of_one(vector.kid, &vector.secret);
        assert_eq!(keyring.active().api_key().as_str(), vector.api_key);
        assert_eq!(keyring.verify_api_key(&vector.api_key, UnixSeconds(0)), Some(Kid(vector.kid)));
    }
}

fn keyring_of_one(kid: u8, secret: &str) -> Keyring {
    let json = serde_json::json!({ "active": kid, "keys": [{ "id": kid, "secret": secret }] });
    let keyring = Keyring::from_json(&json.to_string()).unwrap();
    let _: &SiteKey = keyring.active();
    keyring
}
