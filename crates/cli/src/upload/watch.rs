//! What `object_store` does not do: gives up a server that hangs, tries a conflict again, and remembers what the server's clock
//! said.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::client::{HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService};
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap};
use waxseal::types::UnixSeconds;

use crate::clock;
use crate::http::{Retry, patience};

/// A bucket may take so long before its answer begins.
const THINKS: Duration = Duration::from_secs(30);
/// The same once it was given up: what was begun is still taken back, if it goes quickly.
const LAST: Duration = Duration::from_secs(5);
/// So many requests without an answer, one after the other, and the server is given up.
const HANGS: u32 = 2;
/// S3 refuses signatures that are a quarter of an hour off. A minute less, for what passes meanwhile.
const SKEW_SECONDS: u64 = 14 * 60;

/// No answer in time.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {seconds} s")]
pub(super) struct Hung {
    pub(super) seconds: u64,
    pub(super) bytes: usize,
}

/// 409 again and again.
#[derive(Debug, thiserror::Error)]
#[error("409 {reason}")]
pub(super) struct Conflicts {
    pub(super) tries: u32,
    pub(super) reason: String,
}

/// Both clocks at one answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clocks {
    pub(super) here: UnixSeconds,
    pub(super) there: UnixSeconds,
}

impl Clocks {
    /// Whether they differ by more than a signature may.
    pub(super) const fn differ(self) -> bool {
        self.here.0.abs_diff(self.there.0) >= SKEW_SECONDS
    }
}

/// What the answers of one server told.
#[derive(Debug, Default)]
pub(super) struct Seen {
    clocks: Mutex<Option<Clocks>>,
    hung: AtomicU32,
}

impl Seen {
    /// The clocks at the last answer that had a date.
    pub(super) fn clocks(&self) -> Option<Clocks> {
        *self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, headers: &HeaderMap) {
        let there = headers.get(DATE).and_then(|date| jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok());
        let there = there.and_then(|date| u64::try_from(date.timestamp().as_second()).ok()).map(UnixSeconds);
        if let Some(there) = there {
            let clocks = Clocks { here: clock::now().seconds(), there };
            *self.clocks.lock().unwrap_or_else(PoisonError::into_inner) = Some(clocks);
        }
    }
}

/// A client that watches its server.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) client: HttpClient,
    pub(super) seen: Arc<Seen>,
    pub(super) retries: u32,
}

impl Watched {
    async fn once(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let bytes = request.body().content_length();
        let given_up = self.seen.hung.load(Ordering::Relaxed) >= HANGS;
        let patience = if given_up { LAST.min(patience(LAST, 0)) } else { patience(THINKS, bytes) };
        match tokio::time::timeout(patience, self.client.execute(request)).await {
            Ok(answer) => {
                let answer = answer?;
                self.seen.hung.store(0, Ordering::Relaxed);
                self.seen.note(answer.headers());
                Ok(answer)
            }
            Err(_) => {
                let before = self.seen.hung.fetch_add(1, Ordering::Relaxed);
                // The first one is tried again, by whoever called.
                let kind = if before + 1 < HANGS { HttpErrorKind::Timeout } else { HttpErrorKind::Unknown };
                Err(HttpError::new(kind, Hung { seconds: patience.as_secs(), bytes }))
            }
        }
    }

    /// A conflict means that another request for the same object is on its way, not that the object is there.
    async fn settled(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut retry = Retry::new(self.retries);
        let mut tries = 1;
        loop {
            let answer = self.once(request.clone()).await?;
            if answer.status() != StatusCode::CONFLICT {
                return Ok(answer);
            }
            if !retry.pause(None).await {
                let text = answer.into_body().bytes().await.unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                return Err(HttpError::new(HttpErrorKind::Unknown, Conflicts { tries, reason: code(&text) }));
            }
            tries += 1;
        }
    }
}

impl HttpService for Watched {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.settled(request))
    }
}

/// The code of an S3 error document.
fn code(text: &str) -> String {
    let code =
        text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>")).map(|(code, _)| code);
    crate::output::line(code.unwrap_or("no reason given")).chars().take(80).collect()
}

/// The cause of this type, however deep it is wrapped.
pub(super) fn cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(one) = next {
        if let Some(found) = one.downcast_ref() {
            return Some(found);
        }
        next = one.source();
    }
    None
}
