//! What a sentinel tells others of what it knows.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde::{Deserialize, Serialize};

use super::record::{BanRecord, Watched};
use super::state::SentinelState;
use crate::guard::address::{ClientKey, Network};
use crate::guard::settings::{Settings, Thresholds};
use crate::guard::snapshot::{Ban, Dynamic};
use crate::types::UnixSeconds;

/// What the publisher asks every sentinel for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentinelExport {
    /// Bans, in any order.
    pub bans: Vec<Ban>,
    /// AS numbers and how many of their networks are banned, by number. All of them, whatever was asked for:
    /// [`strict_asns`] adds up what the sentinels say.
    pub networks: Vec<(u32, u32)>,
    /// When the next of all rows ends.
    pub next_end: Option<UnixSeconds>,
}

/// How many rows of each kind there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Clients with points and no ban.
    pub watched: usize,
    /// Banned clients.
    pub banned: usize,
    /// Banned networks.
    pub networks: usize,
}

impl SentinelState {
    /// What the snapshot shall say of all this.
    pub fn dynamic(&self, settings: &Settings, now: UnixSeconds) -> Dynamic {
        Dynamic {
            bans: self.standing_bans(now).map(|(target, ban)| ban.of(target)).collect(),
            strict_asns: strict_asns(self.banned_networks(now), &settings.thresholds),
        }
    }

    /// What a snapshot needs: everything, or the bans that began at `since` or later.
    pub fn export_since(&self, since: Option<UnixSeconds>, now: UnixSeconds) -> SentinelExport {
        let since = since.unwrap_or(UnixSeconds(0));
        let bans = self.standing_bans(now).filter(|(_, ban)| since <= ban.since);
        SentinelExport {
            bans: bans.map(|(target, ban)| ban.of(target)).collect(),
            networks: self.banned_networks(now).into_iter().collect(),
            next_end: self.next_end(),
        }
    }

    /// The first `most` bans behind `after`, sorted by target, and whether there are more.
    pub fn page(
        &self,
        after: Option<Network>,
        most: usize,
        now: UnixSeconds,
    ) -> (Vec<(Network, BanRecord)>, bool) {
        let clients_from = match after {
            None => Bound::Unbounded,
            // A network sorts before its first client, unless it is that client.
            Some(after) if after.is_single() => Bound::Excluded(after.first()),
            Some(after) => Bound::Included(after.first()),
        };
        let clients = self.banned.range((clients_from, Bound::Unbounded));
        let mut clients = clients.map(|(client, ban)| (Network::single(client), ban)).peekable();
        let mut networks = self
            .networks
            .range((after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded))
            .peekable();
        let sorted = std::iter::from_fn(|| match (clients.peek(), networks.peek()) {
            (Some((client, _)), Some((network, _))) if client < network => clients.next(),
            (_, Some(_)) => networks.next(),
            (_, None) => clients.next(),
        });
        let mut standing = sorted.filter(|(_, ban)| now < ban.until).map(|(target, ban)| (target, *ban));
        let page = standing.by_ref().take(most).collect();
        (page, standing.next().is_some())
    }

    /// How many networks of each AS are banned: /24s and /48s, a /56 as its /48. Sentinels count apart;
    /// [`strict_asns`] adds them up.
    pub fn banned_networks(&self, now: UnixSeconds) -> BTreeMap<u32, u32> {
        let live = self.networks.iter().filter(|(_, ban)| now < ban.until && !ban.dry_run);
        let wide = |network: Network| network.first().district().unwrap_or(network);
        let mut pairs: Vec<(u32, Network)> =
            live.filter_map(|(network, ban)| Some((ban.asn?, wide(network)))).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for (asn, _) in pairs {
            let count = counts.entry(asn).or_default();
            *count = count.saturating_add(1);
        }
        counts
    }

    /// The bans that hold for a client: its own, and those of its networks, the narrower first.
    pub fn bans_of(&self, client: ClientKey, now: UnixSeconds) -> Vec<(Network, BanRecord)> {
        let own = self.banned.get(client).map(|ban| (Network::single(client), *ban));
        // One look-up for each prefix: a full table has 20,000 networks.
        let networks = (0..=64).rev().filter_map(|prefix| {
            let network = Network::around(client, prefix);
            self.networks.get(network).map(|ban| (network, *ban))
        });
        own.into_iter().chain(networks).filter(|(_, ban)| now < ban.until).collect()
    }

    /// The ban of exactly this target, over or not.
    pub fn ban_of(&self, target: Network) -> Option<&BanRecord> {
        if target.is_single() { self.banned.get(target.first()) } else { self.networks.get(target) }
    }

    /// A client's points.
    pub fn watched(&self, client: ClientKey) -> Option<&Watched> {
        self.watched.get(client)
    }

    /// How many rows of each kind there are.
    pub fn row_counts(&self) -> RowCounts {
        RowCounts { watched: self.watched.len(), banned: self.banned.len(), networks: self.networks.len() }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        let RowCounts { watched, banned, networks } = self.row_counts();
        watched + banned + networks
    }

    pub(super) fn all_bans(&self) -> impl Iterator<Item = (Network, &BanRecord)> {
        let clients = self.banned.iter().map(|(client, ban)| (Network::single(client), ban));
        clients.chain(self.networks.iter())
    }

    fn standing_bans(&self, now: UnixSeconds) -> impl Iterator<Item = (Network, &BanRecord)> {
        self.all_bans().filter(move |(_, ban)| now < ban.until)
    }
}

impl BanRecord {
    /// What a snapshot says of it.
    pub fn of(&self, target: Network) -> Ban {
        let Self { since, until, reason, dry_run, .. } = *self;
        Ban { target, since, until, reason, dry_run }
    }
}

/// Those AS numbers with enough banned networks, from the counts of one sentinel or of several.
pub fn strict_asns(counts: impl IntoIterator<Item = (u32, u32)>, limits: &Thresholds) -> Vec<u32> {
    let mut sums: BTreeMap<u32, u32> = BTreeMap::new();
    for (asn, count) in counts {
        let sum = sums.entry(asn).or_default();
        *sum = sum.saturating_add(count);
    }
    sums.into_iter().filter(|(_, count)| *count >= limits.system_after).map(|(asn, _)| asn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::reason::Reason;
    use crate::guard::strikes::{Caps, Change};
    use crate::types::UnixMillis;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn state(bans: &[(&str, u64, u64)]) -> SentinelState {
        let rows = bans.iter().map(|(target, since, until)| {
            let (since, until) = (UnixSeconds(NOW.0 + since), UnixSeconds(NOW.0 + until));
            let ban = BanRecord { since, until, reason: Reason::Forged, asn: Some(64_500), dry_run: false };
            Change::Ban(network(target), ban)
        });
        SentinelState::restore(Caps::default(), rows)
    }

    #[test]
    fn a_delta_has_what_began_since() {
        let state = state(&[("192.0.2.1", 0, 900), ("192.0.2.2", 10, 900), ("192.0.2.0/24", 11, 900)]);
        let told = |since: Option<u64>| {
            let since = since.map(|second| UnixSeconds(NOW.0 + second));
            let learnt = state.export_since(since, UnixSeconds(NOW.0 + 20));
            assert_eq!(learnt.networks, [(64_500, 1)], "all of them");
            assert_eq!(learnt.next_end, Some(UnixSeconds(NOW.0 + 900)));
            learnt.bans.len()
        };
        assert_eq!((told(None), told(Some(0)), told(Some(1))), (3, 3, 2));
        assert_eq!((told(Some(10)), told(Some(11)), told(Some(12))), (2, 1, 0));
        let over = state.export_since(None, UnixSeconds(NOW.0 + 900));
        assert!(over.bans.is_empty() && over.networks.is_empty(), "a ban that is over is not told");
    }

    #[test]
    fn pages_follow_on_each_other_and_miss_nothing() {
        let targets = [
            "10.0.0.0/8",
            "10.0.0.0/24",
            "10.0.0.0",
            "10.0.0.1",
            "192.0.2.0",
            "192.0.2.0/24",
            "2001:db8::/48",
            "2001:db8::/56",
            "2001:db8::/64",
            "2001:db8:0:1::/64",
        ];
        let bans: Vec<_> = targets.iter().map(|target| (*target, 0, 9)).collect();
        let state = state(&bans);
        let mut sorted: Vec<Network> = targets.iter().map(|target| network(target)).collect();
        sorted.sort();
        for most in 1..12 {
            let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
            loop {
                let (page, more) = state.page(after, most, NOW);
                assert!(page.len() <= most);
                seen.extend(page.iter().map(|(target, _)| *target));
                after = seen.last().copied();
                pages += 1;
                if !more {
                    break;
                }
            }
            assert_eq!((seen, pages), (sorted.clone(), targets.len().div_ceil(most)));
        }
        assert_eq!(state.page(None, 5, UnixSeconds(NOW.0 + 9)), (Vec::new(), false), "over");
        let (page, _) = state.page(Some(network("192.0.2.0/25")), 1, NOW);
        assert_eq!(
            page.first().map(|(target, _)| *target),
            Some(network("192.0.2.0")),
            "a cursor need not exist"
        );
    }

    #[test]
    fn the_bans_of_a_client_are_its_own_then_the_narrowest() {
        let state = state(&[
            ("0.0.0.0/0", 0, 9),
            ("192.0.2.0/24", 0, 9),
            ("192.0.2.7", 0, 9),
            ("192.0.2.6/31", 0, 0),
            ("192.0.3.0/24", 0, 9),
            ("::/0", 0, 9),
            ("2001:db8::/64", 0, 9),
        ]);
        let of = |client: &str| -> Vec<String> {
            let bans = state.bans_of(client.parse().unwrap(), NOW);
            bans.iter().map(|(target, _)| target.to_string()).collect()
        };
        assert_eq!(of("192.0.2.7"), ["192.0.2.7", "192.0.2.0/24", "0.0.0.0/0"]);
        assert_eq!(of("2001:db8::1"), ["2001:db8::/64", "::/0"]);
        assert!(state.ban_of(network("192.0.2.0/25")).is_none());
    }

    #[test]
    fn only_what_ends_before_its_time_is_said_to() {
        let mut state = state(&[("192.0.2.1", 0, 900), ("192.0.2.2", 0, 900)]);
        assert!(!state.take_ended_early(), "taking rows in is no change");
        let at = NOW.millis();
        state.ban(network("192.0.2.1"), UnixSeconds(NOW.0 + 901), at);
        assert!(!state.take_ended_early(), "longer");
        state.ban(network("192.0.2.1"), UnixSeconds(NOW.0 + 800), at);
        assert!(!state.take_ended_early(), "a ban by hand cuts none short");
        assert_eq!(state.ban_of(network("192.0.2.1")).unwrap().until, UnixSeconds(NOW.0 + 901));
        state.lift(network("192.0.2.9"));
        assert!(!state.take_ended_early(), "there was nothing to lift");
        state.lift(network("192.0.2.1"));
        assert!(state.take_ended_early());
        assert!(!state.take_ended_early(), "said once");
        state.sweep(UnixMillis(at.0 + 900_000));
        assert_eq!((state.rows(), state.take_ended_early()), (0, false), "over in time");
    }
}
