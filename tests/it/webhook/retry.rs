use proptest::prelude::*;
use waxseal::types::UnixMillis;
use waxseal::webhook::{
    GIVE_UP_MS, MAX_ATTEMPTS, MAX_RETRY_AFTER_MS, Verdict, next_attempt, retry_after, verdict,
};

const HOUR: u64 = 3_600_000;

#[test]
fn only_2xx_is_an_arrival_and_only_410_the_end_and_a_refusal_is_the_message_s() {
    for status in 0..=999 {
        let expected = match status {
            200..=299 => Verdict::Delivered,
            410 => Verdict::Gone,
            408 | 429 | 500.. => Verdict::Failed,
            _ => Verdict::Refused,
        };
        assert_eq!(verdict(status), expected, "{status}");
    }
}

#[test]
fn retry_after_is_seconds_or_a_date_and_never_more_than_a_day() {
    // 1994-11-06T08:49:07Z, half a minute before the date of RFC 9110.
    let now = UnixMillis(784_111_747_000);
    for (value, wait) in [
        ("0", Some(0)),
        ("120", Some(120_000)),
        (" 7 ", Some(7_000)),
        ("86401", Some(MAX_RETRY_AFTER_MS)),
        ("99999999999999999999999", Some(MAX_RETRY_AFTER_MS)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(30_000)),
        ("Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
        ("Fri, 01 Jan 2100 00:00:00 GMT", Some(MAX_RETRY_AFTER_MS)),
        ("Sun, 31 Feb 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 25:49:37 GMT", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49:37", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(retry_after(value, now), wait, "{value}");
    }
}

/// When a message that always fails is sent, in milliseconds from the first attempt on.
fn times(random: impl Fn(u32) -> u16) -> Vec<u64> {
    let first = UnixMillis(1_796_040_000_000);
    let (mut times, mut now) = (vec![0], first);
    while let Some(next) = next_attempt(first, now, times.len() as u32, random(times.len() as u32)) {
        now = next;
        times.push(now.0 - first.0);
    }
    times
}

#[test]
fn it_is_tried_soon_then_seldom_and_for_the_last_time_after_three_days() {
    // 200 is in the middle of what the jitter may be.
    let middle = times(|_| 200);
    assert_eq!(middle[..6], [0, 5_000, 35_000, 155_000, 755_000, 755_000 + HOUR]);
    assert_eq!(*middle.last().unwrap(), GIVE_UP_MS);
    assert!((15..=25).contains(&middle.len()), "{} attempts", middle.len());
}

proptest! {
    #[test]
    fn however_the_dice_fall_it_ends_after_three_days(seed: u16) {
        let times = times(|nth| seed.wrapping_mul(nth as u16 | 1).rotate_left(nth));
        prop_assert!(times.is_sorted() && times.len() <= MAX_ATTEMPTS as usize, "{:?}", times);
        prop_assert_eq!(*times.last().unwrap(), GIVE_UP_MS);
        prop_assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 6 * HOUR * 6 / 5));
        prop_assert!((4_000..=6_000).contains(&times[1]));
    }
}
