//! `[[allow]]`, `[[deny]]` and `[[honeypot]]`.

use toml::de::DeTable;

use super::diagnostic::Diagnostics;
use super::reader::{self, Value, boolean, cut, each, moment, refuse_unknown, wrong_type};
use super::{Action, Country, Entry, MAX_ENTRIES, MAX_PATTERNS, Matcher, plain};
use crate::guard::address::{ClientKey, Network};
use crate::guard::pattern::{PATTERN_BYTES_MAX, is_glob};

/// What an entry can be about. Exactly one of them, so that nobody has to guess at "and" or "or".
const SUBJECTS: [(&str, Read); 5] = [
    ("address", |items, diagnostics| Matcher::Networks(collect(items, diagnostics, address))),
    ("network", |items, diagnostics| Matcher::Networks(collect(items, diagnostics, network))),
    ("asn", |items, diagnostics| Matcher::Asns(collect(items, diagnostics, asn))),
    ("country", |items, diagnostics| Matcher::Countries(collect(items, diagnostics, country))),
    ("agent", |items, diagnostics| Matcher::Agents(collect(items, diagnostics, agent))),
];

/// What a honeypot is.
const HONEYPOT: [(&str, Read); 1] =
    [("path", |items, diagnostics| Matcher::Paths(collect(items, diagnostics, path)))];

/// Reads what stands behind a subject.
type Read = for<'v, 't, 'd> fn(&[&'v Value<'t>], &mut Diagnostics<'d>) -> Matcher;

const NOTE_BYTES_MAX: usize = 500;

pub(super) fn read(table: &DeTable<'_>, diagnostics: &mut Diagnostics<'_>) -> Vec<Entry> {
    let mut found: Vec<(usize, Entry)> = Vec::new();
    for (name, action) in [("allow", Action::Allow), ("deny", Action::Deny), ("honeypot", Action::Honeypot)] {
        let Some(value) = table.get(name) else { continue };
        let Some(array) = value.get_ref().as_array() else {
            wrong_type(value, &format!("entries: write [[{name}]] with two brackets"), diagnostics);
            continue;
        };
        for item in array.iter() {
            let Some(fields) = item.get_ref().as_table() else {
                wrong_type(
                    item,
                    &format!("an entry: write [[{name}]] and its keys on lines of their own"),
                    diagnostics,
                );
                continue;
            };
            if found.len() >= MAX_ENTRIES {
                diagnostics.add(
                    &item.span(),
                    "too_many",
                    format!("more than {MAX_ENTRIES} entries: put several addresses into one array"),
                );
                return Vec::new();
            }
            if let Some(entry) = entry(action, name, item, fields, diagnostics) {
                found.push((item.span().start, entry));
            }
        }
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, entry)| entry).collect()
}

fn entry(
    action: Action,
    name: &str,
    item: &Value<'_>,
    fields: &DeTable<'_>,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<Entry> {
    let subjects: &[(&str, Read)] = if action == Action::Honeypot { &HONEYPOT } else { &SUBJECTS };
    let names: Vec<&str> = subjects.iter().map(|(subject, _)| *subject).collect();
    let known: Vec<&str> = names.iter().copied().chain(["note", "expires", "dry_run"]).collect();
    refuse_unknown(fields, &known, &format!("in [[{name}]]"), diagnostics);
    let mut given = subjects.iter().filter_map(|subject| Some((subject, fields.get(subject.0)?)));
    let matcher = match (given.next(), given.next()) {
        (Some(((subject, read), value)), None) => matcher(subject, *read, value, diagnostics),
        (None, _) => {
            let message = format!("[[{name}]] says nothing it is about: add one of {}", names.join(", "));
            diagnostics.add(&item.span(), "nothing_to_match", message);
            None
        }
        (Some(_), Some(((second, _), value))) => {
            let message = format!("an entry is about one thing: write a second [[{name}]] for `{second}`");
            diagnostics.add(&value.span(), "two_subjects", message);
            None
        }
    };
    let note = reader::text(fields, "note", diagnostics).map(|(text, span)| {
        if text.len() > NOTE_BYTES_MAX {
            diagnostics.add(&span, "too_long", format!("a note has at most {NOTE_BYTES_MAX} bytes"));
        }
        text.to_owned()
    });
    let expires = moment(fields, "expires", diagnostics);
    let dry_run = boolean(fields, "dry_run", diagnostics).unwrap_or(false);
    let line = diagnostics.line(item.span().start);
    Some(Entry { action, matcher: matcher?, note: note.unwrap_or_default(), expires, dry_run, line })
}

fn matcher(
    subject: &str,
    read: Read,
    value: &Value<'_>,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<Matcher> {
    let items = each(value);
    if items.is_empty() {
        diagnostics.add(
            &value.span(),
            "empty_list",
            format!("`{subject}` is an empty list: remove the entry or fill it"),
        );
        return None;
    }
    Some(read(&items, diagnostics))
}

type Fault = (&'static str, String);

/// Reads each item, reporting those that cannot be read.
fn collect<T>(
    items: &[&Value<'_>],
    diagnostics: &mut Diagnostics<'_>,
    read: impl Fn(&Value<'_>) -> Result<T, Fault>,
) -> Vec<T> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        match read(item) {
            Ok(value) => values.push(value),
            Err((code, message)) => diagnostics.add(&item.span(), code, message),
        }
    }
    values
}

fn quoted<'a>(value: &'a Value<'_>) -> Result<&'a str, Fault> {
    value.get_ref().as_str().ok_or_else(|| {
        (
            "wrong_type",
            format!("expected text in double quotes, found a value of type {}", value.get_ref().type_str()),
        )
    })
}

fn address(value: &Value<'_>) -> Result<Network, Fault> {
    let text = quoted(value)?;
    if text.contains('/') {
        return Err((
            "bad_address",
            format!("\"{}\" is a network: write `network = ` instead of `address = `", cut(text)),
        ));
    }
    let client: ClientKey =
        text.parse().map_err(|error| ("bad_address", format!("\"{}\" is {error}", cut(text))))?;
    Ok(Network::single(client))
}

fn network(value: &Value<'_>) -> Result<Network, Fault> {
    let text = quoted(value)?;
    text.parse::<Network>().map_err(|error| ("bad_network", format!("\"{}\": {error}", cut(text))))
}

fn asn(value: &Value<'_>) -> Result<u32, Fault> {
    let number = match value.get_ref().as_str() {
        Some(text) => {
            text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).and_then(|digits| digits.parse().ok())
        }
        None => reader::integer(value).and_then(|number| u32::try_from(number).ok()),
    };
    number
        .filter(|number| *number != 0)
        .ok_or_else(|| ("bad_asn", "an AS number is 64500 or \"AS64500\", from 1 to 4294967295".to_owned()))
}

fn country(value: &Value<'_>) -> Result<Country, Fault> {
    let text = quoted(value)?;
    Country::parse(text).ok_or_else(|| {
        (
            "bad_country",
            format!(
                "\"{}\" is not a country: write two letters such as \"NL\" (ISO 3166-1); Tor is \"T1\"",
                cut(text)
            ),
        )
    })
}

fn agent(value: &Value<'_>) -> Result<String, Fault> {
    let text = quoted(value)?;
    let telling = text.bytes().filter(|b| !matches!(b, b'*' | b'?' | b' ')).count();
    if telling < 3 || text.len() > PATTERN_BYTES_MAX {
        let message = format!(
            "an agent pattern has 3 to {PATTERN_BYTES_MAX} bytes besides * and ?, so that it does not match everybody"
        );
        return Err(("bad_agent", message));
    }
    Ok(text.to_ascii_lowercase())
}

fn path(value: &Value<'_>) -> Result<String, Fault> {
    let text = quoted(value)?;
    let telling = text.bytes().filter(|b| !matches!(b, b'*' | b'?' | b'/')).count();
    let rooted = text.starts_with('/') || text.starts_with("*/");
    if telling < 3 || text.len() > PATTERN_BYTES_MAX || !rooted || text.contains('%') || text.contains("//") {
        let message = format!(
            "a honeypot path starts with / or */, has at least 3 characters besides / and *, at most {PATTERN_BYTES_MAX} bytes, no % and no //"
        );
        return Err(("bad_path", message));
    }
    let plain = plain(text);
    Ok(if is_glob(plain.as_bytes()) { plain } else { plain.trim_end_matches('/').to_owned() })
}

/// Patterns are tried one by one for each request, so there cannot be many.
pub(super) fn check_patterns(entries: &[Entry], diagnostics: &mut Diagnostics<'_>) {
    let (mut agents, mut globs) = (0usize, 0usize);
    for entry in entries {
        match &entry.matcher {
            Matcher::Agents(patterns) => agents += patterns.len(),
            Matcher::Paths(paths) => globs += paths.iter().filter(|path| is_glob(path.as_bytes())).count(),
            _ => {}
        }
    }
    for (count, what) in [(agents, "agent patterns"), (globs, "honeypot paths with * or ?")] {
        if count > MAX_PATTERNS {
            diagnostics.add(
                &(0..0),
                "too_many",
                format!("{count} {what}: at most {MAX_PATTERNS}, since each is tried for each request"),
            );
        }
    }
}
