//! The client of the API: bearer key, problem documents (RFC 9457), tries again what may go better.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, IF_MATCH};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use waxseal::api::{Body as _, Code, Operation, Problem, Route, SiteView, op};
use waxseal::lang::Lang;
use waxseal::token::{ApiKeyError, IssuedKey, SiteKey};
use zeroize::Zeroizing;

use crate::error::{Coded, FAILED, USAGE, chain};
use crate::http::{ClientError, Retry, client, patience, retry_after, worth_retrying};
use crate::origin::Origin;
use crate::when::Zone;

/// Between two bytes of an answer.
const PATIENCE: Duration = Duration::from_secs(300);

/// An edge may work so long on a request before its answer begins.
const THINKS: Duration = Duration::from_secs(60);

/// The header in every answer of the API to a right key.
const SIGNATURE: &str = "waxseal-version";

/// The API of one edge.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    origin: Origin,
    bearer: HeaderValue,
    /// The key is that of [`KEY`].
    issued: bool,
    retries: u32,
}

/// The variable that holds a key that was issued, in place of that of the keyring.
const KEY: &str = "WAXSEAL_API_KEY";

/// The key in the variable. A slip in it is told here, without a call.
pub(crate) fn issued_key() -> Result<Option<IssuedKey>, ApiError> {
    match std::env::var(KEY).map(Zeroizing::new) {
        Ok(text) if !text.trim().is_empty() => Ok(Some(text.trim().parse()?)),
        _ => Ok(None),
    }
}

/// Why a call was not answered as it asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
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
    /// The silent answer: what an edge gives to everybody it does not know, and what many servers say of a page they do
    /// not have.
    #[error(
        "{0} answered 404, as a Waxseal edge does to everybody it does not know. Either its WAXSEAL_KEYS does not \
         hold the active key of this keyring (`waxseal keys show --env` prints what it must hold), or no edge is at this \
         address"
    )]
    NotAccepted(Origin),
    /// The same, to a key that was issued.
    #[error(
        "{0} answered 404, as a Waxseal edge does to everybody it does not know. Either the key in WAXSEAL_API_KEY was \
         revoked, or it is another site's, or no edge is at this address"
    )]
    KeyNotAccepted(Origin),
    /// A slip in the key.
    #[error("WAXSEAL_API_KEY holds no key: {0}")]
    Key(#[from] ApiKeyError),
    /// Something else is there.
    #[error("{origin} answered, but it is not a Waxseal edge ({what}): check the address in --url")]
    NotWaxseal {
        /// The address.
        origin: Origin,
        /// Status and what it says of itself.
        what: String,
    },
    /// The connection stands and nothing comes.
    #[error(
        "{origin} took the connection and did not answer: {seconds} s for a request with {bytes} bytes. Try again \
         later, or give it longer with WAXSEAL_TIMEOUT={longer}"
    )]
    Hangs {
        /// The edge.
        origin: Origin,
        /// How long was waited.
        seconds: u64,
        /// What was sent.
        bytes: usize,
        /// A value to try.
        longer: u64,
    },
    /// An answer in words.
    #[error("{origin} answered {}: {}", problem.status, problem.detail)]
    Problem {
        /// The edge.
        origin: Origin,
        /// What it said; without a code where it was not the edge itself.
        problem: Box<Problem>,
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

impl Coded for ApiError {
    fn code(&self) -> &'static str {
        match self {
            Self::Client(error) => error.code(),
            Self::Unreachable { .. } => "edge_unreachable",
            Self::NotAccepted(_) | Self::KeyNotAccepted(_) => "edge_key_not_accepted",
            Self::Key(_) => "api_key_malformed",
            Self::NotWaxseal { .. } => "not_waxseal",
            Self::Hangs { .. } => "edge_hangs",
            Self::Problem { .. } => "edge_problem",
            Self::Unexpected { .. } => "edge_unexpected",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::Key(_)) { USAGE } else { FAILED }
    }
}

impl ApiError {
    /// Whether the edge said so in words.
    pub(crate) fn is(&self, wanted: Code) -> bool {
        matches!(self, Self::Problem { problem, .. } if problem.code == wanted.as_str())
    }
}

/// An answer.
struct Reply {
    status: StatusCode,
    /// It says that it is an edge of Waxseal, as every edge since the first release does to a right key.
    signed: bool,
    /// What the server says of itself, and where it sends to.
    server: String,
    body: Bytes,
}

impl Reply {
    async fn of(response: Response) -> reqwest::Result<Self> {
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let signed = response.headers().contains_key(SIGNATURE);
        let server = match (header("location"), header("server")) {
            ("", server) => crate::output::line(server),
            (to, _) => format!("it sends to {}", crate::output::line(to)),
        };
        let server = server.chars().take(120).collect();
        Ok(Self { status: response.status(), signed, server, body: response.bytes().await? })
    }

    /// The problem, if it is one.
    fn problem(&self) -> Option<Problem> {
        let problem: Problem = serde_json::from_slice(&self.body).ok()?;
        (!self.status.is_success() && (self.signed || !problem.code.is_empty())).then_some(problem)
    }

    /// Whether it is the silent answer, which says one thing in every language, or what many other servers say.
    fn is_silent(&self) -> bool {
        let terse = self.status == StatusCode::NOT_FOUND && self.body.trim_ascii() == b"Not found";
        terse || is_silent_answer(self.status, &self.body)
    }
}

/// Whether this is the silent answer of an edge, which says one thing in every language.
pub(crate) fn is_silent_answer(status: StatusCode, body: &[u8]) -> bool {
    let body = String::from_utf8_lossy(body);
    let says = |lang: Lang| body.contains(&format!("<section lang=\"{lang}\">"));
    status == StatusCode::NOT_FOUND && Lang::ALL.into_iter().all(says)
}

impl Api {
    /// With the key that was issued, else with that of a site's key; no call is made.
    pub(crate) fn new(origin: Origin, key: &SiteKey, retries: u32) -> Result<Self, ApiError> {
        match issued_key()? {
            Some(issued) => Self::issued(origin, &issued, retries),
            None => Self::showing(origin, &key.api_key(), false, retries),
        }
    }

    /// With a key that was issued.
    pub(crate) fn issued(origin: Origin, key: &IssuedKey, retries: u32) -> Result<Self, ApiError> {
        Self::showing(origin, &key.text(), true, retries)
    }

    fn showing(origin: Origin, key: &str, issued: bool, retries: u32) -> Result<Self, ApiError> {
        let text = Zeroizing::new(format!("Bearer {key}"));
        let mut bearer = HeaderValue::from_str(&text).map_err(|_| ApiError::NotAccepted(origin.clone()))?;
        bearer.set_sensitive(true);
        Ok(Self { client: client(PATIENCE, &origin)?, origin, bearer, issued, retries })
    }

    pub(crate) const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// One operation. Server errors and lost connections are tried again: every route may be repeated.
    pub(crate) async fn call<Op: Operation>(
        &self,
        parts: &[&str],
        request: Op::Request,
    ) -> Result<Op::Response, ApiError> {
        self.call_with::<Op>(parts, &[], request).await
    }

    /// The same with a query.
    pub(crate) async fn call_with<Op: Operation>(
        &self,
        parts: &[&str],
        query: &[(&str, &str)],
        request: Op::Request,
    ) -> Result<Op::Response, ApiError> {
        self.decode::<Op>(&self.fetch::<Op>(parts, query, request, None).await?)
    }

    /// The same, if a version is said only in place of that one. Answered also as it came, for programs: what a newer edge
    /// says besides is passed on.
    pub(crate) async fn told<Op: Operation>(
        &self,
        query: &[(&str, &str)],
        request: Op::Request,
        if_version: Option<u64>,
    ) -> Result<(Op::Response, Value), ApiError> {
        let tag = if_version.map(|version| format!("\"{version}\""));
        let reply = self.fetch::<Op>(&[], query, request, tag).await?;
        let response = self.decode::<Op>(&reply)?;
        Ok((response, serde_json::from_slice(&reply.body).unwrap_or_default()))
    }

    fn decode<Op: Operation>(&self, reply: &Reply) -> Result<Op::Response, ApiError> {
        Op::Response::decode(&reply.body).map_err(|error| match reply.signed {
            true => self.unexpected(error.to_string()),
            false => self.not_waxseal(reply),
        })
    }

    async fn fetch<Op: Operation>(
        &self,
        parts: &[&str],
        query: &[(&str, &str)],
        request: Op::Request,
        if_match: Option<String>,
    ) -> Result<Reply, ApiError> {
        let body = match Op::Request::MEDIA_TYPE {
            Some(media_type) => {
                Some((media_type, Bytes::from(request.encode().map_err(|e| self.unexpected(e.to_string()))?)))
            }
            None => None,
        };
        let length = body.as_ref().map_or(0, |(_, bytes)| bytes.len());
        self.send(Op::ROUTE, parts, query, length, |mut request| {
            if let Some(tag) = &if_match {
                request = request.header(IF_MATCH, tag);
            }
            Ok(match &body {
                Some((media_type, bytes)) => request.header(CONTENT_TYPE, *media_type).body(bytes.clone()),
                None => request,
            })
        })
        .await
    }

    /// An operation whose body is a stream of about `length` bytes: `attach` adds it, once for every try. Answered also as it came.
    pub(crate) async fn stream<Op: Operation, E: From<ApiError>>(
        &self,
        length: usize,
        attach: impl Fn(RequestBuilder) -> Result<RequestBuilder, E>,
    ) -> Result<(Op::Response, Value), E> {
        let reply = self.send(Op::ROUTE, &[], &[], length, attach).await?;
        let response = self.decode::<Op>(&reply)?;
        Ok((response, serde_json::from_slice(&reply.body).unwrap_or_default()))
    }

    /// A success. `attach` adds what a request has besides, once for every try.
    async fn send<E: From<ApiError>>(
        &self,
        route: Route,
        parts: &[&str],
        query: &[(&str, &str)],
        length: usize,
        attach: impl Fn(RequestBuilder) -> Result<RequestBuilder, E>,
    ) -> Result<Reply, E> {
        let endpoint = route.endpoint();
        let mut url = self.origin.at(&endpoint.path(parts));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let method = Method::from_bytes(endpoint.method.as_bytes()).unwrap_or_default();
        let mut retry = Retry::new(self.retries);
        let patience = patience(THINKS, length);
        let mut hung = false;
        loop {
            let request =
                self.client.request(method.clone(), url.clone()).header(AUTHORIZATION, self.bearer.clone());
            let request = attach(request)?;
            let Ok(sent) = tokio::time::timeout(patience, request.send()).await else {
                if !hung && self.retries > 0 {
                    hung = true;
                    continue;
                }
                let seconds = patience.as_secs();
                let origin = self.origin.clone();
                return Err(ApiError::Hangs {
                    origin,
                    seconds,
                    bytes: length,
                    longer: seconds.saturating_mul(5),
                }
                .into());
            };
            let outcome = match sent {
                Ok(response) if worth_retrying(response.status()) => {
                    if retry.pause(retry_after(response.headers())).await {
                        continue;
                    }
                    Reply::of(response).await
                }
                Ok(response) => Reply::of(response).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok(reply) if reply.status.is_success() => return Ok(reply),
                Ok(reply) => return Err(self.problem(&reply).into()),
                Err(error) if retry.pause(None).await => drop(error),
                Err(error) => {
                    let reason = chain(&error.without_url());
                    return Err(ApiError::Unreachable { origin: self.origin.clone(), reason }.into());
                }
            }
        }
    }

    /// What the edge says of its site.
    pub(crate) async fn site(&self) -> Result<SiteView, ApiError> {
        self.call::<op::Site>(&[], ()).await
    }

    /// The time zone of the edge's site.
    pub(crate) async fn time_zone(&self) -> Result<Zone, ApiError> {
        let site = self.site().await?;
        site.time_zone.parse().map_err(|_| {
            let zone = crate::output::line(&site.time_zone);
            self.unexpected(format!("its time zone {zone} is not in this program's list"))
        })
    }

    fn unexpected(&self, reason: String) -> ApiError {
        ApiError::Unexpected { origin: self.origin.clone(), reason }
    }

    /// What an answer that is no success means.
    fn problem(&self, reply: &Reply) -> ApiError {
        let origin = self.origin.clone();
        let status = reply.status.as_u16();
        let problem = match reply.problem() {
            Some(said) => Problem { status, detail: crate::output::line(&said.detail), ..said },
            // Before the edge itself stands the platform, with errors of its own.
            None if reply.signed || worth_retrying(reply.status) => {
                let reason = reply.status.canonical_reason().unwrap_or("no reason given");
                Problem { status, detail: reason.to_owned(), ..Problem::default() }
            }
            None if reply.is_silent() && self.issued => return ApiError::KeyNotAccepted(origin),
            None if reply.is_silent() => return ApiError::NotAccepted(origin),
            None => return self.not_waxseal(reply),
        };
        ApiError::Problem { origin, problem: Box::new(problem) }
    }

    fn not_waxseal(&self, reply: &Reply) -> ApiError {
        let what = [reply.status.as_str(), &reply.server].map(str::trim).join(", ");
        ApiError::NotWaxseal { origin: self.origin.clone(), what: what.trim_end_matches(", ").to_owned() }
    }
}
