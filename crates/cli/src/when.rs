//! Times as people write and read them: `30d`, `2026-12-31`, `2026-12-31T18:00:00+01:00`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use waxseal::types::{UnixMillis, UnixSeconds};

const DAY: u64 = 86_400;

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
            Self::Day(day) => {
                let end = day.tomorrow().and_then(|next| next.to_zoned(TimeZone::UTC)).ok();
                end.and_then(|end| u64::try_from(end.timestamp().as_second()).ok())
                    .map_or(UnixSeconds(u64::MAX), UnixSeconds)
            }
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
    let at = if let Ok(time) = text.parse::<Timestamp>() {
        time.as_second()
    } else if let Ok(day) = Date::strptime("%Y-%m-%d", text) {
        return if day.year() < 1970 { Err(EARLY.to_owned()) } else { Ok(When::Day(day)) };
    } else {
        return Err(EXPECTED.to_owned());
    };
    u64::try_from(at).map(|at| When::At(UnixSeconds(at))).map_err(|_| EARLY.to_owned())
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
    i64::try_from(at.0).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).map_or_else(
        || format!("{} ms after 1970", at.0),
        |time| time.strftime("%Y-%m-%d %H:%M:%S%.3f UTC").to_string(),
    )
}

fn format(at: UnixSeconds, pattern: &str) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .map_or_else(|| format!("{} s after 1970", at.0), |time| time.strftime(pattern).to_string())
}

/// How far away an instant is: `in 30 days`, `2 hours ago`.
pub(crate) fn distance(at: UnixSeconds, now: UnixSeconds) -> String {
    let seconds = at.0.abs_diff(now.0);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..DAY => (seconds / 3600, "hour"),
        _ => (seconds / DAY, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if at > now { format!("in {count} {unit}{plural}") } else { format!("{count} {unit}{plural} ago") }
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
}
