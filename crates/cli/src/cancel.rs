//! `waxseal cancel`: nobody can read the letter from the next request on.

use serde_json::json;
use waxseal::api::op;
use waxseal::types::UnixMillis;

use crate::api::Api;
use crate::args::Cancel;
use crate::error::Error;
use crate::output::{Output, line};
use crate::{keyring, letter};

pub(crate) async fn run(args: &Cancel, output: Output, now: UnixMillis) -> Result<(), Error> {
    let keyring = keyring::load(&args.keys, output)?;
    let (letter, origin) = letter::find(&args.letter, &args.edge, &keyring, now.seconds())?;
    let api = Api::new(origin, keyring.active(), args.edge.retries)?;
    let cancelled = api.call::<op::CancelLetter>(&[&letter.to_string()], ()).await;
    let cancelled = cancelled.map_err(|error| letter::unknown(error, api.origin(), letter))?;
    let answer =
        json!({ "letter": letter.to_string(), "state": cancelled.state, "changed": cancelled.changed });
    let text = match cancelled.state.as_str() {
        "cancelled" if cancelled.changed => {
            format!("Letter {letter} is cancelled. Whoever opens its link now is told so.")
        }
        "cancelled" => format!("Letter {letter} was cancelled already."),
        // It ended otherwise before, and stays as it is.
        other => format!(
            "Letter {letter} was not cancelled: nobody can read it any more, its state is {}.",
            line(other)
        ),
    };
    if cancelled.state == "cancelled" {
        output.answer(&answer, &text)?;
        return Ok(());
    }
    output.answer(&answer, "")?;
    // That stays on record.
    Err(Error::failed("not_cancelled", text))
}
