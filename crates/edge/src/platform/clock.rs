//! The one place at the edge that reads the clock.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use worker::Delay;

use waxseal::types::UnixMillis;

/// Milliseconds since the Unix epoch by the runtime's clock, which stands still between two I/O operations.
pub(crate) fn now() -> UnixMillis {
    let millis = js_sys::Date::now();
    // A clock before 1970 or beyond 2^53 ms does not exist; the cast saturates either way.
    UnixMillis(millis as u64)
}

/// What `work` comes to, or `None` when it takes longer than `limit`.
pub(crate) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut limit = pin!(Delay::from(limit));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// Does `work`. When `applies` to what it came to, the answer comes no sooner than `floor` after the beginning.
pub(crate) async fn not_before<T>(
    floor: Duration,
    work: impl Future<Output = T>,
    applies: impl Fn(&T) -> bool,
) -> T {
    let mut work = pin!(work);
    let mut floor = pin!(Delay::from(floor));
    let (mut done, mut passed) = (None, false);
    poll_fn(move |context| {
        // First, so that the time counts from the beginning, and only until it has passed.
        passed = passed || floor.as_mut().poll(context).is_ready();
        if done.is_none() {
            match work.as_mut().poll(context) {
                Poll::Ready(result) => done = Some(result),
                Poll::Pending => return Poll::Pending,
            }
        }
        if !passed && done.as_ref().is_some_and(&applies) {
            return Poll::Pending;
        }
        done.take().map_or(Poll::Pending, Poll::Ready)
    })
    .await
}
