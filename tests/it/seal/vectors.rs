//! The public vectors, `tests/vectors/seal.json`: another implementation's bytes against ours.

use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;
use sha2::{Digest, Sha256};
use waxseal::seal::{FragmentKey, Framing, Manifest, Opener, Sealer, edge_key};
use waxseal::token::{Keyring, Purpose, SiteKey};
use waxseal::types::{Kid, LetterId};

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../vectors/seal.json")).unwrap()
}

fn cases<'v>(vectors: &'v Value, name: &str) -> &'v [Value] {
    let cases = vectors[name].as_array().unwrap();
    assert!(!cases.is_empty(), "{name}");
    cases
}

fn text<'v>(case: &'v Value, field: &str) -> &'v str {
    case[field].as_str().unwrap()
}

fn number(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap()
}

fn hex(case: &Value, field: &str) -> Vec<u8> {
    HEXLOWER.decode(text(case, field).as_bytes()).unwrap()
}

fn base64(case: &Value, field: &str) -> Vec<u8> {
    BASE64.decode(text(case, field).as_bytes()).unwrap()
}

fn letter(case: &Value) -> LetterId {
    text(case, "letter").parse().unwrap()
}

fn site_key(vectors: &Value) -> SiteKey {
    SiteKey::new(
        Kid(number(vectors, "kid").try_into().unwrap()),
        hex(vectors, "secret").try_into().unwrap(),
        None,
    )
}

fn keyring(vectors: &Value) -> Keyring {
    let key = site_key(vectors);
    Keyring::from_keys(key.kid(), vec![key]).unwrap()
}

fn pattern(length: u64) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

#[test]
fn derived_keys() {
    let vectors = vectors();
    let key = site_key(&vectors);
    for case in cases(&vectors, "derive") {
        let letter = letter(case);
        assert_eq!(edge_key(&key, letter)[..], hex(case, "seal"));
        assert_eq!(key.derive(Purpose::Manifest, letter.as_bytes())[..], hex(case, "manifest"));
    }
}

#[test]
fn checks_of_end_to_end_keys() {
    for case in cases(&vectors(), "key_checks") {
        let key = FragmentKey::new(hex(case, "key").try_into().unwrap());
        assert_eq!(key.check(letter(case)).to_string(), text(case, "key_check"));
    }
}

#[test]
fn bodies_are_written_and_read_byte_for_byte() {
    let vectors = vectors();
    for case in cases(&vectors, "bodies") {
        let (length, ikm) = (number(case, "length"), hex(case, "ikm"));
        let record_size = number(case, "record_size").try_into().unwrap();
        let mut sealer = Sealer::new(&ikm, hex(case, "salt").try_into().unwrap(), record_size).unwrap();
        let mut body = Vec::new();
        sealer.push(&pattern(length), &mut body).unwrap();
        sealer.finish(&mut body).unwrap();
        assert_eq!(body.len() as u64, number(case, "body_length"));
        assert_eq!(Sha256::digest(&body)[..], hex(case, "body_sha256"), "{length} bytes");
        if case["body"].is_string() {
            assert_eq!(body, hex(case, "body"));
        }
        let mut opener = Opener::new(&ikm, Framing::new(length, record_size).unwrap());
        let mut out = Vec::new();
        opener.push(&body, &mut out).unwrap();
        opener.finish(&mut out).unwrap();
        assert_eq!(Sha256::digest(&out)[..], hex(case, "plaintext_sha256"));
    }
}

#[test]
fn damaged_bodies_are_refused_with_the_reason() {
    let vectors = vectors();
    let ikm = hex(&cases(&vectors, "derive")[0], "seal");
    for case in cases(&vectors, "fail_bodies") {
        let name = text(case, "name");
        let mut opener = Opener::new(&ikm, Framing::new(number(case, "length"), 4_096).unwrap());
        let mut out = Vec::new();
        let pushed = opener.push(&base64(case, "body"), &mut out);
        let error = pushed.and_then(|()| opener.finish(&mut out)).unwrap_err();
        assert_eq!(error.code(), text(case, "code"), "{name}");
        assert_eq!(out, pattern(number(case, "released")), "{name}");
    }
}

#[test]
fn manifests_are_written_and_read_byte_for_byte() {
    let vectors = vectors();
    let key = site_key(&vectors);
    let nonce: [u8; 12] = hex(&vectors, "nonce").try_into().unwrap();
    for case in cases(&vectors, "manifests") {
        let object = base64(case, "object");
        let (manifest, kid) = Manifest::open(&object, letter(case), &keyring(&vectors)).unwrap();
        assert_eq!(kid, key.kid());
        assert_eq!(serde_json::to_value(&manifest).unwrap(), case["json"]);
        assert_eq!(manifest.encrypt(&key, nonce).unwrap(), object, "{}", text(case, "name"));
    }
}

#[test]
fn bad_manifests_are_refused_with_the_reason() {
    let vectors = vectors();
    let keyring = keyring(&vectors);
    for case in cases(&vectors, "fail_manifests") {
        let error = Manifest::open(&base64(case, "object"), letter(case), &keyring).unwrap_err();
        assert_eq!(error.code(), text(case, "code"), "{}: {error}", text(case, "name"));
    }
}

#[test]
fn range_plans() {
    let vectors = vectors();
    for case in cases(&vectors, "ranges") {
        let record_size = number(case, "record_size").try_into().unwrap();
        let framing = Framing::new(number(case, "length"), record_size).unwrap();
        assert_eq!(framing.body_length(), number(case, "object_length"));
        let plan = framing.range(number(case, "start"), number(case, "end")).unwrap();
        for (ours, field) in [
            (plan.first_record, "first_record"),
            (plan.records, "records"),
            (plan.body_start, "body_start"),
            (plan.body_length, "body_length"),
            (plan.skip.into(), "skip"),
        ] {
            assert_eq!(ours, number(case, field), "{field} of {case}");
        }
    }
}

#[test]
fn the_worked_example_of_the_specification_is_one_of_the_vectors() {
    let page = include_str!("../../../docs/SEAL.md");
    let start = page.find("## A worked example").unwrap();
    let example: Vec<&str> = page[start..].split("```").nth(1).unwrap().split_whitespace().collect();
    let example = example.concat();
    let vectors = vectors();
    let derived = &cases(&vectors, "derive")[0];
    let body = cases(&vectors, "bodies").iter().find(|case| number(case, "length") == 15).unwrap();
    let plaintext = HEXLOWER.encode(&pattern(15));
    for (label, value) in [
        ("secret", text(&vectors, "secret")),
        ("UUID", text(derived, "letter")),
        ("inputkey", text(derived, "seal")),
        ("manifestkey", text(derived, "manifest")),
        ("salt", text(body, "salt")),
        ("recordsize", "4096"),
        ("plaintext", &plaintext),
        ("body", text(body, "body")),
    ] {
        assert!(example.contains(&format!("{label}{value}")), "{label}");
    }
}

#[test]
fn the_specification_names_every_code_of_the_vectors() {
    let page = include_str!("../../../docs/SEAL.md");
    let vectors = vectors();
    for case in cases(&vectors, "fail_bodies").iter().chain(cases(&vectors, "fail_manifests")) {
        let code = text(case, "code");
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
}
