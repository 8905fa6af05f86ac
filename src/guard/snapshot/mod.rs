//! The compiled guard: one flat, immutable block of bytes that every isolate keeps in memory.
//!
//! ```text
//! 0   magic "WAXGUARD" (8) | version u16 | 0 u16 | total length u32 | XXH64 of all that follows, u64
//! 24  kind u8 (0 base, 1 delta) | 0 (7) | generation u64 | base generation u64 | made at u64 | settings (56)
//! 112 row counts, u32 each, one for each section
//! 164 sections, one after the other, in the order of `format::Section`
//! ```
//!
//! All numbers are little endian, as wasm reads them. IPv4 and IPv6 blocks are aligned powers of two (CIDR
//! blocks) that do not overlap, sorted by start: one binary search finds the only block an address can lie in. A
//! block names a *stack*: the entries that apply there, strongest first, less those that another one hides until
//! after they expire. The first entry of a stack that has not expired decides.
//!
//! The checksum is against accidents (a cut upload, a bad disk): whoever can write the KV namespace is trusted.
//! XXH64 reads eight bytes with a multiplication, which wasm has as one instruction; CRC-32 would need tables and a
//! SHA-256 fifty times as long.

mod compile;
mod format;
mod intervals;
mod lookup;
mod merge;
mod validate;

use serde::{Deserialize, Serialize};

use super::address::Network;
use super::reason::Reason;
use crate::types::UnixSeconds;

pub use compile::{CompileError, Compiled, Kind, Source, Stamp, compile};
pub use format::{MAX_SNAPSHOT_BYTES, VERSION};
pub use lookup::{Cause, ClientFacts, Honeypot, Overlay, Standing, Verdict, Would};
pub use validate::{Snapshot, SnapshotError, Stored};

/// A ban of one client or of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ban {
    /// Who.
    pub target: Network,
    /// Since when.
    pub since: UnixSeconds,
    /// It counts while now < `until`.
    pub until: UnixSeconds,
    /// Why.
    pub reason: Reason,
    /// It refuses nobody and is counted.
    pub dry_run: bool,
}

/// Everything learnt, as opposed to written by operators.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dynamic {
    /// Bans, in any order.
    pub bans: Vec<Ban>,
    /// AS numbers whose clients are judged strictly.
    pub strict_asns: Vec<u32>,
}
