//! An address where no edge is, or one that does not know the key: the message names the cause, as far as it can be known.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use super::stub::Stub;
use super::support::{Desk, Ran};

const LETTER: &str = "0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f";

/// A server that gives everybody the same answer; none at all for an empty one.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            if answer.is_empty() {
                open.push(stream);
                continue;
            }
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

fn run(desk: &Desk, url: &str, arguments: &[&str]) -> Ran {
    desk.run(&[arguments, &["--url", url, "--retries", "1", "--json"]].concat()).failed(1)
}

#[test]
fn what_answers_and_is_no_edge_is_called_so() {
    let desk = Desk::new();
    desk.write("report.pdf", b"%PDF-1.7 report");
    let others = [
        (
            "HTTP/1.1 404 X\r\nServer: nginx/1.29.1\r\nConnection: close\r\n\r\n<html>404</html>",
            "404, nginx/1.29.1",
        ),
        (
            "HTTP/1.1 200 X\r\nServer: other\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<html>app</html>",
            "200, other",
        ),
        ("HTTP/1.1 200 X\r\nConnection: close\r\n\r\n{\"ok\":true}", "200"),
        (
            "HTTP/1.1 301 X\r\nLocation: https://www.example/\r\nConnection: close\r\n\r\n",
            "301, it sends to https://www.example/",
        ),
        ("HTTP/1.1 403 X\r\nServer: gate\r\nConnection: close\r\n\r\n{\"detail\":\"sign in\"}", "403, gate"),
        ("HTTP/1.1 401 X\r\nConnection: close\r\n\r\n", "401"),
    ];
    for (answer, what) in others {
        let url = server(answer);
        for command in [
            &["seal", "report.pdf", "--subject", "S"][..],
            &["cancel", LETTER],
            &["withdraw", LETTER],
            &["erase", LETTER, "--yes"],
            &["erase", "--customer", "C-1", "--yes"],
            &["sweep"],
            &["terms", "list"],
            &["guard", "bans", "list"],
            &["evidence", "export", LETTER],
        ] {
            let ran = run(&desk, &url, command);
            assert!(ran.err.contains("it is not a Waxseal edge"), "{command:?} {what}: {}", ran.err);
            assert!(
                ran.err.contains(&format!("({what}")) && ran.err.contains("--url"),
                "{command:?}: {}",
                ran.err
            );
            assert_eq!(ran.error_code(), "not_waxseal", "{command:?} {what}");
            assert!(ran.out.is_empty() && !ran.err.contains('\x1b'), "{command:?} {what}: {}", ran.out);
        }
    }
}

#[test]
fn the_silent_answer_may_have_two_causes_and_both_are_named() {
    let (desk, stub) = (Desk::new(), Stub::start());
    desk.run(&["keys", "new", "--keys", "other.json"]).succeeded();
    let edge = server(concat!(
        "HTTP/1.1 404 X\r\nConnection: close\r\n\r\n",
        include_str!("../edge/lib/silent.html")
    ));
    for url in [stub.url(), edge] {
        let ran = run(&desk, &url, &["cancel", LETTER, "--keys", "other.json"]);
        assert_eq!(ran.error_code(), "edge_key_not_accepted");
        assert!(
            ran.err.contains("WAXSEAL_KEYS") && ran.err.contains("no edge is at this address"),
            "{}",
            ran.err
        );
    }
}

#[test]
fn an_edge_that_says_nothing_is_given_up() {
    let desk = Desk::new().with("WAXSEAL_TIMEOUT", "1");
    let ran = run(&desk, &server(""), &["cancel", LETTER]);
    assert_eq!(ran.error_code(), "edge_hangs");
    assert!(ran.err.contains("did not answer: 1 s") && ran.err.contains("WAXSEAL_TIMEOUT=5"), "{}", ran.err);
}

#[test]
fn an_address_with_a_path_is_refused_with_the_right_one() {
    let ran = Desk::new().run(&["cancel", LETTER, "--url", "https://letters.example:8443/desk?x"]).failed(2);
    assert!(ran.err.contains("write https://letters.example:8443"), "{}", ran.err);
}
