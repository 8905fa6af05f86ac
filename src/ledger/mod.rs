//! The ledger: what happened to one letter, in order, so that nobody can alter it later unnoticed.
//!
//! It promises that
//! - [`decide()`] is pure and total: the same facts, command, time and random bytes give the same answer, and no
//!   input makes it panic;
//! - after a refusal, a withdrawal, a cancellation or the expiry there is never another consent, unless the very browser that
//!   refused or withdrew takes that back within ten minutes; and the letter is only handed out against a consent that is on
//!   record and still stands;
//! - a consent is to the terms that the letter pins, or else to terms that were shown;
//! - repeating a command that already holds records nothing and says so;
//! - a letter's record never grows past [`MAX_LEDGER_EVENTS`], whoever knocks and however often;
//! - every event is chained to the one before it ([`chain`]), and verification names the first broken line;
//! - personal details are sealed under a key of that letter alone ([`privacy`]). Erasing destroys the key, and
//!   the chain still verifies.
//!
//! The shell keeps a [`Snapshot`] as one row and the [`Event`]s as a table. It calls [`decide()`], then
//! [`Decision::finish`], and writes what comes back in one transaction. `docs/LEDGER.md` has the data model.

pub mod chain;
pub mod consent;
pub mod cookie;
mod decide;
mod declines;
mod ends;
mod events;
pub mod grant;
mod names;
pub mod privacy;
mod state;
pub mod sweep;
mod transition;

pub use chain::{ChainError, Head, StoredEvent, verify_chain, verify_chain_exact, verify_chain_from};
pub use consent::{Binding, Form, FormError, FormId, FormPurpose, FormText, check_form, mint_form};
pub use decide::{
    Answer, ClosedReason, Command, Decision, Entropy, FinishError, Finished, MAX_EVENTS_PER_COMMAND, decide,
};
pub(crate) use events::words;
pub use events::{Actor, ConsentId, Event, EventId, Facts, Kind, NewEvent, UnknownWord};
pub use names::Names;
pub use privacy::{Details, LetterKey, PrivacyError, WrappedKey};
pub use state::{
    ChallengeState, Deadline, Declined, EndReason, FailedChallenge, LiveConsent, MAX_CONSENTS, MAX_DOUBTED,
    MAX_EXPORTS, MAX_LEDGER_EVENTS, MAX_MESSAGES, MAX_NOTICED, MAX_NOTICES, MAX_PINS_FAILED,
    MAX_PROGRAM_CONSENTS, MAX_REISSUES, MAX_REPEATS, MAX_SUSPECTED, MAX_UNDONE, MAX_WRONG,
    PROGRAM_CONSENTS_PER_HOUR, ProgramConsents, REPEAT_MILLIS, Snapshot, State, Tally, TermsHash,
    UNDO_MILLIS, WRONG_MILLIS,
};
