//! Times as people read them.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike};

use super::texts::Messages;
use crate::lang::Lang;
use crate::types::UnixMillis;

/// A time, written out.
pub(super) struct Moment {
    /// The date in words, of the zone or of UTC.
    pub(super) date: String,
    /// The time of day there.
    pub(super) time: String,
    /// What is ahead of or behind UTC; empty for UTC itself.
    pub(super) offset: String,
    /// RFC 3339 in UTC with milliseconds.
    pub(super) utc: String,
}

pub(super) fn moment(at: UnixMillis, lang: Lang, m: &Messages, zone: &super::Zone<'_>) -> Moment {
    let utc =
        i64::try_from(at.0).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default().naive_utc();
    let ahead = zone(at);
    let offset = ahead.map_or_else(String::new, |seconds| {
        let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
        format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    });
    let wall = utc.checked_add_signed(TimeDelta::seconds(ahead.unwrap_or(0).into())).unwrap_or(utc);
    Moment {
        date: date(wall, lang, m),
        time: clock(wall, m),
        offset: format!("UTC{offset}"),
        utc: utc.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
    }
}

fn clock(wall: NaiveDateTime, m: &Messages) -> String {
    let two = |number| format!("{number:02}");
    m.about.clock(two(wall.hour()), two(wall.minute()), two(wall.second()))
}

fn date(wall: NaiveDateTime, lang: Lang, m: &Messages) -> String {
    let month = m.about.months().split(',').nth(wall.month0() as usize).unwrap_or_default();
    // The first of a month is an ordinal in French, the others are not.
    let ordinal = lang == Lang::Fr && wall.day() == 1;
    m.about.date(format_args!("{}{}", wall.day(), if ordinal { "er" } else { "" }), month, wall.year())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::texts::messages;

    #[test]
    fn dates_are_those_of_the_language() {
        let at = UnixMillis(1_700_000_000_123);
        for (lang, expected, clock) in [
            (Lang::En, "14 November 2023", "22:13:20"),
            (Lang::Nl, "14 november 2023", "22:13:20"),
            (Lang::Fr, "14 novembre 2023", "22\u{a0}h\u{a0}13\u{a0}min\u{a0}20\u{a0}s"),
            (Lang::De, "14. November 2023", "22:13:20"),
        ] {
            assert_eq!(messages(lang).about.months().split(',').count(), 12);
            let found = moment(at, lang, messages(lang), &|_| None);
            assert_eq!(found.date, expected);
            assert_eq!((found.time.as_str(), found.utc.as_str()), (clock, "2023-11-14T22:13:20.123Z"));
        }
        let first = moment(UnixMillis(1_701_432_000_000), Lang::Fr, messages(Lang::Fr), &|_| None);
        assert_eq!(first.date, "1er décembre 2023");
    }

    #[test]
    fn a_zone_has_its_own_day() {
        let found = moment(UnixMillis(1_700_000_000_123), Lang::En, messages(Lang::En), &|_| Some(7_200));
        assert_eq!((found.date.as_str(), found.time.as_str()), ("15 November 2023", "00:13:20"));
        assert_eq!((found.offset.as_str(), found.utc.as_str()), ("UTC+02:00", "2023-11-14T22:13:20.123Z"));
    }
}
