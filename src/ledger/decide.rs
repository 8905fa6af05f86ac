//! The state machine: facts, a command and the time in; an answer, events and new facts out.

use serde::{Deserialize, Serialize};

use super::chain::{self, Head};
use super::consent::FormId;
use super::events::{Actor, ConsentId, Event, EventId, Facts, Kind, Means, NewEvent, words};
use super::privacy::{Details, LetterKey, PrivacyError};
use super::state::{LiveConsent, MAX_CONSENTS, Over, Snapshot, State};
use crate::types::{UnixMillis, UnixSeconds};

/// One command records at most this many events: the expiry it noticed (two) and its own.
pub const MAX_EVENTS_PER_COMMAND: usize = 3;

/// The latest time an event can carry: the 48 bits of a version 7 UUID (the year 10889). It also keeps every time exact
/// in a storage engine that counts in doubles.
const LATEST: u64 = (1 << 48) - 1;

const SECONDS_PER_DAY: u64 = 86_400;

/// For so long a form that comes once more is the same browser's: two minutes.
const SAME_FORM_MILLIS: u64 = 120_000;

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
    },
    /// The link was opened.
    Open {
        /// The consent that the browser's cookie proves, if any.
        browser: Option<ConsentId>,
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
    /// "No, thank you" on the envelope.
    Refuse {
        /// By what way.
        means: Means,
        /// SHA-256 of the terms that were shown, if known.
        terms: Option<[u8; 32]>,
    },
    /// Consent is taken back.
    Withdraw {
        /// By what way.
        means: Means,
    },
    /// May this browser have the letter's bytes? Records nothing while the answer is yes.
    Report {
        /// The consent that the cookie proves.
        consent: ConsentId,
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
    /// The sender cancels.
    Cancel,
    /// The alarm: mark the letter expired if it is time.
    Expire,
    /// Someone came with a genuine token whose own time is over.
    ExpiredOpen,
    /// Destroy the personal details: by the end of retention or on request.
    Erase {
        /// [`Actor::System`] for retention, [`Actor::Sender`] on request.
        by: Actor,
    },
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
        /// The recipient said no.
        Refused = "refused",
        /// The recipient took consent back.
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
    /// The letter took [`MAX_CONSENTS`] consents and takes no more.
    ConsentLimit,
    /// The refusal is on record.
    Refused,
    /// The withdrawal is on record.
    Withdrawn,
    /// The acceptance is on record.
    Accepted,
    /// The bytes are counted.
    Counted,
    /// The letter is cancelled.
    Cancelled,
    /// The letter is expired.
    Expired,
    /// It is too early to expire: set the alarm for this time.
    NotDue(UnixMillis),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinishError {
    /// The details could not be sealed.
    #[error("the details could not be sealed: {0}")]
    Privacy(#[from] PrivacyError),
}

impl FinishError {
    /// A stable code for logs and problem documents.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Privacy(error) => error.code(),
        }
    }
}

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

/// Decides a command. Never fails and never panics; `now` may lie before earlier events, and then counts as the
/// time of the last one.
pub fn decide(snapshot: &Snapshot, command: &Command, now: UnixMillis, entropy: &Entropy) -> Decision {
    let at = UnixMillis(now.0.max(snapshot.head.at.0).min(LATEST));
    let mut turn = Turn { next: snapshot.clone(), events: Vec::new(), at, entropy };
    let answer = turn.answer(command);
    Decision { answer, events: turn.events, next: turn.next }
}

/// One command being decided.
struct Turn<'a> {
    next: Snapshot,
    events: Vec<NewEvent>,
    at: UnixMillis,
    entropy: &'a Entropy,
}

impl Turn<'_> {
    fn answer(&mut self, command: &Command) -> Answer {
        if let Command::Seal { not_after, retention_days } = *command {
            return self.seal(not_after, retention_days);
        }
        if !self.next.is_sealed() {
            return Answer::Closed(ClosedReason::Missing);
        }
        // Whoever comes first after the end finds it expired, even when the alarm has not rung yet.
        self.expire_if_due();
        match *command {
            Command::Seal { .. } => Answer::Sealed,
            Command::Open { browser } => self.open(browser),
            Command::Consent { terms, form, browser } => self.consent(terms, form, browser),
            Command::Refuse { means, terms } => self.say_no(means, terms),
            Command::Withdraw { means } => self.say_no(means, None),
            Command::Report { consent } => self.report(consent),
            Command::Streamed { consent, bytes, complete } => self.streamed(consent, bytes, complete),
            Command::Accept { consent } => self.accept(consent),
            Command::Cancel => self.cancel(),
            Command::Expire => match self.next.over {
                None => Answer::NotDue(self.next.not_after.millis()),
                Some(Over::Expired) => Answer::Expired,
                Some(over) => Answer::Closed(over_reason(over)),
            },
            Command::ExpiredOpen => {
                let reason = self.closed().unwrap_or(ClosedReason::Expired);
                self.knock(reason);
                Answer::Closed(reason)
            }
            Command::Erase { by } => self.erase(by),
        }
    }

    fn seal(&mut self, not_after: UnixSeconds, retention_days: u32) -> Answer {
        if !self.next.is_sealed() {
            self.next.not_after = not_after;
            let retention = u64::from(retention_days).saturating_mul(SECONDS_PER_DAY);
            self.next.delete_after = UnixSeconds(not_after.0.saturating_add(retention));
            self.record(Kind::Sealed, Actor::Sender, None, Facts::default());
        }
        Answer::Sealed
    }

    fn expire_if_due(&mut self) {
        if self.next.over.is_some() || self.at < self.next.not_after.millis() {
            return;
        }
        self.record(Kind::Expired, Actor::System, None, Facts::default());
        if matches!(self.next.state, State::Sealed | State::Opened) {
            self.record(Kind::Ignored, Actor::System, None, Facts::default());
        }
        self.end(Over::Expired);
    }

    fn open(&mut self, browser: Option<ConsentId>) -> Answer {
        if let Some(reason) = self.closed() {
            self.knock(reason);
            return Answer::Closed(reason);
        }
        self.record_opened();
        match browser {
            Some(consent) if self.next.is_live(consent) => Answer::Letter(consent),
            _ => Answer::Envelope,
        }
    }

    fn consent(&mut self, terms: [u8; 32], form: FormId, browser: Option<ConsentId>) -> Answer {
        if let Some(reason) = self.closed() {
            self.knock(reason);
            return Answer::Closed(reason);
        }
        // A double tap or a repeat after a lost answer is the same consent. Later the form is somebody else's copy.
        let again = |live: &&LiveConsent| {
            live.form == form && self.at.0.saturating_sub(live.at.0) <= SAME_FORM_MILLIS
        };
        let held = self.next.consents.iter().find(|live| Some(live.id) == browser || again(live));
        if let Some(live) = held {
            return Answer::Consented(live.id);
        }
        if self.next.consents_given >= MAX_CONSENTS {
            return Answer::ConsentLimit;
        }
        let Some(event) = self.record(Kind::ConsentGiven, Actor::Recipient, Some(terms), Facts::default())
        else {
            return Answer::Envelope;
        };
        let id = ConsentId(event);
        self.next.consents.push(LiveConsent { id, at: self.at, form, streamed: false });
        self.next.consents_given = self.next.consents_given.saturating_add(1);
        self.next.terms = Some(terms);
        if self.next.state != State::Accepted {
            self.next.state = State::Consented;
        }
        Answer::Consented(id)
    }

    /// A no is a no, whichever button it came by: a refusal before any consent, a withdrawal after. It is heard
    /// on a cancelled and on an expired letter too.
    fn say_no(&mut self, means: Means, terms: Option<[u8; 32]>) -> Answer {
        if self.next.over == Some(Over::Erased) {
            return Answer::Closed(ClosedReason::Erased);
        }
        let facts = Facts { means: Some(means), ..Facts::default() };
        match self.next.state {
            State::Refused => Answer::Refused,
            State::Withdrawn => Answer::Withdrawn,
            State::Sealed | State::Opened => {
                self.record(Kind::ConsentRefused, Actor::Recipient, terms, facts);
                self.next.state = State::Refused;
                Answer::Refused
            }
            State::Consented | State::Accepted => {
                let terms = terms.or(self.next.terms);
                self.record(Kind::ConsentWithdrawn, Actor::Recipient, terms, facts);
                self.next.state = State::Withdrawn;
                self.next.consents.clear();
                Answer::Withdrawn
            }
        }
    }

    fn report(&mut self, consent: ConsentId) -> Answer {
        if let Some(reason) = self.closed() {
            self.knock(reason);
            return Answer::Closed(reason);
        }
        if self.next.is_live(consent) { Answer::Letter(consent) } else { Answer::Envelope }
    }

    /// Bytes count even when the letter was closed while they went out: they did go out.
    fn streamed(&mut self, consent: ConsentId, bytes: u64, complete: bool) -> Answer {
        if self.next.over == Some(Over::Erased) {
            return Answer::Closed(ClosedReason::Erased);
        }
        if self.next.consents_given == 0 {
            return Answer::Envelope;
        }
        self.next.untold_bytes = self.next.untold_bytes.saturating_add(bytes);
        let live = self.next.consents.iter_mut().find(|live| live.id == consent);
        let first = live.is_some_and(|live| !core::mem::replace(&mut live.streamed, true));
        let within = self.next.streamed.count < super::state::MAX_REPEATS;
        if (first && within) || self.next.streamed.due(self.at) {
            let facts = Facts { bytes: Some(self.next.untold_bytes), complete: Some(complete), means: None };
            self.record(Kind::ReportStreamed, Actor::Recipient, None, facts);
            self.next.streamed.add(self.at);
            self.next.untold_bytes = 0;
        }
        Answer::Counted
    }

    fn accept(&mut self, consent: ConsentId) -> Answer {
        if let Some(reason) = self.closed() {
            self.knock(reason);
            return Answer::Closed(reason);
        }
        if !self.next.is_live(consent) {
            return Answer::Envelope;
        }
        if self.next.state != State::Accepted {
            let terms = self.next.terms;
            self.record(Kind::Accepted, Actor::Recipient, terms, Facts::default());
            self.next.state = State::Accepted;
        }
        Answer::Accepted
    }

    fn cancel(&mut self) -> Answer {
        match self.next.over {
            Some(Over::Cancelled) => Answer::Cancelled,
            Some(over) => Answer::Closed(over_reason(over)),
            None => {
                self.record(Kind::Cancelled, Actor::Sender, None, Facts::default());
                self.end(Over::Cancelled);
                Answer::Cancelled
            }
        }
    }

    fn erase(&mut self, by: Actor) -> Answer {
        if self.next.over != Some(Over::Erased) {
            self.record(Kind::Erased, by, None, Facts::default());
            self.end(Over::Erased);
        }
        Answer::Erased
    }

    /// Someone stands before a closed letter. After the person's own no, nothing more is recorded about them.
    fn knock(&mut self, reason: ClosedReason) {
        match reason {
            ClosedReason::Cancelled => self.record_opened(),
            ClosedReason::Expired if self.next.expired_opens.due(self.at) => {
                self.record(Kind::ExpiredOpenAttempt, Actor::Recipient, None, Facts::default());
                self.next.expired_opens.add(self.at);
            }
            _ => {}
        }
    }

    fn record_opened(&mut self) {
        if self.next.opened.due(self.at) {
            self.record(Kind::Opened, Actor::Recipient, None, Facts::default());
            self.next.opened.add(self.at);
        }
        if self.next.state == State::Sealed {
            self.next.state = State::Opened;
        }
    }

    fn closed(&self) -> Option<ClosedReason> {
        match (self.next.over, self.next.state) {
            (Some(over), _) => Some(over_reason(over)),
            (None, State::Refused) => Some(ClosedReason::Refused),
            (None, State::Withdrawn) => Some(ClosedReason::Withdrawn),
            (None, _) => None,
        }
    }

    fn end(&mut self, over: Over) {
        self.next.over = Some(over);
        self.next.consents.clear();
    }

    fn record(&mut self, kind: Kind, actor: Actor, terms: Option<[u8; 32]>, facts: Facts) -> Option<EventId> {
        // There is entropy for the longest decision (`the_longest_commands_record_all_they_mean` in the tests).
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, nonce @ ..] = *self.entropy.0.get(self.events.len())?;
        let id = EventId::v7(self.at, [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9]);
        self.events.push(NewEvent { id, kind, at: self.at, actor, terms, facts, nonce });
        Some(id)
    }
}

const fn over_reason(over: Over) -> ClosedReason {
    match over {
        Over::Cancelled => ClosedReason::Cancelled,
        Over::Expired => ClosedReason::Expired,
        Over::Erased => ClosedReason::Erased,
    }
}
