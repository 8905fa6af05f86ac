//! The one call from the worker to a letter's ledger.

use serde::{Deserialize, Serialize};
use worker::Env;

use crate::platform::error::Fault;
use crate::platform::object::{self, ObjectClass, ObjectRequest};
use waxseal::evidence::Row;
use waxseal::lang::Lang;
use waxseal::ledger::{
    Actor, Answer, Binding, Command, ConsentId, Details, EndReason, Names, State, TermsHash,
};
use waxseal::seal::{Manifest, Mode};
use waxseal::types::{Kid, LetterId, UnixMillis, UnixSeconds};

/// The Durable Objects of this module.
pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "LEDGER" };

/// What the worker asks.
#[derive(Serialize, Deserialize)]
pub(crate) enum What {
    /// Decide and record.
    Do(Command),
    /// Read everything that is on record.
    Show,
    /// Take the letter on if the bucket has it, do what is due, and what was left undone.
    Keep,
    /// Record that the evidence is handed out, bring every event into the log, and give all of it.
    Export,
    /// The events of a receipt: of this consent, or else of the refusal or withdrawal.
    Receipt {
        /// The consent that the browser's cookie proves.
        consent: Option<ConsentId>,
    },
    /// How the letter stands, for the list of a customer's letters.
    Brief,
    /// Delete the objects in the bucket, then the personal details.
    Erase,
}

/// The terms that an envelope may show.
#[derive(Serialize, Deserialize)]
pub(crate) struct Offer {
    /// The language that the reader switched to, if any.
    pub(crate) lang: Option<String>,
    /// The texts now offered, in the order of [`Lang::ALL`].
    pub(crate) terms: [TermsHash; Lang::COUNT],
}

/// A question to a ledger.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) letter: LetterId,
    pub(crate) what: What,
    /// Who is behind it.
    pub(crate) by: Actor,
    /// The request behind it.
    pub(crate) details: Details,
    /// Where the answer may be the envelope: what it would show, to be recorded as shown.
    pub(crate) offer: Option<Offer>,
}

/// How it came out. What is answered is on disk.
#[derive(Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// The command was decided; `changed` says whether anything was recorded, `no_by` who said no, once somebody has.
    Decided { answer: Answer, changed: bool, no_by: Option<Actor> },
    /// All of the ledger, for [`What::Show`].
    Shown(Record),
    /// The letter is kept, for [`What::Keep`].
    Kept(Kept),
    /// All of the evidence, for [`What::Export`].
    Exported(Exported),
    /// For [`What::Receipt`].
    Receipt(ReceiptFacts),
    /// The stored chain does not hold, so there is no evidence of it: which line is broken, in words.
    Broken { words: String },
    /// There is nothing that a receipt could be of.
    NoReceipt,
    /// For [`What::Brief`].
    Brief(Brief),
    /// There is no such letter in the bucket.
    Missing,
    /// The object in the bucket is not the letter that was sealed; the code says why.
    Damaged { code: String },
}

/// What is to come of a letter.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    /// When the clock does something to it next; nothing once it is erased.
    pub(crate) due: Option<UnixMillis>,
    /// What ended it.
    pub(crate) over: Option<EndReason>,
    /// Whether everybody who has to hear of it has: nothing is left undone.
    pub(crate) told: bool,
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
    pub(crate) over: bool,
}

/// A letter in a few words.
#[derive(Serialize, Deserialize)]
pub(crate) struct Brief {
    pub(crate) state: State,
    pub(crate) over: Option<EndReason>,
    /// Who said no, once somebody has.
    pub(crate) no_by: Option<Actor>,
    pub(crate) subject: String,
    pub(crate) mode: Mode,
    pub(crate) issued_at: UnixSeconds,
    pub(crate) not_after: UnixSeconds,
    /// When the last yes or no was given.
    pub(crate) answered_at: Option<UnixMillis>,
}

/// An answer of a ledger.
#[derive(Serialize, Deserialize)]
pub(crate) struct Reply {
    pub(crate) outcome: Outcome,
    /// The letter itself; absent when missing, damaged or erased.
    pub(crate) letter: Option<Sealed>,
    /// Where the letter was refused or withdrawn: the browser that may still take that back, if any.
    pub(crate) undoable_by: Option<Binding>,
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

impl Reply {
    /// A reply without a letter.
    pub(crate) fn bare(outcome: Outcome) -> Self {
        Self { outcome, letter: None, undoable_by: None }
    }

    /// Who said no, once somebody has.
    pub(crate) fn no_by(&self) -> Option<Actor> {
        match self.outcome {
            Outcome::Decided { no_by, .. } => no_by,
            _ => None,
        }
    }

    /// What the sender said of the letter.
    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.letter.as_ref().map(|letter| &letter.manifest)
    }
}

/// One event as the sender may see it.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventView {
    pub(crate) seq: u64,
    pub(crate) id: String,
    pub(crate) kind: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) at: u64,
    pub(crate) actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) terms: Option<String>,
    /// Of `sealed`: the commitment to the letter's names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) names: Option<String>,
    pub(crate) prev: String,
    pub(crate) hash: String,
    /// The number of its entry in the log; absent until it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<u64>,
    /// Absent when there are none or they were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<Details>,
}

/// Whether the stored chain holds.
#[derive(Serialize, Deserialize)]
pub(crate) struct ChainView {
    pub(crate) verified: bool,
    /// Hash of the last event, hexadecimal.
    pub(crate) head: String,
    pub(crate) length: u64,
    /// The first broken line, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) broken: Option<String>,
}

/// All of a ledger.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) letter: LetterId,
    pub(crate) state: State,
    /// `cancelled`, `expired` or `erased`.
    pub(crate) over: Option<String>,
    pub(crate) events: Vec<EventView>,
    pub(crate) chain: ChainView,
}

impl ObjectRequest for Ask {
    const CLASS: ObjectClass = CLASS;
    const NAME: &str = "Ask";
    type Reply = Reply;
}

/// Asks the ledger of `ask.letter`. A fault means that nothing is known of the outcome: answer 503.
pub(crate) async fn ask(env: &Env, ask: &Ask) -> Result<Reply, Fault> {
    object::call(env, &ask.letter.to_string(), ask).await
}
