//! Dates as people read them, when a day ends, and two ways to write one character. Only the runtime knows calendars,
//! languages, time zones and Unicode's tables.

use std::cell::RefCell;

use chrono::{DateTime, SecondsFormat, Utc};
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::error::Fault;
use waxseal::guard::next_day;
use waxseal::lang::Lang;
use waxseal::types::UnixSeconds;

/// One of the runtime's formatters. Making one costs far more than using it.
struct Format {
    format: JsValue,
    /// Its method `format`, which the runtime has bound to it.
    call: Function,
}

impl Format {
    /// An unknown time zone makes the runtime throw; that is a fault of the settings, and the log says so.
    fn new(locale: &str, options: &[(&str, &str)]) -> Result<Self, Fault> {
        let wanted = Object::new();
        for (name, value) in options {
            Reflect::set(&wanted, &(*name).into(), &(*value).into())?;
        }
        let intl = Reflect::get(&js_sys::global(), &"Intl".into())?;
        let constructor: Function = Reflect::get(&intl, &"DateTimeFormat".into())?.dyn_into()?;
        let format = Reflect::construct(&constructor, &Array::of2(&locale.into(), &wanted))?;
        let call = Reflect::get(&format, &"format".into())?.dyn_into()?;
        Ok(Self { format, call })
    }

    fn text(&self, at: UnixSeconds) -> Result<String, Fault> {
        let text = self.call.call1(&self.format, &js_sys::Date::new(&(at.0 as f64 * 1000.0).into()))?;
        text.as_string().ok_or_else(|| Fault::new("intl", "not a text"))
    }

    /// One part of the text, by the runtime's name for it.
    fn part(&self, at: UnixSeconds, name: &str) -> Result<String, Fault> {
        let call: Function = Reflect::get(&self.format, &"formatToParts".into())?.dyn_into()?;
        let parts: Array =
            call.call1(&self.format, &js_sys::Date::new(&(at.0 as f64 * 1000.0).into()))?.dyn_into()?;
        for part in parts {
            if Reflect::get(&part, &"type".into())?.as_string().as_deref() == Some(name) {
                let value = Reflect::get(&part, &"value".into())?.as_string();
                return value.ok_or_else(|| Fault::new("intl", "not a text"));
            }
        }
        Err(Fault::new("intl", "no such part"))
    }
}

/// The text in Unicode's Normalization Form C, by the runtime's own tables.
pub(crate) fn nfc(text: &str) -> String {
    String::from(js_sys::JsString::from(text).normalize("NFC"))
}

/// How many seconds a time zone's clocks are ahead of UTC at a time; `None` where the runtime does not say.
pub(crate) fn ahead(time_zone: &str, at: UnixSeconds) -> Option<i32> {
    let options = [("timeZone", time_zone), ("timeZoneName", "longOffset")];
    // Such as GMT, GMT+01:00, GMT-03:30, or GMT-00:44:30 long ago.
    let text = Format::new("en", &options).and_then(|format| format.part(at, "timeZoneName")).ok()?;
    let offset = text.strip_prefix("GMT")?;
    let mut seconds = 0i32;
    for (part, unit) in offset.trim_start_matches(['+', '-']).split(':').zip([3_600, 60, 1]) {
        let number: i32 = if part.is_empty() { 0 } else { part.parse().ok()? };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
    }
    Some(if offset.starts_with('-') { seconds.checked_neg()? } else { seconds })
}

/// Dates in a language and the site's time zone.
pub(crate) struct Dates {
    lang: Lang,
    here: Clock,
    /// The reader's own clock, where its zone has another name, and the site's zone.
    there: Option<(Clock, String)>,
}

/// What a calendar and a clock show in a time zone.
struct Clock {
    day: Format,
    time: Format,
}

impl Clock {
    fn new(lang: Lang, time_zone: &str) -> Result<Self, Fault> {
        let day = Format::new(lang.locale(), &[("dateStyle", "long"), ("timeZone", time_zone)])?;
        // How a language writes the time of day is its own affair; the runtime says which one it is.
        let options = [
            ("hour", "2-digit"),
            ("minute", "2-digit"),
            ("hourCycle", "h23"),
            ("numberingSystem", "latn"),
            ("timeZone", time_zone),
        ];
        Ok(Self { day, time: Format::new("en-GB", &options)? })
    }

    fn at(&self, at: UnixSeconds) -> Result<(String, String), Fault> {
        Ok((self.day.text(at)?, self.time.text(at)?))
    }
}

impl Dates {
    /// `reader`: the time zone that the reader is in, where it is known. One that the runtime does not know is not.
    pub(crate) fn new(lang: Lang, site: &str, reader: Option<&str>) -> Result<Self, Fault> {
        let there = match reader.filter(|reader| *reader != site).map(|reader| Clock::new(lang, reader)) {
            Some(Ok(clock)) => Some((clock, site.to_owned())),
            _ => None,
        };
        Ok(Self { lang, here: Clock::new(lang, site)?, there })
    }

    /// Such as "22 December 2026".
    pub(crate) fn day(&self, at: UnixSeconds) -> Result<String, Fault> {
        Ok(self.lang.day(&self.here.day.text(at)?))
    }

    /// Such as "22 December 2026 at 23:59"; with the zone behind it where the reader's clock shows something else then.
    pub(crate) fn moment(&self, at: UnixSeconds) -> Result<String, Fault> {
        let (day, time) = self.here.at(at)?;
        let zone = match &self.there {
            Some((clock, site)) if clock.at(at)? != (day.clone(), time.clone()) => {
                Some(self.zone(at, site, &(day.clone(), time.clone()))?)
            }
            _ => None,
        };
        Ok(self.lang.moment(&day, &time, zone.as_deref()))
    }

    /// The site's zone, such as "Central European Time"; summer or standard time where its clock shows this hour twice.
    fn zone(&self, at: UnixSeconds, site: &str, shown: &(String, String)) -> Result<String, Fault> {
        let name = |style| {
            let options = [("timeZone", site), ("timeZoneName", style)];
            Format::new(self.lang.locale(), &options)?.part(at, "timeZoneName")
        };
        let hour = 3_600;
        let (before, after) = (at.0.saturating_sub(hour), at.0.saturating_add(hour));
        let twice =
            self.here.at(UnixSeconds(before))? == *shown || self.here.at(UnixSeconds(after))? == *shown;
        let generic = name("longGeneric")?;
        // A zone without a generic name, UTC above all, has a long one.
        if twice || generic.starts_with("GMT") || generic.starts_with("UTC") {
            name("long")
        } else {
            Ok(generic)
        }
    }
}

thread_local! {
    /// The day that was looked up last: its zone, a moment in it, and its end.
    static TODAY: RefCell<Option<(String, UnixSeconds, UnixSeconds)>> = const { RefCell::new(None) };
}

/// When the day ends in a time zone.
pub(crate) fn day_ends_at(now: UnixSeconds, time_zone: &str) -> Result<UnixSeconds, Fault> {
    let known = TODAY.with_borrow(|today| {
        let (_, _, end) =
            today.as_ref().filter(|(zone, at, end)| zone == time_zone && *at <= now && now < *end)?;
        Some(*end)
    });
    if let Some(end) = known {
        return Ok(end);
    }
    // Some twenty calls of the runtime.
    let end = find_day_end(now, time_zone)?;
    TODAY.set(Some((time_zone.to_owned(), now, end)));
    Ok(end)
}

fn find_day_end(now: UnixSeconds, time_zone: &str) -> Result<UnixSeconds, Fault> {
    // The numbers and the calendar are spelt out so that no locale data of the runtime decides them.
    let options = [
        ("calendar", "gregory"),
        ("numberingSystem", "latn"),
        ("year", "numeric"),
        ("month", "2-digit"),
        ("day", "2-digit"),
        ("timeZone", time_zone),
    ];
    let date = Format::new("en-CA", &options)?;
    next_day(now, |at| date.text(at))
}

/// A moment as RFC 3339 in UTC.
pub(crate) fn rfc3339(at: UnixSeconds) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0))
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}
