//! Bodies of other implementations open here, and ours open there.
//!
//! Needs Node with `http_ece` from npm, and a Python with `http-ece` from PyPI named by `WAXSEAL_PYTHON`.
//! `scripts/test` provides both and runs these with `--ignored`. What is missing makes them fail, not pass.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use waxseal::seal::{Framing, Manifest, Mode, Opener, Sealer, edge_key};
use waxseal::token::Keyring;
use waxseal::types::{Kid, LetterId};

/// An input key of each length we use: 16 bytes end to end, 32 bytes at the edge.
const KEYS: [&str; 2] =
    ["000102030405060708090a0b0c0d0e0f", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfefff0e1d2c3b4a5968778695a4b3c2d1e0f"];

const RECORD_SIZES: [u32; 2] = [4_096, 65_536];

fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(script);
    command
}

fn python() -> Command {
    let Some(python) = std::env::var_os("WAXSEAL_PYTHON") else {
        panic!(
            "WAXSEAL_PYTHON is not set. Make a Python for this test: python3 -m venv DIR && DIR/bin/pip install \
             -r tests/interop/requirements.txt, then set WAXSEAL_PYTHON=DIR/bin/python"
        );
    };
    let mut command = Command::new(python);
    command.arg("tests/interop/interop.py");
    command
}

fn run(mut command: Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} did not start: {error}. Is it installed?"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn plaintext(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i % 251) as u8).collect()
}

fn open(ikm: &[u8], framing: Framing, body: &[u8]) -> Vec<u8> {
    assert_eq!(body.len() as u64, framing.body_length());
    let mut opener = Opener::new(ikm, framing);
    let mut out = Vec::new();
    opener.push(body, &mut out).unwrap();
    opener.finish(&mut out).unwrap();
    out
}

/// Both ways for every key length, record size and a length on each side of the record boundary.
fn both_ways(mut peer: Command, seals_empty: bool) {
    let folder = TempDir::new().unwrap();
    let mut cases = Vec::new();
    for key in KEYS {
        for record_size in RECORD_SIZES {
            let data_per_record = record_size as usize - 17;
            for length in [0, 1, data_per_record, data_per_record + 1, 2 * data_per_record] {
                cases.push((key, record_size, length));
            }
        }
    }
    let file = |name: &str, at: usize| folder.path().join(format!("{name}-{at}"));
    for (at, (key, record_size, length)) in cases.iter().enumerate() {
        let data = plaintext(*length);
        let mut sealer = Sealer::new(&hex(key), [7; 16], *record_size).unwrap();
        let mut body = Vec::new();
        sealer.push(&data, &mut body).unwrap();
        sealer.finish(&mut body).unwrap();
        std::fs::write(file("plain", at), data).unwrap();
        std::fs::write(file("ours", at), body).unwrap();
        let size = record_size.to_string();
        peer.args(["open", key, &size]).args([file("ours", at), file("opened", at)]);
        if *length > 0 || seals_empty {
            peer.args(["seal", key, &size]).args([file("plain", at), file("theirs", at)]);
        }
    }
    run(peer);
    for (at, (key, record_size, length)) in cases.iter().enumerate() {
        let data = plaintext(*length);
        let read = |name| std::fs::read(file(name, at)).unwrap();
        assert!(read("opened") == data, "ours, {length} bytes in records of {record_size}, there");
        if *length > 0 || seals_empty {
            let framing = Framing::new(*length as u64, *record_size).unwrap();
            assert!(open(&hex(key), framing, &read("theirs")) == data, "theirs, {length} bytes, here");
        }
    }
}

#[test]
#[ignore = "needs http_ece from npm; scripts/test runs it"]
fn http_ece_from_npm_both_ways() {
    both_ways(node("tests/interop/interop.mjs"), true);
}

#[test]
#[ignore = "needs WAXSEAL_PYTHON with http-ece from PyPI; scripts/test runs it"]
fn http_ece_from_pypi_both_ways() {
    // It writes an empty message without any record, which RFC 8188 does not allow and we refuse.
    both_ways(python(), false);
}

#[test]
#[ignore = "needs Node; scripts/test runs it"]
fn the_example_for_node_seals_what_we_open() {
    let secret = [0x5a; 32];
    let keyring = Keyring::new(secret);
    let folder = TempDir::new().unwrap();
    for length in [0, 1, 65_519, 65_520, 200_000] {
        let data = plaintext(length);
        let file = folder.path().join("a report.pdf");
        std::fs::write(&file, &data).unwrap();
        let mut command = node("examples/seal.mjs");
        command.env("WAXSEAL_KEYS", &**keyring.to_json()).arg(&file);
        command.args(["application/pdf", "Your report"]).arg(folder.path()).arg("4000000000");
        let printed = run(command);
        let (letter, not_after) = printed.trim().split_once(' ').unwrap();
        assert_eq!(not_after, "4000000000");
        let id: LetterId = letter.parse().unwrap();
        assert_eq!(id.as_bytes()[6] >> 4, 7, "a version 7 UUID");

        let (manifest, body) = read_objects(folder.path(), letter);
        let (manifest, kid) = Manifest::open(&manifest, id, &keyring).unwrap();
        assert_eq!((kid, manifest.mode), (Kid(1), Mode::EdgeOpened));
        assert_eq!((manifest.file_name.as_str(), manifest.not_after.0), ("a report.pdf", 4_000_000_000));
        manifest.check_body(body.len() as u64).unwrap();
        let key = edge_key(keyring.get(kid).unwrap(), id);
        let opened = open(&*key, manifest.framing().unwrap(), &body);
        assert!(opened == data, "{length} bytes");
        let mut check = manifest.plaintext_check();
        check.update(&opened).unwrap();
        check.finish().unwrap();
    }
}

fn read_objects(folder: &Path, letter: &str) -> (Vec<u8>, Vec<u8>) {
    let letter = folder.join("letters").join(letter);
    (std::fs::read(letter.join("manifest")).unwrap(), std::fs::read(letter.join("body")).unwrap())
}

#[test]
#[ignore = "needs Node; scripts/test runs it"]
fn the_vectors_are_what_their_generator_makes() {
    let command = node("tests/interop/vectors.mjs");
    let path = Path::new("tests/vectors/seal.json");
    assert!(run(command) == std::fs::read_to_string(path).unwrap(), "run tests/interop/vectors.mjs again");
}
