//! The sequencer: the one object that orders the log's entries, writes its tiles and signs its checkpoints.
//! `docs/EVIDENCE.md` says what it promises.

mod api;
mod client;
mod grow;
mod messages;
mod object;
mod prove;
mod store;
mod witnesses;

pub(in crate::edge) use api::answer as answer_api;
pub(in crate::edge) use client::SequencerClient;
pub(in crate::edge) use messages::Proven;
