//! What `crates/edge/src` must never call: the traps of the runtime that a test against it cannot show without hanging it.
use std::collections::BTreeSet;
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
    let files = sources(Path::new("crates/edge/src"));
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
                let alarm = code(&path).iter().any(|(_, line)| line.contains("async fn alarm("));
                let wanted = if alarm { "(alarm)" } else { "(fetch)" };
                assert!(line.contains(wanted), "{}:{number}: {line}", path.display());
                objects += 1;
            }
        }
    }
    assert!(objects >= 2, "the ledger and the sentinel");
}

/// The runtime finds an object by its name in three files; a shell that lacks one answers, and fails at the first call.
#[test]
fn every_object_is_bound_exported_and_looked_for_at_the_start() {
    let read = |path: &str| fs::read_to_string(path).expect("readable");
    let quoted = |text: &str, before: &str| {
        let names = text.split(before).skip(1).filter_map(|rest| rest.split('"').next());
        names.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let mut classes = BTreeSet::new();
    let mut bindings = BTreeSet::new();
    for path in edge() {
        let text = fs::read_to_string(&path).expect("readable");
        bindings.extend(quoted(&text, "ObjectClass { binding: \""));
        for object in text.split("#[durable_object").skip(1) {
            let name =
                object.split("struct ").nth(1).and_then(|rest| rest.split([' ', '{', '(', ';']).next());
            classes.insert(name.expect("a struct").to_owned());
        }
    }
    assert!(classes.len() >= 6);
    let wrangler = read("wrangler.toml");
    let relay = |names: BTreeSet<String>, relay: &str| {
        names.into_iter().filter(|name| name != relay).collect::<BTreeSet<_>>()
    };
    assert_eq!(relay(quoted(&wrangler, "\nclass_name = \""), "LogRelay"), classes);
    let migrated: String = wrangler.lines().filter(|line| line.starts_with("new_sqlite_classes")).collect();
    let main = read("crates/edge/src/entry/main.js");
    for class in &classes {
        assert!(
            main.contains(&format!("export const {class} = written(wasm.{class});")),
            "{class} in main.js"
        );
        assert!(migrated.contains(&format!("\"{class}\"")), "{class} has no migration in wrangler.toml");
    }
    let objects: Vec<_> = wrangler.split("[[durable_objects.bindings]]").skip(1).collect();
    let bound = objects
        .iter()
        .flat_map(|object| quoted(object.split("class_name").next().unwrap_or_default(), "name = \""));
    assert_eq!(relay(bound.collect(), "LOG_RELAY"), bindings);
    let start = read("crates/edge/src/lib.rs");
    assert_eq!(start.matches("::CLASS").count(), classes.len(), "fn bindings in lib.rs asks for each");
}
