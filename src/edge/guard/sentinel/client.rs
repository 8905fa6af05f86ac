//! The one call from the worker to a sentinel.

use std::time::Duration;

use worker::{Env, Method, ObjectNamespace, Request, RequestInit};

use super::messages::{Ask, Reply};
use crate::edge::clock;
use crate::edge::error::Fault;
use crate::guard::ClientKey;

/// Name of the Durable Object binding.
const BINDING: &str = "SENTINEL";

/// How many sentinels share the clients. Another number sends clients to sentinels that do not know them: bans that
/// stand would end with the next base, strikes would start again, and until the end of the day old sentinels would
/// still hold rows that nobody asks for.
pub(in crate::edge) const SHARDS: u32 = 4;

/// Far longer than a healthy sentinel takes. A Durable Object that crashed leaves its caller without any answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The sentinels, of this site or of several that share them.
pub(in crate::edge) struct SentinelClient(ObjectNamespace);

impl SentinelClient {
    pub(in crate::edge) fn open(env: &Env) -> Result<Self, Fault> {
        Ok(Self(env.durable_object(BINDING).map_err(|e| Fault::new("binding_sentinel", e))?))
    }

    /// The sentinel that keeps a client. A network of a /24 or a /48, or narrower, is kept where its clients are.
    pub(in crate::edge) fn shard_of(&self, client: ClientKey) -> u32 {
        client.shard(SHARDS)
    }

    /// Asks one sentinel; the type of the answer is the one that the question names. A fault means that nothing is
    /// known of the outcome.
    pub(in crate::edge) async fn ask<T>(&self, shard: u32, ask: &Ask) -> Result<T, Fault>
    where
        T: TryFrom<Reply, Error = Fault>,
    {
        let name = format!("shard-{shard}");
        let stub = self.0.get_by_name(&name).map_err(|e| Fault::new("sentinel_stub", e))?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(serde_json::to_string(ask)?.into()));
        let request = Request::new_with_init("https://sentinel/", &init)?;
        let reply = async {
            let mut response =
                stub.fetch_with_request(request).await.map_err(|e| Fault::new("sentinel_down", e))?;
            if response.status_code() != 200 {
                return Err(Fault::new("sentinel_failed", response.status_code()));
            }
            let body = response.text().await?;
            // Where it fails, not what it says: that may be an address.
            let reply: Reply = serde_json::from_str(&body).map_err(|error| {
                Fault::new("sentinel_reply", format_args!("{:?} at {}", error.classify(), error.column()))
            })?;
            T::try_from(reply)
        };
        clock::within(PATIENCE, reply)
            .await
            .unwrap_or_else(|| Err(Fault::new("sentinel_silent", "no answer in time")))
    }
}
