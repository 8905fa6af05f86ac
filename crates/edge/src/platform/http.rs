//! What the shell needs of HTTP: the facts of a request, and an answer that is built once and sent for GET and HEAD
//! alike.

use std::borrow::Cow;

use worker::{Env, Headers, Request, ResponseBuilder};

use super::error::Fault;
use super::log::Line;
use super::settings::ASSETS;
use super::stream::Source;
use waxseal::site::is_loopback;

/// The method as sent. The platform's own type turns every unknown method into GET, which would let a made-up method
/// reach a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Other,
}

impl Method {
    /// As it stands in log lines; one that is not known is not repeated.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Other => "other",
        }
    }
}

/// A request and the parts of it that decisions are made of.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as received, percent-encoding untouched, beginning with `/`.
    pub(crate) path: String,
    /// What follows the first `?`.
    pub(crate) query: String,
    pub(crate) request: Request,
}

/// Letters of a query or form that we read: `name=value` pairs, percent-decoded, `+` as space.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    worker::url::form_urlencoded::parse(text.as_bytes())
}

impl Call {
    pub(crate) fn new(request: Request) -> Self {
        let method = match request.inner().method().as_str() {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            _ => Method::Other,
        };
        let url = request.inner().url();
        let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let target = after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or("/");
        // A literal `#` on the request line stays in the path: the reader of links knows what to do with it.
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self { method, path: path.to_owned(), query: query.to_owned(), request }
    }

    /// Path and query as received.
    pub(crate) fn target(&self) -> String {
        format!("{}?{}", self.path, self.query)
    }

    /// A header's value; several lines of one header come joined by `, `.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.request.headers().get(name).ok().flatten()
    }

    /// The first value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<String> {
        pairs(&self.query).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Scheme, host and port that were asked, as browsers write an origin.
    pub(crate) fn origin(&self) -> String {
        let url = self.request.inner().url();
        let host = url.find("://").and_then(|at| url.get(at.saturating_add(3)..)).unwrap_or_default();
        let rest = host.find('/').map_or(0, |at| host.len().saturating_sub(at));
        url.get(..url.len().saturating_sub(rest)).unwrap_or_default().to_owned()
    }

    /// The host that was asked, without a port.
    fn host(&self) -> String {
        let origin = self.origin();
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        // A port is what follows the last colon, unless that is inside the brackets of an IPv6 address.
        let named = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        named.map_or(host, |(host, _)| host).to_owned()
    }

    /// Whether the request stayed on this machine.
    pub(crate) fn is_on_loopback(&self) -> bool {
        is_loopback(&self.host())
    }

    /// Whether the request came in the clear over a network. By the URL alone: a header could be anybody's.
    pub(crate) fn is_plain_http(&self) -> bool {
        !self.request.inner().url().starts_with("https:") && !self.is_on_loopback()
    }

    /// A program that asks for JSON rather than a browser that takes anything.
    pub(crate) fn wants_json(&self) -> bool {
        self.header("accept")
            .is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
    }

    /// The number of body bytes the client announced.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length").and_then(|text| text.parse().ok())
    }

    /// A body of at most `limit` bytes; `None` when it is longer. What it says of its own length is not needed, nor believed:
    /// by HTTP/2 or in chunks it says nothing. Of a longer body no more is read than shows that it is one.
    pub(crate) async fn small_body(&mut self, limit: u32) -> Result<Option<Vec<u8>>, Fault> {
        if self.content_length().is_some_and(|length| length > u64::from(limit)) {
            return Ok(None);
        }
        let Some(stream) = self.request.inner().body() else { return Ok(Some(Vec::new())) };
        let source = Source::new(&stream)?;
        let bytes = source.take(limit.saturating_add(1)).await?;
        if bytes.length() > limit {
            source.cancel().await;
            return Ok(None);
        }
        Ok(Some(bytes.to_vec()))
    }
}

/// The body of an answer.
pub(crate) enum Body {
    Empty,
    Bytes(Vec<u8>),
    /// A stream of so many bytes.
    Stream(web_sys::ReadableStream, u64),
}

/// An answer before it becomes the platform's.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
    pub(crate) body: Body,
    /// The one silent answer.
    pub(crate) silent: bool,
    /// What the log says of the request; method, status, reason and duration are added when they are known.
    pub(crate) line: Option<Line>,
    /// Why the answer is not what was asked for: a stable code, for the log.
    pub(crate) reason: Option<Cow<'static, str>>,
}

impl Response {
    pub(crate) fn new(status: u16, headers: &[(&'static str, &'static str)], body: Body) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect();
        Self { status, headers, body, silent: false, line: None, reason: None }
    }

    pub(crate) fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// One line of the log is about this request.
    pub(crate) fn logged(mut self, line: Line) -> Self {
        self.line = Some(line);
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets a header in place of one of that name.
    pub(crate) fn replaced(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.header(name, value)
    }

    pub(crate) fn with_body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// The platform's response. HEAD gets the headers of GET, the length of the body included, and no body.
    pub(crate) fn into_response(self, method: Method) -> Result<worker::Response, Fault> {
        let headers = Headers::new();
        for (name, value) in &self.headers {
            headers.append(name, value)?;
        }
        let builder = ResponseBuilder::new().with_status(self.status);
        let length = match &self.body {
            Body::Empty => None,
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::Stream(_, length) => Some(*length),
        };
        if method == Method::Head {
            if let Some(length) = length {
                headers.set("Content-Length", &length.to_string())?;
            }
            return Ok(builder.with_headers(headers).empty());
        }
        let builder = builder.with_headers(headers);
        Ok(match self.body {
            Body::Empty => builder.empty(),
            Body::Bytes(bytes) => builder.fixed(bytes),
            Body::Stream(stream, _) => builder.stream(stream),
        })
    }
}

/// A file that is deployed together with the module.
pub(crate) async fn asset(env: &Env, name: &str) -> Result<Vec<u8>, Fault> {
    let assets = env.assets(ASSETS).map_err(|e| Fault::new("binding_assets", e))?;
    let mut response = assets.fetch(format!("https://assets/{name}"), None).await?;
    match response.status_code() {
        200 => Ok(response.bytes().await?),
        status => Err(Fault::new("asset", format_args!("{name}: {status}"))),
    }
}
