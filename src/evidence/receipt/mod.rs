//! The customer's receipt: what was agreed to, when, with whom, and how to take it back; with the events themselves and
//! the proof that they are in the log, signed with the log's key. JSON in the shape of ISO/IEC TS 27560, in terms of the
//! W3C Data Privacy Vocabulary.
//!
//! Everything in a receipt that follows from its events is made again when it is verified, and compared.

mod shape;

use shape::Receipt;

use super::checkpoint::{Opened, open_checkpoint};
use super::key::LogKey;
use super::leaf::Leaf;
use super::merkle::verify_inclusion;
use super::note::SignatureLine;
use super::proof::TlogProof;
use super::report::{Line, LogSeen, Report, Trust, VerifyError};
use crate::ledger::{Event, Kind, Names, StoredEvent};
use crate::types::{LetterId, UnixMillis};

/// The longest receipt that is read, in bytes.
pub const MAX_RECEIPT_BYTES: usize = 1 << 20;

/// The letter's first event, consent or refusal, and a withdrawal.
const MAX_EVENTS: usize = 3;

/// Who the sender is, for a receipt: what the sender says about itself, which nothing proves but its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Name of the business.
    pub name: String,
    /// How to reach it: addresses of web, mail, telephone, post.
    pub contact: Vec<String>,
    /// Where its privacy notice is.
    pub privacy_url: Option<String>,
    /// Whose law, such as `loc:BE`. ISO/IEC TS 27560 wants one.
    pub jurisdiction: Option<String>,
    /// Where personal data is kept, such as `loc:EU`. ISO/IEC TS 27560 wants one.
    pub storage_location: Option<String>,
}

/// What a receipt is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The letter.
    pub letter: LetterId,
    /// What the letter is called. Then the first of the events is the letter's own, which commits to it.
    pub names: Option<Names>,
    /// When the receipt is made.
    pub created_at: UnixMillis,
    /// The language that the terms were shown in: `en`, `nl`, `fr`, `de`.
    pub language: String,
    /// Who sent the letter.
    pub sender: Sender,
    /// How long details are kept after the letter's end, in days.
    pub retention_days: u16,
    /// Where consent can be withdrawn: a page or an address, not the link itself.
    pub withdraw_at: String,
    /// The consent or the refusal; behind a consent its withdrawal, if there was one.
    pub events: Vec<StoredEvent>,
    /// A proof for each of the events (C2SP tlog-proof).
    pub proofs: Vec<String>,
}

/// Why no receipt can be made of these facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "receipt_")]
pub enum ReceiptError {
    /// The events are not a consent, a consent and its withdrawal, or a refusal.
    #[error("a receipt is for a consent, a consent and its withdrawal, or a refusal")]
    Events,
    /// There is not one proof for each event.
    #[error("every event of a receipt needs its proof")]
    Proofs,
}

codes!(ReceiptError);

/// The receipt of these facts, as JSON, signed with the log's key.
pub fn issue(facts: &Facts, key: &LogKey) -> Result<String, ReceiptError> {
    let mut receipt = unsigned(facts)?;
    let line = key.sign(&signed_text(&receipt)).to_string();
    receipt.signature = line.trim_end().to_owned();
    Ok(receipt.json())
}

fn unsigned(facts: &Facts) -> Result<Receipt, ReceiptError> {
    let events = events_of(facts).ok_or(ReceiptError::Events)?;
    let given = events.iter().find(|event| event.kind != Kind::Sealed).ok_or(ReceiptError::Events)?;
    if facts.proofs.len() != events.len() {
        return Err(ReceiptError::Proofs);
    }
    Ok(Receipt::of(facts, given, &events))
}

/// What the key signs. No checkpoint has a second line that begins with a brace.
fn signed_text(unsigned: &Receipt) -> String {
    format!("waxseal/v1/receipt\n{}", unsigned.json())
}

fn events_of(facts: &Facts) -> Option<Vec<Event>> {
    let within = (1..=MAX_EVENTS).contains(&facts.events.len());
    let events: Vec<Event> =
        facts.events.iter().filter(|_| within).map(Event::try_from).collect::<Result<_, _>>().ok()?;
    let answers = match (&facts.names, events.as_slice()) {
        (None, answers) => answers,
        (Some(names), [sealed, answers @ ..])
            if sealed.kind == Kind::Sealed && sealed.terms == Some(names.commitment(facts.letter)) =>
        {
            answers
        }
        (Some(_), _) => return None,
    };
    match answers {
        [only] if matches!(only.kind, Kind::ConsentGiven | Kind::ConsentRefused) => Some(events),
        [given, taken] if given.kind == Kind::ConsentGiven && taken.kind == Kind::ConsentWithdrawn => {
            (given.seq < taken.seq && given.at <= taken.at).then_some(events)
        }
        _ => None,
    }
}

/// The places of the answers that have a receipt: each consent, with the withdrawal that stands behind it, and the refusal that
/// stands. A no that was undone has none.
pub fn answers(events: &[StoredEvent]) -> Vec<(usize, Option<usize>)> {
    let last = |kind: Kind| events.iter().rposition(|event| event.kind == kind.as_str());
    let standing = |no, undone| last(no).filter(|no| last(undone) < Some(*no));
    let taken = standing(Kind::ConsentWithdrawn, Kind::WithdrawalRevoked);
    let refused = standing(Kind::ConsentRefused, Kind::RefusalRevoked);
    let given = |at: usize, event: &StoredEvent| {
        (event.kind == Kind::ConsentGiven.as_str()).then(|| (at, taken.filter(|taken| *taken > at)))
    };
    let answer = |(at, event)| given(at, event).or((refused == Some(at)).then_some((at, None)));
    events.iter().enumerate().filter_map(answer).collect()
}

/// An event that a receipt proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proved {
    pub(super) event: StoredEvent,
    pub(super) entry: u64,
    pub(super) log: Opened,
}

/// A receipt that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) letter: LetterId,
    /// Whether it names the letter.
    pub(super) named: bool,
    pub(super) events: Vec<Proved>,
}

/// Verifies a receipt on its own, without any network.
///
/// ```
/// use waxseal::evidence::{checkpoint::Checkpoint, key::LogKey, leaf::Leaf, proof::TlogProof, tile::Growth};
/// use waxseal::evidence::{receipt::{Facts, Sender, issue, verify}, report::Trust};
/// use waxseal::ledger::{Actor, EventId, Facts as EventFacts, Head, Kind, NewEvent, chain::append};
/// use waxseal::token::Keyring;
/// use waxseal::types::{LetterId, UnixMillis};
///
/// let (letter, at) = (LetterId([1; 16]), UnixMillis(1_770_000_000_000));
/// let (kind, id, nonce) = (Kind::ConsentRefused, EventId::v7(at, [2; 10]), [3; 12]);
/// let refused =
///     NewEvent { id, kind, at, actor: Actor::Recipient, terms: Some([4; 32]), facts: EventFacts::default(), nonce };
/// let event = append(letter, &Head::GENESIS, &refused, None)?;
///
/// // A log with this event alone.
/// let key = LogKey::derive(Keyring::new([7; 32]).active(), "letters.example/log")?;
/// let mut log = Growth::new();
/// let index = log.append(&Leaf::of(letter, &event).to_bytes())?;
/// let checkpoint = Checkpoint::new("letters.example/log", log.size(), log.root()).sign(&[&key])?;
/// let proof = TlogProof { extra: None, index, hashes: vec![], checkpoint };
///
/// let facts = Facts {
///     letter,
///     names: None,
///     created_at: at,
///     language: "en".into(),
///     sender: Sender {
///         name: "Garage Example".into(),
///         contact: vec!["mailto:hello@garage.example".into()],
///         privacy_url: None,
///         jurisdiction: None,
///         storage_location: None,
///     },
///     retention_days: 366,
///     withdraw_at: "https://garage.example/privacy".into(),
///     events: vec![(&event).into()],
///     proofs: vec![proof.to_string()],
/// };
/// let receipt = issue(&facts, &key)?;
/// let trust = Trust::log(key.verifier().clone());
/// assert!(verify(receipt.as_bytes(), &trust).holds);
/// assert!(!verify(receipt.replace("Garage", "Garbage").as_bytes(), &trust).holds);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(receipt: &[u8], trust: &Trust) -> Report {
    let mut report = Report::new();
    let outcome = check("receipt", receipt, trust).and_then(|claims| {
        report.letter = Some(claims.letter.to_string());
        for proved in &claims.events {
            enough_witnesses("receipt", &proved.log, trust)?;
            report.log = Some(LogSeen::of(&proved.log));
            report.events.push(Line::of(&proved.event, proved.entry));
        }
        let events = count(report.events.len(), "event is what was", "events are what was");
        report.checked.push(format!("{events} recorded, and in the log."));
        if claims.named {
            report.checked.push("The letter is called what its first event commits to.".into());
        } else {
            report
                .not_checked
                .push("What the letter is called: the receipt does not say, as after an erasure.".into());
        }
        report.checked.push("The receipt says what its events say: which terms, when, and what.".into());
        report
            .not_checked
            .push("Who the sender is and how to reach it: that is what the sender says.".into());
        report.not_checked.push("What happened to the letter besides, and since.".into());
        Ok(())
    });
    report.ended(outcome)
}

/// Verifies a receipt but for the number of witnesses. `file` is its name in faults.
pub(super) fn check(file: &str, receipt: &[u8], trust: &Trust) -> Result<Claims, VerifyError> {
    let malformed = |words: &str| VerifyError::new(file, "receipt_malformed", words);
    if receipt.len() > MAX_RECEIPT_BYTES {
        return Err(malformed("it is too long for a receipt"));
    }
    let read: Receipt = serde_json::from_slice(receipt).map_err(|error| {
        VerifyError::at(
            file,
            u64::try_from(error.line()).unwrap_or(0),
            "receipt_malformed",
            "this is not a receipt's JSON",
        )
    })?;
    let facts = read.facts().ok_or_else(|| malformed("a part of the receipt is missing or malformed"))?;
    let mut made = unsigned(&facts).map_err(|error| VerifyError::new(file, error.code(), error))?;
    let text = signed_text(&made);
    made.signature.clone_from(&read.signature);
    if let Some(line) = first_difference(made.json().as_bytes(), receipt) {
        let words = "the receipt says something else than its events";
        return Err(VerifyError::at(file, line, "receipt_differs", words));
    }
    let line =
        SignatureLine::parse(&read.signature).ok_or_else(|| malformed("the signature is malformed"))?;
    let key = &trust.log;
    if line.name() != key.name() || line.id() != key.id() {
        return Err(VerifyError::new(
            file,
            "signature_missing",
            "the receipt is not signed with the log's key",
        ));
    }
    if key.verify(&text, line.signature()).is_none() {
        let words = "the receipt is not as it was signed";
        return Err(VerifyError::new(file, "signature_false", words));
    }
    let events = facts.events.iter().zip(&facts.proofs);
    let events = events.map(|(event, proof)| proved(file, facts.letter, event, proof, trust));
    let named = facts.names.is_some();
    Ok(Claims { letter: facts.letter, named, events: events.collect::<Result<_, _>>()? })
}

fn proved(
    file: &str,
    letter: LetterId,
    event: &StoredEvent,
    proof: &str,
    trust: &Trust,
) -> Result<Proved, VerifyError> {
    let seq = event.seq;
    let altered = || VerifyError::new(file, "altered", format_args!("event {seq} is not what was recorded"));
    let read = Event::try_from(event).map_err(|_| altered())?;
    if event.hash != event.computed_hash(letter) {
        return Err(altered());
    }
    let proof: TlogProof = proof.parse().map_err(|error| {
        VerifyError::new(file, "proof_malformed", format_args!("proof of event {seq}: {error}"))
    })?;
    let log = open_checkpoint(&proof.checkpoint, &trust.log, &trust.witnesses).map_err(|error| {
        VerifyError::new(file, error.code(), format_args!("checkpoint of event {seq}: {error}"))
    })?;
    included(&proof, &log, &Leaf::of(letter, &read))
        .map_err(|(code, words)| VerifyError::new(file, code, format_args!("event {seq}: {words}")))?;
    Ok(Proved { event: event.clone(), entry: proof.index, log })
}

/// Whether the entry is in the log that was opened.
pub(super) fn included(proof: &TlogProof, log: &Opened, leaf: &Leaf) -> Result<(), (&'static str, String)> {
    let (size, root) = (log.checkpoint.size, &log.checkpoint.root);
    verify_inclusion(proof.index, size, &leaf.tree_hash(), &proof.hashes, root).map_err(|error| {
        (error.code(), format!("it is not shown to be entry {} of the log: {error}", proof.index))
    })
}

pub(super) fn enough_witnesses(file: &str, log: &Opened, trust: &Trust) -> Result<(), VerifyError> {
    let (got, wanted) = (log.cosigned.len(), trust.quorum);
    if got >= wanted {
        return Ok(());
    }
    let words = format_args!("{got} of the known witnesses saw this checkpoint, and {wanted} are called for");
    Err(VerifyError::new(file, "witnesses_missing", words))
}

/// The first line in which two texts differ, counted from 1.
pub(super) fn first_difference(made: &[u8], found: &[u8]) -> Option<u64> {
    if made == found {
        return None;
    }
    let lines = |bytes: &'_ [u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (made, found) = (lines(made), lines(found));
    let same = made.iter().zip(&found).take_while(|(made, found)| made == found).count();
    u64::try_from(same).ok()?.checked_add(1)
}

pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}
