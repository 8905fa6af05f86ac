//! The one place at the edge that reads the clock.

use crate::types::UnixMillis;

/// Milliseconds since the Unix epoch by the runtime's clock, which stands still between two I/O operations.
pub(super) fn now() -> UnixMillis {
    let millis = js_sys::Date::now();
    // A clock before 1970 or beyond 2^53 ms does not exist; the cast saturates either way.
    UnixMillis(millis as u64)
}
