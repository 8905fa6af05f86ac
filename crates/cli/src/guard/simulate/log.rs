//! One line of an access log, of whatever make.
//!
//! | format | what it looks like |
//! |---|---|
//! | Common Log Format | `192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "GET /x HTTP/1.1" 200 12` |
//! | Combined | the same, and `"referer" "agent"` |
//! | JSON | one object a line, under the names that nginx, Cloudflare Logpush and Caddy use |
//!
//! Everything in a line but the connecting address and the time was chosen by a client. Nothing of it can make this
//! panic, forge another line, or take more than [`LINE_BYTES_MAX`].

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::fmt::strtime;
use serde_json::Value;
use waxseal::guard::ClientKey;
use waxseal::guard::rules::Country;
use waxseal::types::UnixMillis;

/// The longest line that is read, in bytes.
pub(super) const LINE_BYTES_MAX: usize = 64 * 1024;

/// The first millisecond of the year 10000: a time from then on is a fault of the log.
const LATEST_MILLIS: f64 = 253_402_300_800_000.0;

/// The names of what is in JSON; the first one there counts. Caddy's `client_ip` is the connecting address unless operators named
/// proxies that they trust. Headers that a client can set are never read for the address.
const ADDRESS: &[&str] = &["/request/client_ip", "/request/remote_ip", "/ClientIP", "/remote_addr"];
const TIME: &[&str] = &["/EdgeStartTimestamp", "/time_iso8601", "/time_local", "/msec", "/ts"];
const METHOD: &[&str] = &["/request/method", "/ClientRequestMethod", "/request_method", "/method"];
const TARGET: &[&str] =
    &["/request/uri", "/ClientRequestURI", "/ClientRequestPath", "/request_uri", "/uri", "/path"];
const STATUS: &[&str] = &["/EdgeResponseStatus", "/status"];
const AGENT: &[&str] = &[
    "/request/headers/User-Agent",
    "/request/headers/user-agent",
    "/ClientRequestUserAgent",
    "/http_user_agent",
    "/user_agent",
];

/// A request as a log remembers it. `Debug` shows no path: it may hold a token, and whoever reads it can open a letter.
#[derive(PartialEq, Eq)]
pub(super) struct LogLine {
    pub(super) at: UnixMillis,
    /// The connecting address.
    pub(super) client: ClientKey,
    pub(super) asn: Option<u32>,
    pub(super) country: Option<Country>,
    pub(super) method: String,
    /// Path and query as sent; begins with `/`.
    pub(super) target: String,
    pub(super) status: Option<u16>,
    pub(super) agent: Option<String>,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum LineError {
    #[error("longer than {LINE_BYTES_MAX} bytes")]
    LineTooLong,
    #[error("neither Common Log Format nor a JSON object")]
    FormatUnknown,
    #[error("not one JSON object")]
    NotJson,
    #[error("no IP address where the client's should stand")]
    NoAddress,
    #[error("no time, or one that cannot be read")]
    NoTime,
    /// What web servers log for a broken connection or for something that is not HTTP.
    #[error("no request in it")]
    NoRequest,
}

impl LogLine {
    /// Reads a line, with or without its line break.
    pub(super) fn parse(line: &str) -> Result<Self, LineError> {
        // What some programs put before the first line.
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.len() > LINE_BYTES_MAX {
            return Err(LineError::LineTooLong);
        }
        if line.starts_with('{') { json(line) } else { common(line) }
    }

    /// The path without the query. A literal `#` stays in it, as at the edge.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl fmt::Debug for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, client, status, .. } = self;
        write!(f, "{client} at {at:?}: {status:?}")
    }
}

/// Common Log Format, with or without referer and agent, and with or without a virtual host in front.
fn common(line: &str) -> Result<LogLine, LineError> {
    // A user name is a client's choice and may hold brackets, but no bare quote: the time is what stands last before it.
    let (head, rest) = line.split_at(quote_at(line).ok_or(LineError::FormatUnknown)?);
    let head = head.trim_end().strip_suffix(']').ok_or(LineError::FormatUnknown)?;
    let (who, time) = head.rsplit_once('[').ok_or(LineError::FormatUnknown)?;
    let client = who.split_ascii_whitespace().take(2).find_map(client).ok_or(LineError::NoAddress)?;
    let at = self::time(time).ok_or(LineError::NoTime)?;
    let (request, rest) = quoted(rest).ok_or(LineError::FormatUnknown)?;
    let (method, target) = method_and_target(&request)?;
    let status = rest.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
    let agent = quoted(rest).and_then(|(_, rest)| quoted(rest)).map(|(agent, _)| agent);
    Ok(LogLine { at, client, asn: None, country: None, method, target, status, agent: named(agent) })
}

fn json(line: &str) -> Result<LogLine, LineError> {
    let line: Value = serde_json::from_str(line).map_err(|_| LineError::NotJson)?;
    let text = |names| found(&line, names);
    let client = text(ADDRESS).and_then(|it| client(&it)).ok_or(LineError::NoAddress)?;
    let at = text(TIME).and_then(|it| time(&it)).ok_or(LineError::NoTime)?;
    let (method, target) = match (text(TARGET), text(&["/request"])) {
        // Without a method it was most probably a page.
        (Some(target), _) => checked(text(METHOD).as_deref().unwrap_or("GET"), &target)?,
        (None, Some(request)) => method_and_target(&request)?,
        (None, None) => return Err(LineError::NoRequest),
    };
    let asn = text(&["/ClientASN", "/asn"]).and_then(|it| it.trim_start_matches("AS").parse().ok());
    let country = text(&["/ClientCountry", "/country"]).and_then(|it| Country::parse(&it));
    let status = text(STATUS).and_then(|it| it.parse().ok());
    let asn = asn.filter(|it| *it > 0);
    Ok(LogLine { at, client, asn, country, method, target, status, agent: named(text(AGENT)) })
}

/// The first that is a text or a number; of a list its first item, as Caddy has headers.
fn found(line: &Value, names: &[&str]) -> Option<String> {
    names.iter().filter_map(|name| line.pointer(name)).find_map(|it| match it.get(0).unwrap_or(it) {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn named(agent: Option<String>) -> Option<String> {
    agent.filter(|agent| !matches!(agent.as_str(), "" | "-"))
}

/// Where the first quote stands that no backslash precedes.
fn quote_at(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let found = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        found
    })
}

/// The next text in quotes, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inside = text.get(quote_at(text)? + 1..)?;
    let end = quote_at(inside)?;
    Some((unescaped(inside.get(..end)?), inside.get(end + 1..)?))
}

/// What web servers do to quotes, backslashes and control bytes, undone: `\"`, `\\`, `\xHH`.
fn unescaped(text: &str) -> String {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        (rest, _) = match (byte, after) {
            (b'\\', [b'x', high, low, after @ ..]) if digit(high).is_some() && digit(low).is_some() => {
                (after, plain.push(digit(high).unwrap_or(0) << 4 | digit(low).unwrap_or(0)))
            }
            (b'\\', [escaped @ (b'"' | b'\\'), after @ ..]) => (after, plain.push(*escaped)),
            _ => (after, plain.push(byte)),
        };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// `GET /x HTTP/1.1` as method and target.
fn method_and_target(request: &str) -> Result<(String, String), LineError> {
    let (method, rest) = request.split_once(' ').ok_or(LineError::NoRequest)?;
    let end = rest.rsplit_once(' ').filter(|(_, version)| version.starts_with("HTTP/"));
    checked(method, end.map_or(rest, |(target, _)| target).trim())
}

/// A method is a token of RFC 9110; nobody has one of more than 32 characters. Of a target path and query are kept: of `/x?y`, of
/// `https://host/x?y` (absolute form, RFC 9112) and of `*`.
fn checked(method: &str, target: &str) -> Result<(String, String), LineError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let good = (1..=32).contains(&method.len()) && method.bytes().all(plain);
    let target = match target.split_once("://") {
        _ if target.starts_with('/') => Some(target),
        _ if target == "*" => Some("/"),
        Some((scheme, rest)) if ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str()) => {
            Some(rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"))
        }
        _ => None,
    };
    let target = target.filter(|_| good).ok_or(LineError::NoRequest)?;
    Ok((method.to_owned(), target.to_owned()))
}

/// The client behind an address, which may stand in brackets.
fn client(address: &str) -> Option<ClientKey> {
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    bare.parse::<IpAddr>().ok().map(ClientKey::of)
}

/// RFC 3339, `22/Nov/2026:10:58:31 +0000`, or a number of seconds, milli-, micro- or nanoseconds since 1970: its size tells, until
/// the year 5138.
fn time(text: &str) -> Option<UnixMillis> {
    let text = text.trim();
    let local = || strtime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok()?.to_timestamp().ok();
    let date = text.parse::<Timestamp>().ok().or_else(local).map(|time| time.as_millisecond() as f64);
    let number = || {
        let number: f64 = text.parse().ok()?;
        let units = [(1e11, 1e3), (1e14, 1.0), (1e17, 1e-3)];
        Some(number * units.iter().find(|(below, _)| number < *below).map_or(1e-6, |(_, unit)| *unit))
    };
    let millis = date.or_else(number).filter(|millis| (0.0..LATEST_MILLIS).contains(millis))?;
    Some(UnixMillis(millis.round() as u64))
}
