//! A letter for each line of a table: what a table may look like, which mistakes are told, and that no line becomes two letters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use waxseal::seal::{FragmentKey, Manifest, edge_key};
use waxseal::types::LetterId;

use super::stub::{Fault, Stub, open};
use super::support::{Desk, Ran, keyring};

/// A table, and the reports that it names.
pub(crate) fn desk(table: &str) -> Desk {
    let desk = Desk::new();
    desk.write("letters.csv", table.as_bytes());
    std::fs::create_dir(desk.path("reports")).unwrap();
    for name in ["a", "b", "c", "d"] {
        desk.write(&format!("reports/{name}.txt"), format!("Report {name}\n").as_bytes());
    }
    desk
}

pub(crate) fn bulk(desk: &Desk, stub: &Stub, more: &[&str]) -> Ran {
    desk.run(&[&["seal", "--from", "letters.csv", "--url", &stub.url(), "--retries", "0"], more].concat())
}

/// What was answered, by line of the table.
pub(crate) fn answers(text: &str) -> BTreeMap<u64, Value> {
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: BTreeMap<_, _> = lines.iter().map(|it| (it["line"].as_u64().unwrap(), it.clone())).collect();
    assert_eq!(found.len(), lines.len(), "each line once: {text}");
    found
}

pub(crate) fn links(answers: &BTreeMap<u64, Value>) -> BTreeSet<String> {
    answers.values().map(|it| it["link"].as_str().unwrap().to_owned()).collect()
}

/// The manifest of an answer's letter.
fn manifest(stub: &Stub, answer: &Value) -> Manifest {
    let id = answer["letter"].as_str().unwrap();
    let letter: LetterId = id.parse().unwrap();
    Manifest::open(&stub.store().manifests[id], letter, &keyring()).unwrap().0
}

pub(crate) const JOURNAL: &str = "letters.csv.waxseal-journal";
pub(crate) const FOUR: &str =
    "file,subject\nreports/a.txt,A\nreports/b.txt,B\nreports/c.txt,C\nreports/d.txt,D\n";

#[test]
fn a_line_says_what_its_letter_is_in_any_form_that_spreadsheets_write() {
    let full = "file,Subject,customer,reference,language,expires,name,media_type,terms,retention,to\n\
                reports/a.txt,\"Your car, \"\"A\"\"\",C-1,R-1,nl,2031-05-01T10:00:00Z,Inspection.txt,text/plain,,400d,jan@mail.example\n\
                reports/b.txt,B,,,,,,,,,\n";
    let mut quoted = false;
    let semicolons: String = full
        .chars()
        .map(|c| {
            quoted ^= c == '"';
            if c == ',' && !quoted { ';' } else { c }
        })
        .collect();
    let utf16: Vec<u8> = format!("\u{feff}{full}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (what, table) in [
        ("as it stands", full.into()),
        ("byte order mark", format!("\u{feff}{full}").into_bytes()),
        ("CR LF", full.replace('\n', "\r\n").into_bytes()),
        ("empty lines", full.replace('\n', "\n\n").into_bytes()),
        ("no end of line", full.trim_end().into()),
        ("semicolons", semicolons.clone().into_bytes()),
        ("tabs", semicolons.replace(';', "\t").into_bytes()),
        ("UTF-16", utf16),
    ] {
        let table: Vec<u8> = table;
        let (desk, stub) = (desk(""), Stub::start());
        desk.write("letters.csv", &table);
        let ran =
            bulk(&desk, &stub, &["--subject", "Other", "--lang", "de", "--expires", "2030-01-01T00:00:00Z"])
                .succeeded();
        let answers = answers(&ran.out);
        let [a, b] = answers.values().collect::<Vec<_>>()[..] else { panic!("{what}: {}", ran.out) };
        assert_eq!(
            (&a["file"], &a["customer"], &a["reference"], &a["to"]),
            (&"reports/a.txt".into(), &"C-1".into(), &"R-1".into(), &"jan@mail.example".into()),
            "{what}"
        );
        let said = manifest(&stub, a);
        assert_eq!(
            (said.subject.as_str(), said.customer.as_deref(), said.reference.as_deref()),
            ("Your car, \"A\"", Some("C-1"), Some("R-1")),
            "{what}"
        );
        assert_eq!(
            (said.language.as_deref(), said.retention_days, said.file_name.as_str(), said.not_after.0),
            (Some("nl"), 400, "Inspection.txt", 1_935_396_000),
            "{what}"
        );
        let said = manifest(&stub, b);
        assert_eq!(
            (said.subject.as_str(), said.customer.as_deref(), said.language.as_deref(), said.retention_days),
            ("B", None, Some("de"), 366),
            "{what}"
        );
        assert_eq!(
            (said.not_after.0, b["not_after"].as_u64()),
            (1_893_456_000, Some(1_893_456_000)),
            "{what}"
        );
        let (id, key) = (b["letter"].as_str().unwrap(), edge_key(keyring().active(), said.letter));
        assert_eq!(open(&stub.store().bodies[id], key.as_slice(), &said), b"Report b\n", "{what}");
        assert_eq!(
            (&a["new"], ran.err.contains("2 letters: 2 sealed now")),
            (&true.into(), true),
            "{what}: {}",
            ran.err
        );
    }
}

#[test]
fn every_mistake_is_told_with_its_line_column_and_value_and_nothing_is_sealed() {
    let past = "2020-01-01T00:00:00Z";
    for (table, told) in [
        ("", vec!["line 1: there is no column `file`"]),
        ("file\n", vec!["line 1: there is no column `subject`"]),
        ("file,subject\n", vec!["the table has no letters"]),
        (
            "file,subject,langage\nreports/a.txt,A,nl\n",
            vec!["line 1: \"langage\": this is no column: the columns are file, subject, customer"],
        ),
        ("file,subject,file\na,b,c\n", vec!["line 1: \"file\": this column stands there twice"]),
        (
            "file,subject\nreports/a.txt\nreports/b.txt,B,C\n",
            vec![
                "line 2: \"reports/a.txt\": 1 fields, and the first line names 2",
                "line 3: \"reports/b.txt\": 3 fields",
            ],
        ),
        ("file,subject\nreports/a.txt,\"A\nreports/b.txt,B\n", vec!["line 2: ", "close"]),
        (
            "file,subject\n,A\nreports/a.txt,\n",
            vec!["line 2: file: it is empty", "line 3: subject: it is empty"],
        ),
        (
            "file,subject\nreports/none.pdf,A\nreports,B\n",
            vec![
                "line 2: file \"reports/none.pdf\": ",
                "No such file",
                "line 3: file \"reports\": ",
                "it is a folder",
            ],
        ),
        (
            "file,subject,language\nreports/a.txt,A,xx\n",
            vec!["line 2: language \"xx\": this is no language of the pages: write one of "],
        ),
        (
            "file,subject,expires\nreports/a.txt,A,soon\nreports/b.txt,B,2020-01-01T00:00:00Z\n",
            vec![
                "line 2: expires \"soon\": expected a duration such as 30d",
                &past[..4],
                "line 3: expires: ",
                "is in the past",
            ],
        ),
        (
            "file,subject,terms,retention,to\nreports/a.txt,A,abc,x,jan\n",
            vec![
                "line 2: terms \"abc\": ",
                "line 2: retention \"x\": expected a number of days",
                "line 2: to \"jan\": expected one mail address",
            ],
        ),
        ("file,subject\nreports/a.txt,\u{202e}A\n", vec!["line 2: subject \"\u{fffd}A\": holds "]),
        ("file,subject,retention\nreports/a.txt,A,65000\n", vec!["line 2: retention \"65000\": "]),
        (
            "file,subject,name\nreports/a.txt,A,nameless\nreports/empty,B,\n",
            vec!["line 3: file \"reports/empty\": the report is empty"],
        ),
    ] {
        let (desk, stub) = (desk(table), Stub::start());
        desk.write("reports/empty", b"");
        let ran = bulk(&desk, &stub, &[]).failed(1);
        for told in told {
            assert!(ran.err.contains(told), "{table:?}: {told:?} is not in {}", ran.err);
        }
        assert!(
            ran.err.contains("letters.csv has ") && ran.err.contains("nothing was sealed"),
            "{}",
            ran.err
        );
        assert!(ran.out.is_empty() && !ran.err.contains('\u{202e}'), "{}", ran.out);
        let there: Vec<_> = desk.names().into_iter().filter(|it| it != JOURNAL).collect();
        assert_eq!(there, ["letters.csv", "reports"], "{table:?}");
        assert!(std::fs::read(desk.path(JOURNAL)).unwrap_or_default().is_empty(), "{table:?}");
        assert_eq!(stub.count("letters"), 0, "{table:?}: {:?}", stub.store().log);
        let ran = bulk(&desk, &stub, &["--json"]).failed(1);
        assert_eq!((ran.error_code().as_str(), ran.out.as_str()), ("table_invalid", ""), "{table:?}");
    }
    let (desk, stub) = (desk(""), Stub::start());
    desk.write("letters.csv", b"file,subject\nreports/a.txt,A\nreports/b.txt,f\xfcr\n");
    let ran = bulk(&desk, &stub, &[]).failed(1);
    assert!(ran.err.contains("line 3: this is not UTF-8"), "{}", ran.err);
    // A hundred errors are counted, and half of them told.
    desk.write("letters.csv", format!("file,subject\n{}", "none,A\n".repeat(100)).as_bytes());
    let ran = bulk(&desk, &stub, &[]).failed(1);
    assert!(ran.err.contains("has 100 errors") && ran.err.contains("and 50 more"), "{}", ran.err);
}

#[test]
fn what_cannot_be_meant_is_a_usage_error() {
    let (desk, stub) = (desk(FOUR), Stub::start());
    let url = stub.url();
    for (arguments, code) in [
        (&["seal", "report.pdf", "--subject", "S", "--from", "letters.csv"][..], "usage"),
        (&["seal", "report.pdf", "--subject", "S", "--output", "x"], "usage"),
        (&["seal", "--from", "letters.csv", "--customer", "C-1"], "usage"),
        (&["seal", "--from", "letters.csv", "--qr"], "usage"),
        (&["seal", "--from", "none.csv"], "table_not_read"),
        (&["seal", "--from", "-"], "journal_missing"),
        (&["seal", "--from", "letters.csv", "--message", "eml"], "message_form"),
        (&["seal", "--from", "letters.csv", "--upload", "ftp://x"], "upload_settings"),
    ] {
        let ran = desk.run(&[arguments, &["--url", &url, "--json"]].concat()).failed(2);
        assert_eq!(ran.error_code(), code, "{arguments:?}: {}", ran.err);
    }
    assert_eq!(stub.count("letters"), 0);
}

#[test]
fn the_same_command_goes_on_where_it_ended_and_every_line_keeps_its_link() {
    let (desk, stub) = (desk(FOUR), Stub::start());
    stub.fail("manifest", Fault::Status(422), 1);
    let ran = bulk(&desk, &stub, &[]).failed(1);
    assert!(
        ran.err.contains("error: line ")
            && ran.err.contains("of 4 letters are sealed. The same command goes on"),
        "{}",
        ran.err
    );
    let first = answers(&ran.out);
    let sealed = stub.store().manifests.len();
    assert!(first.len() == sealed && sealed < 4, "{}", ran.out);
    let second = bulk(&desk, &stub, &[]).succeeded();
    let second = answers(&second.out);
    assert_eq!((second.len(), stub.store().manifests.len()), (4, 4));
    for (line, answer) in &second {
        match first.get(line) {
            Some(before) => assert_eq!((&answer["link"], &answer["new"]), (&before["link"], &false.into())),
            None => assert_eq!(answer["new"], true),
        }
    }
    // Once more, without a call about letters and without their reports.
    let calls = stub.count("letters");
    std::fs::remove_dir_all(desk.path("reports")).unwrap();
    let third = bulk(&desk, &stub, &[]).succeeded();
    assert!(third.err.contains("0 sealed now, 4 earlier"), "{}", third.err);
    assert_eq!((links(&answers(&third.out)), stub.count("letters")), (links(&second), calls));
}

#[test]
fn a_letter_whose_end_nobody_noted_is_asked_for_and_not_sealed_again() {
    for more in [&[][..], &["--end-to-end"]] {
        let (desk, stub) = (desk(FOUR), Stub::start());
        let first = answers(&bulk(&desk, &stub, more).succeeded().out);
        let before = stub.store().manifests.clone();
        let journal = String::from_utf8(desk.read("letters.csv.waxseal-journal")).unwrap();
        // As if the process had been killed before it noted what the edge answered, in the middle of a line.
        let begun: String =
            journal.lines().filter(|line| !line.contains("sealed")).map(|line| format!("{line}\n")).collect();
        std::fs::write(desk.path("letters.csv.waxseal-journal"), format!("{begun}{{\"sealed\":{{\"let"))
            .unwrap();
        let second = bulk(&desk, &stub, more).succeeded();
        assert!(second.err.contains("0 sealed now, 4 earlier"), "{}", second.err);
        assert_eq!((links(&answers(&second.out)), &stub.store().manifests), (links(&first), &before));
        // The half line is gone: the journal is whole again.
        assert!(bulk(&desk, &stub, more).succeeded().err.contains("0 sealed now, 4 earlier"));
        // One that the edge does not have is sealed, as the same letter.
        let lost = first[&3]["letter"].as_str().unwrap().to_owned();
        stub.store().manifests.remove(&lost);
        std::fs::write(desk.path("letters.csv.waxseal-journal"), begun).unwrap();
        let third = bulk(&desk, &stub, more).succeeded();
        assert!(third.err.contains("1 sealed now, 3 earlier"), "{}", third.err);
        let third = answers(&third.out);
        assert_eq!(links(&third), links(&first));
        let said = manifest(&stub, &third[&3]);
        let key = match third[&3]["link"].as_str().unwrap().split_once('#') {
            Some((_, fragment)) => fragment.parse::<FragmentKey>().unwrap().as_bytes().to_vec(),
            None => edge_key(keyring().active(), said.letter).to_vec(),
        };
        assert_eq!(more.is_empty(), said.key_check.is_none());
        assert_eq!(open(&stub.store().bodies[&lost], &key, &said), b"Report b\n");
    }
}

#[test]
fn lines_may_move_and_come_but_a_sealed_one_may_not_change() {
    let (desk, stub) =
        (desk("file,subject\nreports/a.txt,A\nreports/b.txt,B\nreports/b.txt,B\n"), Stub::start());
    let first = answers(&bulk(&desk, &stub, &[]).succeeded().out);
    assert_eq!((first.len(), links(&first).len()), (3, 3), "two equal lines are two letters");
    desk.write(
        "letters.csv",
        b"file,subject\nreports/c.txt,C\nreports/b.txt,B\nreports/a.txt,A\nreports/b.txt,B\n",
    );
    let second = bulk(&desk, &stub, &[]).succeeded();
    assert!(second.err.contains("4 letters: 1 sealed now, 3 earlier"), "{}", second.err);
    assert!(links(&answers(&second.out)).is_superset(&links(&first)));
    let letter = first[&2]["letter"].as_str().unwrap();
    for changed in ["reports/a.txt,Another", "reports/d.txt,A", ""] {
        desk.write(
            "letters.csv",
            format!("file,subject\n{changed}\nreports/b.txt,B\nreports/b.txt,B\nreports/c.txt,C\n")
                .as_bytes(),
        );
        let ran = bulk(&desk, &stub, &["--json"]).failed(1);
        assert_eq!(ran.error_code(), "table_changed");
        assert!(
            ran.err.contains("a letter was sealed whose line was changed")
                && ran.err.contains(&format!("line 2 then: letter {letter}")),
            "{}",
            ran.err
        );
        assert!(ran.out.is_empty());
    }
    assert_eq!(stub.store().manifests.len(), 4);
    // With another default all lines are others.
    desk.write("letters.csv", FOUR.as_bytes());
    let ran = bulk(&desk, &stub, &["--journal", "new", "--expires", "10d"]).succeeded();
    assert_eq!(answers(&ran.out).len(), 4);
    let ran = bulk(&desk, &stub, &["--journal", "new", "--expires", "11d"]).failed(1);
    assert!(ran.err.contains("4 letters were sealed whose line"), "{}", ran.err);
}

#[test]
fn a_line_that_was_begun_and_never_sealed_may_still_be_mended() {
    let (desk, stub) = (desk("file,subject\nreports/a.txt,A\n"), Stub::start());
    stub.fail("PUT", Fault::Status(422), 9);
    bulk(&desk, &stub, &[]).failed(1);
    let stub = Stub::start();
    let url = format!("\"url\":\"{}\"", stub.url());
    let journal = String::from_utf8(desk.read("letters.csv.waxseal-journal")).unwrap();
    let start = journal.find("\"url\":\"").unwrap();
    let end = start + 7 + journal[start + 7..].find('"').unwrap() + 1;
    desk.write(
        "letters.csv.waxseal-journal",
        format!("{}{url}{}", &journal[..start], &journal[end..]).as_bytes(),
    );
    #[cfg(unix)]
    std::fs::set_permissions(
        desk.path("letters.csv.waxseal-journal"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    desk.write("letters.csv", b"file,subject\nreports/b.txt,B\n");
    let ran = bulk(&desk, &stub, &[]).succeeded();
    assert!(ran.err.contains("1 letter: 1 sealed now"), "{}", ran.err);
    assert_eq!(stub.store().manifests.len(), 1);
}

#[test]
fn a_table_from_standard_input_finds_its_files_from_here() {
    let (desk, stub) = (desk(""), Stub::start());
    let url = stub.url();
    let arguments = ["seal", "--from", "-", "--journal", "j", "--url", &url, "--expires", "2030-05-01"];
    let first = desk.run_with_input(&arguments, FOUR.as_bytes()).succeeded();
    let first = answers(&first.out);
    // The end of that day where the site is.
    assert_eq!(first[&2]["expires_at"], "2030-05-01T21:59:59Z");
    assert_eq!(stub.count("/site"), 1, "the edge is asked once");
    let second = desk.run_with_input(&arguments, FOUR.as_bytes()).succeeded();
    assert_eq!(links(&answers(&second.out)), links(&first));
}

#[test]
fn each_letter_has_its_message() {
    let table =
        "file,subject,language,to\nreports/a.txt,Your car,nl,jan@mail.example\nreports/b.txt,Your bike,,\n";
    let (desk, stub) = (desk(table), Stub::start());
    let ran = bulk(&desk, &stub, &["--message", "out/", "--mail-from", "post@garage.example"]).succeeded();
    let said = answers(&ran.out);
    for (line, subject, to, lang) in [(2, "Your car", "jan@mail.example", "nl"), (3, "Your bike", "", "en")] {
        let folder = said[&line]["folder"].as_str().unwrap();
        assert_eq!(folder, format!("out/{}", said[&line]["letter"].as_str().unwrap()));
        let link = said[&line]["link"].as_str().unwrap();
        let text = String::from_utf8(desk.read(&format!("{folder}/message.txt"))).unwrap();
        assert!(text.contains(link) && text.contains(subject), "{text}");
        let html = String::from_utf8(desk.read(&format!("{folder}/message.html"))).unwrap();
        assert!(html.contains(&format!("lang=\"{lang}\"")), "{html}");
        let mail = String::from_utf8(desk.read(&format!("{folder}/message.eml"))).unwrap();
        assert!(mail.contains("post@garage.example") && mail.contains(to), "{mail}");
        assert_eq!(mail.contains("\nTo:"), !to.is_empty(), "{mail}");
    }
    // After a crash a mail is written again: under the same name (RFC 5322, section 3.6.4). With another end it is another one.
    let name_in = |mail: &[u8]| {
        let mail = String::from_utf8_lossy(mail).into_owned();
        mail.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect(&mail).to_owned()
    };
    let mails = || {
        [2, 3].map(|line: u64| {
            name_in(&desk.read(&format!("{}/message.eml", said[&line]["folder"].as_str().unwrap())))
        })
    };
    let first = mails();
    assert_ne!(first[0], first[1]);
    let journal = String::from_utf8(desk.read("letters.csv.waxseal-journal")).unwrap();
    let begun: String =
        journal.lines().filter(|it| !it.contains("\"sealed\"")).map(|it| format!("{it}\n")).collect();
    assert_ne!(begun, journal);
    desk.write("letters.csv.waxseal-journal", begun.as_bytes());
    std::fs::remove_dir_all(desk.path("out")).unwrap();
    bulk(&desk, &stub, &["--message", "out/", "--mail-from", "post@garage.example"]).succeeded();
    assert_eq!(mails(), first);
    let letter = said[&2]["letter"].as_str().unwrap();
    let url = stub.url();
    let mint = |expires: &str| {
        let about = ["mint", letter, "--url", &url, "--subject", "Your car", "--expires", expires];
        let ran =
            desk.run(&[&about[..], &["--message", "eml", "--mail-from", "post@garage.example"]].concat());
        name_in(ran.succeeded().out.as_bytes())
    };
    assert_eq!(mint(said[&2]["expires_at"].as_str().unwrap()), first[0]);
    assert_ne!(mint("2031-05-01"), first[0]);
    // A folder that is gone because its mail is sent does not come back.
    std::fs::remove_dir_all(desk.path("out")).unwrap();
    bulk(&desk, &stub, &["--message", "out/", "--mail-from", "post@garage.example"]).succeeded();
    assert_eq!(std::fs::read_dir(desk.path("out")).unwrap().count(), 0);

    let ran = bulk(&desk, &stub, &["--message", "json"]).succeeded();
    let said = answers(&ran.out);
    assert!(said[&2]["message"]["text"].as_str().unwrap().contains(said[&2]["link"].as_str().unwrap()));
}
