//! The guard's commands that ask the edge, against a stand-in that speaks the contract; and logs as people have them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use waxseal::types::UnixSeconds;

use super::support::{Desk, Ran, keyring};

/// A call: method, path, query, body.
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) if_match: Option<String>,
    pub(crate) text: String,
    /// The text, if it is JSON.
    pub(crate) body: Value,
}

type Answers = dyn Fn(&Call, usize) -> Option<(u16, Value)> + Send + Sync;

/// An edge that answers what a test tells it to. `None` hangs up.
pub(crate) struct Edge {
    address: std::net::SocketAddr,
    /// `METHOD /path?query body`, in order.
    log: Arc<Mutex<Vec<String>>>,
}

impl Edge {
    /// The number is that of the call, from 0.
    pub(crate) fn start(
        answers: impl Fn(&Call, usize) -> Option<(u16, Value)> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (noted, answers): (_, Arc<Answers>) = (log.clone(), Arc::new(answers));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (noted, answers) = (noted.clone(), answers.clone());
                std::thread::spawn(move || serve(stream, &noted, &*answers));
            }
        });
        Self { address, log }
    }

    pub(crate) fn always(status: u16, value: Value) -> Self {
        Self::start(move |_, _| Some((status, value.clone())))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn run(&self, desk: &Desk, arguments: &[&str]) -> Ran {
        let url = self.url();
        desk.run(&[&["guard"], arguments, &["--url", &url, "--retries", "0"]].concat())
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<String>>, answers: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap_or_default();
    let mut words = line.split_whitespace();
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return };
    let (mut length, mut known, mut if_match) = (0, false, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "if-match" => if_match = Some(value.trim().to_owned()),
            "authorization" => {
                let key = value.trim().strip_prefix("Bearer ").unwrap_or_default();
                known = keyring().verify_api_key(key, UnixSeconds(0)).is_some();
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let text = String::from_utf8(body).unwrap();
    let number = {
        let mut log = log.lock().unwrap();
        log.push(format!("{method} {target} {text}").trim_end().to_owned());
        log.len() - 1
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let body = serde_json::from_str(&text).unwrap_or_default();
    let call = Call { method: method.to_owned(), path: path.to_owned(), query, if_match, text, body };
    let answer = if known { answers(&call, number) } else { Some((404, Value::Null)) };
    let Some((status, value)) = answer else { return };
    // A stranger's answer is no JSON.
    let text = if value.is_null() { "Not found\n".to_owned() } else { value.to_string() };
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", text.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes()));
}

fn explanation() -> Value {
    json!({
        "client": "192.0.2.7", "standing": "address_banned", "new": "of a newer edge",
        "cause": { "reason": "forged", "line": null, "until": 4_000_000_000u64, "note": "", "dry_run": false },
        "would": {
            "standing": "denied",
            "cause": { "reason": "asn_rule", "line": 12, "until": null, "note": "a\u{1b}[31m\nstanding   clear", "dry_run": true },
        },
        "agent": { "kind": "crawler", "name": "Google", "allowed": true },
        "strict": true,
        "honeypot": { "reason": "path_rule", "line": 30, "until": null, "note": "", "dry_run": false },
        "answers": { "genuine": "silent", "other": "silent" },
        "sentinel": {
            "points": 3.52, "allowance": 20, "strikes": 1,
            "bans": [
                { "target": "192.0.2.7", "since": 1_700_000_000, "until": 4_000_000_000u64, "reason": "forged", "dry_run": false },
                { "target": "192.0.2.0/24", "since": 1_700_000_000, "until": 4_000_000_000u64, "reason": "neighbours", "dry_run": true },
            ],
        },
        "snapshot": { "generation": 12, "made_at": 1_700_000_000 },
    })
}

#[test]
fn explain_asks_for_all_that_is_known_and_tells_in_words() {
    let (desk, edge) = (Desk::new(), Edge::always(200, explanation()));
    let ran = edge.run(
        &desk,
        &[
            "explain",
            "192.0.2.7",
            "--asn",
            "AS64500",
            "--country",
            "nl",
            "--agent",
            "a b&c",
            "--path",
            "/x?y=1",
        ],
    );
    assert_eq!(
        edge.log(),
        ["GET /api/v1/guard/explain?address=192.0.2.7&asn=64500&country=NL&agent=a+b%26c&path=%2Fx%3Fy%3D1"]
    );
    let text = ran.succeeded().out;
    let lines: Vec<&str> = text.lines().collect();
    for (at, begins) in [
        "client     192.0.2.7",
        "standing   banned itself (forged links, until 2096-10-02 07:06:40 UTC (in ",
        "genuine    a genuine link gets the silent answer",
        "other      anything else gets the silent answer",
        "dry run    if nothing were in dry run: denied: refused, also with a genuine link (line 12 of the rules, a rule about the AS, noted \"a\u{fffd}[31m\u{fffd}standing   clear\")",
        "agent      a crawler (Google) by its own word; a rule allows it",
        "strict     its AS has many banned networks",
        "path       a honeypot: whoever asks for it is banned (line 30 of the rules, a honeypot)",
        "points     3.5 of 20 spent in 1 strike, 16.5 left",
        "ban        192.0.2.7 since 2023-11-14 22:13:20 UTC, until 2096-10-02 07:06:40 UTC (in ",
        "ban        192.0.2.0/24 since 2023-11-14 22:13:20 UTC, until 2096-10-02 07:06:40 UTC (in ",
        "snapshot   generation 12, made 2023-11-14 22:13:20 UTC (",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(lines[at].starts_with(begins), "{}\n{begins}", lines[at]);
    }
    assert_eq!(lines.len(), 12, "a note cannot add a line");
    assert!(lines[10].ends_with("several of its clients are banned (in dry run: refuses nobody)"));
    let json = edge.run(&desk, &["explain", "192.0.2.7", "--json"]).succeeded().json();
    assert_eq!(json, explanation(), "what a newer edge adds is passed on");
    edge.run(&desk, &["explain", "2001:db8:1:2::7"]).succeeded();
    assert_eq!(edge.log()[2], "GET /api/v1/guard/explain?address=2001%3Adb8%3A1%3A2%3A%3A");
}

#[test]
fn explain_of_somebody_unknown_is_short() {
    let nothing = json!({
        "client": "2001:db8::/64", "standing": "clear", "cause": null, "would": null,
        "agent": { "kind": "other", "name": "", "allowed": false }, "strict": false, "honeypot": null,
        "answers": { "genuine": "serve", "other": "silent" },
        "sentinel": { "points": 0, "allowance": 20, "strikes": 0, "bans": [] },
        "snapshot": null,
    });
    let ban = json!({ "standing": "network_banned", "answers": { "genuine": "serve", "other": "silent" } });
    let mut banned = nothing.clone();
    banned.as_object_mut().unwrap().extend(ban.as_object().unwrap().clone());
    let ran = Edge::always(200, banned).run(&Desk::new(), &["explain", "2001:db8::1"]).succeeded();
    assert!(ran.out.contains("genuine    a genuine link is served, under a stricter limit\n"), "{}", ran.out);
    let ran = Edge::always(200, nothing).run(&Desk::new(), &["explain", "2001:db8::1"]).succeeded();
    assert_eq!(
        ran.out,
        "client     2001:db8::/64\n\
         standing   clear: no rule and no ban is about it\n\
         genuine    a genuine link is served\n\
         other      anything else gets the silent answer, as for a page that does not exist\n\
         points     0 of 20 spent in 0 strikes, 20 left\n\
         bans       none\n"
    );
}

#[test]
fn an_edge_that_does_not_help_is_told_apart() {
    let desk = Desk::new();
    let code = |edge: &Edge| edge.run(&desk, &["explain", "192.0.2.7", "--json"]).failed(1).error_code();
    let problem = |code: &str| json!({ "code": code, "detail": "see the documentation" });
    assert_eq!(code(&Edge::always(404, Value::Null)), "edge_key_not_accepted");
    assert_eq!(code(&Edge::always(404, problem("no_such_route"))), "edge_without_guard");
    assert_eq!(code(&Edge::always(200, json!({ "client": 7 }))), "not_waxseal");
    assert_eq!(code(&Edge::always(503, problem("sentinel"))), "edge_problem");
    assert_eq!(code(&Edge::start(|_, _| None)), "edge_unreachable");
    let nowhere = desk.run(&["guard", "explain", "192.0.2.7", "--json"]).failed(2);
    assert_eq!(nowhere.error_code(), "url_missing");
}

fn ban(target: &str) -> Value {
    json!({ "target": target, "since": 1_700_000_000, "until": 4_000_000_000u64, "reason": "forged", "asn": 64_500, "dry_run": false })
}

#[test]
fn bans_are_listed_page_by_page() {
    let desk = Desk::new();
    let pages = || {
        Edge::start(|call, _| {
            let targets: &[&str] = match call.query.get("after").map(String::as_str) {
                None => &["192.0.2.7", "198.51.100.0/24"],
                Some("a b") => &["2001:db8::/64", "192.0.2.0/24"],
                _ => return Some((422, json!({ "code": "cursor", "detail": "an unknown cursor" }))),
            };
            let next = if call.query.contains_key("after") { Value::Null } else { json!("a b") };
            Some((200, json!({ "bans": targets.iter().map(|it| ban(it)).collect::<Vec<_>>(), "next": next })))
        })
    };
    let edge = pages();
    let all = edge.run(&desk, &["bans", "list"]).succeeded();
    assert_eq!(all.out.lines().count(), 4);
    assert_eq!(
        all.out.lines().next().unwrap(),
        "192.0.2.7                 2023-11-14 22:13:20 UTC to 2096-10-02 07:06:40 UTC  forged links AS64500"
    );
    assert_eq!(
        edge.log(),
        ["GET /api/v1/guard/bans?limit=1000", "GET /api/v1/guard/bans?limit=1000&after=a+b"]
    );

    let some =
        pages().run(&desk, &["bans", "list", "--network", "192.0.2.0/25", "--json"]).succeeded().json();
    let targets: Vec<_> = some["bans"].as_array().unwrap().iter().map(|ban| ban["target"].clone()).collect();
    assert_eq!((targets, &some["more"]), (vec![json!("192.0.2.7"), json!("192.0.2.0/24")], &json!(false)));

    let edge = pages();
    let one = edge.run(&desk, &["bans", "list", "--limit", "1"]).succeeded();
    assert_eq!((one.out.lines().count(), one.err.as_str()), (1, "There are more: raise --limit.\n"));
    assert_eq!(edge.log(), ["GET /api/v1/guard/bans?limit=2"]);

    let still = Edge::always(200, json!({ "bans": [ban("192.0.2.7")], "next": "a" }));
    let listed = still.run(&desk, &["bans", "list", "--json"]).succeeded().json();
    assert_eq!(listed["bans"].as_array().unwrap().len(), 2, "a cursor that stands still ends the list");
    let none = Edge::always(200, json!({ "bans": [], "next": null }));
    assert_eq!(none.run(&desk, &["bans", "list"]).succeeded().out, "Nobody is banned.\n");
}

#[test]
fn banning_and_lifting() {
    let desk = Desk::new();
    let edge = Edge::start(|call, _| {
        Some(match call.method.as_str() {
            "POST" if call.body["target"] == "192.0.2.9" => {
                (422, json!({ "code": "until", "detail": "the time is past" }))
            }
            "POST" => {
                let until = call.body["until"].as_u64().unwrap_or(4_000_000_000);
                (201, json!({ "target": call.body["target"], "until": until }))
            }
            "DELETE" => {
                let lifted = u8::from(call.path.contains("192.0.2.0%2F24"));
                (200, json!({ "target": "192.0.2.0/24", "lifted": lifted }))
            }
            _ => return None,
        })
    });
    let done = edge.run(&desk, &["ban", "192.0.2.7"]).succeeded();
    assert!(done.out.starts_with("192.0.2.7 is banned until 2096-10-02 07:06:40 UTC (in "), "{}", done.out);
    let long =
        edge.run(&desk, &["ban", "2001:db8:1::/48", "--until", "2090-01-01T00:00:00Z", "--json"]).succeeded();
    assert_eq!(
        long.json(),
        json!({ "target": "2001:db8:1::/48", "until": 3_786_912_000u64, "until_at": "2090-01-01T00:00:00Z" })
    );
    let lifted = edge.run(&desk, &["unban", "192.0.2.0/24"]).succeeded();
    assert_eq!(lifted.out, "1 ban of 192.0.2.0/24 lifted; isolates learn of it in a little over a minute.\n");
    let not = edge.run(&desk, &["unban", "2001:db8::1"]).succeeded();
    assert_eq!(not.out, "192.0.2.0/24 was not banned; its points are forgotten.\n");
    let refused = edge.run(&desk, &["ban", "192.0.2.9"]).failed(1);
    assert!(refused.err.contains("answered 422: the time is past"), "{}", refused.err);
    let past = edge.run(&desk, &["ban", "192.0.2.8", "--until", "2020-01-01", "--json"]).failed(2);
    assert_eq!(past.error_code(), "until_in_the_past");
    assert_eq!(
        edge.log(),
        [
            r#"POST /api/v1/guard/bans {"target":"192.0.2.7"}"#,
            r#"POST /api/v1/guard/bans {"target":"2001:db8:1::/48","until":3786912000}"#,
            "DELETE /api/v1/guard/bans/192.0.2.0%2F24",
            "DELETE /api/v1/guard/bans/2001%3Adb8%3A%3A%2F64",
            r#"POST /api/v1/guard/bans {"target":"192.0.2.9"}"#,
        ]
    );
}

fn event(at: u64, kind: &str, reason: &str) -> Value {
    json!({ "at": at, "kind": kind, "target": "192.0.2.7", "reason": reason, "asn": 64_500 })
}

/// Fails twice, in two ways, after the first answer.
fn restless() -> Edge {
    Edge::start(|call, number| {
        let after = call.query.get("after").map(String::as_str);
        Some(match (number, after) {
            (0, None) => {
                let events = [
                    event(1_700_000_001_000, "banned", "forged"),
                    event(1_700_000_000_000, "lifted", "lifted"),
                ];
                (200, json!({ "events": events, "next": "c1" }))
            }
            (1, Some("c1")) => return None,
            (2, Some("c1")) => (503, json!({ "code": "sentinel", "detail": "away" })),
            (3, Some("c1")) => (
                200,
                json!({ "events": [event(1_700_000_002_000, "network_banned", "neighbours")], "next": "c2" }),
            ),
            (_, Some("c2")) => (200, json!({ "events": [], "next": "c2" })),
            _ => (404, json!({ "code": "cursor", "detail": "?" })),
        })
    })
}

#[test]
#[cfg(unix)]
fn watch_outlives_the_edge_and_ends_with_ctrl_c() {
    let (desk, edge) = (Desk::new(), restless());
    let url = format!("http://{}", edge.address);
    let mut child = desk.command(&["guard", "watch", "--url", &url, "--every", "1"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "2023-11-14 22:13:20 UTC  lifted          192.0.2.7  AS64500");
    assert_eq!(next(), "2023-11-14 22:13:21 UTC  banned          192.0.2.7  forged links  AS64500");
    assert_eq!(
        next(),
        "2023-11-14 22:13:22 UTC  network banned  192.0.2.7  several of its clients are banned  AS64500"
    );
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let ran: Ran = child.wait_with_output().unwrap().into();
    let ran = ran.failed(130);
    let said: Vec<&str> = ran.err.lines().collect();
    assert_eq!(said.len(), 3, "{}", ran.err);
    assert!(said[0].contains("could not be reached") && said[0].ends_with("Trying again until it answers."));
    assert!(said[1].ends_with("is there again."));
    assert_eq!(said[2], "error: interrupted");
}

#[test]
fn watch_ends_where_asking_again_is_of_no_use() {
    let desk = Desk::new();
    // A key that is not accepted any more: asking on would ban this address.
    let edge = Edge::start(|_, number| match number {
        0 => Some((200, json!({ "events": [event(1_700_000_000_000, "odd\u{1b}", "new")], "next": "c" }))),
        _ => Some((404, Value::Null)),
    });
    let ran = edge.run(&desk, &["watch", "--json", "--every", "1"]).failed(1);
    assert_eq!(ran.out.lines().count(), 1);
    assert_eq!(ran.json()["reason"], "new");
    assert_eq!((ran.error_code().as_str(), edge.log().len()), ("edge_key_not_accepted", 2));
    let wrong = Edge::start(|_, _| None).run(&desk, &["watch", "--json"]).failed(1);
    assert_eq!(wrong.error_code(), "edge_unreachable", "a wrong address is told at once");
}

#[test]
fn watch_ends_when_its_reader_goes() {
    let desk = Desk::new();
    let edge = Edge::start(|_, number| {
        Some((
            200,
            json!({ "events": [event(1_700_000_000_000, "banned", "forged")], "next": number.to_string() }),
        ))
    });
    let url = format!("http://{}", edge.address);
    let mut child = desk.command(&["guard", "watch", "--url", &url, "--every", "1"]).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

const LOG: &str = "192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] \"GET /.env HTTP/1.1\" 404 12\n";

#[test]
fn a_compressed_log_says_how() {
    let desk = Desk::new();
    desk.write("access.log.2.gz", &[0x1f, 0x8b, 8, 0]);
    desk.write("access.log.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0]);
    let packed = desk.run(&["guard", "simulate", "access.log.2.gz"]).failed(2);
    assert!(packed.err.contains("`zcat access.log.2.gz | waxseal guard simulate -`"), "{}", packed.err);
    let packed = desk.run(&["guard", "simulate", "access.log.zst", "--json"]).failed(2);
    assert_eq!(packed.error_code(), "log_compressed");
    let piped = desk.run_with_input(&["guard", "simulate", "-"], &[0x1f, 0x8b, 8, 0]).failed(2);
    assert!(piped.err.contains("`zcat LOG | waxseal guard simulate -`"), "{}", piped.err);
}

#[test]
fn logs_are_replayed_in_the_order_of_their_times() {
    let desk = Desk::new();
    let older = LOG.replace("22/Nov", "21/Nov");
    desk.write("access.log", LOG.repeat(3).as_bytes());
    desk.write("access.log.1", format!("\u{feff}{}", older.repeat(2)).as_bytes());
    let report = desk.run(&["guard", "simulate", "access.log", "access.log.1", "--json"]).succeeded().json();
    assert_eq!((&report["log"]["requests"], &report["log"]["late"]), (&json!(5), &json!(0)));
    assert_eq!((&report["log"]["days"], &report["others"]["bans"]), (&json!(2), &json!(2)));
    // The day of the zone is another one.
    let noon = LOG.replace("10:58", "11:00") + &LOG.replace("10:58", "11:30");
    desk.write("noon.log", noon.as_bytes());
    let zone = ["guard", "simulate", "noon.log", "--time-zone", "Pacific/Auckland", "--json"];
    assert_eq!(desk.run(&zone).succeeded().json()["log"]["days"], 1);
    desk.write("noon.log", (LOG.to_owned() + &noon).as_bytes());
    assert_eq!(desk.run(&zone).succeeded().json()["log"]["days"], 2);
    assert_eq!(desk.run(&zone).succeeded().json()["time_zone"], "Pacific/Auckland");
}

#[test]
fn a_log_is_bounded_in_its_lines_and_odd_bytes_do_no_harm() {
    let desk = Desk::new();
    let mut log = Vec::new();
    log.extend_from_slice(LOG.as_bytes());
    log.extend(std::iter::repeat_n(b'a', 3_000_000));
    log.push(b'\n');
    log.extend_from_slice(b"\xff\xfe\0\n\r\n");
    log.extend_from_slice(LOG.replace(".env", "\u{fffd}").as_bytes());
    log.extend_from_slice(&LOG.replace("/.env", "/x").as_bytes()[..LOG.len() - 4]);
    let ran = desk.run_with_input(&["guard", "simulate", "-", "--json"], &log).succeeded().json();
    assert_eq!((&ran["log"]["requests"], &ran["log"]["unread"]), (&json!(3), &json!(2)));
    assert_eq!(ran["log"]["unread_by_reason"], json!({ "line_too_long": 1, "format_unknown": 1 }));
    assert_eq!(
        (&ran["log"]["unread_first"][0]["line"], &ran["log"]["unread_first"][1]["line"]),
        (&json!(2), &json!(3))
    );

    let empty = desk.run_with_input(&["guard", "simulate", "-", "--json"], b"").failed(1);
    assert_eq!(empty.error_code(), "log_without_requests");
    let rubbish = desk.run_with_input(&["guard", "simulate", "-"], b"a\nb\n").failed(1);
    assert!(
        rubbish.err.contains("line 1 of standard input: neither Common Log Format nor a JSON object"),
        "{}",
        rubbish.err
    );
}

#[test]
fn without_keys_the_report_says_so() {
    let desk = Desk::new().with("WAXSEAL_KEYS", "");
    let report = desk.run_with_input(&["guard", "simulate", "-"], LOG.as_bytes()).succeeded();
    assert!(report.out.contains("No keys were given"), "{}", report.out);
    let json = desk.run_with_input(&["guard", "simulate", "-", "--json"], LOG.as_bytes()).succeeded().json();
    assert_eq!((&json["log"]["with_keys"], &json["rules_file"]), (&json!(false), &Value::Null));
}
