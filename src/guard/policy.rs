//! What to do with a request: one pure function from what is known about it.

use super::agents::AgentKind;
use super::reason::StrikeKind;
use super::settings::{CrawlerPolicy, PreviewPolicy, Profile, Settings};
use super::snapshot::{Standing, Verdict};
use super::strikes::Offence;
use crate::token::{Class, Forgery};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RequestClass {
    /// A genuine link.
    Valid,
    /// An API call with a right key.
    Api,
    /// A genuine link once repaired.
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

codes!(RequestClass);

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
            Class::Forged(Forgery::Tag(_)) => Self::Forged,
        }
    }

    /// Whether a tag or a key proves a known person.
    pub const fn is_known(self) -> bool {
        matches!(self, Self::Valid | Self::Api | Self::Repairable | Self::Closed)
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
        // A page from before a deployment asks for files of then.
        || path.starts_with("/assets/")
}

/// The class of a request on this path: what phones and browsers ask for by themselves is no offence, unless somebody made a
/// link for it.
pub fn class_on(path: &str, class: RequestClass) -> RequestClass {
    if class == RequestClass::Damaged && is_incidental(path) { RequestClass::Incidental } else { class }
}

/// The class of an API call by its key and by the link in its target: a made-up link weighs more than no key or a wrong one.
pub fn class_of_call(key: RequestClass, link: RequestClass) -> RequestClass {
    match (key, link) {
        (RequestClass::Damaged | RequestClass::ApiKey, RequestClass::Forged) => link,
        _ => key,
    }
}

/// Whether a stricter limit holds, besides the one of everybody: a genuine link at a banned address or in a banned
/// network. Not for what takes consent back.
pub const fn is_limited_as_banned(class: RequestClass, standing: Standing, declines: bool) -> bool {
    let link = class.is_known() && !matches!(class, RequestClass::Api);
    link && standing.is_banned() && !declines
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
    /// This client asks too often: by the limit of everybody or, where [`is_limited_as_banned`], by the stricter one.
    pub over_limit: bool,
    /// A refusal or a withdrawal is sent.
    pub declines: bool,
}

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Response {
    /// Go on: page, redirect, stream or API as the class says.
    Serve,
    /// A polite page with `Retry-After`.
    Busy,
    /// The page with the sender's name and nothing else; nothing is recorded.
    Neutral,
    /// The one silent answer.
    Silent,
}

codes!(Response);

/// What to answer, and what to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the client gets.
    pub response: Response,
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
///
/// ```
/// use waxseal::guard::{AgentKind, Response, Request, RequestClass, Settings, Verdict, decide};
///
/// let class = RequestClass::Honeypot;
/// let request =
///     Request { class, class_without_dry_run: class, agent: AgentKind::Other, over_limit: false, declines: false };
/// let plan = decide(&request, &Verdict::CLEAR, &Settings::default()).plan;
/// assert_eq!(plan.response, Response::Silent);
/// assert!(plan.strike.is_some());
/// ```
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
    let known = if request.over_limit { Response::Busy } else { Response::Serve };
    // Programs hold keys, and some say so in their agent. Nothing silences a right key: whatever operators did to themselves, by a
    // rule or by a ban, they must be able to undo.
    if class == RequestClass::Api {
        return Plan { response: known, strike: None, robot: false };
    }
    let robot = request.agent != AgentKind::Other && !agent_allowed;
    let silent = Plan { response: Response::Silent, strike: None, robot };
    if standing == Standing::Denied {
        return silent;
    }
    // Taking consent back stays as easy as giving it (RFC 8058 has mail programs do it): no ban and no rule about robots
    // stands against it.
    if request.declines && class.is_known() {
        return Plan { response: known, strike: None, robot };
    }
    let agent = if agent_allowed || !honour_robots { AgentKind::Other } else { request.agent };
    let crawler = agent == AgentKind::Crawler && settings.crawlers != CrawlerPolicy::Ignore;
    if !class.is_known() {
        // The allowed are never struck, and a banned address is not told on again: it costs nothing more until its ban ends.
        let told = !matches!(standing, Standing::Allowed | Standing::AddressBanned);
        let strike = told.then(|| offence(class, crawler, verdict.strict, settings)).flatten();
        return Plan { strike, ..silent };
    }
    // From here on somebody known: bans are for strangers, because a carrier, an office and a mail gateway share addresses.
    // The strict profile alone is literal.
    let literal = settings.profile == Profile::Strict && standing.is_banned();
    if literal || (crawler && standing != Standing::Allowed) {
        return silent;
    }
    let response = match (known, agent, settings.previews) {
        (Response::Serve, AgentKind::Preview, PreviewPolicy::Neutral) => Response::Neutral,
        (Response::Serve, AgentKind::Preview, PreviewPolicy::Refuse) => Response::Silent,
        (known, _, _) => known,
    };
    Plan { response, strike: None, robot }
}

/// The strike, if any. It goes by what was asked for, never by what a header says of how it came about: a strike costs
/// nobody a genuine link.
fn offence(class: RequestClass, crawler: bool, strict: bool, settings: &Settings) -> Option<Offence> {
    let trap = settings.profile == Profile::Honeypot || (crawler && settings.crawlers == CrawlerPolicy::Ban);
    let kind = match class {
        RequestClass::Valid
        | RequestClass::Api
        | RequestClass::Repairable
        | RequestClass::Closed
        | RequestClass::Incidental => return None,
        RequestClass::Honeypot => StrikeKind::Honeypot,
        _ if trap => StrikeKind::Honeypot,
        RequestClass::Damaged => StrikeKind::Damaged,
        RequestClass::Forged => StrikeKind::Forged,
        RequestClass::ApiKey => StrikeKind::ApiKey,
    };
    Some(Offence { kind, strict })
}
