//! The evidence capability against published vectors, against other implementations, and against itself.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests may be blunt")]

mod answers;
mod bundles;
mod common;
mod elsewhere;
mod golden;
mod leaves;
#[path = "../ledger_common/mod.rs"]
mod ledger_common;
mod letters;
mod merkle;
mod notes;
mod receipts;
mod tiles;
mod who;
