//! What the edge says about a letter, and the three calls a reader makes.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, IF_RANGE, RANGE, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;
use waxseal::seal::{KeyCheck, Mode};
use zeroize::Zeroizing;

use super::envelope::closed;
use super::errors::OpenError;
use crate::error::chain;
use crate::http::{Retry, retry_after, worth_retrying};
use crate::origin::Origin;
use crate::output::line;

/// No answer in JSON is longer; terms in full are a few kilobytes.
const MAX_JSON_BYTES: usize = 1 << 20;

/// `GET /TOKEN` in JSON.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LetterStatus {
    pub(super) state: PageState,
    pub(super) closed: String,
    pub(super) sender: Sender,
    pub(super) subject: String,
    pub(super) expires_at: u64,
    /// On the envelope.
    pub(super) mode: Option<Mode>,
    /// Which key opens an end-to-end letter: some that were sealed by others do not say.
    pub(super) key_check: Option<KeyCheck>,
    pub(super) terms: Terms,
    pub(super) nonce: String,
    pub(super) letter: Option<Letter>,
}

/// Which page it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PageState {
    Envelope,
    Letter,
    Closed,
    #[default]
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sender {
    pub(super) name: String,
    pub(super) contact: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Terms {
    pub(super) sha256: String,
    pub(super) text: String,
}

/// The facts of an opened letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Letter {
    pub(super) mode: Mode,
    pub(super) media_type: String,
    pub(super) file_name: String,
    pub(super) length: u64,
    pub(super) body_length: u64,
    pub(super) record_size: u32,
    pub(super) sha256: String,
    pub(super) etag: String,
}

impl LetterStatus {
    /// Whether a later try may be answered otherwise.
    fn is_temporary(&self) -> bool {
        matches!(self.closed.as_str(), "unavailable" | "busy")
    }
}

impl Letter {
    /// Bytes that come over the wire.
    pub(super) fn wire_length(&self) -> u64 {
        if self.mode == Mode::EndToEnd { self.body_length } else { self.length }
    }
}

/// One reader at one letter.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) origin: Origin,
    pub(super) token: Zeroizing<String>,
    /// The proof of this reader's consent, a secret.
    pub(super) cookie: Option<Zeroizing<String>>,
    pub(super) retries: u32,
}

/// What came of one call, for the loop that tries again.
pub(super) enum Outcome {
    Done(StatusCode, HeaderMap, Bytes),
    Retry(Option<Duration>, OpenError),
}

impl Session {
    fn headers(&self, accept: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        if let Some(mut value) = self.cookie.as_ref().and_then(|c| HeaderValue::from_str(c).ok()) {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        headers
    }

    fn url(&self, rest: &str) -> url::Url {
        self.origin.at(&format!("/{}{rest}", *self.token))
    }

    pub(super) fn unexpected(&self, reason: impl Into<String>) -> OpenError {
        OpenError::Unexpected { origin: self.origin.clone(), reason: reason.into() }
    }

    pub(super) fn unreachable(&self, error: reqwest::Error) -> OpenError {
        OpenError::Unreachable { origin: self.origin.clone(), reason: chain(&error.without_url()) }
    }

    /// Where the letter stands.
    pub(super) async fn ask(&self) -> Result<LetterStatus, OpenError> {
        let (status, _, body) = self.send(|| self.client.get(self.url(""))).await?;
        self.read(status, &body)
    }

    /// Sends until there is an answer that will not be another one in a moment.
    async fn send(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<(StatusCode, HeaderMap, Bytes), OpenError> {
        let mut retry = Retry::new(self.retries);
        loop {
            let outcome = match request().headers(self.headers("application/json")).send().await {
                Ok(response) => self.outcome(response).await?,
                Err(error) => Outcome::Retry(None, self.unreachable(error)),
            };
            match outcome {
                Outcome::Done(status, headers, body) => return Ok((status, headers, body)),
                Outcome::Retry(wait, error) if !retry.pause(wait).await => return Err(error),
                Outcome::Retry(..) => {}
            }
        }
    }

    /// Reads an answer. What it says of the letter counts, whatever the status: a damaged letter is not tried
    /// again, and a busy edge is.
    pub(super) async fn outcome(&self, response: Response) -> Result<Outcome, OpenError> {
        let (status, headers) = (response.status(), response.headers().clone());
        let wait = retry_after(&headers);
        let body = match self.body(response).await {
            // What a redirect says beside its headers is of no use.
            _ if status.is_redirection() => Bytes::new(),
            Ok(body) => body,
            Err(error @ OpenError::Unreachable { .. }) => return Ok(Outcome::Retry(wait, error)),
            Err(error) => return Err(error),
        };
        let again = match closed_status(&body) {
            Some(answer) => answer.is_temporary(),
            None => worth_retrying(status),
        };
        if again {
            let error = OpenError::Unavailable { origin: self.origin.clone(), status: status.as_u16() };
            return Ok(Outcome::Retry(wait, error));
        }
        Ok(Outcome::Done(status, headers, body))
    }

    async fn body(&self, mut response: Response) -> Result<Bytes, OpenError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.unreachable(e))? {
            if body.len() + chunk.len() > MAX_JSON_BYTES {
                return Err(self.unexpected("an answer of more than 1 MiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.into())
    }

    fn read(&self, status: StatusCode, body: &[u8]) -> Result<LetterStatus, OpenError> {
        match serde_json::from_slice::<LetterStatus>(body) {
            Ok(answer) if answer.state != PageState::Unknown => Ok(answer),
            _ if status == StatusCode::NOT_FOUND => Err(OpenError::Silent(self.origin.clone())),
            Ok(_) => Err(self.unexpected("JSON without a state")),
            Err(error) => Err(self.unexpected(format!("status {}, {error}", status.as_u16()))),
        }
    }

    /// Sends the consent and keeps the cookie that proves it.
    pub(super) async fn consent(&mut self, terms: &str, nonce: &str) -> Result<(), OpenError> {
        let form = Serializer::new(String::new())
            .append_pair("terms", terms)
            .append_pair("nonce", nonce)
            .append_pair("agree", "yes")
            .finish();
        let consent = || {
            let request = self.client.post(self.url("/consent"));
            request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.clone())
        };
        let (status, headers, body) = self.send(consent).await?;
        if status != StatusCode::SEE_OTHER {
            return Err(refused(status, &body));
        }
        let cookies = headers.get_all(SET_COOKIE).into_iter();
        let pairs = cookies.filter_map(|value| value.to_str().ok()?.split(';').next()).map(str::trim);
        let pairs = Zeroizing::new(pairs.collect::<Vec<_>>().join("; "));
        if pairs.is_empty() {
            return Err(self.unexpected("a consent without a cookie"));
        }
        self.cookie = Some(pairs);
        Ok(())
    }

    /// The report from byte `from` on, if it is still the one of this ETag.
    pub(super) async fn report(&self, from: u64, etag: &str) -> Result<Response, reqwest::Error> {
        // The report comes as it is; what is said in its place should come as JSON.
        let mut headers = self.headers("application/octet-stream, application/json");
        if from > 0 {
            if let Ok(value) = HeaderValue::from_str(&format!("bytes={from}-")) {
                headers.insert(RANGE, value);
            }
            if let Ok(value) = HeaderValue::from_str(etag) {
                headers.insert(IF_RANGE, value);
            }
        }
        self.client.get(self.url("/report")).headers(headers).send().await
    }
}

/// The answer that the letter is closed, if this is one.
pub(super) fn closed_status(body: &[u8]) -> Option<LetterStatus> {
    serde_json::from_slice::<LetterStatus>(body).ok().filter(|answer| answer.state == PageState::Closed)
}

/// Why the consent was not taken.
fn refused(status: StatusCode, body: &[u8]) -> OpenError {
    if let Some(answer) = closed_status(body) {
        return closed(&answer);
    }
    let error: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let said = |name| error.pointer(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let words = match said("/error/message") {
        "" => format!("status {} {}", status.as_u16(), said("/error/code")),
        message => message.to_owned(),
    };
    OpenError::ConsentRefused(line(words.trim()))
}
