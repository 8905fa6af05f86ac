//! The evidence log: an append-only Merkle tree over the events of a site's letters, so that nobody alters, drops or
//! adds one later unnoticed.
//!
//! It promises that
//! - the log's formats are those of C2SP (tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-witness,
//!   tlog-proof) and RFC 6962, so that other people's tools read and verify them;
//! - an entry of the log says nothing about a letter or a person to whoever does not have the event ([`leaf`]);
//! - verification is total: bytes from strangers never panic, and every loop is bounded by what the formats allow;
//! - signing and verification take no time, no random bytes and no I/O.
//!
//! `docs/EVIDENCE.md` says what is proved, and what is not.

pub mod bundle;
pub mod checkpoint;
pub mod key;
pub mod leaf;
pub mod merkle;
pub mod note;
pub mod proof;
mod readable;
pub mod receipt;
pub mod report;
mod row;
pub mod tile;
pub mod witness;

pub use row::Row;
