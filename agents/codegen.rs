//! From `agents.tsv` to Rust tables, and what is wrong with it. Used by `build.rs` and by the tests: a row without a date or a page
//! that shows it, a duplicate, or one that can never decide fails the build and is named.

use std::fmt::Write as _;

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row<'a> {
    pub(crate) line: usize,
    pub(crate) kind: &'a str,
    pub(crate) pattern: &'a str,
    pub(crate) name: &'a str,
    pub(crate) seen: &'a str,
    pub(crate) source: &'a str,
}

/// Kinds whose rows are looked through together, first match first.
const LISTS: [&[&str]; 5] =
    [&["preview", "mail_scanner", "crawler"], &["program"], &["view"], &["asn"], &["organisation"]];

/// The rows, and a sentence for each fault.
pub(crate) fn read(text: &str) -> (Vec<Row<'_>>, Vec<String>) {
    let (mut rows, mut faults): (Vec<Row<'_>>, Vec<String>) = (Vec::new(), Vec::new());
    for (at, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line_number = at + 1;
        let columns: Vec<&str> = line.split('\t').collect();
        let [kind, pattern, name, seen, source] = *columns.as_slice() else {
            faults.push(format!("line {line_number}: not five columns with a tab between"));
            continue;
        };
        let row = Row { line: line_number, kind, pattern, name, seen, source };
        faults.extend(fault(&row).map(|what| format!("line {line_number}: {what}")));
        if let Some(before) = rows.iter().find(|before| hides(before, &row)) {
            faults.push(format!("line {line_number}: never decides, because line {} does", before.line));
        }
        rows.push(row);
    }
    (rows, faults)
}

fn fault(row: &Row<'_>) -> Option<&'static str> {
    let Row { kind, pattern, name, seen, source, .. } = *row;
    let text = pattern.strip_prefix('=').unwrap_or(pattern);
    let plain =
        |text: &str| text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    if list(kind).is_none() {
        Some("an unknown kind")
    } else if text.trim().len() < 2 || text != text.to_ascii_lowercase() || !plain(pattern) {
        Some("the pattern is not at least two printable characters in lower case")
    } else if kind == "asn" && pattern.parse::<u32>().is_err() {
        Some("not the number of an AS")
    } else if name.is_empty() != matches!(kind, "program" | "view") || !plain(name) {
        Some("a name for all but programs and views")
    } else if !is_date(seen) {
        Some("no date when it was seen, such as 2026-11-29")
    } else if !(source.starts_with("https://") || source.starts_with("http://")) || source.contains(' ') {
        Some("no public page that shows it")
    } else {
        None
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<Option<u16>> = text.split('-').map(|part| part.parse().ok()).collect();
    text.len() == 10 && matches!(parts.as_slice(), [Some(2000..=2099), Some(1..=12), Some(1..=31)])
}

fn list(kind: &str) -> Option<usize> {
    LISTS.iter().position(|kinds| kinds.contains(&kind))
}

/// Whether the second can never decide: whatever it matches, the first has matched before.
fn hides(before: &Row<'_>, row: &Row<'_>) -> bool {
    let whole = row.pattern.strip_prefix('=').unwrap_or(row.pattern);
    let covered = match (before.kind, before.pattern.strip_prefix('=')) {
        ("asn", _) => before.pattern == row.pattern,
        (_, Some(_)) => before.pattern == row.pattern,
        (_, None) => whole.contains(before.pattern),
    };
    list(before.kind) == list(row.kind) && covered
}

/// The tables of the guard: agents, AS numbers and organisations.
pub(crate) fn guard(rows: &[Row<'_>]) -> String {
    let kinds = [("preview", "Preview"), ("mail_scanner", "MailScanner"), ("crawler", "Crawler")];
    let mut out = String::from("const TABLE: &[(&str, AgentKind, &str)] = &[\n");
    for row in rows {
        if let Some((_, kind)) = kinds.iter().find(|(kind, _)| *kind == row.kind) {
            let _ = writeln!(out, "({:?}, AgentKind::{kind}, {:?}),", row.pattern, row.name);
        }
    }
    out.push_str("];\nconst SCANNER_ASNS: &[(u32, &str)] = &[\n");
    for row in rows.iter().filter(|row| row.kind == "asn") {
        let _ = writeln!(out, "({}, {:?}),", row.pattern, row.name);
    }
    out.push_str("];\nconst SCANNER_ORGANISATIONS: &[(&str, &str)] = &[\n");
    for row in rows.iter().filter(|row| row.kind == "organisation") {
        let _ = writeln!(out, "({:?}, {:?}),", row.pattern, row.name);
    }
    out.push_str("];\n");
    out
}

/// The tables of the robots: programs and views.
pub(crate) fn robots(rows: &[Row<'_>]) -> String {
    let mut out = String::new();
    for (name, kind) in [("PROGRAMS", "program"), ("VIEWS", "view")] {
        let patterns: Vec<String> =
            rows.iter().filter(|row| row.kind == kind).map(|row| format!("{:?}", row.pattern)).collect();
        let _ = writeln!(out, "const {name}: &[&str] = &[{}];", patterns.join(", "));
    }
    out
}
