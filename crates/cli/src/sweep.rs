//! `waxseal sweep`: has the edge walk through its bucket now, and tells what it found.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use waxseal::api::{Route, SweepBegun, op};

use crate::api::{Api, ApiError};
use crate::error::{Error, coded};
use crate::letter::EdgeArgs;
use crate::output::Output;

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

/// The figures of a run, as far as a person is told them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Figures {
    run: u64,
    state: String,
    seconds: f64,
    listed: u64,
    taken_on: u64,
    rung: u64,
    orphans: u64,
    deleted: u64,
    damaged: u64,
    vanished: u64,
    foreign: u64,
    failed: u64,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: String,
}

pub(crate) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    if args.status {
        let (value, figures) = look(&api).await?;
        output.answer(&value, &figures.words())?;
        return Ok(());
    }
    let SweepBegun { run } = api.call::<op::BeginSweep>(&[], ()).await?;
    if !args.wait {
        let text = format!("Sweep {run} is going on. `waxseal sweep --status` tells what it finds.");
        output.answer(&serde_json::json!({ "run": run }), &text)?;
        return Ok(());
    }
    let limit = Duration::from_secs(args.timeout);
    let (value, figures) = match tokio::time::timeout(limit, ended(&api, run, output)).await {
        Ok(found) => found?,
        Err(_) => return Err(SweepError::TimedOut { run, seconds: args.timeout }.into()),
    };
    output.answer(&value, &figures.words())?;
    if figures.failed > 0 { Err(SweepError::Incomplete { failed: figures.failed }.into()) } else { Ok(()) }
}

/// The status as it came, and what it says.
async fn look(api: &Api) -> Result<(Value, Figures), Error> {
    let value: Value = api.read(&api.ask(Route::SweepStatus, &[]).await?)?;
    let figures = serde_json::from_value(value.clone());
    let figures =
        figures.map_err(|e| ApiError::Unexpected { origin: api.origin().clone(), reason: e.to_string() })?;
    Ok((value, figures))
}

/// Looks until run `run` has ended.
async fn ended(api: &Api, run: u64, output: Output) -> Result<(Value, Figures), Error> {
    let spinner = output.spinner("Sweeping");
    loop {
        let (mut value, mut figures) = look(api).await?;
        // The next one may have begun already.
        if figures.run > run
            && let Some(before) =
                value.get("before").filter(|it| it.get("run").and_then(Value::as_u64) == Some(run))
        {
            value = before.clone();
            figures = serde_json::from_value(value.clone()).unwrap_or_default();
        }
        if figures.run > run || (figures.run == run && figures.state == "done") {
            spinner.finish_and_clear();
            return Ok((value, figures));
        }
        let held_up =
            figures.fault.as_ref().map(|fault| format!(", held up by {}", crate::output::line(&fault.code)));
        spinner.set_prefix(format!("Sweeping: {} letters{}", figures.listed, held_up.unwrap_or_default()));
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

impl Figures {
    fn words(&self) -> String {
        if self.run == 0 {
            return "There was no sweep yet.".to_owned();
        }
        let how = if self.state == "done" { "took" } else { "is going on since" };
        let mut lines = vec![format!(
            "Sweep {} {how} {:.1} s: {} in the bucket.",
            self.run,
            self.seconds,
            letters(self.listed)
        )];
        let mut say = |number: u64, words: &str| {
            if number > 0 {
                lines.push(format!("  {number:>7}  {words}"));
            }
        };
        say(self.taken_on, "new to the register: they will expire and be deleted in time");
        say(self.rung, "overdue, and asked to do what was due");
        say(self.deleted, "whose objects were deleted: erased, or damaged beyond their time");
        say(self.orphans, "uploads of a body without a manifest, older than seven days: deleted");
        say(self.damaged, "damaged: nobody can open them; see letter_damaged in the edge's log");
        say(self.vanished, "with an object missing before their time; see letter_vanished in the edge's log");
        say(self.foreign, "objects below letters/ that are not Waxseal's: left alone");
        say(self.failed, "failed; the next sweep tries again");
        lines.join("\n")
    }
}

fn letters(number: u64) -> String {
    if number == 1 { "1 letter".to_owned() } else { format!("{number} letters") }
}
