//! The Merkle tree of RFC 6962, section 2.1 (the same in RFC 9162): SHA-256, one byte 0 before a leaf and one byte 1
//! before a node, so that neither passes for the other.
//!
//! Everything here is total: no proof, size or index makes it panic, and no loop runs more than 64 times for each
//! hash that is asked for.

mod span;
mod verify;

use core::fmt;
use core::str::FromStr;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

pub(super) use span::Perfect;
pub use span::{Span, consistency_spans, inclusion_spans};
pub use verify::{ProofError, root_from_inclusion, verify_consistency, verify_inclusion};

/// The most leaves a tree may have: C2SP tlog-witness allows 63 lines of proof.
pub const MAX_TREE_SIZE: u64 = (1 << 63) - 1;

/// A hash of the tree: of a leaf, of a node, or of the whole tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash(pub [u8; 32]);

/// The text was not the standard base64 of 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a hash: expected 44 characters of base64")]
pub struct ParseHashError;

codes!(ParseHashError = "malformed_hash");

impl TreeHash {
    /// The root of the tree without leaves: SHA-256 of nothing.
    pub fn empty() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash of a leaf with these bytes.
    pub fn leaf(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// The hash of the node over two others.
    pub fn node(left: &Self, right: &Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}

impl FromStr for TreeHash {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| ParseHashError)?;
        bytes.try_into().map(Self).map_err(|_| ParseHashError)
    }
}

/// A tree cannot take another leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tree is full")]
pub struct TreeFull;

codes!(TreeFull = "tree_full");

/// The right edge of a growing tree: the roots of its perfect subtrees, largest first. At most 63 hashes, whatever the
/// number of leaves, and enough to append and to know the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<TreeHash>,
}

impl Frontier {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { size: 0, peaks: Vec::new() }
    }

    /// A tree of `size` leaves from the roots of its perfect subtrees, largest first. `None` if their number does not
    /// fit the size. Whether they are the right ones, its root has to show.
    pub fn from_peaks(size: u64, peaks: Vec<TreeHash>) -> Option<Self> {
        let fits = size <= MAX_TREE_SIZE && peaks.len() == size.count_ones() as usize;
        fits.then_some(Self { size, peaks })
    }

    /// How many leaves the tree has.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, largest first.
    pub fn peaks(&self) -> &[TreeHash] {
        &self.peaks
    }

    /// Appends a leaf and gives its index.
    pub fn push(&mut self, leaf: TreeHash) -> Result<u64, TreeFull> {
        if self.size >= MAX_TREE_SIZE {
            return Err(TreeFull);
        }
        let index = self.size;
        let mut hash = leaf;
        // Every trailing 1 of the old size is a perfect subtree that the new one completes.
        for _ in 0..index.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = TreeHash::node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size = index.saturating_add(1);
        Ok(index)
    }

    /// The root of the tree as it is.
    pub fn root(&self) -> TreeHash {
        fold(&self.peaks).unwrap_or_else(TreeHash::empty)
    }
}

/// The root of a tree with these leaf hashes.
pub fn tree_hash(leaves: impl IntoIterator<Item = TreeHash>) -> TreeHash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        // An iterator of 2^63 leaves does not end in anybody's time.
        if frontier.push(leaf).is_err() {
            break;
        }
    }
    frontier.root()
}

/// The hash over perfect subtrees that stand side by side, largest first; `None` for none.
pub(super) fn fold(peaks: &[TreeHash]) -> Option<TreeHash> {
    peaks.iter().rev().copied().reduce(|right, left| TreeHash::node(&left, &right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_has_one_spelling() {
        let hash = TreeHash::leaf(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let text = hash.to_string();
        for wrong in [
            &text[..43],
            &format!("{text} "),
            &format!("{text}="),
            "",
            "AAAA",
            // Spare bits of the last character that are not zero.
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
            // The alphabet of URLs.
            "_____________________________________________w==",
        ] {
            assert_eq!(wrong.parse::<TreeHash>(), Err(ParseHashError), "{wrong}");
        }
    }

    #[test]
    fn a_full_tree_takes_no_leaf() {
        let mut full = Frontier::from_peaks(MAX_TREE_SIZE, vec![TreeHash::empty(); 63]).unwrap();
        assert_eq!(full.push(TreeHash::leaf(b"")), Err(TreeFull));
        assert_eq!(Frontier::from_peaks(MAX_TREE_SIZE + 1, vec![TreeHash::empty()]), None);
        assert_eq!(Frontier::from_peaks(3, vec![TreeHash::empty()]), None);
    }
}
