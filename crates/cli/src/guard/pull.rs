//! `waxseal guard pull`: the rules that stand in the store.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use serde_json::json;
use waxseal::types::UnixMillis;

use super::rules_file::{sha256, short};
use super::state::{Standing, State, StateError, text_of};
use super::store::{Store, StoreArgs};
use crate::error::{Coded, Error, USAGE};
use crate::output::{Output, OutputError, line, plain};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard pull --local
  waxseal guard pull -o rules.toml --account ACCOUNT --namespace NAMESPACE
  waxseal guard pull --in-force --local";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write; standard output when missing
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
    /// Print the rules in force, also when others stand in the store
    #[arg(long)]
    in_force: bool,
    #[command(flatten)]
    store: StoreArgs,
}

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
enum PullError {
    /// No rules.
    #[error("{0} has no rules: the defaults are in force, and an empty file says the same")]
    Absent(String),
    /// A file is in the way.
    #[error("{} exists already: choose another name with -o, or add --force to overwrite it", line(&.0.to_string_lossy()))]
    Exists(PathBuf),
    /// It could not be written.
    #[error("{} could not be written: {error}", line(&.path.to_string_lossy()))]
    Write {
        /// As given.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl Coded for PullError {
    fn code(&self) -> &'static str {
        match self {
            Self::Absent(_) => "rules_absent",
            Self::Exists(_) => "file_exists",
            Self::Write { .. } => "file_not_written",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::Exists(_)) { USAGE } else { crate::error::FAILED }
    }
}

pub(super) async fn run(args: &Args, output: Output, _now: UnixMillis) -> Result<(), Error> {
    if let Some(path) = args.output.as_ref().filter(|path| !args.force && path.symlink_metadata().is_ok()) {
        return Err(PullError::Exists(path.clone()).into());
    }
    let store = Store::open(&args.store)?;
    let state = State::load(&store).await?;
    let standing = state.standing();
    let (text, code) = if args.in_force && standing != Standing::InForce {
        if state.status.is_none() {
            return Err(StateError::Silent(store.name()).into());
        }
        let accepted = state.accepted().ok_or(StateError::NeverAccepted)?;
        (text_of(&store, accepted.history).await?, Standing::InForce.code())
    } else {
        let text = state.text.clone().ok_or_else(|| PullError::Absent(store.name()))?;
        match standing {
            Standing::Refused => output.warn(
                "The edge refuses these rules, others are in force: `waxseal guard status` says why, --in-force prints the others.",
            ),
            Standing::Waiting => output.warn("The edge has not looked at these rules yet."),
            Standing::Absent | Standing::InForce => {}
        }
        (text, standing.code())
    };
    let sum = sha256(&text);
    if let Some(path) = &args.output {
        write(path, &text, args.force).map_err(|error| PullError::Write { path: path.clone(), error })?;
        let shown = line(&path.to_string_lossy());
        let value = json!({ "file": shown, "state": code, "sha256": sum });
        output.answer(&value, &format!("The rules are in {shown}, sha256 {}.", short(&sum)))?;
    } else if output.json {
        output.answer(&json!({ "state": code, "sha256": sum, "text": text }), "")?;
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

fn write(path: &std::path::Path, text: &str, replace: bool) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!replace);
    options.open(path)?.write_all(text.as_bytes())
}
