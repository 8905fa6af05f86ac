//! The one place at the edge that reads the clock.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
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
    match select(pin!(work), pin!(Delay::from(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Waits so long.
pub(crate) async fn sleep(time: Duration) {
    Delay::from(time).await;
}

/// Does `work`. When `applies` to what it came to, the answer comes no sooner than `floor` after the beginning.
pub(crate) async fn not_before<T>(
    floor: Duration,
    work: impl Future<Output = T>,
    applies: impl Fn(&T) -> bool,
) -> T {
    // The floor is polled first, so that its time counts from the beginning.
    match select(pin!(Delay::from(floor)), pin!(work)).await {
        Either::Left(((), work)) => work.await,
        Either::Right((done, floor)) => {
            if applies(&done) {
                floor.await;
            }
            done
        }
    }
}
