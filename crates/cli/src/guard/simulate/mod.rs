//! `waxseal guard simulate`: an access log replayed against rules.

mod asked;
mod log;
mod replay;
mod report;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::json;

use self::log::LogLine;
use self::replay::Simulation;
use super::check::{FileError, RulesFile};
use crate::args::KeysFile;
use crate::error::{Error, coded};
use crate::keyring;
use crate::output::Output;
use crate::when::Zone;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard simulate access.log --keys keyring.json --time-zone Europe/Amsterdam
  waxseal guard simulate access.log.1 access.log --rules rules.toml
  zcat access.log.*.gz | waxseal guard simulate - --rules rules.toml --json

Reads Common and Combined Log Format, and JSON lines of nginx, Caddy and Cloudflare Logpush.
With keys a link is genuine when its signature holds. Without, the logged status tells: a whole
link that was answered with 400 to 404 was forged. Rules about AS numbers and countries need a log
that has them. Bans hold from the next request on; rate limits are left out. No link is shown.";

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
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
enum RunError {
    #[error(
        "no request could be read from the log: {0}. Known are Common and Combined Log Format and JSON lines"
    )]
    #[strum(to_string = "log_without_requests")]
    NoRequest(String),
    #[error("standard input can be read once: give - either for the log, alone, or for the rules")]
    #[strum(to_string = "input_twice")]
    InputTwice,
}

coded!(RunError: usage if Self::InputTwice);

pub(super) fn run(args: &Args, output: Output) -> Result<(), Error> {
    let dash = |path: &PathBuf| path == Path::new("-");
    let inputs = args.logs.iter().chain(&args.rules).filter(|path| dash(path)).count();
    if inputs > 1 || (args.logs.len() > 1 && args.logs.iter().any(dash)) {
        return Err(RunError::InputTwice.into());
    }
    let rules = match &args.rules {
        Some(path) => RulesFile::read(path)?,
        None => RulesFile::check("the default rules".to_owned(), b"")?,
    };
    let keyring = keyring::find(&args.keys, output)?;
    let length = |path: &PathBuf| path.metadata().ok().filter(|it| it.is_file()).map(|it| it.len());
    let bar = output.bar("replaying", args.logs.iter().map(length).sum());
    let sources = source::open(&args.logs, &bar)?;
    let simulation = Simulation::new(&rules, keyring.as_ref(), |now| args.time_zone.day_end(now));
    let mut simulation = simulation.map_err(FileError::from)?;
    let mut buffer = Vec::new();
    for mut source in sources {
        let mut number = 0;
        while let Some(bytes) = source.next(&mut buffer)? {
            number += 1;
            // What is not UTF-8 was not a link either.
            let line = String::from_utf8_lossy(bytes);
            match LogLine::parse(&line) {
                Ok(line) => simulation.feed(&line),
                Err(_) if line.trim().is_empty() => {}
                Err(error) => simulation.report.skip(&source.name, number, error),
            }
        }
    }
    bar.finish_and_clear();
    let mut report = simulation.finish();
    report.rules_file = args.rules.as_deref().map(|path| path.to_string_lossy().into_owned());
    report.time_zone = args.time_zone.name().to_owned();
    if report.log.requests == 0 {
        let first = report.log.unread_first.first();
        let why = first.map_or_else(|| "it is empty".to_owned(), report::Unread::text);
        return Err(RunError::NoRequest(why).into());
    }
    Ok(output.answer(&json!(report), &report.text())?)
}
