//! `waxseal guard rollback`: rules that were in force before, in force again.

use waxseal::api::{GuardStatus, RulesRollback, op};

use super::{edge, rules};
use crate::api::Api;
use crate::error::{Coded, Error};
use crate::letter::EdgeArgs;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard rollback --url https://letters.example
  waxseal guard rollback --to 7

Undoes the last push: the rules that were in force before are put back, as a new version. When
rules in KV are refused, those in force are put there instead. A second rollback undoes the first;
to go further back, name a version that `waxseal guard history` shows.";

#[derive(clap::Args)]
pub(crate) struct Args {
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
#[derive(Debug, thiserror::Error)]
enum NothingBefore {
    /// There were rules.
    #[error("there is nothing to go back to: version {0} is in force, and none before it was kept")]
    Oldest(u64),
    /// There were none.
    #[error("no rules were ever accepted: the defaults are in force, and an empty file says the same")]
    Never,
}

impl Coded for NothingBefore {
    fn code(&self) -> &'static str {
        match self {
            Self::Oldest(_) => "history_nothing_before",
            Self::Never => "rules_never_accepted",
        }
    }
}

pub(super) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let (status, _) = edge::ask::<op::Guard>(&api, &[], (), None).await?;
    let version = match args.to {
        Some(version) => version,
        None => before(&api, &status).await?,
    };
    output.note(&format!("Going back to version {version}."));
    let in_force = status.rules.map_or(0, |rules| rules.version);
    let wanted = RulesRollback { version };
    let put = edge::ask::<op::RollBackRules>(&api, &[], wanted, Some(in_force)).await?;
    rules::tell(&format!("Version {version}"), &put, output)
}

/// The version to go back to.
async fn before(api: &Api, status: &GuardStatus) -> Result<u64, Error> {
    let held = status.rules.as_ref();
    if let Some(held) = held.filter(|_| status.refused.is_some()) {
        return Ok(held.version);
    }
    // The same text may be there twice: going back to it would change nothing.
    let (past, _) = edge::ask::<op::RulesHistory>(api, &[], (), None).await?;
    let mut past = past.history.into_iter();
    let found = past.find(|it| held.is_none_or(|held| it.version < held.version && it.sha256 != held.sha256));
    match (found, held) {
        (Some(found), _) => Ok(found.version),
        (None, Some(held)) => Err(NothingBefore::Oldest(held.version).into()),
        (None, None) => Err(NothingBefore::Never.into()),
    }
}
