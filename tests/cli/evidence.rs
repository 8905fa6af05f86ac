//! Bundles as strangers hand them in: genuine ones, touched ones, and archives made to deceive.

use std::collections::BTreeMap;

use serde_json::Value;

use super::support::{Desk, Ran};

const KEY: &str = "letters.example/log+5883e553+AfqdHh7sMQwX4BhuVEWrcZQFgcYTFJSbZXxYrO1/Ner5";

fn vector() -> BTreeMap<String, Vec<u8>> {
    let text = include_str!("../vectors/evidence.json");
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(value["vkey"], KEY);
    let files = value["files"].as_object().unwrap().iter();
    files.map(|(name, text)| (name.clone(), text.as_str().unwrap().as_bytes().to_vec())).collect()
}

/// A file of an archive as it is written, true or not.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    /// The name in front of the content, where a streaming reader finds it.
    local_name: Option<Vec<u8>>,
    packed: Vec<u8>,
    method: u16,
    flags: u16,
    crc: u32,
    length: u32,
    /// The place that the list of files gives, if not its own.
    offset: Option<u32>,
}

impl Entry {
    fn stored(name: &str, content: &[u8]) -> Self {
        Self {
            name: name.into(),
            local_name: None,
            packed: content.to_vec(),
            method: 0,
            flags: 0,
            crc: rawzip::crc32(content),
            length: content.len() as u32,
            offset: None,
        }
    }

    fn deflated(name: &str, content: &[u8]) -> Self {
        let packed = miniz_oxide::deflate::compress_to_vec(content, 9);
        Self { packed, method: 8, ..Self::stored(name, content) }
    }

    fn numbers(&self) -> Vec<u8> {
        let packed = (self.packed.len() as u32).to_le_bytes();
        [
            &self.flags.to_le_bytes()[..],
            &self.method.to_le_bytes(),
            &[0; 4],
            &self.crc.to_le_bytes(),
            &packed,
            &self.length.to_le_bytes(),
        ]
        .concat()
    }
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut list) = (Vec::new(), Vec::new());
    for entry in entries {
        let at = entry.offset.unwrap_or(bytes.len() as u32);
        let local = entry.local_name.as_ref().unwrap_or(&entry.name);
        bytes.extend(
            [
                b"PK\x03\x04\x14\0",
                &entry.numbers()[..],
                &(local.len() as u16).to_le_bytes(),
                &[0; 2],
                local,
                &entry.packed,
            ]
            .concat(),
        );
        list.extend(
            [
                b"PK\x01\x02\x14\0\x14\0",
                &entry.numbers()[..],
                &(entry.name.len() as u16).to_le_bytes(),
                &[0; 12],
                &at.to_le_bytes(),
                &entry.name,
            ]
            .concat(),
        );
    }
    let (at, count) = ((bytes.len() as u32).to_le_bytes(), (entries.len() as u16).to_le_bytes());
    let end = [b"PK\x05\x06\0\0\0\0", &count[..], &count, &(list.len() as u32).to_le_bytes(), &at, &[0; 2]]
        .concat();
    [bytes, list, end].concat()
}

fn usual() -> Vec<Entry> {
    vector().iter().map(|(name, content)| Entry::deflated(name, content)).collect()
}

fn verify(desk: &Desk, bytes: &[u8]) -> Ran {
    std::fs::write(desk.path("bundle.zip"), bytes).unwrap();
    desk.run(&["evidence", "verify", "bundle.zip", "--key", KEY, "--json"])
}

/// The code of what is wrong, and the file it is in.
#[track_caller]
fn broken(desk: &Desk, bytes: &[u8]) -> (String, String) {
    let ran = verify(desk, bytes).failed(1);
    let fault = &ran.json()["broken"];
    (fault["code"].as_str().unwrap().to_owned(), fault["file"].as_str().unwrap().to_owned())
}

/// The code of why nothing is verified: the package is not read.
#[track_caller]
fn unread(desk: &Desk, bytes: &[u8]) -> String {
    not_verified(desk, bytes, 2, "The package cannot be read: nothing was verified.")
}

/// The same, of a package that two programs could read in two ways.
#[track_caller]
fn two_ways(desk: &Desk, bytes: &[u8]) -> String {
    not_verified(desk, bytes, 1, "The package can be read in two ways: nothing was verified.")
}

#[track_caller]
fn not_verified(desk: &Desk, bytes: &[u8], exit: i32, verdict: &str) -> String {
    let ran = verify(desk, bytes).failed(exit);
    let said = ran.json();
    let code = said["unread"]["code"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned();
    assert_eq!(
        (ran.error_code(), said["holds"] == false, said.get("broken")),
        (code.clone(), exit == 1, None)
    );
    let ran = desk.run(&["evidence", "verify", "bundle.zip", "--key", KEY]).failed(exit);
    assert!(ran.out.starts_with(verdict) && !(ran.out + &ran.err).contains("evidence does not hold"));
    code
}

#[test]
fn a_genuine_bundle_holds_however_it_is_packed() {
    let desk = Desk::new();
    for bytes in [
        archive(&usual()),
        archive(&vector().iter().map(|(name, content)| Entry::stored(name, content)).collect::<Vec<_>>()),
        archive(&usual().into_iter().rev().collect::<Vec<_>>()),
        archive(&[&[Entry::stored("proofs/", b""), Entry::stored("terms/", b"")], &usual()[..]].concat()),
    ] {
        let ran = verify(&desk, &bytes).succeeded();
        assert_eq!((&ran.json()["holds"], ran.json()["events"].as_array().unwrap().len()), (&true.into(), 5));
    }
}

/// Ways in which people pack a bundle anew: from its files to those of the new package, and what the answer has to say.
type Repack = (&'static str, fn(&[Entry]) -> Vec<Entry>);

fn renamed(entries: &[Entry], name: impl Fn(&str) -> String) -> Vec<Entry> {
    let name = |entry: &Entry| name(str::from_utf8(&entry.name).unwrap()).into_bytes();
    entries.iter().map(|entry| Entry { name: name(entry), ..entry.clone() }).collect()
}

fn with(entries: &[Entry], more: &[&str]) -> Vec<Entry> {
    let more =
        more.iter().map(|name| Entry::stored(name, if name.ends_with(['/', '\\']) { b"" } else { b"junk" }));
    entries.iter().cloned().chain(more).collect()
}

const REPACKED: [Repack; 12] = [
    ("lie in a folder, bundle", |all| renamed(all, |name| format!("bundle/{name}"))),
    ("lie in a folder, Mein Ordner (2)/ä", |all| renamed(all, |name| format!("Mein Ordner (2)/ä/{name}"))),
    ("lie in a folder", |all| {
        with(&renamed(all, |name| format!("b/{name}")), &["b/", "b/proofs/", "b/terms/"])
    }),
    (".DS_Store", |all| with(all, &[".DS_Store", "proofs/.DS_Store"])),
    ("__MACOSX", |all| {
        with(
            &renamed(all, |name| format!("b/{name}")),
            &["__MACOSX/", "__MACOSX/b/._bundle.json", "b/.DS_Store"],
        )
    }),
    ("._*", |all| with(all, &["._bundle.json", "proofs/._x"])),
    ("Thumbs.db", |all| with(all, &["Thumbs.db", "terms/thumbs.DB"])),
    ("desktop.ini", |all| with(all, &["desktop.ini"])),
    ("back slashes", |all| renamed(all, |name| name.replace('/', "\\"))),
    ("back slashes", |all| {
        with(&renamed(all, |name| format!("b\\{}", name.replace('/', "\\"))), &["b\\", "b\\proofs\\"])
    }),
    ("my notes.txt does not belong", |all| with(all, &["my notes.txt"])),
    ("cover/letter.txt does not belong", |all| {
        with(&renamed(all, |name| format!("b/{name}")), &["cover/letter.txt"])
    }),
];

#[test]
fn a_bundle_that_was_packed_anew_holds_and_the_answer_says_so() {
    let desk = Desk::new();
    for (words, repack) in REPACKED {
        let ran = verify(&desk, &archive(&repack(&usual()))).succeeded();
        let said = ran.json();
        assert_eq!(said["holds"], true, "{words}");
        assert!(said["package"].to_string().contains(words), "{words}: {said}");
        let text = desk.run(&["evidence", "verify", "bundle.zip", "--key", KEY]).succeeded().out;
        assert!(text.starts_with("The evidence holds.") && text.contains("contents hold:"), "{text}");
        // Packed anew and touched: that is told apart.
        let mut touched = usual();
        let at = touched.iter().position(|entry| entry.name == b"events.jsonl").unwrap();
        let events = String::from_utf8(vector()["events.jsonl"].clone()).unwrap();
        touched[at] =
            Entry::deflated("events.jsonl", events.replacen("1700000003000", "1700000003001", 1).as_bytes());
        let ran = verify(&desk, &archive(&repack(&touched))).failed(1);
        assert_eq!(ran.json()["broken"]["code"], "altered", "{words}: {}", ran.out);
    }
    assert_eq!(verify(&desk, &archive(&usual())).succeeded().json().get("package"), None);
    // Two bundles beside each other are for two verifications; one within another is a stray file.
    let both = [renamed(&usual(), |name| format!("a/{name}")), renamed(&usual(), |name| format!("b/{name}"))]
        .concat();
    assert_eq!(unread(&desk, &archive(&both)), "package_several");
    // Names that are one when they are put right.
    let same = with(&renamed(&usual(), |name| name.replace('/', "\\")), &["proofs/000001.tlog-proof"]);
    assert_eq!(two_ways(&desk, &archive(&same)), "zip_file_twice");
}

#[test]
fn what_lies_beside_the_bundles_folder_is_none_of_its_files() {
    let desk = Desk::new();
    let inside = renamed(&usual(), |name| format!("b/{name}"));
    for (name, shown) in [
        ("readable.txt", "readable.txt"),
        ("events.jsonl", "events.jsonl"),
        ("letter.key", "letter.key"),
        ("certificate-en.html", "certificate-en.html"),
        ("receipts/mine.json", "receipts/mine.json"),
        ("proofs/000001.tlog-proof", "proofs/000001.tlog-proof"),
        ("other/bundle.json/x", "other/bundle.json/x"),
        ("mail 12:30.txt", "mail 12:30.txt"),
        ("a\u{200f}b.txt", "a\\u{200f}b.txt"),
        ("a\u{202e}b", "a\\u{202e}b"),
        ("../x", "../x"),
        ("bb/readable.txt", "bb/readable.txt"),
    ] {
        let ran = verify(&desk, &archive(&[&inside[..], &[Entry::stored(name, b"x")]].concat())).succeeded();
        let said = ran.json();
        let package = said["package"].as_array().unwrap();
        let told = format!("{shown} does not belong to the bundle");
        assert!(package.iter().any(|line| line.as_str().unwrap().starts_with(&told)), "{name}: {said}");
        assert!(!ran.out.contains(['\u{200f}', '\u{202e}']));
        let folder = Entry::stored(&format!("{name}/"), b"");
        verify(&desk, &archive(&[&inside[..], &[folder]].concat())).succeeded();
    }
    // As many as one likes.
    let beside = ["x", "x"].map(|name| Entry::stored(name, b"x"));
    verify(&desk, &archive(&[&inside[..], &beside].concat())).succeeded();
    // Moved out of the folder it is not there.
    for name in ["readable.txt", "letter.key", "events.jsonl", "checkpoint"] {
        let moved = renamed(&usual(), |it| if it == name { it.to_owned() } else { format!("b/{it}") });
        let ran = verify(&desk, &archive(&moved));
        match name {
            // May be withheld; but then the readable copy says something else.
            "letter.key" => assert_eq!(ran.failed(1).json()["broken"]["code"], "readable_differs"),
            _ => assert_eq!(ran.failed(1).json()["broken"]["code"], "file_missing"),
        }
    }
    // What could be taken for a file in the folder is refused.
    for name in [
        "b/../b/readable.txt",
        "x/../b/readable.txt",
        "/b/readable.txt",
        "..\\b\\readable.txt",
        "C:b/readable.txt",
        "b//readable.txt",
        "b/mail 12:30.txt",
        "b/a\u{200f}b",
        "b\u{200b}/x",
    ] {
        let more = [&inside[..], &[Entry::stored(name, b"x")]].concat();
        assert_eq!(unread(&desk, &archive(&more)), "zip_name", "{name}");
    }
    let twice = Entry::stored("b/readable.txt", b"x");
    assert_eq!(two_ways(&desk, &archive(&[&inside[..], &[twice]].concat())), "zip_file_twice");
}

#[test]
fn what_is_not_readable_is_not_said_to_be_false() {
    let desk = Desk::new();
    let whole = archive(&usual());
    let every = |change: fn(Entry) -> Entry| archive(&usual().into_iter().map(change).collect::<Vec<_>>());
    for (code, bytes) in [
        ("zip_packing", every(|entry| Entry { method: 12, ..entry })),
        ("zip_packing", every(|entry| Entry { flags: 1, ..entry })),
        ("zip_malformed", [&whole[..], b"more"].concat()),
        ("zip_malformed", whole[..whole.len() / 2].to_vec()),
        ("package_empty", archive(&renamed(&usual(), |name| format!("__MACOSX/{name}")))),
        ("package_empty", archive(&[Entry::stored("x/", b""), Entry::stored(".DS_Store", b"x")])),
        ("package_empty", archive(&[])),
        ("zip_content", archive(&[Entry { crc: 7, ..Entry::stored("x", b"x") }])),
    ] {
        assert_eq!(unread(&desk, &bytes), code);
        let made =
            desk.run(&["evidence", "certificate", "bundle.zip", "--key", KEY, "-o", "c.html"]).failed(2);
        assert!(made.err.contains("nothing was verified"), "{}", made.err);
    }
}

#[test]
fn archives_made_to_deceive_are_refused() {
    let desk = Desk::new();
    let more = |entry: Entry| archive(&[&usual()[..], &[entry]].concat());
    let twice = usual().pop().unwrap();
    for name in [
        "../bundle.json",
        "/etc/passwd",
        "..\\x",
        "C:x",
        "C:\\x",
        "proofs/../x",
        "a//b",
        "a\u{202e}b",
        "a\0b",
        "x/./y",
        "",
    ] {
        let found = unread(&desk, &more(Entry::stored(name, b"x")));
        assert!(found == "zip_name" || found == "zip_malformed", "{name}: {found}");
    }
    assert_eq!(two_ways(&desk, &more(twice.clone())), "zip_file_twice");
    // What streaming programs would read under another name, or elsewhere.
    let named = Entry { local_name: Some(b"events.jsonl".to_vec()), ..Entry::stored("x.jsonl", b"x") };
    assert_eq!(two_ways(&desk, &more(named)), "zip_ambiguous");
    let overlapping = Entry { offset: Some(0), ..Entry::stored("bundle.json", b"x") };
    let ran = verify(&desk, &archive(&[&usual()[1..], &[overlapping]].concat()));
    let found = ran.error_code();
    assert!(["zip_ambiguous", "zip_malformed", "zip_content"].contains(&found.as_str()), "{found}");
    let full_folder = more(Entry::stored("proofs/", b"x"));
    assert_eq!(two_ways(&desk, &full_folder), "zip_ambiguous");
    // Packings that we do not read.
    assert_eq!(unread(&desk, &more(Entry { flags: 1, ..twice.clone() })), "zip_packing");
    assert_eq!(unread(&desk, &more(Entry { method: 12, ..twice.clone() })), "zip_packing");
    // Before the beginning and behind the end.
    let whole = archive(&usual());
    assert_ne!(verify(&desk, &[b"PKxx", &whole[..]].concat()).code, 0);
    assert_eq!(unread(&desk, &[&whole[..], b"more"].concat()), "zip_malformed");
    // A file that the list leaves out.
    let mut hidden = usual();
    hidden.insert(3, Entry::stored("hidden", b"x"));
    let hidden = archive(&hidden);
    let list = hidden.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap();
    assert!(list > 0);
    let ran = verify(&desk, &hidden).succeeded();
    assert!(ran.json()["package"][0].as_str().unwrap().starts_with("hidden does not belong"), "{}", ran.out);
}

#[test]
fn a_bomb_is_not_unpacked() {
    let desk = Desk::new();
    let zeros = vec![0; 64 << 20];
    let bomb = Entry::deflated("bomb", &zeros);
    assert!(bomb.packed.len() < 100_000);
    // Honest about its size, three times over; and lying about it.
    let three: Vec<_> =
        ["a", "b", "c"].iter().map(|name| Entry { name: name.as_bytes().to_vec(), ..bomb.clone() }).collect();
    assert_eq!(unread(&desk, &archive(&three)), "zip_too_large");
    assert_eq!(unread(&desk, &archive(&[Entry { length: 10, ..bomb.clone() }])), "zip_content");
    assert_eq!(unread(&desk, &archive(&[Entry { length: u32::MAX - 1, ..bomb }])), "zip_too_large");
    let many: Vec<_> = (0..=3 * waxseal::evidence::bundle::MAX_BUNDLE_FILES)
        .map(|n| Entry::stored(&format!("f{n}"), b""))
        .collect();
    assert_eq!(unread(&desk, &archive(&many)), "zip_too_large");
}

#[test]
fn every_flip_and_every_cut_is_noticed_or_changes_nothing() {
    let desk = Desk::new();
    let whole = archive(&usual());
    let held = verify(&desk, &whole).succeeded().out;
    let mut noticed = 0;
    for at in (0..whole.len()).step_by(whole.len() / 150) {
        let mut touched = whole.clone();
        touched[at] ^= 1 << (at % 8);
        let ran = verify(&desk, &touched);
        // A time or a version that nobody looks at.
        assert!(ran.code != 0 || ran.out == held || at < 2, "byte {at}: {}", ran.err);
        noticed += usize::from(ran.code != 0);
    }
    assert!(noticed > 120, "{noticed}");
    for length in (2..whole.len()).step_by(whole.len() / 40) {
        let ran = verify(&desk, &whole[..length]);
        assert_eq!(ran.code, 2, "{length} bytes: {}", ran.out);
    }
}

#[test]
fn a_folder_holds_plain_files_alone() {
    let desk = Desk::new();
    for (name, content) in vector() {
        let path = desk.path(&format!("bundle/{name}"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let verify = || desk.run(&["evidence", "verify", "bundle", "--key", KEY, "--json"]);
    verify().succeeded();
    let receipt = vector().into_keys().find(|name| name.starts_with("receipts/")).unwrap();
    let receipt = format!("bundle/{receipt}");
    let ran = desk.run(&["evidence", "verify", &receipt, "--key", KEY]).succeeded();
    assert!(ran.out.contains("The receipt says what its events say"), "{}", ran.out);
    std::fs::write(desk.path("bundle/.DS_Store"), b"x").unwrap();
    let said = verify().succeeded().json();
    assert!(said["package"][0].as_str().unwrap().contains(".DS_Store"), "{said}");
    std::fs::write(desk.path("bundle/own notes.txt"), b"x").unwrap();
    assert_eq!(verify().succeeded().json()["package"].as_array().unwrap().len(), 2);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/hostname", desk.path("bundle/link")).unwrap();
        assert_eq!(verify().failed(2).error_code(), "evidence_stray_file");
    }
}

#[test]
fn certificates_are_made_again_and_compared() {
    let desk = Desk::new();
    let mut entries = usual();
    std::fs::write(desk.path("bare.zip"), archive(&entries)).unwrap();
    for lang in ["en", "nl", "fr", "de"] {
        let file = format!("{lang}.html");
        let zone = ["--time-zone", "Europe/Amsterdam"];
        let asked = ["evidence", "certificate", "bare.zip", "--key", KEY, "--lang", lang, "-o", &file];
        desk.run(&[&asked[..], &zone].concat()).succeeded();
        let page = std::fs::read(desk.path(&file)).unwrap();
        entries.push(Entry::deflated(&format!("certificate-{lang}.html"), &page));
    }
    let said = verify(&desk, &archive(&entries)).succeeded().json();
    let checked = said["checked"].as_array().unwrap();
    assert!(checked.iter().any(|line| line == "4 certificates say the same as the events."), "{said}");
    let page = std::fs::read_to_string(desk.path("en.html")).unwrap();
    for (from, to) in [
        ("A reader agreed to the terms", "A reader never agreed to the terms"),
        ("content=\"2 ", "content=\"3 "),
        ("content=\"2 ", "content=\"2 AA"),
        ("</style>", " </style>"),
    ] {
        let changed = page.replacen(from, to, 1);
        assert_ne!(changed, page);
        let last = entries.len() - 4;
        entries[last] = Entry::deflated("certificate-en.html", changed.as_bytes());
        let (code, file) = broken(&desk, &archive(&entries));
        assert!(code.starts_with("certificate_") && file == "certificate-en.html", "{to}: {code}");
    }
    // No certificate of evidence that does not hold.
    let mut torn = usual();
    torn.remove(0);
    std::fs::write(desk.path("torn.zip"), archive(&torn)).unwrap();
    let ran = desk.run(&["evidence", "certificate", "torn.zip", "--key", KEY, "-o", "torn.html"]).failed(1);
    assert!(ran.err.contains("bundle.json"), "{}", ran.err);
    assert!(!desk.path("torn.html").exists());
}
