use waxseal::types::UnixMillis;

use crate::failure::Failure;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard status --local";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    store: super::store::StoreArgs,
}

pub(super) async fn run(_args: &Args, _output: Output, _now: UnixMillis) -> Result<(), Failure> {
    Ok(())
}
