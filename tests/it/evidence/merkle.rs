//! The reference tree of Certificate Transparency, random trees, and hostile proofs.

use proptest::prelude::*;
use tlog_tiles::tlog;
use waxseal::evidence::merkle::{
    Frontier, MAX_TREE_SIZE, ProofError, TreeHash, inclusion_spans, root_from_inclusion, tree_hash,
    verify_consistency, verify_inclusion,
};

use super::common::{Tree, hash, hex};

/// The eight leaves of the reference tree that the implementations of RFC 6962 share as test data (first in the
/// certificate-transparency project, today in transparency-dev/merkle).
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

/// Its roots, from no leaf to eight.
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const LEAF_1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const LEAF_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const NODE_2_3: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const NODE_4_5: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const NODE_6_7: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const NODE_4_7: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

/// Index, size, proof.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (0, 8, &[LEAF_1, NODE_2_3, NODE_4_7]),
    (5, 8, &[LEAF_4, NODE_6_7, ROOTS[4]]),
    (2, 3, &[ROOTS[2]]),
    (1, 5, &[ROOTS[1], NODE_2_3, LEAF_4]),
];

/// Old size, new size, proof.
const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (1, 8, &[LEAF_1, NODE_2_3, NODE_4_7]),
    (6, 8, &[NODE_4_5, NODE_6_7, ROOTS[4]]),
    (2, 5, &[NODE_2_3, LEAF_4]),
];

fn hashes(proof: &[&str]) -> Vec<TreeHash> {
    proof.iter().map(|text| hash(text)).collect()
}

#[test]
fn the_reference_tree_has_its_roots() {
    let leaves = LEAVES.map(|leaf| TreeHash::leaf(&hex(leaf)));
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), hash(ROOTS[0]));
    for (index, leaf) in leaves.iter().enumerate() {
        assert_eq!(frontier.push(*leaf), Ok(index as u64));
        assert_eq!(frontier.root(), hash(ROOTS[index + 1]));
        assert_eq!(tree_hash(leaves[..=index].iter().copied()), hash(ROOTS[index + 1]));
    }
}

#[test]
fn the_reference_proofs_are_ours_and_verify() {
    let tree = Tree(LEAVES.map(|leaf| TreeHash::leaf(&hex(leaf))).to_vec());
    for (index, size, proof) in INCLUSION {
        let proof = hashes(proof);
        assert_eq!(tree.inclusion(index, size), proof, "{index} in {size}");
        let root = hash(ROOTS[size as usize]);
        assert_eq!(verify_inclusion(index, size, &tree.0[index as usize], &proof, &root), Ok(()));
    }
    for (old, new, proof) in CONSISTENCY {
        let proof = hashes(proof);
        assert_eq!(tree.consistency(old, new), proof, "{old} to {new}");
        let roots = [hash(ROOTS[old as usize]), hash(ROOTS[new as usize])];
        assert_eq!(verify_consistency(old, &roots[0], new, &roots[1], &proof), Ok(()));
    }
}

#[test]
fn a_proof_is_for_one_place_in_one_tree() {
    let tree = Tree::of(70);
    for size in 1..70 {
        for index in 0..size {
            let (leaf, proof) = (tree.0[index as usize], tree.inclusion(index, size));
            let root = tree.root(size);
            assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()), "{index} in {size}");
            for (other, tree_size) in
                [(index ^ 1, size), (index + 1, size), (index, size - 1), (index, 2 * size)]
            {
                // The index and size that only the proof's length tells apart need another proof for the other root.
                let verified = verify_inclusion(other, tree_size, &leaf, &proof, &root);
                assert!(
                    verified.is_err() || inclusion_is_blind(other, tree_size, index, size),
                    "{index} {size}"
                );
            }
        }
    }
}

/// Whether the hashes of a proof are combined in the same order for both places. Then only the signed size tells the
/// trees apart: a proof is made for a size, and a checkpoint names it.
fn inclusion_is_blind(index: u64, size: u64, other_index: u64, other_size: u64) -> bool {
    let sides = |index: u64, size| -> Vec<bool> {
        inclusion_spans(index, size)
            .map(|spans| spans.iter().map(|span| span.end() <= index).collect())
            .unwrap_or_default()
    };
    sides(index, size) == sides(other_index, other_size)
}

#[test]
fn every_older_tree_is_the_beginning_of_a_newer_one() {
    let tree = Tree::of(70);
    for new in 0..=70 {
        for old in 0..=new {
            let (old_root, new_root) = (tree.root(old), tree.root(new));
            let proof = tree.consistency(old, new);
            assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()), "{old} to {new}");
            if old < new {
                let stranger = TreeHash::leaf(b"another history");
                let forked = verify_consistency(old, &stranger, new, &new_root, &proof);
                assert_eq!(forked, Err(ProofError::Forked), "{old} to {new}");
                if old > 0 {
                    let grown = verify_consistency(old, &old_root, new, &stranger, &proof);
                    assert_eq!(grown, Err(ProofError::Forked), "{old} to {new}");
                }
            }
        }
    }
}

#[test]
fn sizes_and_lengths_that_cannot_be_are_refused() {
    let some = TreeHash::leaf(b"");
    let many = vec![some; 100];
    for (index, size) in [(0, 0), (1, 1), (8, 8), (u64::MAX, u64::MAX), (0, u64::MAX), (5, MAX_TREE_SIZE + 1)]
    {
        assert_eq!(root_from_inclusion(index, size, &some, &[]), Err(ProofError::Outside), "{index} {size}");
    }
    let deepest = root_from_inclusion(0, MAX_TREE_SIZE, &some, &many);
    assert_eq!(deepest, Err(ProofError::Length { expected: 63, got: 100 }));
    assert!(root_from_inclusion(MAX_TREE_SIZE - 1, MAX_TREE_SIZE, &some, &many[..62]).is_ok());
    for (old, new) in [(1, 0), (u64::MAX, u64::MAX), (0, MAX_TREE_SIZE + 1)] {
        assert_eq!(verify_consistency(old, &some, new, &some, &[]), Err(ProofError::Outside), "{old} {new}");
    }
    let long = verify_consistency(3, &some, 7, &some, &many);
    assert_eq!(long, Err(ProofError::Length { expected: 4, got: 100 }));
    assert_eq!(verify_consistency(0, &some, 9, &some, &[]), Err(ProofError::Forked));
    assert_eq!(
        verify_consistency(0, &TreeHash::empty(), 9, &some, &[some]),
        Err(ProofError::Length { expected: 0, got: 1 })
    );
}

/// The same proof for the implementation of another project.
fn theirs(hashes: &[TreeHash]) -> Vec<tlog::Hash> {
    hashes.iter().map(|hash| tlog::Hash(hash.0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_proofs_verify_here_and_elsewhere(new in 1u64..700, a in any::<u64>(), b in any::<u64>()) {
        let tree = Tree::of(new);
        let (index, old) = (a % new, 1 + b % new);
        let (old_root, new_root) = (tree.root(old), tree.root(new));
        let leaf = tree.0[index as usize];

        let proof = tree.inclusion(index, new);
        prop_assert_eq!(verify_inclusion(index, new, &leaf, &proof, &new_root), Ok(()));
        let root = tlog::Hash(new_root.0);
        prop_assert!(tlog::check_record(&theirs(&proof), new, root, index, tlog::Hash(leaf.0)).is_ok());

        let proof = tree.consistency(old, new);
        prop_assert_eq!(verify_consistency(old, &old_root, new, &new_root, &proof), Ok(()));
        prop_assert!(tlog::check_tree(&theirs(&proof), new, root, old, tlog::Hash(old_root.0)).is_ok());
    }

    #[test]
    fn one_flipped_bit_anywhere_fails(new in 2u64..300, a in any::<u64>(), b in any::<u64>(), bit in any::<usize>()) {
        let tree = Tree::of(new);
        let (index, old) = (a % new, 1 + b % (new - 1));
        let flip = |hashes: &[TreeHash]| {
            let mut bytes = hashes.to_vec();
            let bit = bit % (bytes.len() * 256);
            bytes[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
            bytes
        };
        let inclusion = [&[tree.0[index as usize], tree.root(new)][..], &tree.inclusion(index, new)].concat();
        let [leaf, root, proof @ ..] = &flip(&inclusion)[..] else { unreachable!() };
        prop_assert_eq!(verify_inclusion(index, new, leaf, proof, root), Err(ProofError::Root));

        let consistency = [&[tree.root(old), tree.root(new)][..], &tree.consistency(old, new)].concat();
        let [old_root, new_root, proof @ ..] = &flip(&consistency)[..] else { unreachable!() };
        prop_assert_eq!(verify_consistency(old, old_root, new, new_root, proof), Err(ProofError::Forked));
    }

    #[test]
    fn noise_never_verifies_nor_panics(
        index in any::<u64>(), old in any::<u64>(), new in any::<u64>(),
        proof in proptest::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let proof: Vec<_> = proof.into_iter().map(TreeHash).collect();
        let some = TreeHash::leaf(b"x");
        prop_assert!(verify_inclusion(index, new, &some, &proof, &some).is_err() || new == 1);
        let consistent = verify_consistency(old, &some, new, &some, &proof).is_ok();
        prop_assert!(!consistent || old == new);
    }
}
