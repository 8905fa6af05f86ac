//! A log that grows: appends entries, knows its root, and says which files are to be written.

use super::super::merkle::{MAX_TREE_SIZE, TreeFull, TreeHash, fold};
use super::entries::push_entry;
use super::prove::root_of;
use super::{EntriesError, Row, TILE_BITS, TILE_WIDTH, Tile, TileError, TileSet, decode_entries, in_row};

/// Levels that a tree of the largest size can have hashes on.
const LEVELS: u8 = 8;

/// Why a log cannot be taken up again, or cannot take an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "log_")]
pub enum GrowthError {
    /// A tile of the right edge is missing or has the wrong length.
    #[error(transparent)]
    #[strum(transparent)]
    Tile(#[from] TileError),
    /// The last entries cannot be read, or a new one is too long.
    #[error(transparent)]
    #[strum(transparent)]
    Entries(#[from] EntriesError),
    /// The last entries are not those that the tree was made of.
    #[error("the entries do not have the hashes that the tree has")]
    EntriesDiffer,
    /// The tiles do not give the root that was signed.
    #[error("the tiles lead to another root than the checkpoint's")]
    #[strum(to_string = "wrong_root")]
    Root,
    /// There is no room for another entry.
    #[error(transparent)]
    #[strum(transparent)]
    Full(#[from] TreeFull),
}

codes!(GrowthError);

/// The right edge of a log: its partial tiles, at most 255 hashes on each level, and the entries of the last bundle.
///
/// The shell takes it up from storage, appends, writes what [`Growth::changes`] gives, and only then signs and
/// publishes a checkpoint of that size and root.
#[derive(Clone, Debug, Default)]
pub struct Growth {
    size: u64,
    /// The partial tile of each level; `written` of its hashes are in storage.
    edge: Vec<Level>,
    /// The partial bundle of entries, encoded.
    entries: Vec<u8>,
    /// Tiles that became full since the last call of `changes`.
    full: Vec<(Tile, Vec<u8>)>,
}

#[derive(Clone, Debug, Default)]
struct Level {
    hashes: Vec<TreeHash>,
    written: usize,
}

impl Growth {
    /// A log without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// The tiles that [`Growth::resume`] needs to take up a log of this size; none for a multiple of 2^56.
    pub fn edge_tiles(size: u64) -> Vec<Tile> {
        let rows = (0..LEVELS).map(Row::Hashes).chain([Row::Entries]);
        rows.filter_map(|row| Tile::of(row, in_row(row, size) >> TILE_BITS, size)).collect()
    }

    /// Every partial tile that a log of this size may have written at its right edge, whatever its sizes were before.
    pub fn partials(size: u64) -> Vec<Tile> {
        let edge = Self::edge_tiles(size).into_iter();
        edge.flat_map(|tile| (1..=tile.width).map(move |width| Tile { width, ..tile })).collect()
    }

    /// Takes up the log that a checkpoint of `size` leaves and this root was signed for, from the tiles that
    /// [`Growth::edge_tiles`] named. What is in storage is checked: entries against leaf hashes, hashes against the root.
    pub fn resume(size: u64, root: &TreeHash, tiles: &TileSet) -> Result<Self, GrowthError> {
        if size > MAX_TREE_SIZE {
            return Err(TreeFull.into());
        }
        let mut growth = Self { size, ..Self::default() };
        for level in 0..LEVELS {
            let row = Row::Hashes(level);
            let hashes = match Tile::of(row, in_row(row, size) >> TILE_BITS, size) {
                Some(tile) => tiles.hashes(tile, 0, usize::from(tile.width()))?,
                None => Vec::new(),
            };
            growth.edge.push(Level { written: hashes.len(), hashes });
        }
        if let Some(tile) = Tile::of(Row::Entries, size >> TILE_BITS, size) {
            growth.entries = tiles.bytes(tile)?.to_vec();
            let leaves = decode_entries(&growth.entries)?.into_iter().map(TreeHash::leaf);
            if !leaves.eq(growth.edge.iter().take(1).flat_map(|level| level.hashes.iter().copied())) {
                return Err(GrowthError::EntriesDiffer);
            }
        }
        if growth.root() != *root {
            return Err(GrowthError::Root);
        }
        Ok(growth)
    }

    /// How many entries the log has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree as it is.
    pub fn root(&self) -> TreeHash {
        let mut peaks = Vec::new();
        for level in self.edge.iter().rev() {
            let mut rest = level.hashes.as_slice();
            while let Some(height) = rest.len().checked_ilog2() {
                let (perfect, behind) = rest.split_at_checked(1 << height).unwrap_or((rest, &[]));
                peaks.push(root_of(perfect.to_vec()));
                rest = behind;
            }
        }
        fold(&peaks).unwrap_or_else(TreeHash::empty)
    }

    /// Appends an entry and gives its index.
    pub fn append(&mut self, entry: &[u8]) -> Result<u64, GrowthError> {
        if self.size >= MAX_TREE_SIZE {
            return Err(TreeFull.into());
        }
        push_entry(&mut self.entries, entry)?;
        let index = self.size;
        self.size = index.saturating_add(1);
        let mut hash = TreeHash::leaf(entry);
        for level in 0..LEVELS {
            if self.edge.len() <= usize::from(level) {
                self.edge.push(Level::default());
            }
            let Some(edge) = self.edge.get_mut(usize::from(level)) else { break };
            edge.hashes.push(hash);
            if edge.hashes.len() < usize::from(TILE_WIDTH) {
                break;
            }
            // A full tile: it is written once and its root is the next hash of the level above.
            let hashes = core::mem::take(edge).hashes;
            if let Some(tile) = self.last_tile(Row::Hashes(level)) {
                self.full.push((tile, bytes_of(&hashes)));
            }
            if level == 0 {
                let entries = core::mem::take(&mut self.entries);
                self.full.extend(self.last_tile(Row::Entries).map(|tile| (tile, entries)));
            }
            hash = root_of(hashes);
        }
        Ok(index)
    }

    /// The files to write since the last call, or since the log was taken up: tiles that became full, and the partial
    /// ones as they are now. Writing one twice does no harm, because a name always has the same content.
    pub fn changes(&mut self) -> Vec<(Tile, Vec<u8>)> {
        let mut changes = core::mem::take(&mut self.full);
        let size = self.size;
        for (level, edge) in (0..LEVELS).zip(&mut self.edge) {
            let row = Row::Hashes(level);
            let grew = edge.hashes.len() > edge.written;
            edge.written = edge.hashes.len();
            let Some(tile) = Tile::of(row, in_row(row, size) >> TILE_BITS, size).filter(|_| grew) else {
                continue;
            };
            changes.push((tile, bytes_of(&edge.hashes)));
            if level == 0 {
                let tile = Tile { row: Row::Entries, ..tile };
                changes.push((tile, self.entries.clone()));
            }
        }
        changes
    }

    /// The tile of this row that has just become full.
    fn last_tile(&self, row: Row) -> Option<Tile> {
        Tile::of(row, (in_row(row, self.size) >> TILE_BITS).checked_sub(1)?, self.size)
    }
}

fn bytes_of(hashes: &[TreeHash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}
