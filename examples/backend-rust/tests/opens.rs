//! What the example seals is a letter: its link is valid, its manifest and body open.

use std::fs;
use std::process::Command;

use waxseal::seal::{Manifest, Opener, body_key, edge_key, manifest_key};
use waxseal::token::{Class, Keyring, classify};
use waxseal::types::UnixSeconds;

#[test]
fn the_link_is_valid_and_the_report_opens() {
    let bucket = tempfile::tempdir().unwrap();
    let report = b"%PDF-1.7 the brakes are fine".repeat(10_000);
    let file = bucket.path().join("report");
    fs::write(&file, &report).unwrap();
    let keyring = Keyring::new([7; 32]);
    let out = Command::new(env!("CARGO_BIN_EXE_backend-rust"))
        .env("WAXSEAL_KEYS", keyring.to_json().as_str())
        .arg("https://letters.example")
        .args([&file, bucket.path()])
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));

    let link = String::from_utf8(out.stdout).unwrap();
    let path = link.trim_end().strip_prefix("https://letters.example").unwrap();
    let Class::Valid(verified) = classify(path, &keyring, UnixSeconds(1_790_000_000)) else {
        panic!("{link}")
    };
    let object = |key: String| fs::read(bucket.path().join(key)).unwrap();

    let (manifest, kid) =
        Manifest::open(&object(manifest_key(verified.letter)), verified.letter, &keyring).unwrap();
    assert_eq!((manifest.not_after, kid), (verified.not_after, verified.kid));

    let body = object(body_key(verified.letter));
    manifest.check_body(body.len() as u64).unwrap();
    let mut plaintext = Vec::new();
    let mut opener = Opener::new(&*edge_key(keyring.active(), verified.letter), manifest.framing().unwrap());
    opener.push(&body, &mut plaintext).unwrap();
    opener.finish(&mut plaintext).unwrap();
    let mut check = manifest.plaintext_check();
    check.update(&plaintext).unwrap();
    check.finish().unwrap();
    assert_eq!(plaintext, report);
}
