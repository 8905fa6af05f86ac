//! Webhooks: what a receiver is told of letters and of the site, signed as [Standard Webhooks](https://www.standardwebhooks.com) says.
//!
//! It promises that
//! - a message says ids, kind and time, and nothing of a person ([`Message`]); it has the same id however often it is sent;
//! - an address that is not a public name on port 443 is refused, in whatever spelling ([`check_target`]);
//! - of a letter's messages only the oldest is ever under way, while those of other letters go on ([`choose`]);
//! - a receiver that never answers costs a number of attempts that does not grow with the number of letters ([`Health`]).

mod events;
mod queue;
mod retry;
mod sign;
mod target;

use core::fmt;
use core::str::FromStr;

use crate::types::{LetterId, ParseLetterIdError, UnixMillis};

pub use events::{EventType, Message, SiteEvent};
pub use queue::{CONCURRENCY, Choice, Health, TRIPS_AT, Waiting, choose};
pub use retry::{GIVE_UP_MS, MAX_ATTEMPTS, MAX_RETRY_AFTER_MS, Verdict, next_attempt, retry_after, verdict};
pub use sign::{ROTATION_SECONDS, Secret, SecretError, TOLERANCE_SECONDS, VerifyError, verify};
pub use target::{MAX_URL, TargetError, check_target};

/// The UUID (version 7, RFC 9562 section 5.7) of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookId(pub [u8; 16]);

impl WebhookId {
    /// An id from the time and ten random bytes.
    pub fn v7(at: UnixMillis, random: [u8; 10]) -> Self {
        Self(LetterId::v7(at, random).0)
    }
}

impl fmt::Display for WebhookId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LetterId(self.0).fmt(f)
    }
}

impl FromStr for WebhookId {
    type Err = ParseLetterIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|LetterId(bytes)| Self(bytes))
    }
}

as_text!(WebhookId);
