//! `waxseal evidence`: what happened to a letter, handed out and verified.
//!
//! Each command has a file of its own with its arguments, its examples and its `run`.

mod certificate;
mod export;
mod input;
mod key;
mod log;
mod status;
mod verify;
mod zip;

use clap::Subcommand;
use waxseal::api::{Code, Operation};
use waxseal::evidence::key::VerifierKey;
use waxseal::types::{LetterId, UnixMillis};

use crate::api::Api;
use crate::error::{Error, coded};
use crate::letter::{EdgeArgs, unknown};
use crate::origin::Origin;
use crate::output::Output;
use crate::runtime;

/// The examples under `waxseal evidence --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal evidence export LETTER -o bundle.zip --url https://letters.example
  waxseal evidence verify bundle.zip --key 'letters.example/log+5883e553+AfqdHh7s...'
  waxseal evidence key --origin letters.example/log";

#[derive(Subcommand)]
pub(crate) enum Evidence {
    /// Verify a bundle or a receipt, offline
    #[command(after_help = verify::EXAMPLES)]
    Verify(Box<verify::Args>),
    /// Download everything that proves what happened to a letter, as one file
    #[command(after_help = export::EXAMPLES)]
    Export(Box<export::Args>),
    /// Make the printable certificate of a bundle
    #[command(after_help = certificate::EXAMPLES)]
    Certificate(Box<certificate::Args>),
    /// Print the public key of the log, to verify with
    #[command(after_help = key::EXAMPLES)]
    Key(key::Args),
    /// Show the state of the evidence log
    #[command(after_help = status::EXAMPLES)]
    Status(EdgeArgs),
}

pub(crate) fn run(command: &Evidence, output: Output, now: UnixMillis) -> Result<(), Error> {
    match command {
        Evidence::Verify(args) => verify::run(args, output),
        Evidence::Export(args) => runtime()?.block_on(export::run(args, output, now)),
        Evidence::Certificate(args) => certificate::run(args, output),
        Evidence::Key(args) => key::run(args, output),
        Evidence::Status(args) => runtime()?.block_on(status::run(args, output, now)),
    }
}

/// A verifier key, for clap. Its error is the evidence's own sentence.
fn verifier(text: &str) -> Result<VerifierKey, String> {
    text.trim().parse().map_err(|error: waxseal::evidence::key::KeyError| error.to_string())
}

/// An older module.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no evidence log: deploy a module that is as new as this program")]
struct NoLog(Origin);

coded!(NoLog = "edge_without_log");

/// Asks about the log, or about this letter.
async fn ask<Op: Operation<Request = ()>>(
    api: &Api,
    letter: Option<LetterId>,
) -> Result<Op::Response, Error> {
    let parts: Vec<String> = letter.iter().map(LetterId::to_string).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    api.call::<Op>(&parts, ()).await.map_err(|error| match letter {
        _ if error.is(Code::NoSuchRoute) => NoLog(api.origin().clone()).into(),
        Some(letter) => unknown(error, api.origin(), letter),
        None => error.into(),
    })
}
