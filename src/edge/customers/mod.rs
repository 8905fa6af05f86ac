//! The Durable Object of one customer: which letters are theirs, and whether they asked to be erased. It knows the
//! customer only by a keyed hash, and of a letter only its id and when it was issued.

mod api;
mod client;
mod messages;
mod object;
mod store;

pub(in crate::edge) use api::answer;
pub(in crate::edge) use client::CustomerClient;
pub(in crate::edge) use messages::Listed;
