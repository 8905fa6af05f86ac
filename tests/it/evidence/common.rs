//! Trees in memory, and what several tests need.

use waxseal::evidence::merkle::{TreeHash, consistency_spans, inclusion_spans, tree_hash};
use waxseal::evidence::tile::{Growth, Tile, TileSet};

pub(crate) fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

pub(crate) fn hash(text: &str) -> TreeHash {
    TreeHash(hex(text).try_into().unwrap())
}

/// Entry `i` of the logs of these tests.
pub(crate) fn entry(i: u64) -> Vec<u8> {
    format!("entry {i}").into_bytes()
}

/// A tree that keeps all its leaves, for proofs made the slow and obvious way.
#[derive(Default)]
pub(crate) struct Tree(pub(crate) Vec<TreeHash>);

impl Tree {
    pub(crate) fn of(size: u64) -> Self {
        Self((0..size).map(|i| TreeHash::leaf(&entry(i))).collect())
    }

    pub(crate) fn root(&self, size: u64) -> TreeHash {
        tree_hash(self.0[..size as usize].iter().copied())
    }

    pub(crate) fn inclusion(&self, index: u64, size: u64) -> Vec<TreeHash> {
        let spans = inclusion_spans(index, size).unwrap();
        spans.iter().map(|span| self.over(span.start(), span.end())).collect()
    }

    pub(crate) fn consistency(&self, old: u64, new: u64) -> Vec<TreeHash> {
        let spans = consistency_spans(old, new).unwrap();
        spans.iter().map(|span| self.over(span.start(), span.end())).collect()
    }

    fn over(&self, start: u64, end: u64) -> TreeHash {
        tree_hash(self.0[start as usize..end as usize].iter().copied())
    }
}

/// A log in memory: what the shell does with files, without the storage.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) growth: Growth,
    pub(crate) files: std::collections::BTreeMap<Tile, Vec<u8>>,
}

impl Log {
    pub(crate) fn of(size: u64) -> Self {
        let mut log = Self::default();
        log.grow((0..size).map(entry));
        log
    }

    pub(crate) fn grow(&mut self, entries: impl IntoIterator<Item = Vec<u8>>) {
        for entry in entries {
            self.growth.append(&entry).unwrap();
        }
        for (tile, bytes) in self.growth.changes() {
            if let Some(before) = self.files.insert(tile, bytes.clone()) {
                assert_eq!(before, bytes, "{tile} changed");
            }
        }
    }

    /// The files with these names, as a shell reads them.
    pub(crate) fn read(&self, names: impl IntoIterator<Item = Tile>) -> TileSet {
        let mut tiles = TileSet::new();
        for name in names {
            tiles.insert(name, self.files.get(&name).unwrap_or_else(|| panic!("no {name}")).clone()).unwrap();
        }
        tiles
    }
}
