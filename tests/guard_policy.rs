//! What each kind of request gets, and robots by their own word.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use waxseal::guard::policy::is_incidental;
use waxseal::guard::snapshot::Would;
use waxseal::guard::{
    AgentKind, Answer, CrawlerPolicy, Decision, Fetch, FetchHeaders, PreviewPolicy, Profile, Request,
    RequestClass, Settings, Standing, StrikeKind, Verdict, decide, recognise, recognise_network,
};

use RequestClass::{ApiKey, Closed, Damaged, Desk, Forged, Honeypot, Incidental, Repairable, Valid};

const CLASSES: [RequestClass; 8] = [Valid, Repairable, Closed, Damaged, Forged, Honeypot, ApiKey, Incidental];
const STANDINGS: [Standing; 6] = [
    Standing::Allowed,
    Standing::Denied,
    Standing::Spared,
    Standing::AddressBanned,
    Standing::NetworkBanned,
    Standing::Clear,
];
const AGENTS: [AgentKind; 4] =
    [AgentKind::Other, AgentKind::Crawler, AgentKind::Preview, AgentKind::MailScanner];

fn request(class: RequestClass) -> Request {
    Request {
        class,
        class_without_dry_run: class,
        agent: AgentKind::Other,
        fetch: Fetch::default(),
        over_limit: false,
        says_no: false,
    }
}

fn verdict(standing: Standing) -> Verdict {
    Verdict { standing, ..Verdict::CLEAR }
}

fn run(request: Request, standing: Standing) -> Decision {
    decide(&request, &verdict(standing), &Settings::default())
}

fn kind(decision: &Decision) -> Option<StrikeKind> {
    decision.plan.strike.map(|offence| offence.kind)
}

#[test]
fn a_genuine_link_is_refused_only_by_ops_or_its_own_ban() {
    for class in [Valid, Repairable, Closed] {
        for standing in STANDINGS {
            let decision = run(request(class), standing);
            let refused = matches!(standing, Standing::Denied | Standing::AddressBanned);
            let expected = if refused { Answer::Silent } else { Answer::Serve };
            assert_eq!(
                (decision.plan.answer, decision.plan.strike),
                (expected, None),
                "{class:?} {standing:?}"
            );
            let busy = run(Request { over_limit: true, ..request(class) }, standing);
            let expected = if refused { Answer::Silent } else { Answer::Busy };
            assert_eq!(busy.plan.answer, expected, "over the limit, {standing:?}");
        }
    }
}

#[test]
fn strangers_get_silence_and_a_strike() {
    for (class, expected) in [
        (Damaged, Some(StrikeKind::Damaged)),
        (Forged, Some(StrikeKind::Forged)),
        (Honeypot, Some(StrikeKind::Honeypot)),
        (ApiKey, Some(StrikeKind::ApiKey)),
        (Incidental, None),
    ] {
        for standing in STANDINGS {
            let decision = run(request(class), standing);
            assert_eq!(decision.plan.answer, Answer::Silent);
            // The allowed are never struck; the denied and banned are not told on again.
            let quiet = matches!(standing, Standing::Allowed | Standing::Denied | Standing::AddressBanned);
            assert_eq!(kind(&decision), expected.filter(|_| !quiet), "{class:?} {standing:?}");
            let flooding = run(Request { over_limit: true, ..request(class) }, standing);
            assert_eq!(flooding, decision, "a flood changes nothing that a stranger can see");
        }
    }
}

fn fetched(headers: FetchHeaders<'_>, class: RequestClass, agent: AgentKind) -> Request {
    Request { fetch: Fetch::read(&headers), agent, ..request(class) }
}

#[test]
fn what_another_page_embeds_never_strikes() {
    let navigate = FetchHeaders { mode: Some("navigate"), ..FetchHeaders::default() };
    let embedded = [
        FetchHeaders { mode: Some("no-cors"), site: Some("cross-site"), ..FetchHeaders::default() },
        FetchHeaders { mode: Some("cors"), site: Some("same-origin"), ..FetchHeaders::default() },
        FetchHeaders { mode: Some("websocket"), site: Some("none"), ..FetchHeaders::default() },
        // A frame navigates too, and so does a page that is fetched ahead.
        FetchHeaders { site: Some("cross-site"), dest: Some("iframe"), ..navigate },
        FetchHeaders {
            site: Some("none"),
            dest: Some("document"),
            purpose: Some("prefetch;prerender"),
            ..navigate
        },
        FetchHeaders { purpose: Some("Prefetch"), ..FetchHeaders::default() },
        // A picture in a mail, drawn by a program that is no browser.
        FetchHeaders { accept: Some("image/webp,image/*;q=0.8"), ..FetchHeaders::default() },
    ];
    for headers in embedded {
        for class in CLASSES {
            for agent in AGENTS {
                let decision = run(fetched(headers, class, agent), Standing::Clear);
                // No page can make a browser send a key.
                let expected = (class == ApiKey).then_some(StrikeKind::ApiKey);
                assert_eq!(kind(&decision), expected, "{headers:?} {class:?}");
            }
        }
    }
    let typed =
        FetchHeaders { site: Some("none"), dest: Some("document"), mode: Some("Navigate"), ..navigate };
    assert_eq!(
        kind(&run(fetched(typed, Damaged, AgentKind::Other), Standing::Clear)),
        Some(StrikeKind::Damaged)
    );
    assert_eq!(
        kind(&run(fetched(typed, Honeypot, AgentKind::Other), Standing::Clear)),
        Some(StrikeKind::Honeypot)
    );
    let node = FetchHeaders { mode: Some("cors"), accept: Some("*/*"), ..FetchHeaders::default() };
    assert_eq!(Fetch::read(&node), Fetch::default(), "Node's fetch, not a page");
}

#[test]
fn where_another_site_sends_a_browser_is_not_its_own_doing() {
    let headers = FetchHeaders {
        mode: Some("navigate"),
        site: Some("cross-site"),
        dest: Some("document"),
        ..FetchHeaders::default()
    };
    for class in [Damaged, Forged, Honeypot] {
        let lured = fetched(headers, class, AgentKind::Other);
        let plan = run(lured, Standing::Clear).plan;
        assert_eq!((plan.answer, plan.strike), (Answer::Silent, None), "{class:?}");
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        assert!(kind(&decide(&lured, &Verdict::CLEAR, &strict)).is_some(), "the strict profile is literal");
    }
}

#[test]
fn a_right_key_opens_the_desk_whoever_the_program_says_it_is() {
    for agent in AGENTS {
        for standing in STANDINGS {
            let plan = run(Request { agent, ..request(Desk) }, standing).plan;
            let denied = standing == Standing::Denied;
            let expected = if denied { Answer::Silent } else { Answer::Serve };
            assert_eq!(
                (plan.answer, plan.strike, plan.robot),
                (expected, None, false),
                "{agent:?} {standing:?}"
            );
            let busy = run(Request { agent, over_limit: true, ..request(Desk) }, standing).plan.answer;
            assert_eq!(busy, if denied { Answer::Silent } else { Answer::Busy });
        }
    }
}

#[test]
fn crawlers_are_refused_and_not_banned() {
    let crawler = |class| Request { agent: AgentKind::Crawler, ..request(class) };
    for class in [Valid, Repairable, Closed, Damaged, Incidental] {
        let plan = run(crawler(class), Standing::Clear).plan;
        assert_eq!((plan.answer, plan.strike, plan.robot), (Answer::Silent, None, true), "{class:?}");
    }
    // Saying "Googlebot" is no licence to attack.
    assert_eq!(kind(&run(crawler(Honeypot), Standing::Clear)), Some(StrikeKind::Honeypot));
    assert_eq!(kind(&run(crawler(Forged), Standing::Clear)), Some(StrikeKind::Forged));
    assert_eq!(run(crawler(Valid), Standing::Allowed).plan.answer, Answer::Serve);

    let with =
        |crawlers| decide(&crawler(Valid), &Verdict::CLEAR, &Settings { crawlers, ..Settings::default() });
    assert_eq!(with(CrawlerPolicy::Ignore).plan.answer, Answer::Serve);
    assert_eq!(
        (with(CrawlerPolicy::Ban).plan.answer, kind(&with(CrawlerPolicy::Ban))),
        (Answer::Silent, Some(StrikeKind::Honeypot))
    );
    let allowed = Verdict { agent_allowed: true, ..Verdict::CLEAR };
    assert_eq!(decide(&crawler(Valid), &allowed, &Settings::default()).plan.answer, Answer::Serve);
}

#[test]
fn previews_show_the_brand_only_and_scanners_are_marked() {
    for class in [Valid, Repairable, Closed] {
        let preview = Request { agent: AgentKind::Preview, ..request(class) };
        assert_eq!(run(preview, Standing::Clear).plan.answer, Answer::Neutral);
        assert_eq!(run(preview, Standing::NetworkBanned).plan.answer, Answer::Neutral);
        assert_eq!(run(preview, Standing::Allowed).plan.answer, Answer::Neutral, "no subject, whoever asks");
        let refuse = Settings { previews: PreviewPolicy::Refuse, ..Settings::default() };
        assert_eq!(decide(&preview, &Verdict::CLEAR, &refuse).plan.answer, Answer::Silent);
        let scanner = run(Request { agent: AgentKind::MailScanner, ..request(class) }, Standing::Clear);
        assert_eq!((scanner.plan.answer, scanner.plan.robot), (Answer::Serve, true));
    }
    for agent in [AgentKind::Preview, AgentKind::MailScanner] {
        let strike = |class| run(Request { agent, ..request(class) }, Standing::Clear).plan.strike.unwrap();
        assert!(strike(Damaged).lenient);
        assert!(!strike(Forged).lenient && !strike(Honeypot).lenient, "they damage links, they forge none");
    }
}

#[test]
fn in_the_honeypot_profile_all_but_links_is_a_honeypot() {
    let settings = Settings { profile: Profile::Honeypot, ..Settings::default() };
    for class in [Damaged, Forged, ApiKey, Honeypot] {
        assert_eq!(
            kind(&decide(&request(class), &Verdict::CLEAR, &settings)),
            Some(StrikeKind::Honeypot),
            "{class:?}"
        );
    }
    for class in [Valid, Closed, Incidental] {
        assert_eq!(kind(&decide(&request(class), &Verdict::CLEAR, &settings)), None, "{class:?}");
    }
}

#[test]
fn dry_run_changes_nothing_and_shows() {
    for standing in STANDINGS {
        for class in CLASSES {
            let would = Would { standing, agent_allowed: false, cause: None };
            let dry = Verdict { would: Some(would), ..Verdict::CLEAR };
            let decision = decide(&request(class), &dry, &Settings::default());
            assert_eq!(decision.plan, run(request(class), Standing::Clear).plan);
            let real = run(request(class), standing).plan;
            assert_eq!(decision.dry_run, (real != decision.plan).then_some(real), "{class:?} {standing:?}");
        }
    }
    let path = Request { class_without_dry_run: Honeypot, ..request(Damaged) };
    let decision = run(path, Standing::Clear);
    assert_eq!(kind(&decision), Some(StrikeKind::Damaged));
    assert_eq!(decision.dry_run.unwrap().strike.unwrap().kind, StrikeKind::Honeypot);
    let robots = Settings { robots_dry_run: true, ..Settings::default() };
    let decision = decide(&Request { agent: AgentKind::Crawler, ..request(Valid) }, &Verdict::CLEAR, &robots);
    assert_eq!((decision.plan.answer, decision.dry_run.unwrap().answer), (Answer::Serve, Answer::Silent));
}

#[test]
fn what_phones_ask_for_unasked_is_no_strike() {
    for path in [
        "/",
        "/favicon.ico",
        "/apple-touch-icon-120x120-precomposed.png",
        "/.well-known/traffic-advice",
        "/robots.txt?x",
    ] {
        assert!(is_incidental(path), "{path}");
    }
    for path in ["/favicon.ico.php", "/x", "/.env", "/well-known/x"] {
        assert!(!is_incidental(path), "{path}");
    }
}

const IPHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";

#[test]
fn robots_are_recognised_and_people_are_not() {
    let table: [(&str, AgentKind, &str); 16] = [
        ("WhatsApp/2.23.20.0 A", AgentKind::Preview, "WhatsApp"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", AgentKind::Preview, "Slack"),
        (
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
            AgentKind::Preview,
            "Microsoft Teams",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) AppleWebKit/601.2.4 (KHTML, like Gecko) Version/9.0.1 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
            AgentKind::Preview,
            "Facebook or iMessage",
        ),
        ("TelegramBot (like TwitterBot)", AgentKind::Preview, "X"),
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            AgentKind::Crawler,
            "Google",
        ),
        (
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
            AgentKind::Crawler,
            "OpenAI",
        ),
        ("SomethingNew/1.0 (compatible; +https://new.example/about)", AgentKind::Crawler, "a robot"),
        ("Barracuda Sentinel (EE)", AgentKind::MailScanner, "Barracuda"),
        ("Mimecast-URL-Protect", AgentKind::MailScanner, "Mimecast"),
        ("Proofpoint URL Defense", AgentKind::MailScanner, "Proofpoint"),
        ("Microsoft Office Existence Discovery", AgentKind::MailScanner, "Microsoft Office"),
        ("", AgentKind::Other, ""),
        ("curl/8.5.0", AgentKind::Other, ""),
        (
            "Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 Chrome/137.0 Mobile Safari/537.36",
            AgentKind::Other,
            "",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Teams/24.1 Chrome/120 Electron/28 Safari/537.36",
            AgentKind::Other,
            "",
        ),
    ];
    for (text, kind, name) in table {
        let agent = recognise(Some(text));
        assert_eq!((agent.kind, agent.name), (kind, name), "{text}");
    }
    assert_eq!(recognise(None).kind, AgentKind::Other);
    for app in [
        "Version/18.5 Mobile/15E148 Safari/604.1",
        "[FBAN/FBIOS;FBAV/470.0]",
        "Instagram 330.0.0",
        "MicroMessenger/8.0",
        "[Pinterest/iOS]",
        "GSA/370.0 Mobile",
        "Snapchat/13.0",
        "LinkedInApp",
    ] {
        let text = format!("{IPHONE} {app}");
        assert_eq!(recognise(Some(&text)).kind, AgentKind::Other, "{text}");
    }
    let long = format!("{}Googlebot", "x".repeat(600));
    assert_eq!(recognise(Some(&long)).kind, AgentKind::Other, "only the first 512 bytes are looked at");
}

#[test]
fn mail_scanners_are_recognised_by_their_network() {
    let of = |system, organisation, says_fetch| recognise_network(system, organisation, says_fetch);
    for (system, organisation, name) in [
        (Some(22_843), None, "Proofpoint"),
        (Some(30_031), Some("MIMECAST"), "Mimecast"),
        (None, Some("Barracuda Networks, Inc."), "Barracuda"),
        (Some(64_500), Some("Mimecast Services Limited"), "Mimecast"),
    ] {
        let agent = of(system, organisation, true);
        assert_eq!((agent.kind, agent.name), (AgentKind::MailScanner, name));
    }
    assert_eq!(of(Some(8_075), Some("Microsoft Corporation"), false).kind, AgentKind::MailScanner);
    assert_eq!(
        of(Some(8_075), Some("Microsoft Corporation"), true).kind,
        AgentKind::Other,
        "a person's browser there"
    );
    assert_eq!(of(Some(64_500), Some("A carrier"), false).kind, AgentKind::Other);
    assert_eq!(of(None, None, false).kind, AgentKind::Other);
}

#[test]
fn a_no_is_heard_whoever_carries_it() {
    for agent in AGENTS {
        for standing in STANDINGS {
            for class in [Valid, Repairable, Closed] {
                let plan = run(Request { agent, says_no: true, ..request(class) }, standing).plan;
                let expected = if standing == Standing::Denied { Answer::Silent } else { Answer::Serve };
                assert_eq!((plan.answer, plan.strike), (expected, None), "{class:?} {agent:?} {standing:?}");
            }
            for class in [Damaged, Forged, Honeypot] {
                let plan = run(Request { agent, says_no: true, ..request(class) }, standing).plan;
                assert_eq!(plan.answer, Answer::Silent, "only for a genuine link");
            }
        }
    }
}
