//! What a replay found, counted in bounded memory: JSON as it stands, and a text for people. It holds no path and no token.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use waxseal::guard::policy::Decision;
use waxseal::guard::snapshot::{Cause, Overlay};
use waxseal::guard::{
    AgentKind, ClientKey, Network, Profile, Reason, RequestClass, Response, Standing, Verdict,
};
use waxseal::types::UnixSeconds;

use super::super::words;
use super::asked::Asked;
use super::log::LineError;
use crate::output::{count, line};
use crate::when;

/// So many honest people and banned networks are listed.
const MAX_LISTED: usize = 1_000;
/// So many clients, and so many networks, are kept apart.
const MAX_KEPT: usize = 200_000;
/// So many unreadable lines are named.
const MAX_UNREAD: usize = 5;
/// So many rows of a list are shown to people; `--json` has more.
const ROWS: usize = 20;

type Counts = BTreeMap<&'static str, u64>;

/// All of it. Honest people come first: those who hold a genuine link.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// As given; `None` for the defaults.
    pub(super) rules_file: Option<String>,
    pub(super) time_zone: String,
    pub(super) honest: Honest,
    pub(super) others: Others,
    pub(super) networks: Networks,
    /// What each rule of the file decided.
    pub(super) rules: Vec<RuleUse>,
    /// What each rule in dry run, the thresholds, the robots or the shipped honeypots would have changed.
    pub(super) dry_run: Vec<RuleUse>,
    /// `shared` is what everybody gets, banned or not; `unproven` a whole link of which nothing says whether it is genuine.
    pub(super) classes: Counts,
    pub(super) log: Log,
    #[serde(skip)]
    tables: Tables,
}

/// What the lists are made of.
#[derive(Debug, Default)]
struct Tables {
    holders: BTreeMap<ClientKey, Person>,
    banned: BTreeMap<ClientKey, Banned>,
    networks: BTreeMap<Network, BannedNetwork>,
    rules: BTreeMap<RuleKey, RuleUse>,
    dry_run: BTreeMap<RuleKey, RuleUse>,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Honest {
    /// Addresses that opened a genuine link, consented, or called the API with a right key, and are no robot by their own
    /// word.
    pub(super) clients: usize,
    /// Those that would be banned or refused.
    pub(super) affected: usize,
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

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Banned {
    pub(super) at: UnixSeconds,
    pub(super) until: UnixSeconds,
    /// What the last strike was.
    pub(super) reason: Reason,
    pub(super) strikes: u32,
    pub(super) dry_run: bool,
}

/// All but `clients` counts honest people too.
#[derive(Debug, Default, Serialize)]
pub(super) struct Others {
    /// Those who would be banned and never showed a genuine link.
    pub(super) clients: usize,
    /// One for each client and day.
    pub(super) bans: u64,
    pub(super) by_reason: Counts,
    /// Requests refused by a ban or a deny rule.
    pub(super) refused: u64,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct Networks {
    pub(super) banned: usize,
    /// The first of them.
    pub(super) list: Vec<BannedNetwork>,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct BannedNetwork {
    pub(super) network: Network,
    pub(super) at: UnixSeconds,
    pub(super) asn: Option<u32>,
}

/// Line, reason, and where it puts the client: a standing, `honeypot`, or for robots what they get.
type RuleKey = (Option<u32>, Option<Reason>, &'static str);

#[derive(Debug, Serialize)]
pub(super) struct RuleUse {
    pub(super) line: Option<u32>,
    pub(super) reason: Option<Reason>,
    pub(super) standing: &'static str,
    pub(super) note: String,
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
    pub(super) client: ClientKey,
    pub(super) asked: &'a Asked,
    pub(super) agent: AgentKind,
    pub(super) verdict: &'a Verdict,
    pub(super) decision: &'a Decision,
    pub(super) now: UnixSeconds,
}

impl Report {
    pub(super) fn new(profile: Profile, with_keys: bool) -> Self {
        Self { log: Log { profile, with_keys, ..Log::default() }, ..Self::default() }
    }

    /// A line that could not be read: the log's name, the line's number there from 1, and why.
    pub(super) fn skip(&mut self, file: &str, line: u64, error: LineError) {
        let log = &mut self.log;
        log.unread += 1;
        *log.unread_by_reason.entry(error.into()).or_default() += 1;
        if log.unread_first.len() < MAX_UNREAD {
            let (code, reason) = (error.into(), error.to_string());
            log.unread_first.push(Unread { file: file.to_owned(), line, code, reason });
        }
    }

    pub(super) fn request(&mut self, now: UnixSeconds, late: bool) {
        self.log.requests += 1;
        self.log.late += u64::from(late);
        self.log.from.get_or_insert(now);
        self.log.to = Some(now);
    }

    /// A request that the guard is not asked about.
    pub(super) fn shared(&mut self) {
        *self.classes.entry("shared").or_default() += 1;
    }

    /// `rules` are the compiled rules alone: only they have notes.
    pub(super) fn seen(&mut self, seen: &Seen<'_>, rules: &Overlay<'_>) {
        let Seen { asked, agent, verdict, decision, .. } = *seen;
        let class = if asked.unproven { "unproven" } else { asked.class.code() };
        *self.classes.entry(class).or_default() += 1;
        let genuine = asked.class.is_known() && !asked.unproven;
        let stands = verdict.standing == Standing::Denied || verdict.standing.is_banned();
        self.others.refused += u64::from(stands && decision.plan.response == Response::Silent);
        let (standing, honeypot) = (verdict.standing.code(), RequestClass::Honeypot.code());
        for (cause, standing) in [(verdict.cause, standing), (asked.honeypot.cause, honeypot)] {
            if let Some(cause) = cause.filter(|cause| cause.line.is_some()) {
                used(&mut self.tables.rules, Some(cause), standing, genuine, rules);
            }
        }
        if let Some(plan) = &decision.dry_run {
            let would = verdict.would.filter(|would| would.cause.is_some_and(|cause| cause.dry_run));
            let (cause, standing) = match (would, asked.honeypot.would) {
                (Some(would), _) => (would.cause, would.standing.code()),
                (None, Some(cause)) => (Some(cause), honeypot),
                (None, None) => (None, plan.response.code()),
            };
            used(&mut self.tables.dry_run, cause, standing, genuine, rules);
        }
        // A robot that opens a link is nobody whom a ban would keep from reading.
        if genuine && (agent == AgentKind::Other || verdict.agent_allowed) {
            self.holder(seen, rules);
        }
    }

    fn holder(&mut self, seen: &Seen<'_>, rules: &Overlay<'_>) {
        let Seen { client, verdict, decision, .. } = *seen;
        let new = Person {
            client,
            genuine: 0,
            refused: 0,
            would_refuse: 0,
            refusal: None,
            ban: None,
            in_banned_network: false,
        };
        let table = &mut self.tables.holders;
        let Some(holder) = bounded(table, client, new, &mut self.log.capped) else { return };
        holder.genuine += 1;
        holder.in_banned_network |= verdict.standing == Standing::NetworkBanned;
        let now = decision.plan.response == Response::Silent;
        let would = decision.dry_run.map_or(now, |plan| plan.response == Response::Silent);
        holder.refused += u64::from(now);
        holder.would_refuse += u64::from(would);
        let (standing, cause) = match verdict.would {
            _ if now => (verdict.standing, verdict.cause),
            Some(it) if would => (it.standing, it.cause),
            _ => return,
        };
        if let Some(cause @ Cause { reason, line, until, .. }) = cause {
            let note = line.map(|_| rules.note(&cause).to_owned()).unwrap_or_default();
            let (at, standing) = (seen.now, standing.code());
            holder.refusal.get_or_insert(Refusal { at, standing, reason, line, note, until, dry_run: !now });
        }
    }

    /// A client, and networks with it.
    pub(super) fn banned(&mut self, client: ClientKey, ban: Banned, networks: &[Network], asn: Option<u32>) {
        self.others.bans += 1;
        *self.others.by_reason.entry(ban.reason.code()).or_default() += 1;
        bounded(&mut self.tables.banned, client, ban, &mut self.log.capped);
        for network in networks.iter().copied() {
            let new = BannedNetwork { network, at: ban.at, asn };
            bounded(&mut self.tables.networks, network, new, &mut self.log.capped);
        }
    }

    /// Makes the lists.
    pub(super) fn finish(mut self) -> Self {
        let Tables { holders, banned, networks, rules, dry_run } = std::mem::take(&mut self.tables);
        let honest = &mut self.honest;
        self.others.clients = banned.keys().filter(|client| !holders.contains_key(client)).count();
        honest.clients = holders.len();
        for mut person in holders.into_values() {
            honest.refused += person.refused;
            honest.in_banned_networks += u64::from(person.in_banned_network);
            person.ban = banned.get(&person.client).copied();
            honest.list.extend(Some(person).filter(|it| it.ban.is_some() || it.refusal.is_some()));
        }
        honest.affected = honest.list.len();
        honest.list.sort_by_key(|it| (Reverse((it.refused, it.would_refuse, it.genuine)), it.client));
        honest.list.truncate(MAX_LISTED);
        self.networks.banned = networks.len();
        self.networks.list = networks.into_values().collect();
        self.networks.list.sort_by_key(|row| (row.at, row.network));
        self.networks.list.truncate(MAX_LISTED);
        self.rules = rules.into_values().collect();
        self.dry_run = dry_run.into_values().collect();
        self
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let Self { honest, others, networks, log, .. } = self;
        let moment = |at: Option<UnixSeconds>| at.map(when::words).unwrap_or_default();
        let mut text = format!(
            "{} of {} to {} against {} (profile {}); days end at midnight of {}.",
            count(log.requests, "request"),
            moment(log.from),
            moment(log.to),
            self.rules_file.as_deref().map_or_else(|| "the default rules".to_owned(), line),
            log.profile.code(),
            line(&self.time_zone)
        );
        let held = format!("{} with a genuine link", count(honest.clients as u64, "address"));
        let mut people = vec![match honest.affected {
            0 => format!("None of {held} would be refused or banned."),
            affected => format!(
                "{affected} of {held} would be refused or banned; {} with a genuine link would be refused.",
                count(honest.refused, "request")
            ),
        }];
        if honest.in_banned_networks > 0 {
            let strict = log.profile == Profile::Strict;
            let open = if strict { "" } else { ": genuine links open there all the same" };
            let held = count(honest.in_banned_networks, "address");
            people.push(format!("{held} in banned networks{open}."));
        }
        people.extend(first(&honest.list, honest.affected, Person::text));
        section(&mut text, "Honest people", people);

        let mut strangers = Vec::new();
        if others.bans == 0 && honest.affected == 0 {
            strangers.push("Nobody would be banned.".to_owned());
        } else {
            let clients = count(others.clients as u64, "address");
            strangers.push(format!("{clients} without a genuine link would be banned."));
            let reasons = others.by_reason.iter().map(|(reason, n)| format!("{n} {reason}"));
            let (bans, reasons) = (count(others.bans, "ban"), reasons.collect::<Vec<_>>().join(", "));
            strangers.push(format!("With those of honest people {bans}: {reasons}."));
        }
        if others.refused > 0 {
            let refused = count(others.refused, "request");
            strangers.push(format!("{refused} would be refused by bans and deny rules."));
        }
        section(&mut text, "Others", strangers);

        let mut banned = first(&networks.list, networks.banned, |row| {
            let asn = row.asn.map(|asn| format!("  AS{asn}")).unwrap_or_default();
            format!("{:<24}  from {} on{asn}", row.network.to_string(), when::words(row.at))
        });
        if networks.banned > 0 {
            banned.insert(0, format!("{} would be banned:", count(networks.banned as u64, "network")));
        }
        section(&mut text, "Networks", banned);
        section(&mut text, "Rules", first(&self.rules, self.rules.len(), RuleUse::text));
        section(&mut text, "Dry run would change", first(&self.dry_run, self.dry_run.len(), RuleUse::text));
        section(&mut text, "Requests by class", vec![counts(&self.classes)]);
        section(&mut text, "Remarks", log.remarks());
        text
    }
}

impl Person {
    fn text(&self) -> String {
        let Self { client, genuine, refused, would_refuse, refusal, ban, .. } = self;
        let mut text = format!("{client}  {refused} of {} refused", count(*genuine, "genuine request"));
        if would_refuse > refused {
            text.push_str(&format!(", {would_refuse} if nothing were in dry run"));
        }
        if let Some(Refusal { at, reason, line: place, note, until, dry_run, .. }) = refusal {
            let verb = if *dry_run { "in dry run would be refused" } else { "refused" };
            let place = place.map(|place| format!("line {place} of the rules, ")).unwrap_or_default();
            let until = until.map(|until| format!(", until {}", when::words(until))).unwrap_or_default();
            let (at, why, note) = (when::words(*at), words::reason(reason.code()), words::note(note));
            text.push_str(&format!("\n    {verb} from {at} on: {place}{why}{note}{until}"));
        }
        if let Some(Banned { at, until, reason, strikes, dry_run }) = ban {
            let (at, until, why) = (when::words(*at), when::words(*until), words::reason(reason.code()));
            let strikes = count((*strikes).into(), "strike");
            let dry_run = if *dry_run { " (in dry run)" } else { "" };
            text.push_str(&format!("\n    banned at {at} until {until}: {why} ({strikes}){dry_run}"));
        }
        text
    }
}

impl RuleUse {
    fn text(&self) -> String {
        let Self { line: place, reason, standing, note, requests, genuine } = self;
        let what = match reason {
            None => "robots".to_owned(),
            // The shipped honeypots have no line.
            Some(Reason::PathRule) if place.is_none() => "a shipped honeypot".to_owned(),
            Some(reason) => words::reason(reason.code()),
        };
        let place = place.map(|place| format!("line {place}, ")).unwrap_or_default();
        let (note, requests) = (words::note(note), count(*requests, "request"));
        format!("{place}{what}{note}: {standing}, {requests}, {genuine} with a genuine link")
    }
}

impl Log {
    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.unread > 0 {
            let (lines, reasons) = (count(self.unread, "line"), counts(&self.unread_by_reason));
            remarks.push(format!("{lines} left out ({reasons}), such as:"));
            remarks.extend(self.unread_first.iter().map(|row| format!("  {}", row.text())));
        }
        if !self.with_keys {
            remarks.push(
                "No keys were given: whole links that were answered with 400 to 404 count as forged, others as genuine.".to_owned(),
            );
        }
        if self.late > 0 {
            let lines = count(self.late, "line");
            remarks.push(format!(
                "{lines} more than an hour older than one before: replay logs of several servers merged by time."
            ));
        }
        if self.capped {
            remarks.push("There were more addresses than are kept apart: lists and numbers of addresses are not whole.".to_owned());
        }
        remarks
    }
}

impl Unread {
    pub(super) fn text(&self) -> String {
        format!("line {} of {}: {}", self.line, line(&self.file), self.reason)
    }
}

fn used(
    table: &mut BTreeMap<RuleKey, RuleUse>,
    cause: Option<Cause>,
    standing: &'static str,
    genuine: bool,
    rules: &Overlay<'_>,
) {
    let (line, reason) = (cause.and_then(|cause| cause.line), cause.map(|cause| cause.reason));
    let row = table.entry((line, reason, standing)).or_insert_with(|| {
        let note = cause.filter(|_| line.is_some()).map(|cause| rules.note(&cause).to_owned());
        RuleUse { line, reason, standing, note: note.unwrap_or_default(), requests: 0, genuine: 0 }
    });
    row.requests += 1;
    row.genuine += u64::from(genuine);
}

/// The row of a table that does not grow without end.
fn bounded<'t, K: Ord, V>(
    table: &'t mut BTreeMap<K, V>,
    key: K,
    new: V,
    capped: &mut bool,
) -> Option<&'t mut V> {
    if table.len() >= MAX_KEPT && !table.contains_key(&key) {
        *capped = true;
        return None;
    }
    Some(table.entry(key).or_insert(new))
}

/// The first rows as people see them, and how many there are besides.
fn first<T>(rows: &[T], all: usize, text: impl Fn(&T) -> String) -> Vec<String> {
    let more = (all > ROWS).then(|| format!("and {} more: --json lists them", all - ROWS));
    rows.iter().take(ROWS).map(text).chain(more).collect()
}

/// Rows under a title, if there are any.
fn section(text: &mut String, title: &str, rows: Vec<String>) {
    if !rows.is_empty() {
        text.push_str(&format!("\n\n{title}"));
    }
    rows.iter().for_each(|row| text.push_str(&format!("\n  {row}")));
}

fn counts(counts: &Counts) -> String {
    let words: Vec<String> = counts.iter().map(|(word, number)| format!("{word} {number}")).collect();
    words.join(", ")
}
