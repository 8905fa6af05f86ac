//! `waxseal guard history`: the rules that were accepted, newest first.

use serde_json::{Value, json};
use waxseal::types::UnixMillis;

use super::rules_file::short;
use super::state::{State, ago, history};
use super::store::{Store, StoreArgs};
use crate::error::Error;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard history --local
  waxseal guard history --account ACCOUNT --namespace NAMESPACE --json

The last 20 are kept.";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let store = Store::open(&args.store)?;
    let past = history(&store).await?;
    let status = State::status(&store).await?;
    let in_force = status.and_then(|status| status.rules).map(|rules| rules.history);
    let mut lines = Vec::new();
    let mut list: Vec<Value> = Vec::new();
    for it in past.iter().rev() {
        let is_in_force = in_force == Some(it.number);
        let when = it.accepted_at.map_or_else(|| "at an unknown time".to_owned(), |at| ago(at, now));
        let sum = it.sha256.as_deref().map_or_else(|| "?".to_owned(), short);
        let mark = if is_in_force { "  in force" } else { "" };
        lines.push(format!("{:>4}  {when}  sha256 {sum}{mark}", it.number));
        list.push(json!({
            "number": it.number,
            "accepted_at": it.accepted_at,
            "sha256": it.sha256,
            "in_force": is_in_force,
        }));
    }
    if lines.is_empty() {
        lines.push(format!("No rules were ever accepted in {}.", store.name()));
    }
    output.answer(&json!({ "history": list }), &lines.join("\n"))?;
    Ok(())
}
