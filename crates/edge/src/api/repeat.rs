//! `Idempotency-Key`: the same request again answers the same letter.
//!
//! Each attempt seals under a letter id of its own, so that attempts side by side never write one object. The body lies in the
//! bucket before an attempt claims the key, and only one can: its letter is the one, and whoever comes later answers it, and writes
//! its manifest if the first died before it did. Claims are named by the day, so that the sweep finds the old ones; within a day
//! nothing is forgotten.

use super::ApiRequest;
use crate::platform::bucket::{Letters, Put};
use crate::platform::clock;
use crate::platform::error::Fault;
use waxseal::api::Code;
use waxseal::token::{Creation, Keyring, SiteKey};
use waxseal::types::UnixMillis;

/// The longest key, in characters.
const MAX_KEY: usize = 255;
const DAY_MS: u64 = 86_400_000;

/// A request that may come again, and whose.
pub(super) struct Repeatable {
    caller: String,
    key: String,
}

impl Repeatable {
    /// `None` when the request has no key.
    pub(super) fn of(request: &ApiRequest<'_>) -> Result<Option<Self>, Code> {
        let Some(key) = request.call.header("idempotency-key") else { return Ok(None) };
        let holds = (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if holds {
            Ok(Some(Self { caller: request.caller.name(), key }))
        } else {
            Err(Code::IdempotencyKeyForm)
        }
    }

    /// What was claimed today or yesterday, and the site key that it was claimed under.
    pub(super) async fn look<'k>(
        &self,
        bucket: &Letters,
        keyring: &'k Keyring,
        now: UnixMillis,
    ) -> Result<Option<(Creation, &'k SiteKey)>, Fault> {
        for site in keyring.keys() {
            for days_ago in [0, 1] {
                if let Some(found) = self.read(bucket, site, day(now).saturating_sub(days_ago)).await? {
                    return Ok(Some((found, site)));
                }
            }
        }
        Ok(None)
    }

    /// Claims the key for a letter whose body is in the bucket. Answers the letter of whoever was first, if that was another.
    pub(super) async fn claim(
        &self,
        bucket: &Letters,
        site: &SiteKey,
        began: UnixMillis,
        creation: Creation,
    ) -> Result<Option<Creation>, Fault> {
        let (then, today) = (day(began), day(clock::now()));
        // Midnight went by while the report came: somebody may have claimed the key before it.
        if then != today
            && let Some(first) = self.read(bucket, site, then).await?
        {
            return Ok(Some(first));
        }
        match bucket.create(&self.place(site, today), creation.to_bytes()).await? {
            Put::Written => Ok(None),
            Put::Exists => {
                let first = self.read(bucket, site, today).await?;
                first.map(Some).ok_or_else(|| Fault::new("creation", "what was there is gone"))
            }
        }
    }

    async fn read(&self, bucket: &Letters, site: &SiteKey, day: u64) -> Result<Option<Creation>, Fault> {
        let Some(bytes) = bucket.read(&self.place(site, day), Creation::BYTES as u64).await? else {
            return Ok(None);
        };
        let found = Creation::from_bytes(&bytes);
        found.map(Some).ok_or_else(|| Fault::new("creation", "not a record of what was created"))
    }

    fn place(&self, site: &SiteKey, day: u64) -> String {
        format!("{}{day:06}/{}", Creation::PREFIX, site.creations().name(&self.caller, &self.key))
    }
}

/// Days since 1970.
const fn day(at: UnixMillis) -> u64 {
    at.0 / DAY_MS
}
