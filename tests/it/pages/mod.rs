//! The pages: what they show, what they never show, and that the browser is allowed to show it.

mod closed;
mod common;
mod confirm;
mod envelope;
mod frame;
mod headers;
mod letter;
mod locales;
mod receipt;
mod site;
mod wording;
