//! `waxseal guard push`: a rules file in force.

use std::path::PathBuf;

use waxseal::api::{Text, op};
use waxseal::guard::review::review;
use waxseal::types::UnixMillis;

use super::rules_file::RulesFile;
use super::{edge, rules};
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard push rules.toml --url https://letters.example
  waxseal guard push rules.toml --if-version 7

A file with an error is refused before anything is changed. When somebody else pushes at the same
time, one of the two is refused. `waxseal guard diff` tells before what would change. Exit status:
0 when the rules are in force.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only in place of this version: the one that was pulled, edited, and nobody may have changed since
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let RulesFile { name, checked } = RulesFile::read(&args.file)?;
    for warning in review(&checked.rules, now.seconds()).warnings {
        output.note(&format!("{name}:{}: warning: {}", warning.line, line(&warning.message)));
    }
    let api = args.edge.api(output)?;
    let version = match args.if_version {
        Some(version) => version,
        None => {
            let (status, _) = edge::ask::<op::Guard>(&api, &[], (), None).await?;
            status.rules.map_or(0, |rules| rules.version)
        }
    };
    let put = edge::ask::<op::PutRules>(&api, &[], Text(checked.text), Some(version)).await?;
    rules::tell(&name, &put, output)
}
