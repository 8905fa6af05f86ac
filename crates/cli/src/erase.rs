//! `waxseal erase`: the report and everything personal in the letter's record are destroyed, and that is recorded.

mod customer;
mod near;

pub(crate) use customer::read as reference;
pub(crate) use near::nfc;

use waxseal::api::op;
use waxseal::types::UnixMillis;

use crate::error::{Error, coded};
use crate::letter::{self, EdgeArgs};
use crate::output::Output;

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal erase 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --url https://letters.example
  waxseal erase 'https://letters.example/TOKEN' --url https://letters.example --yes --json
  waxseal erase --customer - --url https://letters.example --yes < reference.txt

A customer's letters go all together: those the edge knows, and later those that it finds. When it
knows none, references that are nearly the same are tried, and those that have letters are named.

What goes: the sealed report, what you said of it, the details of whoever opened it. What stays:
which events there were and when, without anything about a person, so that the evidence still
verifies.

Exit status: 0 erased, now or earlier; 1 not erased, or no letter was known; 2 usage error, or
--yes is missing where nobody can be asked.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The letter's UUID, or its token or link
    #[arg(value_name = "LETTER|LINK", required_unless_present = "customer", conflicts_with = "customer")]
    letter: Option<String>,
    /// Erase every letter that was sealed with this reference for the customer; - reads it from standard input
    #[arg(long, value_name = "REF")]
    customer: Option<String>,
    /// Erase without asking
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// Why nothing was erased.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
enum EraseError {
    #[error("erasing cannot be undone and nobody is here to confirm it: say --yes if it is meant")]
    #[strum(to_string = "confirmation_needed")]
    Unasked,
    #[error("nothing was erased")]
    NotConfirmed,
}

coded!(EraseError: usage if Self::Unasked);

pub(crate) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    if let Some(reference) = &args.customer {
        return customer::run(reference, args, output).await;
    }
    let text = args.letter.as_deref().unwrap_or_default();
    let (letter, api) = letter::find(text, &args.edge, output, now.seconds())?;
    confirm(&format!("letter {letter} at {}", api.origin()), args.yes, output)?;
    let (erased, answer) = letter::change::<op::EraseLetter>(letter, &api).await?;
    let text = if erased.changed {
        format!(
            "Letter {letter} is erased, and that is on record. Whoever opens its link is told that it was deleted."
        )
    } else {
        format!("Letter {letter} was erased already.")
    };
    Ok(output.answer(&answer, &text)?)
}

/// Asks on the terminal whether `what` shall go. Only the whole word `yes` erases.
fn confirm(what: &str, yes: bool, output: Output) -> Result<(), EraseError> {
    if yes {
        return Ok(());
    }
    let question = format!(
        "This erases {what} for good.\n\
         Goes:  the sealed report and what you said of it; addresses, browsers and messages of whoever opened it.\n\
         Stays: which events there were and when, without anything about a person. The evidence still verifies.\n\
         Your own copies of the report, and bundles that you exported, are yours to delete.\n\
         Erase it?"
    );
    match output.ask(&question) {
        None => Err(EraseError::Unasked),
        Some(false) => Err(EraseError::NotConfirmed),
        Some(true) => Ok(()),
    }
}
