//! A sorted map that never holds more than its cap: the entry with the lowest rank goes first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;

/// What decides who goes first: a class, then a time.
pub(super) type Rank = (u8, u64);

#[derive(Clone, Debug)]
pub(super) struct Bounded<K, V> {
    values: BTreeMap<K, (Rank, V)>,
    ranks: BTreeSet<(Rank, K)>,
    cap: usize,
}

impl<K: Ord + Copy, V: Copy> Bounded<K, V> {
    pub(super) const fn new(cap: usize) -> Self {
        Self { values: BTreeMap::new(), ranks: BTreeSet::new(), cap }
    }

    pub(super) fn get(&self, key: K) -> Option<&V> {
        self.values.get(&key).map(|(_, value)| value)
    }

    /// Sets a value; returns the key that had to go for it, which may be the same one.
    pub(super) fn put(&mut self, key: K, rank: Rank, value: V) -> Option<K> {
        if let Some((old, _)) = self.values.insert(key, (rank, value)) {
            self.ranks.remove(&(old, key));
        }
        self.ranks.insert((rank, key));
        if self.values.len() <= self.cap {
            return None;
        }
        let (_, weakest) = self.ranks.pop_first()?;
        self.values.remove(&weakest);
        Some(weakest)
    }

    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let (rank, value) = self.values.remove(&key)?;
        self.ranks.remove(&(rank, key));
        Some(value)
    }

    pub(super) fn range(&self, keys: impl RangeBounds<K>) -> impl Iterator<Item = (K, &V)> {
        self.values.range(keys).map(|(key, (_, value))| (*key, value))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.values.iter().map(|(key, (_, value))| (*key, value))
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }
}
