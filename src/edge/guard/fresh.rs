//! Bans that a sentinel just told this isolate of. The snapshot needs up to a minute to say the same; until then who was
//! caught here is blocked here.

use std::collections::BTreeMap;

use crate::guard::{ClientKey, Network};
use crate::types::UnixSeconds;

/// By then the snapshot speaks, and if it says that ops lifted the ban, it must be heard.
const KEPT_SECONDS: u64 = 120;

/// An attack from more addresses than this within two minutes is left to the snapshot.
const MOST: usize = 4_096;

#[derive(Default)]
pub(super) struct FreshBans(BTreeMap<ClientKey, UnixSeconds>);

impl FreshBans {
    /// Notes a ban that counts while now < `until`.
    pub(super) fn note(&mut self, client: ClientKey, until: UnixSeconds, now: UnixSeconds) {
        if self.0.len() >= MOST {
            self.0.retain(|_, until| now < *until);
        }
        if self.0.len() < MOST {
            self.0.insert(client, until.min(UnixSeconds(now.0.saturating_add(KEPT_SECONDS))));
        }
    }

    pub(super) fn forget(&mut self, target: Network) {
        self.0.retain(|client, _| !target.contains(*client));
    }

    pub(super) fn holds(&self, client: ClientKey, now: UnixSeconds) -> bool {
        self.0.get(&client).is_some_and(|until| now < *until)
    }
}
