//! `waxseal guard push`, `pull`, `diff`, `rollback` and `history`: the rules at the edge.

use std::fs::OpenOptions;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use serde_json::{Value, json};
use waxseal::api::{GuardStatus, RulesPut, RulesRollback, RulesText, RulesVersion, Text, op};
use waxseal::guard::Profile;
use waxseal::guard::diff::{EntryChange, Facts, RulesDiff};
use waxseal::guard::review::review;
use waxseal::types::{UnixMillis, UnixSeconds};

use super::ask;
use super::check::{RulesFile, short};
use crate::api::Api;
use crate::error::{Error, coded};
use crate::letter::EdgeArgs;
use crate::origin::Origin;
use crate::output::{Output, OutputError, count, line, plain};
use crate::secret::FileError;
use crate::{clock, when};

pub(super) const PUSH_EXAMPLES: &str = "\
Examples:
  waxseal guard push rules.toml --url https://letters.example
  waxseal guard push rules.toml --if-version 7

A file with an error is refused before anything is changed. When somebody else pushes at the same
time, one of the two is refused. `waxseal guard diff` tells before what would change. Exit status:
0 when the rules are in force.";

#[derive(clap::Args)]
pub(crate) struct Push {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only in place of this version: the one that was pulled, edited, and nobody may have changed since
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn push(args: &Push, output: Output, now: UnixMillis) -> Result<(), Error> {
    let RulesFile { name, checked } = RulesFile::read(&args.file)?;
    for warning in review(&checked.rules, now.seconds()).warnings {
        output.note(&format!("{name}:{}: warning: {}", warning.line, line(&warning.message)));
    }
    let api = args.edge.api(output)?;
    let version = match args.if_version {
        Some(version) => version,
        None => {
            let (status, _) = ask::<op::Guard>(&api, &[], (), None).await?;
            status.rules.map_or(0, |rules| rules.version)
        }
    };
    let put = ask::<op::PutRules>(&api, &[], Text(checked.text), Some(version)).await?;
    tell(&name, &put, output)
}

pub(super) const PULL_EXAMPLES: &str = "\
Examples:
  waxseal guard pull --url https://letters.example
  waxseal guard pull -o rules.toml --version 7";

#[derive(clap::Args)]
pub(crate) struct Pull {
    /// The file to write; standard output when missing
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
    /// Those of this version, which `waxseal guard history` shows
    #[arg(long, value_name = "N")]
    version: Option<u64>,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// The edge has none.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no rules: the defaults are in force, and an empty file says the same")]
struct Absent(Origin);

coded!(Absent = "rules_absent");

pub(super) async fn pull(args: &Pull, output: Output) -> Result<(), Error> {
    if let Some(path) = args.output.as_ref().filter(|path| !args.force && path.symlink_metadata().is_ok()) {
        return Err(FileError::Exists(path.clone()).into());
    }
    let api = args.edge.api(output)?;
    let number = args.version.map(|version| version.to_string());
    let query: Vec<_> = number.iter().map(|number| ("version", number.as_str())).collect();
    let (RulesText { version, text }, _) = ask::<op::ShowRules>(&api, &query, (), None).await?;
    if version == 0 {
        return Err(Absent(api.origin().clone()).into());
    }
    if let Some(path) = &args.output {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).create_new(!args.force);
        let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(FileError::at(path))?;
        let shown = line(&path.to_string_lossy());
        let value = json!({ "file": shown, "version": version });
        output.answer(&value, &format!("Version {version} of the rules is in {shown}."))?;
    } else if output.json {
        output.answer(&json!({ "version": version, "text": text }), "")?;
    } else {
        print(&text).map_err(OutputError::from)?;
    }
    Ok(())
}

/// Byte for byte into a pipe or file. A terminal gets nothing that could drive it, but for line breaks and tabs.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if out.is_terminal() {
        let shown: Vec<String> = text.split('\t').map(plain).collect();
        writeln!(out, "{}", shown.join("\t").trim_end_matches('\n'))?;
    } else {
        out.write_all(text.as_bytes())?;
    }
    out.flush()
}

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  waxseal guard diff rules.toml --url https://letters.example
  waxseal guard diff rules.toml --json

Compares what the rules mean: order, comments and layout do not count.
Exit status: 0, changes or not.";

/// So many items of one entry are shown; `--json` has all.
const MAX_SHOWN: usize = 8;

#[derive(clap::Args)]
pub(crate) struct Diff {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn diff(args: &Diff, output: Output, now: UnixMillis) -> Result<(), Error> {
    let RulesFile { name, checked } = RulesFile::read(&args.file)?;
    let api = args.edge.api(output)?;
    let dry_run = [("dry_run", "true")];
    let (put, value) = ask::<op::PutRules>(&api, &dry_run, Text(checked.text), None).await?;
    let against = if put.version == 0 { "the defaults" } else { "the rules in force" };
    let mut text = vec![format!("{name} against {against}:")];
    if put.diff.is_empty() {
        text = vec![format!("{name} changes nothing against {against}.")];
    }
    text.extend(changes(&put.diff, now.seconds()));
    Ok(output.answer(&value, &text.join("\n"))?)
}

/// `- gone`, `~ changed`, `+ new`, one line each.
fn changes(found: &RulesDiff, now: UnixSeconds) -> Vec<String> {
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

pub(super) const ROLLBACK_EXAMPLES: &str = "\
Examples:
  waxseal guard rollback --url https://letters.example
  waxseal guard rollback --to 7

Undoes the last push: the rules that were in force before are put back, as a new version. When
rules in KV are refused, those in force are put there instead. A second rollback undoes the first;
to go further back, name a version that `waxseal guard history` shows.";

#[derive(clap::Args)]
pub(crate) struct Rollback {
    /// The version; without it the one before that in force
    #[arg(long, value_name = "N", value_parser = version)]
    to: Option<u64>,
    #[command(flatten)]
    edge: EdgeArgs,
}

fn version(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "expected a version that `waxseal guard history` shows, such as 7".to_owned())
}

/// There is nothing to go back to.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
enum NothingBefore {
    #[error("there is nothing to go back to: version {0} is in force, and none before it was kept")]
    #[strum(to_string = "history_nothing_before")]
    Oldest(u64),
    #[error("no rules were ever accepted: the defaults are in force, and an empty file says the same")]
    #[strum(to_string = "rules_never_accepted")]
    Never,
}

coded!(NothingBefore);

pub(super) async fn rollback(args: &Rollback, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let (status, _) = ask::<op::Guard>(&api, &[], (), None).await?;
    let version = match args.to {
        Some(version) => version,
        None => before(&api, &status).await?,
    };
    output.note(&format!("Going back to version {version}."));
    let in_force = status.rules.map_or(0, |rules| rules.version);
    let wanted = RulesRollback { version };
    let put = ask::<op::RollBackRules>(&api, &[], wanted, Some(in_force)).await?;
    tell(&format!("Version {version}"), &put, output)
}

/// The version to go back to.
async fn before(api: &Api, status: &GuardStatus) -> Result<u64, Error> {
    let held = status.rules.as_ref();
    if let Some(held) = held.filter(|_| status.refused.is_some()) {
        return Ok(held.version);
    }
    // The same text may be there twice: going back to it would change nothing.
    let (past, _) = ask::<op::RulesHistory>(api, &[], (), None).await?;
    let mut past = past.history.into_iter();
    let found = past.find(|it| held.is_none_or(|held| it.version < held.version && it.sha256 != held.sha256));
    match (found, held) {
        (Some(found), _) => Ok(found.version),
        (None, Some(held)) => Err(NothingBefore::Oldest(held.version).into()),
        (None, None) => Err(NothingBefore::Never.into()),
    }
}

pub(super) const HISTORY_EXAMPLES: &str = "\
Examples:
  waxseal guard history --url https://letters.example
  waxseal guard history --json

The last 20 are kept.";

pub(super) async fn history(args: &EdgeArgs, output: Output, now: UnixMillis) -> Result<(), Error> {
    let api = args.api(output)?;
    let (past, value) = ask::<op::RulesHistory>(&api, &[], (), None).await?;
    let each = past.history.iter().map(|RulesVersion { version, sha256, accepted_at, .. }| {
        let mark = if *version == past.version { "  in force" } else { "" };
        format!("{version:>4}  {}  sha256 {}{mark}", when::full(*accepted_at, now.seconds()), short(sha256))
    });
    let mut lines: Vec<String> = each.collect();
    if lines.is_empty() {
        lines.push(format!("No rules were ever accepted at {}.", api.origin()));
    }
    Ok(output.answer(&value, &lines.join("\n"))?)
}

/// Tells that rules of this name are in force.
fn tell(name: &str, (put, value): &(RulesPut, Value), output: Output) -> Result<(), Error> {
    let already = if put.unchanged { " already; nothing was changed" } else { "" };
    let holds = in_force(put.rules.as_ref(), put.profile, clock::now().seconds());
    Ok(output.answer(value, &format!("{name} is in force{already}.\n{holds}"))?)
}

/// What is in force, in a line or two.
pub(super) fn in_force(rules: Option<&RulesVersion>, profile: Profile, now: UnixSeconds) -> String {
    let profile = profile.code();
    match rules {
        None => format!("In force: the defaults, profile {profile}."),
        Some(RulesVersion { version, sha256, accepted_at, entries }) => format!(
            "In force: {}, profile {profile}, since {}.\n  version {version}, sha256 {}",
            count(*entries as u64, "entry"),
            when::full(*accepted_at, now),
            short(sha256),
        ),
    }
}
