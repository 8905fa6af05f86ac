//! `waxseal guard push`: a rules file into the store, and into force.

use std::path::PathBuf;

use waxseal::guard::review::review;
use waxseal::types::UnixMillis;

use super::rules_file::RulesFile;
use super::state::State;
use super::store::{Store, StoreArgs};
use super::wait::{Order, WaitArgs, put_in_force};
use crate::error::Error;
use crate::output::{Output, line};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard push rules.toml --local
  waxseal guard push rules.toml --account ACCOUNT --namespace NAMESPACE
  waxseal guard push rules.toml --account ACCOUNT --namespace NAMESPACE --no-wait

A file with a fault is refused before anything is changed. The API token comes from the variable
CLOUDFLARE_API_TOKEN. Exit status: 0 when the rules are in force (or, with --no-wait, stored).";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    wait: WaitArgs,
    #[command(flatten)]
    store: StoreArgs,
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let file = RulesFile::read(&args.file)?;
    let checked = file.check(now)?;
    let store = Store::open(&args.store)?;
    for warning in review(&checked.rules, now).warnings {
        output.note(&format!("{}:{}: warning: {}", file.name, warning.line, line(&warning.message)));
    }
    let state = State::load(&store).await?;
    let order = Order { text: &file.text, sha256: &file.sha256(), name: &file.name };
    put_in_force(&store, &state, &order, &args.wait, output, now).await
}
