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

pub(crate) use api::answer as answer_api;
pub(crate) use client::SequencerClient;
pub(crate) use messages::Proven;
