use std::path::PathBuf;

use waxseal::types::UnixMillis;

use crate::failure::Failure;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard check rules.toml";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The rules, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn run(_args: &Args, _output: Output, _now: UnixMillis) -> Result<(), Failure> {
    Ok(())
}
