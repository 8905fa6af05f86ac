//! What is asked of a letter's ledger, and what it replies. What is replied is on disk.

use serde::{Deserialize, Serialize};
use worker::Env;

use crate::platform::error::Fault;
use crate::platform::object::{self, ObjectClass, ObjectRequest, requests};
use waxseal::api::{Code, LetterRecord};
use waxseal::evidence::Row;
use waxseal::lang::Lang;
use waxseal::ledger::{
    Actor, Answer, Binding, Command, ConsentId, Details, EndReason, Names, State, TermsHash,
};
use waxseal::seal::Manifest;
use waxseal::types::{Kid, LetterId, UnixMillis, UnixSeconds};

/// The Durable Objects of this module.
pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "LEDGER" };

/// A request to the ledger of one letter.
pub(crate) trait LedgerRequest: ObjectRequest {
    fn letter(&self) -> LetterId;
}

/// Asks the ledger of the letter that the request names. A fault means that nothing is known of the outcome: answer 503.
pub(crate) async fn call<R: LedgerRequest>(env: &Env, request: &R) -> Result<R::Reply, Fault> {
    object::call(env, &request.letter().to_string(), request).await
}

requests! { CLASS;
    /// Decide the command and record what was decided.
    Decide {
        letter: LetterId,
        command: Command,
        /// Who is behind it.
        by: Actor,
        /// The request behind it.
        details: Details,
        /// Where the answer may be the envelope: what it would show, to be recorded as shown.
        offer: Option<Offer>,
    } -> Result<Decided, NoLetter>;
    /// Read everything that is on record.
    ShowRecord { letter: LetterId } -> Result<LetterRecord, NoLetter>;
    /// Take the letter on if the bucket has it, do what is due, and deliver what others have not heard yet.
    Reconcile {
        letter: LetterId,
        /// Tell the index everything once more.
        retell: bool,
    } -> Result<Reconciled, NoLetter>;
    /// Record that the evidence is handed out, bring every event into the log, and give all of it.
    ExportEvidence { letter: LetterId } -> Result<Result<Exported, BrokenChain>, NoLetter>;
    /// The events of the receipt of the consent that the browser's cookie proves, or else of the refusal or withdrawal. Nothing
    /// where there is nothing that a receipt could be of.
    GetReceipt { letter: LetterId, consent: Option<ConsentId> } -> Result<Option<ReceiptFacts>, NoLetter>;
    /// How the letter stands. An erased one is missing.
    Summarise { letter: LetterId } -> Result<Summary, NoLetter>;
    /// Delete the objects in the bucket, then the personal details.
    EraseLetter { letter: LetterId, by: Actor } -> Result<Erased, NoLetter>;
}

macro_rules! to_the_ledger {
    ($($request:ident),+) => {$(
        impl LedgerRequest for $request {
            fn letter(&self) -> LetterId {
                self.letter
            }
        }
    )+};
}
to_the_ledger!(Decide, ShowRecord, Reconcile, ExportEvidence, GetReceipt, Summarise, EraseLetter);

/// Why a ledger has nothing to say of a letter.
#[derive(Serialize, Deserialize)]
pub(crate) enum NoLetter {
    /// There is no such letter in the bucket.
    Missing,
    /// The object in the bucket is not the letter that was sealed; the code says why.
    Damaged { code: Code },
}

/// The terms that an envelope may show.
#[derive(Serialize, Deserialize)]
pub(crate) struct Offer {
    /// The language that the reader switched to, if any.
    pub(crate) lang: Option<String>,
    /// The texts now offered, in the order of [`Lang::ALL`].
    pub(crate) terms: [TermsHash; Lang::COUNT],
}

/// What a command came to.
#[derive(Serialize, Deserialize)]
pub(crate) struct Decided {
    pub(crate) answer: Answer,
    /// Whether anything was recorded.
    pub(crate) changed: bool,
    /// Who said no, once somebody has.
    pub(crate) declined_by: Option<Actor>,
    /// The letter itself; nothing once it is erased.
    pub(crate) letter: Option<Sealed>,
    /// Where the letter was refused or withdrawn: the browser that may still take that back, if any.
    pub(crate) undoable_by: Option<Binding>,
}

impl Decided {
    /// What the sender said of the letter.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.letter.as_ref().map(|letter| &letter.manifest)
    }
}

/// A letter as the ledger took it on.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// What the sender said of it.
    pub(crate) manifest: Manifest,
    /// The key that it was sealed with.
    pub(crate) kid: Kid,
    /// The entity tag of the body, quoted: no other body is ever sent for this letter.
    pub(crate) body_etag: String,
}

/// What is to come of a letter.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reconciled {
    /// When the clock does something to it next; nothing once it is erased.
    pub(crate) due: Option<UnixMillis>,
    /// What ended it.
    pub(crate) end_reason: Option<EndReason>,
    /// Whether everybody who has to hear of it has: the outbox is empty.
    pub(crate) reported: bool,
}

/// The letter is erased.
#[derive(Serialize, Deserialize)]
pub(crate) struct Erased {
    /// Whether it was not before.
    pub(crate) changed: bool,
}

/// The stored chain does not hold, so there is no evidence of it.
#[derive(Serialize, Deserialize)]
pub(crate) struct BrokenChain {
    /// Which line is broken, in words.
    pub(crate) words: String,
}

/// An event that is in the log.
#[derive(Serialize, Deserialize)]
pub(crate) struct Logged {
    pub(crate) row: Row,
    /// The number of its entry.
    pub(crate) entry: u64,
}

/// All of a ledger, every event of it in the log.
#[derive(Serialize, Deserialize)]
pub(crate) struct Exported {
    pub(crate) events: Vec<Logged>,
    /// What the letter is called; nothing once that is erased.
    pub(crate) names: Option<Names>,
    /// The key of the details, hexadecimal; nothing once it is destroyed.
    pub(crate) key: Option<String>,
    pub(crate) retention_days: u16,
}

/// What a receipt is made of.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReceiptFacts {
    /// The consent, behind it its withdrawal; or the refusal.
    pub(crate) events: Vec<Logged>,
    /// The event that commits to what the letter is called, and that; nothing once it is erased.
    pub(crate) named: Option<(Logged, Names)>,
    /// The language that the terms were shown in.
    pub(crate) language: Option<String>,
    pub(crate) retention_days: u16,
    /// Whether the letter has ended, so that nobody can go back to it.
    pub(crate) ended: bool,
    /// What the sender said of the letter; nothing once it is erased.
    pub(crate) manifest: Option<Manifest>,
}

/// How a letter stands.
#[derive(Serialize, Deserialize)]
pub(crate) struct Summary {
    /// What the sender said of it.
    pub(crate) manifest: Manifest,
    pub(crate) state: State,
    pub(crate) end_reason: Option<EndReason>,
    /// Who said no, once somebody has.
    pub(crate) declined_by: Option<Actor>,
    pub(crate) not_after: UnixSeconds,
}
