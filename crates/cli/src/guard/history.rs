//! `waxseal guard history`: the rules that were in force, newest first.

use waxseal::api::{RulesVersion, op};
use waxseal::types::UnixMillis;

use super::edge;
use super::rules::ago;
use super::rules_file::short;
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard history --url https://letters.example
  waxseal guard history --json

The last 20 are kept.";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let (past, value) = edge::ask::<op::RulesHistory>(&api, &[], (), None).await?;
    let each = past.history.iter().map(|RulesVersion { version, sha256, accepted_at, .. }| {
        let mark = if *version == past.version { "  in force" } else { "" };
        format!("{version:>4}  {}  sha256 {}{mark}", ago(*accepted_at, now.seconds()), short(sha256))
    });
    let mut lines: Vec<String> = each.collect();
    if lines.is_empty() {
        lines.push(format!("No rules were ever accepted at {}.", api.origin()));
    }
    output.answer(&value, &lines.join("\n"))?;
    Ok(())
}
