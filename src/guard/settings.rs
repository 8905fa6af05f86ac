//! The numbers and choices of the rules that isolates and sentinels need at hand.

use super::reason::coded;
use serde::{Deserialize, Serialize};

coded! {
    /// How hard the guard is.
    #[derive(Default)]
    Profile {
        /// Strikes add up and fade; a client that spends its allowance is banned for the day.
        #[default]
        Balanced = 0, "balanced";
        /// One malformed link bans the address and its network for the day.
        Strict = 1, "strict";
        /// Whatever is not a genuine link is a honeypot.
        Honeypot = 2, "honeypot";
    }
}

coded! {
    /// What happens to search engines and other crawlers.
    CrawlerPolicy {
        /// The silent answer, link or not. What is no link counts as everybody's.
        Refuse = 0, "refuse";
        /// The silent answer, and a ban at once.
        Ban = 1, "ban";
        /// Treated like everybody else.
        Ignore = 2, "ignore";
    }
}

coded! {
    /// What robots get that draw link previews in messengers.
    PreviewPolicy {
        /// A page with the sender's name and nothing else.
        Neutral = 0, "neutral";
        /// The silent answer.
        Refuse = 1, "refuse";
    }
}

/// When strikes become bans. Points are whole; fading is linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Points at which a client is banned.
    pub allowance: u32,
    /// Points of a damaged link.
    pub damaged: u32,
    /// Points of a forged link.
    pub forged: u32,
    /// Points of a wrong API key.
    pub api_key: u32,
    /// Seconds in which one point fades.
    pub fade_seconds: u32,
    /// Distinct banned clients that ban their /24 or /56; distinct /56s with bans that ban their /48.
    pub network_after: u32,
    /// Banned networks that turn their AS strict.
    pub system_after: u32,
    /// In a strict AS a strike costs this many times more.
    pub strict_factor: u32,
    /// Strikes are counted and bans computed, but nobody is refused for them.
    pub dry_run: bool,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            allowance: 20,
            damaged: 1,
            forged: 10,
            api_key: 5,
            fade_seconds: 1_800,
            network_after: 3,
            system_after: 20,
            strict_factor: 2,
            dry_run: false,
        }
    }
}

/// All of it. `Copy`, so that a look-up hands it out without touching the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// How hard the guard is.
    pub profile: Profile,
    /// Crawlers.
    pub crawlers: CrawlerPolicy,
    /// Preview robots.
    pub previews: PreviewPolicy,
    /// Crawlers and preview robots are counted but treated like everybody else.
    pub robots_dry_run: bool,
    /// When strikes become bans.
    pub thresholds: Thresholds,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            profile: Profile::Balanced,
            crawlers: CrawlerPolicy::Refuse,
            previews: PreviewPolicy::Neutral,
            robots_dry_run: false,
            thresholds: Thresholds::default(),
        }
    }
}

/// What one site does otherwise than the rules, which several sites may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteGuard {
    /// Instead of the rules' profile.
    pub profile: Option<Profile>,
    /// How often, in seconds, isolates and publisher look whether something new was published: 1 to 300.
    pub refresh_seconds: u32,
}

impl Default for SiteGuard {
    fn default() -> Self {
        Self { profile: None, refresh_seconds: 30 }
    }
}
