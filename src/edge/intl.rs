//! Dates as people read them. Only the runtime knows calendars, languages and time zones.

use chrono::{DateTime, SecondsFormat, Utc};
use js_sys::{Array, Function, Object, Reflect};
use wasm_bindgen::JsCast;

use super::error::Fault;
use crate::types::UnixSeconds;

/// A moment such as "22 December 2026 at 23:59 CET" in the locale and the site's time zone.
pub(super) fn moment(at: UnixSeconds, locale: &str, time_zone: &str) -> Result<String, Fault> {
    let options = Object::new();
    for (name, value) in [("dateStyle", "long"), ("timeStyle", "short"), ("timeZone", time_zone)] {
        Reflect::set(&options, &name.into(), &value.into())?;
    }
    let intl = Reflect::get(&js_sys::global(), &"Intl".into())?;
    let constructor: Function = Reflect::get(&intl, &"DateTimeFormat".into())?.dyn_into()?;
    // An unknown time zone makes the constructor throw; that is a fault of the settings, and the log says so.
    let format = Reflect::construct(&constructor, &Array::of2(&locale.into(), &options))?;
    let format_date: Function = Reflect::get(&format, &"format".into())?.dyn_into()?;
    let text = format_date.call1(&format, &js_sys::Date::new(&(at.0 as f64 * 1000.0).into()))?;
    text.as_string().ok_or_else(|| Fault::new("intl", "not a text"))
}

/// A moment as RFC 3339 in UTC.
pub(super) fn rfc3339(at: UnixSeconds) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0))
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}
