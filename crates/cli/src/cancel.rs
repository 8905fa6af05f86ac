//! `waxseal cancel` and `waxseal withdraw`: nobody can read the letter from the next request on. One is the sender's own wish, the
//! other that of a person who told the sender so, by telephone or at the counter.

use waxseal::api::op;
use waxseal::ledger::{EndReason, State};
use waxseal::types::UnixMillis;

use crate::error::Error;
use crate::letter::{self, EdgeArgs};
use crate::output::{Output, line};

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal cancel 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --url https://letters.example
  waxseal cancel 'https://letters.example/TOKEN' --url https://letters.example";

pub(crate) const WITHDRAW_EXAMPLES: &str = "\
Examples:
  waxseal withdraw 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --url https://letters.example
  waxseal withdraw 'https://letters.example/TOKEN' --url https://letters.example --json

For a person who told you, by telephone or at the counter, that they withdraw their consent. Their
own button on the letter, and their mail program's, do the same. It is on record that it came
through you, and it is final. Exit status: 0 withdrawn or refused, now or earlier; 1 not.";

/// What both take.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The letter's UUID, or its token or link
    #[arg(value_name = "LETTER|LINK")]
    letter: String,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(crate) async fn cancel(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let (letter, api) = letter::find(&args.letter, &args.edge, output, now.seconds())?;
    let (cancelled, answer) = letter::change::<op::CancelLetter>(letter, &api).await?;
    let text = match (cancelled.state.parse(), cancelled.changed) {
        (Ok(EndReason::Cancelled), true) => {
            format!("Letter {letter} is cancelled. Whoever opens its link now is told so.")
        }
        (Ok(EndReason::Cancelled), false) => format!("Letter {letter} was cancelled already."),
        // It ended otherwise before, and stays as it is: that stays on record.
        _ => {
            output.answer(&answer, "")?;
            let state = line(&cancelled.state);
            let message = format!(
                "Letter {letter} was not cancelled: nobody can read it any more, its state is {state}."
            );
            return Err(Error::failed("not_cancelled", message));
        }
    };
    Ok(output.answer(&answer, &text)?)
}

pub(crate) async fn withdraw(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let (letter, api) = letter::find(&args.letter, &args.edge, output, now.seconds())?;
    let (said, answer) = letter::change::<op::WithdrawLetter>(letter, &api).await?;
    let text = match (said.state.parse(), said.changed) {
        (Ok(State::Withdrawn), true) => {
            format!("The consent to letter {letter} is withdrawn. Nobody can read it from now on.")
        }
        (Ok(State::Refused), true) => {
            format!(
                "Nobody had consented to letter {letter}. It is refused, and nobody can read it from now on."
            )
        }
        (Ok(State::Withdrawn | State::Refused), false) => {
            format!("Letter {letter} was already refused or withdrawn.")
        }
        _ => {
            output.answer(&answer, "")?;
            let message = format!(
                "nothing was withdrawn: letter {letter} has no record left to write in, its state is {}",
                line(&said.state)
            );
            return Err(Error::failed("not_withdrawn", message));
        }
    };
    Ok(output.answer(&answer, &text)?)
}
