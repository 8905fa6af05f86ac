//! The Durable Objects, a folder for each, and what they share in the bucket: evidence and the texts of terms.

pub(crate) mod evidence;
pub(crate) mod index;
pub(crate) mod keys;
pub(crate) mod ledger;
pub(crate) mod publisher;
pub(crate) mod sentinel;
pub(crate) mod sequencer;
pub(crate) mod terms;
pub(crate) mod webhook;
