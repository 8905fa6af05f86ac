//! `waxseal guard diff`: what a rules file would change.

use std::path::PathBuf;

use serde_json::{Value, json};
use waxseal::guard::Rules;
use waxseal::guard::diff::{Change, EntryChange, Facts, RulesDiff, diff};
use waxseal::types::{UnixMillis, UnixSeconds};

use super::rules_file::{RulesFile, sha256};
use super::state::{Standing, State, text_of};
use super::store::{Store, StoreArgs};
use crate::error::{Coded, Error};
use crate::output::{Output, line};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard diff rules.toml --local
  waxseal guard diff rules.toml --account ACCOUNT --namespace NAMESPACE --json

Compares what the rules mean: order, comments and layout do not count. Exit status: 0, changes or not.";

/// So many items of one entry are shown; `--json` has all.
const MOST_SHOWN: usize = 8;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
}

/// Nothing to compare with.
#[derive(Debug, thiserror::Error)]
#[error(
    "the rules in {store} cannot be read by this program, and the edge has not refused them: is this program as new as the edge? {reason}"
)]
struct Unreadable {
    store: String,
    reason: String,
}

impl Coded for Unreadable {
    fn code(&self) -> &'static str {
        "rules_in_store_unreadable"
    }
}

/// What the file is held against.
pub(super) struct Against {
    pub(super) rules: Rules,
    pub(super) sha256: Option<String>,
    /// For people and, as a code, for programs.
    words: String,
    code: &'static str,
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let file = RulesFile::read(&args.file)?;
    let new = file.check(now)?.rules;
    let store = Store::open(&args.store)?;
    let against = Against::find(&State::load(&store).await?, &store, output).await?;
    let found = diff(&against.rules, &new);
    let mut text = vec![format!("{} against {}:", file.name, against.words)];
    if found.is_empty() {
        text = vec![format!("{} changes nothing against {}.", file.name, against.words)];
    }
    text.extend(lines(&found, now));
    let mut value = to_json(&found);
    if let Value::Object(members) = &mut value {
        members.insert("against".to_owned(), json!({ "state": against.code, "sha256": against.sha256 }));
        members.insert("sha256".to_owned(), file.sha256().into());
        members.insert("same".to_owned(), found.is_empty().into());
    }
    output.answer(&value, &text.join("\n"))?;
    Ok(())
}

impl Against {
    /// The rules that stand in the store; when the edge refuses them, those that are in force instead.
    async fn find(state: &State, store: &Store, output: Output) -> Result<Self, Error> {
        let defaults = |words: &str| Self {
            rules: Rules::default(),
            sha256: None,
            words: words.to_owned(),
            code: "defaults",
        };
        let Some(text) = &state.text else { return Ok(defaults("the defaults (the store has no rules)")) };
        let standing = state.standing();
        let parsed = Rules::parse(text);
        if standing == Standing::Refused || (parsed.is_err() && standing == Standing::Waiting) {
            output.warn("The rules in the store cannot be used, so this compares with those in force.");
            let Some(accepted) = state.accepted() else {
                return Ok(defaults("the defaults, which are in force"));
            };
            let text = text_of(store, accepted.history).await?;
            let rules = Rules::parse(&text).map_err(|error| unreadable(store, &error))?;
            let words = format!("the rules in force (number {} of the history)", accepted.history);
            return Ok(Self { rules, sha256: Some(sha256(&text)), words, code: "in_force" });
        }
        let rules = parsed.map_err(|error| unreadable(store, &error))?;
        let words = match standing {
            Standing::Waiting => "the rules in the store, which the edge has not looked at yet",
            _ => "the rules in force",
        };
        Ok(Self { rules, sha256: state.sha256.clone(), words: words.to_owned(), code: standing.code() })
    }
}

fn unreadable(store: &Store, error: &waxseal::guard::RulesError) -> Unreadable {
    let reason = error.diagnostics().first().map(ToString::to_string).unwrap_or_default();
    Unreadable { store: store.name(), reason: line(&reason) }
}

/// `- gone`, `~ changed`, `+ new`, one line each.
pub(super) fn lines(found: &RulesDiff, now: UnixSeconds) -> Vec<String> {
    let settings = found.settings.iter().map(|it| format!("~ {}: {} -> {}", it.name, it.old, it.new));
    settings.chain(found.entries.iter().map(|change| entry_line(change, now))).collect()
}

fn entry_line(it: &EntryChange, now: UnixSeconds) -> String {
    let mut items: Vec<String> = it.items.iter().take(MOST_SHOWN).map(|item| line(item)).collect();
    if it.items.len() > MOST_SHOWN {
        items.push(format!("and {} more", it.items.len() - MOST_SHOWN));
    }
    let what = format!("{} {} {}", it.action.code(), it.subject, items.join(", "));
    match &it.change {
        Change::Removed(facts) => format!("- {what}{}", beside(facts, now)),
        Change::Added(facts) => format!("+ {what} (line {}){}", facts.line, beside(facts, now)),
        Change::Changed { old, new } => {
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

pub(super) fn to_json(found: &RulesDiff) -> Value {
    let settings: Value =
        found.settings.iter().map(|it| json!({ "name": it.name, "old": it.old, "new": it.new })).collect();
    let (mut removed, mut changed, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for it in &found.entries {
        let mut value = json!({ "action": it.action.code(), "subject": it.subject, "items": it.items });
        let (list, parts) = match &it.change {
            Change::Removed(facts) => (&mut removed, facts_json(facts)),
            Change::Added(facts) => (&mut added, facts_json(facts)),
            Change::Changed { old, new } => {
                (&mut changed, json!({ "old": facts_json(old), "new": facts_json(new) }))
            }
        };
        if let (Value::Object(value), Value::Object(parts)) = (&mut value, parts) {
            value.extend(parts);
        }
        list.push(value);
    }
    json!({ "settings": settings, "removed": removed, "changed": changed, "added": added })
}

fn facts_json(facts: &Facts) -> Value {
    json!({
        "line": facts.line,
        "note": facts.note,
        "expires": facts.expires.map(|end| end.0),
        "dry_run": facts.dry_run,
    })
}
