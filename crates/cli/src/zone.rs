//! The site's time zone by its IANA name, to know when a day ends. The machine's own time zone data is used where there
//! is any, since it is kept up to date; else what was compiled in.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
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
    /// UTC.
    pub(crate) const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// When this day is over: the first moment of the next.
    pub(crate) fn ends(&self, day: Date) -> Option<UnixSeconds> {
        let next = day.tomorrow().ok()?.to_zoned(self.0.clone()).ok()?;
        // Where summer time begins at midnight there is none.
        let next = next.start_of_day().ok()?;
        u64::try_from(next.timestamp().as_second()).ok().map(UnixSeconds)
    }

    /// For people: `2026-12-31 23:59:59 +01:00 (Europe/Amsterdam)`.
    pub(crate) fn words(&self, at: UnixSeconds) -> String {
        let there = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_second(at).ok());
        there.map_or_else(
            || crate::when::words(at),
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
        let at = Timestamp::from_millisecond(i64::try_from(at.0).ok()?).ok()?;
        Some(self.0.to_offset(at).seconds())
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
    fn a_date_ends_where_the_next_begins() {
        for (zone, day, expected) in [
            ("UTC", (2026, 12, 31), "2027-01-01T00:00:00Z"),
            ("Europe/Amsterdam", (2026, 12, 31), "2026-12-31T23:00:00Z"),
            ("Europe/Amsterdam", (2026, 7, 1), "2026-07-01T22:00:00Z"),
            ("America/New_York", (2026, 12, 31), "2027-01-01T05:00:00Z"),
            ("Pacific/Kiritimati", (2026, 12, 31), "2026-12-31T10:00:00Z"),
            ("Asia/Kathmandu", (2026, 2, 28), "2026-02-28T18:15:00Z"),
            // The days on which clocks change.
            ("Europe/Amsterdam", (2026, 3, 29), "2026-03-29T22:00:00Z"),
            ("Europe/Amsterdam", (2026, 10, 25), "2026-10-25T23:00:00Z"),
            ("America/Asuncion", (2023, 9, 30), "2023-10-01T04:00:00Z"),
        ] {
            let (year, month, date) = day;
            let day = Date::new(year, month, date).unwrap();
            let end = zone.parse::<Zone>().unwrap().ends(day).unwrap();
            assert_eq!(
                Timestamp::from_second(end.0.try_into().unwrap()).unwrap().to_string(),
                expected,
                "{zone} {day}"
            );
        }
        let amsterdam: Zone = "Europe/Amsterdam".parse().unwrap();
        assert_eq!(
            amsterdam.words(UnixSeconds(1_798_757_999)),
            "2026-12-31 23:59:59 +01:00 (Europe/Amsterdam)"
        );
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
