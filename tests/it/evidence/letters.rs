//! A site with one letter whose evidence is asked for, and with others beside it.

use ed25519_dalek::{Signer, SigningKey};
use waxseal::evidence::bundle::{Files, Inclusion, Parts, assemble};
use waxseal::evidence::checkpoint::Checkpoint;
use waxseal::evidence::key::{Algorithm, LogKey, VerifierKey};
use waxseal::evidence::leaf::Leaf;
use waxseal::evidence::note::Note;
use waxseal::evidence::proof::TlogProof;
use waxseal::evidence::receipt::{Facts, Sender, issue};
use waxseal::evidence::report::Trust;
use waxseal::evidence::tile::ProofPlan;
use waxseal::evidence::witness::cosigned_message;
use waxseal::ledger::chain::append;
use waxseal::ledger::{
    Actor, Details, Event, EventId, Facts as Said, Head, Kind, LetterKey, Names, NewEvent, StoredEvent,
};
use waxseal::token::SiteKey;
use waxseal::types::{Kid, LetterId, UnixMillis, UnixSeconds};

use super::common::Log;

pub(crate) const LETTER: LetterId = LetterId([7; 16]);
pub(crate) const ORIGIN: &str = "letters.example/log";
pub(crate) const START: u64 = 1_700_000_000_000;
const TERMS_TEXT: &[u8] = b"We note when you open this letter.\n";

pub(crate) fn terms() -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(TERMS_TEXT).into()
}

/// The log's key; `secret` 1 is the site's own.
pub(crate) fn log_key(secret: u8) -> LogKey {
    LogKey::derive(&SiteKey::new(Kid(7), [secret; 32], None), ORIGIN).unwrap()
}

pub(crate) fn trust() -> Trust {
    Trust::log(log_key(1).verifier().clone())
}

/// What the letter is called.
pub(crate) fn names() -> Names {
    Names {
        subject: "Your inspection".into(),
        reference: Some("R-2026/17".into()),
        file_name: "inspection.pdf".into(),
        sha256: [0xab; 32],
        salt: [0x5a; 32],
    }
}

pub(crate) fn letter_key() -> LetterKey {
    LetterKey::new(&mut [9; 32])
}

/// A chain with these kinds of events, a second apart, with details where there are any.
pub(crate) fn chain(kinds: &[Kind]) -> Vec<Event> {
    let usual = |kind: &Kind| match kind {
        Kind::Sealed | Kind::Cancelled | Kind::EvidenceExported => Actor::Sender,
        Kind::Expired | Kind::Ignored | Kind::Erased => Actor::System,
        Kind::Fetched => Actor::Robot,
        _ => Actor::Recipient,
    };
    chain_by(&kinds.iter().map(|kind| (*kind, usual(kind))).collect::<Vec<_>>())
}

/// The same, each by whom it says.
pub(crate) fn chain_by(kinds: &[(Kind, Actor)]) -> Vec<Event> {
    let mut head = Head::GENESIS;
    let mut events = Vec::new();
    for (n, (kind, actor)) in (1u64..).zip(kinds.iter().copied()) {
        let at = UnixMillis(START + n * 1_000);
        let byte = n as u8;
        let about_terms = matches!(kind, Kind::ConsentGiven | Kind::NoticeShown | Kind::ConsentRefused);
        let new = NewEvent {
            id: EventId::v7(at, [byte; 10]),
            kind,
            at,
            actor,
            terms: if kind == Kind::Sealed {
                Some(names().commitment(LETTER))
            } else {
                about_terms.then(terms)
            },
            facts: Said { ..Said::default() },
            nonce: [byte; 12],
        };
        let details = Details {
            ip: Some("203.0.113.9".into()),
            user_agent: Some("Mozilla/5.0\u{202e} (X11)\nfake line".into()),
            asn: Some(64_500),
            ..Details::default()
        };
        let key = letter_key();
        let details = (actor != Actor::System).then_some((&key, &details));
        let event = append(LETTER, &head, &new, details).unwrap();
        head = Head { seq: event.seq, hash: event.hash, at: event.at };
        events.push(event);
    }
    events
}

pub(crate) fn rows(events: &[Event]) -> Vec<StoredEvent> {
    events.iter().map(StoredEvent::from).collect()
}

/// The usual letter: consent, and later its withdrawal.
pub(crate) fn usual() -> Vec<Event> {
    chain(&[Kind::Sealed, Kind::Opened, Kind::ConsentGiven, Kind::ReportStreamed, Kind::ConsentWithdrawn])
}

/// A log that holds the events, each behind `between` entries of other letters.
pub(crate) struct Site {
    pub(crate) log: Log,
    pub(crate) events: Vec<Event>,
    pub(crate) entries: Vec<u64>,
    pub(crate) note: Note,
}

impl Site {
    pub(crate) fn with(events: Vec<Event>, between: u64) -> Self {
        let mut log = Log::default();
        let mut entries = Vec::new();
        for (n, event) in (0..).zip(&events) {
            log.grow((0..between).map(|i| stranger(n * between + i)));
            entries.push(log.growth.size());
            log.grow([Leaf::of(LETTER, event).to_bytes().to_vec()]);
        }
        log.grow([stranger(1_000_000)]);
        let note = signed(&log, &log_key(1));
        Self { log, events, entries, note }
    }

    pub(crate) fn usual() -> Self {
        Self::with(usual(), 100)
    }

    pub(crate) fn inclusion(&self, entry: u64) -> Inclusion {
        let plan = ProofPlan::inclusion(entry, self.log.growth.size()).unwrap();
        Inclusion { entry, hashes: plan.build(&self.log.read(plan.tiles())).unwrap() }
    }

    pub(crate) fn proof(&self, entry: u64) -> String {
        let Inclusion { entry: index, hashes } = self.inclusion(entry);
        TlogProof { extra: None, index, hashes, checkpoint: self.note.clone() }.to_string()
    }

    pub(crate) fn facts(&self, events: &[usize]) -> Facts {
        Facts {
            letter: LETTER,
            names: None,
            created_at: UnixMillis(START + 100_000),
            language: "nl".into(),
            sender: Sender {
                name: "Fietsen & Zonen".into(),
                contact: vec!["mailto:hallo@fietsen.example".into(), "https://fietsen.example".into()],
                privacy_url: Some("https://fietsen.example/privacy".into()),
                jurisdiction: Some("loc:BE".into()),
                storage_location: Some("loc:EU".into()),
            },
            retention_days: 366,
            withdraw_at: "https://fietsen.example/privacy".into(),
            events: events.iter().map(|at| StoredEvent::from(&self.events[*at])).collect(),
            proofs: events.iter().map(|at| self.proof(self.entries[*at])).collect(),
        }
    }

    /// The facts of a receipt that names the letter.
    pub(crate) fn named(&self, events: &[usize]) -> Facts {
        Facts { names: Some(names()), ..self.facts(&[&[0], events].concat()) }
    }

    pub(crate) fn receipt(&self, events: &[usize]) -> String {
        issue(&self.facts(events), &log_key(1)).unwrap()
    }

    pub(crate) fn bundle(&self, key: Option<&LetterKey>) -> Files {
        let inclusions: Vec<_> = self.entries.iter().map(|entry| self.inclusion(*entry)).collect();
        let mut receipts = Vec::new();
        let erased = self.events.iter().any(|event| event.kind == Kind::Erased);
        let names = names();
        let at = |kind| self.events.iter().position(|event| event.kind == kind);
        if let Some(given) = at(Kind::ConsentGiven).or_else(|| at(Kind::ConsentRefused)) {
            let events: Vec<usize> =
                [Some(given), at(Kind::ConsentWithdrawn)].into_iter().flatten().collect();
            let facts = if erased { self.facts(&events) } else { self.named(&events) };
            receipts.push((self.events[given].id.to_string(), issue(&facts, &log_key(1)).unwrap()));
        }
        assemble(&Parts {
            letter: LETTER,
            origin: ORIGIN,
            events: &rows(&self.events),
            inclusions: &inclusions,
            checkpoint: &self.note,
            key,
            names: (!erased).then_some(&names),
            terms: &[b"other terms".to_vec(), TERMS_TEXT.to_vec()],
            receipts: &receipts,
            exported_at: UnixMillis(START + 200_000),
        })
        .unwrap()
    }
}

pub(crate) fn signed(log: &Log, key: &LogKey) -> Note {
    Checkpoint::new(ORIGIN, log.growth.size(), log.growth.root()).sign(&[key]).unwrap()
}

/// An entry of another letter.
pub(crate) fn stranger(n: u64) -> Vec<u8> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    Leaf { slot: bytes, event: [0xee; 32] }.to_bytes().to_vec()
}

/// A witness in memory.
pub(crate) struct Witness(SigningKey, pub(crate) VerifierKey);

impl Witness {
    pub(crate) fn new(name: &str, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        let public = key.verifying_key().to_bytes();
        Self(key, VerifierKey::new(name, Algorithm::CosignatureV1, &public).unwrap())
    }

    pub(crate) fn line(&self, note: &Note, at: u64) -> String {
        let message = cosigned_message(UnixSeconds(at), note.text());
        let signature = self.0.sign(message.as_bytes()).to_bytes();
        let bytes = [&self.1.id()[..], &at.to_be_bytes(), &signature].concat();
        format!("\u{2014} {} {}\n", self.1.name(), data_encoding::BASE64.encode(&bytes))
    }
}

/// The note with these lines behind it.
pub(crate) fn with(note: &Note, lines: &[String]) -> Note {
    Note::parse(format!("{note}{}", lines.concat()).as_bytes()).unwrap()
}
