//! `examples/verify.mjs`, which shares no code with us, on our bundles. Needs Node; `scripts/test` has it and runs these with
//! `--include-ignored`.

use std::process::Command;

use waxseal::evidence::bundle::Files;

use super::letters::{Site, log_key};

/// Whether it was satisfied, and what it said.
fn verdict(files: &Files, vkey: &str) -> (bool, String) {
    let folder = tempfile::TempDir::new().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let script = "examples/verify.mjs";
    let output = Command::new("node").arg(script).arg(folder.path()).arg(vkey).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap().trim_end().to_owned())
}

#[test]
#[ignore = "needs Node"]
fn a_verifier_in_another_language_agrees() {
    let files = Site::usual().bundle(None);
    let vkey = log_key(1).verifier().to_string();
    assert_eq!(verdict(&files, &vkey), (true, "5 events hold, and are in the log.".into()));
    let changed = |name: &str, from: &str, to: &str| {
        let mut files = files.clone();
        let text = str::from_utf8(&files[name]).unwrap().replacen(from, to, 1);
        assert_ne!(text.as_bytes(), files[name]);
        files.insert(name.into(), text.into_bytes());
        verdict(&files, &vkey)
    };
    for (name, from, to, words) in [
        ("events.jsonl", "opened", "accepted", "events.jsonl, line 2: not what was recorded"),
        (
            "events.jsonl",
            "\"seq\":2",
            "\"seq\":3",
            "events.jsonl, line 2: an event is missing or out of order",
        ),
        ("bundle.json", "07070707", "07070708", "events.jsonl, line 1: not what was recorded"),
        (
            "proofs/000003.tlog-proof",
            "index 302",
            "index 300",
            "proofs/000003.tlog-proof: the event is not shown to be in the log",
        ),
        ("proofs/000003.tlog-proof", "\n506\n", "\n507\n", "the checkpoint is not signed with this key"),
    ] {
        assert_eq!(changed(name, from, to), (false, words.into()));
    }
    // A bundle that says another number of events, or another last one, than there are.
    let mut cut = files.clone();
    let text = str::from_utf8(&files["events.jsonl"]).unwrap().trim_end().rsplit_once('\n').unwrap().0;
    cut.insert("events.jsonl".into(), format!("{text}\n").into_bytes());
    let words = "events.jsonl: there are not as many events as bundle.json says";
    assert_eq!(verdict(&cut, &vkey), (false, words.into()));
    let about = str::from_utf8(&files["bundle.json"]).unwrap().replacen("\"events\": 5", "\"events\": 4", 1);
    cut.insert("bundle.json".into(), about.into_bytes());
    let words = "events.jsonl: the last event is not the one that bundle.json names";
    assert_eq!(verdict(&cut, &vkey), (false, words.into()));
    let stranger = log_key(2).verifier().to_string();
    assert_eq!(verdict(&files, &stranger), (false, "the checkpoint is not signed with this key".into()));
    assert!(!verdict(&files, "letters.example/log").0);
}
