//! `waxseal guard check`: what is wrong in a rules file, or what it amounts to.

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use waxseal::guard::review::{Count, Review, review};
use waxseal::guard::rules::Action;
use waxseal::types::UnixMillis;

use super::rules_file::{FileError, RulesFile, place, short};
use crate::error::{Coded, Error};
use crate::output::{Output, line, size};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard check rules.toml
  make-rules | waxseal guard check - --json

Exit status: 0 when the rules can be used, warnings or not; 1 when they cannot.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The errors are already on standard output.
#[derive(Debug, thiserror::Error)]
#[error("{name} cannot be used: {}; push would be rejected", match .errors { 1 => "1 error".to_owned(), n => format!("{n} errors") })]
struct Unusable {
    name: String,
    errors: usize,
}

impl Coded for Unusable {
    fn code(&self) -> &'static str {
        "rules_invalid"
    }
}

pub(super) fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let (name, diagnostics) = match RulesFile::read(&args.file) {
        Ok(file) => {
            let review = review(&file.checked.rules, now);
            output.answer(&summary_json(&file, &review), &summary(&file, &review))?;
            return Ok(());
        }
        Err(FileError::Bad { name, diagnostics }) => (name, diagnostics),
        Err(error) => return Err(error.into()),
    };
    let lines: Vec<String> = diagnostics.iter().map(|it| place(&name, it)).collect();
    output.answer(&json!({ "file": name, "ok": false, "diagnostics": diagnostics }), &lines.join("\n"))?;
    Err(Unusable { name, errors: diagnostics.len() }.into())
}

fn summary(file: &RulesFile, review: &Review) -> String {
    let checked = &file.checked;
    let mut lines = vec![format!(
        "{} can be used: profile {}, {} as a snapshot, sha256 {}",
        file.name,
        checked.rules.settings.profile.code(),
        size(u64::try_from(checked.snapshot.len()).unwrap_or(u64::MAX)),
        short(&checked.sha256()),
    )];
    for action in [Action::Allow, Action::Deny, Action::Honeypot] {
        let of: Vec<(&str, Count)> = review
            .counts
            .iter()
            .filter(|((a, _), _)| *a == action)
            .map(|((_, s), count)| (*s, *count))
            .collect();
        let entries: usize = of.iter().map(|(_, count)| count.entries).sum();
        let mut items: Vec<String> =
            of.iter().map(|(subject, count)| plural(count.items, named(subject))).collect();
        if action == Action::Honeypot {
            items.push(match review.shipped {
                0 => "the shipped list is off".to_owned(),
                shipped => format!("{shipped} shipped"),
            });
        }
        let items = if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) };
        lines.push(format!("  {:<9} {}{items}", action.code(), plural(entries, ("entry", "entries"))));
    }
    if review.dry_run > 0 {
        lines.push(format!("  dry run   {} of them", review.dry_run));
    }
    if review.expired > 0 {
        lines.push(format!("  ended     {} of them, without effect", review.expired));
    }
    for warning in &review.warnings {
        lines.push(format!("{}:{}: warning: {}", file.name, warning.line, line(&warning.message)));
    }
    lines.join("\n")
}

/// One and several of a subject.
fn named(subject: &str) -> (&'static str, &'static str) {
    match subject {
        "asn" => ("AS", "AS"),
        "country" => ("country", "countries"),
        "agent" => ("agent", "agents"),
        "path" => ("path", "paths"),
        _ => ("network", "networks"),
    }
}

fn plural(count: usize, (one, several): (&str, &str)) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn summary_json(file: &RulesFile, review: &Review) -> Value {
    let checked = &file.checked;
    let mut entries = Map::new();
    for action in [Action::Allow, Action::Deny, Action::Honeypot] {
        let of = review.counts.iter().filter(|((a, _), _)| *a == action);
        let of: Map<String, Value> = of
            .map(|((_, subject), count)| {
                ((*subject).to_owned(), json!({ "entries": count.entries, "items": count.items }))
            })
            .collect();
        entries.insert(action.code().to_owned(), of.into());
    }
    json!({
        "file": file.name,
        "ok": true,
        "sha256": checked.sha256(),
        "profile": checked.rules.settings.profile.code(),
        "entries": entries,
        "shipped_honeypots": review.shipped,
        "dry_run": review.dry_run,
        "expired": review.expired,
        "snapshot_bytes": checked.snapshot.len(),
        "warnings": review.warnings,
    })
}
