//! `waxseal guard status`: which rules are in force, and what is refused and why.

use serde_json::json;
use waxseal::types::UnixMillis;

use super::rules_file::short;
use super::state::{Standing, State, StateError, ago};
use super::store::{Store, StoreArgs};
use crate::error::{Coded, Error};
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard status --local
  waxseal guard status --account ACCOUNT --namespace NAMESPACE --json

Exit status: 0 when the rules in the store are in force or will soon be looked at, 1 when they are
refused.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

/// The explanation is already on standard output.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rules in the store are refused, others are in force: mend them and push again, or go back with `waxseal guard rollback`"
)]
struct Refused;

impl Coded for Refused {
    fn code(&self) -> &'static str {
        "rules_refused"
    }
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let store = Store::open(&args.store)?;
    let state = State::load(&store).await?;
    let standing = state.standing();
    let Some(status) = &state.status else { return Err(StateError::Silent(store.name()).into()) };
    let mut lines = vec![status.in_force(now)];
    lines.push(format!(
        "Published: generation {} over base {}, as of {}",
        status.generation,
        status.base,
        ago(status.at, now)
    ));
    let waits = standing == Standing::Waiting;
    if let (true, Some(sum)) = (waits, &state.sha256) {
        lines.push(format!(
            "Waiting: other rules stand in the store, sha256 {}, and were not looked at yet.",
            short(sum)
        ));
    }
    // What was refused and has been replaced since is past.
    let refused = status.refused.as_ref().filter(|_| !waits);
    if let Some(refused) = refused {
        lines.push(format!(
            "Refused: the rules in the store, sha256 {}, since {}.{}",
            short(&refused.sha256),
            ago(refused.at, now),
            refused.lines()
        ));
    }
    let value =
        json!({ "rules_in_store": { "state": standing.code(), "sha256": state.sha256 }, "status": status });
    output.answer(&value, &lines.join("\n"))?;
    if refused.is_some() { Err(Refused.into()) } else { Ok(()) }
}
