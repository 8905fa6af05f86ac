//! The settings of a site: defaults, every fault at once, hostile values.

use sha2::{Digest, Sha256};
use waxseal::evidence::key::{Algorithm, VerifierKey};
use waxseal::lang::Lang;
use waxseal::site::{Jurisdiction, Site};

fn faults(json: &str) -> Vec<String> {
    let errors = Site::from_json(json).expect_err(json);
    assert_eq!(errors.code(), "site_invalid");
    let shown = errors.to_string();
    assert!(errors.errors().iter().all(|error| shown.contains(&error.message)));
    errors.errors().iter().map(|error| error.setting.clone()).collect()
}

#[test]
fn name_and_contact_are_enough() {
    let site = Site::from_json(r#"{"name":" Garage ","contact":{"phone":"+31 (0)20 555-01"}}"#).unwrap();
    assert_eq!(site.name, "Garage");
    assert_eq!(site.default_language, Lang::En);
    assert_eq!(site.time_zone, "UTC");
    assert_eq!(site.security_contact, "tel:+3102055501");
    assert_eq!(site.initial(), 'G');
}

#[test]
fn every_fault_is_reported_at_once() {
    let json = r##"{"nmae":"x","logo":"https://evil.example/x.png","accent":"red","contact":{"email":"a b","fax":"1"},
        "time_zone":"../etc","default_language":"xx","privacy_url":"javascript:alert(1)","terms":{"en":"no name","xx":""},
        "security_contact":"http://x","name":""}"##;
    let found = faults(json);
    for setting in [
        "nmae",
        "name",
        "logo",
        "accent",
        "contact.email",
        "contact.fax",
        "time_zone",
        "default_language",
        "privacy_url",
        "terms.xx",
        "security_contact",
    ] {
        assert!(found.iter().any(|name| name == setting), "{setting}: {found:?}");
    }
}

#[test]
fn a_wrong_shape_is_a_fault_and_not_a_panic() {
    for json in ["", "[]", "null", "{", "1", r#"{"name":1,"contact":[],"terms":3}"#, "{}"] {
        assert!(!faults(json).is_empty(), "{json}");
    }
    assert_eq!(faults(r#"{"name":"A","contact":{"address":"Street 1"}}"#), ["security_contact"]);
    assert_eq!(faults(r#"{"name":"A"}"#), ["contact"]);
}

#[test]
fn values_that_could_mislead_are_refused() {
    let name =
        |name: &str| format!(r#"{{"name":{},"contact":{{"email":"a@b.c"}}}}"#, serde_json::Value::from(name));
    for text in ["a\u{202e}b", "a\u{200b}b", "a\nb", &"x".repeat(81)] {
        assert_eq!(faults(&name(text)), ["name"], "{text:?}");
    }
    let with = |key: &str, value: &str| {
        format!(r#"{{"name":"A","contact":{{"email":"a@b.c"}},"{key}":{}}}"#, serde_json::Value::from(value))
    };
    for logo in [
        "/assets/",
        "/assets/../x",
        "//evil/x",
        "data:text/html;base64,AA==",
        "data:image/png;base64,",
        "data:image/png;base64,@@",
    ] {
        assert_eq!(faults(&with("logo", logo)), ["logo"], "{logo}");
    }
    for logo in ["/assets/brand/logo-2.svg", "data:image/svg+xml;base64,PHN2Zy8+"] {
        assert!(Site::from_json(&with("logo", logo)).is_ok(), "{logo}");
    }
    for url in
        ["https://", "https://a b", "https://user@evil.example", "https://x/\"onclick", "data:text/html,x"]
    {
        assert_eq!(faults(&with("privacy_url", url)), ["privacy_url"], "{url}");
    }
}

#[test]
fn terms_are_the_exact_text_that_is_hashed() {
    let site = Site::from_json(
        r#"{"name":"Gar{contact}age","contact":{"email":"a@b.example"},"terms":{"nl":"  Van {sender}.\r\n\r\nVraag {contact} {x}.  "}}"#,
    )
    .unwrap();
    let dutch = site.terms(Lang::Nl);
    assert_eq!(dutch.text(), "Van Gar{contact}age.\n\nVraag a@b.example {x}.");
    assert_eq!(dutch.sha256()[..], Sha256::digest(dutch.text().as_bytes())[..]);
    for lang in Lang::ALL {
        let terms = site.terms(lang);
        assert!(terms.text().contains("Gar{contact}age") && terms.text().contains("a@b.example"));
        assert_eq!(site.terms_by_hash(&terms.hex()).map(|(found, _)| found), Some(lang));
    }
    assert_eq!(site.terms_by_hash("00"), None);
    assert_eq!(site.terms_by_hash(&dutch.hex().to_uppercase()), None);
}

#[test]
fn a_log_has_a_name_and_witnesses() {
    // The witness of the C2SP example, and the same key as a log's.
    let key = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    let public: [u8; 32] = key.parse::<VerifierKey>().unwrap().public().to_owned();
    let witness = |name: &str| VerifierKey::new(name, Algorithm::CosignatureV1, &public).unwrap();
    let with = |log: serde_json::Value| {
        serde_json::json!({"name":"A","contact":{"email":"a@b.c"},"log":log}).to_string()
    };
    let log = Site::from_json(&with(serde_json::Value::Null)).unwrap().log;
    assert_eq!((log.origin.as_str(), log.witnesses.len()), ("localhost/log", 0));

    let one = serde_json::json!({"key": witness("w.example").to_string(), "url": "https://w.example/"});
    let json = with(serde_json::json!({"origin": "letters.example/log", "witnesses": [one]}));
    let log = Site::from_json(&json).unwrap().log;
    assert_eq!(log.origin, "letters.example/log");
    assert_eq!(log.witnesses[0].key, witness("w.example"));
    assert_eq!(log.witnesses[0].url, "https://w.example", "one spelling");

    for origin in ["https://x/log", "a b", "a+b", "", "x/log/", "/log", "a\u{a0}b"] {
        assert_eq!(faults(&with(serde_json::json!({ "origin": origin }))), ["log.origin"], "{origin}");
    }
    assert_eq!(faults(&with(serde_json::json!({"orgin": "x"}))), ["log.orgin"]);
    assert_eq!(faults(&with(serde_json::json!([]))), ["log"]);
    assert_eq!(faults(&with(serde_json::json!({"witnesses": {}}))), ["log.witnesses"]);
    assert_eq!(faults(&with(serde_json::json!({"witnesses": [1]}))), ["log.witnesses"]);
    let nine: Vec<_> = (0..9)
        .map(|n| serde_json::json!({"key": witness(&format!("w{n}")).to_string(), "url": "https://w"}))
        .collect();
    assert_eq!(faults(&with(serde_json::json!({ "witnesses": nine }))), ["log.witnesses"]);
    let first = |entry: serde_json::Value| faults(&with(serde_json::json!({ "witnesses": [entry] })));
    assert_eq!(first(serde_json::json!({})), ["log.witnesses.0.key", "log.witnesses.0.url"]);
    assert_eq!(
        first(serde_json::json!({"key": key, "url": "https://w"})),
        ["log.witnesses.0.key"],
        "a log's key"
    );
    let name = witness("w").to_string();
    for url in ["http://w.example", "ftp://w", "https://w/?q", "http://127.0.0.1:1@evil", "https://u@w"] {
        assert_eq!(first(serde_json::json!({"key": name, "url": url})), ["log.witnesses.0.url"], "{url}");
    }
    assert!(
        Site::from_json(&with(
            serde_json::json!({"witnesses": [{"key": name, "url": "http://127.0.0.1:9/w"}]})
        ))
        .is_ok()
    );
    let twice = [witness("v"), witness("w")]
        .map(|key| serde_json::json!({"key": key.to_string(), "url": "https://w"}));
    assert_eq!(faults(&with(serde_json::json!({ "witnesses": twice }))), ["log.witnesses.1.key"]);
}

#[test]
fn place_law_and_history_are_settings() {
    let site = |more: &str| {
        Site::from_json(&format!(r#"{{"name":"A","contact":{{"email":"a@b.example"}}{more}}}"#)).unwrap()
    };
    let plain = site("");
    assert_eq!(
        (plain.jurisdiction, plain.storage_location(), plain.governing_law_location()),
        (None, None, None)
    );
    assert!(plain.history);
    let placed = site(r#","jurisdiction":"eu","governing_law":"BE","history":false"#);
    assert_eq!(placed.jurisdiction, Some(Jurisdiction::Eu));
    assert_eq!(
        (placed.storage_location(), placed.governing_law_location()),
        (Some("loc:EU"), Some("loc:BE".into()))
    );
    assert!(!placed.history);
    assert_eq!(site(r#","jurisdiction":"fedramp""#).storage_location(), Some("loc:US"));
    let wrong = r#"{"name":"A","contact":{"email":"a@b.example"},"jurisdiction":"EU","governing_law":"Belgium","history":"no"}"#;
    assert_eq!(faults(wrong), ["jurisdiction", "governing_law", "history"]);
}
