//! The sweeper: once a day it walks through the bucket and sees to it that every letter has a ledger, that every ledger did
//! what was due, and that nothing lies in the bucket for ever.

mod object;
mod store;
mod visit;

pub(crate) use object::{BeginSweep, CLASS, NAME, SweepStatus};
