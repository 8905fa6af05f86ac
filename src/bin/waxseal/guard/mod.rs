//! `waxseal guard`: the rules of the guard, where they are kept, and what holds now.
//!
//! Each command has a file of its own with its arguments, its examples and its `run`.

mod check;
mod diff;
mod history;
mod pull;
mod push;
mod rollback;
mod rules_file;
mod state;
mod status;
mod store;
mod wait;

use clap::Subcommand;
use waxseal::types::UnixMillis;

use crate::failure::{Failure, INTERRUPTED};
use crate::output::Output;
use crate::runtime;

/// The examples under `waxseal guard --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal guard check rules.toml
  waxseal guard diff rules.toml --local
  waxseal guard push rules.toml --account ACCOUNT --namespace NAMESPACE
  waxseal guard status --local";

#[derive(Debug, Subcommand)]
pub(crate) enum Guard {
    /// Check a rules file: every fault with its place, and what the rules amount to
    #[command(after_help = check::EXAMPLES)]
    Check(check::Args),
    /// Show what a rules file would change against the rules in the store
    #[command(after_help = diff::EXAMPLES)]
    Diff(diff::Args),
    /// Put a rules file in force
    #[command(after_help = push::EXAMPLES)]
    Push(push::Args),
    /// Print the rules in the store
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
}

pub(crate) fn run(command: &Guard, output: Output, now: UnixMillis) -> Result<(), Failure> {
    match command {
        Guard::Check(args) => check::run(args, output, now),
        Guard::Diff(args) => waiting(diff::run(args, output, now)),
        Guard::Push(args) => waiting(push::run(args, output, now)),
        Guard::Pull(args) => waiting(pull::run(args, output, now)),
        Guard::Rollback(args) => waiting(rollback::run(args, output, now)),
        Guard::History(args) => waiting(history::run(args, output, now)),
        Guard::Status(args) => waiting(status::run(args, output, now)),
    }
}

/// Carries a command out until it is done or somebody presses Ctrl-C, which must not leave files or a wrangler behind.
fn waiting(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    runtime()?.block_on(async {
        tokio::select! {
            done = command => done,
            _ = tokio::signal::ctrl_c() => Err(Failure {
                code: "interrupted",
                message: "interrupted: `waxseal guard status` tells what holds now".to_owned(),
                exit: INTERRUPTED,
            }),
        }
    })
}
