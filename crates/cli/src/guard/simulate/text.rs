//! The report of a simulation for people.

use std::collections::BTreeMap;

use waxseal::guard::{Profile, Reason, StrikeKind};

use super::super::words;
use super::report::{Banned, DryRun, Person, Refusal, Report, RuleUse, Unread};
use crate::output::line;
use crate::when;

/// So many rows of a list are shown; `--json` has more.
const ROWS: usize = 20;

/// What was replayed against what.
pub(super) struct Against {
    pub(super) rules: Option<String>,
    pub(super) time_zone: String,
}

pub(super) fn unread(row: &Unread) -> String {
    format!("line {} of {}: {}", row.line, line(&row.file), row.reason)
}

pub(super) fn text(report: &Report, against: &Against) -> String {
    let mut lines = vec![head(report, against), String::new()];
    honest(report, &mut lines);
    others(report, &mut lines);
    rules(report, &mut lines);
    lines.push(String::new());
    lines.push("Requests".to_owned());
    lines.push(format!("  by class: {}", counts(&report.classes)));
    lines.push(format!("  by answer: {}", counts(&report.answers)));
    lines.push(format!("  by agent: {}", counts(&report.agents)));
    remarks(report, &mut lines);
    lines.join("\n")
}

fn head(report: &Report, against: &Against) -> String {
    let log = &report.log;
    let from = log.from.map(when::words).unwrap_or_default();
    let to = log.to.map(when::words).unwrap_or_default();
    let rules = against.rules.as_deref().map_or_else(|| "the default rules".to_owned(), line);
    format!(
        "{} of {from} to {to} against {rules} (profile {}); days end at midnight of {}.",
        words::count(log.requests, "request"),
        log.profile.code(),
        line(&against.time_zone)
    )
}

fn honest(report: &Report, lines: &mut Vec<String>) {
    let honest = &report.honest;
    lines.push("Honest people".to_owned());
    let held = format!("{} with a genuine link", words::count(honest.clients, "address"));
    if honest.affected == 0 {
        lines.push(format!("  None of {held} would be refused or banned."));
    } else {
        lines.push(format!(
            "  {} of {held} would be refused or banned; {} with a genuine link would be refused.",
            honest.affected,
            words::count(honest.refused, "request")
        ));
    }
    if honest.in_banned_networks > 0 {
        let open = match report.log.profile {
            Profile::Strict => "",
            Profile::Balanced | Profile::Honeypot => ": genuine links open there all the same",
        };
        let held = words::count(honest.in_banned_networks, "address");
        lines.push(format!("  {held} in banned networks{open}."));
    }
    for person in honest.list.iter().take(ROWS) {
        lines.extend(person_lines(person));
    }
    more(honest.affected, lines);
}

fn person_lines(person: &Person) -> Vec<String> {
    let Person { client, genuine, consents, refused, would_refuse, refusal, ban, .. } = person;
    let consents = match consents {
        0 => String::new(),
        number => format!(", {}", words::count(*number, "consent")),
    };
    let tried = if would_refuse > refused {
        format!(", {would_refuse} if nothing were in dry run")
    } else {
        String::new()
    };
    let requests = words::count(*genuine, "genuine request");
    let mut lines = vec![format!("  {client}  {refused} of {requests} refused{tried}{consents}")];
    lines.extend(refusal.as_ref().map(|it| format!("    {}", refused_text(it))));
    lines.extend(ban.as_ref().map(|it| format!("    {}", banned_text(it))));
    lines
}

fn refused_text(refusal: &Refusal) -> String {
    let Refusal { at, reason, line: place, note, until, dry_run, .. } = refusal;
    let by = match place {
        Some(place) => format!("line {place} of the rules, {}", words::reason(reason.code())),
        None => words::reason(reason.code()),
    };
    let until = until.map(|until| format!(", until {}", when::words(until))).unwrap_or_default();
    let verb = if *dry_run { "in dry run would be refused" } else { "refused" };
    format!("{verb} from {} on: {by}{}{until}", when::words(*at), words::note(note))
}

fn banned_text(ban: &Banned) -> String {
    let dry_run = if ban.dry_run { " (in dry run)" } else { "" };
    format!(
        "banned at {} until {}: {} ({}){dry_run}",
        when::words(ban.at),
        when::words(ban.until),
        words::reason(ban.reason.code()),
        words::count(ban.strikes.into(), "strike")
    )
}

fn others(report: &Report, lines: &mut Vec<String>) {
    let others = &report.others;
    lines.push(String::new());
    lines.push("Others".to_owned());
    if others.bans == 0 && report.honest.affected == 0 {
        lines.push("  Nobody would be banned.".to_owned());
    } else {
        let reasons: Vec<String> =
            others.by_reason.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
        lines.push(format!(
            "  {} without a genuine link would be banned.",
            words::count(others.clients, "address")
        ));
        lines.push(format!(
            "  With those of honest people {}: {}.",
            words::count(others.bans, "ban"),
            reasons.join(", ")
        ));
    }
    if others.refused > 0 {
        lines.push(format!(
            "  {} would be refused by bans and deny rules.",
            words::count(others.refused, "request")
        ));
    }
    let system = |system: Option<u32>| system.map(|system| format!("  AS{system}")).unwrap_or_default();
    for row in others.top.iter().take(ROWS).filter(|row| row.bans > 1) {
        lines.push(format!(
            "  {:<24}  {}{}",
            row.network.to_string(),
            words::count(row.bans, "ban"),
            system(row.system)
        ));
    }
    let networks = &report.networks;
    if networks.banned > 0 {
        lines.push(String::new());
        lines.push(format!("Networks\n  {} would be banned:", words::count(networks.banned, "network")));
        for row in networks.list.iter().take(ROWS) {
            let at = when::words(row.at);
            let reason = words::reason(row.reason.code());
            lines.push(format!(
                "  {:<24}  from {at} on: {reason}{}",
                row.network.to_string(),
                system(row.system)
            ));
        }
        more(networks.banned, lines);
    }
    if !report.strict_systems.is_empty() {
        lines.push(String::new());
        lines.push("Strict systems".to_owned());
        let rows = report.strict_systems.iter().take(ROWS);
        lines.extend(rows.map(|row| format!("  AS{}  from {} on", row.system, when::words(row.at))));
        more(report.strict_systems.len().try_into().unwrap_or(u64::MAX), lines);
    }
}

fn rules(report: &Report, lines: &mut Vec<String>) {
    if !report.rules.is_empty() {
        lines.push(String::new());
        lines.push("Rules".to_owned());
        lines.extend(report.rules.iter().take(ROWS).map(rule_text));
        more(report.rules.len().try_into().unwrap_or(u64::MAX), lines);
    }
    if !report.dry_run.is_empty() {
        lines.push(String::new());
        lines.push("Dry run".to_owned());
        lines.extend(report.dry_run.iter().take(ROWS).map(dry_run_text));
        more(report.dry_run.len().try_into().unwrap_or(u64::MAX), lines);
    }
}

fn rule_text(rule: &RuleUse) -> String {
    let RuleUse { line: place, reason, standing, note, requests, genuine } = rule;
    let requests = words::count(*requests, "request");
    format!(
        "  line {place}, {}{}: {standing}, {requests}, {genuine} with a genuine link",
        words::reason(reason.code()),
        words::note(note)
    )
}

fn dry_run_text(row: &DryRun) -> String {
    let DryRun { line: place, reason, now, would, strike_now, strike_would, requests, genuine } = row;
    let what = reason.map_or_else(|| "robots".to_owned(), |reason| what_tries(reason, place.is_some()));
    let place = place.map(|place| format!("line {place}, ")).unwrap_or_default();
    let strike = |strike: &Option<StrikeKind>| match strike {
        None => "no strike",
        Some(StrikeKind::Honeypot) => "a ban",
        Some(_) => "a strike",
    };
    let mut changes = Vec::new();
    if now != would {
        changes.push(format!("{would} instead of {now}"));
    }
    if strike_now != strike_would {
        changes.push(format!("{} instead of {}", strike(strike_would), strike(strike_now)));
    }
    format!(
        "  {place}{what}: {}, {genuine} with a genuine link, would get {}",
        words::count(*requests, "request"),
        changes.join(" and ")
    )
}

/// The shipped honeypots and bans have no line.
fn what_tries(reason: Reason, has_line: bool) -> String {
    match reason {
        Reason::PathRule if !has_line => "a shipped honeypot".to_owned(),
        reason => words::reason(reason.code()),
    }
}

fn remarks(report: &Report, lines: &mut Vec<String>) {
    let log = &report.log;
    let mut remarks = Vec::new();
    if log.unread > 0 {
        let reasons = counts(&log.unread_by_reason);
        remarks.push(format!("{} left out ({reasons}), such as:", words::count(log.unread, "line")));
        remarks.extend(log.unread_first.iter().map(|row| format!("  {}", unread(row))));
    }
    if !log.with_keys {
        remarks.push(
            "No keys were given: whole links that were answered with 400 to 404 count as forged, others as genuine.".to_owned(),
        );
    }
    if log.late > 0 {
        remarks.push(format!(
            "{} over an hour older than one before: replay logs of several servers merged by time.",
            match log.late {
                1 => "1 line is".to_owned(),
                late => format!("{late} lines are"),
            }
        ));
    }
    if log.capped {
        remarks.push(
            "There were more addresses than are kept apart: lists and numbers of addresses are not whole."
                .to_owned(),
        );
    }
    if !remarks.is_empty() {
        lines.push(String::new());
        lines.push("Remarks".to_owned());
        lines.extend(remarks.into_iter().map(|remark| format!("  {remark}")));
    }
}

fn counts(counts: &BTreeMap<&'static str, u64>) -> String {
    let words: Vec<String> = counts.iter().map(|(word, number)| format!("{word} {number}")).collect();
    words.join(", ")
}

/// A last line for what a list leaves out.
fn more(all: u64, lines: &mut Vec<String>) {
    let rows = u64::try_from(ROWS).unwrap_or(u64::MAX);
    if all > rows {
        lines.push(format!("  and {} more: --json lists them", all - rows));
    }
}
