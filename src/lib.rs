//! Waxseal: a sealed letter for the web.
//!
//! This file is the map. Each capability is a folder and is pure: no I/O, no clock, no randomness; the time
//! and random bytes come in as arguments. Two thin shells load facts, call one pure function and carry out
//! what it decided: `crates/edge` (Cloudflare Workers) and `crates/cli` (the command line).

pub mod certificate;
pub mod evidence;
pub mod guard;
pub mod lang;
pub mod ledger;
pub mod pages;
pub mod robots;
pub mod seal;
pub mod site;
pub mod token;
pub mod types;
