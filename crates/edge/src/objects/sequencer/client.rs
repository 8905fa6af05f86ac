//! The call to the sequencer.

use serde_json::Value;
use worker::Env;

use super::messages::{Ask, Proved, Proven, hex_of};
use crate::platform::error::Fault;
use crate::platform::object::{Class, Objects};
use waxseal::evidence::leaf::Leaf;

const CLASS: Class = Class {
    binding: "SEQUENCER",
    unbound: "binding_sequencer",
    stub: "sequencer_stub",
    down: "sequencer_down",
    failed: "sequencer_failed",
    silent: "sequencer_silent",
};

/// The one object of this class.
const NAME: &str = "log";

/// The site's log. A fault means that nothing is known of the outcome: ask again, every call may be repeated.
pub(crate) struct SequencerClient(Objects);

impl SequencerClient {
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        Objects::open(env, &CLASS).map(Self)
    }

    /// Takes entries into the log, in this order, and answers their numbers. They are on disk then; tiles and a checkpoint
    /// follow within seconds. The same entry again gets the same number. At most
    /// [`MOST_LEAVES`](super::messages::MOST_LEAVES) at once.
    pub(crate) async fn add(&self, leaves: &[Leaf]) -> Result<Vec<u64>, Fault> {
        let numbers: Vec<u64> =
            serde_json::from_str(&self.call(&Ask::Add(leaves.iter().map(hex_of).collect())).await?)?;
        if numbers.len() == leaves.len() {
            Ok(numbers)
        } else {
            Err(Fault::new("sequencer_answer", "not a number for each entry"))
        }
    }

    /// A checkpoint that covers these entries, and for each the proof that it is in the log. What is pending goes into
    /// the tree first.
    pub(crate) async fn prove(&self, entries: &[u64]) -> Result<Proven, Fault> {
        let proved: Proved = serde_json::from_str(&self.call(&Ask::Prove(entries.to_vec())).await?)?;
        let proven = proved.proven()?;
        if proven.proofs.len() == entries.len() {
            Ok(proven)
        } else {
            Err(Fault::new("sequencer_answer", "not a proof for each entry"))
        }
    }

    /// How the log stands, as `GET /api/v1/log` shows it.
    pub(crate) async fn status(&self) -> Result<Value, Fault> {
        Ok(serde_json::from_str(&self.call(&Ask::Status).await?)?)
    }

    async fn call(&self, ask: &Ask) -> Result<String, Fault> {
        self.0.ask(NAME, serde_json::to_string(ask)?).await
    }
}
