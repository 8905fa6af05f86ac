//! The rules file: what it says, and how it says what is wrong.
use proptest::prelude::*;
use waxseal::guard::rules::{Action, Country, MAX_RULES_BYTES, Matcher};
use waxseal::guard::{CrawlerPolicy, PreviewPolicy, Profile, Rules, Thresholds};
use waxseal::types::UnixSeconds;

const FULL: &str = r#"
profile = "strict"

[thresholds]
allowance = 30
damaged = 2
forged = 15
api_key = 7
fade = "10m"
network_after = 4
system_after = 12
strict_factor = 3
dry_run = true
note = "first week"

[robots]
crawlers = "ban"
previews = "refuse"
dry_run = true

[honeypots]
shipped = false

[[allow]]
network = ["203.0.113.0/24", "2001:db8:5::/48"]
note = "Head office"

[[deny]]
asn = [64500, "AS64501"]
expires = 2027-01-31T18:00:00+01:00

[[allow]]
address = "192.0.2.7"

[[deny]]
country = ["xx", "T1"]
dry_run = true

[[deny]]
agent = "*EvilBot/?*"

[[honeypot]]
path = ["/Old-Admin/", "/backup/*"]
"#;

#[test]
fn a_full_file_says_all_it_can() {
    let rules = Rules::parse(FULL).unwrap();
    let s = &rules.settings;
    assert_eq!(
        (s.profile, s.crawlers, s.previews),
        (Profile::Strict, CrawlerPolicy::Ban, PreviewPolicy::Refuse)
    );
    assert!(s.robots_dry_run);
    let expected = Thresholds {
        allowance: 30,
        damaged: 2,
        forged: 15,
        api_key: 7,
        fade_seconds: 600,
        network_after: 4,
        system_after: 12,
        strict_factor: 3,
        dry_run: true,
    };
    assert_eq!(s.thresholds, expected);

    let e = &rules.entries;
    assert_eq!(e.len(), 6, "in the order of the file, without the shipped honeypots");
    let networks = |list: &[&str]| Matcher::Networks(list.iter().map(|text| text.parse().unwrap()).collect());
    assert_eq!(
        (e[0].action, &e[0].matcher),
        (Action::Allow, &networks(&["203.0.113.0/24", "2001:db8:5::/48"]))
    );
    assert_eq!((e[0].note.as_str(), e[0].line, e[0].expires), ("Head office", 24, None));
    assert_eq!((e[1].action, &e[1].matcher), (Action::Deny, &Matcher::Asns(vec![64_500, 64_501])));
    assert_eq!(e[1].expires, Some(UnixSeconds(1_801_414_800)));
    assert_eq!((e[2].action, &e[2].matcher), (Action::Allow, &networks(&["192.0.2.7"])));
    assert_eq!(e[3].matcher, Matcher::Countries(vec![Country(*b"XX"), Country(*b"T1")]));
    assert!(e[3].dry_run && !e[2].dry_run);
    assert_eq!(e[4].matcher, Matcher::Agents(vec!["*evilbot/?*".to_owned()]));
    assert_eq!(e[5].matcher, Matcher::Paths(vec!["/old-admin".to_owned(), "/backup/*".to_owned()]));
}

#[test]
fn an_empty_file_is_the_default_with_the_shipped_honeypots() {
    let rules = Rules::parse("").unwrap();
    assert_eq!(rules, Rules::default());
    let [shipped] = rules.entries.as_slice() else { panic!("one entry") };
    let Matcher::Paths(paths) = &shipped.matcher else { panic!("paths") };
    assert!(paths.iter().any(|path| path == "/wp-login.php") && paths.iter().any(|path| path == "/.env"));
}

#[test]
fn the_shipped_honeypots_can_be_left_out_or_tried() {
    assert!(Rules::parse("[honeypots]\nshipped = false\n").unwrap().entries.is_empty());
    assert!(Rules::parse("[honeypots]\ndry_run = true\n").unwrap().entries[0].dry_run);
}

#[test]
fn what_is_shipped_would_pass_as_rules() {
    let Matcher::Paths(paths) = &Rules::default().entries[0].matcher else { panic!("paths") };
    let list: Vec<String> = paths.iter().map(|path| format!("\"{path}\"")).collect();
    let text = format!("[honeypots]\nshipped = false\n[[honeypot]]\npath = [{}]\n", list.join(", "));
    let read = Rules::parse(&text).unwrap();
    assert_eq!(&read.entries[0].matcher, &Rules::default().entries[0].matcher);
}

/// Text, line, column, code, a word of the message.
const WRONG: &[(&str, u32, u32, &str, &str)] = &[
    ("profile = \n", 1, 11, "syntax", "not TOML"),
    ("\n[[deny]\n", 2, 8, "syntax", "not TOML"),
    ("a = 1\na = 2\n", 2, 1, "syntax", "duplicate"),
    ("profil = \"strict\"\n", 1, 1, "unknown_key", "did you mean `profile`?"),
    ("colour = 1\n", 1, 1, "unknown_key", "known here: profile"),
    ("[[deny]]\n  contry = \"NL\"\n  country = \"NL\"\n", 2, 3, "unknown_key", "did you mean `country`?"),
    ("[thresholds]\nallowence = 3\n", 2, 1, "unknown_key", "did you mean `allowance`?"),
    ("profile = \"harsh\"\n", 1, 11, "unknown_word", "\"balanced\", \"strict\", \"honeypot\""),
    ("profile = 3\n", 1, 11, "wrong_type", "double quotes"),
    ("thresholds = 3\n", 1, 14, "wrong_type", "[thresholds]"),
    ("[deny]\nasn = 1\n", 1, 1, "wrong_type", "[[deny]]"),
    ("deny = [3]\n", 1, 9, "wrong_type", "[[deny]]"),
    ("[thresholds]\nallowance = 0\n", 2, 13, "out_of_range", "from 1 to 10000"),
    ("[thresholds]\nallowance = -5\n", 2, 13, "out_of_range", "from 1"),
    ("[thresholds]\nallowance = 99999999999999999999999\n", 2, 13, "out_of_range", "from 1"),
    ("[thresholds]\nallowance = \"5\"\n", 2, 13, "wrong_type", "whole number"),
    ("[thresholds]\nfade = \"soon\"\n", 2, 8, "bad_duration", "\"30m\""),
    ("[thresholds]\nfade = \"0s\"\n", 2, 8, "out_of_range", "1s"),
    ("[thresholds]\nfade = \"8d\"\n", 2, 8, "bad_duration", "7d"),
    ("[thresholds]\ntrust = \"30d\"\n", 2, 1, "unknown_key", "known here: allowance"),
    ("[thresholds]\nrobot_leniency = 10\n", 2, 1, "unknown_key", "known here: allowance"),
    ("[robots]\ndry_run = \"yes\"\n", 2, 11, "wrong_type", "true or false"),
    ("[[deny]]\nnote = \"who?\"\n", 1, 1, "nothing_to_match", "address, network, asn, country, agent"),
    ("[[deny]]\nasn = 1\ncountry = \"NL\"\n", 3, 11, "two_subjects", "second [[deny]] for `country`"),
    ("[[deny]]\naddress = []\n", 2, 11, "empty_list", "empty"),
    ("[[deny]]\naddress = \"192.0.2.0/24\"\n", 2, 11, "bad_address", "write `network = `"),
    ("[[deny]]\naddress = \"192.0.2\"\n", 2, 11, "bad_address", "not an IP address"),
    ("[[deny]]\naddress = 192\n", 2, 11, "wrong_type", "double quotes"),
    (
        "[[deny]]\nnetwork = [\"192.0.2.0/24\", \"192.0.2.7/24\"]\n",
        2,
        28,
        "bad_network",
        "write 192.0.2.0/24",
    ),
    ("[[deny]]\nnetwork = \"2001:db8::/72\"\n", 2, 11, "bad_network", "write 2001:db8::/64"),
    ("[[deny]]\nasn = 0\n", 2, 7, "bad_asn", "from 1"),
    ("[[deny]]\nasn = 4294967296\n", 2, 7, "bad_asn", "4294967295"),
    ("[[deny]]\ncountry = \"NLD\"\n", 2, 11, "bad_country", "two letters"),
    ("[[deny]]\nagent = \"*\"\n", 2, 9, "bad_agent", "everybody"),
    ("[[deny]]\npath = \"/x\"\nasn = 1\n", 2, 1, "unknown_key", "path"),
    ("[[honeypot]]\npath = \"wp-login.php\"\n", 2, 8, "bad_path", "starts with /"),
    ("[[honeypot]]\npath = \"/*\"\n", 2, 8, "bad_path", "3 characters"),
    ("[[deny]]\nasn = 1\nexpires = 2027-01-31\n", 3, 11, "bad_time", "2027-01-31T18:00:00Z"),
    ("[[deny]]\nasn = 1\nexpires = 2027-01-31T18:00:00\n", 3, 11, "bad_time", "offset"),
    ("[[deny]]\nasn = 1\nexpires = \"2027-01-31T18:00:00Z\"\n", 3, 11, "bad_time", "without quotes"),
    // Columns count characters, not bytes.
    ("[[deny]]\nnote = \"é\"   # é\nagent = [\"éé\", \"x\"]\n", 3, 16, "bad_agent", "3 to"),
];

#[test]
fn every_fault_says_where_it_is_and_what_to_write() {
    for (text, line, column, code, word) in WRONG {
        let error = Rules::parse(text).unwrap_err();
        let fault = error.diagnostics().iter().find(|fault| fault.code == *code);
        let fault = fault.unwrap_or_else(|| panic!("{text:?} gave {error}"));
        assert_eq!((fault.line, fault.column), (*line, *column), "{text:?}: {error}");
        assert!(fault.message.contains(word), "{text:?}: {error}");
        assert_eq!(error.code(), "rules_invalid");
    }
}

#[test]
fn all_faults_are_told_at_once_in_order() {
    let text = "profile = \"x\"\n[[deny]]\nasn = 0\n[[allow]]\ncountry = \"?\"\nnoet = \"x\"\n";
    let error = Rules::parse(text).unwrap_err();
    let lines: Vec<u32> = error.diagnostics().iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [1, 3, 5, 6]);
    assert!(error.to_string().contains("line 5, column 11: \"?\" is not a country"));
    let many = "[[deny]]\nasn = 0\n".repeat(1_000);
    assert_eq!(Rules::parse(&many).unwrap_err().diagnostics().len(), 50, "nobody reads more");
}

#[test]
fn sizes_are_bounded() {
    let code = |text: &str| Rules::parse(text).unwrap_err().diagnostics()[0].code.clone();
    assert_eq!(code(&"#".repeat(MAX_RULES_BYTES + 1)), "too_large");
    assert_eq!(code(&"[[deny]]\nasn = 1\n".repeat(10_001)), "too_many");
    let agents: Vec<String> = (0..513).map(|n| format!("\"agent-{n}\"")).collect();
    assert_eq!(code(&format!("[[deny]]\nagent = [{}]\n", agents.join(","))), "too_many");
    assert_eq!(code(&format!("[[deny]]\nasn = 1\nnote = \"{}\"\n", "x".repeat(501))), "too_long");
    assert_eq!(code(&format!("x = {}", "[".repeat(10_000))), "syntax");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn no_text_panics(text in "\\PC{0,200}", cut in 0usize..700, noise in "[\\[\\]=\"a-z0-9.\n]{0,40}") {
        let _ = Rules::parse(&text);
        let damaged: String = FULL.chars().take(cut).chain(noise.chars()).collect();
        if let Err(error) = Rules::parse(&damaged) {
            prop_assert!(!error.diagnostics().is_empty());
            prop_assert!(error.diagnostics().iter().all(|fault| fault.line > 0 && fault.column > 0));
        }
    }
}
