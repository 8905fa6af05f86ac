//! The pages a recipient sees: envelope, letter, closed pages, and the headers that protect them. Pure: facts
//! in, HTML out. Everything is escaped; every text comes from `locales/`; nothing is loaded from elsewhere;
//! nothing but the end-to-end viewer needs script. Days come in written out, because only the runtime knows
//! calendars and time zones.

mod confirm;
pub mod headers;
mod history;
mod letter;
mod mail;
mod receipt;
mod scripts;
mod shell;
pub mod silent;
mod style;
mod subject;
mod text;
mod views;
mod who;

pub use confirm::{Confirm, ConfirmError, confirm, question, words};
pub use history::{History, HistoryRow, Standing, history};
pub use letter::{Letter, letter};
pub use receipt::{Choice, LetterNames, Receipt, ReceiptEvent, receipt, receipt_file};
pub use scripts::{Scripts, UNNAMED};
pub use silent::{Silent, plain_http, silent};
pub use text::{ROBOTS_TXT, security_txt};
pub use views::{Closed, Detail, Envelope, FormError, closed, envelope, preview, withdraw};
pub use who::By;

/// A page, ready to be sent with the headers of [`headers::Kind::Page`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The document.
    pub html: String,
    /// The whole `Content-Security-Policy`.
    pub csp: String,
    /// The `Retry-After` header, in seconds, where there is one.
    pub retry_after_s: Option<u32>,
}
