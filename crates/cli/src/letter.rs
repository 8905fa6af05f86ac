//! Which letter a command means, and at which edge: from a UUID, a token or a link.

use serde_json::{Value, json};
use waxseal::api::{Code, LetterState, Operation};
use waxseal::token::{Forgery, Keyring};
use waxseal::types::{LetterId, UnixSeconds};
use zeroize::Zeroizing;

use crate::api::{self, Api, ApiError};
use crate::args::{Edge, KeysFile};
use crate::error::{Error, coded};
use crate::keyring;
use crate::link::{Link, LinkError};
use crate::origin::Origin;
use crate::output::Output;

/// Why it is not known which letter is meant, or where it is.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum LetterError {
    #[error("this is neither a letter's UUID nor a link: {0}")]
    #[strum(to_string = "not_a_letter")]
    NotALetter(String),
    #[error("the token was not made with these keys ({0}): is this the right keyring and the right link?")]
    #[strum(to_string = "token_forged")]
    Forged(Forgery),
    #[error("this calls the edge: say where it is with --url https://letters.example (or WAXSEAL_URL)")]
    #[strum(to_string = "url_missing")]
    NoUrl,
    /// The link leads elsewhere. The key must not follow it.
    #[error(
        "the link leads to {link}, but --url says {url}: the key is only sent to your own edge, so nothing was done"
    )]
    #[strum(to_string = "link_of_another_host")]
    OtherHost { link: Origin, url: Origin },
    #[error("{origin} has no letter {letter}: nothing was done")]
    #[strum(to_string = "letter_unknown")]
    Unknown { origin: Origin, letter: LetterId },
}

coded!(LetterError: usage unless Self::Unknown { .. });

/// The letter that `text` names, and the edge it is at: the one of `--url`, which a link has to agree with.
pub(crate) fn find(
    text: &str,
    edge: &EdgeArgs,
    output: Output,
    now: UnixSeconds,
) -> Result<(LetterId, Api), Error> {
    let keyring = keyring::load(&edge.keys, output)?;
    let (letter, host) = identify(text, &keyring, now)?;
    let url = at(&edge.edge)?;
    if let Some(link) = host.filter(|host| *host != url) {
        return Err(LetterError::OtherHost { link, url }.into());
    }
    Ok((letter, Api::new(url, keyring.active(), edge.edge.retries)?))
}

/// Has the edge do something to a letter. Answers it as JSON too.
pub(crate) async fn change<Op: Operation<Request = (), Response = LetterState>>(
    letter: LetterId,
    api: &Api,
) -> Result<(LetterState, Value), Error> {
    let changed = api
        .call::<Op>(&[&letter.to_string()], ())
        .await
        .map_err(|error| unknown(error, api.origin(), letter))?;
    let answer = json!({ "letter": letter.to_string(), "state": changed.state, "changed": changed.changed });
    Ok((changed, answer))
}

/// The edge of `--url`.
fn at(edge: &Edge) -> Result<Origin, LetterError> {
    edge.url.clone().ok_or(LetterError::NoUrl)
}

/// Where the edge is and how it knows us.
#[derive(clap::Args)]
pub(crate) struct EdgeArgs {
    #[command(flatten)]
    pub(crate) keys: KeysFile,
    #[command(flatten)]
    pub(crate) edge: Edge,
}

impl EdgeArgs {
    /// The client of the API. No call is made.
    pub(crate) fn api(&self, output: Output) -> Result<Api, Error> {
        self.api_with(self.edge.retries, output)
    }

    /// The same with another number of tries.
    pub(crate) fn api_with(&self, retries: u32, output: Output) -> Result<Api, Error> {
        let origin = at(&self.edge)?;
        if let Some(key) = api::issued_key()? {
            return Ok(Api::issued(origin, &key, retries)?);
        }
        let keyring = keyring::load(&self.keys, output)?;
        Ok(Api::new(origin, keyring.active(), retries)?)
    }
}

/// What an error of a call about a letter means: that there is none, or what it says.
pub(crate) fn unknown(error: ApiError, origin: &Origin, letter: LetterId) -> Error {
    match error.is(Code::NoSuchLetter) {
        true => LetterError::Unknown { origin: origin.clone(), letter }.into(),
        false => error.into(),
    }
}

/// The key that a link has behind its `#`, if this is one that has.
pub(crate) fn fragment(text: &str) -> Option<Zeroizing<String>> {
    let link = Link::from_argument(text).ok()?;
    let found = link.find(|_| true).ok()?;
    link.fragment(&found)
}

/// The letter's UUID, from itself or from a token that these keys made; and the host of a link.
fn identify(text: &str, keyring: &Keyring, now: UnixSeconds) -> Result<(LetterId, Option<Origin>), Error> {
    if text != "-" && !Link::looks_like_token(text) {
        let letter = text.parse().map_err(|e| LetterError::NotALetter(format!("{e}")))?;
        return Ok((letter, None));
    }
    let link = Link::from_argument(text)?;
    let genuine = link.find(|token| token.verify(keyring, now).is_ok());
    let found = genuine
        .or_else(|_| link.find(|_| true))
        .map_err(|damage| LetterError::NotALetter(damage.to_string()))?;
    let verified = found.token.verify(keyring, now).map_err(LetterError::Forged)?;
    Ok((verified.letter, link.origin(&found).map_err(LinkError::Origin)?))
}
