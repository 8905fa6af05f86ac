//! `waxseal guard watch`: bans as they happen, one line each, until Ctrl-C.

use std::time::Duration;

use serde_json::json;
use waxseal::api::{GuardEvent, GuardEvents, op};

use super::edge;
use super::words;
use crate::api::{Api, ApiError};
use crate::error::{Error, INTERRUPTED};
use crate::letter::EdgeArgs;
use crate::output::{Output, OutputError, line};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard watch --url https://letters.example
  waxseal guard watch --json | jq -r 'select(.kind == \"network_banned\") | .target'

Begins with the last events, at most 50, the newest last. When the edge goes away it says so on
standard error and tries again. Ends with Ctrl-C.";

/// The longest pause while the edge is away.
const MAX_PAUSE: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct Args {
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

pub(super) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    tokio::select! {
        ended = watch(args, output) => ended,
        _ = tokio::signal::ctrl_c() => Err(Error {
            code: "interrupted",
            message: "interrupted".to_owned(),
            exit: INTERRUPTED,
        }),
    }
}

async fn watch(args: &Args, output: Output) -> Result<(), Error> {
    // The first answer decides whether address and key are right; from then on this loop does the trying again.
    let mut after = match ask(&args.edge.api(output)?, None).await {
        Ok(page) => {
            if !show(page.events, output)? {
                return Ok(());
            }
            page.next
        }
        Err(trouble) => return Err(trouble.failure()),
    };
    let api = args.edge.api_with(0, output)?;
    let every = Duration::from_secs(args.every);
    let mut pause = every;
    let mut away = false;
    loop {
        tokio::time::sleep(pause).await;
        match ask(&api, Some(&after)).await {
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
            Err(PollError::Passing(error)) => {
                if !away {
                    output.warn(&format!("{} Trying again until it answers.", sentence(&error)));
                }
                away = true;
                pause = pause.saturating_mul(2).min(MAX_PAUSE.max(every));
            }
            Err(PollError::Lasting(failure)) => return Err(failure),
        }
    }
}

/// What went wrong, and whether asking again may help. A key that is not accepted must not be tried again and again:
/// that would ban this very address.
enum PollError {
    Passing(ApiError),
    Lasting(Error),
}

impl PollError {
    fn failure(self) -> Error {
        match self {
            Self::Passing(error) => error.into(),
            Self::Lasting(failure) => failure,
        }
    }
}

async fn ask(api: &Api, after: Option<&str>) -> Result<GuardEvents, PollError> {
    let query: Vec<(&str, &str)> = after.into_iter().map(|after| ("after", after)).collect();
    api.call_with::<op::GuardEvents>(&[], &query, ()).await.map_err(|error| match &error {
        ApiError::Unreachable { .. } | ApiError::Hangs { .. } => PollError::Passing(error),
        ApiError::Problem { problem, .. } if problem.status >= 500 || problem.status == 429 => {
            PollError::Passing(error)
        }
        _ => PollError::Lasting(edge::explained(api, error)),
    })
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
