//! Rules between a file, Cloudflare's store and the edge.

use serde_json::{Value, json};

use super::kv::{ACCOUNT, Fault, Kv, NAMESPACE, Publisher, TOKEN, sha256};
use super::support::{Desk, Ran};

const OFFICE: &str = "[[allow]]\naddress = \"198.51.100.20\"\nnote = \"Office\"\n";
const ATTACK: &str = "[thresholds]\nallowance = 5\n\n[[deny]]\nasn = [64500, 64501]\n";
const BAD: &str = "[[deny]]\nasn = \"none\"\n";

/// Runs in a folder with the usual files. Whatever happens, the token is not told to anybody.
#[track_caller]
fn run(desk: &Desk, arguments: &[&str]) -> Ran {
    for (name, text) in [("office.toml", OFFICE), ("attack.toml", ATTACK), ("bad.toml", BAD)] {
        desk.write(name, text.as_bytes());
    }
    let ran = desk.run(&[&["guard"], arguments].concat());
    assert!(!ran.out.contains(TOKEN) && !ran.err.contains(TOKEN), "{}{}", ran.out, ran.err);
    ran
}

#[test]
fn a_push_is_in_force_when_the_edge_says_so() {
    let kv = Kv::start(Publisher::LooksAfter(2));
    let desk = kv.desk();
    let pushed = run(&desk, &["push", "office.toml"]).succeeded();
    assert!(
        pushed.out.starts_with("office.toml is in force.\nIn force: 1 entry, profile balanced, since "),
        "{}",
        pushed.out
    );
    assert_eq!(kv.text("guard/rules").as_deref(), Some(OFFICE), "byte for byte");
    assert_eq!(kv.count("GET /values/guard%2Fstatus"), 3, "asked until the publisher had looked");

    let again = run(&desk, &["push", "office.toml", "--json"]).succeeded().json();
    assert_eq!((&again["changed"], &again["outcome"]), (&json!(false), &json!("accepted")));
    assert_eq!(again["status"]["rules"]["sha256"], json!(sha256(OFFICE)));
    assert_eq!(kv.count("PUT"), 1, "what is in force is not put again");
}

#[test]
fn a_bad_file_never_reaches_the_store() {
    let kv = Kv::start(Publisher::Looks);
    let desk = kv.desk();
    let refused = run(&desk, &["push", "bad.toml"]).failed(1);
    assert!(refused.err.contains("bad.toml:2:7: an AS number is"), "{}", refused.err);
    assert_eq!(run(&desk, &["diff", "bad.toml", "--json"]).failed(1).error_code(), "rules_invalid");
    assert!(kv.store().log.is_empty());
}

#[test]
fn a_byte_order_mark_does_not_change_what_holds() {
    let kv = Kv::start(Publisher::Looks);
    let desk = kv.desk();
    desk.write("marked.toml", format!("\u{feff}{OFFICE}").as_bytes());
    run(&desk, &["push", "marked.toml"]).succeeded();
    assert_eq!(kv.text("guard/rules").as_deref(), Some(OFFICE));
}

#[test]
fn what_the_edge_refuses_is_told_with_what_holds_instead() {
    let kv = Kv::start(Publisher::Away);
    let desk = kv.desk();
    kv.accept(OFFICE);
    kv.store().publisher = Publisher::Refuses;
    let refused = run(&desk, &["push", "attack.toml"]).failed(1);
    assert!(refused.err.contains("line 2, column 7: too \u{fffd}[31mnew"), "{}", refused.err);
    assert!(refused.err.contains("In force: 1 entry"), "{}", refused.err);
    kv.store().publisher = Publisher::Away;

    let status = run(&desk, &["status"]).failed(1);
    assert!(status.out.contains("Refused: the rules in the store, sha256 "), "{}", status.out);
    assert!(status.out.contains("line 2, column 7: too \u{fffd}[31mnew"), "{}", status.out);
    let status = run(&desk, &["status", "--json"]).failed(1);
    assert_eq!(status.error_code(), "rules_refused");
    assert_eq!(status.json()["rules_in_store"], json!({ "state": "refused", "sha256": sha256(ATTACK) }));

    let pulled = run(&desk, &["pull"]).succeeded();
    assert_eq!(pulled.out, ATTACK);
    assert!(pulled.err.contains("refuses these rules"), "{}", pulled.err);
    let in_force = run(&desk, &["pull", "--in-force"]).succeeded();
    assert_eq!((in_force.out.as_str(), in_force.err.as_str()), (OFFICE, ""));

    let diff = run(&desk, &["diff", "office.toml"]).succeeded();
    assert_eq!(
        diff.out,
        "office.toml changes nothing against the rules in force (number 1 of the history).\n"
    );
    assert!(diff.err.contains("cannot be used"), "{}", diff.err);

    kv.store().publisher = Publisher::Looks;
    run(&desk, &["rollback"]).succeeded();
    assert_eq!(kv.text("guard/rules").as_deref(), Some(OFFICE), "the last push is undone");
    run(&desk, &["status"]).succeeded();
}

#[test]
fn waiting_ends() {
    let kv = Kv::start(Publisher::Away);
    let desk = kv.desk();
    let silent = run(&desk, &["push", "office.toml", "--timeout", "1", "--json"]).failed(1);
    assert_eq!(silent.error_code(), "rules_not_taken_up");
    assert!(silent.err.contains("No edge with a guard has written into this store yet"), "{}", silent.err);
    assert_eq!(run(&desk, &["status", "--json"]).failed(1).error_code(), "guard_silent");
    assert_eq!(run(&desk, &["rollback", "--json"]).failed(1).error_code(), "guard_silent");

    kv.accept(OFFICE);
    let asked = kv.count("GET");
    let stored = run(&desk, &["push", "attack.toml", "--no-wait"]).succeeded();
    assert!(stored.out.contains("`waxseal guard status` tells"), "{}", stored.out);
    assert_eq!(kv.count("GET") - asked, 2, "rules and status, once");
    let status = run(&desk, &["status"]).succeeded();
    assert!(status.out.contains("Waiting: other rules stand in the store"), "{}", status.out);
    let diff = run(&desk, &["diff", "attack.toml"]).succeeded();
    assert!(diff.out.contains("which the edge has not looked at yet"), "{}", diff.out);
    run(&desk, &["rollback", "--no-wait"]).succeeded();
    assert_eq!(kv.text("guard/rules").as_deref(), Some(OFFICE));
}

#[test]
fn a_diff_tells_meaning() {
    let kv = Kv::start(Publisher::Away);
    let desk = kv.desk();
    let first = run(&desk, &["diff", "attack.toml"]).succeeded();
    assert_eq!(
        first.out,
        "attack.toml against the defaults (the store has no rules):\n\
         ~ thresholds.allowance: 20 -> 5\n\
         + deny asn 64500, 64501 (line 4)\n"
    );
    kv.accept(ATTACK);
    let new = "# Other words.\n[thresholds]\nallowance = 5\n[[deny]]\nasn = [64501]\n[[deny]]\nasn = 64500\n\
               note = \"Attack \\u001b[31m\"\ndry_run = true\nexpires = 2020-01-01T00:00:00Z\n[[allow]]\naddress = \"198.51.100.20\"\n";
    desk.write("new.toml", new.as_bytes());
    let told = run(&desk, &["diff", "new.toml"]).succeeded();
    assert_eq!(
        told.out,
        "new.toml against the rules in force:\n\
         ~ deny asn 64500 (line 6): note \"\" -> \"Attack \u{fffd}[31m\", expires never -> 2020-01-01T00:00:00Z (past), dry_run false -> true\n\
         + allow network 198.51.100.20 (line 11)\n"
    );
    let value = run(&desk, &["diff", "new.toml", "--json"]).succeeded().json();
    assert_eq!(value["same"], false);
    assert_eq!(value["against"], json!({ "state": "in_force", "sha256": sha256(ATTACK) }));
    assert_eq!(value["changed"][0]["new"]["expires"], 1_577_836_800);
    assert_eq!(value["added"][0]["items"], json!(["198.51.100.20"]));
    assert_eq!((&value["settings"], &value["removed"]), (&json!([]), &json!([])));
    let same = run(&desk, &["diff", "attack.toml", "--json"]).succeeded().json();
    assert_eq!(same["same"], true);
}

#[test]
fn rollback_walks_through_the_history() {
    let kv = Kv::start(Publisher::Away);
    let desk = kv.desk();
    assert!(run(&desk, &["history"]).succeeded().out.starts_with("No rules were ever accepted"));
    for text in [OFFICE, "profile = \"strict\"\n", ATTACK] {
        kv.accept(text);
    }
    kv.store().publisher = Publisher::Looks;
    let listed = run(&desk, &["history"]).succeeded().out;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 3, "over two pages: {listed}");
    assert!(lines[0].starts_with("   3  2023-11-14 ") && lines[0].ends_with("  in force"), "{listed}");
    assert_eq!(kv.count("GET /keys"), 3, "one for no rules, two for three");

    run(&desk, &["rollback"]).succeeded();
    assert_eq!(kv.text("guard/rules").as_deref(), Some("profile = \"strict\"\n"));
    let list = run(&desk, &["history", "--json"]).succeeded().json();
    let numbers: Vec<(u64, bool)> = list["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["number"].as_u64().unwrap(), it["in_force"].as_bool().unwrap()))
        .collect();
    assert_eq!(numbers, [(4, true), (3, false), (2, false), (1, false)]);

    run(&desk, &["rollback", "--to", "1"]).succeeded();
    assert_eq!(kv.text("guard/rules").as_deref(), Some(OFFICE));
    let unknown = run(&desk, &["rollback", "--to", "77"]).failed(1);
    assert!(unknown.err.contains("it holds 1, 2, 3, 4, 5"), "{}", unknown.err);
}

#[test]
fn there_may_be_nothing_to_go_back_to() {
    let kv = Kv::start(Publisher::Away);
    let desk = kv.desk();
    kv.accept(OFFICE);
    assert_eq!(run(&desk, &["rollback", "--json"]).failed(1).error_code(), "history_nothing_before");
    // Refused, and nothing was ever accepted.
    kv.store().values.clear();
    kv.accept(BAD);
    assert_eq!(run(&desk, &["rollback", "--json"]).failed(1).error_code(), "rules_never_accepted");
    assert_eq!(run(&desk, &["pull", "--in-force", "--json"]).failed(1).error_code(), "rules_never_accepted");
    let status = run(&desk, &["status"]).failed(1);
    assert!(status.out.starts_with("In force: the defaults"), "{}", status.out);
    let diff = run(&desk, &["diff", "attack.toml"]).succeeded();
    assert!(diff.out.starts_with("attack.toml against the defaults, which are in force:"), "{}", diff.out);
}

#[test]
fn pulled_rules_come_byte_for_byte_and_overwrite_nothing() {
    let kv = Kv::start(Publisher::Away);
    let desk = kv.desk();
    assert_eq!(run(&desk, &["pull", "--json"]).failed(1).error_code(), "rules_absent");
    let odd = "# no end of line, \ttab, \u{202e}\r\n[[deny]]\r\nasn = 1";
    kv.accept(odd);
    assert_eq!(run(&desk, &["pull"]).succeeded().out, odd);
    run(&desk, &["pull", "-o", "kept.toml"]).succeeded();
    assert_eq!(desk.read("kept.toml"), odd.as_bytes());
    let there = run(&desk, &["pull", "-o", "office.toml", "--json"]).failed(2);
    assert_eq!(there.error_code(), "file_exists");
    assert_eq!(desk.read("office.toml"), OFFICE.as_bytes());
    run(&desk, &["pull", "-o", "kept.toml", "--force"]).succeeded();
    let value = run(&desk, &["pull", "--json"]).succeeded().json();
    assert_eq!((&value["text"], &value["state"]), (&json!(odd), &json!("in_force")));
}

#[test]
fn trouble_is_tried_again_and_told_with_its_cure() {
    for (fault, code, words) in [
        (
            Fault::Refuse(401, 10_000, "Authentication error", None),
            "token_not_accepted",
            "Workers KV Storage",
        ),
        (Fault::Refuse(403, 9_109, "Unauthorized", None), "token_not_accepted", "(403, Unauthorized)"),
        (
            Fault::Refuse(400, 6_003, "Invalid request headers", None),
            "token_not_accepted",
            "Invalid request headers",
        ),
        (
            Fault::Refuse(404, 10_013, "namespace not found", None),
            "namespace_unknown",
            "wrangler kv namespace list",
        ),
        (Fault::Refuse(404, 7_003, "Could not route", None), "namespace_unknown", "wrangler whoami"),
        (Fault::Page(404), "namespace_unknown", ACCOUNT),
        (Fault::Refuse(429, 971, "Slow down", Some(0)), "store_too_often", "wait five minutes"),
        (Fault::Page(502), "store_trouble", "try again later"),
        (Fault::Refuse(400, 1, "no \u{1b}[2J", None), "store_refused", "400, no"),
        (Fault::Hang, "store_unreachable", "127.0.0.1 could not be reached"),
    ] {
        let kv = Kv::start(Publisher::Away);
        let desk = kv.desk();
        kv.accept(OFFICE);
        kv.fail("GET /values/guard%2Frules", fault.clone(), 2);
        let failed = run(&desk, &["status", "--json", "--retries", "1"]).failed(1);
        assert_eq!(failed.error_code(), code, "{fault:?}");
        assert!(failed.err.contains(words), "{fault:?}: {}", failed.err);
        let passing = matches!(code, "store_too_often" | "store_trouble" | "store_unreachable");
        assert_eq!(kv.count("GET"), if passing { 2 } else { 1 }, "{fault:?}");
    }
}

#[test]
fn what_passes_is_not_noticed() {
    let kv = Kv::start(Publisher::Looks);
    let desk = kv.desk();
    kv.fail("GET /values", Fault::Refuse(429, 971, "Slow down", Some(0)), 1);
    kv.fail("GET /values", Fault::Hang, 1);
    kv.fail("PUT /values", Fault::Page(503), 1);
    let pushed = run(&desk, &["push", "office.toml"]).succeeded();
    assert!(pushed.err.is_empty(), "{}", pushed.err);
    assert_eq!((kv.count("PUT"), kv.text("guard/rules").as_deref()), (2, Some(OFFICE)));
}

#[test]
fn an_answer_of_another_form_is_no_success() {
    let kv = Kv::start(Publisher::Away);
    let desk = kv.desk();
    kv.accept(OFFICE);
    kv.fail("PUT", Fault::Page(200), 1);
    assert_eq!(run(&desk, &["push", "attack.toml", "--json"]).failed(1).error_code(), "store_unexpected");
    kv.fail("PUT", Fault::Refuse(200, 5, "said no", None), 1);
    assert_eq!(run(&desk, &["push", "attack.toml", "--json"]).failed(1).error_code(), "store_refused");
    for odd in ["", "[]", "{}", "{\"version\":2}", "{\"version\":1}"] {
        kv.put("guard/status", odd);
        assert_eq!(
            run(&desk, &["status", "--json"]).failed(1).error_code(),
            "guard_status_unreadable",
            "{odd}"
        );
    }
}

#[test]
fn the_store_is_named_in_full_before_anything_is_called() {
    let kv = Kv::start(Publisher::Away);
    let with = |name: &str, value: &str| kv.desk().with(name, value);
    for (desk, arguments, code) in [
        (Desk::new(), ["status", "--retries", "0"].as_slice(), "store_missing"),
        (Desk::new(), &["status", "--account", ACCOUNT], "store_missing"),
        (Desk::new(), &["status", "--namespace", NAMESPACE], "store_missing"),
        (Desk::new(), &["status", "--account", ACCOUNT, "--namespace", NAMESPACE], "token_missing"),
        (kv.desk(), &["status", "--namespace", "../../../user"], "store_bad_id"),
        (with("CLOUDFLARE_API_TOKEN", "two words"), &["status"], "token_malformed"),
        (with("CLOUDFLARE_API_BASE_URL", "http://api.example/v4"), &["status"], "store_bad_url"),
        (kv.desk(), &["status", "--local"], "store_config_missing"),
    ] {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        assert_eq!(run(&desk, &arguments).failed(2).error_code(), code, "{arguments:?}");
    }
    assert!(kv.store().log.is_empty());
    let other = "0".repeat(32);
    let unknown = run(&kv.desk(), &["status", "--namespace", &other, "--json"]).failed(1);
    assert_eq!(unknown.error_code(), "namespace_unknown");
    let wrong = run(&with("CLOUDFLARE_API_TOKEN", "another-token"), &["status", "--json"]).failed(1);
    assert_eq!(wrong.error_code(), "token_not_accepted");
    assert!(!wrong.err.contains("another-token"));
}

/// A wrangler that says what it was called with.
#[cfg(unix)]
#[test]
fn wrangler_is_called_quietly_and_its_complaints_are_told() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new().with("PATH", "/usr/bin:/bin").with("WAXSEAL_WRANGLER", "./wrangler");
    std::fs::create_dir(desk.path("state")).unwrap();
    desk.write("wrangler.toml", b"");
    let wrangler = |script: &str| {
        let path = desk.write("wrangler", format!("#!/bin/sh\n{script}").as_bytes());
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    };
    wrangler(
        "echo Setting up; echo \"$@\" >> calls; env | grep -E 'WRITE_LOGS|OBSERVABILITY' | sort >> calls\n\
         ls -ld \"$(dirname \"$4\")\" | cut -c1-10 >> calls; ls -l \"$4\" | cut -c1-10 >> calls\n\
         echo '{ \"guard/rules\": { \"value\": \"\" }, \"guard/status\": { \"value\": null } }'",
    );
    assert_eq!(run(&desk, &["status", "--local", "state", "--json"]).failed(1).error_code(), "guard_silent");
    let calls = String::from_utf8(desk.read("calls")).unwrap();
    let home = desk.path("").canonicalize().unwrap();
    let (state, config) = (home.join("state"), home.join("wrangler.toml"));
    let tail =
        format!("--binding GUARD --local --config {} --persist-to {}", config.display(), state.display());
    let lines: Vec<&str> = calls.lines().collect();
    assert!(lines[0].starts_with("kv bulk get /") && lines[0].ends_with(&tail), "{calls}");
    let rest = ["WRANGLER_WRITE_LOGS=false", "X_LOCAL_OBSERVABILITY=false", "drwx------", "-rw-------"];
    assert_eq!(lines[1..], rest, "{calls}");
    assert!(desk.names().iter().all(|name| !name.starts_with("waxseal-")), "nothing stays behind");

    wrangler(
        "echo x >> tries; [ $(wc -l < tries) -gt 1 ] || { echo 'X [ERROR] KV GET failed: 500 Busy' >&2; exit 1; }\necho '{}'",
    );
    assert_eq!(run(&desk, &["status", "--local=state", "--json"]).failed(1).error_code(), "guard_silent");
    assert_eq!(desk.read("tries"), b"x\nx\n", "a store that is busy is asked again");

    wrangler("printf '\\033[31mX \\033[41m[ERROR]\\033[0m No KV namespace with binding\\n' >&2; exit 1");
    let failed = run(&desk, &["status", "--local", "state"]).failed(1);
    assert!(failed.err.ends_with("wrangler failed: No KV namespace with binding\n"), "{}", failed.err);
    wrangler("echo nonsense");
    assert_eq!(
        run(&desk, &["history", "--local", "state", "--json"]).failed(1).error_code(),
        "wrangler_unexpected"
    );
    std::fs::remove_file(desk.path("wrangler")).unwrap();
    assert_eq!(
        run(&desk, &["status", "--local", "state", "--json"]).failed(1).error_code(),
        "wrangler_not_started"
    );
    for folder in ["--local=nowhere", "--local"] {
        assert_eq!(run(&desk, &["status", folder, "--json"]).failed(2).error_code(), "store_folder_missing");
    }
}

#[test]
fn faults_for_programs() {
    let desk = Desk::new();
    let checked = run(&desk, &["check", "bad.toml", "--json"]).failed(1);
    assert_eq!(checked.error_code(), "rules_invalid");
    let value: Value = checked.json();
    assert_eq!(
        (&value["ok"], &value["faults"][0]["line"], &value["faults"][0]["column"]),
        (&json!(false), &json!(2), &json!(7))
    );
    assert_eq!(value["faults"][0]["code"], "bad_asn");
    let good = run(&desk, &["check", "attack.toml", "--json"]).succeeded().json();
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

/// Ctrl-C while something is waited for: no draft, no wrangler stays behind.
#[cfg(unix)]
#[test]
fn whoever_stops_waiting_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;
    let desk = Desk::new().with("PATH", "/usr/bin:/bin").with("WAXSEAL_WRANGLER", "./wrangler");
    std::fs::create_dir(desk.path("state")).unwrap();
    desk.write("wrangler.toml", b"");
    let path = desk.write("wrangler", b"#!/bin/sh\necho $$ > draft && mv draft pid && exec sleep 600\n");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    let child = desk.command(&["guard", "status", "--local", "state"]).spawn().unwrap();
    let pid = loop {
        match std::fs::read_to_string(desk.path("pid")) {
            Ok(pid) => break pid.trim().to_owned(),
            Err(_) => std::thread::yield_now(),
        }
    };
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.failed(130);
    assert!(ran.err.contains("interrupted"), "{}", ran.err);
    assert!(desk.names().iter().all(|name| !name.starts_with("waxseal-")), "{:?}", desk.names());
    let alive = Command::new("kill").args(["-0", &pid]).output().unwrap();
    assert!(!alive.status.success(), "wrangler is gone");
}
