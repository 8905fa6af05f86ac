//! `waxseal guard`: the rules of the guard, what holds now, and what a log says of them.
//!
//! Each command has a file of its own with its arguments, its examples and its `run`.

mod bans;
mod check;
mod counts;
mod diff;
mod edge;
mod explain;
mod history;
mod pull;
mod push;
mod rollback;
mod rules;
mod rules_file;
mod simulate;
mod status;
mod watch;
mod words;

use clap::Subcommand;
use waxseal::types::UnixMillis;

use crate::error::Error;
use crate::output::Output;
use crate::runtime;

/// The examples under `waxseal guard --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal guard check rules.toml
  waxseal guard diff rules.toml --url https://letters.example
  waxseal guard push rules.toml --url https://letters.example
  waxseal guard explain 192.0.2.7 --url https://letters.example
  waxseal guard simulate access.log --rules rules.toml --keys keyring.json";

#[derive(Subcommand)]
pub(crate) enum Guard {
    /// Check a rules file: every error with its place, and what the rules amount to
    #[command(after_help = check::EXAMPLES)]
    Check(check::Args),
    /// Show what a rules file would change against the rules in force
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::Args),
    /// Put a rules file in force
    #[command(after_help = push::EXAMPLES)]
    Push(push::Args),
    /// Print the rules in force
    #[command(after_help = pull::EXAMPLES)]
    Pull(pull::Args),
    /// Put earlier rules back in force
    #[command(after_help = rollback::EXAMPLES)]
    Rollback(rollback::Args),
    /// List the rules that were in force before
    #[command(after_help = history::EXAMPLES)]
    History(history::Args),
    /// Show which rules are in force, and what is refused and why
    #[command(after_help = status::EXAMPLES)]
    Status(status::Args),
    /// Explain what a client gets, by which rule or ban, since when and until when
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Args),
    /// Show what rules in dry run would have changed, and how much is held
    #[command(after_help = counts::EXAMPLES)]
    Counts(counts::Args),
    /// Show who is banned
    #[command(subcommand, after_help = bans::EXAMPLES)]
    Bans(bans::Bans),
    /// Ban an address or network by hand
    #[command(after_help = bans::BAN_EXAMPLES)]
    Ban(bans::Ban),
    /// Lift the bans of an address or network
    #[command(after_help = bans::UNBAN_EXAMPLES)]
    Unban(bans::Unban),
    /// Print bans as they happen
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::Args),
    /// Replay an access log against rules: who would be banned, honest people first
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(simulate::Args),
}

pub(crate) fn run(command: &Guard, output: Output, now: UnixMillis) -> Result<(), Error> {
    match command {
        Guard::Check(args) => check::run(args, output, now),
        Guard::Diff(args) => runtime()?.block_on(diff::run(args, output, now)),
        Guard::Push(args) => runtime()?.block_on(push::run(args, output, now)),
        Guard::Pull(args) => runtime()?.block_on(pull::run(args, output)),
        Guard::Rollback(args) => runtime()?.block_on(rollback::run(args, output)),
        Guard::History(args) => runtime()?.block_on(history::run(args, output, now)),
        Guard::Status(args) => runtime()?.block_on(status::run(args, output, now)),
        Guard::Explain(args) => runtime()?.block_on(explain::run(args, output, now)),
        Guard::Counts(args) => runtime()?.block_on(counts::run(args, output)),
        Guard::Bans(bans::Bans::List(args)) => runtime()?.block_on(bans::list(args, output)),
        Guard::Ban(args) => runtime()?.block_on(bans::ban(args, output, now)),
        Guard::Unban(args) => runtime()?.block_on(bans::unban(args, output)),
        Guard::Watch(args) => runtime()?.block_on(watch::run(args, output)),
        Guard::Simulate(args) => simulate::run(args, output),
    }
}
