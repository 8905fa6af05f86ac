//! `waxseal withdraw`: a person told the sender that they withdraw their consent, by telephone or at the counter.

use serde_json::json;
use waxseal::api::op;
use waxseal::types::UnixMillis;

use crate::api::Api;
use crate::args::{Edge, KeysFile};
use crate::error::Error;
use crate::output::{Output, line};
use crate::{keyring, letter};

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal withdraw 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --url https://letters.example
  waxseal withdraw 'https://letters.example/TOKEN' --url https://letters.example --json

For a person who told you, by telephone or at the counter, that they withdraw their consent. Their
own button on the letter, and their mail program's, do the same. It is on record that it came
through you, and it is final. Exit status: 0 withdrawn or refused, now or earlier; 1 not.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The letter's UUID, or its token or link
    #[arg(value_name = "LETTER|LINK")]
    letter: String,
    #[command(flatten)]
    keys: KeysFile,
    #[command(flatten)]
    edge: Edge,
}

pub(crate) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let keyring = keyring::load(&args.keys, output)?;
    let (letter, origin) = letter::find(&args.letter, &args.edge, &keyring, now.seconds())?;
    let api = Api::new(origin, keyring.active(), args.edge.retries)?;
    let said = api.call::<op::WithdrawLetter>(&[&letter.to_string()], ()).await;
    let said = said.map_err(|error| letter::unknown(error, api.origin(), letter))?;
    let answer = json!({ "letter": letter.to_string(), "state": said.state, "changed": said.changed });
    let text = match said.state.as_str() {
        "withdrawn" if said.changed => {
            format!("The consent to letter {letter} is withdrawn. Nobody can read it from now on.")
        }
        "refused" if said.changed => {
            format!(
                "Nobody had consented to letter {letter}. It is refused, and nobody can read it from now on."
            )
        }
        "withdrawn" | "refused" => format!("Letter {letter} was already refused or withdrawn."),
        other => {
            output.answer(&answer, "")?;
            let message = format!(
                "nothing was withdrawn: letter {letter} has no record left to write in, its state is {}",
                line(other)
            );
            return Err(Error::failed("not_withdrawn", message));
        }
    };
    output.answer(&answer, &text)?;
    Ok(())
}
