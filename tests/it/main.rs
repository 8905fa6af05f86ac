//! The library from outside, by capability: one program, so that it is linked once.

// Tests may be blunt, their helper functions too.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod api;
mod architecture;
mod bots;
mod edge_source;
mod evidence;
mod form;
mod guard;
mod ledger;
mod pages;
mod seal;
mod site;
mod token;
mod webhook;
