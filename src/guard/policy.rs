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
    /// A genuine link, or an API call with a right key.
    Valid,
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
            Class::Closed(_) => Self::Closed,
            Class::Damaged(_) | Class::Forged(Forgery::UnknownKey(_)) => Self::Damaged,
            Class::Forged(Forgery::RetiredKey(_)) => Self::Incidental,
            Class::Forged(Forgery::Version(_) | Forgery::Tag(_)) => Self::Forged,
        }
    }

    /// A stable name for logs and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Valid => "valid",
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
        matches!(self, Self::Valid | Self::Repairable | Self::Closed)
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

/// What the browser says about how the request came about (Fetch Metadata, `Sec-Fetch-*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fetch {
    /// `Sec-Fetch-Mode` is there and is not `navigate`: an image, a frame's script, a style sheet. A browser that says so
    /// says in `Sec-Fetch-Site` whose page it was; programs that send the mode alone (Node's `fetch`) are no browsers.
    pub embedded: bool,
    /// `Sec-Fetch-Site` is `cross-site`: another site's page sent the browser here.
    pub cross_site: bool,
}

impl Fetch {
    /// Reads `Sec-Fetch-Mode` and `Sec-Fetch-Site`.
    pub fn read(mode: Option<&str>, site: Option<&str>) -> Self {
        Self {
            embedded: site.is_some() && mode.is_some_and(|mode| !mode.trim().eq_ignore_ascii_case("navigate")),
            cross_site: site.is_some_and(|site| site.trim().eq_ignore_ascii_case("cross-site")),
        }
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
    let robot = request.agent != AgentKind::Other;
    let silent = Plan { answer: Answer::Silent, strike: None, robot };
    // A banned address is not told on again: it costs nothing more until its ban ends.
    if matches!(standing, Standing::Denied | Standing::AddressBanned) {
        return silent;
    }
    let allowed = standing == Standing::Allowed;
    let agent = if agent_allowed || !honour_robots { AgentKind::Other } else { request.agent };
    let strike = if allowed { None } else { offence(request, class, agent, verdict.strict, settings) };
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
    if request.fetch.embedded || class == RequestClass::Incidental {
        return None;
    }
    let crawler = agent == AgentKind::Crawler;
    let kind = match class {
        _ if crawler && settings.crawlers == CrawlerPolicy::Ban => StrikeKind::Honeypot,
        RequestClass::Honeypot => StrikeKind::Honeypot,
        RequestClass::Forged if settings.profile != Profile::Honeypot => StrikeKind::Forged,
        RequestClass::ApiKey if settings.profile != Profile::Honeypot => StrikeKind::ApiKey,
        // A crawler that asks for what is not there is refused, not banned.
        RequestClass::Damaged if crawler && settings.crawlers == CrawlerPolicy::Refuse => return None,
        RequestClass::Damaged if settings.profile != Profile::Honeypot => StrikeKind::Damaged,
        RequestClass::Damaged | RequestClass::Forged | RequestClass::ApiKey => StrikeKind::Honeypot,
        RequestClass::Valid | RequestClass::Repairable | RequestClass::Closed | RequestClass::Incidental => {
            return None;
        }
    };
    // A link or redirect on another site can send an honest browser to a honeypot: that alone bans nobody.
    let kind = match kind {
        StrikeKind::Honeypot if request.fetch.cross_site && settings.profile == Profile::Balanced => {
            StrikeKind::Forged
        }
        kind => kind,
    };
    let lenient = matches!(agent, AgentKind::Preview | AgentKind::MailScanner);
    Some(Offence { kind, lenient: lenient && kind == StrikeKind::Damaged, strict })
}
