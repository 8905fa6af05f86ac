//! A line of an access log in JSON: one object, under the names that nginx, Cloudflare Logpush and Caddy use.
//!
//! | what | names, the first one there counts |
//! |---|---|
//! | address | `request.client_ip`, `request.remote_ip` (Caddy), `ClientIP` (Logpush), `remote_addr` (nginx) |
//! | time | `EdgeStartTimestamp`, `time_iso8601`, `time_local`, `msec`, `ts`: RFC 3339, as in Common Log Format, or a number of seconds, milli-, micro- or nanoseconds since 1970 |
//! | method, target | `request.method` and `request.uri`; `ClientRequestMethod` and `ClientRequestURI` or `ClientRequestPath`; `request_method` or `method` and `request_uri`, `uri` or `path`; else `request` as one text |
//! | status | `EdgeResponseStatus`, `status` |
//! | agent | `request.headers.User-Agent`, `ClientRequestUserAgent`, `http_user_agent`, `user_agent` |
//! | AS number, country | `ClientASN`, `asn`; `ClientCountry`, `country` |
//!
//! Caddy's `client_ip` is the connecting address unless ops named proxies that they trust. Headers that a client can
//! set are never read for the address.

use core::fmt;
use std::borrow::Cow;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::log::{
    LineFault, LogLine, checked_method, client, local_time, origin_form, plausible, split_request,
    standard_time,
};
use crate::guard::rules::Country;
use crate::types::UnixMillis;

/// A text or a number. Whatever else stands in its place is as good as nothing.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Whole(u64),
    Fraction(f64),
    Nothing,
}

/// What was found, each with the rank of its name: a lower one counts.
#[derive(Default)]
struct Fields<'a> {
    slots: [Option<(u8, Scalar<'a>)>; 9],
}

#[derive(Clone, Copy)]
enum Slot {
    Address,
    Time,
    Method,
    Target,
    Request,
    Status,
    Agent,
    System,
    Country,
}

/// The names at the top of the object.
fn named(key: &str) -> Option<(Slot, u8)> {
    Some(match key {
        "ClientIP" => (Slot::Address, 2),
        "remote_addr" => (Slot::Address, 3),
        "EdgeStartTimestamp" => (Slot::Time, 0),
        "time_iso8601" => (Slot::Time, 1),
        "time_local" => (Slot::Time, 2),
        "msec" => (Slot::Time, 3),
        "ts" => (Slot::Time, 4),
        "ClientRequestMethod" => (Slot::Method, 1),
        "request_method" => (Slot::Method, 2),
        "method" => (Slot::Method, 3),
        "ClientRequestURI" => (Slot::Target, 1),
        "ClientRequestPath" => (Slot::Target, 2),
        "request_uri" => (Slot::Target, 3),
        "uri" => (Slot::Target, 4),
        "path" => (Slot::Target, 5),
        "EdgeResponseStatus" => (Slot::Status, 0),
        "status" => (Slot::Status, 1),
        "ClientRequestUserAgent" => (Slot::Agent, 1),
        "http_user_agent" => (Slot::Agent, 2),
        "user_agent" => (Slot::Agent, 3),
        "ClientASN" => (Slot::System, 0),
        "asn" => (Slot::System, 1),
        "ClientCountry" => (Slot::Country, 0),
        "country" => (Slot::Country, 1),
        _ => return None,
    })
}

/// The names in Caddy's `request`.
fn named_in_request(key: &str) -> Option<(Slot, u8)> {
    Some(match key {
        "client_ip" => (Slot::Address, 0),
        "remote_ip" => (Slot::Address, 1),
        "method" => (Slot::Method, 0),
        "uri" => (Slot::Target, 0),
        _ => return None,
    })
}

/// The names in its `headers`.
fn named_in_headers(key: &str) -> Option<(Slot, u8)> {
    key.eq_ignore_ascii_case("user-agent").then_some((Slot::Agent, 0))
}

pub(super) fn parse(line: &str) -> Result<LogLine<'_>, LineFault> {
    let mut fields = Fields::default();
    let mut json = serde_json::Deserializer::from_str(line);
    let read = Reader { fields: &mut fields, level: Level::Top }.deserialize(&mut json);
    read.and_then(|()| json.end()).map_err(|_| LineFault::Json)?;
    fields.line()
}

impl<'a> Fields<'a> {
    fn put(&mut self, (slot, rank): (Slot, u8), value: Scalar<'a>) {
        if matches!(value, Scalar::Nothing) {
            return;
        }
        if let Some(held) = self.slots.get_mut(slot as usize)
            && held.as_ref().is_none_or(|(before, _)| rank < *before)
        {
            *held = Some((rank, value));
        }
    }

    fn take(&mut self, slot: Slot) -> Option<Scalar<'a>> {
        self.slots.get_mut(slot as usize)?.take().map(|(_, value)| value)
    }

    fn text(&mut self, slot: Slot) -> Option<Cow<'a, str>> {
        match self.take(slot)? {
            Scalar::Text(text) => Some(text),
            _ => None,
        }
    }

    fn line(mut self) -> Result<LogLine<'a>, LineFault> {
        let client = self.text(Slot::Address).and_then(|text| client(&text)).ok_or(LineFault::Address)?;
        let at = self.take(Slot::Time).and_then(|time| time.time()).ok_or(LineFault::Time)?;
        let (method, target) = match (self.text(Slot::Target), self.text(Slot::Request)) {
            (Some(target), _) => {
                // Without a method it was most probably a page.
                let method = self.text(Slot::Method).unwrap_or(Cow::Borrowed("GET"));
                checked_method(&method).ok_or(LineFault::Request)?;
                (method, in_origin_form(target).ok_or(LineFault::Request)?)
            }
            (None, Some(request)) => split_request(request)?,
            (None, None) => return Err(LineFault::Request),
        };
        let system = self.take(Slot::System).and_then(|it| it.whole()).and_then(|it| u32::try_from(it).ok());
        Ok(LogLine {
            at,
            client,
            system: system.filter(|system| *system > 0),
            country: self.text(Slot::Country).and_then(|text| Country::parse(&text)),
            method,
            target,
            status: self.take(Slot::Status).and_then(|it| it.whole()).and_then(|it| u16::try_from(it).ok()),
            agent: self.text(Slot::Agent).filter(|agent| !matches!(agent.as_ref(), "" | "-")),
        })
    }
}

fn in_origin_form(target: Cow<'_, str>) -> Option<Cow<'_, str>> {
    match target {
        Cow::Borrowed(text) => origin_form(text).map(Cow::Borrowed),
        Cow::Owned(text) if text.starts_with('/') => Some(Cow::Owned(text)),
        Cow::Owned(text) => origin_form(&text).map(|text| Cow::Owned(text.to_owned())),
    }
}

impl Scalar<'_> {
    fn whole(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Text(text) => text.strip_prefix("AS").unwrap_or(text).parse().ok(),
            Self::Fraction(_) | Self::Nothing => None,
        }
    }

    fn time(&self) -> Option<UnixMillis> {
        match self {
            Self::Text(text) => standard_time(text)
                .or_else(|| local_time(text))
                .or_else(|| text.parse().ok().and_then(whole_time))
                .or_else(|| text.parse().ok().and_then(seconds_time)),
            Self::Whole(number) => whole_time(*number),
            Self::Fraction(seconds) => seconds_time(*seconds),
            Self::Nothing => None,
        }
    }
}

/// Seconds, milli-, micro- or nanoseconds since 1970: the size tells, until the year 5138.
fn whole_time(number: u64) -> Option<UnixMillis> {
    let millis = match number {
        0..100_000_000_000 => number * 1_000,
        100_000_000_000..100_000_000_000_000 => number,
        100_000_000_000_000..100_000_000_000_000_000 => number / 1_000,
        _ => number / 1_000_000,
    };
    plausible(i64::try_from(millis).ok()?)
}

/// Seconds with a fraction.
fn seconds_time(seconds: f64) -> Option<UnixMillis> {
    // The cast stops at the largest number, and what is not a number becomes 0, which is filtered.
    (seconds >= 0.0).then(|| plausible((seconds * 1_000.0) as i64)).flatten()
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Fraction(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    /// The first value: Caddy's headers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let first = items.next_element()?.unwrap_or(Scalar::Nothing);
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(first)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
}

/// Which object is being read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Top,
    Request,
    Headers,
}

/// Reads an object into the fields.
struct Reader<'f, 'a> {
    fields: &'f mut Fields<'a>,
    level: Level,
}

impl<'a> Reader<'_, 'a> {
    fn request(self, text: Cow<'a, str>) {
        if self.level == Level::Request {
            self.fields.put((Slot::Request, 0), Scalar::Text(text));
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// nginx and others write the request as one text where Caddy has an object.
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<(), E> {
        self.request(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.request(Cow::Owned(text.to_owned()));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { fields, level } = self;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let deeper = match (level, key.as_ref()) {
                (Level::Top, "request") => Some(Level::Request),
                (Level::Request, "headers") => Some(Level::Headers),
                _ => None,
            };
            if let Some(level) = deeper {
                map.next_value_seed(Reader { fields: &mut *fields, level })?;
                continue;
            }
            let slot = match level {
                Level::Top => named(&key),
                Level::Request => named_in_request(&key),
                Level::Headers => named_in_headers(&key),
            };
            match slot {
                Some(slot) => fields.put(slot, map.next_value()?),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
