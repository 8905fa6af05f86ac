//! `waxseal guard rollback`: rules that were in force before, in force again.

use waxseal::types::UnixMillis;

use super::rules_file::{RulesFile, sha256, short};
use super::state::{Past, Standing, State, StateError, history, text_of};
use super::store::{Store, StoreArgs};
use super::wait::{Order, WaitArgs, put_in_force};
use crate::error::{Coded, Error};
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard rollback --local
  waxseal guard rollback --to 7 --account ACCOUNT --namespace NAMESPACE

Undoes the last push: when the rules in the store are refused or not looked at yet, those in force
are put back; else the ones that were in force before them. A second rollback undoes the first; to
go further back, name a number that `waxseal guard history` shows.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The number in the history; without it the rules before those in the store
    #[arg(long, value_name = "N", value_parser = number)]
    to: Option<u64>,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    store: StoreArgs,
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a number that `waxseal guard history` shows, such as 7".to_owned())
}

/// There is nothing to go back to.
#[derive(Debug, thiserror::Error)]
#[error("there is nothing to go back to: number {0} of the history is in force, and none before it was kept")]
struct NothingBefore(u64);

impl Coded for NothingBefore {
    fn code(&self) -> &'static str {
        "history_nothing_before"
    }
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let store = Store::open(&args.store)?;
    let state = State::load(&store).await?;
    let number = match args.to {
        Some(number) => number,
        None => before(&state, &store).await?,
    };
    let text = text_of(&store, number).await?;
    let name = format!("Number {number} of the history");
    let sum = sha256(&text);
    let file = RulesFile { name: name.clone(), text };
    file.check(now)?;
    output.note(&format!("Going back to number {number} of the history, sha256 {}.", short(&sum)));
    let order = Order { text: &file.text, sha256: &sum, name: &name };
    put_in_force(&store, &state, &order, &args.wait, output, now).await
}

/// The number of the text to go back to.
async fn before(state: &State, store: &Store) -> Result<u64, Error> {
    if state.status.is_none() {
        return Err(StateError::Silent(store.name()).into());
    }
    let accepted = state.accepted().ok_or(StateError::NeverAccepted)?;
    if state.standing() != Standing::InForce {
        return Ok(accepted.history);
    }
    // The same text may be there twice: going back to it would change nothing.
    let other = |past: &Past| past.sha256.as_ref() != Some(&accepted.sha256);
    let past = history(store).await?;
    let before = past.iter().rev().find(|past| past.number < accepted.history && other(past));
    Ok(before.ok_or(NothingBefore(accepted.history))?.number)
}
