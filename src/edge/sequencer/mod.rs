//! The sequencer: the one object that orders the log's entries, writes its tiles and signs its checkpoints.
//! `docs/EVIDENCE.md` says what it promises.

mod client;
mod messages;

pub(in crate::edge) use client::SequencerClient;
pub(in crate::edge) use messages::{MOST_LEAVES, Proven};
