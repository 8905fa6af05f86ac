//! Dates as people read them, when a day ends, and two ways to write one character. Only the runtime knows calendars,
//! languages, time zones and Unicode's tables.

use std::cell::RefCell;

use chrono::{DateTime, SecondsFormat, Utc};
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::error::Fault;
use crate::guard::next_day;
use crate::pages::Lang;
use crate::types::UnixSeconds;

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
}

/// The text in Unicode's Normalization Form C, by the runtime's own tables.
pub(super) fn nfc(text: &str) -> String {
    String::from(js_sys::JsString::from(text).normalize("NFC"))
}

/// A moment such as "22 December 2026 at 23:59" in the language and the site's time zone.
pub(super) fn moment(at: UnixSeconds, lang: Lang, time_zone: &str) -> Result<String, Fault> {
    Dates::new(lang, time_zone)?.moment(at)
}

/// Dates in a language and the site's time zone.
pub(super) struct Dates {
    lang: Lang,
    day: Format,
    time: Format,
}

impl Dates {
    pub(super) fn new(lang: Lang, time_zone: &str) -> Result<Self, Fault> {
        let day = Format::new(lang.locale(), &[("dateStyle", "long"), ("timeZone", time_zone)])?;
        // How a language writes the time of day is its own affair; the runtime says which one it is.
        let options = [
            ("hour", "2-digit"),
            ("minute", "2-digit"),
            ("hourCycle", "h23"),
            ("numberingSystem", "latn"),
            ("timeZone", time_zone),
        ];
        Ok(Self { lang, day, time: Format::new("en-GB", &options)? })
    }

    /// Such as "22 December 2026".
    pub(super) fn day(&self, at: UnixSeconds) -> Result<String, Fault> {
        Ok(self.lang.day(&self.day.text(at)?))
    }

    /// As [`moment`].
    pub(super) fn moment(&self, at: UnixSeconds) -> Result<String, Fault> {
        Ok(self.lang.moment(&self.day.text(at)?, &self.time.text(at)?))
    }
}

thread_local! {
    /// The day that was looked up last: its zone, a moment in it, and its end.
    static TODAY: RefCell<Option<(String, UnixSeconds, UnixSeconds)>> = const { RefCell::new(None) };
}

/// When the day ends in a time zone.
pub(super) fn day_ends_at(now: UnixSeconds, time_zone: &str) -> Result<UnixSeconds, Fault> {
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
pub(super) fn rfc3339(at: UnixSeconds) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0))
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}
