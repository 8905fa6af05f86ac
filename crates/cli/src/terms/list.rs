//! `waxseal terms list`: what is current, and what was before.

use serde_json::json;

use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};
use crate::when;
use waxseal::api::{TermsCurrent, TermsList, op};
use waxseal::types::UnixMillis;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal terms list --url https://letters.example
  waxseal terms list --url https://letters.example --json";

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let list = api.call::<op::ListTerms>(&[], ()).await?;
    output.answer(&json!(list), &words(&list))?;
    Ok(())
}

/// The list for people: the current texts, then what became current, newest first.
fn words(list: &TermsList) -> String {
    let at = |at: UnixMillis| when::rfc3339(at.seconds());
    let mut lines = vec!["Shown now:".to_owned()];
    for (tag, TermsCurrent { sha256, since, .. }) in &list.current {
        let source =
            since.map_or_else(|| "the site's own".to_owned(), |since| format!("pushed {}", at(since)));
        lines.push(format!("  {}  {sha256}  {source}", line(tag)));
    }
    if !list.history.is_empty() {
        lines.push("Pushed, newest first:".to_owned());
    }
    let pushed = list.history.iter().rev();
    lines.extend(pushed.map(|it| format!("  {}  {}  {}", it.language, it.sha256, at(it.at))));
    lines.join("\n")
}
