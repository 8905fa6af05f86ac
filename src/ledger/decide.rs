//! The state machine: facts, a command and the time in; an answer, events and new facts out.

use serde::{Deserialize, Serialize};

use super::chain::{self, Head};
use super::consent::{Binding, FormId};
use super::events::{Actor, ConsentId, Event, Kind, NewEvent, words};
use super::privacy::{Details, LetterKey, PrivacyError};
use super::state::{Snapshot, TermsHash};
use super::transition::Transition;
use crate::types::{UnixMillis, UnixSeconds};

/// One command records at most this many events: the expiry it noticed (two) and its own.
pub const MAX_EVENTS_PER_COMMAND: usize = 3;

/// The latest time an event can carry: the 48 bits of a version 7 UUID (the year 10889). It also keeps every time exact
/// in a storage engine that counts in doubles.
const LATEST: u64 = (1 << 48) - 1;

/// Random bytes for one command, fresh from the system's generator each time: for each event ten for its id and
/// twelve for its nonce.
pub struct Entropy(pub [[u8; 22]; MAX_EVENTS_PER_COMMAND]);

impl Entropy {
    /// How many random bytes a command takes.
    pub const BYTES: usize = 22 * MAX_EVENTS_PER_COMMAND;

    /// Cuts up the random bytes.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        let mut cut = [[0; 22]; MAX_EVENTS_PER_COMMAND];
        for (to, from) in cut.iter_mut().zip(bytes.chunks_exact(22)) {
            to.copy_from_slice(from);
        }
        Self(cut)
    }
}

/// What someone asks of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Take the letter on, from its manifest. Before anything else; later ones change nothing.
    Seal {
        /// The letter's own end, from the manifest.
        not_after: UnixSeconds,
        /// Days from then until object and personal details go.
        retention_days: u32,
        /// The commitment to its names ([`Names::commitment`](super::Names::commitment)).
        names: [u8; 32],
        /// The only terms that it can be opened by, where the sender pinned some.
        terms: Option<TermsHash>,
        /// When [`Kind::EndsSoon`] is due, if it is to be recorded.
        ends_soon: Option<UnixSeconds>,
    },
    /// The link was opened.
    Open {
        /// The consent that the browser's cookie proves, if any.
        browser: Option<ConsentId>,
        /// SHA-256 of the terms that the envelope shows, if the envelope is the answer and shows any.
        terms: Option<[u8; 32]>,
    },
    /// The form with the ticked box came in, but nothing about it looks like a person.
    Suspect {
        /// SHA-256 of the terms that were shown.
        terms: [u8; 32],
        /// The form, which is no good any more.
        form: FormId,
    },
    /// The form with the ticked box came in, its nonce checked.
    Consent {
        /// SHA-256 of the terms that were shown.
        terms: [u8; 32],
        /// The form it came with.
        form: FormId,
        /// The consent that the browser's cookie proves already, if any.
        browser: Option<ConsentId>,
    },
    /// A suspected robot was asked once more, and answered.
    Confirm {
        /// SHA-256 of the terms that were shown.
        terms: [u8; 32],
        /// The question, which takes one answer.
        question: FormId,
        /// Whether the answer was right.
        right: bool,
        /// The consent that the browser's cookie proves already, if any.
        browser: Option<ConsentId>,
    },
    /// A no from a page: before any consent it is a refusal, after one a withdrawal.
    Decline {
        /// SHA-256 of the terms that were shown, if known.
        terms: Option<[u8; 32]>,
        /// The form it came with, if it is fresh.
        form: Option<FormId>,
        /// The browser that may take it back for a while; none may without.
        browser: Option<Binding>,
    },
    /// A no from a page came in, but nothing about it looks like a person.
    SuspectDecline {
        /// SHA-256 of the terms that were shown, if known.
        terms: Option<[u8; 32]>,
        /// The form, which is no good any more.
        form: FormId,
    },
    /// A suspected robot that had said no was asked once more, and answered.
    ConfirmDecline {
        /// SHA-256 of the terms that were shown, if known.
        terms: Option<[u8; 32]>,
        /// The question, which takes one answer.
        question: FormId,
        /// Whether the answer was right.
        right: bool,
        /// As of [`Command::Decline`].
        browser: Option<Binding>,
    },
    /// The browser that declined takes that back.
    Undo {
        /// The browser.
        browser: Binding,
    },
    /// A no by the mail program, or passed on by the sender. Nobody takes it back.
    Withdraw,
    /// May this browser have the letter's bytes? Records, before the first of them leaves under a consent, that they
    /// begin to; later ones only when they have ended.
    Report {
        /// The consent that the cookie proves.
        consent: ConsentId,
        /// Whether bytes follow; `false` for a question about their length alone.
        begin: bool,
    },
    /// Bytes went out under a consent: what [`Command::Report`] allowed has ended.
    Streamed {
        /// The consent.
        consent: ConsentId,
        /// Plaintext bytes (ciphertext in end-to-end mode) that were handed to the connection.
        bytes: u64,
        /// Whether the answer was sent to its end.
        complete: bool,
    },
    /// The recipient accepts the offer.
    Accept {
        /// The consent that the cookie proves.
        consent: ConsentId,
    },
    /// A message between reader and sender. Everybody but the sender needs a consent.
    Message {
        /// The consent that the reader's cookie proves.
        consent: Option<ConsentId>,
    },
    /// Somebody with the link gave a wrong PIN.
    PinFailed,
    /// The evidence is about to be handed out.
    Export,
    /// The sender cancels.
    Cancel,
    /// The sender gives the letter a later end, expired and cancelled ones too: they are open again, for consents anew. Never an earlier
    /// one, and after a refusal or a withdrawal none at all.
    Reissue {
        /// The new end.
        not_after: UnixSeconds,
        /// As of [`Command::Seal`].
        ends_soon: Option<UnixSeconds>,
    },
    /// The alarm: mark the letter expired, or its end as near, if it is time.
    Expire,
    /// Someone came with a genuine token whose own time is over.
    ExpiredOpen,
    /// Destroy the personal details: by the end of retention ([`Actor::System`]) or on request ([`Actor::Sender`]).
    Erase,
}

words! {
    /// Why a letter cannot be had.
    ClosedReason, "reason" {
        /// The ledger has never been told of this letter.
        Missing = "missing",
        /// Its time is over.
        Expired = "expired",
        /// The sender cancelled it.
        Cancelled = "cancelled",
        /// It was deleted.
        Erased = "erased",
        /// There was a no, and no yes before.
        Refused = "refused",
        /// Consent was taken back.
        Withdrawn = "withdrawn",
    }
}

/// What to tell whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// The letter is on the ledger.
    Sealed,
    /// Show the envelope: this browser has not consented.
    Envelope,
    /// Show the letter, or send its bytes, under this consent.
    Letter(ConsentId),
    /// The consent is on record. Set the cookie.
    Consented(ConsentId),
    /// The letter took [`MAX_CONSENTS`](super::MAX_CONSENTS) consents and takes no more.
    ConsentLimit,
    /// Programs have used up their allowance, for now or for good. People's is another.
    ProgramLimit,
    /// These are not the terms that the letter can be opened by. Nothing is on record: show it again.
    OtherTerms,
    /// The no is taken back; that is on record too.
    Undone,
    /// The refusal is on record.
    Refused,
    /// The withdrawal is on record.
    Withdrawn,
    /// The acceptance is on record.
    Accepted,
    /// The bytes are counted.
    Counted,
    /// The post of a suspected robot is on record. Nobody has consented by it: ask once more, in another way.
    Suspected,
    /// The message is on record.
    Noted,
    /// As many of its kind are on record as a letter takes, in all or for now; this one is not.
    Limit,
    /// The handing out is on record.
    Exported,
    /// The letter is cancelled.
    Cancelled,
    /// The letter is open until this time. Its links lead on to one with that end.
    Reissued(UnixSeconds),
    /// The letter is expired.
    Expired,
    /// It is too early to expire.
    NotDue,
    /// The personal details are gone: delete the letter's key in the same transaction.
    Erased,
    /// The letter cannot be had.
    Closed(ClosedReason),
}

/// What a command comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What to tell whoever asked.
    pub answer: Answer,
    /// What to record, in this order.
    pub events: Vec<NewEvent>,
    /// The facts afterwards; [`Decision::finish`] moves the head.
    pub next: Snapshot,
}

/// A decision that is ready to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What to tell whoever asked, once the rest is on disk.
    pub answer: Answer,
    /// Rows to insert, in this order.
    pub events: Vec<Event>,
    /// The snapshot to store. Store it even without events: bytes may have been counted.
    pub snapshot: Snapshot,
}

/// The decision could not be made ready to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum FinishError {
    /// The details could not be sealed.
    #[error("the details could not be sealed: {0}")]
    #[strum(transparent)]
    Privacy(#[from] PrivacyError),
}

codes!(FinishError);

impl Decision {
    /// Whether anything is recorded. `false` says that the command already held.
    pub fn changed(&self) -> bool {
        !self.events.is_empty()
    }

    /// Seals the details, numbers and chains the events, and moves the head.
    ///
    /// `details` describe the request behind the command. They go into what a person did (not into what the
    /// system noticed on the way, nor into `erased`), sealed under `key`. Without a key, as after erasure, no
    /// details are kept.
    pub fn finish(self, details: &Details, key: Option<&LetterKey>) -> Result<Finished, FinishError> {
        let Self { answer, events, next: mut snapshot } = self;
        let mut finished = Vec::with_capacity(events.len());
        for new in &events {
            let personal = new.actor != Actor::System && new.kind != Kind::Erased;
            let sealing = key.filter(|_| personal).map(|key| (key, details));
            let event = chain::append(snapshot.letter, &snapshot.head, new, sealing)?;
            snapshot.head = Head { seq: event.seq, hash: event.hash, at: event.at };
            finished.push(event);
        }
        Ok(Finished { answer, events: finished, snapshot })
    }
}

/// Decides a command that `by` gives. What only the sender can do (seal, cancel, export) is the sender's whoever asks, and
/// expiry is the clock's. Never fails and never panics; `now` may lie before earlier events, and then counts as the
/// time of the last one.
///
/// ```
/// use waxseal::ledger::{Actor, Answer, ClosedReason, Command, Details, Entropy, Kind, Snapshot, decide};
/// use waxseal::types::{LetterId, UnixMillis, UnixSeconds};
///
/// let (now, entropy) = (UnixMillis(1_770_000_000_000), Entropy::from_bytes([0; Entropy::BYTES])); // fresh each time
/// let details = Details::default();
/// let new = Snapshot::new(LetterId([1; 16]));
/// let seal =
///     Command::Seal { not_after: UnixSeconds(1_780_000_000), retention_days: 366, names: [2; 32], terms: None, ends_soon: None };
/// let sealed = decide(&new, &seal, Actor::Sender, now, &entropy).finish(&details, None)?;
///
/// let withdrawn = decide(&sealed.snapshot, &Command::Withdraw, Actor::Recipient, now, &entropy);
/// assert_eq!(withdrawn.events[0].kind, Kind::ConsentRefused); // nobody had consented yet
/// let withdrawn = withdrawn.finish(&details, None)?;
///
/// let open = Command::Open { browser: None, terms: None };
/// let opened = decide(&withdrawn.snapshot, &open, Actor::Recipient, now, &entropy);
/// assert_eq!(opened.answer, Answer::Closed(ClosedReason::Refused));
/// # Ok::<(), waxseal::ledger::FinishError>(())
/// ```
pub fn decide(
    snapshot: &Snapshot,
    command: &Command,
    by: Actor,
    now: UnixMillis,
    entropy: &Entropy,
) -> Decision {
    let at = UnixMillis(now.0.max(snapshot.head.at.0).min(LATEST));
    let mut transition = Transition::new(snapshot, by, at, entropy);
    let answer = transition.answer(command);
    transition.decided(answer)
}
