//! What a simulation found. Serialises as it stands; holds no path and no token.

use std::collections::BTreeMap;

use serde::Serialize;

use super::log::LineFault;
use crate::guard::address::{ClientKey, Network};
use crate::guard::reason::{Reason, StrikeKind};
use crate::guard::settings::Profile;
use crate::types::UnixSeconds;

/// So many honest people are listed, worst first.
pub const MOST_HONEST: usize = 1_000;
/// So many networks and rows of other lists.
pub const MOST_ROWS: usize = 100;

/// All of it. Honest people come first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Those who hold a genuine link and would be refused or banned.
    pub honest: Honest,
    /// Everybody else who would be banned.
    pub others: Others,
    /// Networks that would be banned because several of their clients are.
    pub networks: Networks,
    /// AS numbers that would be judged strictly.
    pub strict_systems: Vec<StrictSystem>,
    /// What each rule decided.
    pub rules: Vec<RuleUse>,
    /// What rules in dry run would have changed.
    pub dry_run: Vec<DryRun>,
    /// Requests by class. `shared` is what everybody gets, banned or not; `unproven` is a whole link of which nothing
    /// says whether it is genuine.
    pub classes: BTreeMap<&'static str, u64>,
    /// Requests by answer.
    pub answers: BTreeMap<&'static str, u64>,
    /// Requests by what the client said it is.
    pub agents: BTreeMap<&'static str, u64>,
    /// What was replayed, and how far the result can be trusted.
    pub log: Log,
}

/// Those who hold a genuine link.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Honest {
    /// Addresses that opened a genuine link, consented, or called the API with a right key, and are no robot by their own
    /// word.
    pub clients: u64,
    /// Those that would be banned or refused.
    pub affected: u64,
    /// Genuine requests that would be refused.
    pub refused: u64,
    /// Those that lie in a banned network. Their links work, but in the strict profile.
    pub in_banned_networks: u64,
    /// The worst, at most [`MOST_HONEST`].
    pub list: Vec<Person>,
}

/// Somebody who holds a genuine link and would be banned or refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Person {
    /// Who.
    pub client: ClientKey,
    /// Requests with a genuine link.
    pub genuine: u64,
    /// Completed consents.
    pub consents: u64,
    /// Of the genuine requests, those that would be refused.
    pub refused: u64,
    /// Those that would be refused if nothing were in dry run.
    pub would_refuse: u64,
    /// The first refusal of a genuine request, in dry run or not.
    pub refusal: Option<Refusal>,
    /// The first ban.
    pub ban: Option<Banned>,
}

/// Why a genuine request was refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refusal {
    /// When.
    pub at: UnixSeconds,
    /// Where the client stood.
    pub standing: &'static str,
    /// By which rule or ban.
    pub reason: Reason,
    /// The line of the rule.
    pub line: Option<u32>,
    /// Its note.
    pub note: String,
    /// Until when it holds; `None` for ever.
    pub until: Option<UnixSeconds>,
    /// Only in dry run.
    pub dry_run: bool,
}

/// A ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Banned {
    /// When.
    pub at: UnixSeconds,
    /// Until when.
    pub until: UnixSeconds,
    /// What the last strike was.
    pub reason: Reason,
    /// How many strikes it took.
    pub strikes: u32,
    /// The thresholds are in dry run: it refuses nobody.
    pub dry_run: bool,
}

/// Those who would be banned and never showed a genuine link.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Others {
    /// How many.
    pub clients: u64,
    /// Bans, one for each client and day.
    pub bans: u64,
    /// Bans by reason; those of honest people too.
    pub by_reason: BTreeMap<&'static str, u64>,
    /// Requests refused by a ban or a deny rule; those of honest people too.
    pub refused: u64,
    /// The networks with most banned clients: /24 and /56, at most [`MOST_ROWS`].
    pub top: Vec<Neighbourhood>,
}

/// A network and how many of its clients would be banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Neighbourhood {
    /// The /24 or /56.
    pub network: Network,
    /// Bans of clients in it.
    pub bans: u64,
    /// Its AS number, if the log knows it.
    pub system: Option<u32>,
}

/// Banned networks.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Networks {
    /// How many.
    pub banned: u64,
    /// The first of them, at most [`MOST_ROWS`].
    pub list: Vec<BannedNetwork>,
}

/// A banned network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BannedNetwork {
    /// Which.
    pub network: Network,
    /// When, the first time.
    pub at: UnixSeconds,
    /// Why.
    pub reason: Reason,
    /// Its AS number, if the log knows it.
    pub system: Option<u32>,
}

/// An AS that is judged strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StrictSystem {
    /// Its number.
    pub system: u32,
    /// Since when, the first time.
    pub at: UnixSeconds,
}

/// What one rule of the file decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleUse {
    /// Its line.
    pub line: u32,
    /// What it is about.
    pub reason: Reason,
    /// Where it put the client, or `honeypot`.
    pub standing: &'static str,
    /// Its note.
    pub note: String,
    /// Requests.
    pub requests: u64,
    /// Of these, with a genuine link.
    pub genuine: u64,
}

/// What something in dry run would have changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DryRun {
    /// The line of the rule; `None` for thresholds, robots and the shipped honeypots.
    pub line: Option<u32>,
    /// What it is.
    pub reason: Option<Reason>,
    /// The answer now.
    pub now: &'static str,
    /// The answer then.
    pub would: &'static str,
    /// The strike now.
    pub strike_now: Option<StrikeKind>,
    /// The strike then.
    pub strike_would: Option<StrikeKind>,
    /// Requests.
    pub requests: u64,
    /// Of these, with a genuine link.
    pub genuine: u64,
}

/// What was replayed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Log {
    /// Requests.
    pub requests: u64,
    /// The first one's time.
    pub from: Option<UnixSeconds>,
    /// The last one's.
    pub to: Option<UnixSeconds>,
    /// How many days of the site's time zone it touches.
    pub days: u64,
    /// The profile of the rules.
    pub profile: Profile,
    /// Whether tags were checked.
    pub with_keys: bool,
    /// Requests logged more than an hour after a later one: these were replayed at the wrong time.
    pub late: u64,
    /// Lines that could not be read.
    pub unread: u64,
    /// The same by reason.
    pub unread_by_reason: BTreeMap<&'static str, u64>,
    /// The first few.
    pub unread_first: Vec<Unread>,
    /// Some table was full: lists and numbers of addresses and networks are not whole. Numbers of requests are.
    pub capped: bool,
}

/// A line that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Unread {
    /// The log it stands in.
    pub file: String,
    /// Its number there, from 1.
    pub line: u64,
    /// The fault's code.
    pub code: &'static str,
    /// The fault in words.
    pub reason: String,
}

impl Unread {
    pub(super) fn new(file: &str, line: u64, fault: LineFault) -> Self {
        Self { file: file.to_owned(), line, code: fault.code(), reason: fault.to_string() }
    }
}
