//! Rules between a file and an edge: a stand-in that keeps them as the contract has it.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use waxseal::api::{
    Code, GuardStatus, IsolateStatus, Problem, RulesHistory, RulesPut, RulesRefused, RulesText, RulesVersion,
};
use waxseal::guard::diff::diff;
use waxseal::guard::review::review;
use waxseal::guard::rules::Diagnostic;
use waxseal::guard::{Checked, Profile, Rules};
use waxseal::types::UnixSeconds;

use super::guard_edge::{Call, Edge};
use super::support::{Desk, Ran};

const OFFICE: &str = "[[allow]]\naddress = \"198.51.100.20\"\nnote = \"Office\"\n";
const ATTACK: &str = "[thresholds]\nallowance = 5\n\n[[deny]]\nasn = [64500, 64501]\n";
const BAD: &str = "[[deny]]\nasn = \"none\"\n";

#[derive(Default)]
struct Store {
    /// Every text that was accepted; the number is its version, from 1.
    texts: Vec<String>,
    refused: Option<RulesRefused>,
    /// What the next put is answered instead.
    fails: Option<Problem>,
    /// Somebody else pushes this after the next question for the status.
    meanwhile: Option<String>,
}

impl Store {
    fn version(&self) -> u64 {
        self.texts.len() as u64
    }

    fn about(&self, version: u64) -> RulesVersion {
        let checked = Checked::read(self.texts[version as usize - 1].as_bytes()).unwrap();
        let accepted_at = UnixSeconds(1_700_000_000 + version);
        RulesVersion { version, sha256: checked.sha256(), accepted_at, entries: checked.entries() }
    }

    fn rules(&self) -> Option<RulesVersion> {
        (self.version() > 0).then(|| self.about(self.version()))
    }

    fn put(&mut self, call: &Call, text: &str) -> (u16, Value) {
        if let Some(problem) = self.fails.take() {
            return (problem.status, json!(problem));
        }
        let old = self.texts.last().map_or_else(Rules::default, |text| Rules::parse(text).unwrap());
        let new = Checked::read(text.as_bytes()).unwrap();
        let unchanged = self.texts.last().is_some_and(|held| held == text);
        let tag = format!("\"{}\"", self.version());
        if !unchanged && call.if_match.as_ref().is_some_and(|wanted| *wanted != tag) {
            return problem(Code::RulesChanged);
        }
        if call.query.get("dry_run").is_none_or(|it| it != "true") {
            self.refused = None;
            if !unchanged {
                self.texts.push(text.to_owned());
            }
        }
        let put = RulesPut {
            version: self.version(),
            rules: self.rules(),
            profile: new.rules.settings.profile,
            unchanged,
            diff: diff(&old, &new.rules),
            warnings: review(&new.rules, UnixSeconds(0)).warnings,
        };
        (200, json!(put))
    }

    fn answer(&mut self, call: &Call) -> (u16, Value) {
        match (call.method.as_str(), call.path.trim_start_matches("/api/v1/guard")) {
            ("GET", "") => {
                let (at, profile) = (UnixSeconds(1_700_000_000), Profile::Balanced);
                let status = GuardStatus {
                    at,
                    generation: 2,
                    base: 1,
                    made_at: at,
                    profile,
                    rules: self.rules(),
                    refused: self.refused.clone(),
                    merged: 0,
                    dropped: 0,
                    dry_run: Vec::new(),
                    day_ends_at: at,
                    sentinels: Vec::new(),
                    isolate: IsolateStatus { generation: 2, profile: None },
                };
                self.texts.extend(self.meanwhile.take());
                (200, json!(status))
            }
            ("GET", "/rules") => {
                let version = call.query.get("version").map_or(self.version(), |it| it.parse().unwrap());
                match self.texts.get((version as usize).wrapping_sub(1)) {
                    Some(text) => (200, json!(RulesText { version, text: text.clone() })),
                    None if version == 0 => (200, json!(RulesText { version, text: String::new() })),
                    None => problem(Code::NoSuchRules),
                }
            }
            ("PUT", "/rules") => self.put(call, &call.text.clone()),
            ("GET", "/rules/history") => {
                let history = (1..=self.version()).rev().map(|version| self.about(version)).collect();
                (200, json!(RulesHistory { version: self.version(), history }))
            }
            ("POST", "/rules/rollback") => {
                match self.texts.get(call.body["version"].as_u64().unwrap() as usize - 1).cloned() {
                    Some(text) => self.put(call, &text),
                    None => problem(Code::NoSuchRules),
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

fn problem(code: Code) -> (u16, Value) {
    (code.status(), json!(Problem::from(code)))
}

/// An edge, and a folder with the usual files.
struct Bench {
    desk: Desk,
    edge: Edge,
    store: Arc<Mutex<Store>>,
}

impl Bench {
    fn new(texts: &[&str]) -> Self {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        let store = Arc::new(Mutex::new(Store { texts, ..Store::default() }));
        let shared = store.clone();
        let edge = Edge::start(move |call, _| Some(shared.lock().unwrap().answer(call)));
        let desk = Desk::new();
        for (name, text) in [("office.toml", OFFICE), ("attack.toml", ATTACK), ("bad.toml", BAD)] {
            desk.write(name, text.as_bytes());
        }
        Self { desk, edge, store }
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Ran {
        self.edge.run(&self.desk, arguments)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    fn held(&self) -> Option<String> {
        self.store().texts.last().cloned()
    }

    fn refuses(&self, text: &str) {
        let message = "too \u{1b}[31mnew".to_owned();
        let diagnostics = vec![Diagnostic { line: 2, column: 7, code: "new".into(), message }];
        let sha256 = Checked::read(text.as_bytes()).unwrap().sha256();
        self.store().refused = Some(RulesRefused { sha256, at: UnixSeconds(1_700_000_000), diagnostics });
    }
}

#[test]
fn a_push_is_in_force_when_it_is_answered() {
    let bench = Bench::new(&[]);
    let pushed = bench.run(&["push", "office.toml"]).succeeded();
    let begin = "office.toml is in force.\nIn force: 1 entry, profile balanced, since ";
    assert!(pushed.out.starts_with(begin) && pushed.out.contains("\n  version 1, sha256 "), "{}", pushed.out);
    assert_eq!(bench.held().as_deref(), Some(OFFICE), "byte for byte");
    let again = bench.run(&["push", "office.toml"]).succeeded();
    assert!(again.out.starts_with("office.toml is in force already; nothing was changed."), "{}", again.out);
    let again = bench.run(&["push", "office.toml", "--json"]).succeeded().json();
    assert_eq!((&again["unchanged"], &again["version"]), (&json!(true), &json!(1)));
    assert_eq!(again["rules"]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(bench.store().version(), 1);
}

#[test]
fn of_two_pushes_at_once_one_is_told() {
    let bench = Bench::new(&[OFFICE]);
    bench.store().meanwhile = Some("# of somebody else\n".to_owned());
    let late = bench.run(&["push", "attack.toml", "--json"]).failed(1);
    assert_eq!(late.error_code(), "rules_changed");
    assert_eq!(bench.held().as_deref(), Some("# of somebody else\n"));
    assert_eq!(
        bench.run(&["push", "attack.toml", "--if-version", "1", "--json"]).failed(1).error_code(),
        "rules_changed"
    );
    bench.run(&["push", "attack.toml", "--if-version", "2"]).succeeded();
    assert_eq!(bench.held().as_deref(), Some(ATTACK));
}

#[test]
fn a_bad_file_never_reaches_the_edge() {
    let bench = Bench::new(&[]);
    let refused = bench.run(&["push", "bad.toml"]).failed(1);
    assert!(refused.err.contains("bad.toml:2:7: an AS number is"), "{}", refused.err);
    assert_eq!(bench.run(&["diff", "bad.toml", "--json"]).failed(1).error_code(), "rules_invalid");
    assert!(bench.edge.log().is_empty());
}

#[test]
fn a_byte_order_mark_does_not_change_what_holds() {
    let bench = Bench::new(&[]);
    bench.desk.write("marked.toml", format!("\u{feff}{OFFICE}").as_bytes());
    bench.run(&["push", "marked.toml"]).succeeded();
    assert_eq!(bench.held().as_deref(), Some(OFFICE));
}

#[test]
fn what_an_older_edge_refuses_is_told_with_its_place() {
    let bench = Bench::new(&[OFFICE]);
    bench.refuses(ATTACK);
    let diagnostics = bench.store().refused.take().unwrap().diagnostics;
    bench.store().fails = Some(Problem { diagnostics, ..Code::RulesInvalid.into() });
    let refused = bench.run(&["push", "attack.toml"]).failed(1);
    assert!(
        refused.err.contains("is it older than this program?\n  line 2, column 7: too \u{fffd}[31mnew"),
        "{}",
        refused.err
    );
    let older = Edge::start(|_, _| Some(problem(Code::NoSuchRoute)));
    assert_eq!(
        older.run(&bench.desk, &["diff", "attack.toml", "--json"]).failed(1).error_code(),
        "edge_without_guard"
    );
}

#[test]
fn what_was_put_past_the_edge_and_is_refused_is_seen_and_undone() {
    let bench = Bench::new(&[OFFICE]);
    bench.refuses(ATTACK);
    let status = bench.run(&["status"]).failed(1);
    assert!(
        status.out.contains("In force: 1 entry") && status.out.contains("Refused: the rules in KV, sha256 "),
        "{}",
        status.out
    );
    assert!(status.out.contains("line 2, column 7: too \u{fffd}[31mnew"), "{}", status.out);
    let status = bench.run(&["status", "--json"]).failed(1);
    assert_eq!(
        (status.error_code().as_str(), &status.json()["rules"]["version"]),
        ("rules_refused", &json!(1))
    );
    assert_eq!(bench.run(&["pull"]).succeeded().out, OFFICE, "what is in force");
    let back = bench.run(&["rollback"]).succeeded();
    assert!(back.out.starts_with("Version 1 is in force already"), "{}", back.out);
    bench.run(&["status"]).succeeded();
}

#[test]
fn a_diff_tells_meaning() {
    let bench = Bench::new(&[]);
    assert_eq!(
        bench.run(&["diff", "attack.toml"]).succeeded().out,
        "attack.toml against the defaults:\n\
         ~ thresholds.allowance: 20 -> 5\n\
         + deny asn 64500, 64501 (line 4)\n"
    );
    assert_eq!(bench.held(), None, "nothing is changed");
    let bench = Bench::new(&[ATTACK]);
    let new = "# Other words.\n[thresholds]\nallowance = 5\n[[deny]]\nasn = [64501]\n[[deny]]\nasn = 64500\n\
               note = \"Attack \\u001b[31m\"\ndry_run = true\nexpires = 2020-01-01T00:00:00Z\n[[allow]]\naddress = \"198.51.100.20\"\n";
    bench.desk.write("new.toml", new.as_bytes());
    assert_eq!(
        bench.run(&["diff", "new.toml"]).succeeded().out,
        "new.toml against the rules in force:\n\
         ~ deny asn 64500 (line 6): note \"\" -> \"Attack \u{fffd}[31m\", expires never -> 2020-01-01T00:00:00Z (past), dry_run false -> true\n\
         + allow network 198.51.100.20 (line 11)\n"
    );
    let value = bench.run(&["diff", "new.toml", "--json"]).succeeded().json();
    assert_eq!((&value["unchanged"], &value["version"]), (&json!(false), &json!(1)));
    let entries = &value["diff"]["entries"];
    assert_eq!(
        (&entries[0]["new"]["expires"], &entries[0]["old"]["note"]),
        (&json!(1_577_836_800), &json!(""))
    );
    assert_eq!((&entries[1]["items"], &entries[1]["old"]), (&json!(["198.51.100.20"]), &json!(null)));
    let same = bench.run(&["diff", "attack.toml"]).succeeded().out;
    assert_eq!(same, "attack.toml changes nothing against the rules in force.\n");
}

#[test]
fn rollback_walks_through_the_history() {
    let bench = Bench::new(&[]);
    assert!(bench.run(&["history"]).succeeded().out.starts_with("No rules were ever accepted"));
    assert_eq!(bench.run(&["rollback", "--json"]).failed(1).error_code(), "rules_never_accepted");
    let bench = Bench::new(&[OFFICE]);
    assert_eq!(bench.run(&["rollback", "--json"]).failed(1).error_code(), "history_nothing_before");

    let bench = Bench::new(&[OFFICE, "profile = \"strict\"\n", ATTACK, ATTACK]);
    let listed = bench.run(&["history"]).succeeded().out;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 4, "{listed}");
    assert!(lines[0].starts_with("   4  2023-11-14 ") && lines[0].ends_with("  in force"), "{listed}");
    bench.run(&["rollback"]).succeeded();
    assert_eq!(bench.held().as_deref(), Some("profile = \"strict\"\n"), "another text");
    let list = bench.run(&["history", "--json"]).succeeded().json();
    assert_eq!((&list["version"], &list["history"][0]["version"]), (&json!(5), &json!(5)));
    bench.run(&["rollback"]).succeeded();
    assert_eq!(bench.held().as_deref(), Some(ATTACK), "a second one undoes the first");
    bench.run(&["rollback", "--to", "1"]).succeeded();
    assert_eq!(bench.held().as_deref(), Some(OFFICE));
    assert_eq!(bench.run(&["rollback", "--to", "77", "--json"]).failed(1).error_code(), "history_unknown");
}

#[test]
fn pulled_rules_come_byte_for_byte_and_overwrite_nothing() {
    assert_eq!(Bench::new(&[]).run(&["pull", "--json"]).failed(1).error_code(), "rules_absent");
    let odd = "# no end of line, \ttab, \u{202e}\r\n[[deny]]\r\nasn = 1";
    let bench = Bench::new(&[OFFICE, odd]);
    assert_eq!(bench.run(&["pull"]).succeeded().out, odd);
    assert_eq!(bench.run(&["pull", "--version", "1"]).succeeded().out, OFFICE);
    assert_eq!(bench.run(&["pull", "--version", "3", "--json"]).failed(1).error_code(), "history_unknown");
    bench.run(&["pull", "-o", "kept.toml"]).succeeded();
    assert_eq!(bench.desk.read("kept.toml"), odd.as_bytes());
    assert_eq!(bench.run(&["pull", "-o", "office.toml", "--json"]).failed(2).error_code(), "file_exists");
    assert_eq!(bench.desk.read("office.toml"), OFFICE.as_bytes());
    bench.run(&["pull", "-o", "kept.toml", "--force"]).succeeded();
    let value = bench.run(&["pull", "--json"]).succeeded().json();
    assert_eq!((&value["text"], &value["version"]), (&json!(odd), &json!(2)));
}

#[test]
fn diagnostics_for_programs() {
    let desk = Bench::new(&[]).desk;
    let checked = desk.run(&["guard", "check", "bad.toml", "--json"]).failed(1);
    assert_eq!(checked.error_code(), "rules_invalid");
    let value: Value = checked.json();
    assert_eq!(
        (&value["ok"], &value["diagnostics"][0]["line"], &value["diagnostics"][0]["column"]),
        (&json!(false), &json!(2), &json!(7))
    );
    assert_eq!(value["diagnostics"][0]["code"], "bad_asn");
    let good = desk.run(&["guard", "check", "attack.toml", "--json"]).succeeded().json();
    assert_eq!(good["entries"]["deny"], json!({ "asn": { "entries": 1, "items": 2 } }));
    let piped =
        desk.run_with_input(&["guard", "check", "-"], "[[deny]]\nasn = \"é\"x\n".as_bytes()).failed(1);
    assert!(piped.out.starts_with("standard input:2:10: "), "columns are characters: {}", piped.out);
    let huge = vec![b'#'; 5 * 1024 * 1024];
    let huge = desk.run_with_input(&["guard", "check", "-"], &huge).failed(1);
    assert!(huge.out.contains("larger than"), "{}", huge.out);
    let mixed = desk.run_with_input(&["guard", "check", "-"], b"\xef\xbb\xbf# a\nab\xff").failed(1);
    assert!(mixed.out.starts_with("standard input:2:3: this is not UTF-8"), "{}", mixed.out);
}
