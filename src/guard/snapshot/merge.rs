//! When the list of bans is full: neighbours are merged into networks, the densest first, and never over a client
//! that is allowed. What still does not fit is let go, the ban that ends first first.

use core::cmp::{Ordering, Reverse};

use super::Ban;
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
        sort(&mut result.bans, |a, b| {
            let place = |ban: &Ban| (ban.dry_run, Reverse(ban.until), Reverse(ban.since), ban.target);
            place(a).cmp(&place(b))
        });
        result.bans.truncate(most);
    }
    result
}

/// One ban for each target and dry-run state: the one that ends last. Sorted by target.
fn strongest(bans: &[Ban]) -> Vec<Ban> {
    let mut bans = bans.to_vec();
    sort(&mut bans, |a, b| {
        let place = |ban: &Ban| (ban.target, ban.dry_run, Reverse(ban.until), ban.reason, ban.since);
        place(a).cmp(&place(b))
    });
    bans.dedup_by_key(|ban| (ban.target, ban.dry_run));
    bans
}

/// One function for both orders: each closure would be compiled to a sort of its own.
fn sort(bans: &mut [Ban], order: fn(&Ban, &Ban) -> Ordering) {
    bans.sort_unstable_by(order);
}

/// A network that bans could go into.
struct Group {
    network: Network,
    bans: usize,
    chosen: bool,
    merged: Option<Ban>,
}

fn merge(result: &mut Merged, protected: &Protected, most: usize, prefix: impl Fn(&Ban) -> u8, least: usize) {
    let home = |ban: &Ban| {
        let prefix = prefix(ban);
        // A ban in dry run must not become part of one that refuses people.
        (!ban.dry_run && ban.target.prefix() >= prefix).then(|| Network::around(ban.target.first(), prefix))
    };
    // The bans are sorted, and so are the groups.
    let mut groups: Vec<Group> = Vec::new();
    for network in result.bans.iter().filter_map(home) {
        match groups.last_mut() {
            Some(group) if group.network == network => group.bans += 1,
            _ => groups.push(Group { network, bans: 1, chosen: false, merged: None }),
        }
    }
    let fits = |group: &Group| group.bans >= least && !protected.touches(&group.network);
    let numbered = groups.iter().enumerate().filter(|(_, group)| fits(group));
    let mut densest: Vec<(Reverse<usize>, usize)> =
        numbered.map(|(at, group)| (Reverse(group.bans), at)).collect();
    densest.sort_unstable();
    let mut left = result.bans.len();
    for (Reverse(count), at) in densest {
        if left <= most {
            break;
        }
        left = left + 1 - count;
        if let Some(group) = groups.get_mut(at) {
            group.chosen = true;
        }
    }
    groups.retain(|group| group.chosen);
    let mut kept = Vec::with_capacity(left);
    for ban in &result.bans {
        let group = home(ban)
            .and_then(|network| groups.binary_search_by_key(&network, |group| group.network).ok())
            .and_then(|at| groups.get_mut(at));
        match group {
            None => kept.push(*ban),
            Some(group) => {
                result.merged += 1;
                let wide = Ban { target: group.network, reason: Reason::Merged, ..*ban };
                let merged = group.merged.get_or_insert(wide);
                merged.until = merged.until.max(ban.until);
                merged.since = merged.since.min(ban.since);
            }
        }
    }
    kept.extend(groups.iter().filter_map(|group| group.merged));
    result.bans = strongest(&kept);
}
