//! What an answer means, and when the next attempt comes.

use chrono::{NaiveDate, NaiveTime};

use crate::types::UnixMillis;

const SECOND: u64 = 1_000;
const HOUR: u64 = 3_600 * SECOND;

/// The waits after the first, second, ... failure of a message; the last one goes on.
const DELAYS_MS: [u64; 7] = [5 * SECOND, 30 * SECOND, 120 * SECOND, 600 * SECOND, HOUR, 3 * HOUR, 6 * HOUR];

/// So long after its first attempt a message is given up.
pub const GIVE_UP_MS: u64 = 72 * HOUR;

/// After so many attempts, too, however they came about.
pub const MAX_ATTEMPTS: u32 = 40;

/// A receiver may ask for no longer a wait.
pub const MAX_RETRY_AFTER_MS: u64 = 24 * HOUR;

/// A receiver as a whole is asked again after no longer than this.
const MAX_HOLD_MS: u64 = HOUR;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The receiver has it.
    Delivered,
    /// There is nobody any more: nothing is sent there from now on.
    Gone,
    /// It answers, and does not take this message, which is sent again. A redirect is one: messages go where the sender said, and nowhere
    /// else.
    Refused,
    /// The receiver fails, or wants time: it has to be sent again.
    Failed,
}

/// What an answer with this status means. Its body counts for nothing.
pub const fn verdict(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Gone,
        408 | 429 | 500.. => Verdict::Failed,
        _ => Verdict::Refused,
    }
}

/// When a message is sent again that failed now, for the time number `attempts`; `None`: it is given up. The last attempt is at the end of
/// [`GIVE_UP_MS`] after the first. `random` spreads what failed together over a fifth more or less.
pub fn next_attempt(first: UnixMillis, now: UnixMillis, attempts: u32, random: u16) -> Option<UnixMillis> {
    let end = first.0.saturating_add(GIVE_UP_MS);
    let nth = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let delay = DELAYS_MS.get(nth).or(DELAYS_MS.last()).copied().unwrap_or(HOUR);
    let next = now.0.saturating_add(spread(delay, random));
    (now.0 < end && attempts < MAX_ATTEMPTS).then_some(UnixMillis(next.min(end)))
}

/// How long a receiver is left alone that has failed so often in a row, whatever is waiting: from ten seconds to an hour.
pub(super) fn hold(failures: u32, random: u16) -> u64 {
    spread((10 * SECOND).saturating_mul(1 << failures.min(16)).min(MAX_HOLD_MS), random)
}

/// Four fifths to six fifths.
const fn spread(millis: u64, random: u16) -> u64 {
    (millis / 1_000).saturating_mul(800 + (random % 401) as u64)
}

/// How long the header `Retry-After` asks to wait, in milliseconds: seconds, or a date as HTTP writes it (RFC 9110, section 10.2.3). Nothing
/// where it is neither.
pub fn retry_after(value: &str, now: UnixMillis) -> Option<u64> {
    let value = value.trim();
    let millis = match value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() {
        true => value.parse::<u64>().map_or(u64::MAX, |seconds| seconds.saturating_mul(SECOND)),
        false => http_date(value)?.saturating_sub(now.0),
    };
    Some(millis.min(MAX_RETRY_AFTER_MS))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is written today (RFC 9110, section 5.6.7), in milliseconds.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = text.split_once(", ")?.1.strip_suffix(" GMT")?.split([' ', ':']);
    let day = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let month = (1..).zip(MONTHS).find(|(_, month)| *month == name)?.0;
    let date = NaiveDate::from_ymd_opt(parts.next()?.parse().ok()?, month, day)?;
    let mut number = || parts.next()?.parse::<u32>().ok();
    let time = NaiveTime::from_hms_opt(number()?, number()?, number()?)?;
    u64::try_from(date.and_time(time).and_utc().timestamp_millis()).ok()
}
