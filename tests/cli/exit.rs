//! Exit codes: 0 done, now or earlier; 1 failed or not done; 2 usage error, a file that is not there included.

use serde_json::json;

use super::guard_edge::Edge;
use super::support::Desk;

const LETTER: &str = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";

#[test]
fn a_file_that_cannot_be_read_is_the_same_code_everywhere() {
    let desk = Desk::new();
    desk.write("good.json", super::support::KEYS.as_bytes());
    desk.write("report.pdf", b"%PDF-1.7 report");
    std::fs::create_dir(desk.path("folder")).unwrap();
    let url = ["--url", "https://letters.example"];
    let key = desk.run(&["evidence", "key", "--origin", "letters.example/log"]).succeeded().out;
    let key = key.lines().next().unwrap();
    for file in ["absent", "folder", "absent/below", "report.pdf/below"] {
        let terms = format!("nl={file}");
        let mut table: Vec<Vec<&str>> = vec![
            vec!["seal", file, "--subject", "S"],
            vec!["terms", "push", &terms],
            vec!["guard", "check", file],
            vec!["guard", "explain", "192.0.2.7", "--rules", file],
            vec!["guard", "simulate", file],
            vec!["guard", "push", file],
            vec!["guard", "diff", file],
        ];
        if file != "folder" {
            // A folder is a bundle too.
            table.push(vec!["evidence", "verify", file, "--key", key]);
            table.push(vec!["evidence", "certificate", file, "--key", key, "--output", "c.html"]);
        }
        for command in [
            &["mint", LETTER][..],
            &["keys", "show"],
            &["keys", "rotate"],
            &["seal", "report.pdf", "--subject", "S"],
            &["cancel", LETTER],
            &["withdraw", LETTER],
            &["erase", LETTER, "--yes"],
            &["erase", "--customer", "C-1", "--yes"],
            &["sweep"],
            &["terms", "list"],
            &["inspect", "TOKEN"],
            &["guard", "bans", "list"],
            &["evidence", "key", "--origin", "letters.example/log"],
            &["evidence", "export", LETTER],
        ] {
            table.push([command, &["--keys", file]].concat());
        }
        for command in table {
            let offline = ["keys", "inspect"].contains(&command[0])
                || command[0] == "guard" && command[1] != "bans"
                || command[0] == "evidence" && command[1] != "export";
            let arguments = if offline { command.clone() } else { [&command[..], &url].concat() };
            let ran = desk.run(&[&arguments[..], &["--json"]].concat()).failed(2);
            let code = ran.error_code();
            assert_ne!(code, "usage", "{command:?}: {}", ran.err);
            assert!(ran.err.contains(file) && ran.out.is_empty(), "{command:?}: {}", ran.err);
        }
    }
}

#[test]
fn what_was_not_done_is_not_zero() {
    let desk = Desk::new();
    for (command, answer, code) in [
        (
            &["cancel", LETTER][..],
            json!({ "letter": LETTER, "state": "expired", "changed": false }),
            "not_cancelled",
        ),
        (
            &["cancel", LETTER],
            json!({ "letter": LETTER, "state": "erased", "changed": false }),
            "not_cancelled",
        ),
        (
            &["withdraw", LETTER],
            json!({ "letter": LETTER, "state": "expired", "changed": false }),
            "not_withdrawn",
        ),
        (
            &["withdraw", LETTER],
            json!({ "letter": LETTER, "state": "cancelled", "changed": false }),
            "not_withdrawn",
        ),
        (
            &["erase", "--customer", "C-1", "--yes"],
            json!({ "letters": 0, "erased": 0, "left": 0, "before": 1, "earlier": 0 }),
            "customer_unknown",
        ),
    ] {
        let edge = Edge::always(200, answer.clone());
        let ran =
            desk.run(&[command, &["--url", &edge.url(), "--retries", "0", "--json"]].concat()).failed(1);
        assert_eq!(ran.error_code(), code, "{command:?}");
        // The facts are still the answer, for programs.
        for (name, value) in answer.as_object().unwrap() {
            assert_eq!(&ran.json()[name], value, "{command:?}");
        }
    }
}

#[test]
fn what_was_done_earlier_is_zero() {
    let desk = Desk::new();
    for (command, answer) in [
        (&["cancel", LETTER][..], json!({ "letter": LETTER, "state": "cancelled", "changed": false })),
        (&["withdraw", LETTER], json!({ "letter": LETTER, "state": "withdrawn", "changed": false })),
        (&["withdraw", LETTER], json!({ "letter": LETTER, "state": "refused", "changed": false })),
        (&["erase", LETTER, "--yes"], json!({ "letter": LETTER, "state": "erased", "changed": false })),
        (
            &["erase", "--customer", "C-1", "--yes"],
            json!({ "letters": 0, "erased": 0, "left": 0, "before": 1, "earlier": 3 }),
        ),
    ] {
        let edge = Edge::always(200, answer);
        desk.run(&[command, &["--url", &edge.url(), "--retries", "0", "--json"]].concat()).succeeded();
    }
}
