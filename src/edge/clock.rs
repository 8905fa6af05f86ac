//! The one place at the edge that reads the clock.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use worker::Delay;

use crate::types::UnixMillis;

/// Milliseconds since the Unix epoch by the runtime's clock, which stands still between two I/O operations.
pub(super) fn now() -> UnixMillis {
    let millis = js_sys::Date::now();
    // A clock before 1970 or beyond 2^53 ms does not exist; the cast saturates either way.
    UnixMillis(millis as u64)
}

/// What `work` comes to, or `None` when it takes longer than `limit`.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut limit = pin!(Delay::from(limit));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}
