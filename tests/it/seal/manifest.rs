//! Manifests: what is refused and why, and that no reason repeats what the sender wrote.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waxseal::seal::{
    Action, BodyLengthError, Format, KeyCheck, MAX_MANIFEST, Manifest, ManifestError, Mode, PinVerifier,
    PlaintextError, Sha256Sum, body_key, manifest_key,
};
use waxseal::token::{Keyring, Purpose, SiteKey};
use waxseal::types::{Kid, LetterId, UnixSeconds};

const LETTER: LetterId = LetterId([0xa1; 16]);
const NONCE: [u8; 12] = [3; 12];

fn key() -> SiteKey {
    SiteKey::new(Kid(1), [7; 32], None)
}

fn keyring() -> Keyring {
    Keyring::new([7; 32])
}

fn manifest() -> Manifest {
    Manifest {
        v: Manifest::VERSION,
        letter: LETTER,
        format: Format::Aes128Gcm,
        mode: Mode::EdgeOpened,
        record_size: 65_536,
        length: 6,
        sha256: Sha256Sum(Sha256::digest(b"report").into()),
        media_type: "application/pdf".into(),
        file_name: "report.pdf".into(),
        subject: "SECRET-SUBJECT".into(),
        customer: Some("C-1".into()),
        reference: None,
        language: Some("nl".into()),
        terms: None,
        issued_at: UnixSeconds(1_760_000_000),
        not_after: UnixSeconds(1_762_592_000),
        retention_days: 366,
        actions: vec![Action::Accept],
        pin: Some(PinVerifier { salt: [1; 16], hash: [0xee; 32], iterations: 100_000 }),
        key_check: Some(KeyCheck([0xde, 0xad, 0xbe, 0xef])),
    }
}

/// Seals any bytes as a manifest, as a broken or newer sender with the key could.
fn seal_text(text: &[u8]) -> Vec<u8> {
    let cipher = Aes256Gcm::new((&*key().derive(Purpose::Manifest, LETTER.as_bytes())).into());
    let payload = Payload { msg: text, aad: LETTER.as_bytes() };
    [&[1, 1], &NONCE[..], &cipher.encrypt(&Nonce::from(NONCE), payload).unwrap()].concat()
}

fn open(object: &[u8]) -> Result<(Manifest, Kid), ManifestError> {
    Manifest::open(object, LETTER, &keyring())
}

fn with(field: &str, value: Value) -> Result<(Manifest, Kid), ManifestError> {
    let mut json = serde_json::to_value(manifest()).unwrap();
    json[field] = value;
    open(&seal_text(json.to_string().as_bytes()))
}

#[test]
fn a_manifest_round_trips_under_the_key_it_names() {
    let object = manifest().encrypt(&key(), NONCE).unwrap();
    assert_eq!(open(&object), Ok((manifest(), Kid(1))));
    let rotated = keyring().rotate([8; 32], UnixSeconds(1)).unwrap();
    assert_eq!(Manifest::open(&object, LETTER, &rotated), Ok((manifest(), Kid(1))), "old letters still open");
}

#[test]
fn a_stolen_object_shows_nothing() {
    let object = manifest().encrypt(&key(), NONCE).unwrap();
    for word in [&b"SECRET-SUBJECT"[..], b"report.pdf", b"letter"] {
        assert!(!object.windows(word.len()).any(|window| window == word));
    }
}

#[test]
fn a_manifest_of_another_letter_site_or_key_is_refused() {
    let object = manifest().encrypt(&key(), NONCE).unwrap();
    let other = LetterId([0xa2; 16]);
    assert_eq!(Manifest::open(&object, other, &keyring()), Err(ManifestError::NotAuthentic));
    let site = Keyring::new([9; 32]);
    assert_eq!(Manifest::open(&object, LETTER, &site), Err(ManifestError::NotAuthentic));
    assert_eq!(with("letter", json!(other)), Err(ManifestError::OtherLetter(other)));
    let mut object = object;
    object[1] = 200;
    assert_eq!(open(&object), Err(ManifestError::UnknownKey(Kid(200))));
}

#[test]
fn size_is_looked_at_before_anything_else() {
    assert_eq!(open(&vec![0xff; MAX_MANIFEST + 1]), Err(ManifestError::TooLarge(MAX_MANIFEST + 1)));
    // The largest object that is read at all, filled up with a field we do not know.
    let mut json = serde_json::to_value(manifest()).unwrap();
    json["later"] = json!("");
    let room = MAX_MANIFEST - seal_text(json.to_string().as_bytes()).len();
    json["later"] = json!("x".repeat(room));
    let object = seal_text(json.to_string().as_bytes());
    assert_eq!(object.len(), MAX_MANIFEST);
    assert_eq!(open(&object), Ok((manifest(), Kid(1))));
    json["later"] = json!("x".repeat(room + 1));
    assert_eq!(open(&seal_text(json.to_string().as_bytes())), Err(ManifestError::TooLarge(MAX_MANIFEST + 1)));
}

#[test]
fn later_versions_formats_and_modes_are_refused_but_later_fields_and_actions_are_not() {
    assert_eq!(with("v", json!(2)), Err(ManifestError::UnknownVersion(2)));
    assert_eq!(with("v", json!(u64::MAX)), Err(ManifestError::UnknownVersion(u64::MAX)));
    for format in [json!("chunked"), json!("AES128GCM"), json!(""), json!(null), json!(1), json!({"a": []})] {
        assert_eq!(with("format", format), Err(ManifestError::UnknownFormat));
    }
    assert_eq!(with("mode", json!("printed")), Err(ManifestError::UnknownMode));
    assert_eq!(with("later", json!({"deep": [1, 2]})), Ok((manifest(), Kid(1))));
    assert_eq!(with("actions", json!(["sing", "accept"])), Ok((manifest(), Kid(1))));
    // A version we do not know may lack everything else.
    assert_eq!(
        open(&seal_text(br#"{"v":3,"format":"x","mode":"y"}"#)),
        Err(ManifestError::UnknownVersion(3))
    );
}

#[test]
fn what_may_be_left_out_has_its_default() {
    let mut json = serde_json::to_value(manifest()).unwrap();
    let object = json.as_object_mut().unwrap();
    for field in
        ["customer", "reference", "language", "terms", "retention_days", "actions", "pin", "key_check"]
    {
        object.remove(field);
    }
    let (opened, _) = open(&seal_text(json.to_string().as_bytes())).unwrap();
    let expected = Manifest {
        customer: None,
        language: None,
        actions: vec![],
        pin: None,
        key_check: None,
        ..manifest()
    };
    assert_eq!(opened, expected);
    assert_eq!(opened.retention_days, 366);
}

#[test]
fn nothing_the_sender_wrote_stands_in_a_reason() {
    for (field, value) in [
        ("length", json!("SECRET-SUBJECT")),
        ("subject", json!({"SECRET-SUBJECT": 1})),
        ("subject", json!(format!("SECRET-SUBJECT\n{}", "x".repeat(300)))),
        ("media_type", json!("SECRET-SUBJECT")),
        ("format", json!("SECRET-SUBJECT")),
        ("mode", json!("SECRET-SUBJECT")),
        ("letter", json!("SECRET-SUBJECT")),
        ("pin", json!({"salt": "SECRET-SUBJECT", "hash": "", "iterations": 1})),
        ("actions", json!("SECRET-SUBJECT")),
        ("v", json!("SECRET-SUBJECT")),
    ] {
        let error = with(field, value).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("SECRET"), "{field}: {error:?}");
    }
    let mut json = serde_json::to_value(manifest()).unwrap();
    json.as_object_mut().unwrap().remove("subject");
    let error = open(&seal_text(json.to_string().as_bytes())).unwrap_err();
    assert!(error.to_string().contains("missing field subject"), "{error}");
}

#[test]
fn a_manifest_that_would_not_be_read_is_not_written() {
    let bad = Manifest { subject: "x".repeat(201), ..manifest() };
    assert_eq!(bad.encrypt(&key(), NONCE).unwrap_err().code(), "manifest_field");
    let bad = Manifest { v: 2, ..manifest() };
    assert_eq!(bad.encrypt(&key(), NONCE), Err(ManifestError::UnknownVersion(2)));
    let bad = Manifest { length: u64::MAX, ..manifest() };
    assert_eq!(bad.encrypt(&key(), NONCE).unwrap_err().code(), "manifest_framing");
    let most = Manifest { subject: "ü".repeat(200), file_name: "x".repeat(255), ..manifest() };
    assert!(most.encrypt(&key(), NONCE).is_ok());
}

#[test]
fn a_body_of_another_size_is_refused() {
    let expected = 21 + 6 + 17;
    assert_eq!(manifest().check_body(expected), Ok(()));
    for found in [0, expected - 1, expected + 1, u64::MAX] {
        assert_eq!(manifest().check_body(found), Err(BodyLengthError { expected, found }));
    }
    let bad = Manifest { length: u64::MAX, ..manifest() };
    assert!(bad.check_body(0).is_err());
}

#[test]
fn another_plaintext_is_refused() {
    let run = |pieces: &[&[u8]]| {
        let mut check = manifest().plaintext_check();
        pieces.iter().try_for_each(|piece| check.update(piece)).and_then(|()| check.finish())
    };
    assert_eq!(run(&[b"report"]), Ok(()));
    assert_eq!(run(&[b"", b"re", b"port", b""]), Ok(()));
    assert_eq!(run(&[b"repork"]), Err(PlaintextError::Hash));
    assert_eq!(run(&[b"repor"]), Err(PlaintextError::Length { expected: 6, found: 5 }));
    assert_eq!(run(&[]), Err(PlaintextError::Length { expected: 6, found: 0 }));
    assert_eq!(run(&[b"report", b"s"]), Err(PlaintextError::Length { expected: 6, found: 7 }));
}

#[test]
fn object_keys_name_the_letter() {
    assert_eq!(body_key(LETTER), "letters/a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1/body");
    assert_eq!(manifest_key(LETTER), "letters/a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1/manifest");
}

#[test]
fn debug_shows_no_pin_hash() {
    assert!(!format!("{:?}", manifest()).contains("238"), "0xee");
}

proptest! {
    #[test]
    fn damaged_objects_are_refused(at in any::<prop::sample::Index>(), bit in 0..8u8, cut in any::<bool>()) {
        let mut object = manifest().encrypt(&key(), NONCE).unwrap();
        let at = at.index(object.len());
        if cut { object.truncate(at) } else { object[at] ^= 1 << bit }
        prop_assert!(open(&object).is_err());
    }

    #[test]
    fn any_bytes_and_any_authentic_text_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
        prop_assert!(open(&bytes).is_err());
        prop_assert!(open(&seal_text(text.as_bytes())).is_err());
    }
}
