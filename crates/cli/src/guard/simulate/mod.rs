//! `waxseal guard simulate`: an access log replayed against rules.

mod asked;
mod log;
mod replay;
mod report;
mod source;
#[cfg(test)]
mod tests;
mod text;

use std::path::PathBuf;

use serde_json::json;
use waxseal::guard::{Checked, RulesError, SnapshotError};
use waxseal::types::UnixSeconds;

use self::log::{LineError, LogLine};
use self::replay::Simulation;
use self::source::{Next, Source, SourceError};
use super::rules_file::RulesFile;
use crate::args::KeysFile;
use crate::error::{Coded, Error};
use crate::keyring;
use crate::output::Output;
use crate::zone::Zone;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard simulate access.log --keys keyring.json --time-zone Europe/Amsterdam
  waxseal guard simulate access.log.1 access.log --rules rules.toml
  zcat access.log.*.gz | waxseal guard simulate - --rules rules.toml --json

Reads Common and Combined Log Format, and JSON lines of nginx, Caddy and Cloudflare Logpush.
With keys a link is genuine when its signature holds. Without, the logged status tells: a whole
link that was answered with 400 to 404 was forged. Rules about AS numbers and countries need a log
that has them. Bans hold from the next request on; rate limits are left out. No link is shown.";

/// The bar is told after so many lines.
const LINES: u64 = 1_024;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The access logs, replayed in the order of their times, or - for standard input
    #[arg(value_name = "LOG", required = true)]
    logs: Vec<PathBuf>,
    /// The rules; the defaults when missing
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The site's time zone: bans end at its midnight
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: Zone,
    #[command(flatten)]
    keys: KeysFile,
}

/// Why nothing was simulated.
#[derive(Debug, thiserror::Error)]
enum RunError {
    /// The defaults cannot be used, which does not happen.
    #[error("the rules cannot be compiled: {0}")]
    Rules(#[from] RulesError),
    /// What was compiled is not sound, which does not happen either.
    #[error("the rules cannot be compiled: {0}")]
    Snapshot(#[from] SnapshotError),
    /// Not one line was a request.
    #[error(
        "no request could be read from the log: {0}. Known are Common and Combined Log Format and JSON lines"
    )]
    NoRequest(String),
    /// Two things from one place.
    #[error("standard input can be read once: give - either for the log, alone, or for the rules")]
    InputTwice,
}

impl Coded for RunError {
    fn code(&self) -> &'static str {
        match self {
            Self::Rules(error) => error.code(),
            Self::Snapshot(error) => error.code(),
            Self::NoRequest(_) => "log_without_requests",
            Self::InputTwice => "input_twice",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::InputTwice) { crate::error::USAGE } else { crate::error::FAILED }
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Error> {
    let dash = |path: &PathBuf| path.as_os_str() == "-";
    let inputs = args.logs.iter().chain(&args.rules).filter(|path| dash(path)).count();
    if inputs > 1 || (args.logs.len() > 1 && args.logs.iter().any(dash)) {
        return Err(RunError::InputTwice.into());
    }
    let checked = match &args.rules {
        Some(path) => RulesFile::read(path)?.checked,
        None => Checked::read(b"").map_err(RunError::from)?,
    };
    let keyring = keyring::find(&args.keys, output)?;
    let sources = source::open(&args.logs)?;
    let day_end = |now| args.time_zone.day_end(now);
    let mut simulation = Simulation::new(checked.rules.settings, checked.snapshot, keyring.as_ref(), day_end)
        .map_err(RunError::from)?;
    replay(sources, &mut simulation, output)?;
    let report = simulation.report();
    if report.log.requests == 0 {
        let first = report.log.unread_first.first();
        let why = first.map_or_else(|| "it is empty".to_owned(), text::unread);
        return Err(RunError::NoRequest(why).into());
    }
    let against = text::Against {
        rules: args.rules.as_deref().map(|path| path.to_string_lossy().into_owned()),
        time_zone: args.time_zone.name().to_owned(),
    };
    let mut value = serde_json::to_value(&report).unwrap_or_default();
    if let Some(value) = value.as_object_mut() {
        value.insert("rules_file".to_owned(), json!(against.rules));
        value.insert("time_zone".to_owned(), json!(against.time_zone));
    }
    output.answer(&value, &text::text(&report, &against))?;
    Ok(())
}

fn replay<D: Fn(UnixSeconds) -> UnixSeconds>(
    sources: Vec<Source>,
    simulation: &mut Simulation<'_, D>,
    output: Output,
) -> Result<(), SourceError> {
    let total = sources.iter().map(|source| source.length).sum();
    let bar = output.bar("replaying", total);
    let mut buffer = Vec::new();
    for mut source in sources {
        let (mut number, mut bytes) = (0u64, 0u64);
        loop {
            let next = source.next(&mut buffer)?;
            number += 1;
            bytes += u64::try_from(buffer.len()).unwrap_or(0);
            if number.is_multiple_of(LINES) {
                bar.inc(std::mem::take(&mut bytes));
            }
            match next {
                Next::End => break,
                Next::TooLong => simulation.skip(&source.name, number, LineError::LineTooLong),
                Next::Line => {
                    // What is not UTF-8 was not a link either.
                    let line = String::from_utf8_lossy(&buffer);
                    if line.trim().is_empty() {
                        continue;
                    }
                    match LogLine::parse(&line) {
                        Ok(line) => simulation.feed(&line),
                        Err(error) => simulation.skip(&source.name, number, error),
                    }
                }
            }
        }
        bar.inc(bytes);
    }
    bar.finish_and_clear();
    Ok(())
}
