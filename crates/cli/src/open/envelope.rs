//! The envelope in the terminal, and the question.

use waxseal::types::{UnixMillis, UnixSeconds};

use super::errors::OpenError;
use super::wire::{LetterStatus, Sender};
use crate::output::{line, plain};
use crate::when;

/// Everything a person needs before deciding.
pub(super) fn describe(answer: &LetterStatus, now: UnixMillis) -> String {
    let mut text = format!(
        "From     {}\nSubject  {}\nOpen     until {}\n",
        line(&answer.sender.name),
        line(&answer.subject),
        when::full(UnixSeconds(answer.expires_at), now.seconds()),
    );
    let contact = contact(&answer.sender);
    if !contact.is_empty() {
        text.push_str(&format!("Contact  {contact}\n"));
    }
    text.push_str(&format!("\n{}\n", plain(answer.terms.text.trim())));
    text
}

/// The ways to reach the sender, in one line.
fn contact(sender: &Sender) -> String {
    let ways: Vec<_> =
        sender.contact.values().filter_map(|value| value.as_str()).filter(|way| !way.is_empty()).collect();
    line(&ways.join(", "))
}

/// A closed letter in words.
pub(super) fn closed(answer: &LetterStatus) -> OpenError {
    let (reason, words) = match answer.closed.as_str() {
        "expired" => ("letter_expired", "The letter has expired."),
        "cancelled" => ("letter_cancelled", "The sender has cancelled this letter."),
        "refused" => ("letter_refused", "This letter was refused, so it stays closed."),
        "withdrawn" => ("letter_withdrawn", "Consent to this letter was withdrawn, so it stays closed."),
        "missing" => ("letter_missing", "The letter is not there: it was removed or never arrived."),
        "damaged" => ("letter_damaged", "The stored letter is damaged and cannot be shown."),
        "erased" => ("letter_erased", "The letter has been erased."),
        _ => ("letter_closed", "The letter is closed."),
    };
    let name = line(&answer.sender.name);
    let contact = contact(&answer.sender);
    let ask = match (name.is_empty(), contact.is_empty()) {
        (true, true) => "Ask the sender.".to_owned(),
        (false, true) => format!("Ask {name}."),
        (true, false) => format!("Ask the sender: {contact}."),
        (false, false) => format!("Ask {name}: {contact}."),
    };
    OpenError::Closed { reason, words, ask }
}
