//! The client of the desk API: bearer key, problem documents (RFC 9457), tries again what may go better.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use waxseal::token::SiteKey;

use crate::failure::{Coded, chain};
use crate::http::{ClientError, Retry, client, retry_after, worth_retrying};
use crate::origin::Origin;

/// A part of 8 MiB may take this long: about 30 kB a second.
const PATIENCE: Duration = Duration::from_secs(300);

/// The desk of one edge.
pub(crate) struct Desk {
    client: Client,
    origin: Origin,
    bearer: HeaderValue,
    retries: u32,
}

/// Why the desk did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No answer.
    #[error("{origin} could not be reached: {reason}. Check the address and the network, then try again")]
    Unreachable {
        /// The edge.
        origin: Origin,
        /// The last try's reason.
        reason: String,
    },
    /// The silent answer, or 401.
    #[error(
        "{0} did not accept the key: its WAXSEAL_KEYS must hold the active key of this keyring \
         (`waxseal keys show --env` prints it), and the address must be the edge's own"
    )]
    NotAccepted(Origin),
    /// An answer in words.
    #[error("{origin} answered {status}: {detail}")]
    Problem {
        /// The edge.
        origin: Origin,
        /// HTTP status.
        status: u16,
        /// The problem's own code.
        code: String,
        /// The problem in words.
        detail: String,
    },
    /// An answer that is not the contract's.
    #[error(
        "{origin} answered in a way this version does not understand ({reason}): is it a Waxseal edge, and as new as this program?"
    )]
    Unexpected {
        /// The edge.
        origin: Origin,
        /// What was odd.
        reason: String,
    },
}

impl Coded for DeskError {
    fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::Unreachable { .. } => "edge_unreachable",
            Self::NotAccepted(_) => "edge_key_not_accepted",
            Self::Problem { .. } => "edge_problem",
            Self::Unexpected { .. } => "edge_unexpected",
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    detail: String,
    title: String,
}

/// An answer of the desk: a success, or a problem that the caller knows what to do with.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    body: Bytes,
}

impl Desk {
    /// Derives the bearer key; no call is made.
    pub(crate) fn new(origin: Origin, key: &SiteKey, retries: u32) -> Result<Self, DeskError> {
        let text = zeroize::Zeroizing::new(format!("Bearer {}", key.api_key().as_str()));
        let mut bearer = HeaderValue::from_str(&text).map_err(|_| DeskError::NotAccepted(origin.clone()))?;
        bearer.set_sensitive(true);
        Ok(Self { client: client(PATIENCE, &origin)?, origin, bearer, retries })
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// One call. Server errors and lost connections are tried again: every route may be repeated.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Reply, DeskError> {
        self.send(method, self.origin.at(path), body).await
    }

    /// A question with a query.
    pub(crate) async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Result<Reply, DeskError> {
        self.call_with(Method::GET, path, query, None).await
    }

    /// One call with a query, as [`Desk::call`].
    pub(crate) async fn call_with(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Reply, DeskError> {
        let mut url = self.origin.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(method, url, body).await
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Reply, DeskError> {
        let mut retry = Retry::new(self.retries);
        loop {
            let mut request =
                self.client.request(method.clone(), url.clone()).header(AUTHORIZATION, self.bearer.clone());
            if let Some((media_type, bytes)) = &body {
                request = request.header(CONTENT_TYPE, *media_type).body(bytes.clone());
            }
            let outcome = match request.send().await {
                Ok(response) if worth_retrying(response.status()) => {
                    if retry.pause(retry_after(response.headers())).await {
                        continue;
                    }
                    let status = response.status();
                    response.bytes().await.map(|body| Reply { status, body })
                }
                Ok(response) => {
                    let status = response.status();
                    response.bytes().await.map(|body| Reply { status, body })
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(reply) => return Ok(reply),
                Err(error) if retry.pause(None).await => drop(error),
                Err(error) => {
                    let reason = chain(&error.without_url());
                    return Err(DeskError::Unreachable { origin: self.origin.clone(), reason });
                }
            }
        }
    }

    /// What an answer that is no success means.
    pub(crate) fn problem(&self, reply: &Reply) -> DeskError {
        let origin = self.origin.clone();
        let problem: Option<Problem> = serde_json::from_slice(&reply.body).ok();
        match (reply.status, problem) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) | (StatusCode::NOT_FOUND, None) => {
                DeskError::NotAccepted(origin)
            }
            (status, Some(problem)) => {
                let words = if problem.detail.is_empty() { problem.title } else { problem.detail };
                DeskError::Problem {
                    origin,
                    status: status.as_u16(),
                    code: problem.code,
                    detail: crate::output::line(&words),
                }
            }
            (status, None) => DeskError::Problem {
                origin,
                status: status.as_u16(),
                code: String::new(),
                detail: status.canonical_reason().unwrap_or("no reason given").to_owned(),
            },
        }
    }

    /// Reads a success as JSON.
    pub(crate) fn read<T: DeserializeOwned>(&self, reply: &Reply) -> Result<T, DeskError> {
        if !reply.status.is_success() {
            return Err(self.problem(reply));
        }
        serde_json::from_slice(&reply.body)
            .map_err(|e| DeskError::Unexpected { origin: self.origin.clone(), reason: e.to_string() })
    }

    /// A success whose body does not matter.
    pub(crate) fn done(&self, reply: &Reply) -> Result<(), DeskError> {
        if reply.status.is_success() { Ok(()) } else { Err(self.problem(reply)) }
    }
}
