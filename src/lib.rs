//! Waxseal: a sealed letter for the web.
//!
//! This file is the map. Each capability is a folder and is pure: no I/O, no clock, no randomness; the time
//! and random bytes come in as arguments. Two thin shells load facts, call one pure function and carry out
//! what it decided: `edge` (Cloudflare Workers, wasm32 only) and the command line in `src/bin/waxseal`.

pub mod certificate;
pub mod evidence;
pub mod guard;
pub mod ledger;
pub mod pages;
pub mod robots;
pub mod seal;
pub mod site;
pub mod token;
pub mod types;

#[cfg(target_arch = "wasm32")]
mod edge;
