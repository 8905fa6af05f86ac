//! The public test vectors, `tests/vectors/token.json`: they are what this implementation does, and what
//! `generate.rs` says they should be. `cargo test --test token_vectors -- --ignored regenerate` writes them.

// Tests may be blunt, their helper functions too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod expected;
mod generate;

use std::collections::BTreeSet;

use expected::{Case, File};
use waxseal::token::{Class, Keyring, Purpose, SiteKey, classify, mint};
use waxseal::types::{Kid, UnixSeconds};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/token.json");

fn stored() -> File {
    serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap()
}

#[test]
#[ignore = "writes tests/vectors/token.json"]
fn regenerate() {
    std::fs::write(PATH, generate::json()).unwrap();
}

#[test]
fn the_stored_vectors_are_the_generated_ones() {
    assert!(
        std::fs::read_to_string(PATH).unwrap() == generate::json(),
        "regenerate tests/vectors/token.json"
    );
}

#[test]
fn there_are_enough_cases_with_names_of_their_own() {
    let cases = stored().classify;
    let names: BTreeSet<_> = cases.iter().map(|case| case.name.clone()).collect();
    assert_eq!(names.len(), cases.len());
    assert!(cases.len() >= 60, "{}", cases.len());
    let classes: BTreeSet<_> = cases.iter().map(|case| case.class.clone()).collect();
    assert_eq!(
        classes.into_iter().collect::<Vec<_>>(),
        ["closed", "damaged", "forged", "repairable", "valid"]
    );
}

#[test]
fn every_case_is_classified_as_expected() {
    let file = stored();
    for case in &file.classify {
        let keyring = Keyring::from_json(&file.keyrings[&case.keyring].to_string()).unwrap();
        let class = classify(&case.segment, &keyring, UnixSeconds(case.now));
        assert_eq!(*case, observed(case, &class), "{}", case.name);
    }
}

/// The case with everything that is expected replaced by what happened.
fn observed(case: &Case, class: &Class) -> Case {
    let mut seen = Case {
        name: case.name.clone(),
        keyring: case.keyring.clone(),
        now: case.now,
        segment: case.segment.clone(),
        class: class.code().into(),
        ..Case::default()
    };
    match class {
        Class::Damaged(damage) => seen.reason = Some(damage.code().into()),
        Class::Forged(forgery) => seen.reason = Some(forgery.code().into()),
        Class::Repairable { clean, .. } => {
            seen.clean = Some(clean.token().to_string());
            seen.fragment = clean.fragment().map(Into::into);
            seen.repairs = clean.repairs().iter().map(|repair| repair.code().into()).collect();
        }
        Class::Valid(_) | Class::Closed { .. } => {}
    }
    if let Some(verified) = class.verified() {
        seen.kid = Some(verified.kid.0);
        seen.letter = Some(verified.letter);
        seen.not_after = Some(verified.not_after.0);
    }
    seen
}

#[test]
fn every_mint_vector_is_minted() {
    let file = stored();
    assert!(file.mint.len() >= 12);
    for vector in &file.mint {
        let keyring = keyring_of_one(vector.kid, &vector.secret);
        let text = mint(keyring.active(), vector.letter, UnixSeconds(vector.not_after)).unwrap();
        assert_eq!(text.as_str(), vector.token, "{}", vector.name);
    }
}

#[test]
fn every_key_is_derived() {
    let file = stored();
    for vector in &file.derive {
        let keyring = keyring_of_one(1, &vector.secret);
        let purpose = Purpose::ALL.into_iter().find(|purpose| purpose.info() == vector.info).unwrap();
        let salt = data_encoding::HEXLOWER.decode(vector.salt.as_bytes()).unwrap();
        let derived = keyring.active().derive(purpose, &salt);
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
