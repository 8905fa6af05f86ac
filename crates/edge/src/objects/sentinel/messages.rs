//! What is asked of a sentinel, and what it answers. What is answered is on disk.

use serde::{Deserialize, Serialize};

use crate::platform::error::Fault;
use waxseal::guard::strikes::{BanRecord, Census, Event, Learnt, StrikeStanding, Watched};
use waxseal::guard::{Ban, ClientKey, Network, Settings, Strike};
use waxseal::types::UnixSeconds;

/// A question to one sentinel. Each names the type of its answer.
#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    /// A request did wrong. [`Struck`].
    Strike {
        strike: Strike,
        settings: Settings,
        /// The next midnight of the site's time zone.
        day_ends_at: UnixSeconds,
    },
    /// Ops ban by hand. To the sentinel of the target's first client. [`Taken`].
    Ban {
        target: Network,
        until: UnixSeconds,
        /// The event is kept until then.
        day_ends_at: UnixSeconds,
    },
    /// Ops lift the target's ban and all inside it. A network wider than a /24 or a /48 has clients in every
    /// sentinel. [`Lifted`].
    Lift {
        target: Network,
        /// The event is kept until then.
        day_ends_at: UnixSeconds,
    },
    /// What is known of a client. Bans of networks wider than a /24 or a /48 may be with another sentinel.
    /// [`StandingOf`].
    Standing { client: ClientKey },
    /// What a snapshot needs: everything, or what began at that moment or later. [`Learnt`].
    Learnt { since: Option<UnixSeconds> },
    /// A page of the bans, sorted by target. [`BanPage`].
    Bans { after: Option<Network>, limit: u32 },
    /// Events later than `after`, oldest first; without it the newest, oldest first. [`EventPage`].
    Events { after: Option<u64>, limit: u32 },
    /// How many rows there are. [`Census`].
    Rows,
}

/// What came of a strike.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Struck {
    pub(crate) standing: StrikeStanding,
    /// When the client is banned, the bans that hold for it: its own first, then those of its networks.
    pub(crate) bans: Vec<Ban>,
}

/// It is done, and on disk.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Taken {}

/// What was lifted.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Lifted {
    /// How many bans.
    pub(crate) lifted: u32,
}

/// What is known of one client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StandingOf {
    /// Its points: [`Watched::millipoints`].
    pub(crate) watched: Option<Watched>,
    /// Its own first, then those of its networks, the narrower first.
    pub(crate) bans: Vec<(Network, BanRecord)>,
}

/// Some of the bans.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BanPage {
    pub(crate) bans: Vec<(Network, BanRecord)>,
    /// Whether there are more behind the last.
    pub(crate) more: bool,
}

/// Some of the events, oldest first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EventPage {
    pub(crate) events: Vec<Event>,
    /// Whether there are more behind the last.
    pub(crate) more: bool,
}

macro_rules! replies {
    ($($type:ident),*) => {
        /// The answer of a sentinel, as it travels.
        #[derive(Debug, Serialize, Deserialize)]
        pub(crate) enum Reply { $($type($type),)* }

        $(
            impl From<$type> for Reply {
                fn from(reply: $type) -> Self {
                    Self::$type(reply)
                }
            }

            impl TryFrom<Reply> for $type {
                type Error = Fault;

                fn try_from(reply: Reply) -> Result<Self, Fault> {
                    match reply {
                        Reply::$type(reply) => Ok(reply),
                        _ => Err(Fault::new("sentinel_reply", "an answer to another question")),
                    }
                }
            }
        )*
    };
}

replies!(Struck, Taken, Lifted, StandingOf, Learnt, BanPage, EventPage, Census);
