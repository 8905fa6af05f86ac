//! `waxseal terms list`: what is current, and what was before.

use serde_json::Value;

use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};
use crate::when;
use waxseal::api::Route;

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
    let list = api.read_having(&api.ask(Route::ListTerms, &[]).await?, "current")?;
    output.answer(&list, &words(&list))?;
    Ok(())
}

/// The list for people: the current texts, then what became current, newest first.
fn words(list: &Value) -> String {
    let text = |line: &Value, key: &str| self::line(line.get(key).and_then(Value::as_str).unwrap_or("?"));
    let at = |value: Option<&Value>| {
        value
            .and_then(Value::as_u64)
            .map(|millis| when::rfc3339(waxseal::types::UnixMillis(millis).seconds()))
    };
    let mut lines = vec!["Shown now:".to_owned()];
    for (tag, current) in list.get("current").and_then(Value::as_object).into_iter().flatten() {
        let source = match at(current.get("since")) {
            Some(since) => format!("pushed {since}"),
            None => "the site's own".to_owned(),
        };
        lines.push(format!("  {}  {}  {source}", self::line(tag), text(current, "sha256")));
    }
    let history = list.get("history").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !history.is_empty() {
        lines.push("Pushed, newest first:".to_owned());
    }
    for turn in history.iter().rev() {
        let at = at(turn.get("at")).unwrap_or_default();
        lines.push(format!("  {}  {}  {at}", text(turn, "language"), text(turn, "sha256")));
    }
    lines.join("\n")
}
