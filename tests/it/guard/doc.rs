//! What `docs/GUARD.md` shows can be pasted.
use waxseal::guard::{Rules, Settings};

const DOC: &str = include_str!("../../../docs/GUARD.md");

#[test]
fn every_example_is_a_valid_rules_file() {
    let examples = DOC.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    // One is for wrangler.toml.
    let examples: Vec<&str> = examples.filter(|example| !example.contains("[[kv_namespaces]]")).collect();
    assert!(examples.len() >= 4);
    for example in &examples {
        Rules::parse(example).unwrap_or_else(|error| panic!("{error}\n{example}"));
    }
    let defaults = Rules::parse(examples[0]).unwrap();
    assert_eq!(defaults, Rules::default(), "the first example says that it shows the defaults");
    assert_eq!(defaults.settings, Settings::default());
}

#[test]
fn every_key_of_an_entry_has_its_row() {
    for (table, more) in [("deny", "dry_run"), ("honeypot", "note")] {
        let error =
            Rules::parse(&format!("[[{table}]]\nexpires = 2027-01-31T18:00:00Z\n")).unwrap_err().to_string();
        let (_, subjects) = error.split_once("add one of ").expect("says what an entry can be about");
        for key in subjects.lines().next().unwrap().split(", ").chain([more, "expires"]) {
            assert!(DOC.contains(&format!("\n| `{key}` |")), "docs/GUARD.md says nothing of `{key}`");
        }
    }
}
