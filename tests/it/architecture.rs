//! Keeps the shape that ARCHITECTURE.md draws: pure capabilities inside, two shells outside, arrows inward only.

use std::fs;
use std::path::{Path, PathBuf};

/// Each capability and the ones it may name. A capability is a folder of `src` or a file of the same name.
/// One that is missing here fails the test, so that an arrow is added on purpose.
const ARROWS: [(&str, &[&str]); 14] = [
    ("api", &["evidence", "guard", "lang", "ledger", "message", "seal", "site", "token", "types", "webhook"]),
    ("webhook", &["guard", "ledger", "types"]),
    ("types", &[]),
    ("token", &["types"]),
    ("seal", &["token", "types"]),
    ("ledger", &["token", "types"]),
    ("lang", &[]),
    ("site", &["evidence", "guard", "lang", "types"]),
    ("pages", &["lang", "site", "types"]),
    ("message", &["lang", "site", "types"]),
    ("guard", &["token", "types"]),
    ("evidence", &["ledger", "token", "types"]),
    ("certificate", &["evidence", "lang", "ledger", "pages", "types"]),
    ("bots", &["guard", "ledger", "token", "types"]),
];

/// Each room of the edge and the ones it may name; `lib.rs` is the door, and names all.
const EDGE: [(&str, &[&str]); 5] = [
    ("platform", &[]),
    ("objects", &["platform"]),
    ("guard", &["objects", "platform"]),
    ("recipient", &["guard", "objects", "platform"]),
    ("api", &["guard", "objects", "platform"]),
];

/// What the manifest of the library cannot keep out: the parts of `std` that reach outside, and waiting for them.
const IMPURE: [&str; 10] = [
    "SystemTime",
    "Instant",
    "Utc::now",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "async fn",
    "async move",
];

/// Words that others have better ones for: docs/GLOSSARY.md.
const RETIRED: [&str; 27] = [
    "AGAIN",
    "Census",
    "Complaint",
    "Desk",
    "Doubt",
    "Happening",
    "Kept",
    "LANES",
    "LONGEST",
    "MANY",
    "MOST",
    "Means",
    "Mistake",
    "News",
    "Outlet",
    "SOON",
    "Spared",
    "Tell",
    "Told",
    "Trouble",
    "chores",
    "knock",
    "mended",
    "no_by",
    "planted",
    "untold",
    "untouched",
];

/// The places of the clock, and what reads it.
const CLOCKS: [&str; 2] = ["crates/edge/src/platform/clock.rs", "crates/cli/src/clock.rs"];
const READS_CLOCK: [&str; 4] = ["SystemTime::now", "Instant::now", "Date::now", "Utc::now"];

const MAX_LINES: usize = 500;

#[test]
fn capabilities_are_pure() {
    let faults = found(&IMPURE, |source| source.is_pure());
    assert!(
        faults.is_empty(),
        "pure code takes time, random bytes and data as arguments:\n{}",
        faults.join("\n")
    );
}

#[test]
fn arrows_point_inward() {
    let mut faults = Vec::new();
    for source in sources() {
        let room =
            source.path.strip_prefix("crates/edge/src/").and_then(|path| path.split(['/', '.']).next());
        let (part, table) = match (source.part.as_deref(), room) {
            (Some(part), _) => (part, ARROWS.as_slice()),
            (None, Some(room)) => (room, EDGE.as_slice()),
            (None, None) => continue,
        };
        if part == "lib" {
            continue;
        }
        let Some((_, allowed)) = table.iter().find(|(name, _)| *name == part) else {
            faults.push(format!("{} is not in the table of this test", source.path));
            continue;
        };
        for (number, line) in source.code() {
            for target in crate_paths(line) {
                if target != part && !allowed.contains(&target.as_str()) {
                    faults.push(format!("{}:{number} names crate::{target}", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "these arrows are not in the table of this test:\n{}", faults.join("\n"));
}

#[test]
fn the_clock_is_read_in_two_places() {
    let faults = found(&READS_CLOCK, |source| !CLOCKS.contains(&source.path.as_str()));
    assert!(faults.is_empty(), "take `now` as an argument:\n{}", faults.join("\n"));
}

#[test]
fn retired_words_stay_away() {
    let faults = found(&RETIRED, |_| true);
    assert!(faults.is_empty(), "docs/GLOSSARY.md has another word:\n{}", faults.join("\n"));
}

#[test]
fn files_fit_in_a_head() {
    let long: Vec<String> = sources()
        .iter()
        .filter(|source| source.text.lines().count() > MAX_LINES)
        .map(|source| format!("{} has {} lines", source.path, source.text.lines().count()))
        .collect();
    assert!(long.is_empty(), "at most {MAX_LINES} lines: {long:?}");
}

#[test]
fn nothing_is_left_for_later() {
    // Written in two halves so that a search of the project does not find this list.
    let marks = [concat!("FIX", "ME"), concat!("TO", "DO"), concat!("XX", "X:"), concat!("HA", "CK:")];
    let mut faults = Vec::new();
    for source in sources() {
        for (index, line) in source.text.lines().enumerate() {
            if marks.iter().any(|mark| line.contains(mark)) {
                faults.push(format!("{}:{}", source.path, index + 1));
            }
        }
    }
    assert!(faults.is_empty(), "do it, or leave it out:\n{}", faults.join("\n"));
}

#[test]
fn these_rules_would_notice() {
    assert!(names("std::time::SystemTime::now()", "SystemTime"));
    assert!(!names("let instantly = 1;", "Instant"));
    assert_eq!(crate_paths("use crate::token::mint; crate::seal::x"), ["token", "seal"]);
    assert_eq!(crate_paths("use crate::{token::mint, types::Kid};"), ["token", "types"]);
    let source = Source::new(
        "src/seal/mod.rs".to_owned(),
        "a\n// std::fs\nb // std::fs\n#[cfg(test)]\nmod tests {\n std::fs\n}\n",
    );
    assert_eq!(source.code().collect::<Vec<_>>(), [(1, "a"), (3, "b ")]);
    assert_eq!(source.part.as_deref(), Some("seal"));
    assert!(sources().len() > 5, "the sources are found");
}

struct Source {
    /// From the package's root, with `/`.
    path: String,
    /// The capability: a folder of `src`, or a file's stem when it lies in `src` itself. None in a shell.
    part: Option<String>,
    text: String,
}

impl Source {
    fn new(path: String, text: &str) -> Self {
        let part =
            path.strip_prefix("src/").and_then(|path| path.split(['/', '.']).next()).map(str::to_owned);
        Self { path, part, text: text.to_owned() }
    }

    fn is_pure(&self) -> bool {
        self.part.is_some()
    }

    /// Numbered lines without comments, up to the unit tests at the end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test_file = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let product = self.text.split("\n#[cfg(test)]\nmod tests {").next().filter(|_| !is_test_file);
        product
            .unwrap_or_default()
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
            .map(|(index, line)| (index + 1, line.split_once("// ").map_or(line, |(code, _)| code)))
    }
}

/// Where a source that `chosen` picks names one of `forbidden`.
fn found(forbidden: &[&str], chosen: impl Fn(&Source) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| chosen(source)) {
        for (number, line) in source.code() {
            for name in forbidden.iter().filter(|name| names(line, name)) {
                faults.push(format!("{}:{number} names {name}", source.path));
            }
        }
    }
    faults
}

fn sources() -> Vec<Source> {
    let root = Path::new(".");
    let mut sources = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["src", "crates/edge/src", "crates/cli/src"].map(|folder| root.join(folder)).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let short = path.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
                sources.push(Source::new(short, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    sources
}

/// Whether `line` holds `name` as whole words.
fn names(line: &str, name: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(part_of_word) && (name.ends_with("::") || !after.is_some_and(part_of_word))
    })
}

/// The capabilities that `line` names as `crate::NAME` or in `crate::{NAME, ...}`.
fn crate_paths(line: &str) -> Vec<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut paths = Vec::new();
    for (at, prefix) in line.match_indices("crate::") {
        let rest = &line[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(group) => paths.extend(
                group.split(['}', ';']).next().unwrap_or_default().split(',').map(|item| word(item.trim())),
            ),
            None => paths.push(word(rest)),
        }
    }
    paths.retain(|name| !name.is_empty() && name.chars().all(|c| c.is_lowercase() || c == '_'));
    paths
}
