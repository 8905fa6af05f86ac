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
