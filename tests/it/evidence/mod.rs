//! The evidence capability against published vectors, against other implementations, and against itself.

mod answers;
mod bundles;
mod common;
mod elsewhere;
mod golden;
mod leaves;
mod letters;
mod merkle;
mod notes;
mod receipts;
mod rewritten;
mod tiles;
mod who;
