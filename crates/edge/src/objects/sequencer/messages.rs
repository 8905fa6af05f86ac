//! What is said to the sequencer, and what it answers.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::platform::object::{ObjectClass, requests};
use waxseal::api::LogStatus;
use waxseal::evidence::merkle::TreeHash;

/// The most entries that are taken or proved at once; more than a ledger ever has.
pub(crate) const MAX_LEAVES: usize = 4_096;

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "SEQUENCER" };
/// The one object of this class.
pub(crate) const NAME: &str = "log";

requests! { CLASS;
    /// Take these entries and reply with their numbers.
    AddEntries { leaves: Vec<ByteBuf> } -> Vec<u64>;
    /// Prove that these entries are in the log.
    ProveEntries { entries: Vec<u64> } -> Proved;
    /// How the log stands, as `GET /api/v1/log` shows it.
    GetLogStatus {} -> LogStatus;
}

/// Proofs as they travel: the hashes of each one behind another.
#[derive(Serialize, Deserialize)]
pub(crate) struct Proved {
    checkpoint: String,
    proofs: Vec<ByteBuf>,
}

/// Proofs that entries are in the log. They were verified against the checkpoint's root.
pub(crate) struct Proven {
    /// The signed checkpoint (C2SP tlog-checkpoint), with the cosignatures there are.
    pub(crate) checkpoint: String,
    /// For each entry the hashes from the leaf's neighbour up (RFC 6962, section 2.1.1).
    pub(crate) proofs: Vec<Vec<TreeHash>>,
}

impl From<Proven> for Proved {
    fn from(Proven { checkpoint, proofs }: Proven) -> Self {
        let bytes =
            |proof: Vec<TreeHash>| proof.into_iter().flat_map(|hash| hash.0).collect::<Vec<u8>>().into();
        Self { checkpoint, proofs: proofs.into_iter().map(bytes).collect() }
    }
}

impl From<Proved> for Proven {
    fn from(Proved { checkpoint, proofs }: Proved) -> Self {
        let hashes = |bytes: ByteBuf| bytes.as_chunks().0.iter().copied().map(TreeHash).collect();
        Self { checkpoint, proofs: proofs.into_iter().map(hashes).collect() }
    }
}
