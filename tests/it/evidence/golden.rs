//! `tests/vectors/evidence.json`: a bundle and its key, for other implementations and for later versions of this one.
//! `cargo test --test it -- --ignored evidence::golden::regenerate` writes it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use waxseal::evidence::bundle::{Files, verify};
use waxseal::evidence::report::Trust;

use super::letters::{Site, letter_key, log_key};

const PATH: &str = "tests/vectors/evidence.json";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Golden {
    /// The site secret that the log's key is derived from, in hexadecimal, and the origin.
    secret: String,
    origin: String,
    vkey: String,
    files: BTreeMap<String, String>,
}

fn made() -> Golden {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let files = Site::usual().bundle(Some(&letter_key()));
    Golden {
        secret: "01".repeat(32),
        origin: super::letters::ORIGIN.into(),
        vkey: log_key(1).verifier().to_string(),
        files: files.into_iter().map(|(name, bytes)| (name, text(bytes))).collect(),
    }
}

#[test]
#[ignore = "writes tests/vectors/evidence.json"]
fn regenerate() {
    std::fs::write(PATH, serde_json::to_string_pretty(&made()).unwrap() + "\n").unwrap();
}

#[test]
fn the_stored_bundle_is_what_we_make_and_holds() {
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    let files: Files =
        golden.files.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())).collect();
    let report = verify(&files, &Trust::log(golden.vkey.parse().unwrap()));
    assert!(report.holds, "{report}");
    assert_eq!(golden, made(), "regenerate tests/vectors/evidence.json");
}
