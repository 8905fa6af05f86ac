//! The message that brings a letter's link: a mail and an SMS in the letter's language, and the headers that let a mail program
//! say no by itself. It discloses who writes and about what, and nothing else.
//!
//! ```
//! use waxseal::lang::Lang;
//! use waxseal::message::{Letter, Texts, message};
//! use waxseal::site::colour::Rgb;
//! use waxseal::types::UnixSeconds;
//!
//! let letter = Letter {
//!     sender: "Garage Vermeer",
//!     subject: "Inspection of your car",
//!     link: "https://letters.example/0123",
//!     not_after: UnixSeconds(1_798_757_999),
//!     lang: Lang::En,
//!     accent: Rgb(0x7a, 0x1f, 0x2b),
//! };
//! // Seconds that the sender's clocks are ahead of UTC.
//! let message = message(&letter, &Texts::of(Lang::En), &|_| Some(3_600));
//! assert_eq!(message.subject, "A sealed letter from Garage Vermeer: Inspection of your car");
//! assert!(message.text.contains("until 31 December 2026 at 23:59"));
//! assert_eq!(message.sms.segments, 1);
//! ```

mod sms;
mod texts;

use askama::Template;
use chrono::{DateTime, Datelike, TimeDelta, Timelike};
use serde::{Deserialize, Serialize};

pub use sms::{Sms, SmsEncoding};
pub use texts::{Texts, TextsError};

use crate::lang::Lang;
use crate::site::colour::{GROUND_DARK, GROUND_LIGHT, INK, PAPER_DARK, PAPER_LIGHT, Palette, Rgb};
use crate::types::UnixSeconds;

/// What the message says of a letter.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The sender's name as recipients know it.
    pub sender: &'a str,
    /// The letter's subject.
    pub subject: &'a str,
    /// The whole link, for an end-to-end letter with its fragment.
    pub link: &'a str,
    /// The end of the link.
    pub not_after: UnixSeconds,
    /// The letter's language.
    pub lang: Lang,
    /// The sender's colour.
    pub accent: Rgb,
}

/// How many seconds the sender's clocks are ahead of UTC at a time; `None` where that is not known, and UTC is shown.
pub type Ahead<'z> = dyn Fn(UnixSeconds) -> Option<i32> + 'z;

/// A message, ready to be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The mail's subject.
    pub subject: String,
    /// The mail as plain text, lines ended by `\n`.
    pub text: String,
    /// The mail as HTML: tables and colours of its own, nothing that is fetched.
    pub html: String,
    /// What an SMS says.
    pub sms: Sms,
    /// Headers that belong to the mail, besides its subject.
    pub headers: Vec<Header>,
}

/// A header of a mail.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Such as `List-Unsubscribe`.
    pub name: String,
    /// ASCII, on one line.
    pub value: String,
}

#[derive(Template)]
#[template(path = "message.html", whitespace = "minimize")]
struct Page<'a> {
    lang: Lang,
    t: &'a Texts,
    title: &'a str,
    preview: String,
    lead: String,
    subject: &'a str,
    until: &'a str,
    link: &'a str,
    fragment: bool,
    palette: Palette,
}

impl Page<'_> {
    const PAPER: [Rgb; 2] = [PAPER_LIGHT, PAPER_DARK];
    const GROUND: [Rgb; 2] = [GROUND_LIGHT, GROUND_DARK];
    const INK: Rgb = INK;
}

/// The message of a letter.
pub fn message(letter: &Letter<'_>, texts: &Texts, ahead: &Ahead<'_>) -> Message {
    let (sender, about, link) = (line(letter.sender), line(letter.subject), line(letter.link));
    let until = moment(letter.not_after, letter.lang, texts, ahead);
    let subject = texts.fill("subject", &[("sender", &sender), ("subject", &about)]);
    let fragment = link.contains('#');
    let page = Page {
        lang: letter.lang,
        t: texts,
        title: &subject,
        preview: texts.fill("preview", &[("until", &until)]),
        lead: texts.fill("lead", &[("sender", &sender)]),
        subject: &about,
        until: &until,
        link: &link,
        fragment,
        palette: Palette::of(letter.accent),
    };
    let text = plain(&page);
    // A template fails only where a Display does, and none of these does; the text says the same.
    let html = page.render().unwrap_or_default();
    let sms = sms::fitting(texts, &sender, &about, &link);
    Message { text, html, sms, headers: headers(&link, letter.lang), subject }
}

/// The same in plain text.
fn plain(page: &Page<'_>) -> String {
    let t = page.t;
    let field = |name: &str, value: &str| {
        let field = t.fill("field", &[("name", &t.get(name)), ("value", &value)]);
        field.trim_end().to_owned()
    };
    let mut parts = vec![
        page.lead.clone(),
        format!("{}\n{} {}", field("about", page.subject), t.get("until"), page.until),
        t.get("choice").to_owned(),
        // Alone on its line, where mail programs find it whole.
        format!("{}\n{}", field("open", ""), page.link),
    ];
    if page.fragment {
        parts.push(t.get("fragment").to_owned());
    }
    parts.push(t.get("yours").to_owned());
    parts.join("\n\n") + "\n"
}

/// RFC 8058, sections 3.1 and 3.2: a mail program posts `List-Unsubscribe=One-Click` to the first URL, and that is a no. The key of an
/// end-to-end letter stays out of it. RFC 3834, section 5: no answering machine answers.
fn headers(link: &str, lang: Lang) -> Vec<Header> {
    let address = link.split('#').next().unwrap_or_default();
    let header = |name: &str, value: String| Header { name: name.to_owned(), value };
    vec![
        header("List-Unsubscribe", format!("<{address}/withdraw>")),
        header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
        header("Auto-Submitted", "auto-generated".to_owned()),
        header("Content-Language", lang.tag().to_owned()),
    ]
}

/// One line, written in one direction: what would begin another header, or turn the text around it, is left out.
fn line(text: &str) -> String {
    let plain = text.chars().filter_map(|c| match c {
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        c => Some(c),
    });
    plain.collect::<String>().trim().to_owned()
}

/// A moment by the sender's clock, or by UTC, which is then named.
fn moment(at: UnixSeconds, lang: Lang, texts: &Texts, ahead: &Ahead<'_>) -> String {
    let utc = i64::try_from(at.0).ok().and_then(|at| DateTime::from_timestamp(at, 0)).unwrap_or_default();
    let known = ahead(at);
    let there = TimeDelta::try_seconds(known.unwrap_or(0).into()).unwrap_or_default();
    let there = utc.naive_utc().checked_add_signed(there).unwrap_or(utc.naive_utc());
    // The first of a month is an ordinal in French, and an hour has no nought before it.
    let (ordinal, hour) = match lang {
        Lang::Fr => (there.day() == 1, there.hour().to_string()),
        _ => (false, format!("{:02}", there.hour())),
    };
    let day = format!("{}{}", there.day(), if ordinal { "er" } else { "" });
    let month = texts.get("months").split(',').nth(there.month0() as usize).unwrap_or_default();
    let minute = format!("{:02}", there.minute());
    let words = texts.fill(
        "moment",
        &[("day", &day), ("month", &month), ("year", &there.year()), ("hour", &hour), ("minute", &minute)],
    );
    if known.is_some() { words } else { format!("{words} (UTC)") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_the_language_does() {
        let at = UnixSeconds(1_798_790_700); // 2027-01-01T08:05:00Z
        for (lang, expected) in [
            (Lang::En, "1 January 2027 at 09:05"),
            (Lang::Nl, "1 januari 2027 om 09.05 uur"),
            (Lang::Fr, "1er janvier 2027 à 9\u{a0}h\u{a0}05"),
            (Lang::De, "1. Januar 2027 um 09:05 Uhr"),
        ] {
            assert_eq!(moment(at, lang, &Texts::of(lang), &|_| Some(3_600)), expected);
        }
        let utc = moment(at, Lang::De, &Texts::of(Lang::De), &|_| None);
        assert_eq!(utc, "1. Januar 2027 um 08:05 Uhr (UTC)");
        assert!(
            moment(UnixSeconds(u64::MAX), Lang::En, &Texts::of(Lang::En), &|_| Some(i32::MAX)).len() > 10
        );
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(line("a\r\nBcc: x@y\u{202e}z\u{2028}b "), "a  Bcc: x@yz b");
    }
}
