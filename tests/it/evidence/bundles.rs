//! Bundles: what holds is said to hold, and whatever was touched is named.

use std::sync::LazyLock;

use proptest::prelude::*;
use waxseal::evidence::bundle::{self, AssembleError, Files, Parts, assemble, verify};
use waxseal::evidence::report::{Report, Trust, VerifyError};
use waxseal::ledger::{Kind, StoredEvent};
use waxseal::types::UnixMillis;

use super::letters::{
    LETTER, ORIGIN, START, Site, Witness, chain, letter_key, log_key, rows, terms, trust, usual,
    with as cosigned,
};

fn broken(files: &Files) -> VerifyError {
    let report = verify(files, &trust());
    assert!(!report.holds, "{report}");
    report.broken.unwrap()
}

/// File, line, code.
pub(super) fn named(files: &Files) -> (String, Option<u64>, &'static str) {
    let fault = broken(files);
    (fault.file, fault.line, fault.code)
}

fn text<'f>(files: &'f Files, name: &str) -> &'f str {
    str::from_utf8(&files[name]).unwrap()
}

/// The files with the text of one changed.
fn with(files: &Files, name: &str, change: impl FnOnce(&str) -> String) -> Files {
    let mut changed = files.clone();
    let text = change(text(files, name));
    assert_ne!(text, self::text(files, name), "{name} was not changed");
    changed.insert(name.into(), text.into_bytes());
    changed
}

/// Lines of events.jsonl in another order or number.
fn lines(files: &Files, change: impl FnOnce(&mut Vec<String>)) -> Files {
    with(files, "events.jsonl", |text| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        change(&mut lines);
        lines.into_iter().map(|line| line + "\n").collect()
    })
}

#[test]
fn a_genuine_bundle_holds_and_says_what_that_means() {
    let site = Site::usual();
    let report = verify(&site.bundle(Some(&letter_key())), &trust());
    assert!(report.holds, "{report}");
    assert_eq!(report.letter, Some(LETTER.to_string()));
    let log = report.log.as_ref().unwrap();
    assert_eq!((log.origin.as_str(), log.size), (ORIGIN, 506));
    assert_eq!(report.events.iter().map(|line| line.entry).collect::<Vec<_>>(), site.entries);
    let said = report.to_string();
    for words in [
        "The evidence holds.",
        "5 events: each is what was recorded",
        "signed by the log letters.example/log (506 entries)",
        "1 receipt says the same",
        "no witness was called for",
        "later events",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["holds"], &json["events"][2]["kind"]), (&true.into(), &"consent_given".into()));
}

#[test]
fn the_same_facts_give_the_same_bytes_in_the_files_of_the_documentation() {
    let site = Site::usual();
    let files = site.bundle(Some(&letter_key()));
    assert_eq!(files, site.bundle(Some(&letter_key())));
    let terms = format!("terms/{}.txt", data_encoding::HEXLOWER.encode(&terms()));
    let receipt = format!("receipts/{}.json", site.events[2].id);
    let proofs: Vec<_> = (1..=5).map(|n| format!("proofs/{n:06}.tlog-proof")).collect();
    let mut expected: Vec<&str> = vec![
        "bundle.json",
        "checkpoint",
        "events.jsonl",
        "letter.json",
        "letter.key",
        "readable.txt",
        &receipt,
        &terms,
    ];
    expected.extend(proofs.iter().map(String::as_str));
    expected.sort_unstable();
    assert_eq!(files.keys().collect::<Vec<_>>(), expected);
}

#[test]
fn the_readable_copy_is_readable_and_shows_what_strangers_wrote_as_they_wrote_it() {
    let files = Site::usual().bundle(Some(&letter_key()));
    let copy = text(&files, "readable.txt");
    let expected = concat!(
        "Waxseal evidence, readable copy, version 3\n\n",
        "Letter    07070707-0707-0707-0707-070707070707\n",
        "Log       letters.example/log\n",
        "Exported  2023-11-14T22:16:40.000Z\n",
        "Events    5\n",
        "Subject   Your inspection\n",
        "Reference R-2026/17\n",
        "File      inspection.pdf\n",
        "SHA-256   abababababababababababababababababababababababababababababababab\n\n",
        "1. 2023-11-14T22:13:21.000Z  sealed\n",
        "   The letter was sealed and stored.\n",
        "   by        sender\n",
        "   event     018bcfe5-6be8-7101-8101-010101010101\n",
        "   names     ",
    );
    assert!(copy.starts_with(expected), "{copy}");
    assert!(copy.contains("   details   3\n     asn: 64500\n     ip: \"203.0.113.9\"\n"), "{copy}");
    assert!(copy.contains(r#"     user_agent: "Mozilla/5.0\u{202e} (X11)\nfake line""#), "{copy}");
}

#[test]
fn details_can_be_withheld_and_are_gone_after_erasure() {
    let sealed = verify(&Site::usual().bundle(None), &trust());
    assert!(sealed.holds && sealed.not_checked.iter().any(|said| said.contains("withheld")), "{sealed}");
    let erased = Site::with(chain(&[Kind::Sealed, Kind::ConsentGiven, Kind::Expired, Kind::Erased]), 3);
    let files = erased.bundle(None);
    let report = verify(&files, &trust());
    assert!(report.holds && report.not_checked.iter().any(|said| said.contains("erased")), "{report}");
    for (name, bytes) in &files {
        assert!(!bytes.windows(11).any(|window| window == b"203.0.113.9"), "{name}");
    }
}

#[test]
fn every_stored_field_of_every_kind_of_event_is_guarded() {
    let site = Site::with(chain(Kind::ALL), 2);
    let files = site.bundle(Some(&letter_key()));
    assert!(verify(&files, &trust()).holds);
    let fields = ["seq", "id", "kind", "at", "actor", "terms", "sealed", "prev", "hash"];
    for (at, _) in Kind::ALL.iter().enumerate() {
        for field in fields {
            let changed = lines(&files, |lines| {
                let mut event: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(&lines[at]).unwrap();
                let value = &event[field];
                let other: serde_json::Value = match (field, value.as_str()) {
                    ("kind", Some("opened")) => "accepted".into(),
                    ("kind", _) => "opened".into(),
                    ("actor", Some("sender")) => "recipient".into(),
                    ("actor", _) => "sender".into(),
                    ("terms", None) => "7e".repeat(32).into(),
                    ("terms", Some(_)) => serde_json::Value::Null,
                    ("sealed", Some("")) => "00".into(),
                    (_, Some(hex)) => {
                        let flipped = if hex.starts_with('0') { '1' } else { '0' };
                        format!("{flipped}{}", &hex[1..]).into()
                    }
                    (_, None) => (value.as_u64().unwrap() + 1).into(),
                };
                let old = format!("\"{field}\":{value}");
                lines[at] = lines[at].replacen(&old, &format!("\"{field}\":{other}"), 1);
                event.clear();
            });
            let (file, line, code) = named(&changed);
            assert_eq!(
                (file.as_str(), line),
                ("events.jsonl", Some(at as u64 + 1)),
                "{field} of line {}",
                at + 1
            );
            assert!(["altered", "missing", "out_of_order"].contains(&code), "{code}");
        }
    }
}

#[test]
fn lines_that_are_gone_added_or_moved_are_named() {
    let files = Site::usual().bundle(Some(&letter_key()));
    let line = |n, code| ("events.jsonl".to_owned(), Some(n), code);
    assert_eq!(named(&lines(&files, |lines| drop(lines.remove(1)))), line(2, "missing"));
    assert_eq!(named(&lines(&files, |lines| lines.swap(1, 2))), line(2, "missing"));
    assert_eq!(named(&lines(&files, |lines| lines.truncate(3))), line(4, "truncated"));
    assert_eq!(named(&lines(&files, |lines| lines.insert(2, lines[1].clone()))), line(3, "out_of_order"));
    assert_eq!(named(&lines(&files, |lines| lines[3].insert(0, ' '))), line(4, "event_malformed"));
    assert_eq!(named(&lines(&files, |lines| lines.push(String::new()))), line(6, "event_malformed"));
    assert_eq!(
        named(&with(&files, "events.jsonl", |text| text.trim_end().into())),
        line(5, "event_malformed")
    );
    let many = lines(&files, |lines| lines.extend(vec![lines[4].clone(); 2_000]));
    assert_eq!(named(&many), line(6, "out_of_order"));
    // The first of two broken lines.
    let two = lines(&files, |lines| {
        lines[1] = lines[1].replace("opened", "accepted");
        lines[3].clear();
    });
    assert_eq!(named(&two), line(2, "altered"));
    let none = with(&files, "events.jsonl", |_| String::new());
    assert_eq!(named(&none), line(1, "truncated"));
}

#[test]
fn every_other_file_is_guarded_too() {
    let site = Site::usual();
    let files = site.bundle(Some(&letter_key()));
    let terms = format!("terms/{}.txt", data_encoding::HEXLOWER.encode(&terms()));
    let receipt = format!("receipts/{}.json", site.events[2].id);
    let proof = "proofs/000003.tlog-proof";
    let check = |files: Files, file: &str, line: Option<u64>, code: &'static str| {
        assert_eq!(named(&files), (file.to_owned(), line, code));
    };
    let optional = ["letter.key", "letter.json"];
    let needed = |name: &&String| !name.starts_with("receipts/") && !optional.contains(&name.as_str());
    for name in files.keys().filter(needed) {
        let mut fewer = files.clone();
        fewer.remove(name);
        check(fewer, name, None, "file_missing");
    }
    let replaced = |name: &str, from: &'static str, to: &'static str| {
        with(&files, name, |text| text.replacen(from, to, 1))
    };
    check(replaced("bundle.json", "evidence/1", "evidence/2"), "bundle.json", None, "bundle_unknown_format");
    check(replaced("bundle.json", "{\n", "{\n\n"), "bundle.json", None, "bundle_malformed");
    check(replaced("bundle.json", "letters.", "litters."), "bundle.json", None, "checkpoint_other_log");
    check(replaced("bundle.json", "07070707", "07070708"), "events.jsonl", Some(1), "altered");
    check(replaced("bundle.json", "17000002", "17000003"), "readable.txt", Some(5), "readable_differs");
    check(replaced("readable.txt", "sender", "nobody"), "readable.txt", Some(14), "readable_differs");
    check(
        replaced("readable.txt", "version 3", "version 30"),
        "readable.txt",
        Some(1),
        "readable_unknown_version",
    );
    check(
        replaced("readable.txt", "Waxseal", "Someone"),
        "readable.txt",
        Some(1),
        "readable_unknown_version",
    );
    check(replaced("letter.key", "09", "08"), "events.jsonl", Some(1), "details_not_opened");
    check(replaced("letter.key", "09", "9"), "letter.key", Some(1), "key_malformed");
    check(replaced(&terms, "We", "They"), &terms, None, "terms_altered");
    check(replaced("checkpoint", "506", "505"), "checkpoint", None, "signature_false");
    check(replaced("checkpoint", "letters.example/log\n", "x\n"), "checkpoint", None, "checkpoint_other_log");
    check(replaced(proof, "index 302", "index 303"), proof, None, "proof_wrong_root");
    check(replaced(proof, "index 302", "index 506"), proof, None, "proof_outside");
    check(replaced(proof, "\n\n", "\n"), proof, None, "proof_malformed");
    check(replaced(proof, "\n506\n", "\n505\n"), proof, None, "proof_other_checkpoint");
    check(replaced(&receipt, "Withdraw consent", "Nothing"), &receipt, Some(97), "receipt_differs");
    check(replaced(&receipt, "hallo@", "hello@"), &receipt, None, "signature_false");
    let mut moved = files.clone();
    let bytes = moved.remove(&receipt).unwrap();
    moved.insert("receipts/other.json".into(), bytes);
    check(moved, "receipts/other.json", None, "receipt_differs");
    for name in
        ["a.txt", "proofs/000006.tlog-proof", "terms/x.txt", "readable.txt.html", "certificate-english.html"]
    {
        let mut more = files.clone();
        more.insert(name.into(), Vec::new());
        // It touches nothing that is proved, and the answer says that it was put there.
        let report = verify(&more, &trust());
        assert!(report.holds && report.package.iter().any(|said| said.starts_with(name)), "{name}: {report}");
    }
    let names = |from: &'static str, to: &'static str| replaced("letter.json", from, to);
    check(names("Your inspection", "My inspection"), "letter.json", None, "names_differ");
    check(names("R-2026/17", "R-2026/18"), "letter.json", None, "names_differ");
    check(names("inspection.pdf", "other.pdf"), "letter.json", None, "names_differ");
    check(names("abab", "abac"), "letter.json", None, "names_differ");
    check(names("5a5a", "5a5b"), "letter.json", None, "names_differ");
    check(names("{\n", "{\n\n"), "letter.json", None, "names_malformed");
    let mut nameless = files.clone();
    nameless.remove("letter.json");
    check(nameless, "readable.txt", Some(7), "readable_differs");
    // Also one in a language of a later version.
    for name in ["certificate-nl.html", "certificate-pt.html"] {
        let mut page = files.clone();
        page.insert(name.into(), b"<h1>".to_vec());
        let report = verify(&page, &trust());
        assert!(
            report.package.is_empty() && report.not_checked.iter().any(|said| said.starts_with(name)),
            "{report}"
        );
    }
}

#[test]
fn another_key_or_another_log_is_not_trusted() {
    let site = Site::usual();
    let files = site.bundle(Some(&letter_key()));
    let stranger = verify(&files, &Trust::log(log_key(2).verifier().clone()));
    assert_eq!(stranger.broken.unwrap().code, "signature_missing");
    let witness = log_key(3).verifier().clone();
    let called = Trust { witnesses: vec![witness], quorum: 1, ..trust() };
    let report = verify(&files, &called);
    assert_eq!(report.broken.as_ref().unwrap().code, "witnesses_missing", "{report}");
    assert!(
        report.to_string().contains("0 of the known witnesses saw this checkpoint, and 1 are called for")
    );
}

#[test]
fn witnesses_count_and_their_clock_too() {
    let witnesses = [Witness::new("w1.example", 1), Witness::new("w2.example", 2)];
    let keys: Vec<_> = witnesses.iter().map(|witness| witness.1.clone()).collect();
    let called = |quorum| Trust { witnesses: keys.clone(), quorum, ..trust() };
    let seen_at = |seconds: u64| {
        let mut site = Site::usual();
        site.note = cosigned(&site.note, &[witnesses[1].line(&site.note, seconds)]);
        site.bundle(None)
    };
    // The last event is five seconds after the start, and clocks may differ by five minutes.
    let last = START / 1_000 + 5;
    let report = verify(&seen_at(last), &called(1));
    assert!(report.holds, "{report}");
    assert!(report.to_string().contains("cosigned by 1 known witness."), "{report}");
    assert!(!report.to_string().contains("no witness"), "{report}");
    assert_eq!(report.log.unwrap().witnesses[0].witness, "w2.example");
    assert_eq!(verify(&seen_at(last), &called(2)).broken.unwrap().code, "witnesses_missing");
    assert!(verify(&seen_at(last - 300), &called(1)).holds);
    let fault = verify(&seen_at(last - 301), &called(1)).broken.unwrap();
    assert_eq!(
        (fault.file.as_str(), fault.line, fault.code),
        ("events.jsonl", Some(5), "time_after_witness")
    );
}

#[test]
fn what_cannot_be_proved_is_not_assembled() {
    let site = Site::usual();
    let rows = rows(&site.events);
    let inclusions: Vec<_> = site.entries.iter().map(|entry| site.inclusion(*entry)).collect();
    let key = letter_key();
    let parts = || Parts {
        letter: LETTER,
        origin: ORIGIN,
        events: &rows,
        inclusions: &inclusions,
        checkpoint: &site.note,
        key: Some(&key),
        names: None,
        terms: &[],
        receipts: &[],
        exported_at: UnixMillis(START),
    };
    assert!(matches!(assemble(&parts()), Err(AssembleError::Terms(_))));
    let short = Parts { inclusions: &inclusions[..4], ..parts() };
    assert_eq!(assemble(&short), Err(AssembleError::Proofs { events: 5, proofs: 4 }));
    let other = waxseal::ledger::LetterKey::new(&mut [8; 32]);
    assert_eq!(assemble(&Parts { key: Some(&other), ..parts() }), Err(AssembleError::Details(1)));
    let mut altered: Vec<StoredEvent> = rows.clone();
    altered[2].at += 1;
    assert_eq!(assemble(&Parts { events: &altered, ..parts() }).unwrap_err().code(), "altered");
}

#[test]
fn the_longest_record_a_letter_can_have_holds() {
    let kinds: Vec<Kind> = (0..waxseal::ledger::MAX_LEDGER_EVENTS)
        .map(|n| if n == 0 { Kind::Sealed } else { Kind::Opened })
        .collect();
    let report = verify(&Site::with(chain(&kinds), 1).bundle(Some(&letter_key())), &trust());
    assert!(
        report.holds && report.events.len() as u64 == waxseal::ledger::MAX_LEDGER_EVENTS,
        "{:?}",
        report.broken
    );
}

#[test]
fn an_empty_or_enormous_bundle_is_refused() {
    let files = |files: &[(&str, usize)]| -> Files {
        files.iter().map(|(name, bytes)| ((*name).to_owned(), vec![0; *bytes])).collect()
    };
    let code = |report: Report| report.broken.unwrap().code;
    assert_eq!(code(verify(&Files::new(), &trust())), "file_missing");
    assert_eq!(code(verify(&files(&[("a", (128 << 20) + 1)]), &trust())), "bundle_too_large");
    let many: Files = (0..=bundle::MAX_BUNDLE_FILES).map(|n| (n.to_string(), Vec::new())).collect();
    assert_eq!(code(verify(&many, &trust())), "bundle_too_large");
}

static GENUINE: LazyLock<Files> = LazyLock::new(|| Site::with(usual(), 3).bundle(Some(&letter_key())));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn one_changed_byte_anywhere_is_noticed(pick in any::<usize>(), change in 1u8..) {
        let mut files = GENUINE.clone();
        let total: usize = files.values().map(Vec::len).sum();
        let mut at = pick % total;
        for (name, bytes) in &mut files {
            if at < bytes.len() {
                bytes[at] ^= change;
                let name = name.clone();
                let report = verify(&files, &trust());
                prop_assert!(!report.holds, "byte {} of {}", at, name);
                break;
            }
            at -= bytes.len();
        }
    }
}
