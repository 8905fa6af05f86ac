//! What `crates/edge/src` must never call: the traps of the runtime that a test against it cannot show without hanging it.
use std::fs;
use std::path::{Path, PathBuf};

/// A call and why it is forbidden.
const FORBIDDEN: [(&str, &str); 13] = [
    (".one(", "SqlCursor::one hangs on zero rows: use Database::rows"),
    (".one::<", "SqlCursor::one hangs on zero rows: use Database::rows"),
    (".to_array", "SqlCursor::to_array fails on blobs: use Database::rows"),
    ("Object::range", "panics: parse and clamp the range yourself"),
    (".range()", "Object::range panics: parse and clamp the range yourself"),
    ("SqlStorageValue::Boolean", "a bool binds as TEXT: use integers 0 and 1"),
    ("SqlStorageValue::Integer(", "an i64 binds as REAL through a rounding path: use store::integer"),
    ("ObjectBody::stream", "copies through wasm memory: use response_body"),
    (".stream()", "copies through wasm memory: use response_body or the raw body"),
    ("unimplemented!", "a panic inside a Durable Object leaves its caller hanging"),
    ("todo!", "a panic inside a Durable Object leaves its caller hanging"),
    ("console_error", "a local edge swallows it: use log::Line"),
    ("console_log", "only log.rs writes lines, one JSON object each"),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of a file: lines without their comments.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).expect("readable");
    let line =
        |(number, line): (usize, &str)| (number + 1, line.split("//").next().unwrap_or_default().to_owned());
    text.lines().enumerate().map(line).collect()
}

fn edge() -> Vec<PathBuf> {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/edge/src"));
    assert!(files.len() > 15, "crates/edge/src is where it was");
    files
}

#[test]
fn the_shell_avoids_the_traps_of_the_runtime() {
    let mut wrong = Vec::new();
    for path in edge() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        for (number, line) in code(&path) {
            for (call, why) in FORBIDDEN {
                // Reading an integer is matching on one; the log is the one place that writes.
                let matching = call == "SqlStorageValue::Integer(" && line.contains("=>");
                let logging = call == "console_log" && name == "log.rs";
                if line.contains(call) && !matching && !logging {
                    wrong.push(format!("{}:{number}: {call} {why}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_table_is_strict() {
    let mut tables = 0;
    for path in edge() {
        let text = fs::read_to_string(&path).expect("readable");
        let found = text.matches("\"CREATE TABLE").count();
        assert_eq!(found, text.matches(" STRICT\"").count(), "{}", path.display());
        tables += found;
    }
    assert!(tables >= 9, "the ledger has 3, a sentinel 6");
}

#[test]
fn every_durable_object_names_its_handlers() {
    // Without the list every handler is exported, and those that do not exist panic.
    let mut objects = 0;
    for path in edge() {
        for (number, line) in code(&path) {
            if line.trim_start().starts_with("#[durable_object") {
                assert!(line.contains('(') && line.contains("alarm"), "{}:{number}: {line}", path.display());
                objects += 1;
            }
        }
    }
    assert!(objects >= 2, "the ledger and the sentinel");
}
