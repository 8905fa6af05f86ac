//! The Durable Object of one letter, and the requests to it.

mod found;
mod messages;
mod object;
mod outbox;
mod run;
mod show;
mod store;

pub(crate) use messages::{
    CLASS, Decide, Decided, EraseLetter, Erased, ExportEvidence, Exported, GetReceipt, Logged, NoLetter,
    Offer, ReceiptFacts, Reconcile, Reconciled, Sealed, ShowRecord, Summarise, Summary, call,
};
