//! Counts what a simulation does, in bounded memory.

use core::cmp::Reverse;
use std::collections::BTreeMap;

use super::log::{LineFault, LogLine};
use super::report::{
    Banned, BannedNetwork, DryRun, Honest, Log, MOST_HONEST, MOST_ROWS, Neighbourhood, Networks, Others,
    Person, Refusal, Report, RuleUse, StrictSystem, Unread,
};
use super::request::Asked;
use crate::guard::address::{ClientKey, Network};
use crate::guard::agents::{Agent, AgentKind};
use crate::guard::policy::{Decision, Plan, Response};
use crate::guard::reason::{Reason, StrikeKind};
use crate::guard::settings::{Profile, Settings};
use crate::guard::snapshot::{Cause, Overlay, Standing, Verdict};
use crate::types::UnixSeconds;

/// Statistics are kept for so many holders of genuine links, and for so many banned clients.
pub const MOST_CLIENTS: usize = 200_000;

/// So many networks are counted apart.
const MOST_NETWORKS: usize = 100_000;

/// So many unreadable lines are named.
const MOST_UNREAD: usize = 5;

/// A request and what became of it.
pub(super) struct Seen<'a> {
    pub(super) line: &'a LogLine<'a>,
    pub(super) asked: &'a Asked,
    pub(super) agent: Agent,
    pub(super) verdict: &'a Verdict,
    pub(super) decision: &'a Decision,
    pub(super) now: UnixSeconds,
}

/// Somebody with a genuine link.
#[derive(Default)]
struct Holder {
    genuine: u64,
    consents: u64,
    refused: u64,
    would_refuse: u64,
    refusal: Option<Box<Refusal>>,
    ban: Option<Banned>,
    in_banned_network: bool,
}

/// What a dry run's counter is about.
type Difference =
    (Option<u32>, Option<Reason>, &'static str, &'static str, Option<StrikeKind>, Option<StrikeKind>);

/// A counter of requests, and of those with a genuine link.
#[derive(Clone, Copy, Default)]
struct Count {
    requests: u64,
    genuine: u64,
}

impl Count {
    fn add(&mut self, genuine: bool) {
        self.requests += 1;
        self.genuine += u64::from(genuine);
    }
}

#[derive(Default)]
pub(super) struct Tally {
    holders: BTreeMap<ClientKey, Holder>,
    banned: BTreeMap<ClientKey, Banned>,
    banned_beyond: u64,
    bans: u64,
    by_reason: BTreeMap<&'static str, u64>,
    refused: u64,
    neighbourhoods: BTreeMap<Network, Neighbourhood>,
    networks: BTreeMap<Network, BannedNetwork>,
    networks_beyond: u64,
    strict: BTreeMap<u32, UnixSeconds>,
    rules: BTreeMap<(u32, &'static str, Reason), (Count, String)>,
    dry_run: BTreeMap<Difference, Count>,
    classes: BTreeMap<&'static str, u64>,
    answers: BTreeMap<&'static str, u64>,
    agents: BTreeMap<&'static str, u64>,
    requests: u64,
    from: Option<UnixSeconds>,
    to: Option<UnixSeconds>,
    days: u64,
    late: u64,
    unread: u64,
    unread_by_reason: BTreeMap<&'static str, u64>,
    unread_first: Vec<Unread>,
    capped: bool,
}

impl Tally {
    pub(super) fn skip(&mut self, file: &str, line: u64, fault: LineFault) {
        self.unread += 1;
        *self.unread_by_reason.entry(fault.code()).or_default() += 1;
        if self.unread_first.len() < MOST_UNREAD {
            self.unread_first.push(Unread::new(file, line, fault));
        }
    }

    pub(super) fn new_day(&mut self) {
        self.days += 1;
    }

    pub(super) fn request(&mut self, now: UnixSeconds, late: bool) {
        self.requests += 1;
        self.late += u64::from(late);
        self.from.get_or_insert(now);
        self.to = Some(now);
    }

    /// A request that the guard is not asked about.
    pub(super) fn shared(&mut self) {
        *self.classes.entry("shared").or_default() += 1;
        *self.answers.entry(Response::Serve.code()).or_default() += 1;
    }

    /// `rules` are the compiled rules alone: only they have notes.
    pub(super) fn seen(&mut self, seen: &Seen<'_>, rules: &Overlay<'_>) {
        let Seen { asked, agent, verdict, decision, .. } = *seen;
        let class = if asked.unproven { "unproven" } else { asked.class.code() };
        *self.classes.entry(class).or_default() += 1;
        *self.answers.entry(decision.plan.response.code()).or_default() += 1;
        *self.agents.entry(agent.kind.code()).or_default() += 1;
        let genuine = asked.class.is_known() && !asked.unproven;
        let stands = verdict.standing == Standing::Denied || verdict.standing.is_banned();
        let refused = stands && decision.plan.response == Response::Silent;
        self.refused += u64::from(refused);
        if let Some(cause) = &verdict.cause {
            self.rule(cause, verdict.standing.code(), genuine, rules);
        }
        if let Some(cause) = &asked.honeypot.cause {
            self.rule(cause, "honeypot", genuine, rules);
        }
        if let Some(would) = &decision.dry_run {
            self.difference(seen, would, genuine);
        }
        // A robot that opens a link is nobody whom a ban would keep from reading.
        if genuine && (agent.kind == AgentKind::Other || verdict.agent_allowed) {
            self.holder(seen, rules);
        }
    }

    fn rule(&mut self, cause: &Cause, standing: &'static str, genuine: bool, rules: &Overlay<'_>) {
        let Some(line) = cause.line else { return };
        let note = || (Count::default(), rules.note(cause).to_owned());
        self.rules.entry((line, standing, cause.reason)).or_insert_with(note).0.add(genuine);
    }

    fn difference(&mut self, seen: &Seen<'_>, would: &Plan, genuine: bool) {
        let by_standing = seen.verdict.would.and_then(|would| would.cause).filter(|cause| cause.dry_run);
        let cause = by_standing.or(seen.asked.honeypot.would);
        let now = &seen.decision.plan;
        let strike = |plan: &Plan| plan.strike.map(|strike| strike.kind);
        let key = (
            cause.and_then(|cause| cause.line),
            cause.map(|cause| cause.reason),
            now.response.code(),
            would.response.code(),
            strike(now),
            strike(would),
        );
        self.dry_run.entry(key).or_default().add(genuine);
    }

    fn holder(&mut self, seen: &Seen<'_>, rules: &Overlay<'_>) {
        let client = seen.line.client;
        if !self.holders.contains_key(&client) && self.holders.len() >= MOST_CLIENTS {
            self.capped = true;
            return;
        }
        let holder = self.holders.entry(client).or_default();
        holder.genuine += 1;
        holder.consents += u64::from(seen.asked.consents);
        holder.in_banned_network |= seen.verdict.standing == Standing::NetworkBanned;
        let now = seen.decision.plan.response == Response::Silent;
        let would = seen.decision.dry_run.map_or(now, |plan| plan.response == Response::Silent);
        holder.refused += u64::from(now);
        holder.would_refuse += u64::from(would);
        let (standing, cause) = if now {
            (seen.verdict.standing, seen.verdict.cause)
        } else if would {
            (
                seen.verdict.would.map_or(seen.verdict.standing, |it| it.standing),
                seen.verdict.would.and_then(|it| it.cause),
            )
        } else {
            return;
        };
        if let Some(cause) = cause {
            holder.refusal.get_or_insert_with(|| {
                Box::new(Refusal {
                    at: seen.now,
                    standing: standing.code(),
                    reason: cause.reason,
                    line: cause.line,
                    note: cause.line.map(|_| rules.note(&cause).to_owned()).unwrap_or_default(),
                    until: cause.until,
                    dry_run: !now,
                })
            });
        }
    }

    pub(super) fn banned(&mut self, client: ClientKey, system: Option<u32>, banned: Banned) {
        self.bans += 1;
        *self.by_reason.entry(banned.reason.code()).or_default() += 1;
        if let Some(holder) = self.holders.get_mut(&client) {
            holder.ban.get_or_insert(banned);
        }
        if self.banned.len() < MOST_CLIENTS || self.banned.contains_key(&client) {
            self.banned.entry(client).or_insert(banned);
        } else {
            self.banned_beyond += 1;
            self.capped = true;
        }
        let network = client.neighbourhood();
        if self.neighbourhoods.len() < MOST_NETWORKS || self.neighbourhoods.contains_key(&network) {
            let row =
                self.neighbourhoods.entry(network).or_insert(Neighbourhood { network, bans: 0, system });
            row.bans += 1;
            row.system = row.system.or(system);
        } else {
            self.capped = true;
        }
    }

    pub(super) fn network(
        &mut self,
        network: Network,
        system: Option<u32>,
        by: &Banned,
        settings: &Settings,
    ) {
        let reason = if settings.profile == Profile::Strict { by.reason } else { Reason::Neighbours };
        if self.networks.len() < MOST_NETWORKS || self.networks.contains_key(&network) {
            self.networks.entry(network).or_insert(BannedNetwork { network, at: by.at, reason, system });
        } else {
            self.networks_beyond += 1;
            self.capped = true;
        }
    }

    pub(super) fn strict(&mut self, system: u32, at: UnixSeconds) {
        self.strict.entry(system).or_insert(at);
    }

    pub(super) fn report(&self, profile: Profile, with_keys: bool) -> Report {
        Report {
            honest: self.honest(),
            others: self.others(),
            networks: self.banned_networks(),
            strict_systems: self
                .strict
                .iter()
                .map(|(system, at)| StrictSystem { system: *system, at: *at })
                .collect(),
            rules: self.rules.iter().map(rule_use).collect(),
            dry_run: self.dry_run.iter().map(dry_run).collect(),
            classes: self.classes.clone(),
            answers: self.answers.clone(),
            agents: self.agents.clone(),
            log: Log {
                requests: self.requests,
                from: self.from,
                to: self.to,
                days: self.days,
                profile,
                with_keys,
                late: self.late,
                unread: self.unread,
                unread_by_reason: self.unread_by_reason.clone(),
                unread_first: self.unread_first.clone(),
                capped: self.capped,
            },
        }
    }

    fn honest(&self) -> Honest {
        let mut list: Vec<Person> = Vec::new();
        let mut honest = Honest { clients: count(self.holders.len()), ..Honest::default() };
        for (client, holder) in &self.holders {
            honest.refused += holder.refused;
            honest.in_banned_networks += u64::from(holder.in_banned_network);
            // The first one: it may be from before the first link.
            let ban = self.banned.get(client).copied().or(holder.ban);
            if ban.is_some() || holder.refusal.is_some() {
                list.push(Person {
                    client: *client,
                    genuine: holder.genuine,
                    consents: holder.consents,
                    refused: holder.refused,
                    would_refuse: holder.would_refuse,
                    refusal: holder.refusal.as_deref().cloned(),
                    ban,
                });
            }
        }
        honest.affected = count(list.len());
        list.sort_by_key(|person| {
            (Reverse(person.refused), Reverse(person.would_refuse), Reverse(person.genuine), person.client)
        });
        list.truncate(MOST_HONEST);
        Honest { list, ..honest }
    }

    fn others(&self) -> Others {
        let strangers = self.banned.keys().filter(|client| !self.holders.contains_key(client)).count();
        let mut top: Vec<Neighbourhood> = self.neighbourhoods.values().copied().collect();
        top.sort_by_key(|row| (Reverse(row.bans), row.network));
        top.truncate(MOST_ROWS);
        Others {
            clients: count(strangers) + self.banned_beyond,
            bans: self.bans,
            by_reason: self.by_reason.clone(),
            refused: self.refused,
            top,
        }
    }

    fn banned_networks(&self) -> Networks {
        let mut list: Vec<BannedNetwork> = self.networks.values().copied().collect();
        list.sort_by_key(|row| (row.at, row.network));
        list.truncate(MOST_ROWS);
        Networks { banned: count(self.networks.len()) + self.networks_beyond, list }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn rule_use((key, (count, note)): (&(u32, &'static str, Reason), &(Count, String))) -> RuleUse {
    let (line, standing, reason) = *key;
    RuleUse { line, reason, standing, note: note.clone(), requests: count.requests, genuine: count.genuine }
}

fn dry_run((key, count): (&Difference, &Count)) -> DryRun {
    let (line, reason, now, would, strike_now, strike_would) = *key;
    DryRun {
        line,
        reason,
        now,
        would,
        strike_now,
        strike_would,
        requests: count.requests,
        genuine: count.genuine,
    }
}
