//! `waxseal guard diff`: what a rules file would change.

use std::path::PathBuf;

use waxseal::api::{Text, op};
use waxseal::guard::diff::{EntryChange, Facts, RulesDiff};
use waxseal::types::{UnixMillis, UnixSeconds};

use super::edge;
use super::rules_file::RulesFile;
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard diff rules.toml --url https://letters.example
  waxseal guard diff rules.toml --json

Compares what the rules mean: order, comments and layout do not count.
Exit status: 0, changes or not.";

/// So many items of one entry are shown; `--json` has all.
const MAX_SHOWN: usize = 8;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let RulesFile { name, checked } = RulesFile::read(&args.file)?;
    let api = args.edge.api(output)?;
    let dry_run = [("dry_run", "true")];
    let (put, value) = edge::ask::<op::PutRules>(&api, &dry_run, Text(checked.text), None).await?;
    let against = if put.version == 0 { "the defaults" } else { "the rules in force" };
    let mut text = vec![format!("{name} against {against}:")];
    if put.diff.is_empty() {
        text = vec![format!("{name} changes nothing against {against}.")];
    }
    text.extend(lines(&put.diff, now.seconds()));
    output.answer(&value, &text.join("\n"))?;
    Ok(())
}

/// `- gone`, `~ changed`, `+ new`, one line each.
fn lines(found: &RulesDiff, now: UnixSeconds) -> Vec<String> {
    let settings = found
        .settings
        .iter()
        .map(|it| format!("~ {}: {} -> {}", line(&it.name), line(&it.old), line(&it.new)));
    settings.chain(found.entries.iter().map(|change| entry_line(change, now))).collect()
}

fn entry_line(it: &EntryChange, now: UnixSeconds) -> String {
    let mut items: Vec<String> = it.items.iter().take(MAX_SHOWN).map(|item| line(item)).collect();
    if it.items.len() > MAX_SHOWN {
        items.push(format!("and {} more", it.items.len() - MAX_SHOWN));
    }
    let what = format!("{} {} {}", it.action.code(), line(&it.subject), items.join(", "));
    match (&it.old, &it.new) {
        (Some(old), Some(new)) => {
            let mut changes = Vec::new();
            if old.note != new.note {
                changes.push(format!("note {} -> {}", quoted(&old.note), quoted(&new.note)));
            }
            if old.expires != new.expires {
                changes.push(format!("expires {} -> {}", end(old.expires, now), end(new.expires, now)));
            }
            if old.dry_run != new.dry_run {
                changes.push(format!("dry_run {} -> {}", old.dry_run, new.dry_run));
            }
            format!("~ {what} (line {}): {}", new.line, changes.join(", "))
        }
        (Some(old), None) => format!("- {what}{}", beside(old, now)),
        (None, Some(new)) => format!("+ {what} (line {}){}", new.line, beside(new, now)),
        (None, None) => what,
    }
}

fn beside(facts: &Facts, now: UnixSeconds) -> String {
    let mut text = String::new();
    if facts.dry_run {
        text.push_str(", dry run");
    }
    if facts.expires.is_some() {
        text.push_str(&format!(", expires {}", end(facts.expires, now)));
    }
    if !facts.note.is_empty() {
        text.push_str(&format!(", {}", quoted(&facts.note)));
    }
    text
}

fn quoted(note: &str) -> String {
    format!("\"{}\"", line(note))
}

fn end(expires: Option<UnixSeconds>, now: UnixSeconds) -> String {
    match expires {
        None => "never".to_owned(),
        Some(end) if end <= now => format!("{} (past)", when::rfc3339(end)),
        Some(end) => when::rfc3339(end),
    }
}
