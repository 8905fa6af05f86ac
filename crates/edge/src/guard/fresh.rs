//! What this isolate knows of clients before a snapshot says it: bans that a sentinel just replied, and damaged links
//! that were already reported to one. The snapshot needs up to a minute; until then who was caught here is blocked here.

use std::collections::BTreeMap;

use waxseal::guard::{ClientKey, Network};
use waxseal::types::UnixSeconds;

/// By then the snapshot speaks, and if it says that operators lifted the ban, it must be heard.
const KEPT_SECONDS: u64 = 120;

/// An attack from more addresses than this within two minutes is left to the snapshot.
const MAX_CLIENTS: usize = 4_096;

#[derive(Default)]
pub(super) struct FreshBans(BTreeMap<ClientKey, UnixSeconds>);

impl FreshBans {
    /// Notes a ban that counts while now < `until`.
    pub(super) fn note(&mut self, client: ClientKey, until: UnixSeconds, now: UnixSeconds) {
        if self.0.len() >= MAX_CLIENTS {
            self.0.retain(|_, until| now < *until);
        }
        if self.0.len() < MAX_CLIENTS {
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

/// A reload within this time is not reported.
const RELOAD_SECONDS: u64 = 600;

/// Damaged links that were reported, by a keyed hash. A person who presses reload, on one link or on two in turns, is
/// not guessing, and costs no call.
#[derive(Default)]
pub(super) struct ReportedPaths(BTreeMap<(ClientKey, u64), UnixSeconds>);

impl ReportedPaths {
    /// Whether this was not reported yet; notes it.
    pub(super) fn is_news(&mut self, client: ClientKey, path_hash: u64, now: UnixSeconds) -> bool {
        if self.0.get(&(client, path_hash)).is_some_and(|until| now < *until) {
            return false;
        }
        if self.0.len() >= MAX_CLIENTS {
            self.0.retain(|_, until| now < *until);
        }
        if self.0.len() < MAX_CLIENTS {
            self.0.insert((client, path_hash), UnixSeconds(now.0.saturating_add(RELOAD_SECONDS)));
        }
        true
    }
}
