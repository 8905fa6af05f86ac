//! Reading access logs, and replaying them: honest people first, the same decisions as at the edge, nothing secret in
//! the report, no panic whatever a log holds.

use proptest::prelude::*;
use waxseal::guard::{ClientKey, Reason};
use waxseal::token::{Keyring, mint};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

use super::super::check::RulesFile;
use super::log::{LINE_BYTES_MAX, LineError, LogLine};
use super::replay::Simulation;
use super::report::Report;

/// 2026-11-22T00:00:00Z.
const DAY: u64 = 1_795_305_600;

fn keyring(byte: u8) -> Keyring {
    Keyring::new([byte; 32])
}

fn token(byte: u8, letter: u8, not_after: u64) -> String {
    let keys = keyring(byte);
    mint(keys.active(), LetterId([letter; 16]), UnixSeconds(not_after)).unwrap().as_str().to_owned()
}

fn genuine(letter: u8) -> String {
    format!("/{}", token(7, letter, DAY + 10 * 86_400))
}

fn forged(letter: u8) -> String {
    format!("/{}", token(9, letter, DAY + 10 * 86_400))
}

/// A line of Combined Log Format, `seconds` into the day.
fn line(address: &str, seconds: u64, request: &str, status: u16) -> String {
    let (h, m, s) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let day = 22 + seconds / 86_400;
    format!(
        r#"{address} - - [{day}/Nov/2026:{h:02}:{m:02}:{s:02} +0000] "{request} HTTP/2.0" {status} 12 "-" "Mozilla/5.0""#
    )
}

fn midnight(now: UnixSeconds) -> UnixSeconds {
    UnixSeconds((now.0 / 86_400 + 1) * 86_400)
}

fn replay(rules: &str, keys: Option<&Keyring>, lines: &[String]) -> Report {
    let rules = RulesFile::check("rules.toml".to_owned(), rules.as_bytes()).unwrap();
    let mut simulation = Simulation::new(&rules, keys, midnight).unwrap();
    for (line, number) in lines.iter().zip(1..) {
        match LogLine::parse(line) {
            Ok(line) => simulation.feed(&line),
            Err(fault) => simulation.report.skip("access.log", number, fault),
        }
    }
    simulation.finish()
}

fn client(text: &str) -> ClientKey {
    text.parse().unwrap()
}

#[test]
fn lines_of_every_make_are_read() {
    let at = UnixMillis((DAY + 39_511) * 1_000);
    for (what, line) in [
        ("common", r#"192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "GET /a?b=1 HTTP/1.1" 404 12"#),
        (
            "combined",
            r#"192.0.2.7 - - [22/Nov/2026:11:58:31 +0100] "GET /a?b=1 HTTP/1.1" 404 12 "https://x/" "curl/8""#,
        ),
        (
            "a user name like a time",
            r#"192.0.2.7 - x [01/Jan/1999:00:00:00 +0000] y [22/Nov/2026:10:58:31 +0000] "GET /a?b=1 HTTP/1.1" 404 12"#,
        ),
        (
            "a quote in the user name",
            r#"192.0.2.7 - a\"b [22/Nov/2026:10:58:31 +0000] "GET /a?b=1 HTTP/1.1" 404 12"#,
        ),
        (
            "a host in front",
            r#"letters.example:443 192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "GET /a?b=1 HTTP/1.1" 404 12"#,
        ),
        (
            "absolute form",
            r#"192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "GET https://letters.example/a?b=1 HTTP/1.1" 404 12"#,
        ),
        ("mapped", r#"::ffff:192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "GET /a?b=1 HTTP/1.1" 404 12"#),
        (
            "nginx, iso",
            r#"{"remote_addr":"192.0.2.7","time_iso8601":"2026-11-22T10:58:31+00:00","request":"GET /a?b=1 HTTP/2.0","status":"404","http_user_agent":"curl/8"}"#,
        ),
        (
            "nginx, local",
            r#"{"time_local":"22/Nov/2026:10:58:31 +0000","remote_addr":"192.0.2.7","request_method":"GET","request_uri":"/a?b=1","uri":"/other","status":404,"user_agent":"curl/8"}"#,
        ),
        (
            "method and path",
            r#"{"remote_addr":"192.0.2.7","msec":1795345111.000,"method":"GET","path":"/a?b=1","status":404}"#,
        ),
        (
            "logpush",
            r#"{"ClientIP":"192.0.2.7","EdgeStartTimestamp":"2026-11-22T10:58:31Z","ClientRequestURI":"/a?b=1","ClientRequestMethod":"GET","ClientRequestUserAgent":"curl/8","ClientASN":64500,"ClientCountry":"nl","EdgeResponseStatus":404,"X":{"y":[1,{"z":null}]}}"#,
        ),
        (
            "logpush, s",
            r#"{"ClientIP":"192.0.2.7","EdgeStartTimestamp":1795345111,"ClientRequestURI":"/a?b=1","ClientRequestMethod":"GET","EdgeResponseStatus":404}"#,
        ),
        ("ms", r#"{"remote_addr":"192.0.2.7","ts":1795345111000,"path":"/a?b=1","status":404}"#),
        ("us", r#"{"remote_addr":"192.0.2.7","ts":"1795345111000000","path":"/a?b=1","status":404}"#),
        (
            "logpush, ns",
            r#"{"ClientIP":"192.0.2.7","EdgeStartTimestamp":1795345111000000000,"ClientRequestURI":"/a?b=1","ClientRequestMethod":"GET","EdgeResponseStatus":404}"#,
        ),
        (
            "caddy",
            r#"{"level":"info","ts":1795345111.0004,"request":{"remote_ip":"10.0.0.1","client_ip":"192.0.2.7","method":"GET","uri":"/a?b=1","headers":{"User-Agent":["curl/8"],"X-Forwarded-For":["203.0.113.9"]}},"status":404}"#,
        ),
    ] {
        let line = LogLine::parse(line).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        assert_eq!((line.at, line.client), (at, client("192.0.2.7")), "{what}");
        assert_eq!(
            (line.method.as_str(), line.target.as_str(), line.path()),
            ("GET", "/a?b=1", "/a"),
            "{what}"
        );
        assert_eq!(line.status, Some(404), "{what}");
        assert!(line.agent.is_none_or(|agent| agent == "curl/8"), "{what}");
        assert_eq!(line.asn.is_some() && line.country.is_some(), what == "logpush", "{what}");
    }
    let v6 =
        LogLine::parse(r#"2001:db8:1:2:3::4 - - [22/Nov/2026:10:58:31 +0000] "GET / HTTP/1.1" - -"#).unwrap();
    assert_eq!((v6.client, v6.status, v6.agent), (client("2001:db8:1:2::"), None, None));
    let escaped = LogLine::parse(
        r#"192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "GET /\x22\"\\ HTTP/1.1" 404 0 "-" "a \"b\"""#,
    );
    let escaped = escaped.unwrap();
    assert_eq!((escaped.target.as_str(), escaped.agent.as_deref()), ("/\"\"\\", Some("a \"b\"")));
    assert_eq!(format!("{escaped:?}").matches("\\\\").count(), 0, "Debug shows no path");
}

#[test]
fn what_is_no_request_says_why() {
    let long = format!(
        "192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] \"GET /{} HTTP/1.1\" 200 1",
        "a".repeat(LINE_BYTES_MAX)
    );
    for (line, fault) in [
        ("rubbish", LineError::FormatUnknown),
        ("", LineError::FormatUnknown),
        ("{\"remote_addr\":", LineError::NotJson),
        ("{} {}", LineError::NotJson),
        ("{}", LineError::NoAddress),
        (r#"{"remote_addr":"unix:"}"#, LineError::NoAddress),
        (r#"{"remote_addr":["192.0.2.7"],"ts":-1,"uri":"/"}"#, LineError::NoTime),
        (r#"{"remote_addr":"192.0.2.7","ts":1e300,"uri":"/"}"#, LineError::NoTime),
        (r#"{"remote_addr":"192.0.2.7","ts":1,"uri":"x"}"#, LineError::NoRequest),
        (r#"{"remote_addr":"192.0.2.7","ts":1,"request":null}"#, LineError::NoRequest),
        (r#"host.example - - [22/Nov/2026:10:58:31 +0000] "GET / HTTP/1.1" 200 1"#, LineError::NoAddress),
        (r#"192.0.2.7 - - [31/Feb/2026:10:58:31 +0000] "GET / HTTP/1.1" 200 1"#, LineError::NoTime),
        (r#"192.0.2.7 - - [22/Nov/1926:10:58:31 +0000] "GET / HTTP/1.1" 200 1"#, LineError::NoTime),
        (r#"192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "-" 408 0"#, LineError::NoRequest),
        (r#"192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "\x16\x03\x01 \x00" 400 0"#, LineError::NoRequest),
        (
            r#"192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "CONNECT a.example:443 HTTP/1.1" 400 0"#,
            LineError::NoRequest,
        ),
        (&long, LineError::LineTooLong),
    ] {
        assert_eq!(LogLine::parse(line).unwrap_err(), fault, "{}", &line[..line.len().min(90)]);
    }
    let report =
        replay("", None, &["rubbish".to_owned(), line("192.0.2.7", 0, "GET /", 200), "{".to_owned()]);
    assert_eq!((report.log.requests, report.log.unread), (1, 2));
    assert_eq!((report.log.unread_first[1].line, report.log.unread_first[1].code), (3, "not_json"));
    assert_eq!(report.log.unread_by_reason["format_unknown"], 1);
}

#[test]
fn honest_people_who_would_be_refused_come_first() {
    let keys = keyring(7);
    let mut lines = vec![line("192.0.2.7", 0, &format!("GET {}", genuine(1)), 200)];
    // Somebody behind the same address guesses.
    lines.push(line("192.0.2.7", 10, &format!("GET {}", forged(2)), 404));
    lines.push(line("192.0.2.7", 10, &format!("GET {}", forged(3)), 404));
    lines.push(line("192.0.2.7", 20, &format!("GET {}/report", genuine(1)), 200));
    lines.push(line("192.0.2.7", 21, &format!("GET {}", genuine(1)), 200));
    // The next day all is forgotten.
    lines.push(line("192.0.2.7", 86_400, &format!("GET {}", genuine(1)), 200));
    // A stranger.
    lines.push(line("198.51.100.1", 86_401, "GET /.env", 404));
    for (rules, strikes, refused, since) in [("", 2, 0, 10), ("profile = \"strict\"\n", 1, 2, 10)] {
        let report = replay(rules, Some(&keys), &lines);
        assert_eq!((report.honest.clients, report.honest.affected), (1, 1), "banned, if not refused");
        assert_eq!(report.honest.refused, refused, "{rules}");
        let person = &report.honest.list[0];
        assert_eq!((person.client, person.genuine, person.refused), (client("192.0.2.7"), 4, refused));
        let refusal = person.refusal.as_ref().map(|it| (it.at, it.standing, it.reason, it.until));
        let expected =
            (UnixSeconds(DAY + 20), "address_banned", Reason::Forged, Some(UnixSeconds(DAY + 86_400)));
        assert_eq!(refusal, (refused > 0).then_some(expected), "{rules}");
        let ban = person.ban.unwrap();
        assert_eq!((ban.at, ban.strikes, ban.reason), (UnixSeconds(DAY + since), strikes, Reason::Forged));
        assert_eq!((report.others.clients, report.others.bans), (1, 2));
        assert_eq!((report.log.days, report.log.with_keys), (2, true));
        assert_eq!(
            (report.classes["valid"], report.classes["forged"], report.classes["honeypot"]),
            (4, 2, 1)
        );
    }
}

#[test]
fn a_deny_rule_is_named_with_its_line_and_note() {
    let rules = "[[deny]]\nnetwork = \"192.0.2.0/24\"\nnote = \"Hosting\"\n\n[[deny]]\naddress = \"198.51.100.1\"\ndry_run = true\n";
    let lines = [
        line("192.0.2.7", 0, &format!("GET {}", genuine(1)), 200),
        line("192.0.2.8", 0, "GET /x", 404),
        line("198.51.100.1", 0, &format!("GET {}", genuine(1)), 200),
    ];
    let report = replay(rules, Some(&keyring(7)), &lines);
    assert_eq!((report.honest.affected, report.honest.refused), (2, 1));
    let refusal = report.honest.list[0].refusal.as_ref().unwrap();
    assert_eq!((refusal.line, refusal.note.as_str(), refusal.standing), (Some(1), "Hosting", "denied"));
    let tried = report.honest.list[1].refusal.as_ref().unwrap();
    assert_eq!((tried.line, tried.dry_run, report.honest.list[1].refused), (Some(5), true, 0));
    let rule = &report.rules[0];
    assert_eq!((rule.line, rule.standing, rule.requests, rule.genuine), (Some(1), "denied", 2, 1));
    let dry = &report.dry_run[0];
    assert_eq!((dry.line, dry.reason, dry.standing), (Some(5), Some(Reason::NetworkRule), "denied"));
    assert_eq!((dry.requests, dry.genuine), (1, 1));
}

#[test]
fn every_kind_of_dry_run_is_counted_and_changes_nothing() {
    let bot = |request: &str| line("192.0.2.7", 0, request, 404).replace("Mozilla/5.0", "Googlebot/2.1");
    let attack = [
        bot(&format!("GET {}", genuine(1))),
        line("192.0.2.8", 1, "GET /.env", 404),
        line("192.0.2.9", 2, "GET /old", 404),
    ];
    let dry = "[robots]\ndry_run = true\n[honeypots]\ndry_run = true\n[[honeypot]]\npath = \"/old\"\ndry_run = true\n";
    let report = replay(dry, Some(&keyring(7)), &attack);
    assert_eq!((report.others.bans, report.honest.refused), (0, 0));
    let rows: Vec<_> =
        report.dry_run.iter().map(|row| (row.line, row.reason.map(Reason::code), row.standing)).collect();
    assert_eq!(
        rows,
        [
            (None, None, "silent"),
            (None, Some("path_rule"), "honeypot"),
            (Some(5), Some("path_rule"), "honeypot")
        ]
    );

    // Thresholds in dry run: bans are made, marked, and refuse nobody.
    let lines = [
        line("192.0.2.7", 0, &format!("GET {}", genuine(1)), 200),
        line("192.0.2.7", 1, "GET /.env", 404),
        line("192.0.2.7", 2, &format!("GET {}", genuine(1)), 200),
    ];
    let report = replay("profile = \"strict\"\n[thresholds]\ndry_run = true\n", Some(&keyring(7)), &lines);
    let person = &report.honest.list[0];
    assert_eq!((person.refused, person.would_refuse, person.ban.unwrap().dry_run), (0, 1, true));
    let dry = &report.dry_run[0];
    assert_eq!((dry.reason, dry.standing), (Some(Reason::Honeypot), "address_banned"));
}

#[test]
fn networks_and_asns_escalate() {
    let rules = "[thresholds]\nsystem_after = 2\n";
    let logged = |address: &str, at: u64, path: &str, asn: u32| {
        format!(
            r#"{{"ClientIP":"{address}","EdgeStartTimestamp":{},"ClientRequestURI":"{path}","ClientRequestMethod":"GET","ClientASN":{asn}}}"#,
            DAY + at
        )
    };
    let mut lines = Vec::new();
    for network in 0..3 {
        for host in 1..4 {
            lines.push(logged(&format!("192.0.{network}.{host}"), network * 10 + host, "/.env", 64_500));
        }
    }
    // One forged link is enough from an AS with so many banned networks.
    lines.push(logged("198.51.100.1", 90, &forged(1), 64_500));
    lines.push(logged("203.0.113.1", 91, &forged(1), 64_501));
    lines.push(line("192.0.0.200", 100, &format!("GET {}", genuine(1)), 200));
    let report = replay(rules, Some(&keyring(7)), &lines);
    assert_eq!((report.others.clients, report.networks.banned), (10, 3));
    assert_eq!(report.others.by_reason["forged"], 1);
    let first = &report.networks.list[0];
    assert_eq!((first.at, first.asn), (UnixSeconds(DAY + 3), Some(64_500)));
    assert_eq!(
        (report.honest.affected, report.honest.in_banned_networks),
        (0, 1),
        "a network ban stops no genuine link"
    );
}

#[test]
fn without_keys_the_status_tells() {
    let lines = [
        line("192.0.2.1", 0, &format!("GET {}", genuine(1)), 200),
        line("192.0.2.2", 0, &format!("GET {}", genuine(1)), 404),
        line("192.0.2.3", 0, &format!("GET {}", genuine(1)), 499),
        line("192.0.2.4", 0, &format!("GET /{}", token(7, 1, DAY - 5)), 410),
        line("192.0.2.5", 0, &format!("GET /{}", token(7, 1, DAY + 5).to_uppercase()), 302),
        line("192.0.2.6", 0, &format!("GET {}", &genuine(1)[..60]), 404),
        line("192.0.2.7", 0, "GET /api/v1/letters/x", 404),
        line("192.0.2.8", 0, "PUT /api/v1/letters/x/body", 201),
        line("192.0.2.9", 0, "GET /assets/viewer.js", 200),
        line("192.0.2.9", 0, "GET /favicon.ico", 404),
    ];
    let report = replay("", None, &lines);
    let expected = [
        ("api", 1),
        ("api_key", 1),
        ("closed", 1),
        ("damaged", 1),
        ("forged", 1),
        ("incidental", 1),
        ("repairable", 1),
        ("shared", 1),
        ("unproven", 1),
        ("valid", 1),
    ];
    assert_eq!(report.classes.iter().map(|(class, n)| (*class, *n)).collect::<Vec<_>>(), expected);
    assert_eq!(report.honest.clients, 4, "200, 410, 302, 201");
}

#[test]
fn forged_links_count_below_every_path() {
    let token = token(9, 1, DAY + 10 * 86_400);
    for keys in [Some(&keyring(7)), None] {
        for (path, status, class) in [
            (format!("/.well-known/{token}"), 404, "forged"),
            (format!("/apple-touch-icon/{token}"), 404, "forged"),
            (format!("/?u={token}"), 404, "forged"),
            (format!("/api/v1/{token}"), 404, "forged"),
            (format!("/assets/{token}"), 404, "forged"),
            ("/assets/viewer-of-last-week.js".into(), 404, "incidental"),
            (format!("/assets/viewer.js?x={token}"), 200, "shared"),
            (format!("/{}/{token}", "x".repeat(1_024)), 404, "damaged"),
            (format!("/{}?{token}", &token[..40]), 404, "forged"),
            (format!("/{}?{}", &token[..40], &token[40..]), 404, "damaged"),
        ] {
            let report = replay("", keys, &[line("192.0.2.7", 0, &format!("GET {path}"), status)]);
            assert_eq!(report.classes.into_iter().collect::<Vec<_>>(), [(class, 1)], "{path}");
        }
        let twice = [0, 1].map(|at| line("192.0.2.7", at, &format!("GET /assets/{token}"), 404));
        assert_eq!(replay("", keys, &twice).classes.into_iter().collect::<Vec<_>>(), [("forged", 2)]);
    }
}

#[test]
fn time_never_goes_back() {
    let lines = [
        line("192.0.2.7", 7_300, "GET /.env", 404),
        line("192.0.2.7", 7_290, &format!("GET {}", genuine(1)), 200),
        line("192.0.2.7", 10, &format!("GET {}", genuine(1)), 200),
    ];
    let report = replay("profile = \"strict\"\n", Some(&keyring(7)), &lines);
    assert_eq!((report.log.late, report.honest.refused), (1, 2));
    assert_eq!(report.log.to, Some(UnixSeconds(DAY + 7_300)));
}

#[test]
fn robots_are_no_people() {
    let agents = ["WhatsApp/2.23", "Googlebot/2.1", "Proofpoint"];
    let lines: Vec<String> = agents
        .iter()
        .map(|agent| line("192.0.2.7", 0, &format!("GET {}", genuine(1)), 200).replace("Mozilla/5.0", agent))
        .collect();
    let report = replay("[[deny]]\naddress = \"192.0.2.7\"\n", Some(&keyring(7)), &lines);
    assert_eq!((report.honest.clients, report.honest.affected, report.classes["valid"]), (0, 0, 3));
}

#[test]
fn the_report_holds_no_token() {
    let mut lines: Vec<String> =
        (1..30).map(|n| line("192.0.2.7", u64::from(n), &format!("GET {}", genuine(n)), 200)).collect();
    lines.extend((1..30).map(|n| line("192.0.2.7", 40, &format!("GET {}", forged(n)), 404)));
    lines.push(format!("{} rubbish", genuine(1)));
    let report = replay("", Some(&keyring(7)), &lines);
    let text = format!("{report:?}{}{}", report.text(), serde_json::to_string(&report).unwrap());
    for n in 1..30 {
        for token in [genuine(n), forged(n)] {
            assert!(!text.contains(&token[1..]), "{text}");
        }
    }
}

/// What a hostile line may be made of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("192.0.2.7".to_owned()),
        Just("2001:db8::1".to_owned()),
        Just(" - - [22/Nov/2026:10:58:31 +0000] \"GET /".to_owned()),
        Just(" HTTP/1.1\" 200 12".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\\x".to_owned()),
        Just("[".to_owned()),
        Just("] ".to_owned()),
        Just("{\"remote_addr\":\"192.0.2.7\",\"ts\":".to_owned()),
        Just(",\"request\":{\"uri\":\"/".to_owned()),
        Just("\"headers\":{".to_owned()),
        Just("\"}".to_owned()),
        Just(genuine(1)),
        "\\PC{0,12}",
        any::<u64>().prop_map(|n| n.to_string()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn logged() -> impl Strategy<Value = String> {
    let address = (0u8..4, 0u8..6).prop_map(|(net, host)| format!("192.0.{net}.{host}"));
    let request = prop_oneof![
        (0u8..4).prop_map(|n| format!("GET {}", genuine(n))),
        (0u8..4).prop_map(|n| format!("POST {}/consent", genuine(n))),
        (0u8..4).prop_map(|n| format!("GET {}", forged(n))),
        Just("GET /.env".to_owned()),
        (0u8..40).prop_map(|n| format!("GET /{n}")),
    ];
    (address, 0u64..200_000, request, prop_oneof![Just(200u16), Just(404)])
        .prop_map(|(address, at, request, status)| line(&address, at, &request, status))
}

proptest! {
    #[test]
    fn no_line_is_a_panic(text in prop_oneof![pieces(), any::<String>()]) {
        if let Ok(line) = LogLine::parse(&text) {
            prop_assert!(line.target.starts_with('/'));
            let _ = replay("", None, &[text]);
        }
    }

    #[test]
    fn the_counts_agree_and_the_allowed_are_never_refused(
        lines in prop::collection::vec(logged(), 0..200),
        profile in prop_oneof![Just("balanced"), Just("strict"), Just("honeypot")],
    ) {
        let rules = format!("profile = \"{profile}\"\n[[allow]]\nnetwork = \"192.0.1.0/24\"\n");
        let report = replay(&rules, Some(&keyring(7)), &lines);
        let requests = lines.len() as u64;
        prop_assert_eq!(report.log.requests, requests);
        prop_assert_eq!(report.classes.values().sum::<u64>(), requests);
        prop_assert_eq!(report.others.by_reason.values().sum::<u64>(), report.others.bans);
        prop_assert_eq!(report.honest.list.iter().map(|person| person.refused).sum::<u64>(), report.honest.refused);
        let allowed: waxseal::guard::Network = "192.0.1.0/24".parse().unwrap();
        prop_assert!(report.honest.list.iter().all(|person| !allowed.contains(person.client)));
        prop_assert!(report.networks.list.iter().all(|row| row.network != allowed));
    }
}
