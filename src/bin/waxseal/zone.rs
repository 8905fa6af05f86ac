//! The site's time zone by its IANA name, to know when a day ends. The machine's own time zone data is used where there
//! is any, since it is kept up to date; else what was compiled in.

use std::str::FromStr;

use chrono::{DateTime, NaiveDateTime};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use waxseal::types::{UnixMillis, UnixSeconds};

const DAY: u64 = 86_400;

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
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// Date and time by the clock on the wall, and how far it is ahead of UTC, such as `+01:00`.
    pub(crate) fn wall(&self, at: UnixMillis) -> Option<(NaiveDateTime, String)> {
        let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
        let seconds = i64::from(self.0.to_offset(at).seconds());
        let wall = DateTime::from_timestamp_millis(at.as_millisecond().checked_add(seconds * 1000)?)?;
        let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs() / 60);
        Some((wall.naive_utc(), format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)))
    }

    /// The next midnight, or the first moment of the next day where summer time begins at midnight.
    pub(crate) fn day_end(&self, now: UnixSeconds) -> UnixSeconds {
        self.next_midnight(now)
            .filter(|end| *end > now)
            .unwrap_or(UnixSeconds((now.0 / DAY).saturating_add(1).saturating_mul(DAY)))
    }

    fn next_midnight(&self, now: UnixSeconds) -> Option<UnixSeconds> {
        let now = Timestamp::from_second(i64::try_from(now.0).ok()?).ok()?.to_zoned(self.0.clone());
        let end = now.tomorrow().ok()?.start_of_day().ok()?;
        u64::try_from(end.timestamp().as_second()).ok().map(UnixSeconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(zone: &str, now: &str) -> String {
        let now: Timestamp = now.parse().unwrap();
        let now = UnixSeconds(now.as_second().try_into().unwrap());
        let end = zone.parse::<Zone>().unwrap().day_end(now);
        Timestamp::from_second(end.0.try_into().unwrap()).unwrap().to_string()
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
            assert_eq!(end(zone, now), expected, "{zone} {now}");
        }
        assert!("Mars/Olympus".parse::<Zone>().is_err());
        assert!(Zone(TimeZone::UTC).day_end(UnixSeconds(u64::MAX)).0 > 0);
    }
}
