//! `waxseal sweep`: has the edge walk through its bucket now, and tells what it found.

use std::time::Duration;

use serde_json::json;
use waxseal::api::{SweepBegun, SweepRun, SweepStatus, op};

use crate::api::Api;
use crate::error::{Error, coded};
use crate::letter::EdgeArgs;
use crate::output::{Output, count};

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal sweep --url https://letters.example
  waxseal sweep --url https://letters.example --wait
  waxseal sweep --url https://letters.example --status --json

The edge sweeps by itself once a day. A sweep finds letters that nobody ever opened, so that they
expire and are deleted too, and does what is due for every letter that is overdue.

Exit status: 0 begun, or with --wait ended; 1 it did not end in time, or failed for some letters.
The next sweep tries those again.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Wait until the sweep has ended and show its figures
    #[arg(long)]
    wait: bool,
    /// Begin none; show what the last sweep found
    #[arg(long, conflicts_with = "wait")]
    status: bool,
    /// Ask every letter how it stands, and make the list of letters anew from their answers
    #[arg(long, conflicts_with = "status")]
    rebuild: bool,
    /// How long to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=86_400), conflicts_with = "status")]
    timeout: u64,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// Between two looks.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "sweep_")]
enum SweepError {
    #[error(
        "sweep {run} has not ended within {seconds} seconds; it goes on by itself. `waxseal sweep --status` tells how far it is"
    )]
    #[strum(to_string = "not_ended")]
    TimedOut { run: u64, seconds: u64 },
    /// The figures are already on standard output.
    #[error(
        "{failed} {} not be seen to; the edge's log says why (sweep_failed), and the next sweep tries again",
        if *failed == 1 { "letter could" } else { "letters could" }
    )]
    Incomplete { failed: u64 },
}

coded!(SweepError);

pub(crate) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    if args.status {
        let status = api.call::<op::SweepStatus>(&[], ()).await?;
        return Ok(output.answer(&json!(status), &words(&status.last))?);
    }
    let rebuild: &[_] = if args.rebuild { &[("rebuild", "true")] } else { &[] };
    let SweepBegun { run } = api.call_with::<op::BeginSweep>(&[], rebuild, ()).await?;
    if !args.wait {
        let text = format!("Sweep {run} is going on. `waxseal sweep --status` tells what it finds.");
        return Ok(output.answer(&json!({ "run": run }), &text)?);
    }
    let limit = Duration::from_secs(args.timeout);
    let ended = tokio::time::timeout(limit, ended(&api, run, output)).await;
    let found = ended.map_err(|_| SweepError::TimedOut { run, seconds: args.timeout })??;
    output.answer(&json!(found), &words(&found))?;
    if found.failed > 0 { Err(SweepError::Incomplete { failed: found.failed }.into()) } else { Ok(()) }
}

/// Looks until run `run` has ended.
async fn ended(api: &Api, run: u64, output: Output) -> Result<SweepRun, Error> {
    let spinner = output.spinner("Sweeping");
    loop {
        let SweepStatus { mut last, before } = api.call::<op::SweepStatus>(&[], ()).await?;
        // The next one may have begun already.
        if last.run > run
            && let Some(before) = before.filter(|before| before.run == run)
        {
            last = before;
        }
        if last.run > run || (last.run == run && last.ended_at.is_some()) {
            spinner.finish_and_clear();
            return Ok(last);
        }
        let held_up =
            last.fault.as_ref().map(|fault| format!(", held up by {}", crate::output::line(&fault.code)));
        spinner.set_prefix(format!("Sweeping: {} letters{}", last.listed, held_up.unwrap_or_default()));
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn words(run: &SweepRun) -> String {
    if run.run == 0 {
        return "There was no sweep yet.".to_owned();
    }
    let how = if run.ended_at.is_some() { "took" } else { "is going on since" };
    let mut lines = vec![format!(
        "Sweep {} {how} {:.1} s: {} in the bucket.",
        run.run,
        run.seconds,
        count(run.listed, "letter")
    )];
    let mut say = |number: u64, words: &str| {
        if number > 0 {
            lines.push(format!("  {number:>7}  {words}"));
        }
    };
    say(run.taken_on, "new to the register: they will expire and be deleted in time");
    say(run.rung, "overdue, and asked to do what was due");
    say(run.deleted, "whose objects were deleted: erased, or damaged beyond their time");
    say(run.orphans, "uploads of a body without a manifest, older than seven days: deleted");
    say(run.damaged, "damaged: nobody can open them; see letter_damaged in the edge's log");
    say(run.vanished, "with an object missing before their time; see letter_vanished in the edge's log");
    say(run.foreign, "objects below letters/ that are not Waxseal's: left alone");
    say(run.failed, "failed; the next sweep tries again");
    lines.join("\n")
}
