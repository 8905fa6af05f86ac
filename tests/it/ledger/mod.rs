//! The ledger of a letter.

mod actors;
mod chain;
pub(crate) mod common;
mod declines;
mod forms;
mod privacy;
mod properties;
mod reissue;
mod states;
mod sweep;
