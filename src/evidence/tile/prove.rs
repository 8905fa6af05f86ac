//! Proofs from tiles: first which tiles are needed, then, when the shell has read them, the hashes.

use std::collections::BTreeSet;

use super::{Row, TILE_BITS, TILE_WIDTH, Tile, TileError, TileSet};
use crate::evidence::merkle::{
    Perfect, ProofError, Span, TreeHash, consistency_spans, fold, inclusion_spans,
};

/// A proof that is going to be made from the tiles of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofPlan {
    spans: Vec<Span>,
    size: u64,
}

impl ProofPlan {
    /// The proof that leaf `index` is in the tree of `size` leaves.
    pub fn inclusion(index: u64, size: u64) -> Result<Self, ProofError> {
        Ok(Self { spans: inclusion_spans(index, size)?, size })
    }

    /// The proof that the tree of `old` leaves is the beginning of the tree of `new` leaves. It is made from the
    /// tiles of the newer one.
    pub fn consistency(old: u64, new: u64) -> Result<Self, ProofError> {
        Ok(Self { spans: consistency_spans(old, new)?, size: new })
    }

    /// The tiles it needs: for a proof of inclusion at most two on each of eight levels, each once.
    pub fn tiles(&self) -> BTreeSet<Tile> {
        let nodes = self.spans.iter().flat_map(Span::perfect);
        nodes.filter_map(|node| place(node, self.size)).map(|place| place.tile).collect()
    }

    /// The proof's hashes. What comes out is as true as the tiles: verify it against the root.
    pub fn build(&self, tiles: &TileSet) -> Result<Vec<TreeHash>, TileError> {
        self.spans.iter().map(|span| self.hash_of(span, tiles)).collect()
    }

    fn hash_of(&self, span: &Span, tiles: &TileSet) -> Result<TreeHash, TileError> {
        let mut peaks = Vec::new();
        for node in span.perfect() {
            // Every perfect subtree of a span within the tree is in a tile; nothing else gets here.
            if let Some(Place { tile, from, count }) = place(node, self.size) {
                peaks.push(root_of(tiles.hashes(tile, from, count)?));
            }
        }
        Ok(fold(&peaks).unwrap_or_else(TreeHash::empty))
    }
}

/// The hashes of a tile that a perfect subtree stands on.
struct Place {
    tile: Tile,
    from: usize,
    count: usize,
}

fn place(node: Perfect, size: u64) -> Option<Place> {
    let level = node.height / TILE_BITS;
    let count = 1u64.checked_shl(node.height % TILE_BITS)?;
    let first = node.index.checked_mul(count)?;
    let width = u64::from(TILE_WIDTH);
    let tile = Tile::of(Row::Hashes(u8::try_from(level).ok()?), first / width, size)?;
    Some(Place { tile, from: usize::try_from(first % width).ok()?, count: usize::try_from(count).ok()? })
}

/// The root over a power of two of hashes that stand side by side.
pub(super) fn root_of(mut hashes: Vec<TreeHash>) -> TreeHash {
    while hashes.len() > 1 {
        hashes = hashes
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => TreeHash::node(left, right),
                _ => pair.first().copied().unwrap_or_else(TreeHash::empty),
            })
            .collect();
    }
    hashes.first().copied().unwrap_or_else(TreeHash::empty)
}
