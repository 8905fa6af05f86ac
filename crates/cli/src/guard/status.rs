//! `waxseal guard status`: which rules are in force, and what is refused and why.

use waxseal::api::{GuardStatus, op};
use waxseal::types::UnixMillis;

use super::edge;
use super::rules::{ago, in_force, lines};
use super::rules_file::short;
use crate::error::{Coded, Error};
use crate::letter::EdgeArgs;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard status --url https://letters.example
  waxseal guard status --json

Exit status: 0 when nothing is refused, 1 when rules that somebody put into KV are.";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    edge: EdgeArgs,
}

/// The explanation is already on standard output.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rules in KV are refused, others are in force: correct them and push again, or go back with `waxseal guard rollback`"
)]
struct Refused;

impl Coded for Refused {
    fn code(&self) -> &'static str {
        "rules_refused"
    }
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let api = args.edge.api(output)?;
    let (status, value) = edge::ask::<op::Guard>(&api, &[], (), None).await?;
    let GuardStatus { generation, base, made_at, profile, rules, refused, .. } = status;
    let mut text = in_force(rules.as_ref(), profile, now);
    text.push_str(&format!("\nPublished: generation {generation} over base {base}, {}", ago(made_at, now)));
    if let Some(it) = &refused {
        let since = ago(it.at, now);
        let why = lines(&it.diagnostics);
        text.push_str(&format!(
            "\nRefused: the rules in KV, sha256 {}, since {since}.{why}",
            short(&it.sha256)
        ));
    }
    output.answer(&value, &text)?;
    if refused.is_some() { Err(Refused.into()) } else { Ok(()) }
}
