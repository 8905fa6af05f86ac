//! `waxseal cancel`: nobody can read the letter from the next request on.

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use waxseal::token::{Class, Forgery, Keyring, classify};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

use crate::args::Cancel;
use crate::desk::{Desk, DeskError};
use crate::failure::{Coded, FAILED, Failure, USAGE};
use crate::keyring;
use crate::link::Link;
use crate::origin::Origin;
use crate::output::{Output, line};

/// Why nothing was cancelled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CancelError {
    /// Neither a UUID nor a link.
    #[error("this is neither a letter's UUID nor a link: {0}")]
    NotALetter(String),
    /// The token is not from this keyring.
    #[error("the token was not made with these keys ({0}): is this the right keyring and the right link?")]
    Forged(Forgery),
    /// No edge.
    #[error("this calls the edge: say where it is with --url https://letters.example (or WAXSEAL_URL)")]
    NoUrl,
    /// The link leads elsewhere. The key must not follow it.
    #[error(
        "the link leads to {link}, but --url says {url}: the key is only sent to your own edge, so nothing was cancelled"
    )]
    OtherHost {
        /// From the link.
        link: Origin,
        /// From the option.
        url: Origin,
    },
    /// The edge knows no such letter.
    #[error("{origin} has no letter {letter}: nothing was cancelled")]
    Unknown {
        /// The edge.
        origin: Origin,
        /// The letter.
        letter: LetterId,
    },
}

impl Coded for CancelError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotALetter(_) => "not_a_letter",
            Self::Forged(_) => "token_forged",
            Self::NoUrl => "url_missing",
            Self::OtherHost { .. } => "link_of_another_host",
            Self::Unknown { .. } => "letter_unknown",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::Unknown { .. }) { FAILED } else { USAGE }
    }
}

#[derive(Deserialize)]
struct Cancelled {
    state: String,
    changed: bool,
}

pub(crate) async fn run(args: &Cancel, output: Output, now: UnixMillis) -> Result<(), Failure> {
    let keyring = keyring::load(&args.keys, output)?;
    let (letter, host) = identify(&args.letter, &keyring, now.seconds())?;
    let origin = args.edge.url.clone().ok_or(CancelError::NoUrl)?;
    if let Some(link) = host.filter(|host| *host != origin) {
        return Err(CancelError::OtherHost { link, url: origin }.into());
    }
    let desk = Desk::new(origin.clone(), keyring.active(), args.edge.retries)?;
    let path = format!("/api/v1/letters/{letter}/cancel");
    let reply = desk.call(Method::POST, &path, Some(("application/json", Bytes::from_static(b"{}")))).await?;
    if reply.status == StatusCode::NOT_FOUND {
        return Err(match desk.problem(&reply) {
            DeskError::Problem { .. } => CancelError::Unknown { origin, letter }.into(),
            other => other.into(),
        });
    }
    let cancelled: Cancelled = desk.read(&reply)?;
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
    output.answer(&answer, &text)?;
    Ok(())
}

/// The letter's UUID, from itself or from a token that these keys made; and the host of a link.
fn identify(text: &str, keyring: &Keyring, now: UnixSeconds) -> Result<(LetterId, Option<Origin>), Failure> {
    if text != "-" && !Link::looks_like_token(text) {
        let letter = text.parse().map_err(|e| CancelError::NotALetter(format!("{e}")))?;
        return Ok((letter, None));
    }
    let link = Link::from_argument(text)?;
    match classify(&link.segment, keyring, now) {
        Class::Valid(verified) | Class::Repairable { verified, .. } | Class::Closed(verified) => {
            Ok((verified.letter, link.origin))
        }
        Class::Damaged(damage) => Err(CancelError::NotALetter(damage.to_string()).into()),
        Class::Forged(forgery) => Err(CancelError::Forged(forgery).into()),
    }
}
