//! `waxseal guard status`, `counts` and `watch`: how the guard stands, and what happens there.

use std::time::Duration;

use serde_json::json;
use waxseal::api::{GuardEvent, GuardEvents, GuardStatus, SentinelStatus, op};
use waxseal::types::UnixMillis;

use super::check::short;
use super::rules::in_force;
use super::{ask, diagnostics, explained, words};
use crate::api::{Api, ApiError};
use crate::error::{Error, INTERRUPTED, coded};
use crate::letter::EdgeArgs;
use crate::output::{Output, OutputError, count, line};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard status --url https://letters.example
  waxseal guard status --json

Exit status: 0 when nothing is refused, 1 when rules that somebody put into KV are.";

/// The explanation is already on standard output.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rules in KV are refused, others are in force: correct them and push again, or go back with `waxseal guard rollback`"
)]
struct Refused;

coded!(Refused = "rules_refused");

pub(super) async fn status(args: &EdgeArgs, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let api = args.api(output)?;
    let (status, value) = ask::<op::Guard>(&api, &[], (), None).await?;
    let GuardStatus { generation, base, made_at, profile, rules, refused, .. } = status;
    let mut text = in_force(rules.as_ref(), profile, now);
    let made = when::full(made_at, now);
    text.push_str(&format!("\nPublished: generation {generation} over base {base}, {made}"));
    if let Some(it) = &refused {
        let (sum, since) = (short(&it.sha256), when::full(it.at, now));
        let why = diagnostics(&it.diagnostics);
        text.push_str(&format!("\nRefused: the rules in KV, sha256 {sum}, since {since}.{why}"));
    }
    output.answer(&value, &text)?;
    if refused.is_some() { Err(Refused.into()) } else { Ok(()) }
}

pub(super) const COUNTS_EXAMPLES: &str = "\
Examples:
  waxseal guard counts --url https://letters.example
  waxseal guard counts --json

What is counted begins anew with every rules file that is accepted.";

pub(super) async fn counts(args: &EdgeArgs, output: Output) -> Result<(), Error> {
    let api = args.api(output)?;
    let (counts, whole) = ask::<op::Guard>(&api, &[], (), None).await?;
    let sum = |of: fn(&SentinelStatus) -> usize| {
        counts.sentinels.iter().map(of).fold(0u64, |sum, more| sum.saturating_add(more as u64))
    };
    let mut lines = vec![format!(
        "{} and {} banned until {}; {} with points. Snapshot {}.",
        count(sum(|it| it.banned), "client"),
        count(sum(|it| it.networks), "network"),
        when::words(counts.day_ends_at),
        sum(|it| it.watched),
        counts.generation,
    )];
    lines.push(match counts.dry_run.is_empty() {
        true => "Nothing in dry run would have changed an answer.".to_owned(),
        false => "In dry run, since these rules were accepted:".to_owned(),
    });
    lines.extend(counts.dry_run.iter().map(|it| {
        let place = it.line.map(|line| format!("line {line}, ")).unwrap_or_default();
        let (what, why) = (count(it.requests, "request"), words::reason(&it.reason));
        format!("  {what}: {} instead of {}, by {place}{why}", line(&it.would), line(&it.now))
    }));
    Ok(output.answer(&whole, &lines.join("\n"))?)
}

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  waxseal guard watch --url https://letters.example
  waxseal guard watch --json | jq -r 'select(.kind == \"network_banned\") | .target'

Begins with the last events, at most 50, the newest last. When the edge goes away it says so on
standard error and tries again. Ends with Ctrl-C.";

/// The longest pause while the edge is away.
const MAX_PAUSE: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct Watch {
    /// Ask again after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    #[command(flatten)]
    edge: EdgeArgs,
}

fn text(event: &GuardEvent) -> String {
    let kind = match event.kind.as_str() {
        "banned" => "banned".to_owned(),
        "network_banned" => "network banned".to_owned(),
        "banned_by_ops" => "banned by hand".to_owned(),
        "lifted" => "lifted".to_owned(),
        other => line(other),
    };
    let asn = event.asn.map(|asn| format!("  AS{asn}")).unwrap_or_default();
    let at = when::words(event.at.seconds());
    // Saying "banned by hand" twice tells nothing.
    let said = matches!(event.reason.as_str(), "" | "ops" | "lifted");
    let reason = if said { String::new() } else { format!("  {}", words::reason(&event.reason)) };
    format!("{at}  {kind:<14}  {}{reason}{asn}", event.target)
}

pub(super) async fn watch(args: &Watch, output: Output) -> Result<(), Error> {
    tokio::select! {
        ended = follow(args, output) => ended,
        _ = tokio::signal::ctrl_c() => {
            Err(Error { exit: INTERRUPTED, ..Error::failed("interrupted", "interrupted") })
        }
    }
}

async fn follow(args: &Watch, output: Output) -> Result<(), Error> {
    // The first answer decides whether address and key are right; from then on this loop does the trying again.
    let api = args.edge.api(output)?;
    let page = events(&api, None).await.map_err(|error| explained(&api, error))?;
    let mut after = page.next;
    if !show(page.events, output)? {
        return Ok(());
    }
    let api = args.edge.api_with(0, output)?;
    let every = Duration::from_secs(args.every);
    let mut pause = every;
    let mut away = false;
    loop {
        tokio::time::sleep(pause).await;
        match events(&api, Some(&after)).await {
            Ok(page) => {
                if away {
                    output.note(&format!("{} is there again.", api.origin()));
                }
                (away, pause) = (false, every);
                if !show(page.events, output)? {
                    return Ok(());
                }
                after = page.next;
            }
            Err(error) if is_passing(&error) => {
                if !away {
                    output.warn(&format!("{} Trying again until it answers.", sentence(&error)));
                }
                away = true;
                pause = pause.saturating_mul(2).min(MAX_PAUSE.max(every));
            }
            Err(error) => return Err(explained(&api, error)),
        }
    }
}

/// Whether asking again may help. A key that is not accepted must not be tried again and again: that would ban this very
/// address.
fn is_passing(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable { .. } | ApiError::Hangs { .. } => true,
        ApiError::Problem { problem, .. } => problem.status >= 500 || problem.status == 429,
        _ => false,
    }
}

async fn events(api: &Api, after: Option<&str>) -> Result<GuardEvents, ApiError> {
    let query: Vec<(&str, &str)> = after.into_iter().map(|after| ("after", after)).collect();
    api.call_with::<op::GuardEvents>(&[], &query, ()).await
}

fn sentence(error: &ApiError) -> String {
    let text = error.to_string();
    // The advice at the end is for somebody who has to act.
    let text = text.split(". Check").next().unwrap_or(&text);
    format!("{}.", text.trim_end_matches('.'))
}

/// Prints events, the newest last; whether somebody still reads.
fn show(mut events: Vec<GuardEvent>, output: Output) -> Result<bool, OutputError> {
    events.sort_by_key(|event| event.at);
    for event in &events {
        match output.answer(&json!(event), &text(event)) {
            Ok(()) => {}
            Err(gone) if gone.is_gone() => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
