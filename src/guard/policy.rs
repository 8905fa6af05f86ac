//! What to do with a request: one pure function from what is known about it.

use super::agents::AgentKind;
use super::reason::StrikeKind;
use super::settings::{CrawlerPolicy, PreviewPolicy, Profile, Settings};
use super::snapshot::{Standing, Verdict};
use super::strikes::Offence;
use crate::token::{Class, Forgery};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestClass {
    /// A genuine link.
    Valid,
    /// An API call with a right key.
    Desk,
    /// A genuine link once mended.
    Repairable,
    /// A genuine link whose time is over.
    Closed,
    /// A path that is no link.
    Damaged,
    /// A link that somebody else made.
    Forged,
    /// A honeypot path.
    Honeypot,
    /// An API call without a right key.
    ApiKey,
    /// A path that phones and browsers ask for by themselves. See [`is_incidental`].
    Incidental,
}

impl RequestClass {
    /// The class of a link. A retired key whose tag holds was once genuine and an honest person may hold it: it
    /// gets the silent answer as the token says, without a strike. A key number that the keyring has never had or
    /// has forgotten counts as damage, because it cannot be told from a very old link.
    pub const fn of(class: &Class) -> Self {
        match class {
            Class::Valid(_) => Self::Valid,
            Class::Repairable { .. } => Self::Repairable,
            Class::Closed { .. } => Self::Closed,
            Class::Damaged(_) | Class::Forged(Forgery::UnknownKey(_)) => Self::Damaged,
            Class::Forged(Forgery::RetiredKey(_)) => Self::Incidental,
            Class::Forged(Forgery::Version(_) | Forgery::Tag(_)) => Self::Forged,
        }
    }

    /// A stable name for logs and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Desk => "desk",
            Self::Repairable => "repairable",
            Self::Closed => "closed",
            Self::Damaged => "damaged",
            Self::Forged => "forged",
            Self::Honeypot => "honeypot",
            Self::ApiKey => "api_key",
            Self::Incidental => "incidental",
        }
    }

    /// Whether a tag or a key proves a known person.
    pub const fn is_known(self) -> bool {
        matches!(self, Self::Valid | Self::Desk | Self::Repairable | Self::Closed)
    }
}

/// Whether phones, browsers and their makers ask for this path unasked: never a strike. Give the whole path.
pub fn is_incidental(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    matches!(
        path,
        "/" | "/favicon.ico"
            | "/favicon.png"
            | "/favicon.svg"
            | "/robots.txt"
            | "/sitemap.xml"
            | "/ads.txt"
            | "/app-ads.txt"
            | "/humans.txt"
            | "/security.txt"
            | "/browserconfig.xml"
            | "/manifest.json"
            | "/site.webmanifest"
            | "/apple-app-site-association"
            | "/crossdomain.xml"
    ) || path.starts_with("/apple-touch-icon")
        || path.starts_with("/.well-known/")
}

/// What the browser says about how the request came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fetch {
    /// Nobody looks at the answer as a page: an image, a frame, a script, something fetched ahead.
    pub embedded: bool,
    /// Another site's page sent the browser here.
    pub cross_site: bool,
}

/// The headers that tell it: Fetch Metadata (`Sec-Fetch-*`), `Accept`, and those of fetching ahead.
#[derive(Clone, Copy, Debug, Default)]
pub struct FetchHeaders<'a> {
    /// `Sec-Fetch-Mode`.
    pub mode: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
    /// `Sec-Fetch-Dest`.
    pub dest: Option<&'a str>,
    /// `Sec-Purpose`, or what came before it: `Purpose`, `X-Moz`.
    pub purpose: Option<&'a str>,
    /// `Accept`: a mail program that draws a picture has no `Sec-Fetch-*`.
    pub accept: Option<&'a str>,
}

impl Fetch {
    /// Reads the headers. A browser that says it did not navigate says in `Sec-Fetch-Site` whose page it was; programs
    /// that send the mode alone (Node's `fetch`) are no browsers. A frame navigates, and is told by its destination.
    pub fn read(headers: &FetchHeaders<'_>) -> Self {
        let is = |value: Option<&str>, wanted: &str| {
            value.is_some_and(|value| value.trim().eq_ignore_ascii_case(wanted))
        };
        let begins = |value: Option<&str>, wanted: &str| {
            let start = value.and_then(|value| value.trim().get(..wanted.len()));
            start.is_some_and(|start| start.eq_ignore_ascii_case(wanted))
        };
        let of_page = headers.site.is_some()
            && (headers.mode.is_some_and(|_| !is(headers.mode, "navigate"))
                || headers.dest.is_some_and(|_| !is(headers.dest, "document")));
        let ahead = headers.purpose.is_some_and(|purpose| purpose.to_ascii_lowercase().contains("prefetch"));
        let drawn =
            ["image/", "video/", "audio/", "text/css"].iter().any(|kind| begins(headers.accept, kind));
        Self { embedded: of_page || ahead || drawn, cross_site: is(headers.site, "cross-site") }
    }
}

/// All that is known about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What was asked for.
    pub class: RequestClass,
    /// What would have been asked for if no honeypot were in dry run; usually the same.
    pub class_without_dry_run: RequestClass,
    /// Who asks, by its own word.
    pub agent: AgentKind,
    /// How it came about.
    pub fetch: Fetch,
    /// The flood gate says that this client asks too often.
    pub over_limit: bool,
    /// A refusal or a withdrawal is sent.
    pub says_no: bool,
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Go on: page, redirect, stream or API as the class says.
    Serve,
    /// A polite page with `Retry-After`.
    Busy,
    /// The page with the sender's name and nothing else; nothing is recorded.
    Neutral,
    /// The one silent answer.
    Silent,
}

impl Answer {
    /// A stable name for logs and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Busy => "busy",
            Self::Neutral => "neutral",
            Self::Silent => "silent",
        }
    }
}

/// What to answer, and what to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the client gets.
    pub answer: Answer,
    /// Send this to the sentinel, in the background.
    pub strike: Option<Offence>,
    /// Probably not the customer: the ledger is told so.
    pub robot: bool,
}

/// The plan, and the plan that rules in dry run would have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Carry this out.
    pub plan: Plan,
    /// Count this: it differs from `plan`, and only because something is in dry run.
    pub dry_run: Option<Plan>,
}

/// Decides. Pure and total.
pub fn decide(request: &Request, verdict: &Verdict, settings: &Settings) -> Decision {
    let honour_robots = !settings.robots_dry_run;
    let plan = plan(
        request,
        request.class,
        verdict.standing,
        verdict.agent_allowed,
        honour_robots,
        verdict,
        settings,
    );
    let (standing, agent_allowed) = match &verdict.would {
        Some(would) => (would.standing, would.agent_allowed),
        None => (verdict.standing, verdict.agent_allowed),
    };
    let class = request.class_without_dry_run;
    let would = self::plan(request, class, standing, agent_allowed, true, verdict, settings);
    Decision { plan, dry_run: (would != plan).then_some(would) }
}

fn plan(
    request: &Request,
    class: RequestClass,
    standing: Standing,
    agent_allowed: bool,
    honour_robots: bool,
    verdict: &Verdict,
    settings: &Settings,
) -> Plan {
    // Programs hold keys, and some say so in their agent. A key that cannot be guessed opens from a banned address too: ops
    // must be able to lift a ban of their own, and an office shares its address with who is banned.
    if class == RequestClass::Desk {
        let answer = match (standing, request.over_limit) {
            (Standing::Denied, _) => Answer::Silent,
            (_, true) => Answer::Busy,
            (_, false) => Answer::Serve,
        };
        return Plan { answer, strike: None, robot: false };
    }
    let robot = request.agent != AgentKind::Other && !agent_allowed;
    let silent = Plan { answer: Answer::Silent, strike: None, robot };
    // Taking consent back stays as easy as giving it (RFC 8058 has mail programs do it): no ban and no rule about robots
    // stands against it.
    let says_no = request.says_no && class.is_known() && standing != Standing::Denied;
    if says_no {
        let answer = if request.over_limit { Answer::Busy } else { Answer::Serve };
        return Plan { answer, strike: None, robot };
    }
    // A banned address is not told on again: it costs nothing more until its ban ends.
    if matches!(standing, Standing::Denied | Standing::AddressBanned) {
        return silent;
    }
    let allowed = standing == Standing::Allowed;
    // A sentinel would not count it.
    let trusted = standing == Standing::Spared
        && verdict.cause.is_some_and(|cause| cause.reason == super::reason::Reason::Trusted);
    let agent = if agent_allowed || !honour_robots { AgentKind::Other } else { request.agent };
    let strike =
        if allowed || trusted { None } else { offence(request, class, agent, verdict.strict, settings) };
    let crawler = agent == AgentKind::Crawler && settings.crawlers != CrawlerPolicy::Ignore && !allowed;
    if !class.is_known() || crawler {
        return Plan { strike, ..silent };
    }
    // From here on somebody known. A network ban does not stop a genuine link: carriers and offices share addresses.
    let answer = if request.over_limit {
        Answer::Busy
    } else if agent == AgentKind::Preview {
        match settings.previews {
            PreviewPolicy::Neutral => Answer::Neutral,
            PreviewPolicy::Refuse => Answer::Silent,
        }
    } else {
        Answer::Serve
    };
    Plan { answer, strike, robot }
}

/// The strike, if any. What another site's page makes a browser fetch is not the visitor's doing.
fn offence(
    request: &Request,
    class: RequestClass,
    agent: AgentKind,
    strict: bool,
    settings: &Settings,
) -> Option<Offence> {
    // Nor where another site sent the browser, by a link, a redirect or a window that it steers. The strict profile
    // is literal there.
    let lured = request.fetch.cross_site && settings.profile != Profile::Strict;
    // No page can make a browser send a key.
    let innocent = (request.fetch.embedded || lured) && class != RequestClass::ApiKey;
    if innocent || class == RequestClass::Incidental {
        return None;
    }
    let crawler = agent == AgentKind::Crawler;
    let lenient = matches!(agent, AgentKind::Preview | AgentKind::MailScanner);
    let kind = match class {
        _ if crawler && settings.crawlers == CrawlerPolicy::Ban => StrikeKind::Honeypot,
        RequestClass::Honeypot => StrikeKind::Honeypot,
        RequestClass::Forged if settings.profile != Profile::Honeypot => StrikeKind::Forged,
        RequestClass::ApiKey if settings.profile != Profile::Honeypot => StrikeKind::ApiKey,
        // A crawler that asks for what is not there is refused, not banned.
        RequestClass::Damaged if crawler && settings.crawlers == CrawlerPolicy::Refuse => return None,
        RequestClass::Damaged if settings.profile != Profile::Honeypot || lenient => StrikeKind::Damaged,
        RequestClass::Damaged | RequestClass::Forged | RequestClass::ApiKey => StrikeKind::Honeypot,
        RequestClass::Valid
        | RequestClass::Desk
        | RequestClass::Repairable
        | RequestClass::Closed
        | RequestClass::Incidental => return None,
    };
    Some(Offence { kind, lenient: lenient && kind == StrikeKind::Damaged, strict })
}
