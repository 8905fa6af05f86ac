//! The Durable Object of one customer: which letters are theirs, and whether they asked to be erased. It knows the
//! customer only by a keyed hash, and of a letter only its id and when it was issued.

mod messages;
mod object;
mod store;

pub(crate) use messages::{CLASS, EraseAll, Erasing, Forget, ListLetters, Listed, Register, Registered};
