//! Tiles: paths, what growth writes, and proofs made from what is written.

use proptest::prelude::*;
use tlog_tiles::tlog;
use waxseal::evidence::merkle::{ProofError, TreeHash, verify_consistency, verify_inclusion};
use waxseal::evidence::tile::{
    Growth, GrowthError, ProofPlan, Row, Tile, TileError, TileSet, decode_entries, encode_entries,
};

use super::common::{Log, Tree, entry};

#[test]
fn paths_are_those_of_the_specification() {
    // C2SP tlog-tiles: index 1234067 is encoded as x001/x234/067.
    for (row, index, size, path) in [
        (Row::Hashes(0), 1_234_067, u64::MAX >> 1, "tile/0/x001/x234/067"),
        (Row::Hashes(0), 0, 1, "tile/0/000.p/1"),
        (Row::Hashes(0), 0, 256, "tile/0/000"),
        (Row::Hashes(1), 0, 256, "tile/1/000.p/1"),
        (Row::Hashes(0), 273, 70_000, "tile/0/273.p/112"),
        (Row::Hashes(1), 1, 70_000, "tile/1/001.p/17"),
        (Row::Hashes(2), 0, 70_000, "tile/2/000.p/1"),
        (Row::Entries, 273, 70_000, "tile/entries/273.p/112"),
        (Row::Entries, 999, 1 << 30, "tile/entries/999"),
        (Row::Entries, 1000, 1 << 30, "tile/entries/x001/000"),
    ] {
        let tile = Tile::of(row, index, size).unwrap();
        assert_eq!(tile.to_string(), path);
        assert_eq!(path.parse(), Ok(tile));
    }
}

#[test]
fn a_path_has_one_spelling() {
    for path in [
        "",
        "checkpoint",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/00/001",
        "tile/+0/001",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x001/x234",
        "tile/0/001/234",
        "tile/0/x001/x067/",
        "tile/0/001.p/0",
        "tile/0/001.p/256",
        "tile/0/001.p/012",
        "tile/0/001.p/1/",
        "tile/0/001.p/",
        "/tile/0/001",
        "tile/data/001",
        "tile/0/x1/234",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/0/\u{661}\u{661}\u{661}",
    ] {
        assert!(path.parse::<Tile>().is_err(), "{path}");
    }
    assert!("tile/63/000".parse::<Tile>().is_ok());
}

#[test]
fn a_log_of_seventy_thousand_has_the_tiles_of_the_specification() {
    // C2SP tlog-tiles counts them for this size.
    let log = Log::of(70_000);
    let count = |row, full| log.files.keys().filter(|t| t.row() == row && t.is_full() == full).count();
    assert_eq!(count(Row::Hashes(0), true), 273);
    assert_eq!(count(Row::Hashes(1), true), 1);
    assert_eq!(count(Row::Entries, true), 273);
    let partial: Vec<_> =
        log.files.keys().filter(|tile| !tile.is_full()).map(|tile| tile.to_string()).collect();
    assert_eq!(partial, ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1", "tile/entries/273.p/112"]);
    assert_eq!(log.growth.root(), Tree::of(70_000).root(70_000));
}

#[test]
fn proofs_from_tiles_are_the_proofs_of_the_tree() {
    let size = 1_000;
    let (log, tree) = (Log::of(size), Tree::of(size));
    for index in [0, 1, 255, 256, 511, 767, 768, 900, 999] {
        let plan = ProofPlan::inclusion(index, size).unwrap();
        let proof = plan.build(&log.read(plan.tiles())).unwrap();
        assert_eq!(proof, tree.inclusion(index, size), "{index}");
    }
    for old in [0, 1, 2, 255, 256, 257, 512, 999, 1000] {
        let plan = ProofPlan::consistency(old, size).unwrap();
        let proof = plan.build(&log.read(plan.tiles())).unwrap();
        assert_eq!(proof, tree.consistency(old, size), "{old}");
    }
    assert_eq!(ProofPlan::inclusion(1_000, 1_000), Err(ProofError::Outside));
}

#[test]
fn a_missing_tile_is_named_and_a_false_one_does_not_verify() {
    let (log, tree) = (Log::of(600), Tree::of(600));
    let plan = ProofPlan::inclusion(300, 600).unwrap();
    assert_eq!(
        plan.tiles().iter().map(Tile::to_string).collect::<Vec<_>>(),
        ["tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"]
    );
    let missing = plan.build(&TileSet::new());
    assert!(matches!(missing, Err(TileError::Missing(_))), "{missing:?}");
    let mut tiles = log.read(plan.tiles());
    let first = *plan.tiles().first().unwrap();
    let mut bytes = log.files[&first].clone();
    bytes[7_000] ^= 1;
    tiles.insert(first, bytes).unwrap();
    let proof = plan.build(&tiles).unwrap();
    let verified = verify_inclusion(300, 600, &tree.0[300], &proof, &tree.root(600));
    assert_eq!(verified, Err(ProofError::Root));
}

#[test]
fn a_log_is_taken_up_where_it_was_left() {
    for size in [0, 1, 5, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537] {
        let mut log = Log::of(size);
        let tiles = log.read(Growth::edge_tiles(size));
        log.growth = Growth::resume(size, &log.growth.root(), &tiles).unwrap();
        assert_eq!(log.growth.changes(), [], "nothing is new at {size}");
        log.grow((size..size + 300).map(entry));
        assert_eq!(log.growth.root(), Tree::of(size + 300).root(size + 300), "{size}");
    }
}

#[test]
fn a_log_that_was_tampered_with_is_not_taken_up() {
    let log = Log::of(300);
    let root = log.growth.root();
    let names = Growth::edge_tiles(300);
    assert_eq!(
        names.iter().map(Tile::to_string).collect::<Vec<_>>(),
        ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"]
    );
    let with = |name: Tile, bytes: Vec<u8>| {
        let mut tiles = log.read(names.clone());
        tiles.insert(name, bytes).unwrap();
        Growth::resume(300, &root, &tiles).map(|growth| growth.size())
    };
    assert_eq!(with(names[0], log.files[&names[0]].clone()), Ok(300));
    let altered = |name: Tile| {
        let mut bytes = log.files[&name].clone();
        *bytes.last_mut().unwrap() ^= 1;
        bytes
    };
    assert_eq!(with(names[0], altered(names[0])), Err(GrowthError::EntriesDiffer));
    assert_eq!(with(names[1], altered(names[1])), Err(GrowthError::Root));
    assert_eq!(with(names[2], altered(names[2])), Err(GrowthError::EntriesDiffer));
    let mut fewer = decode_entries(&log.files[&names[2]]).unwrap();
    fewer.pop();
    assert_eq!(with(names[2], encode_entries(fewer).unwrap()), Err(GrowthError::EntriesDiffer));
    assert_eq!(
        Growth::resume(300, &root, &log.read(names[..2].to_vec())).unwrap_err(),
        GrowthError::Tile(TileError::Missing(names[2]))
    );
    assert_eq!(Growth::resume(300, &TreeHash::empty(), &log.read(names)).unwrap_err(), GrowthError::Root);
}

/// Our files for the reader of another project. It has the height of the tiles in the path, which C2SP leaves out.
struct Theirs<'l>(&'l Log);

impl tlog_tiles::TileReader for Theirs<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let ours = |tile: &tlog_tiles::Tile| {
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            let ours: Tile = path.parse().unwrap();
            assert_eq!(ours.to_string(), path);
            self.0.files.get(&ours).unwrap_or_else(|| panic!("no {path}")).clone()
        };
        Ok(tiles.iter().map(ours).collect())
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

#[test]
fn another_implementation_reads_our_tiles_and_makes_the_same_proofs() {
    for size in [1, 2, 255, 256, 257, 1_000, 65_536, 66_000] {
        let log = Log::of(size);
        let theirs = Theirs(&log);
        let root = tlog::Hash(log.growth.root().0);
        let reader = tlog_tiles::TileHashReader::new(size, root, &theirs);
        for index in [0, size / 2, size - 1] {
            let proof = tlog::prove_record(size, index, &reader).unwrap();
            let plan = ProofPlan::inclusion(index, size).unwrap();
            let ours = plan.build(&log.read(plan.tiles())).unwrap();
            assert_eq!(
                ours.iter().map(|hash| hash.0).collect::<Vec<_>>(),
                proof.iter().map(|h| h.0).collect::<Vec<_>>()
            );
        }
        for old in [1, size / 2 + 1, size] {
            let proof = tlog::prove_tree(size, old, &reader).unwrap();
            let plan = ProofPlan::consistency(old, size).unwrap();
            let ours = plan.build(&log.read(plan.tiles())).unwrap();
            assert_eq!(
                ours.iter().map(|hash| hash.0).collect::<Vec<_>>(),
                proof.iter().map(|h| h.0).collect::<Vec<_>>()
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn whatever_the_batches_the_log_is_the_same(
        batches in proptest::collection::vec(0u64..400, 1..8), restart in any::<u8>(), pick in any::<u64>(),
    ) {
        let mut log = Log::default();
        let mut checkpoints = Vec::new();
        for (at, batch) in batches.iter().enumerate() {
            let size = log.growth.size();
            if restart >> (at % 8) & 1 == 1 {
                let tiles = log.read(Growth::edge_tiles(size));
                log.growth = Growth::resume(size, &log.growth.root(), &tiles).unwrap();
            }
            log.grow((size..size + batch).map(entry));
            checkpoints.push((log.growth.size(), log.growth.root()));
        }
        let (size, root) = (log.growth.size(), log.growth.root());
        prop_assert_eq!(root, Tree::of(size).root(size));
        for (old, old_root) in checkpoints {
            let plan = ProofPlan::consistency(old, size).unwrap();
            let proof = plan.build(&log.read(plan.tiles())).unwrap();
            prop_assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
        }
        if size > 0 {
            let index = pick % size;
            let plan = ProofPlan::inclusion(index, size).unwrap();
            let proof = plan.build(&log.read(plan.tiles())).unwrap();
            let leaf = TreeHash::leaf(&entry(index));
            prop_assert_eq!(verify_inclusion(index, size, &leaf, &proof, &root), Ok(()));
            let bundle = Tile::of(Row::Entries, index / 256, size).unwrap();
            let entries = decode_entries(&log.files[&bundle]).unwrap();
            prop_assert_eq!(entries[(index % 256) as usize], entry(index));
        }
    }

    #[test]
    fn a_path_reads_back(row in 0u8..7, index in 0u64..1 << 50, size in any::<u64>()) {
        let row = if row == 6 { Row::Entries } else { Row::Hashes(row) };
        if let Some(tile) = Tile::of(row, index, size >> 1) {
            prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        }
    }

    #[test]
    fn no_path_makes_it_panic(path in "(tile/)?[0-9entriesx/.p+-]{0,40}") {
        if let Ok(tile) = path.parse::<Tile>() {
            prop_assert_eq!(tile.to_string(), path);
        }
    }
}
