//! Calls to the sequencer that check what they get. Every call may be repeated.

use serde_bytes::ByteBuf;
use worker::Env;

use super::messages::{AddEntries, NAME, ProveEntries, Proven};
use crate::platform::error::Fault;
use crate::platform::object;
use waxseal::evidence::leaf::Leaf;

/// Takes entries into the log, in this order, and answers their numbers. They are on disk then; tiles and a checkpoint
/// follow within seconds. The same entry again gets the same number. At most
/// [`MAX_LEAVES`](super::messages::MAX_LEAVES) at once.
pub(crate) async fn add(env: &Env, leaves: &[Leaf]) -> Result<Vec<u64>, Fault> {
    let add = AddEntries { leaves: leaves.iter().map(|leaf| ByteBuf::from(leaf.to_bytes())).collect() };
    let numbers = object::call(env, NAME, &add).await?;
    if numbers.len() == leaves.len() {
        Ok(numbers)
    } else {
        Err(Fault::new("sequencer_answer", "not a number for each entry"))
    }
}

/// A checkpoint that covers these entries, and for each the proof that it is in the log. What is pending goes into
/// the tree first.
pub(crate) async fn prove(env: &Env, entries: &[u64]) -> Result<Proven, Fault> {
    let proven: Proven = object::call(env, NAME, &ProveEntries { entries: entries.to_vec() }).await?.into();
    if proven.proofs.len() == entries.len() {
        Ok(proven)
    } else {
        Err(Fault::new("sequencer_answer", "not a proof for each entry"))
    }
}
