//! What goes where: standard output carries the answer and nothing else, standard error everything a person
//! may want to read beside it. With `--json` standard output holds one JSON object, and an error is one JSON
//! object on standard error, so that a failed command never looks like an answer.

use std::io::{self, BufRead, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::error::{Error, coded};

/// The answer could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the answer could not be written to standard output: {0}")]
pub(crate) struct OutputError(#[from] io::Error);

impl OutputError {
    /// Whether the reader has gone, as with `| head`.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

coded!(OutputError = "output_failed");

/// Something that works and is probably not meant.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    /// Stable, for programs.
    pub(crate) code: &'static str,
    /// What is odd, and what to do.
    pub(crate) message: String,
}

impl Warning {
    /// Adds them to an answer in JSON, if there are any.
    pub(crate) fn insert(warnings: &[Self], answer: &mut Value) {
        let list: Vec<_> = warnings
            .iter()
            .map(|warning| json!({ "code": warning.code, "message": warning.message }))
            .collect();
        if let (Some(object), false) = (answer.as_object_mut(), list.is_empty()) {
            object.insert("warnings".to_owned(), list.into());
        }
    }
}

/// How this run speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Output {
    /// The answer: `value` with `--json`, else `text` as lines.
    pub(crate) fn answer(self, value: &Value, text: &str) -> Result<(), OutputError> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", ascii_controls(value))?;
        } else if !text.is_empty() {
            writeln!(out, "{text}")?;
        }
        Ok(out.flush()?)
    }

    /// A remark for a person; silent with `--json` and `--quiet`.
    pub(crate) fn note(self, text: &str) {
        if !self.json && !self.quiet {
            self.always(text);
        }
    }

    /// A remark that `--quiet` does not hide, such as a warning about a secret.
    pub(crate) fn warn(self, text: &str) {
        if !self.json {
            self.always(text);
        }
    }

    /// Warnings: lines on standard error; with `--json` they stand in the answer instead.
    pub(crate) fn warnings(self, warnings: &[Warning]) {
        for warning in warnings {
            self.warn(&format!("warning: {}", plain(&warning.message)));
        }
    }

    fn always(self, text: &str) {
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    /// Asks on the terminal; `None` when nobody is there to answer. Only the whole word `yes` is one.
    pub(crate) fn ask(self, question: &str) -> Option<bool> {
        if self.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        let mut screen = io::stderr().lock();
        let _ = write!(screen, "{question} Type yes or no: ");
        let _ = screen.flush();
        let mut reply = String::new();
        let read = io::stdin().lock().read_line(&mut reply);
        Some(read.is_ok() && reply.trim().eq_ignore_ascii_case("yes"))
    }

    /// The error, last thing before the process ends.
    pub(crate) fn failure(self, failure: &Error) {
        if self.json {
            let value = json!({ "error": { "code": failure.code, "message": failure.message } });
            self.always(&ascii_controls(&value));
        } else {
            // Whatever a server or a file name put into it.
            self.always(&format!("error: {}", plain(&failure.message)));
        }
    }

    /// A progress bar on standard error. It hides itself where that is not a terminal.
    pub(crate) fn bar(self, what: &'static str, total: Option<u64>) -> ProgressBar {
        if self.json || self.quiet {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr_with_hz(8));
        let template = if total.is_some() {
            "{prefix} [{bar:30}] {bytes}/{total_bytes}  {bytes_per_sec}  {eta}"
        } else {
            "{prefix} {spinner} {bytes}  {bytes_per_sec}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.with_prefix(what)
    }

    /// The same for so many of something.
    pub(crate) fn counter(self, what: &'static str, total: u64) -> ProgressBar {
        let bar = self.bar(what, Some(total));
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len}  {per_sec}  {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar
    }

    /// A sign on standard error that something is waited for, with the seconds. It hides itself where that is not a
    /// terminal.
    pub(crate) fn spinner(self, what: &'static str) -> ProgressBar {
        if self.json || self.quiet {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(125));
        bar.with_prefix(what)
    }
}

/// Text of others made safe for a terminal: control and direction characters would let a subject or a
/// server repaint the screen. Line breaks stay.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c != '\n' && drives(c) { '\u{fffd}' } else { c }).collect()
}

/// The same for what has one line, such as a subject or a name: a line break would forge the lines after it.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(|c| if drives(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether a terminal may act on this character instead of showing it: C0, DEL and C1, line and paragraph
/// separators, and everything that changes the direction of writing.
fn drives(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON in one line that a terminal only shows: JSON itself escapes C0, and no more.
fn ascii_controls(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        if drives(c) {
            // All of them are below U+10000, and stand only inside strings.
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    text
}

/// `1 request`, `2 requests`.
pub(crate) fn count(number: u64, what: &str) -> String {
    let (stem, ending) = match what.strip_suffix("ry") {
        _ if number == 1 || what == "AS" => (what, ""),
        Some(stem) => (stem, "ries"),
        None if what.ends_with("ss") => (what, "es"),
        None => (what, "s"),
    };
    format!("{number} {stem}{ending}")
}

/// A size for people: `12 bytes`, `1.4 MB` (powers of ten).
pub(crate) fn size(bytes: u64) -> String {
    if bytes < 1000 {
        return count(bytes, "byte");
    }
    let (mut whole, mut unit) = (bytes, "");
    let mut tenths = 0;
    for next in ["kB", "MB", "GB", "TB"] {
        if whole < 1000 {
            break;
        }
        tenths = (whole % 1000) / 100;
        whole /= 1000;
        unit = next;
    }
    format!("{whole}.{tenths} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_drive_the_terminal() {
        assert_eq!(plain("a\x1b[31mb\u{202e}c\nd\r"), "a\u{fffd}[31mb\u{fffd}c\nd\u{fffd}");
        assert_eq!(plain("\u{9b}31m\u{61c}\u{2028}"), "\u{fffd}31m\u{fffd}\u{fffd}");
        assert_eq!(line("a\nFrom you\u{2067}"), "a\u{fffd}From you\u{fffd}");
    }

    #[test]
    fn json_shows_controls_as_escapes_and_means_the_same() {
        let value = json!({ "k": "\u{9b}31m\u{7f}\u{202e}é" });
        let text = ascii_controls(&value);
        assert_eq!(text, r#"{"k":"\u009b31m\u007f\u202eé"}"#);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(999), "999 bytes");
        assert_eq!(size(1_460), "1.4 kB");
        assert_eq!(size(1_000_000_000), "1.0 GB");
    }
}
