//! Times as people write and read them: `30d`, `2026-12-31`, `2026-12-31T18:00:00+01:00`; and the site's time zone by its IANA
//! name, to know when a day ends. The machine's own time zone data is used where there is any, since it is kept up to date; else
//! what was compiled in.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use waxseal::types::{UnixMillis, UnixSeconds};

use crate::output::count;

const DAY: u64 = 86_400;

fn timestamp(at: UnixSeconds) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(at.0).ok()?).ok()
}

fn seconds(at: Timestamp) -> Option<UnixSeconds> {
    u64::try_from(at.as_second()).ok().map(UnixSeconds)
}

/// An instant given as a distance from now or as a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// So many seconds from now.
    In(u64),
    /// At this instant.
    At(UnixSeconds),
    /// At the end of this day, in a time zone that is still to be known.
    Day(Date),
}

impl When {
    /// The instant, counted from `now`; a day ends in UTC.
    pub(crate) fn from(self, now: UnixSeconds) -> UnixSeconds {
        match self {
            Self::In(seconds) => UnixSeconds(now.0.saturating_add(seconds)),
            Self::At(at) => at,
            Self::Day(day) => Zone::utc().ends(day).unwrap_or(UnixSeconds(u64::MAX)),
        }
    }

    /// The same, but a day lasts until it is over everywhere: in UTC-12.
    pub(crate) fn over_everywhere(self, now: UnixSeconds) -> UnixSeconds {
        let end = self.from(now);
        if matches!(self, Self::Day(_)) { UnixSeconds(end.0.saturating_add(DAY / 2)) } else { end }
    }
}

const EXPECTED: &str = "expected a duration such as 30d, 12h, 45m or 90s, a date such as 2026-12-31, or a time such as 2026-12-31T18:00:00Z";

const EARLY: &str = "this date is before 1970";

/// Reads a duration or an RFC 3339 date or time. A bare date means the end of that day.
pub(crate) fn parse(text: &str) -> Result<When, String> {
    if let Some(seconds) = duration(text) {
        return seconds.map(When::In);
    }
    let early = || EARLY.to_owned();
    if let Ok(time) = text.parse() {
        return seconds(time).map(When::At).ok_or_else(early);
    }
    match Date::strptime("%Y-%m-%d", text) {
        Ok(day) if day.year() < 1970 => Err(early()),
        Ok(day) => Ok(When::Day(day)),
        Err(_) => Err(EXPECTED.to_owned()),
    }
}

/// The same, or `now`.
pub(crate) fn parse_or_now(text: &str) -> Result<When, String> {
    if text == "now" { Ok(When::In(0)) } else { parse(text) }
}

/// `None` when the text does not look like a duration at all.
fn duration(text: &str) -> Option<Result<u64, String>> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit)?;
    let seconds = match unit {
        'd' => DAY,
        'h' => 3600,
        'm' => 60,
        's' => 1,
        _ => return None,
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Err(EXPECTED.to_owned()));
    }
    let total = number.parse::<u64>().ok().and_then(|n| n.checked_mul(seconds));
    Some(match total {
        Some(0) => Err("this duration is zero".to_owned()),
        Some(total) if total <= 200 * 365 * DAY => Ok(total),
        _ => Err("this duration is longer than a token can say (the year 2106)".to_owned()),
    })
}

/// Reads a whole number of days, such as `366d`.
pub(crate) fn parse_days(text: &str) -> Result<u16, String> {
    let days = text.strip_suffix('d').unwrap_or(text);
    days.parse().map_err(|_| "expected a number of days such as 366d".to_owned())
}

/// RFC 3339 in UTC, for programs: `2026-12-31T00:00:00Z`.
pub(crate) fn rfc3339(at: UnixSeconds) -> String {
    format(at, "%Y-%m-%dT%H:%M:%SZ")
}

/// The same for people: `2026-12-31 00:00:00 UTC`.
pub(crate) fn words(at: UnixSeconds) -> String {
    format(at, "%Y-%m-%d %H:%M:%S UTC")
}

/// The same to the millisecond: `2026-12-31 00:00:00.000 UTC`.
pub(crate) fn millis(at: UnixMillis) -> String {
    format!("{}.{:03} UTC", format(at.seconds(), "%Y-%m-%d %H:%M:%S"), at.0 % 1_000)
}

fn format(at: UnixSeconds, pattern: &str) -> String {
    timestamp(at).map_or_else(|| format!("{} s after 1970", at.0), |time| time.strftime(pattern).to_string())
}

/// How far away an instant is: `in 30 days`, `2 hours ago`.
pub(crate) fn distance(at: UnixSeconds, now: UnixSeconds) -> String {
    let seconds = at.0.abs_diff(now.0);
    let far = match seconds {
        0..60 => count(seconds, "second"),
        60..3600 => count(seconds / 60, "minute"),
        3600..DAY => count(seconds / 3600, "hour"),
        _ => count(seconds / DAY, "day"),
    };
    if at > now { format!("in {far}") } else { format!("{far} ago") }
}

/// Both: `2026-12-31 00:00:00 UTC (in 30 days)`.
pub(crate) fn full(at: UnixSeconds, now: UnixSeconds) -> String {
    format!("{} ({})", words(at), distance(at, now))
}

/// A time zone.
#[derive(Clone, Debug)]
pub(crate) struct Zone(TimeZone);

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        TimeZone::get(name).map(Self).map_err(|_| {
            "no time zone of this name: write it as in the site's settings, such as Europe/Amsterdam or UTC".to_owned()
        })
    }
}

impl Zone {
    /// UTC.
    pub(crate) const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// When this day is over: the first moment of the next.
    pub(crate) fn ends(&self, day: Date) -> Option<UnixSeconds> {
        let next = day.tomorrow().ok()?.to_zoned(self.0.clone()).ok()?;
        // Where summer time begins at midnight there is none.
        let next = next.start_of_day().ok()?;
        seconds(next.timestamp())
    }

    /// For people: `2026-12-31 23:59:59 +01:00 (Europe/Amsterdam)`.
    pub(crate) fn words(&self, at: UnixSeconds) -> String {
        timestamp(at).map_or_else(
            || words(at),
            |at| {
                let there = at.to_zoned(self.0.clone());
                format!("{} ({})", there.strftime("%Y-%m-%d %H:%M:%S %:z"), self.name())
            },
        )
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// How many seconds it is ahead of UTC at this time.
    pub(crate) fn ahead(&self, at: UnixMillis) -> Option<i32> {
        Some(self.0.to_offset(timestamp(at.seconds())?).seconds())
    }

    /// The next midnight, or the first moment of the next day where summer time begins at midnight.
    pub(crate) fn day_end(&self, now: UnixSeconds) -> UnixSeconds {
        let end = timestamp(now).and_then(|now| self.ends(now.to_zoned(self.0.clone()).date()));
        end.filter(|end| *end > now)
            .unwrap_or(UnixSeconds((now.0 / DAY).saturating_add(1).saturating_mul(DAY)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dates_are_read() {
        assert_eq!(parse("30d"), Ok(When::In(30 * DAY)));
        assert_eq!(parse("90s"), Ok(When::In(90)));
        assert_eq!((parse_or_now("now"), parse("now").is_err()), (Ok(When::In(0)), true));
        assert_eq!(parse("1970-01-02T01:00:00+01:00"), Ok(When::At(UnixSeconds(DAY))));
        let day = parse("1970-01-01").unwrap();
        assert_eq!(day.from(UnixSeconds(7)), UnixSeconds(DAY), "a date lasts until its end");
        assert_eq!(day.over_everywhere(UnixSeconds(7)), UnixSeconds(DAY + DAY / 2));
        assert_eq!(When::In(5).over_everywhere(UnixSeconds(7)), UnixSeconds(12));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "1.5h",
            "30",
            "30 d",
            "tomorrow",
            "1969-01-01",
            "2026-13-01",
            "99999999999999999999d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn distances_read_well() {
        assert_eq!(distance(UnixSeconds(30 * DAY), UnixSeconds(0)), "in 30 days");
        assert_eq!(distance(UnixSeconds(0), UnixSeconds(3600)), "1 hour ago");
    }

    fn zone(name: &str) -> Zone {
        name.parse().unwrap()
    }

    #[test]
    fn a_date_ends_where_the_next_begins() {
        for (zone, day, expected) in [
            ("UTC", "2026-12-31", "2027-01-01T00:00:00Z"),
            ("Europe/Amsterdam", "2026-12-31", "2026-12-31T23:00:00Z"),
            ("Europe/Amsterdam", "2026-07-01", "2026-07-01T22:00:00Z"),
            ("America/New_York", "2026-12-31", "2027-01-01T05:00:00Z"),
            ("Pacific/Kiritimati", "2026-12-31", "2026-12-31T10:00:00Z"),
            ("Asia/Kathmandu", "2026-02-28", "2026-02-28T18:15:00Z"),
            // The days on which clocks change.
            ("Europe/Amsterdam", "2026-03-29", "2026-03-29T22:00:00Z"),
            ("Europe/Amsterdam", "2026-10-25", "2026-10-25T23:00:00Z"),
            ("America/Asuncion", "2023-09-30", "2023-10-01T04:00:00Z"),
        ] {
            let end = self::zone(zone).ends(day.parse().unwrap()).unwrap();
            assert_eq!(rfc3339(end), expected, "{zone} {day}");
        }
        let words = zone("Europe/Amsterdam").words(UnixSeconds(1_798_757_999));
        assert_eq!(words, "2026-12-31 23:59:59 +01:00 (Europe/Amsterdam)");
    }

    #[test]
    fn a_day_ends_at_the_next_midnight_of_the_zone() {
        for (zone, now, expected) in [
            ("UTC", "2026-11-22T00:00:00Z", "2026-11-23T00:00:00Z"),
            ("Europe/Amsterdam", "2026-11-22T22:59:59Z", "2026-11-22T23:00:00Z"),
            ("europe/amsterdam", "2026-11-22T23:00:00Z", "2026-11-23T23:00:00Z"),
            // 23 and 25 hours.
            ("Europe/Amsterdam", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            ("Europe/Amsterdam", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            // Summer time begins at midnight, so there is none.
            ("America/Asuncion", "2023-09-30T12:00:00Z", "2023-10-01T04:00:00Z"),
            // A day was left out.
            ("Pacific/Apia", "2011-12-30T09:00:00Z", "2011-12-30T10:00:00Z"),
        ] {
            let end = self::zone(zone).day_end(seconds(now.parse().unwrap()).unwrap());
            assert_eq!(rfc3339(end), expected, "{zone} {now}");
        }
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        assert!(Zone(TimeZone::UTC).day_end(UnixSeconds(u64::MAX)).0 > 0);
    }
}
