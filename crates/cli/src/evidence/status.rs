//! `waxseal evidence status`: the state of the log.

use serde_json::Value;
use waxseal::api::Route;
use waxseal::types::{UnixMillis, UnixSeconds};

use super::edge::{self, LogStatus};
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal evidence status --url https://letters.example
  waxseal evidence status --url https://letters.example --json

Exit status: 0 the log grows, 1 something keeps it from growing.";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let reply = api.ask(Route::Log, &[]).await?;
    let value: Value = edge::read(&api, &reply)?;
    let status: LogStatus = api.read(&reply)?;
    output.answer(&value, &words(&status, now))?;
    match status.fault {
        None => Ok(()),
        Some(fault) => Err(Error::failed(
            "log_stuck",
            format!(
                "the log does not grow ({}): letters go on being served, and their events wait. The edge's log lines say more",
                line(&fault.code)
            ),
        )),
    }
}

fn words(status: &LogStatus, now: UnixMillis) -> String {
    let ago = |at: u64| when::distance(UnixSeconds(at / 1000), now.seconds());
    let mut lines = vec![
        format!("Log         {}", line(&status.origin)),
        format!("Entries     {}", status.size),
        format!("Signed      {}", status.signed.map_or_else(|| "nothing yet".to_owned(), ago)),
        format!("Waiting     {}", status.pending),
    ];
    lines.extend(status.vkey.iter().map(|key| format!("Key         {}", line(key))));
    for witness in &status.witnesses {
        let seen = match (witness.size, witness.at) {
            (Some(size), Some(at)) => format!("saw {size} entries {}", ago(at.saturating_mul(1000))),
            _ => "has seen nothing yet".to_owned(),
        };
        let fault = witness.fault.as_deref().map(|fault| format!("; {}", line(fault))).unwrap_or_default();
        lines.push(format!("Witness     {}: {seen}{fault}", line(&witness.name)));
    }
    if let Some(fault) = &status.fault {
        lines.push(format!("Fault       {}, {}", line(&fault.code), ago(fault.at)));
    }
    lines.join("\n")
}
