//! Verification of proofs: RFC 9162, sections 2.1.3.2 and 2.1.4.2. Proofs come from strangers.

use super::{TreeHash, consistency_spans, inclusion_spans};

/// Why a proof does not hold, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "proof_")]
pub enum ProofError {
    /// The leaf is behind the tree's end, the older tree is larger than the newer, or a tree is larger than can be.
    #[error("a size or an index is outside the tree")]
    Outside,
    /// The proof has too few or too many hashes.
    #[error("the proof has {got} hashes where {expected} are needed")]
    Length {
        /// How many these sizes need.
        expected: usize,
        /// How many there were.
        got: usize,
    },
    /// The leaf and the hashes lead to another root than the tree's.
    #[error("the proof leads to another root")]
    #[strum(to_string = "wrong_root")]
    Root,
    /// The hashes do not lead to both roots: the newer tree is not the older one, grown, or the proof is false.
    #[error("the older tree is not shown to be the beginning of the newer one")]
    Forked,
}

codes!(ProofError);

/// The root that a tree of `size` leaves has if `leaf` is the hash of its leaf `index` and the proof is genuine.
pub fn root_from_inclusion(
    index: u64,
    size: u64,
    leaf: &TreeHash,
    proof: &[TreeHash],
) -> Result<TreeHash, ProofError> {
    exactly(inclusion_spans(index, size)?.len(), proof.len())?;
    let mut walk = Walk { node: index, last: size.saturating_sub(1) };
    let mut root = *leaf;
    for beside in proof {
        root = if walk.has_left_neighbour() {
            walk.skip_levels_without_neighbour();
            TreeHash::node(beside, &root)
        } else {
            TreeHash::node(&root, beside)
        };
        walk.up();
    }
    Ok(root)
}

/// Whether `leaf` is the hash of leaf `index` in the tree of `size` leaves with this root.
pub fn verify_inclusion(
    index: u64,
    size: u64,
    leaf: &TreeHash,
    proof: &[TreeHash],
    root: &TreeHash,
) -> Result<(), ProofError> {
    let computed = root_from_inclusion(index, size, leaf, proof)?;
    if computed == *root { Ok(()) } else { Err(ProofError::Root) }
}

/// Whether the tree of `old_size` leaves is the beginning of the tree of `new_size` leaves. The empty tree is the
/// beginning of every tree and needs an empty proof, and so does a tree and itself.
pub fn verify_consistency(
    old_size: u64,
    old_root: &TreeHash,
    new_size: u64,
    new_root: &TreeHash,
    proof: &[TreeHash],
) -> Result<(), ProofError> {
    exactly(consistency_spans(old_size, new_size)?.len(), proof.len())?;
    if old_size == 0 {
        return if *old_root == TreeHash::empty() { Ok(()) } else { Err(ProofError::Forked) };
    }
    if old_size == new_size {
        return if old_root == new_root { Ok(()) } else { Err(ProofError::Forked) };
    }
    let mut walk = Walk { node: old_size.saturating_sub(1), last: new_size.saturating_sub(1) };
    walk.skip_levels_of_the_old_tree();
    let (first, rest) = if old_size.is_power_of_two() {
        (*old_root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(ProofError::Length { expected: 1, got: 0 })?;
        (*first, rest)
    };
    let (mut old, mut new) = (first, first);
    for beside in rest {
        if walk.has_left_neighbour() {
            walk.skip_levels_without_neighbour();
            old = TreeHash::node(beside, &old);
            new = TreeHash::node(beside, &new);
        } else {
            new = TreeHash::node(&new, beside);
        }
        walk.up();
    }
    if old == *old_root && new == *new_root { Ok(()) } else { Err(ProofError::Forked) }
}

fn exactly(expected: usize, got: usize) -> Result<(), ProofError> {
    if expected == got { Ok(()) } else { Err(ProofError::Length { expected, got }) }
}

/// Where a verification stands: the node it is at and the last node of that level (`fn` and `sn` in the RFC).
struct Walk {
    node: u64,
    last: u64,
}

impl Walk {
    fn has_left_neighbour(&self) -> bool {
        self.node & 1 == 1 || self.node == self.last
    }

    /// A last node with an even number has no neighbour; it stands for itself on the levels above, until it has one.
    fn skip_levels_without_neighbour(&mut self) {
        if self.node & 1 == 0 {
            self.shift(if self.node == 0 { 0 } else { self.node.trailing_zeros() });
        }
    }

    /// The old tree's last subtree is whole as long as its node is a right one.
    fn skip_levels_of_the_old_tree(&mut self) {
        self.shift(self.node.trailing_ones());
    }

    fn up(&mut self) {
        self.shift(1);
    }

    fn shift(&mut self, levels: u32) {
        self.node = self.node.checked_shr(levels).unwrap_or(0);
        self.last = self.last.checked_shr(levels).unwrap_or(0);
    }
}
