//! `waxseal guard`: the rules of the guard, what holds now, and what a log says of them.
//!
//! Each file has the arguments and the examples of its commands beside what they do.

mod bans;
mod check;
mod explain;
mod rules;
mod simulate;
mod status;
mod words;

use clap::Subcommand;
use serde_json::Value;
use waxseal::api::{Code, Operation};
use waxseal::guard::rules::Diagnostic;
use waxseal::types::UnixMillis;

use crate::api::{Api, ApiError};
use crate::error::{Error, coded};
use crate::letter::EdgeArgs;
use crate::origin::Origin;
use crate::output::{Output, line};
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
    #[command(after_help = rules::DIFF_EXAMPLES)]
    Diff(rules::Diff),
    /// Put a rules file in force
    #[command(after_help = rules::PUSH_EXAMPLES)]
    Push(rules::Push),
    /// Print the rules in force
    #[command(after_help = rules::PULL_EXAMPLES)]
    Pull(rules::Pull),
    /// Put earlier rules back in force
    #[command(after_help = rules::ROLLBACK_EXAMPLES)]
    Rollback(rules::Rollback),
    /// List the rules that were in force before
    #[command(after_help = rules::HISTORY_EXAMPLES)]
    History(EdgeArgs),
    /// Show which rules are in force, and what is refused and why
    #[command(after_help = status::EXAMPLES)]
    Status(EdgeArgs),
    /// Explain what a client gets, by which rule or ban, since when and until when
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::Args),
    /// Show what rules in dry run would have changed, and how much is held
    #[command(after_help = status::COUNTS_EXAMPLES)]
    Counts(EdgeArgs),
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
    #[command(after_help = status::WATCH_EXAMPLES)]
    Watch(status::Watch),
    /// Replay an access log against rules: who would be banned, honest people first
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(simulate::Args),
}

pub(crate) fn run(command: &Guard, output: Output, now: UnixMillis) -> Result<(), Error> {
    match command {
        Guard::Check(args) => check::run(args, output, now),
        Guard::Diff(args) => runtime()?.block_on(rules::diff(args, output, now)),
        Guard::Push(args) => runtime()?.block_on(rules::push(args, output, now)),
        Guard::Pull(args) => runtime()?.block_on(rules::pull(args, output)),
        Guard::Rollback(args) => runtime()?.block_on(rules::rollback(args, output)),
        Guard::History(args) => runtime()?.block_on(rules::history(args, output, now)),
        Guard::Status(args) => runtime()?.block_on(status::status(args, output, now)),
        Guard::Explain(args) => runtime()?.block_on(explain::run(args, output, now)),
        Guard::Counts(args) => runtime()?.block_on(status::counts(args, output)),
        Guard::Bans(bans::Bans::List(args)) => runtime()?.block_on(bans::list(args, output)),
        Guard::Ban(args) => runtime()?.block_on(bans::ban(args, output, now)),
        Guard::Unban(args) => runtime()?.block_on(bans::unban(args, output)),
        Guard::Watch(args) => runtime()?.block_on(status::watch(args, output)),
        Guard::Simulate(args) => simulate::run(args, output),
    }
}

/// Why the edge's guard was not asked, or did not answer.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
enum EdgeError {
    /// An older module.
    #[error("{0} has no guard that can be asked: deploy a module that is as new as this program")]
    #[strum(to_string = "edge_without_guard")]
    NoGuard(Origin),
    #[error(
        "{0} refuses these rules, although this program can read them: is it older than this program?{1}"
    )]
    #[strum(to_string = "rules_refused")]
    Refused(Origin, String),
    #[error(
        "other rules came into force at {0} meanwhile, and stay: look at them with `waxseal guard diff`, then push again"
    )]
    #[strum(to_string = "rules_changed")]
    Changed(Origin),
    #[error("{0} has no rules of this version: `waxseal guard history` lists those that are kept")]
    #[strum(to_string = "history_unknown")]
    Unknown(Origin),
}

coded!(EdgeError);

/// Asks the guard. Answers also as it came, for programs.
async fn ask<Op: Operation>(
    api: &Api,
    query: &[(&str, &str)],
    request: Op::Request,
    if_version: Option<u64>,
) -> Result<(Op::Response, Value), Error> {
    api.told::<Op>(query, request, if_version).await.map_err(|error| explained(api, error))
}

/// What a problem means here.
fn explained(api: &Api, error: ApiError) -> Error {
    let origin = api.origin().clone();
    match &error {
        ApiError::Problem { problem, .. } if error.is(Code::RulesInvalid) => {
            EdgeError::Refused(origin, diagnostics(&problem.diagnostics)).into()
        }
        _ if error.is(Code::RulesChanged) => EdgeError::Changed(origin).into(),
        _ if error.is(Code::NoSuchRules) => EdgeError::Unknown(origin).into(),
        ApiError::Problem { problem, .. } if problem.status == 404 => EdgeError::NoGuard(origin).into(),
        _ => error.into(),
    }
}

/// Each on a line.
fn diagnostics(found: &[Diagnostic]) -> String {
    let each = found.iter();
    each.map(|it| format!("\n  line {}, column {}: {}", it.line, it.column, line(&it.message))).collect()
}
