//! Checks the message files against each other and writes the Rust code of the typed messages.
//!
//! English is the reference: every other language has the same keys with the same placeholders. Used by
//! `build.rs`, and by `tests/it/pages/locales.rs`, which feeds it faulty files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Section name, then key, then text.
pub(crate) type Catalogue = BTreeMap<String, BTreeMap<String, String>>;

/// The file every other file is compared with.
pub(crate) const REFERENCE: &str = "en";

/// The placeholders of a text, such as `{sender}`, or what is wrong with its braces.
pub(crate) fn placeholders(text: &str) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (_, tail) = rest.split_at(at);
        let Some(open) = tail.strip_prefix('{') else { return Err("a `}` without its `{`".into()) };
        let Some((name, after)) = open.split_once('}') else { return Err("a `{` without its `}`".into()) };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            return Err(format!("`{{{name}}}` is not a placeholder: lower-case letters only"));
        }
        found.insert(name.to_owned());
        rest = after;
    }
    Ok(found)
}

/// Every fault in the message files, each naming file and key.
pub(crate) fn faults(files: &BTreeMap<String, Catalogue>) -> Vec<String> {
    let mut faults = Vec::new();
    let Some(reference) = files.get(REFERENCE) else {
        return vec![format!("locales/{REFERENCE}.toml is missing: it is the reference")];
    };
    for (language, catalogue) in files {
        let file = format!("locales/{language}.toml");
        for (section, keys) in reference {
            for key in keys.keys() {
                if !catalogue.get(section).is_some_and(|found| found.contains_key(key)) {
                    faults.push(format!("{file}: [{section}] {key} is missing"));
                }
            }
        }
        for (section, keys) in catalogue {
            for (key, text) in keys {
                let Some(original) = reference.get(section).and_then(|found| found.get(key)) else {
                    faults.push(format!(
                        "{file}: [{section}] {key} is unknown: locales/en.toml has no such key"
                    ));
                    continue;
                };
                if !is_name(section) || !is_name(key) {
                    faults.push(format!("{file}: [{section}] {key}: names are lower-case letters and _"));
                }
                if text.trim().is_empty() {
                    faults.push(format!("{file}: [{section}] {key} is empty"));
                }
                match (placeholders(text), placeholders(original)) {
                    (Err(fault), _) => faults.push(format!("{file}: [{section}] {key}: {fault}")),
                    (Ok(found), Ok(wanted)) if found != wanted => faults.push(format!(
                        "{file}: [{section}] {key} has the placeholders {found:?}, locales/en.toml has {wanted:?}"
                    )),
                    _ => {}
                }
            }
        }
    }
    faults
}

/// Faults in a default terms text: it names the sender and uses no other placeholder than these two.
pub(crate) fn terms_faults(language: &str, text: &str) -> Vec<String> {
    let file = format!("locales/terms/{language}.txt");
    match placeholders(text) {
        Err(fault) => vec![format!("{file}: {fault}")],
        Ok(found) => ["sender", "contact"]
            .iter()
            .filter(|name| !found.contains(**name))
            .map(|name| format!("{file}: {{{name}}} is missing"))
            .chain(
                found
                    .iter()
                    .filter(|name| !matches!(name.as_str(), "sender" | "contact"))
                    .map(|name| format!("{file}: {{{name}}} is unknown")),
            )
            .collect(),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn type_name(section: &str) -> String {
    let mut name = String::new();
    for word in section.split('_') {
        let mut letters = word.chars();
        name.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name + "Text"
}

/// The Rust code: one struct for each section, one method for each key, one static for each language.
/// A text with placeholders becomes a method that takes them, in the order of the English text.
pub(crate) fn code(files: &BTreeMap<String, Catalogue>) -> String {
    let mut out = String::from("// Written by build.rs from locales/*.toml.\n");
    let Some(reference) = files.get(REFERENCE) else { return out };
    let mut messages = String::new();
    let mut keys_list = String::new();
    for (section, keys) in reference {
        let name = type_name(section);
        let _ = writeln!(messages, "/// Section `[{section}]`.\npub {section}: {name},");
        let mut fields = String::new();
        let mut methods = String::new();
        for (key, text) in keys {
            let _ = writeln!(keys_list, "\"{section}.{key}\",");
            let _ = writeln!(fields, "{key}: &'static str,");
            let mut wanted: Vec<_> = placeholders(text).unwrap_or_default().into_iter().collect();
            wanted.sort_by_key(|name| text.find(&format!("{{{name}}}")));
            let doc = text.replace('\n', " ");
            let _ = writeln!(methods, "#[doc = {doc:?}]");
            if wanted.is_empty() {
                let _ = writeln!(methods, "pub const fn {key}(&self) -> &'static str {{ self.{key} }}");
                continue;
            }
            let arguments: Vec<_> =
                wanted.iter().map(|name| format!("{name}: impl core::fmt::Display")).collect();
            let pairs: Vec<_> = wanted.iter().map(|name| format!("({name:?}, &{name})")).collect();
            let _ = writeln!(
                methods,
                "pub fn {key}(&self, {}) -> String {{ fill(self.{key}, &[{}]) }}",
                arguments.join(", "),
                pairs.join(", ")
            );
        }
        let _ = writeln!(
            out,
            "/// Texts of the section `[{section}]`.\n#[derive(Debug)]\npub struct {name} {{\n{fields}}}"
        );
        let _ = writeln!(out, "impl {name} {{\n{methods}}}");
    }
    let _ = writeln!(
        out,
        "/// Every text of one language.\n#[derive(Debug)]\npub struct Messages {{\n{messages}}}"
    );
    let _ = writeln!(out, "/// Every key, as `section.key`.\npub const KEYS: &[&str] = &[\n{keys_list}];");
    for (language, catalogue) in files {
        let _ = writeln!(out, "static {}: Messages = Messages {{", language.to_uppercase());
        for (section, keys) in catalogue {
            let _ = writeln!(out, "{section}: {} {{", type_name(section));
            for (key, text) in keys {
                let _ = writeln!(out, "{key}: {text:?},");
            }
            out.push_str("},\n");
        }
        out.push_str("};\n");
    }
    let arms: String = files
        .keys()
        .map(|language| {
            let (first, rest) = language.split_at(1);
            format!("Lang::{}{rest} => &{},", first.to_uppercase(), language.to_uppercase())
        })
        .collect();
    let _ = writeln!(
        out,
        "pub(super) const fn messages(lang: Lang) -> &'static Messages {{ match lang {{ {arms} }} }}"
    );
    out
}
