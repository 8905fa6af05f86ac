//! The only place of the command line that reads the clock.

use std::time::{SystemTime, UNIX_EPOCH};

use waxseal::types::UnixMillis;

/// The time now. A clock set before 1970 reads as 1970: every token then looks valid for long, and nothing breaks.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
