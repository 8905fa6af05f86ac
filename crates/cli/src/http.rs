//! One HTTP client and one way to try again: exponential backoff with jitter, `Retry-After` honoured.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, StatusCode, redirect};

use crate::error::{chain, coded};
use crate::origin::Origin;

/// The client could not be made, for instance because the machine has no certificate store.
#[derive(Debug, thiserror::Error)]
#[error("the HTTPS client could not start: {0}")]
pub(crate) struct ClientError(String);

coded!(ClientError = "http_client");

/// A client for one edge.
///
/// `patience` is how long nothing may come back, which for an upload includes sending the body.
pub(crate) fn client(patience: Duration, origin: &Origin) -> Result<Client, ClientError> {
    let builder = if origin.is_local() { direct(patience) } else { builder(patience) };
    builder.build().map_err(|error| ClientError(chain(&error)))
}

/// Follows no redirect: consent answers 303, and a redirect elsewhere must not carry a key along.
fn builder(patience: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("waxseal/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(patience)
}

/// The same for this machine. Plain HTTP is allowed there because it stays there, so a proxy that the
/// environment names must not get it.
pub(crate) fn direct(patience: Duration) -> ClientBuilder {
    builder(patience).no_proxy()
}

/// How long a request may take before its answer begins: `thinks` for the server, and time to send the bytes at about 30 kB a
/// second. The variable WAXSEAL_TIMEOUT, in seconds, says otherwise than `thinks`.
pub(crate) fn patience(thinks: Duration, bytes: usize) -> Duration {
    let said = std::env::var("WAXSEAL_TIMEOUT").ok().and_then(|text| text.trim().parse::<u64>().ok());
    let thinks = said.filter(|seconds| *seconds > 0).map_or(thinks, Duration::from_secs);
    thinks.saturating_add(Duration::from_secs(bytes as u64 / 30_000))
}

/// Whether the same request may go better in a moment.
pub(crate) fn worth_retrying(status: StatusCode) -> bool {
    status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
}

/// What the server asked for, in whole seconds and at most a minute. The date form is not used by our edge.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(60)))
}

/// The tries that are left.
#[derive(Debug)]
pub(crate) struct Retry {
    max: u32,
    used: u32,
}

/// The first pause; each further one is twice as long, up to `RETRY_MAX`.
const RETRY_INITIAL: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);

impl Retry {
    /// `max` tries after the first.
    pub(crate) const fn new(max: u32) -> Self {
        Self { max, used: 0 }
    }

    /// Something went well: the count starts again.
    pub(crate) const fn reset(&mut self) {
        self.used = 0;
    }

    /// Waits before the next try, or says that there is none left.
    pub(crate) async fn pause(&mut self, asked: Option<Duration>) -> bool {
        if self.used >= self.max {
            return false;
        }
        let wait = RETRY_INITIAL.saturating_mul(1 << self.used.min(10)).min(RETRY_MAX);
        self.used += 1;
        let mut random = [0u8; 1];
        // Without randomness the pauses are merely regular.
        let _ = getrandom::fill(&mut random);
        let [byte] = random;
        let jitter = wait.mul_f64(f64::from(byte) / 1024.0);
        tokio::time::sleep(asked.unwrap_or(wait + jitter)).await;
        true
    }
}
