//! What a replay found, counted in bounded memory. Serialises as it stands; holds no path and no token.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use waxseal::guard::policy::{Decision, Plan};
use waxseal::guard::snapshot::{Cause, Overlay};
use waxseal::guard::{
    Agent, AgentKind, ClientKey, Network, Profile, Reason, Response, Standing, StrikeKind, Verdict,
};
use waxseal::types::UnixSeconds;

use super::asked::Asked;
use super::log::{LineError, LogLine};

/// So many honest people are listed, worst first.
const MAX_HONEST: usize = 1_000;
/// So many networks and rows of other lists.
const MAX_ROWS: usize = 100;
/// Statistics are kept for so many holders of genuine links, and for so many banned clients.
const MAX_CLIENTS: usize = 200_000;
/// So many networks are counted apart.
const MAX_NETWORKS: usize = 100_000;
/// So many unreadable lines are named.
const MAX_UNREAD: usize = 5;

type Counts = BTreeMap<&'static str, u64>;

/// All of it. Honest people come first: those who hold a genuine link.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) honest: Honest,
    pub(super) others: Others,
    pub(super) networks: Networks,
    pub(super) strict_systems: Vec<StrictSystem>,
    pub(super) rules: Vec<RuleUse>,
    pub(super) dry_run: Vec<DryRun>,
    /// `shared` is what everybody gets, banned or not; `unproven` a whole link of which nothing says whether it is genuine.
    pub(super) classes: Counts,
    pub(super) answers: Counts,
    pub(super) agents: Counts,
    pub(super) log: Log,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Honest {
    /// Addresses that opened a genuine link, consented, or called the API with a right key, and are no robot by their own
    /// word.
    pub(super) clients: u64,
    /// Those that would be banned or refused.
    pub(super) affected: u64,
    /// Genuine requests that would be refused.
    pub(super) refused: u64,
    /// Their links work, but in the strict profile.
    pub(super) in_banned_networks: u64,
    /// The worst.
    pub(super) list: Vec<Person>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Person {
    pub(super) client: ClientKey,
    pub(super) genuine: u64,
    pub(super) consents: u64,
    pub(super) refused: u64,
    /// If nothing were in dry run.
    pub(super) would_refuse: u64,
    /// The first of a genuine request, in dry run or not.
    pub(super) refusal: Option<Refusal>,
    /// The first.
    pub(super) ban: Option<Banned>,
    #[serde(skip)]
    in_banned_network: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct Refusal {
    pub(super) at: UnixSeconds,
    pub(super) standing: &'static str,
    pub(super) reason: Reason,
    pub(super) line: Option<u32>,
    pub(super) note: String,
    pub(super) until: Option<UnixSeconds>,
    pub(super) dry_run: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Banned {
    pub(super) at: UnixSeconds,
    pub(super) until: UnixSeconds,
    /// What the last strike was.
    pub(super) reason: Reason,
    pub(super) strikes: u32,
    pub(super) dry_run: bool,
}

/// Those who would be banned and never showed a genuine link; all but `clients` counts honest people too.
#[derive(Debug, Default, Serialize)]
pub(super) struct Others {
    pub(super) clients: u64,
    /// One for each client and day.
    pub(super) bans: u64,
    pub(super) by_reason: Counts,
    /// Requests refused by a ban or a deny rule.
    pub(super) refused: u64,
    /// The /24 and /56 with most banned clients.
    pub(super) top: Vec<Neighbourhood>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Neighbourhood {
    pub(super) network: Network,
    pub(super) bans: u64,
    pub(super) system: Option<u32>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Networks {
    pub(super) banned: u64,
    /// The first of them.
    pub(super) list: Vec<BannedNetwork>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct BannedNetwork {
    pub(super) network: Network,
    pub(super) at: UnixSeconds,
    pub(super) reason: Reason,
    pub(super) system: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct StrictSystem {
    pub(super) system: u32,
    pub(super) at: UnixSeconds,
}

/// What one rule of the file decided.
#[derive(Debug, Serialize)]
pub(super) struct RuleUse {
    pub(super) line: u32,
    pub(super) reason: Reason,
    /// Where it put the client, or `honeypot`.
    pub(super) standing: &'static str,
    pub(super) note: String,
    pub(super) requests: u64,
    pub(super) genuine: u64,
}

/// What something in dry run would have changed.
#[derive(Debug, Serialize)]
pub(super) struct DryRun {
    /// `None` for thresholds, robots and the shipped honeypots.
    pub(super) line: Option<u32>,
    pub(super) reason: Option<Reason>,
    pub(super) now: &'static str,
    pub(super) would: &'static str,
    pub(super) strike_now: Option<StrikeKind>,
    pub(super) strike_would: Option<StrikeKind>,
    pub(super) requests: u64,
    pub(super) genuine: u64,
}

/// What was replayed, and how far the result can be trusted.
#[derive(Debug, Default, Serialize)]
pub(super) struct Log {
    pub(super) requests: u64,
    pub(super) from: Option<UnixSeconds>,
    pub(super) to: Option<UnixSeconds>,
    pub(super) days: u64,
    pub(super) profile: Profile,
    pub(super) with_keys: bool,
    /// Logged more than an hour after a later one: these were replayed at the wrong time.
    pub(super) late: u64,
    pub(super) unread: u64,
    pub(super) unread_by_reason: Counts,
    pub(super) unread_first: Vec<Unread>,
    /// Some table was full: lists and numbers of addresses and networks are not whole. Numbers of requests are.
    pub(super) capped: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Unread {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) code: &'static str,
    pub(super) reason: String,
}

/// A request and what became of it.
pub(super) struct Seen<'a> {
    pub(super) line: &'a LogLine,
    pub(super) asked: &'a Asked,
    pub(super) agent: Agent,
    pub(super) verdict: &'a Verdict,
    pub(super) decision: &'a Decision,
    pub(super) now: UnixSeconds,
}

/// The rows of a dry run are in this order.
type Difference =
    (Option<u32>, Option<Reason>, &'static str, &'static str, Option<StrikeKind>, Option<StrikeKind>);

/// The report, and what its lists are made of.
#[derive(Default)]
pub(super) struct Tally {
    report: Report,
    holders: BTreeMap<ClientKey, Person>,
    banned: BTreeMap<ClientKey, Banned>,
    neighbourhoods: BTreeMap<Network, Neighbourhood>,
    networks: BTreeMap<Network, BannedNetwork>,
    strict: BTreeMap<u32, UnixSeconds>,
    rules: BTreeMap<(u32, &'static str, Reason), RuleUse>,
    dry_run: BTreeMap<Difference, DryRun>,
}

impl Tally {
    pub(super) fn new(profile: Profile, with_keys: bool) -> Self {
        let log = Log { profile, with_keys, ..Log::default() };
        Self { report: Report { log, ..Report::default() }, ..Self::default() }
    }

    pub(super) fn skip(&mut self, file: &str, line: u64, error: LineError) {
        let log = &mut self.report.log;
        log.unread += 1;
        add(&mut log.unread_by_reason, error.into());
        if log.unread_first.len() < MAX_UNREAD {
            let (code, reason) = (error.into(), error.to_string());
            log.unread_first.push(Unread { file: file.to_owned(), line, code, reason });
        }
    }

    pub(super) fn new_day(&mut self) {
        self.report.log.days += 1;
    }

    pub(super) fn request(&mut self, now: UnixSeconds, late: bool) {
        let log = &mut self.report.log;
        log.requests += 1;
        log.late += u64::from(late);
        log.from.get_or_insert(now);
        log.to = Some(now);
    }

    /// A request that the guard is not asked about.
    pub(super) fn shared(&mut self) {
        add(&mut self.report.classes, "shared");
        add(&mut self.report.answers, Response::Serve.code());
    }

    /// `rules` are the compiled rules alone: only they have notes.
    pub(super) fn seen(&mut self, seen: &Seen<'_>, rules: &Overlay<'_>) {
        let Seen { asked, agent, verdict, decision, .. } = *seen;
        let silent = decision.plan.response == Response::Silent;
        add(&mut self.report.classes, if asked.unproven { "unproven" } else { asked.class.code() });
        add(&mut self.report.answers, decision.plan.response.code());
        add(&mut self.report.agents, agent.kind.code());
        let genuine = asked.class.is_known() && !asked.unproven;
        let stands = verdict.standing == Standing::Denied || verdict.standing.is_banned();
        self.report.others.refused += u64::from(stands && silent);
        for (cause, standing) in
            [(verdict.cause, verdict.standing.code()), (asked.honeypot.cause, "honeypot")]
        {
            let Some((cause, line)) = cause.and_then(|cause| Some((cause, cause.line?))) else { continue };
            let reason = cause.reason;
            let row = self.rules.entry((line, standing, reason)).or_insert_with(|| {
                let note = rules.note(&cause).to_owned();
                RuleUse { line, reason, standing, note, requests: 0, genuine: 0 }
            });
            row.requests += 1;
            row.genuine += u64::from(genuine);
        }
        if let Some(would) = &decision.dry_run {
            self.difference(seen, would, genuine);
        }
        // A robot that opens a link is nobody whom a ban would keep from reading.
        if genuine && (agent.kind == AgentKind::Other || verdict.agent_allowed) {
            self.holder(seen, rules);
        }
    }

    fn difference(&mut self, seen: &Seen<'_>, plan: &Plan, is_genuine: bool) {
        let by_standing = seen.verdict.would.and_then(|would| would.cause).filter(|cause| cause.dry_run);
        let cause = by_standing.or(seen.asked.honeypot.would);
        let strike = |plan: &Plan| plan.strike.map(|strike| strike.kind);
        let (line, reason) = (cause.and_then(|cause| cause.line), cause.map(|cause| cause.reason));
        let (now, would) = (seen.decision.plan.response.code(), plan.response.code());
        let (strike_now, strike_would) = (strike(&seen.decision.plan), strike(plan));
        let new = DryRun { line, reason, now, would, strike_now, strike_would, requests: 0, genuine: 0 };
        let row = self.dry_run.entry((line, reason, now, would, strike_now, strike_would)).or_insert(new);
        row.requests += 1;
        row.genuine += u64::from(is_genuine);
    }

    fn holder(&mut self, seen: &Seen<'_>, rules: &Overlay<'_>) {
        let client = seen.line.client;
        let new = Person {
            client,
            genuine: 0,
            consents: 0,
            refused: 0,
            would_refuse: 0,
            refusal: None,
            ban: None,
            in_banned_network: false,
        };
        let capped = &mut self.report.log.capped;
        let Some(holder) = bounded(&mut self.holders, client, new, MAX_CLIENTS, capped) else { return };
        let verdict = seen.verdict;
        holder.genuine += 1;
        holder.consents += u64::from(seen.asked.consents);
        holder.in_banned_network |= verdict.standing == Standing::NetworkBanned;
        let now = seen.decision.plan.response == Response::Silent;
        let would = seen.decision.dry_run.map_or(now, |plan| plan.response == Response::Silent);
        holder.refused += u64::from(now);
        holder.would_refuse += u64::from(would);
        let (standing, cause) = match verdict.would {
            _ if now => (verdict.standing, verdict.cause),
            Some(it) if would => (it.standing, it.cause),
            _ => return,
        };
        if let Some(cause @ Cause { reason, line, until, .. }) = cause {
            holder.refusal.get_or_insert_with(|| Refusal {
                at: seen.now,
                standing: standing.code(),
                reason,
                line,
                note: line.map(|_| rules.note(&cause).to_owned()).unwrap_or_default(),
                until,
                dry_run: !now,
            });
        }
    }

    pub(super) fn banned(&mut self, client: ClientKey, system: Option<u32>, banned: Banned) {
        let Report { others, log, .. } = &mut self.report;
        others.bans += 1;
        add(&mut others.by_reason, banned.reason.code());
        if let Some(holder) = self.holders.get_mut(&client) {
            holder.ban.get_or_insert(banned);
        }
        if bounded(&mut self.banned, client, banned, MAX_CLIENTS, &mut log.capped).is_none() {
            others.clients += 1;
        }
        let network = client.neighbourhood();
        let new = Neighbourhood { network, bans: 0, system };
        if let Some(row) = bounded(&mut self.neighbourhoods, network, new, MAX_NETWORKS, &mut log.capped) {
            row.bans += 1;
            row.system = row.system.or(system);
        }
    }

    pub(super) fn network(&mut self, network: Network, system: Option<u32>, by: &Banned) {
        let Report { networks, log, .. } = &mut self.report;
        let reason = if log.profile == Profile::Strict { by.reason } else { Reason::Neighbours };
        let new = BannedNetwork { network, at: by.at, reason, system };
        if bounded(&mut self.networks, network, new, MAX_NETWORKS, &mut log.capped).is_none() {
            networks.banned += 1;
        }
    }

    pub(super) fn strict(&mut self, system: u32, at: UnixSeconds) {
        self.strict.entry(system).or_insert(at);
    }

    /// Makes the lists.
    pub(super) fn report(self) -> Report {
        let Self { mut report, holders, banned, neighbourhoods, networks, strict, rules, dry_run } = self;
        let Report { honest, others, .. } = &mut report;
        others.clients += count(banned.keys().filter(|client| !holders.contains_key(client)).count());
        honest.clients = count(holders.len());
        for mut person in holders.into_values() {
            honest.refused += person.refused;
            honest.in_banned_networks += u64::from(person.in_banned_network);
            // The first one: it may be from before the first link.
            person.ban = banned.get(&person.client).copied().or(person.ban);
            if person.ban.is_some() || person.refusal.is_some() {
                honest.list.push(person);
            }
        }
        honest.affected = count(honest.list.len());
        let worst = |it: &Person| (Reverse((it.refused, it.would_refuse, it.genuine)), it.client);
        honest.list.sort_by_key(worst);
        honest.list.truncate(MAX_HONEST);
        others.top = neighbourhoods.into_values().collect();
        others.top.sort_by_key(|row| (Reverse(row.bans), row.network));
        others.top.truncate(MAX_ROWS);
        report.networks.banned += count(networks.len());
        report.networks.list = networks.into_values().collect();
        report.networks.list.sort_by_key(|row| (row.at, row.network));
        report.networks.list.truncate(MAX_ROWS);
        report.strict_systems = strict.into_iter().map(|(system, at)| StrictSystem { system, at }).collect();
        report.rules = rules.into_values().collect();
        report.dry_run = dry_run.into_values().collect();
        report
    }
}

/// The row of a table that does not grow without end.
fn bounded<'t, K: Ord, V>(
    table: &'t mut BTreeMap<K, V>,
    key: K,
    new: V,
    most: usize,
    capped: &mut bool,
) -> Option<&'t mut V> {
    if table.len() >= most && !table.contains_key(&key) {
        *capped = true;
        return None;
    }
    Some(table.entry(key).or_insert(new))
}

fn add(counts: &mut Counts, what: &'static str) {
    *counts.entry(what).or_default() += 1;
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
