//! `waxseal terms show`: a text, to the byte.

use std::io::{self, Write};

use serde_json::json;
use waxseal::api::op;
use waxseal::seal::Sha256Sum;
use waxseal::site::Terms;

use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, OutputError};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal terms show SHA256 --url https://letters.example
  waxseal terms show SHA256 --url https://letters.example > terms.txt; sha256sum terms.txt

Any text that an envelope of this site ever showed is there. To show an older one again, push it.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The text's SHA-256, as `terms list` and the evidence name it
    #[arg(value_name = "SHA256")]
    sha256: Sha256Sum,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(super) async fn run(args: &Args, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let answer = api.call::<op::ShowTerms>(&[&args.sha256.to_string()], ()).await?;
    if Terms::of(answer.text.clone()).sha256() != &args.sha256.0 {
        let message = "the edge gave a text with another SHA-256: it is not shown";
        return Err(Error::failed("terms_hash", message));
    }
    if output.json {
        output.answer(&json!(answer), "")?;
        return Ok(());
    }
    let mut out = io::stdout().lock();
    out.write_all(answer.text.as_bytes()).and_then(|()| out.flush()).map_err(OutputError::from)?;
    Ok(())
}
