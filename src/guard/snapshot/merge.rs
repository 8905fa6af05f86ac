//! When the list of bans is full: neighbours are merged into networks, the densest first, and never over a client
//! that is allowed or spared. What still does not fit is let go, the ban that ends first first.

use std::collections::BTreeMap;

use super::input::Ban;
use crate::guard::address::Network;
use crate::guard::reason::Reason;

/// Prefixes to merge into, IPv4 and IPv6, and how many bans a network must hold for it.
const LEVELS: [(u8, u8, usize); 3] = [(24, 56, 2), (20, 48, 3), (16, 40, 3)];

/// What merging did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    pub(super) bans: Vec<Ban>,
    /// How many bans went into wider ones.
    pub(super) merged: usize,
    /// How many were let go.
    pub(super) dropped: usize,
}

/// Networks that must not be covered, ready to be asked.
pub(super) struct Protected(Vec<Network>);

impl Protected {
    pub(super) fn new(networks: impl Iterator<Item = Network>) -> Self {
        let mut all: Vec<Network> = networks.collect();
        // Sorted, the wider first; one that lies in the one before it says nothing new.
        all.sort_unstable_by_key(|network| (network.first(), network.prefix()));
        all.dedup_by(|next, kept| kept.contains(next.first()));
        Self(all)
    }

    /// The networks left are disjoint and sorted, so only the last that begins by the end of `network` can overlap.
    pub(super) fn touches(&self, network: &Network) -> bool {
        let behind = self.0.partition_point(|protected| protected.first() <= network.last());
        behind.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|last| last.overlaps(network))
    }
}

/// At most `most` bans out of `bans`. Deterministic.
pub(super) fn fit(bans: &[Ban], protected: &Protected, most: usize) -> Merged {
    let mut result = Merged { bans: strongest(bans), ..Merged::default() };
    for (v4, v6, least) in LEVELS {
        if result.bans.len() <= most {
            return result;
        }
        merge(&mut result, protected, most, |ban| if ban.target.first().is_v4() { v4 } else { v6 }, least);
    }
    if result.bans.len() > most {
        result.dropped = result.bans.len() - most;
        result.bans.sort_unstable_by_key(|ban| {
            (ban.dry_run, core::cmp::Reverse(ban.until), core::cmp::Reverse(ban.since), ban.target)
        });
        result.bans.truncate(most);
    }
    result
}

/// One ban for each target and dry-run state: the one that ends last. Sorted by target.
fn strongest(bans: &[Ban]) -> Vec<Ban> {
    let mut bans = bans.to_vec();
    bans.sort_unstable_by_key(|ban| {
        (ban.target, ban.dry_run, core::cmp::Reverse(ban.until), ban.reason, ban.since)
    });
    bans.dedup_by_key(|ban| (ban.target, ban.dry_run));
    bans
}

fn merge(result: &mut Merged, protected: &Protected, most: usize, prefix: impl Fn(&Ban) -> u8, least: usize) {
    let mut groups: BTreeMap<Network, usize> = BTreeMap::new();
    let home = |ban: &Ban| {
        let prefix = prefix(ban);
        // A ban in dry run must not become part of one that refuses people.
        (!ban.dry_run && ban.target.prefix() >= prefix).then(|| Network::around(ban.target.first(), prefix))
    };
    result.bans.iter().filter_map(home).for_each(|network| *groups.entry(network).or_default() += 1);
    let mut chosen: Vec<(usize, Network)> = groups
        .into_iter()
        .filter(|(network, count)| *count >= least && !protected.touches(network))
        .map(|(network, count)| (count, network))
        .collect();
    chosen.sort_unstable_by_key(|(count, network)| (core::cmp::Reverse(*count), *network));
    let mut left = result.bans.len();
    let mut wide: BTreeMap<Network, Option<Ban>> = BTreeMap::new();
    for (count, network) in chosen {
        if left <= most {
            break;
        }
        left = left + 1 - count;
        wide.insert(network, None);
    }
    let mut kept = Vec::with_capacity(left);
    for ban in &result.bans {
        match home(ban).and_then(|network| Some((network, wide.get_mut(&network)?))) {
            None => kept.push(*ban),
            Some((target, slot)) => {
                result.merged += 1;
                let merged = slot.get_or_insert(Ban { target, reason: Reason::Merged, ..*ban });
                merged.until = merged.until.max(ban.until);
                merged.since = merged.since.min(ban.since);
            }
        }
    }
    kept.extend(wide.into_values().flatten());
    result.bans = strongest(&kept);
}
