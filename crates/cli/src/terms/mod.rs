//! `waxseal terms`: the versions of the terms that envelopes show.
//!
//! Each command has a file of its own with its arguments, its examples and its `run`.

mod list;
mod push;
mod show;

use clap::Subcommand;

use crate::error::Error;
use crate::output::Output;

/// The examples under `waxseal terms --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal terms push en=terms.en.txt nl=terms.nl.txt --url https://letters.example
  waxseal terms list --url https://letters.example
  waxseal terms show SHA256 --url https://letters.example > terms.txt";

#[derive(Subcommand)]
pub(crate) enum Terms {
    /// Store texts and show them on every envelope from now on
    #[command(after_help = push::EXAMPLES)]
    Push(push::Args),
    /// Show which text is current for each language, and what was before
    #[command(after_help = list::EXAMPLES)]
    List(list::Args),
    /// Print a text exactly as it is stored
    #[command(after_help = show::EXAMPLES)]
    Show(show::Args),
}

pub(crate) async fn run(command: &Terms, output: Output) -> Result<(), Error> {
    match command {
        Terms::Push(args) => push::run(args, output).await,
        Terms::List(args) => list::run(args, output).await,
        Terms::Show(args) => show::run(args, output).await,
    }
}
