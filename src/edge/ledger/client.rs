//! The one call from the worker to a letter's ledger.

use serde::{Deserialize, Serialize};
use worker::Env;

use crate::edge::error::Fault;
use crate::edge::object::{Class, Objects};
use crate::ledger::{Actor, Answer, Command, Details, Over, State};
use crate::seal::Manifest;
use crate::types::{Kid, LetterId, UnixMillis};

/// The Durable Objects of this module.
pub(in crate::edge) const CLASS: Class = Class {
    binding: "LEDGER",
    unbound: "binding_ledger",
    stub: "ledger_stub",
    down: "ledger_down",
    failed: "ledger_failed",
    silent: "ledger_silent",
};

/// What the worker asks.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) enum What {
    /// Decide and record.
    Do(Command),
    /// Read everything that is on record.
    Show,
    /// Take on if the bucket has it, and do what is due.
    Keep,
    /// Delete the bucket's objects, then the personal details.
    Erase { by: Actor },
}

/// A question to a ledger.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) struct Ask {
    pub(in crate::edge) letter: LetterId,
    pub(in crate::edge) what: What,
    /// The request behind it.
    pub(in crate::edge) details: Details,
}

/// How it came out. What is answered is on disk.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) enum Outcome {
    /// The command was decided; `changed` says whether anything was recorded.
    Decided { answer: Answer, changed: bool },
    /// All of the ledger, for [`What::Show`].
    Shown(Record),
    /// What is due next, for [`What::Keep`].
    Kept(Kept),
    /// There is no such letter in the bucket.
    Missing,
    /// The object in the bucket is not the letter that was sealed; the code says why.
    Damaged { code: String },
}

/// How a ledger stands after it did what was due.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) struct Kept {
    /// The next deadline; none once erased.
    pub(in crate::edge) due: Option<UnixMillis>,
    pub(in crate::edge) over: Option<Over>,
    /// Nothing is left undone.
    pub(in crate::edge) told: bool,
}

/// An answer of a ledger.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) struct Reply {
    pub(in crate::edge) outcome: Outcome,
    /// The letter itself; absent when missing, damaged or erased.
    pub(in crate::edge) letter: Option<Sealed>,
}

/// A letter as the ledger took it on.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) struct Sealed {
    /// What the sender said of it.
    pub(in crate::edge) manifest: Manifest,
    /// The key that it was sealed with.
    pub(in crate::edge) kid: Kid,
    /// The entity tag of the body, quoted: no other body is ever sent for this letter.
    pub(in crate::edge) body_etag: String,
}

impl Reply {
    /// A reply without a letter.
    pub(in crate::edge) fn bare(outcome: Outcome) -> Self {
        Self { outcome, letter: None }
    }

    /// What the sender said of the letter.
    pub(in crate::edge) fn manifest(&self) -> Option<&Manifest> {
        self.letter.as_ref().map(|letter| &letter.manifest)
    }
}

/// One event as the sender may see it.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) struct EventView {
    pub(in crate::edge) seq: u64,
    pub(in crate::edge) id: String,
    pub(in crate::edge) kind: String,
    /// Milliseconds since the Unix epoch.
    pub(in crate::edge) at: u64,
    pub(in crate::edge) actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::edge) terms: Option<String>,
    pub(in crate::edge) prev: String,
    pub(in crate::edge) hash: String,
    /// Absent when there are none or they were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::edge) details: Option<Details>,
}

/// Whether the stored chain holds.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) struct ChainView {
    pub(in crate::edge) verified: bool,
    /// Hash of the last event, hexadecimal.
    pub(in crate::edge) head: String,
    pub(in crate::edge) length: u64,
    /// The first broken line, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::edge) broken: Option<String>,
}

/// All of a ledger.
#[derive(Serialize, Deserialize)]
pub(in crate::edge) struct Record {
    pub(in crate::edge) letter: LetterId,
    pub(in crate::edge) state: State,
    /// `cancelled`, `expired` or `erased`.
    pub(in crate::edge) over: Option<String>,
    pub(in crate::edge) events: Vec<EventView>,
    pub(in crate::edge) chain: ChainView,
}

/// The ledgers of a site.
pub(in crate::edge) struct LedgerClient(Objects);

impl LedgerClient {
    pub(in crate::edge) fn open(env: &Env) -> Result<Self, Fault> {
        Objects::open(env, &CLASS).map(Self)
    }

    /// Asks the ledger of `ask.letter`. A fault means that nothing is known of the outcome: answer 503.
    pub(in crate::edge) async fn ask(&self, ask: &Ask) -> Result<Reply, Fault> {
        let reply = self.0.ask(&ask.letter.to_string(), serde_json::to_string(ask)?).await?;
        Ok(serde_json::from_str(&reply)?)
    }
}
