//! The message files: the build refuses faulty ones, no key is left unused, every language is translated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use waxseal::api::Code;
use waxseal::lang::{KEYS, Lang};
use waxseal::site::Site;

#[path = "../../../locales/codegen.rs"]
#[allow(dead_code)]
mod codegen;

fn catalogue(entries: &[(&str, &str, &str)]) -> codegen::Catalogue {
    let mut catalogue = codegen::Catalogue::new();
    for (section, key, text) in entries {
        catalogue.entry((*section).into()).or_default().insert((*key).into(), (*text).into());
    }
    catalogue
}

fn faults(nl: &[(&str, &str, &str)]) -> Vec<String> {
    let en = catalogue(&[("envelope", "from", "From {sender}"), ("envelope", "open", "Open")]);
    codegen::faults(&BTreeMap::from([("en".into(), en), ("nl".into(), catalogue(nl))]))
}

#[test]
fn matching_files_pass() {
    assert!(faults(&[("envelope", "open", "Openen"), ("envelope", "from", "Van {sender}")]).is_empty());
}

#[test]
fn a_fault_names_file_and_key() {
    let open = ("envelope", "open", "Openen");
    for (nl, expected) in [
        (vec![open], "locales/nl.toml: [envelope] from is missing"),
        (vec![open, ("envelope", "from", " ")], "locales/nl.toml: [envelope] from is empty"),
        (vec![open, ("envelope", "from", "Van")], "locales/nl.toml: [envelope] from has the placeholders {}"),
        (vec![open, ("envelope", "from", "Van {afzender}")], "from has the placeholders {\"afzender\"}"),
        (vec![open, ("envelope", "from", "Van {sender")], "a `{` without its `}`"),
        (vec![open, ("envelope", "from", "Van sender}")], "a `}` without its `{`"),
        (vec![open, ("envelope", "from", "Van {Sender}")], "is not a placeholder"),
        (
            vec![open, ("envelope", "from", "Van {sender}"), ("letter", "open", "x")],
            "locales/nl.toml: [letter] open is unknown",
        ),
    ] {
        let found = faults(&nl);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{expected}: {found:?}");
    }
    assert!(
        codegen::faults(&BTreeMap::new()).iter().any(|fault| fault.contains("locales/en.toml is missing"))
    );
}

#[test]
fn default_terms_name_the_sender_and_whom_to_ask() {
    assert_eq!(codegen::terms_faults("nl", "Van {sender}: {contact}"), Vec::<String>::new());
    assert_eq!(codegen::terms_faults("nl", "{sender}"), ["locales/terms/nl.txt: {contact} is missing"]);
    assert_eq!(
        codegen::terms_faults("nl", "{sender} {contact} {x}"),
        ["locales/terms/nl.txt: {x} is unknown"]
    );
}

#[test]
fn every_key_is_used_by_a_template_or_by_code() {
    let mut sources = String::new();
    for folder in ["templates", "src/lang", "src/pages"] {
        for entry in fs::read_dir(folder).unwrap() {
            sources.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
        }
    }
    // `c`, `l` and `m` stand for a section where the code names it once and uses it often.
    let short = [("closed", "c"), ("common", "c"), ("letter", "l"), ("confirm", "m"), ("history", "m")];
    let unused: Vec<_> = KEYS
        .iter()
        .filter(|key| {
            let (section, name) = key.split_once('.').unwrap();
            let mut calls = vec![format!("m.{section}.{name}("), format!("messages().{section}.{name}(")];
            calls.extend(
                short
                    .iter()
                    .filter(|(long, _)| *long == section)
                    .map(|(_, short)| format!("{short}.{name}(")),
            );
            // A bare `c.name(` must not be the tail of a longer word.
            !calls.iter().any(|call| {
                sources.match_indices(call.as_str()).any(|(at, _)| {
                    !sources[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
                })
            })
        })
        .collect();
    assert!(unused.is_empty(), "no template or code uses {unused:?}");
    assert!(KEYS.len() > 100);
}

#[test]
fn every_language_is_translated() {
    let read = |lang: Lang| fs::read_to_string(format!("locales/{lang}.toml")).unwrap();
    let english = read(Lang::En);
    for lang in Lang::ALL.into_iter().filter(|lang| *lang != Lang::En) {
        let text = read(lang);
        let same: Vec<_> = text
            .lines()
            .filter(|line| line.contains(" = ") && line.len() > 40)
            .filter(|line| english.lines().any(|other| other == *line))
            .collect();
        assert!(same.is_empty(), "{lang}: {same:?}");
        assert_ne!(lang.default_terms(), Lang::En.default_terms());
    }
    // French puts a space that does not break before these.
    for (number, line) in read(Lang::Fr).lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        assert!(
            ![" :", " ;", " ?", " !", " »", "« "].iter().any(|pair| line.contains(pair)),
            "fr.toml:{}",
            number + 1
        );
    }
}

#[test]
fn every_key_of_the_certificate_is_used_and_translated() {
    let root = Path::new(".");
    let mut sources = fs::read_to_string(root.join("templates/certificate.html")).unwrap();
    for entry in fs::read_dir(root.join("src/certificate")).unwrap() {
        sources.push_str(&fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    // `e` and `s` stand for a section where the code names it once and uses it often.
    let short = [("events", "e"), ("short", "s")];
    for key in waxseal::certificate::KEYS {
        let (section, name) = key.split_once('.').unwrap();
        let by = short.iter().find(|(long, _)| *long == section).map(|(_, short)| format!("{short}.{name}("));
        let used = sources.contains(&format!("m.{section}.{name}("));
        assert!(used || by.is_some_and(|call| sources.contains(&call)), "no template or code uses {key}");
    }
    let read = |lang| fs::read_to_string(root.join(format!("locales/certificate/{lang}.toml"))).unwrap();
    let english = read("en");
    for lang in Lang::ALL.map(Lang::tag).into_iter().filter(|lang| *lang != "en") {
        let text = read(lang);
        let same: Vec<_> = text
            .lines()
            .filter(|line| {
                line.contains(" = ") && line.len() > 40 && english.lines().any(|other| other == *line)
            })
            .collect();
        assert!(same.is_empty(), "{lang}: {same:?}");
    }
    for (number, line) in read("fr").lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let split = [" :", " ;", " ?", " !", " »", "« "].iter().any(|pair| line.contains(pair));
        assert!(!split, "certificate/fr.toml:{}", number + 1);
    }
}

/// Each must be written anew when a language comes.
#[test]
fn sentences_that_list_the_languages_list_all() {
    let settings = r#"{"name": "Garage", "contact": {"email": "a@b.example"}, "default_language": "xx"}"#;
    let error = Site::from_json(settings).unwrap_err().to_string();
    let api = [Code::TermsChoice, Code::TermsLanguage].map(Code::sentence);
    for sentence in api.into_iter().chain([error.as_str()]) {
        let words: Vec<_> = sentence.split(|c: char| !c.is_alphabetic()).collect();
        for lang in Lang::ALL {
            assert!(words.contains(&lang.tag()), "{lang}: {sentence}");
        }
    }
}
