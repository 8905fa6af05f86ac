//! `waxseal guard explain`: what one client gets, and why. The edge is asked; with `--rules` a file alone answers.

use std::path::{Path, PathBuf};

use serde_json::json;
use waxseal::api::{AgentView, CauseView, Explanation, SentinelView, op};
use waxseal::guard::rules::Country;
use waxseal::guard::{AddressError, ClientFacts, ClientKey, SnapshotError};
use waxseal::types::{UnixMillis, UnixSeconds};

use super::check::{FileError, RulesFile};
use super::{ask, words};
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, count, line};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard explain 192.0.2.7 --url https://letters.example
  waxseal guard explain 2001:db8:1::7 --asn 64500 --country NL
  waxseal guard explain 192.0.2.7 --agent 'curl/8.1' --path /wp-login.php
  waxseal guard explain 192.0.2.7 --rules rules.toml

With --rules nobody is asked: bans and points are known to the edge alone.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The client's address
    #[arg(value_name = "ADDRESS", value_parser = client)]
    address: ClientKey,
    /// Its AS number
    #[arg(long, value_name = "N", value_parser = asn)]
    asn: Option<u32>,
    /// Its country, as the platform reports it
    #[arg(long, value_name = "CC", value_parser = country)]
    country: Option<Country>,
    /// Its User-Agent
    #[arg(long, value_name = "TEXT")]
    agent: Option<String>,
    /// A path it asks for, to see whether that is a honeypot
    #[arg(long, value_name = "PATH", value_parser = path)]
    path: Option<String>,
    /// Say what this rules file alone says, without asking the edge
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// The guard's own sentence.
fn client(text: &str) -> Result<ClientKey, String> {
    text.parse().map_err(|error: AddressError| error.to_string())
}

/// With or without `AS` in front.
fn asn(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(text);
    digits.parse().map_err(|_| "not an AS number: expected one such as 64500".to_owned())
}

fn country(text: &str) -> Result<Country, String> {
    Country::parse(text)
        .ok_or_else(|| "not a country: expected two letters such as NL, or T1 for Tor".to_owned())
}

fn path(text: &str) -> Result<String, String> {
    let path = text.starts_with('/').then(|| text.to_owned());
    path.ok_or_else(|| "a path begins with a slash, such as /wp-login.php".to_owned())
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    if let Some(file) = &args.rules {
        let explanation = offline(args, file, now)?;
        return Ok(output.answer(&json!(explanation), &text(&explanation, now))?);
    }
    let api = args.edge.api(output)?;
    let address = match args.address {
        ClientKey::V4(_) => args.address.to_string(),
        // The edge takes an address, not the /64 that it stands for.
        ClientKey::V6(_) => args.address.to_string().trim_end_matches("/64").to_owned(),
    };
    let asn = args.asn.map(|asn| asn.to_string());
    let country = args.country.map(|Country(letters)| String::from_utf8_lossy(&letters).into_owned());
    let mut query = vec![("address", address.as_str())];
    let optional = [
        ("asn", asn.as_deref()),
        ("country", country.as_deref()),
        ("agent", args.agent.as_deref()),
        ("path", args.path.as_deref()),
    ];
    query.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    let (explanation, value) = ask::<op::Explain>(&api, &query, (), None).await?;
    Ok(output.answer(&value, &text(&explanation, now))?)
}

/// What a rules file alone says: the same compiled snapshot and look-up as at the edge, with no bans in it.
fn offline(args: &Args, file: &Path, now: UnixSeconds) -> Result<Explanation, FileError> {
    let stored = RulesFile::read(file)?.stored()?;
    let rules = stored.view().ok_or(SnapshotError::OtherBase)?.with_delta(None)?;
    let agent = args.agent.as_deref();
    let facts = ClientFacts { client: args.address, asn: args.asn, country: args.country, agent };
    let verdict = rules.lookup(&facts, now);
    Ok(Explanation::of(&rules, rules.settings(), &facts, &verdict, args.path.as_deref(), now))
}

fn until(at: Option<UnixSeconds>, now: UnixSeconds) -> String {
    at.map_or_else(String::new, |at| format!(", until {}", when::full(at, now)))
}

fn cause(cause: &CauseView, now: UnixSeconds) -> String {
    let place = cause.line.map(|line| format!("line {line} of the rules, ")).unwrap_or_default();
    let reason = words::reason(&cause.reason);
    format!("{place}{reason}{}{}", words::note(&cause.note), until(cause.until, now))
}

/// Where a client stands, by this cause.
fn standing(standing: &str, by: Option<&CauseView>, now: UnixSeconds) -> String {
    let begin = match standing {
        "clear" => return "clear: no rule and no ban is about it".to_owned(),
        "allowed" => "allowed: never refused, never banned",
        "denied" => "denied: refused, also with a genuine link",
        "address_banned" => "banned itself",
        "network_banned" => "in a banned network",
        other => &line(other),
    };
    by.map_or_else(|| begin.to_owned(), |by| format!("{begin} ({})", cause(by, now)))
}

fn text(it: &Explanation, now: UnixSeconds) -> String {
    let limited = match (it.standing.as_str(), it.answers.genuine.as_str()) {
        ("address_banned" | "network_banned", "serve") => ", under a stricter limit",
        _ => "",
    };
    let mut lines = vec![
        format!("client     {}", line(&it.client)),
        format!("standing   {}", standing(&it.standing, it.cause.as_ref(), now)),
        format!("genuine    a genuine link {}{limited}", words::answer(&it.answers.genuine)),
        format!("other      anything else {}", words::answer(&it.answers.other)),
    ];
    if let Some(would) = &it.would {
        let text = standing(&would.standing, would.cause.as_ref(), now);
        lines.push(format!("dry run    if nothing were in dry run: {text}"));
    }
    if it.agent.kind != "other" || it.agent.allowed {
        lines.push(format!("agent      {}", agent(&it.agent)));
    }
    if it.strict {
        lines.push("strict     its AS has many banned networks: strikes from it count more".to_owned());
    }
    if let Some(honeypot) = &it.honeypot {
        let bans = match (honeypot.dry_run, it.standing.as_str()) {
            (true, _) => "in dry run, nobody is banned for it",
            (false, "allowed") => "whoever else asks for it is banned",
            _ => "whoever asks for it is banned",
        };
        lines.push(format!("path       a honeypot: {bans} ({})", cause(honeypot, now)));
    }
    match &it.sentinel {
        Some(known) => lines.extend(sentinel(known, now)),
        None => lines.push("bans       not looked at: only the edge knows bans and points".to_owned()),
    }
    if let Some(mark) = &it.snapshot {
        let (generation, made) = (mark.generation, when::full(mark.made_at, now));
        lines.push(format!("snapshot   generation {generation}, made {made}"));
    }
    lines.join("\n")
}

fn agent(agent: &AgentView) -> String {
    let kind = match agent.kind.as_str() {
        "other" => "no known robot",
        "crawler" => "a crawler",
        "preview" => "a preview robot",
        "mail_scanner" => "a mail scanner",
        other => &line(other),
    };
    let name = if agent.name.is_empty() { String::new() } else { format!(" ({})", line(&agent.name)) };
    let allowed = if agent.allowed { "; a rule allows it" } else { "" };
    format!("{kind}{name} by its own word{allowed}")
}

fn sentinel(known: &SentinelView, now: UnixSeconds) -> Vec<String> {
    let allowance = f64::from(known.allowance);
    let left = (allowance - known.points).max(0.0);
    let mut lines = vec![format!(
        "points     {} of {} spent in {}, {} left",
        tenths(known.points),
        known.allowance,
        count(known.strikes.into(), "strike"),
        tenths(left)
    )];
    if known.bans.is_empty() {
        lines.push("bans       none".to_owned());
    }
    lines.extend(known.bans.iter().map(|ban| {
        let dry_run = if ban.dry_run { " (in dry run: refuses nobody)" } else { "" };
        format!(
            "ban        {} since {}{}: {}{dry_run}",
            ban.target,
            when::words(ban.since),
            until(Some(ban.until), now),
            words::reason(&ban.reason)
        )
    }));
    lines
}

/// `3.5`, and `3` for a whole number.
fn tenths(points: f64) -> String {
    let text = format!("{points:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
