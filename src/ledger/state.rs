//! Where a letter stands: small, without personal details, stored as one row and loaded for every request.

use serde::{Deserialize, Serialize};

use super::chain::Head;
use super::consent::FormId;
use super::events::{ConsentId, hex32, words};
use crate::types::{LetterId, UnixMillis, UnixSeconds};

/// At most this many consents are ever recorded for a letter.
pub const MAX_CONSENTS: u16 = 100;

/// At most this many events of each repeating kind (`opened`, `expired_open_attempt`, `report_streamed`).
pub const MAX_REPEATS: u16 = 500;

/// After the first, a repeating kind is recorded at most once in this many milliseconds: an hour.
pub const REPEAT_MILLIS: u64 = 3_600_000;

/// No sequence of commands makes a letter's chain longer than this: three repeating kinds, the consents, and one
/// each of sealed, a no, accepted, cancelled or expired, ignored, erased.
pub const MAX_LEDGER_EVENTS: u64 = 3 * MAX_REPEATS as u64 + MAX_CONSENTS as u64 + 6;

words! {
    /// What the recipient has done with the letter so far.
    State, "state" {
        /// Nobody has opened the link.
        Sealed = "sealed",
        /// The link was opened; no answer yet.
        Opened = "opened",
        /// At least one browser consented.
        Consented = "consented",
        /// The recipient said no. Final.
        Refused = "refused",
        /// The recipient took a consent back. Final.
        Withdrawn = "withdrawn",
        /// The recipient accepted the offer.
        Accepted = "accepted",
    }
}

words! {
    /// What ended the letter, whatever its state.
    Over, "end" {
        /// The sender cancelled it.
        Cancelled = "cancelled",
        /// Its time ran out.
        Expired = "expired",
        /// Its personal details were destroyed.
        Erased = "erased",
    }
}

/// A consent that stands: its browser may read the letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveConsent {
    /// The `consent_given` event.
    pub id: ConsentId,
    /// When it was given.
    pub at: UnixMillis,
    /// The form it was given with, so that a form sent twice is one consent.
    pub form: FormId,
    /// Whether anything was sent under it yet.
    pub streamed: bool,
}

/// How often a repeating event was recorded, and when last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many events are on record.
    pub count: u16,
    /// The time of the last one.
    pub last: Option<UnixMillis>,
}

impl Tally {
    /// Whether another event at `at` would be recorded.
    pub(super) fn due(&self, at: UnixMillis) -> bool {
        self.count < MAX_REPEATS && self.last.is_none_or(|last| at.0.saturating_sub(last.0) >= REPEAT_MILLIS)
    }

    pub(super) fn add(&mut self, at: UnixMillis) {
        self.count = self.count.saturating_add(1);
        self.last = Some(at);
    }
}

/// The next thing the clock will do to a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Send `Command::Expire` at this time.
    Expire(UnixMillis),
    /// Delete the object and send `Command::Erase` at this time.
    Erase(UnixMillis),
}

/// The current facts of a letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The letter this is about.
    pub letter: LetterId,
    /// What the recipient has done.
    pub state: State,
    /// What ended it, if anything did.
    pub over: Option<Over>,
    /// The end of the chain.
    pub head: Head,
    /// Readable while now < `not_after`.
    pub not_after: UnixSeconds,
    /// When the object and the personal details go.
    pub delete_after: UnixSeconds,
    /// Consents that stand, at most [`MAX_CONSENTS`].
    pub consents: Vec<LiveConsent>,
    /// How many consents were ever given.
    pub consents_given: u16,
    /// The terms last agreed to.
    #[serde(with = "terms_hex")]
    pub terms: Option<[u8; 32]>,
    /// `opened` events.
    pub opened: Tally,
    /// `expired_open_attempt` events.
    pub expired_opens: Tally,
    /// `report_streamed` events.
    pub streamed: Tally,
    /// Bytes sent that no event has told yet; the next `report_streamed` does.
    pub untold_bytes: u64,
}

impl Snapshot {
    /// A ledger that knows nothing but the letter's id. Its first command must be `Command::Seal`.
    pub fn new(letter: LetterId) -> Self {
        Self {
            letter,
            state: State::Sealed,
            over: None,
            head: Head::GENESIS,
            not_after: UnixSeconds(0),
            delete_after: UnixSeconds(0),
            consents: Vec::new(),
            consents_given: 0,
            terms: None,
            opened: Tally::default(),
            expired_opens: Tally::default(),
            streamed: Tally::default(),
            untold_bytes: 0,
        }
    }

    /// Whether the ledger has taken the letter on.
    pub fn is_sealed(&self) -> bool {
        self.head.seq > 0
    }

    /// Whether this consent stands.
    pub fn is_live(&self, consent: ConsentId) -> bool {
        self.consents.iter().any(|live| live.id == consent)
    }

    /// When to wake up next, and for what: the alarm to set. `None` before sealing and after erasure.
    pub fn deadline(&self) -> Option<Deadline> {
        match self.over {
            _ if !self.is_sealed() => None,
            None => Some(Deadline::Expire(self.not_after.millis())),
            Some(Over::Cancelled | Over::Expired) => Some(Deadline::Erase(self.delete_after.millis())),
            Some(Over::Erased) => None,
        }
    }
}

mod terms_hex {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Hex(#[serde(with = "super::hex32")] [u8; 32]);

    pub(super) fn serialize<S: Serializer>(v: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
        v.map(Hex).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<[u8; 32]>, D::Error> {
        Ok(Option::<Hex>::deserialize(d)?.map(|hex| hex.0))
    }
}
