//! `waxseal guard pull`: the rules in force, or those of an earlier version.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use serde_json::json;
use waxseal::api::{RulesText, op};

use super::edge;
use crate::error::{Coded, Error, USAGE};
use crate::letter::EdgeArgs;
use crate::origin::Origin;
use crate::output::{Output, OutputError, line, plain};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard pull --url https://letters.example
  waxseal guard pull -o rules.toml --version 7";

#[derive(clap::Args)]
pub(crate) struct Args {
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

/// Why nothing was pulled.
#[derive(Debug, thiserror::Error)]
enum PullError {
    /// No rules.
    #[error("{0} has no rules: the defaults are in force, and an empty file says the same")]
    Absent(Origin),
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

pub(super) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    if let Some(path) = args.output.as_ref().filter(|path| !args.force && path.symlink_metadata().is_ok()) {
        return Err(PullError::Exists(path.clone()).into());
    }
    let api = args.edge.api(output)?;
    let number = args.version.map(|version| version.to_string());
    let query: Vec<_> = number.iter().map(|number| ("version", number.as_str())).collect();
    let (RulesText { version, text }, _) = edge::ask::<op::ShowRules>(&api, &query, (), None).await?;
    if version == 0 {
        return Err(PullError::Absent(api.origin().clone()).into());
    }
    if let Some(path) = &args.output {
        write(path, &text, args.force).map_err(|error| PullError::Write { path: path.clone(), error })?;
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

fn write(path: &std::path::Path, text: &str, replace: bool) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!replace);
    options.open(path)?.write_all(text.as_bytes())
}
