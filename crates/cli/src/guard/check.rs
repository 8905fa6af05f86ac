//! `waxseal guard check`: what is wrong in a rules file, or what it amounts to; and how every command reads one.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use waxseal::guard::review::{Count, Review, review};
use waxseal::guard::rules::{Action, Diagnostic, MAX_RULES_BYTES};
use waxseal::guard::{Checked, SnapshotError, Stored};
use waxseal::types::UnixMillis;

use crate::error::{Error, coded};
use crate::output::{Output, count, line, size};

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
#[error("{name} cannot be used: {}; push would be rejected", count(*.errors as u64, "error"))]
struct Unusable {
    name: String,
    errors: usize,
}

coded!(Unusable = "rules_invalid");

pub(super) fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let (name, diagnostics) = match RulesFile::read(&args.file) {
        Ok(file) => {
            let review = review(&file.checked.rules, now);
            return Ok(output.answer(&summary_json(&file, &review), &summary(&file, &review))?);
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
        size(checked.snapshot.len() as u64),
        short(&checked.sha256()),
    )];
    for action in ACTIONS {
        let entries = of(review, action).map(|(_, it)| it.entries as u64).sum();
        let subject = |subject: &'static str| match subject {
            "asn" => "AS",
            "country" | "agent" | "path" => subject,
            _ => "network",
        };
        let mut items: Vec<String> =
            of(review, action).map(|(what, it)| count(it.items as u64, subject(what))).collect();
        if action == Action::Honeypot {
            items.push(match review.shipped {
                0 => "the shipped list is off".to_owned(),
                shipped => format!("{shipped} shipped"),
            });
        }
        let items = if items.is_empty() { String::new() } else { format!(" ({})", items.join(", ")) };
        lines.push(format!("  {:<9} {}{items}", action.code(), count(entries, "entry")));
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

const ACTIONS: [Action; 3] = [Action::Allow, Action::Deny, Action::Honeypot];

/// What the entries of an action are about, and how many there are.
fn of(review: &Review, action: Action) -> impl Iterator<Item = (&'static str, Count)> {
    let counts = review.counts.iter();
    counts.filter(move |((of, _), _)| *of == action).map(|((_, subject), count)| (*subject, *count))
}

fn summary_json(file: &RulesFile, review: &Review) -> Value {
    let checked = &file.checked;
    let mut entries = Map::new();
    for action in ACTIONS {
        let of = of(review, action)
            .map(|(subject, it)| (subject.to_owned(), json!({ "entries": it.entries, "items": it.items })));
        entries.insert(action.code().to_owned(), of.collect());
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

/// Why there are no rules to work with.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(super) enum FileError {
    #[error("the rules could not be read from {}: {error}", line(&.path.to_string_lossy()))]
    #[strum(to_string = "rules_not_read")]
    Read { path: PathBuf, error: io::Error },
    #[error("{name} cannot be used:{}", .diagnostics.iter().map(|it| format!("\n{}", place(name, it))).collect::<String>())]
    #[strum(to_string = "rules_invalid")]
    Bad { name: String, diagnostics: Vec<Diagnostic> },
    /// Which does not happen.
    #[error("the rules could not be compiled: {0}")]
    #[strum(transparent)]
    NotCompiled(#[from] SnapshotError),
}

coded!(FileError: usage if Self::Read { .. });

/// A rules file that can be used.
pub(super) struct RulesFile {
    /// For messages.
    pub(super) name: String,
    pub(super) checked: Checked,
}

impl RulesFile {
    /// Reads and checks a file, or standard input for `-`.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let from_input = path == Path::new("-");
        let name = if from_input { "standard input".to_owned() } else { line(&path.to_string_lossy()) };
        // More than is allowed, byte order mark or not, so that too much is seen as such.
        let most = MAX_RULES_BYTES as u64 + 4;
        let mut bytes = Vec::new();
        let read = if from_input {
            io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        read.map_err(|error| FileError::Read { path: path.to_owned(), error })?;
        Self::check(name, &bytes)
    }

    /// Checks a text.
    pub(super) fn check(name: String, bytes: &[u8]) -> Result<Self, FileError> {
        match Checked::read(bytes) {
            Ok(checked) => Ok(Self { name, checked }),
            Err(error) => Err(FileError::Bad { name, diagnostics: error.diagnostics().to_vec() }),
        }
    }

    /// Compiled, with no bans.
    pub(super) fn stored(&self) -> Result<Stored, SnapshotError> {
        Stored::new(self.checked.snapshot.clone())
    }
}

/// The beginning of a sum, which is enough for people.
pub(super) fn short(sum: &str) -> String {
    line(&sum.chars().take(12).collect::<String>())
}

/// `FILE:LINE:COLUMN: what is wrong`, which editors jump to.
pub(super) fn place(name: &str, it: &Diagnostic) -> String {
    format!("{name}:{}:{}: {}", it.line, it.column, line(&it.message))
}
