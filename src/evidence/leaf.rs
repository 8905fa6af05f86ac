//! What the log holds of an event: 65 bytes that say nothing to whoever does not have the event.
//!
//! `entry = 0x01 | slot (32) | event hash (32)`, where `slot = SHA-256("waxseal/v1/slot\0" | letter (16) | prev (32))`.
//!
//! - The *event hash* is the ledger's. It commits to every stored field, to the letter and to all events before. It
//!   covers at least 74 random bits of the event's id, so nobody finds it by guessing.
//! - The *slot* is the place behind one event: the hash of the event before stands in it, blinded. Two entries with one
//!   slot and different events are two histories of one letter. An entry in the slot behind a bundle's last event means
//!   that the bundle was cut. Whoever has the events can compute the slots; to others they are random. The first
//!   event's slot follows from the letter's id alone, so that a whole history cannot be replaced either.
//!
//! The same event gives the same entry, byte for byte: an event that is delivered twice is recognised by it.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::merkle::TreeHash;
use crate::ledger::{Event, Head, StoredEvent};
use crate::types::LetterId;

/// Length of an entry in bytes.
pub const LEAF_BYTES: usize = 65;

const VERSION: u8 = 1;

const DOMAIN: &[u8] = b"waxseal/v1/slot\0";

/// The entry of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Leaf {
    /// The blinded place behind the event before.
    pub slot: [u8; 32],
    /// The event's hash in its chain.
    pub event: [u8; 32],
}

/// The bytes are not an entry of this log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an entry of a known version")]
pub struct ParseLeafError;

codes!(ParseLeafError = "malformed_entry");

impl Leaf {
    /// The entry of an event of this letter.
    pub fn of(letter: LetterId, event: &Event) -> Self {
        Self { slot: slot(letter, &event.prev), event: event.hash }
    }

    /// The bytes that the log holds.
    pub fn to_bytes(&self) -> [u8; LEAF_BYTES] {
        let mut bytes = [VERSION; LEAF_BYTES];
        let parts = self.slot.iter().chain(&self.event);
        bytes.iter_mut().skip(1).zip(parts).for_each(|(byte, part)| *byte = *part);
        bytes
    }

    /// Reads an entry.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseLeafError> {
        let Some((&[VERSION], rest)) = bytes.split_first_chunk() else { return Err(ParseLeafError) };
        let (slot, event) = rest.split_first_chunk().ok_or(ParseLeafError)?;
        Ok(Self { slot: *slot, event: event.try_into().map_err(|_| ParseLeafError)? })
    }

    /// The hash of the entry in the tree.
    pub fn tree_hash(&self) -> TreeHash {
        TreeHash::leaf(&self.to_bytes())
    }
}

/// The slot behind the event with this hash; zeros for the slot of a letter's first event.
pub fn slot(letter: LetterId, prev: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(DOMAIN).chain_update(letter.as_bytes()).chain_update(prev).finalize().into()
}

/// What is odd about an entry of the log, seen from one letter's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "history_")]
pub enum Sighting {
    /// The log has another event in the place of this one: there are two histories.
    #[error("entry {index} of the log has another event {seq} of this letter: there are two histories")]
    #[strum(to_string = "forked")]
    Fork {
        /// The entry.
        index: u64,
        /// The number of the event that has a rival.
        seq: u64,
    },
    /// The log has an event behind the last one.
    #[error(
        "entry {index} of the log is an event {seq} of this letter that is not here: the end was cut off"
    )]
    Continued {
        /// The entry.
        index: u64,
        /// The number of the event that is missing.
        seq: u64,
    },
}

codes!(Sighting);

/// Looks through a log for rivals and successors of one letter's events. What a proof of inclusion cannot show, the whole
/// log does.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Slot to number and hash of the event in it; no hash for the slot behind the last event.
    slots: BTreeMap<[u8; 32], (u64, Option<[u8; 32]>)>,
}

impl Watch {
    /// For these events of the letter, which were verified as a chain.
    pub fn new(letter: LetterId, events: &[StoredEvent]) -> Self {
        let mut slots = BTreeMap::new();
        let mut end = Head::GENESIS;
        for event in events {
            let hash = event.computed_hash(letter);
            slots.insert(slot(letter, &end.hash), (event.seq, Some(hash)));
            end = Head { seq: event.seq, hash, ..end };
        }
        slots.insert(slot(letter, &end.hash), (end.seq.saturating_add(1), None));
        Self { slots }
    }

    /// Looks at entry `index` of the log.
    pub fn look(&self, index: u64, entry: &Leaf) -> Option<Sighting> {
        match self.slots.get(&entry.slot)? {
            (_, Some(hash)) if *hash == entry.event => None,
            (seq, Some(_)) => Some(Sighting::Fork { index, seq: *seq }),
            (seq, None) => Some(Sighting::Continued { index, seq: *seq }),
        }
    }
}
