//! Evidence for people: receipts for customers, and everything that a bundle for the auditor is made from.

mod api;
mod issue;

pub(super) use self::api::export;
pub(super) use self::issue::{Issued, hex, issue};
