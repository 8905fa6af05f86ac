//! `waxseal guard counts`: what rules in dry run would have changed, and how much the sentinels hold.

use super::edge;
use super::words;
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};
use crate::when;
use waxseal::api::{SentinelStatus, op};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard counts --url https://letters.example
  waxseal guard counts --json

What is counted begins anew with every rules file that is accepted.";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let (counts, whole) = edge::ask::<op::Guard>(&api, &[], (), None).await?;
    let sum = |of: fn(&SentinelStatus) -> usize| {
        counts.sentinels.iter().map(of).fold(0u64, |sum, more| sum.saturating_add(more as u64))
    };
    let mut lines = vec![format!(
        "{} and {} banned until {}; {} with points. Snapshot {}.",
        words::count(sum(|it| it.banned), "client"),
        words::count(sum(|it| it.networks), "network"),
        when::words(counts.day_ends_at),
        sum(|it| it.watched),
        counts.generation,
    )];
    if counts.dry_run.is_empty() {
        lines.push("Nothing in dry run would have changed an answer.".to_owned());
    } else {
        lines.push("In dry run, since these rules were accepted:".to_owned());
    }
    lines.extend(counts.dry_run.iter().map(|it| {
        let place = it.line.map(|line| format!("line {line}, ")).unwrap_or_default();
        let (what, why) = (words::count(it.requests, "request"), words::reason(&it.reason));
        format!("  {what}: {} instead of {}, by {place}{why}", line(&it.would), line(&it.now))
    }));
    output.answer(&whole, &lines.join("\n"))?;
    Ok(())
}
