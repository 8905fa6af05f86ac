//! What happened lately, for ops who watch.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::guard::address::Network;
use crate::guard::reason::{Reason, coded};
use crate::types::{UnixMillis, UnixSeconds};

coded! {
    /// What happened.
    EventKind {
        /// Strikes banned a client.
        Banned = 1, "banned";
        /// Strikes banned a network.
        NetworkBanned = 2, "network_banned";
        /// Ops banned somebody by hand.
        BannedByOps = 3, "banned_by_ops";
        /// Ops lifted a ban by hand.
        Lifted = 4, "lifted";
    }
}

/// One thing that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Where it stands: grows with time, never used twice.
    pub seq: u64,
    /// When.
    pub at: UnixMillis,
    /// What.
    pub kind: EventKind,
    /// To whom.
    pub target: Network,
    /// Why the ban was made. [`Reason::Lifted`] where no ban of just this target was lifted but some inside it.
    pub reason: Reason,
    /// The AS number, when known.
    pub system: Option<u32>,
    /// When it is forgotten: the end of the day.
    pub forget_at: UnixSeconds,
}

/// The events of one sentinel, oldest first; never more than its cap.
#[derive(Clone, Debug)]
pub struct Journal {
    events: VecDeque<Event>,
    cap: usize,
}
