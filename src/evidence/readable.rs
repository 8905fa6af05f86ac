//! The copy of a letter's events for people who read no JSON. It is made from the other files and nothing else, so
//! whoever verifies makes it again and compares.

use core::fmt::Write as _;
use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use data_encoding::HEXLOWER;

use crate::ledger::{Actor, Details, Event, Kind, Names};
use crate::types::{LetterId, UnixMillis};

/// The first line. A change of a single character below needs another number here, and so does a new field of the
/// details: older verifiers would leave it out and find a difference.
pub(super) const FIRST_LINE: &str = "Waxseal evidence, readable copy, version 3";

/// What the copy says about an event's details.
pub(super) enum Shown {
    /// The event has none.
    None,
    /// They are encrypted, and the key is not here.
    Sealed,
    /// They were opened.
    Open(Box<Details>),
}

/// One event and what goes with it.
pub(super) struct Line<'e> {
    pub(super) event: &'e Event,
    pub(super) shown: Shown,
    /// The number of its entry in the log.
    pub(super) entry: u64,
}

pub(super) fn render(
    letter: LetterId,
    origin: &str,
    exported: UnixMillis,
    names: Option<&Names>,
    lines: &[Line<'_>],
) -> String {
    let mut text = format!(
        "{FIRST_LINE}\n\nLetter    {letter}\nLog       {}\nExported  {}\nEvents    {}\n",
        plain(origin),
        time(exported),
        lines.len()
    );
    if let Some(names) = names {
        // Writing to a string does not fail.
        let _ = write_names(&mut text, names);
    }
    for line in lines {
        // Writing to a string does not fail.
        let _ = write_line(&mut text, line);
    }
    text
}

fn write_names(text: &mut String, names: &Names) -> core::fmt::Result {
    writeln!(text, "Subject   {}", plain(&names.subject))?;
    if let Some(reference) = &names.reference {
        writeln!(text, "Reference {}", plain(reference))?;
    }
    writeln!(text, "File      {}", plain(&names.file_name))?;
    writeln!(text, "SHA-256   {}", HEXLOWER.encode(&names.sha256))
}

fn write_line(text: &mut String, line: &Line<'_>) -> core::fmt::Result {
    let event = line.event;
    writeln!(text, "\n{}. {}  {}", event.seq, time(event.at), event.kind)?;
    writeln!(text, "   {}", meaning(event))?;
    writeln!(text, "   by        {}", event.actor)?;
    writeln!(text, "   event     {}", event.id)?;
    if let Some(terms) = &event.terms {
        let about = if event.kind == Kind::Sealed { "names" } else { "terms" };
        writeln!(text, "   {about}     {}", HEXLOWER.encode(terms))?;
    }
    writeln!(text, "   entry     {}", line.entry)?;
    writeln!(text, "   hash      {}", HEXLOWER.encode(&event.hash))?;
    match &line.shown {
        Shown::None => writeln!(text, "   details   none"),
        Shown::Sealed => writeln!(text, "   details   encrypted"),
        Shown::Open(details) => {
            // In the order of the names, so that the copy is the same wherever it is made.
            let fields: BTreeMap<String, serde_json::Value> =
                serde_json::to_value(details).and_then(serde_json::from_value).unwrap_or_default();
            writeln!(text, "   details   {}", fields.len())?;
            fields
                .iter()
                .try_for_each(|(name, value)| writeln!(text, "     {name}: {}", plain(&value.to_string())))
        }
    }
}

const fn meaning(event: &Event) -> &'static str {
    match event.kind {
        Kind::Sealed => "The letter was sealed and stored.",
        Kind::Opened => "The link was opened, and nothing spoke against a person.",
        Kind::Fetched => {
            "The link was fetched by a program: a scanner, a preview, a browser that fetches ahead."
        }
        Kind::NoticeShown => "The terms were shown.",
        Kind::RobotSuspected => "An answer came that did not look like a person's.",
        Kind::ConsentGiven => match event.actor {
            Actor::Robot => "A program that holds the link agreed to the terms.",
            _ => "A reader agreed to the terms.",
        },
        Kind::ConsentRefused => match event.actor {
            Actor::Recipient => "A reader said no, and nobody had agreed before.",
            Actor::MailProgram => "The recipient's mail program said no, and nobody had agreed before.",
            Actor::Robot => "A program that holds the link said no, and nobody had agreed before.",
            Actor::Sender | Actor::SenderForRecipient | Actor::System => {
                "The sender recorded a no, on the recipient's word. Nobody had agreed before."
            }
        },
        Kind::ReportStreamed => "Bytes of the letter were sent under a consent.",
        Kind::ConsentWithdrawn => match event.actor {
            Actor::Recipient => "A reader withdrew consent.",
            Actor::MailProgram => "The recipient's mail program withdrew consent.",
            Actor::Robot => "A program that holds the link withdrew consent.",
            Actor::Sender | Actor::SenderForRecipient | Actor::System => {
                "The sender recorded that consent is withdrawn, on the recipient's word."
            }
        },
        Kind::RefusalRevoked => "The refusal was undone, by the browser that had sent it.",
        Kind::WithdrawalRevoked => "The withdrawal was undone, by the browser that had sent it.",
        Kind::Accepted => "A reader accepted the offer in the letter.",
        Kind::Cancelled => "The sender cancelled the letter.",
        Kind::Reissued => "The sender gave the letter a new end, and its reader a new link.",
        Kind::EndsSoon => "The letter's end was near.",
        Kind::Expired => "The letter's time ran out.",
        Kind::Ignored => "The letter's time ran out and nobody had said yes or no.",
        Kind::ExpiredOpenAttempt => "Somebody came with the link after its time.",
        Kind::Message => "A message passed between reader and sender.",
        Kind::PinFailed => "A wrong PIN was entered.",
        Kind::Erased => "The personal details were destroyed.",
        Kind::EvidenceExported => "The evidence was handed out.",
    }
}

/// RFC 3339 in UTC with milliseconds; the number itself for a time no calendar has.
pub(super) fn time(at: UnixMillis) -> String {
    i64::try_from(at.0)
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .map_or_else(|| at.0.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// Texts came from strangers: nothing in them may break a line or turn the reading direction.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let harmful = c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
            let escaped = harmful.then(|| c.escape_unicode());
            let kept = (!harmful).then_some(c);
            escaped.into_iter().flatten().chain(kept)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_write_no_lines_of_their_own() {
        assert_eq!(plain("a\nb\u{202e}c\u{85}é"), "a\\u{a}b\\u{202e}c\\u{85}é");
    }

    #[test]
    fn times_are_in_utc_with_milliseconds() {
        assert_eq!(time(UnixMillis(1_700_000_000_123)), "2023-11-14T22:13:20.123Z");
        assert_eq!(time(UnixMillis(u64::MAX)), "18446744073709551615");
    }
}
