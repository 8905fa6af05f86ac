//! The one call from the worker to a sentinel.

use worker::Env;

use super::messages::{Ask, Reply};
use crate::platform::error::Fault;
use crate::platform::object::{Class, Objects};
use waxseal::guard::ClientKey;

const CLASS: Class = Class {
    binding: "SENTINEL",
    unbound: "binding_sentinel",
    stub: "sentinel_stub",
    down: "sentinel_down",
    failed: "sentinel_failed",
    silent: "sentinel_silent",
};

/// How many sentinels share the clients. Another number sends clients to sentinels that do not know them: bans that
/// stand would end with the next base, strikes would start again, and until the end of the day old sentinels would
/// still hold rows that nobody asks for.
pub(crate) const SHARDS: u32 = 4;

/// The sentinels, of this site or of several that share them.
pub(crate) struct SentinelClient(Objects);

impl SentinelClient {
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        Objects::open(env, &CLASS).map(Self)
    }

    /// The sentinel that keeps a client. A network of a /24 or a /48, or narrower, is kept where its clients are.
    pub(crate) fn shard_of(&self, client: ClientKey) -> u32 {
        client.shard(SHARDS)
    }

    /// Asks one sentinel; the type of the answer is the one that the question names. A fault means that nothing is
    /// known of the outcome.
    pub(crate) async fn ask<T>(&self, shard: u32, ask: &Ask) -> Result<T, Fault>
    where
        T: TryFrom<Reply, Error = Fault>,
    {
        self.reply(shard, ask).await.and_then(T::try_from)
    }

    async fn reply(&self, shard: u32, ask: &Ask) -> Result<Reply, Fault> {
        let reply = self.0.ask(&format!("shard-{shard}"), serde_json::to_string(ask)?).await?;
        // Where it fails, not what it says: that may be an address.
        serde_json::from_str(&reply).map_err(|error| {
            Fault::new("sentinel_reply", format_args!("{:?} at {}", error.classify(), error.column()))
        })
    }
}
