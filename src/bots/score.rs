//! Points and reasons. Every weight has its reason beside it; the whole table is in this file.

use super::agents::Claim;
use crate::guard::{AgentKind, recognise, recognise_network};

/// From so many points on, whoever answered is asked once more.
pub const THRESHOLD: u16 = 100;

/// Sooner than this nobody has read anything, ticked a box and pressed a button: the time begins when the page is made,
/// before it has even travelled.
const TOO_QUICK_MILLIS: u64 = 1_000;

/// Possible for somebody who has seen the page before and knows where to press.
const QUICK_MILLIS: u64 = 2_500;

/// Not reading, but many people do not read.
const HURRIED_MILLIS: u64 = 5_000;

/// What is known of the post of a form. Texts are header values as they came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals<'a> {
    /// `User-Agent`.
    pub agent: Option<&'a str>,
    /// `Sec-CH-UA`.
    pub brands: Option<&'a str>,
    /// Number of the network that it came from, by the platform's word.
    pub asn: Option<u32>,
    /// Name of that network.
    pub organisation: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub site: Option<&'a str>,
    /// `Sec-Fetch-Mode`.
    pub mode: Option<&'a str>,
    /// `Sec-Fetch-Dest`.
    pub dest: Option<&'a str>,
    /// `Sec-Fetch-User`.
    pub user: Option<&'a str>,
    /// `Accept`.
    pub accept: Option<&'a str>,
    /// `Accept-Language`.
    pub language: Option<&'a str>,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// Our own origin, such as `https://letters.example`.
    pub own_origin: &'a str,
    /// Whether a `Referer` came along. Our pages tell browsers to send none.
    pub referrer: bool,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// Milliseconds from the making of the form's page to its post. `None` when the form is younger than now: isolates'
    /// clocks differ a little.
    pub dwell: Option<u64>,
    /// Whether the cookie came along that was set with the form's page.
    pub bound: bool,
}

/// A sign, and what it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Reason {
    /// Its own word: a scanner, a preview or a crawler. They have no business with forms. Enough alone.
    ScannerAgent,
    /// Its own word: a library, or a browser without a screen. Enough alone.
    ProgramAgent,
    /// No word at all. Every browser says something.
    NoAgent,
    /// Begins like no browser. Some phones' do.
    UnknownAgent,
    /// From a network of a firm that scans mail. Enough alone: who reads through such a firm's remote browser is asked once.
    ScannerNetwork,
    /// From a data centre, where scanners run, and remote desktops and private relays too.
    HostingNetwork,
    /// Nobody is that quick. Enough alone.
    TooQuick,
    /// Hardly anybody is.
    Quick,
    /// Did not read.
    Hurried,
    /// By the browser's own word not a page's form: a script, a frame, another site. Enough alone.
    NotNavigation,
    /// A navigation that no click or key set off, in a browser that would say so: a script submitted the form.
    NotByHand,
    /// A browser that always says how a request came about did not. A proxy may have taken it away.
    NoFetchMetadata,
    /// Takes no page as the answer. Very old browsers say `*/*`.
    NoPage,
    /// No language. Browsers have one, programs seldom do.
    NoLanguage,
    /// Another site's origin. Enough alone.
    #[strum(to_string = "foreign_origin")]
    CrossOrigin,
    /// Nothing shows that the form came from our page in this browser: neither Fetch Metadata nor our origin, nor the cookie
    /// that was set with the page. Another site's page may have sent it. Enough alone.
    UnboundForm,
    /// A new browser sends the origin with every post, if only as `null`.
    NoOrigin,
    /// A new browser keeps to the policy that our pages give it, and sends no referrer.
    Referrer,
    /// Our form is sent in one encoding by every browser; this was another.
    Encoding,
    /// Asks for JSON and does not pretend to be a browser. Of an opening only: whoever runs it answers for its form.
    Program,
    /// By the browser's own word fetched ahead, for a reader who may never come. Of an opening only, and enough alone.
    Prefetch,
    /// Asked for the head of the page, which nobody reads. Of an opening only, and enough alone.
    HeadOnly,
}

codes!(Reason);

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// What it weighs. What is enough alone has the threshold. The others are set so that
    /// - no honest browser reaches the threshold by what it may lack: an old one, one inside an app, one that hides things,
    ///   one behind a proxy that strips headers. Such a browser has one of these signs, seldom two;
    /// - two signs that seldom meet in a person reach it: quick from a data centre, not by hand from a data centre,
    ///   a new browser's name without anything that a new browser sends.
    pub const fn points(self) -> u16 {
        match self {
            Self::ScannerAgent
            | Self::ProgramAgent
            | Self::ScannerNetwork
            | Self::TooQuick
            | Self::NotNavigation
            | Self::CrossOrigin
            | Self::UnboundForm
            | Self::Program
            | Self::Prefetch
            | Self::HeadOnly => THRESHOLD,
            Self::NoFetchMetadata => 70,
            Self::NoAgent | Self::Quick | Self::NotByHand | Self::Encoding => 60,
            Self::HostingNetwork | Self::NoPage => 40,
            Self::UnknownAgent | Self::NoLanguage | Self::NoOrigin | Self::Referrer => 30,
            Self::Hurried => 20,
        }
    }
}

/// How much speaks against a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suspicion {
    /// Sum of the weights.
    pub points: u16,
    /// The signs, by their stable names, in a fixed order.
    pub reasons: Vec<&'static str>,
    /// A program that asks for JSON and does not pretend to be a browser. Whoever runs it answers for it, so neither its
    /// speed nor its headers count.
    pub program: bool,
}

impl Suspicion {
    /// Whether to ask once more.
    pub fn is_suspected(&self) -> bool {
        self.points >= THRESHOLD
    }

    /// The signs in one line, for the record.
    pub fn in_words(&self) -> String {
        self.reasons.join(" ")
    }

    fn add(&mut self, reason: Reason, holds: bool) {
        if holds {
            self.points = self.points.saturating_add(reason.points());
            self.reasons.push(reason.code());
        }
    }

    /// What the agent says of itself, and where it calls from; `scanner`: a scanner's network counts already.
    fn add_claim(&mut self, signals: &Signals<'_>, scanner: bool) -> Claim {
        let claim = Claim::of(signals.agent);
        let brands = signals.brands.is_some_and(|brands| Claim::of(Some(brands)) == Claim::Program);
        self.add(Reason::ProgramAgent, claim == Claim::Program || brands);
        self.add(Reason::NoAgent, claim == Claim::Nothing);
        self.add(Reason::UnknownAgent, claim == Claim::Unknown);
        let hosting = signals.asn.is_some_and(|number| HOSTING.contains(&number));
        self.add(Reason::HostingNetwork, !scanner && hosting);
        claim
    }
}

/// Networks of data centres that scanners rent machines in, as of 2026. Not in it: networks through which people's phones
/// go out (Cloudflare, Akamai and Fastly for private relays; Opera for its small browser).
const HOSTING: &[u32] = &[
    8_075,   // Microsoft
    12_876,  // Scaleway
    14_061,  // DigitalOcean
    14_618,  // Amazon
    15_169,  // Google
    16_276,  // OVH
    16_509,  // Amazon
    20_473,  // Vultr
    24_940,  // Hetzner
    31_898,  // Oracle
    45_102,  // Alibaba
    51_167,  // Contabo
    63_949,  // Linode
    132_203, // Tencent
    396_982, // Google
];

/// Words in `Sec-Purpose`, `Purpose`, `X-Purpose` and `X-Moz` by which browsers say that they fetch ahead.
const AHEAD: [&str; 4] = ["prefetch", "prerender", "preview", "preload"];

/// Adds up what speaks against a person who opens the link. `purpose` is what the browser says it fetches the page for,
/// `head` whether it asks for the head alone. How a navigation was set off says nothing here: people come through redirects,
/// trackers and other apps.
pub fn opening(signals: &Signals<'_>, purpose: Option<&str>, head: bool) -> Suspicion {
    let mut found = Suspicion { program: is_program(signals), ..Suspicion::default() };
    let says_fetch = signals.mode.is_some();
    let purpose = purpose.unwrap_or_default().to_ascii_lowercase();
    found.add(Reason::Prefetch, AHEAD.iter().any(|word| purpose.contains(word)));
    found.add(Reason::HeadOnly, head);
    found.add(Reason::Program, found.program);
    found.add(Reason::ScannerAgent, recognise(signals.agent).kind != AgentKind::Other);
    let network = recognise_network(signals.asn, signals.organisation, says_fetch || found.program);
    let scanner = network.kind != AgentKind::Other;
    found.add(Reason::ScannerNetwork, scanner);
    if found.program {
        return found;
    }
    let claim = found.add_claim(signals, scanner);
    let navigates = signals.mode.is_none_or(|mode| is(mode, "navigate"))
        && signals.dest.is_none_or(|dest| is(dest, "document"));
    found.add(Reason::NotNavigation, !navigates);
    let modern = matches!(claim, Claim::Modern { .. });
    found.add(Reason::NoFetchMetadata, modern && !says_fetch && signals.site.is_none());
    found.add(Reason::NoPage, !signals.accept.is_some_and(takes_pages));
    found.add(Reason::NoLanguage, signals.language.is_none_or(|language| language.trim().is_empty()));
    found
}

/// Adds up what speaks against a person who sends a form.
pub fn score(signals: &Signals<'_>) -> Suspicion {
    let mut found = Suspicion { program: is_program(signals), ..Suspicion::default() };
    let says_fetch = signals.mode.is_some();
    found.add(Reason::ScannerAgent, recognise(signals.agent).kind != AgentKind::Other);
    // A program never says how a request came about, so that its silence in Microsoft's network means nothing.
    let network = recognise_network(signals.asn, signals.organisation, says_fetch || found.program);
    found.add(Reason::ScannerNetwork, network.kind != AgentKind::Other);
    found.add(
        Reason::CrossOrigin,
        signals.origin.is_some_and(|from| is_cross_origin(from, signals.own_origin)),
    );
    found.add(Reason::UnboundForm, is_unbound(signals));
    if found.program {
        return found;
    }
    let claim = found.add_claim(signals, network.kind != AgentKind::Other);

    let took = signals.dwell.unwrap_or(0);
    found.add(Reason::TooQuick, took < TOO_QUICK_MILLIS && signals.dwell.is_some());
    found.add(Reason::Quick, (TOO_QUICK_MILLIS..QUICK_MILLIS).contains(&took) || signals.dwell.is_none());
    found.add(Reason::Hurried, (QUICK_MILLIS..HURRIED_MILLIS).contains(&took));

    let navigates = signals.mode.is_none_or(|mode| is(mode, "navigate"))
        && signals.dest.is_none_or(|dest| is(dest, "document"))
        && signals.site.is_none_or(|site| is(site, "same-origin"));
    found.add(Reason::NotNavigation, !navigates);
    let modern = matches!(claim, Claim::Modern { .. });
    let would_say = claim == Claim::Modern { by_hand: true } && says_fetch && navigates;
    found.add(Reason::NotByHand, would_say && signals.user.is_none_or(|user| user.trim() != "?1"));
    found.add(Reason::NoFetchMetadata, modern && !says_fetch && signals.site.is_none());

    found.add(Reason::NoPage, !signals.accept.is_some_and(takes_pages));
    found.add(Reason::NoLanguage, signals.language.is_none_or(|language| language.trim().is_empty()));
    found.add(Reason::NoOrigin, modern && signals.origin.is_none());
    found.add(Reason::Referrer, modern && signals.referrer);
    found.add(Reason::Encoding, !signals.content_type.is_some_and(is_urlencoded));
    found
}

/// Whether it is a program by its own word: a scanner, a preview, a library, a browser without a screen, or one that asks for
/// JSON and does not pretend to be a browser.
pub fn says_robot(signals: &Signals<'_>) -> bool {
    is_program(signals)
        || recognise(signals.agent).kind != AgentKind::Other
        || Claim::of(signals.agent) == Claim::Program
        || signals.brands.is_some_and(|brands| Claim::of(Some(brands)) == Claim::Program)
}

/// Asks for JSON, and a browser did not send it.
fn is_program(signals: &Signals<'_>) -> bool {
    let asks =
        signals.accept.is_some_and(|accept| accept.contains("application/json") && !takes_pages(accept));
    asks && signals.site.is_none() && signals.dest.is_none()
}

/// Whether nothing shows that a form came from our page in this browser. A program has no page and may keep no cookies; one that
/// sends an origin of `null` is a browser all the same.
pub fn is_unbound(signals: &Signals<'_>) -> bool {
    let shown = signals.bound || signals.site.is_some();
    match signals.origin {
        _ if shown => false,
        Some(origin) => !is(origin, signals.own_origin),
        None => !is_program(signals),
    }
}

fn is(value: &str, wanted: &str) -> bool {
    value.trim().eq_ignore_ascii_case(wanted)
}

fn takes_pages(accept: &str) -> bool {
    accept.contains("text/html") || accept.contains("application/xhtml+xml")
}

fn is_urlencoded(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default();
    is(kind, "application/x-www-form-urlencoded")
}

/// `null` is what browsers send for pages without a referrer, such as ours.
fn is_cross_origin(origin: &str, own: &str) -> bool {
    !is(origin, "null") && !is(origin, own)
}
