//! What is asked of a sentinel, and what it answers. What is answered is on disk.

use serde::{Deserialize, Serialize};
use worker::Env;

use crate::platform::error::Fault;
use crate::platform::object::{self, ObjectClass, ObjectRequest, requests};
use waxseal::guard::strikes::{BanRecord, Event, RowCounts, SentinelExport, StrikeStanding, Watched};
use waxseal::guard::{Ban, ClientKey, Network, Settings, Strike};
use waxseal::types::UnixSeconds;

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "SENTINEL" };

/// How many sentinels share the clients. Another number sends clients to sentinels that do not know them: bans that
/// stand would end with the next base, strikes would start again, and until the end of the day old sentinels would
/// still hold rows that nobody asks for.
pub(crate) const SHARDS: u32 = 4;

/// The sentinel that keeps a client. A network of a /24 or a /48, or narrower, is kept where its clients are.
pub(crate) fn shard_of(client: ClientKey) -> u32 {
    client.shard(SHARDS)
}

/// Calls one sentinel. A fault means that nothing is known of the outcome.
pub(crate) async fn call<R: ObjectRequest>(env: &Env, shard: u32, request: &R) -> Result<R::Reply, Fault> {
    object::call(env, &format!("shard-{shard}"), request).await
}

requests! { CLASS;
    /// A request did wrong.
    RecordStrike {
        strike: Strike,
        settings: Settings,
        /// The next midnight of the site's time zone.
        day_ends_at: UnixSeconds,
    } -> Struck;
    /// Operators ban by hand. To the sentinel of the target's first client.
    AddBan {
        target: Network,
        until: UnixSeconds,
        /// The event is kept until then.
        day_ends_at: UnixSeconds,
    } -> ();
    /// Operators lift the target's ban and all inside it; replies how many. A network wider than a /24 or a /48 has clients in every
    /// sentinel.
    LiftBans {
        target: Network,
        /// The event is kept until then.
        day_ends_at: UnixSeconds,
    } -> u32;
    /// What is known of a client. Bans of networks wider than a /24 or a /48 may be with another sentinel.
    GetStanding { client: ClientKey } -> StandingOf;
    /// What a snapshot needs: everything, or what began at that moment or later.
    Export { since: Option<UnixSeconds> } -> SentinelExport;
    /// A page of the bans, sorted by target.
    ListBans { after: Option<Network>, limit: u32 } -> BanPage;
    /// Events later than `after`, oldest first; without it the newest, oldest first.
    ListEvents { after: Option<u64>, limit: u32 } -> EventPage;
    /// How many rows there are.
    CountRows {} -> RowCounts;
}

/// What came of a strike.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Struck {
    pub(crate) standing: StrikeStanding,
    /// When the client is banned, the bans that hold for it: its own first, then those of its networks.
    pub(crate) bans: Vec<Ban>,
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
