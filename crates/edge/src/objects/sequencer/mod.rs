//! The sequencer: the one object that orders the log's entries, writes its tiles and signs its checkpoints.
//! `docs/EVIDENCE.md` says what it promises.

mod client;
mod files;
mod grow;
mod messages;
mod object;
mod prove;
mod store;
mod witnesses;

pub(crate) use client::{add, prove};
pub(crate) use files::LogFiles;
pub(crate) use messages::{CLASS, GetLogStatus, NAME, Proven};
