//! Reads the files of a log with other people's code only: Cloudflare's crates `signed_note` and `tlog_tiles`. The tests of the
//! edge run it on what they downloaded.
//!
//!     cargo run --example log_third_party FOLDER VKEY
//!
//! FOLDER has the log as it is served (`checkpoint`, `tile/...`), and beside it older checkpoints of the same log as
//! `older/NUMBER`. What is verified: the signature of each checkpoint, the proof of each entry, and for each older
//! checkpoint that the log is consistent with it. Every hash that is read from a tile is proved against the root.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a program for tests")]

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    host::main();
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use std::fs;
    use std::path::{Path, PathBuf};

    use signed_note::{Note, StandardVerifier, VerifierList};
    use tlog_tiles::{Checkpoint, TileHashReader, TileReader, tlog};

    struct Folder(PathBuf);

    impl TileReader for Folder {
        fn height(&self) -> u8 {
            8
        }

        fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
            // Its paths name the height, those of C2SP tlog-tiles do not.
            let read = |tile: &tlog_tiles::Tile| {
                let path = tile.path().replacen("tile/8/", "tile/", 1);
                fs::read(self.0.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"))
            };
            Ok(tiles.iter().map(read).collect())
        }

        fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
    }

    fn open(path: &Path, vkey: &str) -> Checkpoint {
        let note = Note::from_bytes(&fs::read(path).unwrap()).unwrap();
        let verifier = StandardVerifier::new(vkey).unwrap();
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
        Checkpoint::from_bytes(note.text()).unwrap()
    }

    pub(super) fn main() {
        let mut arguments = std::env::args().skip(1);
        let (Some(folder), Some(vkey)) = (arguments.next(), arguments.next()) else {
            panic!("usage: log_third_party FOLDER VKEY");
        };
        let folder = PathBuf::from(folder);
        let newest = open(&folder.join("checkpoint"), &vkey);
        let (size, root) = (newest.size(), tlog::Hash(newest.hash().0));
        let files = Folder(folder.clone());
        let reader = TileHashReader::new(size, root, &files);

        let mut entries = 0;
        for bundle in 0..size.div_ceil(256) {
            let width = (size - bundle * 256).min(256);
            assert!(bundle < 1_000, "the path of a longer log has more parts");
            let partial = if width < 256 { format!(".p/{width}") } else { String::new() };
            let bytes = fs::read(folder.join(format!("tile/entries/{bundle:03}{partial}"))).unwrap();
            let mut rest = bytes.as_slice();
            for index in bundle * 256..bundle * 256 + width {
                let (length, after) = rest.split_first_chunk().unwrap();
                let (entry, after) = after.split_at(usize::from(u16::from_be_bytes(*length)));
                rest = after;
                let proof = tlog::prove_record(size, index, &reader).unwrap();
                tlog::check_record(&proof, size, root, index, tlog::record_hash(entry)).unwrap();
                entries += 1;
            }
            assert!(rest.is_empty(), "bundle {bundle} ends where it should");
        }

        let mut older = 0;
        for file in fs::read_dir(folder.join("older")).unwrap() {
            let checkpoint = open(&file.unwrap().path(), &vkey);
            let proof = tlog::prove_tree(size, checkpoint.size(), &reader).unwrap();
            let before = tlog::Hash(checkpoint.hash().0);
            tlog::check_tree(&proof, size, root, checkpoint.size(), before).unwrap();
            older += 1;
        }
        println!("{entries} entries and {older} older checkpoints hold");
    }
}
