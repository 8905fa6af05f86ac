//! What each kind of request gets, and robots by their own word.
use waxseal::guard::policy::{class_of_call, class_on, is_incidental};
use waxseal::guard::snapshot::Would;
use waxseal::guard::{
    AgentKind, CrawlerPolicy, Decision, PreviewPolicy, Profile, Request, RequestClass, Response, Settings,
    Standing, StrikeKind, Verdict, decide, is_limited_as_banned, recognise, recognise_network,
};

use RequestClass::{Api, ApiKey, Closed, Damaged, Forged, Honeypot, Incidental, Repairable, Valid};

const CLASSES: [RequestClass; 8] = [Valid, Repairable, Closed, Damaged, Forged, Honeypot, ApiKey, Incidental];
const STANDINGS: [Standing; 5] =
    [Standing::Allowed, Standing::Denied, Standing::AddressBanned, Standing::NetworkBanned, Standing::Clear];
const AGENTS: [AgentKind; 4] =
    [AgentKind::Other, AgentKind::Crawler, AgentKind::Preview, AgentKind::MailScanner];

fn request(class: RequestClass) -> Request {
    let agent = AgentKind::Other;
    Request { class, class_without_dry_run: class, agent, over_limit: false, declines: false }
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

const PROFILES: [Profile; 3] = [Profile::Balanced, Profile::Strict, Profile::Honeypot];

/// Where nothing but a rule of ops, or the strict profile's bans, may refuse a genuine link.
fn refuses(standing: Standing, profile: Profile) -> bool {
    match standing {
        Standing::Denied => true,
        Standing::AddressBanned | Standing::NetworkBanned => profile == Profile::Strict,
        Standing::Allowed | Standing::Clear => false,
    }
}

#[test]
fn bans_silence_strangers_only() {
    for profile in PROFILES {
        let settings = Settings { profile, ..Settings::default() };
        for class in [Valid, Repairable, Closed] {
            for standing in STANDINGS {
                let plan = |over_limit| {
                    decide(&Request { over_limit, ..request(class) }, &verdict(standing), &settings).plan
                };
                let [calm, busy] = [plan(false), plan(true)];
                let refused = refuses(standing, profile).then_some(Response::Silent);
                let place = format!("{class:?} {standing:?} {profile:?}");
                assert_eq!(
                    (calm.response, calm.strike),
                    (refused.unwrap_or(Response::Serve), None),
                    "{place}"
                );
                assert_eq!(
                    (busy.response, busy.strike),
                    (refused.unwrap_or(Response::Busy), None),
                    "{place}"
                );
            }
        }
    }
}

#[test]
fn the_stricter_limit_is_for_genuine_links_at_banned_addresses() {
    for standing in STANDINGS {
        let banned = matches!(standing, Standing::AddressBanned | Standing::NetworkBanned);
        for class in CLASSES {
            let link = matches!(class, Valid | Repairable | Closed);
            assert_eq!(
                is_limited_as_banned(class, standing, false),
                link && banned,
                "{class:?} {standing:?}"
            );
            assert!(!is_limited_as_banned(class, standing, true), "a no is as easy as a yes");
        }
        assert!(!is_limited_as_banned(Api, standing, false), "the API has limits of its own");
    }
}

#[test]
fn what_holds_a_genuine_tag_never_strikes() {
    for profile in PROFILES {
        for crawlers in [CrawlerPolicy::Refuse, CrawlerPolicy::Ban, CrawlerPolicy::Ignore] {
            let settings = Settings { profile, crawlers, ..Settings::default() };
            for (standing, agent) in STANDINGS.into_iter().flat_map(|it| AGENTS.map(|agent| (it, agent))) {
                for class in [Valid, Repairable, Closed, Api] {
                    let decision =
                        decide(&Request { agent, ..request(class) }, &verdict(standing), &settings);
                    assert_eq!(decision.plan.strike, None, "{class:?} {agent:?} {standing:?} {settings:?}");
                }
            }
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
            assert_eq!(decision.plan.response, Response::Silent);
            // The allowed are never struck; the denied and banned are not told on again.
            let quiet = matches!(standing, Standing::Allowed | Standing::Denied | Standing::AddressBanned);
            assert_eq!(kind(&decision), expected.filter(|_| !quiet), "{class:?} {standing:?}");
            let flooding = run(Request { over_limit: true, ..request(class) }, standing);
            assert_eq!(flooding, decision, "a flood changes nothing that a stranger can see");
        }
    }
}

#[test]
fn a_strike_is_a_strike_whoever_the_client_says_it_is() {
    for class in [Damaged, Forged, Honeypot, ApiKey, Incidental] {
        let plain = run(request(class), Standing::Clear).plan.strike;
        for agent in AGENTS {
            for declines in [false, true] {
                let plan = run(Request { agent, declines, ..request(class) }, Standing::Clear).plan;
                assert_eq!((plan.response, plan.strike), (Response::Silent, plain), "{class:?} {agent:?}");
            }
        }
    }
}

#[test]
fn a_right_key_opens_the_api_whoever_the_program_says_it_is() {
    for agent in AGENTS {
        for standing in STANDINGS {
            let plan = run(Request { agent, ..request(Api) }, standing).plan;
            let place = format!("{agent:?} {standing:?}");
            assert_eq!((plan.response, plan.strike, plan.robot), (Response::Serve, None, false), "{place}");
            let busy = run(Request { agent, over_limit: true, ..request(Api) }, standing).plan.response;
            assert_eq!(busy, Response::Busy, "{place}");
            let strict = Settings { profile: Profile::Strict, ..Settings::default() };
            let strict = decide(&Request { agent, ..request(Api) }, &verdict(standing), &strict).plan;
            assert_eq!(strict.response, Response::Serve, "{place}");
        }
    }
}

#[test]
fn crawlers_are_refused_and_banned_for_asking_only_where_ops_say_so() {
    let crawler = |class| Request { agent: AgentKind::Crawler, ..request(class) };
    for class in [Valid, Repairable, Closed, Incidental] {
        let plan = run(crawler(class), Standing::Clear).plan;
        assert_eq!((plan.response, plan.strike, plan.robot), (Response::Silent, None, true), "{class:?}");
    }
    assert_eq!(run(crawler(Valid), Standing::Allowed).plan.response, Response::Serve);

    let with = |crawlers, class| {
        decide(&crawler(class), &Verdict::CLEAR, &Settings { crawlers, ..Settings::default() })
    };
    assert_eq!(with(CrawlerPolicy::Ignore, Valid).plan.response, Response::Serve);
    assert_eq!(with(CrawlerPolicy::Ban, Valid).plan.response, Response::Silent);
    for class in [Damaged, Forged, ApiKey, Honeypot] {
        assert_eq!(kind(&with(CrawlerPolicy::Ban, class)), Some(StrikeKind::Honeypot), "{class:?}");
    }
    assert_eq!(kind(&with(CrawlerPolicy::Ban, Incidental)), None);
    let allowed = Verdict { agent_allowed: true, ..Verdict::CLEAR };
    assert_eq!(decide(&crawler(Valid), &allowed, &Settings::default()).plan.response, Response::Serve);
}

#[test]
fn previews_show_the_brand_only_and_scanners_are_marked() {
    for class in [Valid, Repairable, Closed] {
        let preview = Request { agent: AgentKind::Preview, ..request(class) };
        assert_eq!(run(preview, Standing::Clear).plan.response, Response::Neutral);
        assert_eq!(run(preview, Standing::NetworkBanned).plan.response, Response::Neutral);
        assert_eq!(
            run(preview, Standing::Allowed).plan.response,
            Response::Neutral,
            "no subject, whoever asks"
        );
        let refuse = Settings { previews: PreviewPolicy::Refuse, ..Settings::default() };
        assert_eq!(decide(&preview, &Verdict::CLEAR, &refuse).plan.response, Response::Silent);
        let scanner = run(Request { agent: AgentKind::MailScanner, ..request(class) }, Standing::Clear);
        assert_eq!((scanner.plan.response, scanner.plan.robot), (Response::Serve, true));
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
    assert_eq!(
        (decision.plan.response, decision.dry_run.unwrap().response),
        (Response::Serve, Response::Silent)
    );
}

#[test]
fn what_phones_ask_for_unasked_is_no_strike() {
    for path in [
        "/",
        "/favicon.ico",
        "/apple-touch-icon-120x120-precomposed.png",
        "/.well-known/traffic-advice",
        "/robots.txt?x",
        "/assets/viewer-of-last-week.js",
    ] {
        assert!(is_incidental(path), "{path}");
        for class in CLASSES {
            let expected = if class == Damaged { Incidental } else { class };
            assert_eq!(class_on(path, class), expected, "{path}: a link that somebody made is no accident");
        }
    }
    for path in ["/favicon.ico.php", "/x", "/.env", "/well-known/x", "/assets", "/xassets/"] {
        assert!(!is_incidental(path), "{path}");
        assert!(CLASSES.into_iter().all(|class| class_on(path, class) == class), "{path}");
    }
}

#[test]
fn a_forged_link_weighs_more_than_a_wrong_key_and_less_than_a_right_one() {
    for link in CLASSES {
        for key in [Damaged, ApiKey] {
            assert_eq!(class_of_call(key, link), if link == Forged { Forged } else { key }, "{link:?}");
        }
        assert_eq!(class_of_call(Api, link), Api, "{link:?}");
    }
}

const IPHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";

#[test]
fn robots_are_recognised_and_people_are_not() {
    let table: [(&str, AgentKind, &str); 16] = [
        ("WhatsApp/2.23.20.0 A", AgentKind::Preview, "WhatsApp or Signal"),
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
        ("TelegramBot (like TwitterBot)", AgentKind::Preview, "Telegram"),
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
    let of = |asn, organisation, says_fetch| recognise_network(asn, organisation, says_fetch);
    for (asn, organisation, name) in [
        (Some(22_843), None, "Proofpoint"),
        (Some(30_031), Some("MIMECAST"), "Mimecast"),
        (None, Some("Barracuda Networks, Inc."), "Barracuda"),
        (Some(64_500), Some("Mimecast Services Limited"), "Mimecast"),
    ] {
        let agent = of(asn, organisation, true);
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
                let plan = run(Request { agent, declines: true, ..request(class) }, standing).plan;
                let expected = if standing == Standing::Denied { Response::Silent } else { Response::Serve };
                assert_eq!(
                    (plan.response, plan.strike),
                    (expected, None),
                    "{class:?} {agent:?} {standing:?}"
                );
            }
            for class in [Damaged, Forged, Honeypot] {
                let plan = run(Request { agent, declines: true, ..request(class) }, standing).plan;
                assert_eq!(plan.response, Response::Silent, "only for a genuine link");
            }
        }
    }
}
