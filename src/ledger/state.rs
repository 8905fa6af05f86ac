//! Where a letter stands: small, without personal details, stored as one row and loaded for every request.

use serde::{Deserialize, Serialize};

use super::chain::Head;
use super::consent::{Binding, FormId};
use super::events::{Actor, ConsentId, words};
use crate::types::{LetterId, UnixMillis, UnixSeconds};

/// At most this many consents are ever recorded for a letter.
pub const MAX_CONSENTS: u16 = 100;

/// At most this many consents of programs are ever recorded, besides those of people.
pub const MAX_PROGRAM_CONSENTS: u16 = 100;

/// At most this many of them within an hour.
pub const PROGRAM_CONSENTS_PER_HOUR: u16 = 10;

/// For so long the browser that declined may take that back: ten minutes.
pub const UNDO_MILLIS: u64 = 600_000;

/// So often a no is taken back. The next one is final at once.
pub const MAX_UNDONE: u16 = 10;

/// At most this many events of each repeating kind (`opened`, `fetched`, `expired_open_attempt`, `report_streamed`).
pub const MAX_REPEATS: u16 = 500;

/// After the first, a repeating kind is recorded at most once in this many milliseconds: an hour.
pub const REPEAT_MILLIS: u64 = 3_600_000;

/// At most this many `notice_shown` events.
pub const MAX_NOTICES: u16 = 200;

/// So many different terms are recorded as soon as they are shown: every language of some versions.
pub const MAX_NOTICED: usize = 16;

/// At most this many `robot_suspected` events.
pub const MAX_SUSPECTED: u16 = 100;

/// So many wrong answers to the question that suspected robots are asked count at once. While they do, a letter takes no
/// further answer to one.
pub const MAX_WRONG: usize = 3;

/// For so long a wrong answer counts: longer than its question could be answered, whichever isolate's clock says so.
pub const WRONG_MILLIS: u64 = 65 * 60 * 1000;

/// The last so many forms whose post was doubted stay doubted.
pub const MAX_DOUBTED: usize = 32;

/// At most this many messages.
pub const MAX_MESSAGES: u16 = 500;

/// At most this many wrong PINs.
pub const MAX_PINS_FAILED: u16 = 100;

/// At most this many `evidence_exported` events.
pub const MAX_EXPORTS: u16 = 200;

/// So often a letter is re-issued.
pub const MAX_REISSUES: u16 = 20;

/// No sequence of commands makes a letter's chain longer than this: what repeats, the consents, a beginning of the
/// report for each of these, each no that is taken back with its revocation, of each end (the first, and one for each time that the letter is re-issued) its
/// coming near, cancelled or expired, and ignored, and one each of sealed, a no, accepted, erased.
pub const MAX_LEDGER_EVENTS: u64 = 4 * MAX_REPEATS as u64
    + 2 * MAX_CONSENTS as u64
    + 2 * MAX_PROGRAM_CONSENTS as u64
    + 2 * MAX_UNDONE as u64
    + MAX_NOTICES as u64
    + MAX_SUSPECTED as u64
    + MAX_MESSAGES as u64
    + MAX_PINS_FAILED as u64
    + MAX_EXPORTS as u64
    + 4 * MAX_REISSUES as u64
    + 7;

words! {
    /// What the recipient has done with the letter so far.
    State, "state" {
        /// Nobody has opened the link.
        Sealed = "sealed",
        /// The link was opened; no answer yet.
        Opened = "opened",
        /// At least one browser consented.
        Consented = "consented",
        /// There was a no, and no yes before. Final, but for the minutes in which its browser may take it back.
        Refused = "refused",
        /// A consent was taken back. Final, as above.
        Withdrawn = "withdrawn",
        /// The recipient accepted the offer.
        Accepted = "accepted",
    }
}

words! {
    /// What ended the letter, whatever its state.
    EndReason, "end" {
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
    /// Whether it is on record that sending began.
    #[serde(default)]
    pub begun: bool,
    /// Whether it is on record that something was sent.
    pub streamed: bool,
}

/// A no that its browser may take back until [`UNDO_MILLIS`] after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declined {
    /// The browser.
    pub browser: Binding,
    /// When it was said.
    pub at: UnixMillis,
    /// The terms it was about, if known.
    #[serde(with = "terms_hex")]
    pub terms: Option<[u8; 32]>,
    /// The state before it.
    pub before: State,
    /// The consents that stood before it.
    pub consents: Vec<LiveConsent>,
}

/// How many consents programs gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramConsents {
    /// In all.
    pub given: u16,
    /// When the hour that is counted began.
    pub since: UnixMillis,
    /// In that hour.
    pub in_hour: u16,
}

impl Default for ProgramConsents {
    fn default() -> Self {
        Self { given: 0, since: UnixMillis(0), in_hour: 0 }
    }
}

impl ProgramConsents {
    /// Whether another one is within the allowance.
    pub(super) fn allows(&self, at: UnixMillis) -> bool {
        let hour_over = at.0.saturating_sub(self.since.0) >= REPEAT_MILLIS;
        self.given < MAX_PROGRAM_CONSENTS && (hour_over || self.in_hour < PROGRAM_CONSENTS_PER_HOUR)
    }

    pub(super) fn add(&mut self, at: UnixMillis) {
        if at.0.saturating_sub(self.since.0) >= REPEAT_MILLIS {
            (self.since, self.in_hour) = (at, 0);
        }
        self.in_hour = self.in_hour.saturating_add(1);
        self.given = self.given.saturating_add(1);
    }
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
    /// Whether another event at `at` would be recorded, of a kind that has at most `most`.
    pub(super) fn due(&self, at: UnixMillis, most: u16) -> bool {
        self.count < most && self.last.is_none_or(|last| at.0.saturating_sub(last.0) >= REPEAT_MILLIS)
    }

    pub(super) fn add(&mut self, at: UnixMillis) {
        self.count = self.count.saturating_add(1);
        self.last = Some(at);
    }
}

/// A wrong answer to the question that suspected robots are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedChallenge {
    /// The question.
    pub question: FormId,
    /// When it was answered.
    pub at: UnixMillis,
}

/// The wrong answers that still count, at most [`MAX_WRONG`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChallengeState(pub Vec<FailedChallenge>);

impl ChallengeState {
    fn counting(&self, at: UnixMillis) -> impl Iterator<Item = &FailedChallenge> {
        self.0.iter().filter(move |wrong| at.0.saturating_sub(wrong.at.0) < WRONG_MILLIS)
    }

    /// Whether no answer is taken at `at`, right or wrong.
    pub(super) fn is_shut(&self, at: UnixMillis) -> bool {
        self.counting(at).count() >= MAX_WRONG
    }

    /// Whether an answer to this question is taken.
    pub(super) fn takes(&self, question: FormId, at: UnixMillis) -> bool {
        !self.is_shut(at) && self.counting(at).all(|wrong| wrong.question != question)
    }

    /// Notes a wrong answer.
    pub(super) fn add(&mut self, question: FormId, at: UnixMillis) {
        if self.takes(question, at) {
            self.0.retain(|wrong| at.0.saturating_sub(wrong.at.0) < WRONG_MILLIS);
            self.0.push(FailedChallenge { question, at });
        }
    }
}

/// The SHA-256 of a terms text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TermsHash(#[serde(with = "crate::types::hex")] pub [u8; 32]);

/// The next thing the clock will do to a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadline {
    /// Send `Command::Expire` at this time: the end, or before it the time at which it is near.
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
    /// What ended it, if anything did. Where the field is missing nobody may take the letter for one that is open.
    #[serde(alias = "over", deserialize_with = "Option::deserialize")]
    pub end_reason: Option<EndReason>,
    /// The end of the chain.
    pub head: Head,
    /// Readable while now < `not_after`.
    pub not_after: UnixSeconds,
    /// When the object and the personal details go.
    pub delete_after: UnixSeconds,
    /// When it is to be recorded that the end is near; nothing once that is done, or need not be.
    #[serde(default)]
    pub ends_soon: Option<UnixSeconds>,
    /// How often it was re-issued.
    #[serde(default)]
    pub reissues: u16,
    /// Consents that stand, at most [`MAX_CONSENTS`] and [`MAX_PROGRAM_CONSENTS`].
    pub consents: Vec<LiveConsent>,
    /// How many consents were ever given, but for those of programs.
    pub consents_given: u16,
    /// Who said no, once somebody has.
    #[serde(default)]
    pub declined_by: Option<Actor>,
    /// Those of programs.
    #[serde(default)]
    pub program_consents: ProgramConsents,
    /// The only terms that the letter can be opened by, where the sender pinned some.
    #[serde(default, with = "terms_hex")]
    pub pinned: Option<[u8; 32]>,
    /// The no that can still be taken back.
    #[serde(default)]
    pub declined: Option<Declined>,
    /// How many were.
    #[serde(default)]
    pub undone: u16,
    /// The terms last agreed to.
    #[serde(with = "terms_hex")]
    pub terms: Option<[u8; 32]>,
    /// `opened` events.
    pub opened: Tally,
    /// `fetched` events.
    #[serde(default)]
    pub fetched: Tally,
    /// `expired_open_attempt` events.
    pub expired_opens: Tally,
    /// `report_streamed` events.
    pub streamed: Tally,
    /// Bytes sent that no event has told yet; the next `report_streamed` does.
    pub untold_bytes: u64,
    /// `notice_shown` events.
    #[serde(default)]
    pub notices: Tally,
    /// The terms that were shown last, at most [`MAX_NOTICED`]. Where none are pinned, no others are agreed to.
    #[serde(default)]
    pub noticed: Vec<TermsHash>,
    /// Terms that went out in an envelope which only programs fetched, at most [`MAX_NOTICED`]. A form that comes back shows
    /// that somebody saw them after all, as when a browser had fetched the page ahead.
    #[serde(default)]
    pub unseen: Vec<TermsHash>,
    /// `robot_suspected` events.
    #[serde(default)]
    pub suspected: Tally,
    /// Wrong answers of suspected robots.
    #[serde(default)]
    pub challenge: ChallengeState,
    /// Those of programs by their own word, which are counted by themselves.
    #[serde(default)]
    pub program_challenge: ChallengeState,
    /// Forms whose post was doubted, at most [`MAX_DOUBTED`]: sent again they are doubted again.
    #[serde(default)]
    pub doubted: Vec<FormId>,
    /// `message` events.
    #[serde(default)]
    pub messages: Tally,
    /// `pin_failed` events.
    #[serde(default)]
    pub pins_failed: Tally,
    /// `evidence_exported` events.
    #[serde(default)]
    pub exports: Tally,
}

impl Snapshot {
    /// A ledger that knows nothing but the letter's id. Its first command must be `Command::Seal`.
    pub fn new(letter: LetterId) -> Self {
        Self {
            letter,
            state: State::Sealed,
            end_reason: None,
            head: Head::GENESIS,
            not_after: UnixSeconds(0),
            delete_after: UnixSeconds(0),
            ends_soon: None,
            reissues: 0,
            consents: Vec::new(),
            consents_given: 0,
            declined_by: None,
            program_consents: ProgramConsents::default(),
            pinned: None,
            declined: None,
            undone: 0,
            terms: None,
            opened: Tally::default(),
            fetched: Tally::default(),
            expired_opens: Tally::default(),
            streamed: Tally::default(),
            untold_bytes: 0,
            notices: Tally::default(),
            noticed: Vec::new(),
            unseen: Vec::new(),
            suspected: Tally::default(),
            challenge: ChallengeState::default(),
            program_challenge: ChallengeState::default(),
            doubted: Vec::new(),
            messages: Tally::default(),
            pins_failed: Tally::default(),
            exports: Tally::default(),
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

    /// The browser that may take the last no back, and until when.
    pub fn undoable(&self, now: UnixMillis) -> Option<(Binding, UnixMillis)> {
        let declined = self.declined.as_ref().filter(|_| self.end_reason.is_none())?;
        let until = UnixMillis(declined.at.0.saturating_add(UNDO_MILLIS));
        (now < until).then_some((declined.browser, until))
    }

    /// When to wake up next, and for what: the alarm to set. `None` before sealing and after erasure.
    pub fn deadline(&self) -> Option<Deadline> {
        match self.end_reason {
            _ if !self.is_sealed() => None,
            None => Some(Deadline::Expire(self.ends_soon.unwrap_or(self.not_after).millis())),
            Some(EndReason::Cancelled | EndReason::Expired) => {
                Some(Deadline::Erase(self.delete_after.millis()))
            }
            Some(EndReason::Erased) => None,
        }
    }
}

mod terms_hex {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::TermsHash;

    pub(super) fn serialize<S: Serializer>(v: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
        v.map(TermsHash).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<[u8; 32]>, D::Error> {
        Ok(Option::<TermsHash>::deserialize(d)?.map(|hash| hash.0))
    }
}
