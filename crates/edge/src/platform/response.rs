//! The answers that the shell gives: pages, JSON, redirects, and silence.

use serde_json::Value;

use super::http::{Body, Response};
use waxseal::api::Problem;
use waxseal::pages::headers::{self, Kind};
use waxseal::pages::{self, Page, silent as silent_answer};

impl Response {
    /// Adds every header of a kind of answer.
    pub(crate) fn headers_of(self, kind: Kind) -> Self {
        headers::all(kind).fold(self, |answer, (name, value)| answer.header(name, value))
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// The one silent answer, for strangers of every kind.
pub(crate) fn silent() -> Response {
    let silent = silent_answer();
    let body = Body::Bytes(silent.body.as_bytes().to_vec());
    Response { silent: true, ..Response::new(silent.status, &silent.headers, body) }
}

/// The one answer over plain HTTP. Whoever is in between has read the link by then; nothing here says whether it was one,
/// and there is no redirect that would repeat it.
pub(crate) fn plain_http() -> Response {
    let body = Body::Bytes(pages::plain_http().as_bytes().to_vec());
    Response::new(403, &[], body).headers_of(Kind::Silent)
}

/// A page with its policy.
pub(crate) fn page(page: Page) -> Response {
    let answer = Response::new(page.status, &[], Body::Bytes(page.html.into_bytes()))
        .headers_of(Kind::Page)
        .header("content-security-policy", page.csp)
        .header("vary", "Accept, Accept-Language, Cookie");
    match page.retry_after_s {
        Some(seconds) => answer.header("retry-after", seconds.to_string()),
        None => answer,
    }
}

/// A JSON document.
pub(crate) fn json(status: u16, body: &Value) -> Response {
    json_text(status, body.to_string())
}

/// A JSON document that is text already.
pub(crate) fn json_text(status: u16, body: String) -> Response {
    Response::new(status, &[], Body::Bytes(body.into_bytes())).headers_of(Kind::Json)
}

/// A problem document (RFC 9457) for a program.
pub(crate) fn problem(problem: &Problem) -> Response {
    let body = serde_json::to_string(problem).unwrap_or_default();
    let answer = json_text(problem.status, body);
    answer.replaced("content-type", "application/problem+json").because(problem.code.clone())
}

/// A redirect within the site.
pub(crate) fn redirect(status: u16, location: String) -> Response {
    Response::new(status, &[], Body::Empty).headers_of(Kind::Redirect).header("location", location)
}

/// A short text file.
pub(crate) fn text(body: String) -> Response {
    Response::new(200, &[], Body::Bytes(body.into_bytes())).headers_of(Kind::Text)
}
