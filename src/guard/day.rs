//! When a day ends: the next midnight of a time zone, whatever the zone does to its clocks.

use crate::types::UnixSeconds;

/// The longest day that summer time makes has 25 hours; one more for the unforeseen.
const DAY: u64 = 26 * 3_600;

/// How many such days are searched. One is enough for all but a zone that crosses the date line and has a date twice.
const DAYS: u64 = 2;

/// The first second after `now` whose local date differs from that of `now`: the next midnight, or what comes in its
/// place where clocks are put forward over it or a date is left out. A zone that never comes to another date gets
/// 26 hours. Asks `local_date` at most 20 times, and passes its first error on.
///
/// Where clocks are put back across midnight a date begins twice, minutes apart; then it is one of the two beginnings.
pub fn next_day<D: PartialEq, E>(
    now: UnixSeconds,
    local_date: impl Fn(UnixSeconds) -> Result<D, E>,
) -> Result<UnixSeconds, E> {
    let today = local_date(now)?;
    let after = |days: u64| UnixSeconds(now.0.saturating_add(days.saturating_mul(DAY)));
    for day in 1..=DAYS {
        // The date of `same` is today's, that of `other` is another one.
        let (mut same, mut other) = (after(day - 1), after(day));
        if local_date(other)? == today {
            continue;
        }
        while other.0 - same.0 > 1 {
            let middle = UnixSeconds(same.0.midpoint(other.0));
            if local_date(middle)? == today {
                same = middle;
            } else {
                other = middle;
            }
        }
        return Ok(other);
    }
    Ok(after(1))
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    const HOUR: u64 = 3_600;
    const MIDNIGHT: u64 = 1_800_057_600;

    /// A zone that is at `before` hours of UTC up to a moment and at `then` from it on.
    fn zone(before: i64, moment: u64, then: i64) -> impl Fn(UnixSeconds) -> Result<u64, ()> {
        move |at| {
            let hours = if at.0 < moment { before } else { then };
            at.0.checked_add_signed(hours * 3_600).map(|local| local / 86_400).ok_or(())
        }
    }

    /// The end of the day for every hour of the day before, and a second on either side.
    fn ends(local_date: impl Fn(UnixSeconds) -> Result<u64, ()>, begins: u64, end: u64) {
        let hours = (begins..end).step_by(HOUR as usize);
        for now in hours.flat_map(|now| [now, now + 1, now + HOUR - 1]).filter(|now| *now < end) {
            let found = next_day(UnixSeconds(now), &local_date);
            assert_eq!(found, Ok(UnixSeconds(end)), "{} s before", end - now);
        }
        assert!(next_day(UnixSeconds(end), &local_date).unwrap().0 > end, "midnight is the next day");
    }

    #[test]
    fn an_ordinary_day() {
        assert_eq!(MIDNIGHT % 86_400, 0);
        ends(zone(0, 0, 0), MIDNIGHT - 24 * HOUR, MIDNIGHT);
        ends(zone(-11, 0, -11), MIDNIGHT - 13 * HOUR, MIDNIGHT + 11 * HOUR);
        ends(zone(0, 0, 14), MIDNIGHT - 14 * HOUR, MIDNIGHT + 10 * HOUR);
    }

    #[test]
    fn days_of_23_and_25_hours() {
        // Amsterdam: at 01:00 UTC to summer time, and from it.
        let (begins, change) = (MIDNIGHT - HOUR, MIDNIGHT + HOUR);
        ends(zone(1, change, 2), begins, begins + 23 * HOUR);
        let begins = MIDNIGHT - 2 * HOUR;
        ends(zone(2, change, 1), begins, begins + 25 * HOUR);
    }

    #[test]
    fn clocks_that_change_at_midnight() {
        // Put forward from 00:00 to 01:00: midnight is left out. The day before has 24 hours, the day itself 23.
        let local = zone(0, MIDNIGHT, 1);
        ends(&local, MIDNIGHT - 24 * HOUR, MIDNIGHT);
        ends(&local, MIDNIGHT, MIDNIGHT + 23 * HOUR);
        // Put back from 24:00 to 23:00: the day has 25 hours.
        ends(zone(1, MIDNIGHT - HOUR, 0), MIDNIGHT - 25 * HOUR, MIDNIGHT);
    }

    #[test]
    fn clocks_that_are_put_back_across_midnight() {
        // From 00:01 to 23:01.
        let local = zone(1, MIDNIGHT - HOUR + 60, 0);
        for minutes in 1..1_400 {
            let now = UnixSeconds(MIDNIGHT - HOUR - minutes * 60);
            let end = next_day(now, &local).unwrap().0;
            assert!(end == MIDNIGHT - HOUR || end == MIDNIGHT, "{minutes} min before: {end}");
        }
        assert_eq!(next_day(UnixSeconds(MIDNIGHT - 1), &local), Ok(UnixSeconds(MIDNIGHT)));
    }

    #[test]
    fn zones_that_cross_the_date_line() {
        // Samoa left out 30 December 2011.
        let local = zone(-10, MIDNIGHT + 10 * HOUR, 14);
        ends(&local, MIDNIGHT - 14 * HOUR, MIDNIGHT + 10 * HOUR);
        let (before, after) = (MIDNIGHT + 10 * HOUR - 1, MIDNIGHT + 10 * HOUR);
        assert_eq!(local(UnixSeconds(before)).unwrap() + 2, local(UnixSeconds(after)).unwrap());
        // The other way round a date comes twice in a row.
        ends(zone(12, MIDNIGHT + 12 * HOUR, -12), MIDNIGHT - 12 * HOUR, MIDNIGHT + 36 * HOUR);
    }

    #[test]
    fn zones_that_cannot_be() {
        let asked = Cell::new(0);
        let stuck = |_| -> Result<u8, ()> {
            asked.set(asked.get() + 1);
            Ok(1)
        };
        assert_eq!(next_day(UnixSeconds(7), stuck), Ok(UnixSeconds(7 + 26 * HOUR)));
        assert_eq!(asked.get(), 3);
        assert_eq!(next_day(UnixSeconds(u64::MAX), stuck), Ok(UnixSeconds(u64::MAX)));
        let restless = |at: UnixSeconds| -> Result<u64, ()> { Ok(at.0) };
        assert_eq!(next_day(UnixSeconds(7), restless), Ok(UnixSeconds(8)));
        assert_eq!(next_day(UnixSeconds(7), |_| Err::<u8, _>("no such zone")), Err("no such zone"));
    }

    #[test]
    fn few_questions() {
        for now in (MIDNIGHT..MIDNIGHT + 24 * HOUR).step_by(977) {
            let asked = Cell::new(0);
            let local = zone(1, 0, 1);
            let counted = |at| {
                asked.set(asked.get() + 1);
                local(at)
            };
            next_day(UnixSeconds(now), counted).unwrap();
            assert!(asked.get() <= 20, "{}", asked.get());
        }
    }
}
