//! The hash chain: every event names the hash of the one before it.
//!
//! `hash = SHA-256("waxseal/v1/event\0" || f(letter) || f(seq) || f(id) || f(kind) || f(at) || f(actor) ||
//! f(terms) || f(sealed) || f(prev))` where `f(x)` is the length of x as four bytes, big endian, and then x;
//! `seq` and `at` are eight bytes, big endian; `kind` and `actor` are their words; missing terms are empty.
//! `prev` of the first event is 32 zero bytes. Verification works on rows as they are stored, so that a row this
//! version cannot read is a broken line and not a crash.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::events::{Actor, Event, EventId, Kind, NewEvent};
use super::privacy::{Details, LetterKey, PrivacyError};
use crate::types::{LetterId, UnixMillis};

const DOMAIN: &[u8] = b"waxseal/v1/event\0";

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last event; 0 for none.
    pub seq: u64,
    /// Its hash; zeros for none.
    #[serde(with = "crate::types::hex")]
    pub hash: [u8; 32],
    /// Its time.
    pub at: UnixMillis,
}

impl Head {
    /// The head of an empty chain.
    pub const GENESIS: Self = Self { seq: 0, hash: [0; 32], at: UnixMillis(0) };
}

/// An event's row exactly as it was read from storage; nothing in it is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Column `seq`.
    pub seq: u64,
    /// Column `id`, 16 bytes.
    pub id: Vec<u8>,
    /// Column `kind`.
    pub kind: String,
    /// Column `at`, milliseconds.
    pub at: u64,
    /// Column `actor`.
    pub actor: String,
    /// Column `terms`, 32 bytes or NULL.
    pub terms: Option<Vec<u8>>,
    /// Column `sealed`.
    pub sealed: Vec<u8>,
    /// Column `prev`, 32 bytes.
    pub prev: Vec<u8>,
    /// Column `hash`, 32 bytes.
    pub hash: Vec<u8>,
}

/// What is wrong with a line of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Broken {
    /// The event with this number is not there, though a later one is.
    #[error("the event is missing")]
    Missing,
    /// An event with an earlier number stands in this place.
    #[error("an earlier event stands in its place")]
    OutOfOrder,
    /// The event names another predecessor than the one before it.
    #[error("it does not follow from the event before it")]
    Unlinked,
    /// The hash is not the hash of what is stored.
    #[error("what is stored is not what was recorded")]
    Altered,
    /// The hash is right, but a field cannot be what this software wrote.
    #[error("a field is malformed")]
    Malformed,
    /// The hash is right, but the event claims to be earlier than the one before it.
    #[error("it is earlier than the event before it")]
    TimeBackwards,
    /// The chain ends before the known head.
    #[error("the chain was cut short before it")]
    Truncated,
    /// The chain has another event in the place of the known head.
    #[error("another event was known to stand here")]
    Replaced,
    /// The chain goes on after the known head.
    #[error("it was added behind the known end")]
    Added,
}

codes!(Broken);

/// The first broken line of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq}: {reason}")]
pub struct ChainError {
    /// The number that the broken line has or ought to have.
    pub seq: u64,
    /// What is wrong with it.
    pub reason: Broken,
}

codes!(ChainError: reason);

/// Seals the details, if there are any and there is a key, and chains an event to the head.
pub fn append(
    letter: LetterId,
    head: &Head,
    new: &NewEvent,
    details: Option<(&LetterKey, &Details)>,
) -> Result<Event, PrivacyError> {
    let seq = head.seq.saturating_add(1);
    let sealed = match details {
        Some((key, details)) => key.seal(letter, seq, new, details)?,
        None => Vec::new(),
    };
    let mut event = Event {
        seq,
        id: new.id,
        kind: new.kind,
        at: UnixMillis(new.at.0.max(head.at.0)),
        actor: new.actor,
        terms: new.terms,
        sealed,
        prev: head.hash,
        hash: [0; 32],
    };
    event.hash = StoredEvent::from(&event).computed_hash(letter);
    Ok(event)
}

/// Verifies a whole chain from its first event and gives its head. Rows are in the order of their numbers.
///
/// A line whose content, predecessor and hash were all rewritten is whole in itself, so the line after it is
/// named (`unlinked`); the last line needs a known head, see [`verify_chain_exact`].
pub fn verify_chain(letter: LetterId, events: &[StoredEvent]) -> Result<Head, ChainError> {
    events.iter().try_fold(Head::GENESIS, |head, event| verify_line(letter, &head, event))
}

/// As [`verify_chain`], and the chain must end exactly at `known`, as the ledger's own snapshot says.
pub fn verify_chain_exact(
    letter: LetterId,
    events: &[StoredEvent],
    known: &Head,
) -> Result<Head, ChainError> {
    let head = verify_chain_from(letter, events, known)?;
    if head.seq > known.seq {
        return Err(ChainError { seq: known.seq.saturating_add(1), reason: Broken::Added });
    }
    Ok(head)
}

/// As [`verify_chain`], and the chain must contain `known`, as an older receipt or checkpoint says; it may have
/// grown since.
pub fn verify_chain_from(letter: LetterId, events: &[StoredEvent], known: &Head) -> Result<Head, ChainError> {
    let mut head = Head::GENESIS;
    for event in events {
        head = verify_line(letter, &head, event)?;
        if head.seq == known.seq && (head.hash != known.hash || head.at != known.at) {
            return Err(ChainError { seq: head.seq, reason: Broken::Replaced });
        }
    }
    if head.seq < known.seq {
        return Err(ChainError { seq: head.seq.saturating_add(1), reason: Broken::Truncated });
    }
    Ok(head)
}

fn verify_line(letter: LetterId, head: &Head, event: &StoredEvent) -> Result<Head, ChainError> {
    let seq = head.seq.saturating_add(1);
    let broken = |reason| ChainError { seq, reason };
    if event.seq != seq {
        return Err(broken(if event.seq > seq { Broken::Missing } else { Broken::OutOfOrder }));
    }
    let hash = event.computed_hash(letter);
    if event.hash != hash {
        return Err(broken(Broken::Altered));
    }
    if event.prev != head.hash {
        return Err(broken(Broken::Unlinked));
    }
    let parsed = Event::try_from(event).map_err(|_| broken(Broken::Malformed))?;
    if parsed.at < head.at {
        return Err(broken(Broken::TimeBackwards));
    }
    Ok(Head { seq, hash, at: parsed.at })
}

impl StoredEvent {
    /// The hash that these fields ought to carry.
    pub fn computed_hash(&self, letter: LetterId) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        let fields: [&[u8]; 9] = [
            letter.as_bytes(),
            &self.seq.to_be_bytes(),
            &self.id,
            self.kind.as_bytes(),
            &self.at.to_be_bytes(),
            self.actor.as_bytes(),
            self.terms.as_deref().unwrap_or_default(),
            &self.sealed,
            &self.prev,
        ];
        for field in fields {
            // A field longer than four gigabytes cannot come out of storage; saturating keeps this total.
            hash.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }
}

impl From<&Event> for StoredEvent {
    fn from(event: &Event) -> Self {
        Self {
            seq: event.seq,
            id: event.id.0.to_vec(),
            kind: event.kind.as_str().to_owned(),
            at: event.at.0,
            actor: event.actor.as_str().to_owned(),
            terms: event.terms.map(|terms| terms.to_vec()),
            sealed: event.sealed.clone(),
            prev: event.prev.to_vec(),
            hash: event.hash.to_vec(),
        }
    }
}

/// A stored row is not an event that this software writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored row has a malformed {0}")]
pub struct MalformedRow(pub &'static str);

codes!(MalformedRow = "malformed_row");

impl TryFrom<&StoredEvent> for Event {
    type Error = MalformedRow;

    fn try_from(row: &StoredEvent) -> Result<Self, Self::Error> {
        let terms = match row.terms.as_deref() {
            None => None,
            Some(terms) => Some(terms.try_into().map_err(|_| MalformedRow("terms"))?),
        };
        Ok(Self {
            seq: row.seq,
            id: EventId(row.id.as_slice().try_into().map_err(|_| MalformedRow("id"))?),
            kind: row.kind.parse::<Kind>().map_err(|_| MalformedRow("kind"))?,
            at: UnixMillis(row.at),
            actor: row.actor.parse::<Actor>().map_err(|_| MalformedRow("actor"))?,
            terms,
            sealed: row.sealed.clone(),
            prev: row.prev.as_slice().try_into().map_err(|_| MalformedRow("prev"))?,
            hash: row.hash.as_slice().try_into().map_err(|_| MalformedRow("hash"))?,
        })
    }
}
