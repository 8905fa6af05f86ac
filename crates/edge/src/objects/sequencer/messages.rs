//! What is said to the sequencer, and what it answers.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::platform::error::Fault;
use crate::platform::object::{ObjectClass, requests};
use waxseal::evidence::leaf::Leaf;
use waxseal::evidence::merkle::TreeHash;

/// The most entries that are taken or proved at once; more than a ledger ever has.
pub(crate) const MOST_LEAVES: usize = 4_096;

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "SEQUENCER" };
/// The one object of this class.
pub(crate) const NAME: &str = "log";

requests! { CLASS;
    /// Take these entries, each in hexadecimal, and reply with their numbers.
    AddEntries { leaves: Vec<String> } -> Vec<u64>;
    /// Prove that these entries are in the log.
    ProveEntries { entries: Vec<u64> } -> Proved;
    /// How the log stands, as `GET /api/v1/log` shows it.
    LogStatus {} -> Value;
}

/// Proofs as they travel: hashes in base64.
#[derive(Serialize, Deserialize)]
pub(crate) struct Proved {
    checkpoint: String,
    proofs: Vec<Vec<String>>,
}

/// Proofs that entries are in the log. They were verified against the checkpoint's root.
pub(crate) struct Proven {
    /// The signed checkpoint (C2SP tlog-checkpoint), with the cosignatures there are.
    pub(crate) checkpoint: String,
    /// For each entry the hashes from the leaf's neighbour up (RFC 6962, section 2.1.1).
    pub(crate) proofs: Vec<Vec<TreeHash>>,
}

impl Proven {
    pub(super) fn wire(&self) -> Proved {
        let texts = |proof: &Vec<TreeHash>| proof.iter().map(TreeHash::to_string).collect();
        Proved { checkpoint: self.checkpoint.clone(), proofs: self.proofs.iter().map(texts).collect() }
    }
}

impl Proved {
    pub(super) fn proven(self) -> Result<Proven, Fault> {
        let hash = |text: String| text.parse::<TreeHash>().map_err(|e| Fault::new(e.code(), e));
        let proof = |texts: Vec<String>| texts.into_iter().map(hash).collect::<Result<Vec<_>, _>>();
        let proofs = self.proofs.into_iter().map(proof).collect::<Result<Vec<_>, _>>()?;
        Ok(Proven { checkpoint: self.checkpoint, proofs })
    }
}

/// An entry as it travels.
pub(super) fn hex_of(leaf: &Leaf) -> String {
    HEXLOWER.encode(&leaf.to_bytes())
}

/// An entry that came.
pub(super) fn leaf_of(hex: &str) -> Result<Leaf, Fault> {
    let bytes = HEXLOWER.decode(hex.as_bytes()).map_err(|e| Fault::new("malformed_entry", e))?;
    Leaf::from_bytes(&bytes).map_err(|e| Fault::new(e.code(), e))
}
