//! One line of an access log, of whatever make.
//!
//! | format | what it looks like |
//! |---|---|
//! | Common Log Format | `192.0.2.7 - - [22/Nov/2026:10:58:31 +0000] "GET /x HTTP/1.1" 200 12` |
//! | Combined | the same, and `"referer" "agent"` |
//! | JSON | one object a line: see [`super::json`] |
//!
//! Everything in a line but the connecting address and the time was chosen by a client. Nothing of it can make this
//! panic, forge another line, or take more than [`LINE_BYTES_MAX`].

use core::fmt;
use core::net::IpAddr;
use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, NaiveTime};

use super::json;
use crate::guard::address::ClientKey;
use crate::guard::rules::Country;
use crate::types::UnixMillis;

/// The longest line that is read, in bytes.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// The first millisecond of the year 10000: a time from then on is a fault of the log.
const LATEST_MILLIS: u64 = 253_402_300_800_000;

/// A request as a log remembers it. `Debug` shows no path: it may hold a token, and whoever reads it can open a letter.
#[derive(Clone, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// When.
    pub at: UnixMillis,
    /// Who: the connecting address.
    pub client: ClientKey,
    /// Its AS number, if the log knows it.
    pub system: Option<u32>,
    /// Its country, if the log knows it.
    pub country: Option<Country>,
    /// The method as sent.
    pub method: Cow<'a, str>,
    /// Path and query as sent; begins with `/`.
    pub target: Cow<'a, str>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// The `User-Agent`.
    pub agent: Option<Cow<'a, str>>,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum LineFault {
    /// Over the limit.
    #[error("longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Of no known format.
    #[error("neither Common Log Format nor a JSON object")]
    Format,
    /// Looks like JSON and is not.
    #[error("not one JSON object")]
    Json,
    /// There is no address, or it is none.
    #[error("no IP address where the client's should stand")]
    Address,
    /// There is no time, or it is none.
    #[error("no time, or one that cannot be read")]
    Time,
    /// What web servers log for a broken connection or for something that is not HTTP.
    #[error("no request in it")]
    Request,
}

impl LineFault {
    /// The stable code of this error.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "line_too_long",
            Self::Format => "format_unknown",
            Self::Json => "not_json",
            Self::Address => "no_address",
            Self::Time => "no_time",
            Self::Request => "no_request",
        }
    }
}

impl<'a> LogLine<'a> {
    /// Reads a line without its line break.
    ///
    /// # Errors
    /// [`LineFault`]: the line is to be counted and left out.
    pub fn parse(line: &'a str) -> Result<Self, LineFault> {
        if line.len() > LINE_BYTES_MAX {
            return Err(LineFault::TooLong);
        }
        // What some programs put before the first line.
        let line = line.trim_start_matches('\u{feff}').trim();
        if line.starts_with('{') { json::parse(line) } else { common(line) }
    }

    /// The path without the query. A literal `#` stays in it, as at the edge.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

impl fmt::Debug for LogLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLine")
            .field("at", &self.at)
            .field("client", &self.client)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Common Log Format, with or without referer and agent, and with or without a virtual host in front.
fn common(line: &str) -> Result<LogLine<'_>, LineFault> {
    // A user name is a client's choice and may hold brackets, but no bare quote: the time is what stands last before it.
    let (head, rest) = line.split_at(quote_at(line).ok_or(LineFault::Format)?);
    let head = head.trim_end().strip_suffix(']').ok_or(LineFault::Format)?;
    let (who, time) = head.rsplit_once('[').ok_or(LineFault::Format)?;
    let mut words = who.split_ascii_whitespace();
    let client = words.next().and_then(client).or_else(|| words.next().and_then(client));
    let client = client.ok_or(LineFault::Address)?;
    let at = local_time(time).ok_or(LineFault::Time)?;
    let (request, rest) = quoted(rest).ok_or(LineFault::Format)?;
    let (method, target) = split_request(unescaped(request))?;
    let status = rest.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
    let agent = quoted(rest).and_then(|(_, rest)| quoted(rest)).map(|(agent, _)| unescaped(agent));
    Ok(LogLine {
        at,
        client,
        system: None,
        country: None,
        method,
        target,
        status,
        agent: agent.filter(|agent| !matches!(agent.as_ref(), "" | "-")),
    })
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

/// The next text in quotes, still escaped, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inside = text.get(quote_at(text)? + 1..)?;
    let end = quote_at(inside)?;
    Some((inside.get(..end)?, inside.get(end + 1..)?))
}

/// What web servers do to quotes, backslashes and control bytes, undone: `\"`, `\\`, `\xHH`.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|it| u8::try_from(it).ok());
                if let (Some(high), Some(low)) = (digit(high), digit(low)) {
                    plain.push(high << 4 | low);
                    rest = after;
                } else {
                    plain.push(byte);
                }
            }
            (b'\\', [escaped @ (b'"' | b'\\'), after @ ..]) => {
                plain.push(*escaped);
                rest = after;
            }
            _ => plain.push(byte),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

/// `GET /x HTTP/1.1` as method and target.
pub(super) fn split_request(request: Cow<'_, str>) -> Result<(Cow<'_, str>, Cow<'_, str>), LineFault> {
    match request {
        Cow::Borrowed(text) => {
            let (method, target) = method_and_target(text).ok_or(LineFault::Request)?;
            Ok((Cow::Borrowed(method), Cow::Borrowed(target)))
        }
        Cow::Owned(text) => {
            let (method, target) = method_and_target(&text).ok_or(LineFault::Request)?;
            Ok((Cow::Owned(method.to_owned()), Cow::Owned(target.to_owned())))
        }
    }
}

fn method_and_target(request: &str) -> Option<(&str, &str)> {
    let (method, rest) = request.split_once(' ')?;
    let target = match rest.rsplit_once(' ') {
        Some((target, version)) if version.starts_with("HTTP/") => target,
        _ => rest,
    };
    Some((checked_method(method)?, origin_form(target.trim())?))
}

/// A method is a token of RFC 9110; nobody has one of more than 32 characters.
pub(super) fn checked_method(method: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (!method.is_empty() && method.len() <= 32 && method.bytes().all(plain)).then_some(method)
}

/// Path and query: of `/x?y`, of `https://host/x?y` (absolute form, RFC 9112) and of `*`.
pub(super) fn origin_form(target: &str) -> Option<&str> {
    if target.starts_with('/') {
        return Some(target);
    }
    if target == "*" {
        return Some("/");
    }
    let (scheme, rest) = target.split_once("://")?;
    let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    is_http.then(|| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"))
}

/// The client behind an address, which may stand in brackets.
pub(super) fn client(address: &str) -> Option<ClientKey> {
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
    bare.parse::<IpAddr>().ok().map(ClientKey::of)
}

/// A time in milliseconds, if a log of our days can hold it.
pub(super) fn plausible(millis: i64) -> Option<UnixMillis> {
    u64::try_from(millis).ok().filter(|millis| *millis < LATEST_MILLIS).map(UnixMillis)
}

/// `22/Nov/2026:10:58:31 +0000`. By hand: it is read a million times.
pub(super) fn local_time(text: &str) -> Option<UnixMillis> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (date, zone) = text.trim().split_once(' ')?;
    let (day, time) = date.split_once(':')?;
    let mut parts = day.split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let year = number(year).filter(|_| year.len() == 4)?;
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, u32::try_from(month).ok()?, number(day)?)?;
    let mut parts = time.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    // A leap second counts as the one before it.
    let second = number(second).filter(|second| *second <= 60)?.min(59);
    let time = NaiveTime::from_hms_opt(number(hour)?, number(minute)?, second)?;
    if parts.next().is_some() {
        return None;
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = zone.get(1..).filter(|digits| digits.len() == 4)?;
    let offset = i64::from(number(digits.get(..2)?)?) * 3_600 + i64::from(number(digits.get(2..)?)?) * 60;
    plausible((day.and_time(time).and_utc().timestamp() - sign * offset).checked_mul(1_000)?)
}

/// RFC 3339.
pub(super) fn standard_time(text: &str) -> Option<UnixMillis> {
    plausible(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis())
}

/// Up to four digits and nothing else.
fn number(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
