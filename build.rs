//! Turns `locales/*.toml` into typed messages, `agents/agents.tsv` into tables, and makes the style sheets small. A message file with a missing,
//! unknown or empty key, or with other placeholders than the English one, fails the build and is named.

#[path = "agents/codegen.rs"]
mod agents;
#[path = "locales/codegen.rs"]
mod locales;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// Where the texts and templates are, with the pages and without: then the certificate is left, and the terms.
const PAGES: [&str; 2] = ["locales", "templates"];
const NO_PAGES: [&str; 4] =
    ["locales/certificate", "locales/codegen.rs", "locales/terms", "templates/certificate.css"];
const SHEETS: [&str; 9] =
    ["base", "closed", "question", "envelope", "letter", "viewer", "receipt", "history", "certificate"];

fn main() {
    // Without pages what is theirs is not looked at, so that it builds nothing anew.
    let pages = env::var_os("CARGO_FEATURE_PAGES").is_some();
    let (looked_at, sheets) =
        if pages { (&PAGES[..], &SHEETS[..]) } else { (&NO_PAGES[..], &["certificate"][..]) };
    for path in ["build.rs", "agents"].iter().chain(looked_at) {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let mut faults = Vec::new();

    let files = if pages { catalogues(Path::new("locales"), &mut faults) } else { BTreeMap::new() };
    let certificate = catalogues(Path::new("locales/certificate"), &mut faults);
    for language in certificate.keys() {
        match fs::read_to_string(Path::new("locales/terms").join(language).with_extension("txt")) {
            Ok(text) => faults.extend(locales::terms_faults(language, &text)),
            Err(error) => faults.push(format!("locales/terms/{language}.txt: {error}")),
        }
    }
    if faults.is_empty() {
        if pages {
            faults.extend(locales::faults(&files));
        }
        let there = |fault: String| fault.replacen("locales/", "locales/certificate/", 1);
        faults.extend(locales::faults(&certificate).into_iter().map(there));
    }
    if pages {
        write(&out.join("messages.rs"), &locales::code(&files), &mut faults);
    }
    // The command line alone has these: a set of their own, so that the module for the edge does not carry them.
    write(&out.join("certificate.rs"), &locales::code(&certificate), &mut faults);

    match fs::read_to_string("agents/agents.tsv") {
        Ok(text) => {
            let (rows, found) = agents::read(&text);
            faults.extend(found.iter().map(|fault| format!("agents/agents.tsv: {fault}")));
            write(&out.join("agents.rs"), &agents::guard(&rows), &mut faults);
            write(&out.join("programs.rs"), &agents::robots(&rows), &mut faults);
        }
        Err(error) => faults.push(format!("agents/agents.tsv: {error}")),
    }

    for sheet in sheets {
        match fs::read_to_string(Path::new("templates").join(sheet).with_extension("css")) {
            Ok(text) => write(&out.join(sheet).with_extension("css"), &minify(&text), &mut faults),
            Err(error) => faults.push(format!("templates/{sheet}.css: {error}")),
        }
    }
    for fault in &faults {
        println!("cargo::error={fault}");
    }
    if !faults.is_empty() {
        process::exit(1);
    }
}

/// The message files of a folder by their language, which is each file's name.
fn catalogues(folder: &Path, faults: &mut Vec<String>) -> BTreeMap<String, locales::Catalogue> {
    let paths = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files = BTreeMap::new();
    for path in paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
        match catalogue(&path) {
            Ok(found) => {
                let language = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                files.insert(language, found);
            }
            Err(fault) => faults.push(fault),
        }
    }
    files
}

fn write(path: &Path, text: &str, faults: &mut Vec<String>) {
    if let Err(error) = fs::write(path, text) {
        faults.push(format!("{}: {error}", path.display()));
    }
}

fn catalogue(path: &Path) -> Result<locales::Catalogue, String> {
    let fault = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let text = fs::read_to_string(path).map_err(|error| fault(&error))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| fault(&error))?;
    let mut catalogue = locales::Catalogue::new();
    for (section, value) in table {
        let keys = value.as_table().ok_or_else(|| fault(&format!("[{section}] is not a section")))?;
        for (key, value) in keys {
            let text = value.as_str().ok_or_else(|| fault(&format!("[{section}] {key} is not a text")))?;
            catalogue.entry(section.clone()).or_default().insert(key.clone(), text.to_owned());
        }
    }
    Ok(catalogue)
}

/// The style sheet without comments and without white space that means nothing. Enough for our own plain CSS.
fn minify(css: &str) -> String {
    let mut plain = String::new();
    let mut rest = css;
    while let Some((before, after)) = rest.split_once("/*") {
        plain.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, tail)| tail);
    }
    plain.push_str(rest);

    let mut small = String::new();
    let mut space = false;
    for c in plain.chars() {
        if c.is_whitespace() {
            space = true;
            continue;
        }
        // A space before `:` or `(` or around `+` and `-` can mean something; around these it never does.
        let tight = |c: char| matches!(c, '{' | '}' | ';' | ',' | '>');
        if space && !tight(c) && !small.ends_with(|last| tight(last) || last == ':') {
            small.push(' ');
        }
        space = false;
        if c == '}' && small.ends_with(';') {
            small.pop();
        }
        small.push(c);
    }
    small
}
