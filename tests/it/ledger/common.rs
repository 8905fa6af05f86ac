//! A ledger in memory: what the shell does with rows, without the storage.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use waxseal::ledger::{
    Actor, Answer, Command, ConsentId, Decision, Details, Entropy, Event, FormId, LetterKey, Snapshot,
    StoredEvent, TermsHash, decide,
};
use waxseal::token::Keyring;
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

pub(crate) const LETTER: LetterId = LetterId([7; 16]);
pub(crate) const TERMS: [u8; 32] = [0x7e; 32];
pub(crate) const START: UnixMillis = UnixMillis(1_700_000_000_000);
pub(crate) const NOT_AFTER: UnixSeconds = UnixSeconds(1_700_000_000 + 30 * 86_400);
pub(crate) const END: UnixMillis = NOT_AFTER.millis();
pub(crate) const ENDS_SOON: UnixSeconds = UnixSeconds(NOT_AFTER.0 - 3 * 86_400);
/// Pins the terms that [`consent`] agrees to.
pub(crate) const SEAL: Command = Command::Seal {
    not_after: NOT_AFTER,
    retention_days: 366,
    names: [5; 32],
    terms: Some(TermsHash(TERMS)),
    ends_soon: Some(ENDS_SOON),
};

pub(crate) fn keyring() -> Keyring {
    // Key 7 is active; key 6 is retired a day after START.
    let secret = |byte: u8| data_encoding::BASE64.encode(&[byte; 32]);
    let json = format!(
        r#"{{"active":7,"keys":[{{"id":7,"secret":"{}"}},{{"id":6,"secret":"{}","not_after":{}}}]}}"#,
        secret(7),
        secret(6),
        START.seconds().0 + 86_400,
    );
    Keyring::from_json(&json).unwrap()
}

pub(crate) fn form(n: u64) -> FormId {
    FormId(n.to_be_bytes())
}

pub(crate) fn consent(n: u64) -> Command {
    Command::Consent { terms: TERMS, form: form(n), browser: None }
}

pub(crate) struct Book {
    pub(crate) snapshot: Snapshot,
    pub(crate) events: Vec<Event>,
    pub(crate) key: Option<LetterKey>,
    pub(crate) details: Details,
    dice: u64,
}

impl Book {
    pub(crate) fn empty() -> Self {
        Self {
            snapshot: Snapshot::new(LETTER),
            events: Vec::new(),
            key: Some(LetterKey::new(&mut [9; 32])),
            details: Details { ip: Some("203.0.113.9".into()), ..Details::default() },
            dice: 0,
        }
    }

    pub(crate) fn sealed() -> Self {
        let mut book = Self::empty();
        assert_eq!(book.run(SEAL, START), Answer::Sealed);
        book
    }

    /// Different random bytes every time, the same in every run.
    pub(crate) fn entropy(&mut self) -> Entropy {
        let mut bytes = [0; Entropy::BYTES];
        for chunk in bytes.chunks_mut(8) {
            self.dice += 1;
            let word = self.dice.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        Entropy::from_bytes(bytes)
    }

    pub(crate) fn decide(&mut self, command: Command, now: UnixMillis) -> Decision {
        self.decide_by(Actor::Recipient, command, now)
    }

    pub(crate) fn decide_by(&mut self, by: Actor, command: Command, now: UnixMillis) -> Decision {
        let entropy = self.entropy();
        decide(&self.snapshot, &command, by, now, &entropy)
    }

    /// Decides, chains and stores, through the same JSON that the shell keeps the snapshot in.
    pub(crate) fn run(&mut self, command: Command, now: UnixMillis) -> Answer {
        self.run_by(Actor::Recipient, command, now)
    }

    pub(crate) fn run_by(&mut self, by: Actor, command: Command, now: UnixMillis) -> Answer {
        let decision = self.decide_by(by, command, now);
        let finished = decision.finish(&self.details, self.key.as_ref()).unwrap();
        self.snapshot = finished.snapshot;
        if !finished.events.is_empty() {
            let row = serde_json::to_string(&self.snapshot).unwrap();
            let read: Snapshot = serde_json::from_str(&row).unwrap();
            assert_eq!(read, self.snapshot);
        }
        self.events.extend(finished.events);
        if finished.answer == Answer::Erased {
            self.key = None;
        }
        finished.answer
    }

    pub(crate) fn rows(&self) -> Vec<StoredEvent> {
        self.events.iter().map(StoredEvent::from).collect()
    }

    /// What is known of an event of ours, opened.
    pub(crate) fn details(&self, event: &Event) -> Details {
        self.key.as_ref().unwrap().open(LETTER, event).unwrap().unwrap()
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.events.iter().map(|event| event.kind.as_str()).collect()
    }
}

pub(crate) fn consented(answer: Answer) -> ConsentId {
    match answer {
        Answer::Consented(id) => id,
        other => panic!("{other:?}"),
    }
}
