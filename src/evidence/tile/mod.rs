//! The files of a tiled log (C2SP tlog-tiles): their paths, what is in them, proofs made from them, and which of them
//! change when entries are appended.

mod entries;
mod grow;
mod prove;

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

pub use entries::{EntriesError, MAX_ENTRY_BYTES, decode_entries, encode_entries};
pub use grow::{Growth, GrowthError};
pub use prove::ProofPlan;

use super::merkle::{MAX_TREE_SIZE, TreeHash};

/// Hashes in a full tile, entries in a full bundle of entries.
pub const TILE_WIDTH: u16 = 256;

/// Where the checkpoint lies, from the log's prefix.
pub const CHECKPOINT_PATH: &str = "checkpoint";

/// Bits of an index that one tile covers.
const TILE_BITS: u32 = 8;

/// The highest level a path may name.
const MAX_LEVEL: u8 = 63;

const HASH_BYTES: usize = 32;

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// Hashes at this level: level 0 are leaf hashes, each hash above is the root of a full tile below.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The name of a tile: what it holds, its place in the row, and how much of it there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    row: Row,
    index: u64,
    width: u16,
}

/// The text is not the path of a tile in its one spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile, such as tile/0/x001/234/067.p/12")]
pub struct ParseTileError;

codes!(ParseTileError = "malformed_tile_path");

impl Tile {
    /// The tile of this row and index in a tree of `size` leaves; `None` if it would be empty.
    pub fn of(row: Row, index: u64, size: u64) -> Option<Self> {
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = in_row(row, size).checked_sub(before)?.min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { row, index, width })
    }

    /// What it holds.
    pub const fn row(&self) -> Row {
        self.row
    }

    /// Its place in the row.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// Hashes or entries in it, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is as wide as tiles get, and will not grow.
    pub const fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The same tile, full.
    pub const fn filled(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// Whether it is partial and a tree of `size` leaves has it full: it may be deleted then.
    pub fn is_outgrown(&self, size: u64) -> bool {
        !self.is_full() && in_row(self.row, size) >> TILE_BITS > self.index
    }

    /// As much of the same tile, full or not, as this one has. `None` when that has less.
    pub fn cut<'b>(&self, wider: &'b [u8]) -> Option<&'b [u8]> {
        match self.row {
            Row::Hashes(_) => wider.get(..usize::from(self.width).saturating_mul(HASH_BYTES)),
            Row::Entries => entries::first(wider, self.width),
        }
    }
}

/// How many hashes or entries the row has in a tree of `size` leaves.
fn in_row(row: Row, size: u64) -> u64 {
    match row {
        Row::Entries => size,
        Row::Hashes(level) => size.checked_shr(u32::from(level).saturating_mul(TILE_BITS)).unwrap_or(0),
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            Row::Hashes(level) => write!(f, "tile/{level}/")?,
            Row::Entries => f.write_str("tile/entries/")?,
        }
        let digits = self.index.to_string();
        let groups = digits.len().div_ceil(3);
        let padded = format!("{digits:0>width$}", width = groups.saturating_mul(3));
        for group in 0..groups {
            let at = group.saturating_mul(3);
            let text = padded.get(at..at.saturating_add(3)).unwrap_or_default();
            let more = group.saturating_add(1) < groups;
            write!(f, "{}{text}{}", if more { "x" } else { "" }, if more { "/" } else { "" })?;
        }
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for Tile {
    type Err = ParseTileError;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let read = || {
            // The longest path there is has 7 groups.
            let rest = path.strip_prefix("tile/").filter(|_| path.len() <= 64)?;
            let (row, rest) = rest.split_once('/')?;
            let row = match row {
                "entries" => Row::Entries,
                level => Row::Hashes(level.parse().ok().filter(|level| *level <= MAX_LEVEL)?),
            };
            let (index, width) = match rest.split_once(".p/") {
                Some((index, width)) => (index, width.parse().ok().filter(|w| (1..TILE_WIDTH).contains(w))?),
                None => (rest, TILE_WIDTH),
            };
            let index = index.replace(['x', '/'], "").parse().ok()?;
            (index <= MAX_TREE_SIZE / u64::from(TILE_WIDTH)).then_some(Self { row, index, width })
        };
        // Signs, leading zeros, groups in the wrong place: whatever is not how we write it is not a path.
        read().filter(|tile| tile.to_string() == path).ok_or(ParseTileError)
    }
}

/// Why tiles do not give what is asked of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "tile_")]
pub enum TileError {
    /// A tile that is needed is not there.
    #[error("{0} is missing")]
    Missing(Tile),
    /// A tile does not have the length that its name says.
    #[error("{0} has the wrong length")]
    Length(Tile),
}

codes!(TileError);

/// Tiles that were read from the log. Their content is not trusted: a proof made from them has to be verified.
#[derive(Clone, Debug, Default)]
pub struct TileSet(BTreeMap<Tile, Vec<u8>>);

impl TileSet {
    /// No tiles.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a tile. Hash tiles must have exactly 32 bytes for each hash.
    pub fn insert(&mut self, tile: Tile, bytes: Vec<u8>) -> Result<(), TileError> {
        let expected = usize::from(tile.width).saturating_mul(HASH_BYTES);
        if tile.row != Row::Entries && bytes.len() != expected {
            return Err(TileError::Length(tile));
        }
        self.0.insert(tile, bytes);
        Ok(())
    }

    fn bytes(&self, tile: Tile) -> Result<&[u8], TileError> {
        self.0.get(&tile).map(Vec::as_slice).ok_or(TileError::Missing(tile))
    }

    /// `count` hashes of a hash tile from the one at `from`.
    fn hashes(&self, tile: Tile, from: usize, count: usize) -> Result<Vec<TreeHash>, TileError> {
        let start = from.saturating_mul(HASH_BYTES);
        let end = start.saturating_add(count.saturating_mul(HASH_BYTES));
        let bytes = self.bytes(tile)?.get(start..end).ok_or(TileError::Length(tile))?;
        Ok(bytes.as_chunks::<HASH_BYTES>().0.iter().copied().map(TreeHash).collect())
    }
}

impl Extend<(Tile, Vec<u8>)> for TileSet {
    /// Adds tiles that this software wrote itself, without a look at their length.
    fn extend<T: IntoIterator<Item = (Tile, Vec<u8>)>>(&mut self, tiles: T) {
        self.0.extend(tiles);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_no_tile_beyond_its_end() {
        assert_eq!(Tile::of(Row::Hashes(0), 0, 0), None);
        assert_eq!(Tile::of(Row::Hashes(0), 1, 256), None);
        assert_eq!(Tile::of(Row::Hashes(1), 0, 255), None);
        assert_eq!(Tile::of(Row::Hashes(9), 0, u64::MAX), None);
        assert_eq!(Tile::of(Row::Hashes(0), u64::MAX, u64::MAX), None);
        assert_eq!(Tile::of(Row::Hashes(255), 0, u64::MAX), None);
    }

    #[test]
    fn a_partial_tile_is_the_beginning_of_the_full_one() {
        let leaves: Vec<Vec<u8>> = (0..300u16).map(|n| n.to_be_bytes().repeat(usize::from(n % 5))).collect();
        let mut small = Growth::new();
        let mut partial = TileSet::new();
        for leaf in &leaves {
            small.append(leaf).unwrap();
            partial.extend(small.changes());
        }
        for (tile, bytes) in &partial.0 {
            match partial.0.get(&tile.filled()) {
                Some(full) => {
                    assert_eq!(tile.cut(full), Some(bytes.as_slice()), "{tile}");
                    assert_eq!(tile.is_outgrown(300), !tile.is_full(), "{tile}");
                }
                None => assert!(!tile.is_outgrown(300), "{tile}"),
            }
            assert_eq!(tile.cut(&bytes[..bytes.len() - 1]), None, "{tile}");
        }
        // All that a log of this size may have written of its last tiles.
        let written = |size| partial.0.keys().filter(move |tile| !tile.is_full() && !tile.is_outgrown(size));
        let mut named = Growth::partials(300);
        named.sort_unstable();
        assert!(written(300).eq(&named), "{named:?}");
        assert_eq!(Growth::partials(256 * 256), [Tile { row: Row::Hashes(2), index: 0, width: 1 }]);
    }

    #[test]
    fn a_hash_tile_of_the_wrong_length_is_refused() {
        let tile = Tile::of(Row::Hashes(0), 0, 3).unwrap();
        let mut tiles = TileSet::new();
        assert_eq!(tiles.insert(tile, vec![0; 95]), Err(TileError::Length(tile)));
        assert_eq!(tiles.insert(tile, vec![0; 96]), Ok(()));
    }
}
