//! The Durable Object that knows of all letters: which there are, whose, how each stands and when it is due, and the feed of what
//! happened to them, in one order. It is told by the ledgers and can be filled from them again. It sees the erasure of a customer through, and once
//! a day goes through the bucket. It knows customers by keyed hashes alone.

mod messages;
mod object;
mod runs;
mod store;
mod sweep;
mod visit;
mod webhooks;

pub(crate) use messages::{
    AddWebhook, BeginSweep, CLASS, CountLetters, EraseCustomer, Erasing, ListCustomer, ListEvents,
    ListLetters, ListWebhooks, Listed, NAME, NoteEvent, RemoveWebhook, SweepStatus, UpdateLetter, Updated,
};
