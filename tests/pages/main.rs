//! The pages: what they show, what they never show, and that the browser is allowed to show it.

// Clippy knows tests only by their attribute, not the functions they share.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod closed;
mod common;
mod confirm;
mod envelope;
mod frame;
mod letter;
mod receipt;
