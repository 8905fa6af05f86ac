//! Reads typed values out of a parsed TOML table and says what is wrong with those that are not.

use core::ops::Range;

use chrono::DateTime;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Diagnostics;
use crate::types::UnixSeconds;

pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// Reports every key of `table` that is not in `known`.
pub(super) fn refuse_unknown(
    table: &DeTable<'_>,
    known: &[&str],
    place: &str,
    diagnostics: &mut Diagnostics<'_>,
) {
    for key in table.keys() {
        let name = key.get_ref().as_ref();
        if known.contains(&name) {
            continue;
        }
        let near =
            known.iter().map(|word| (distance(name, word), word)).min().filter(|(steps, _)| *steps <= 2);
        let hint = match near {
            Some((_, word)) => format!("did you mean `{word}`?"),
            None => format!("known here: {}", known.join(", ")),
        };
        diagnostics.add(&key.span(), "unknown_key", format!("unknown key `{}` {place}; {hint}", cut(name)));
    }
}

/// A value of the wrong type.
pub(super) fn wrong_type(value: &Value<'_>, expected: &str, diagnostics: &mut Diagnostics<'_>) {
    let found = value.get_ref().type_str();
    diagnostics.add(
        &value.span(),
        "wrong_type",
        format!("expected {expected}, found a value of type {found}"),
    );
}

pub(super) fn table<'a, 'i>(
    value: &'a Value<'i>,
    name: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<&'a DeTable<'i>> {
    let table = value.get_ref().as_table();
    if table.is_none() {
        wrong_type(value, &format!("a table: write [{name}] on a line of its own"), diagnostics);
    }
    table
}

pub(super) fn boolean(table: &DeTable<'_>, key: &str, diagnostics: &mut Diagnostics<'_>) -> Option<bool> {
    let value = table.get(key)?;
    let answer = value.get_ref().as_bool();
    if answer.is_none() {
        wrong_type(value, "true or false, without quotes", diagnostics);
    }
    answer
}

pub(super) fn text<'a>(
    table: &'a DeTable<'_>,
    key: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<(&'a str, Range<usize>)> {
    let value = table.get(key)?;
    let answer = value.get_ref().as_str();
    if answer.is_none() {
        wrong_type(value, "text in double quotes", diagnostics);
    }
    answer.map(|text| (text, value.span()))
}

pub(super) fn integer(value: &Value<'_>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// A whole number of `least` to `most`.
pub(super) fn number(
    table: &DeTable<'_>,
    key: &str,
    least: u32,
    most: u32,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<u32> {
    let value = table.get(key)?;
    if !value.get_ref().is_integer() {
        wrong_type(value, "a whole number without quotes", diagnostics);
        return None;
    }
    let number = integer(value).and_then(|n| u32::try_from(n).ok()).filter(|n| (least..=most).contains(n));
    if number.is_none() {
        diagnostics.add(
            &value.span(),
            "out_of_range",
            format!("`{key}` must be a number from {least} to {most}"),
        );
    }
    number
}

/// A length of time such as `"30m"`, in seconds, up to `most` days.
pub(super) fn duration(
    table: &DeTable<'_>,
    key: &str,
    max_days: u32,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<u32> {
    let (text, span) = text(table, key, diagnostics)?;
    let seconds = seconds_of(text).filter(|seconds| *seconds <= max_days.saturating_mul(86_400));
    if seconds.is_none() {
        let message = format!(
            "`{key}` must be a length of time such as \"90s\", \"30m\", \"12h\" or \"7d\", at most {max_days}d"
        );
        diagnostics.add(&span, "bad_duration", message);
    }
    seconds
}

fn seconds_of(text: &str) -> Option<u32> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 3_600,
        b'd' => 86_400,
        _ => return None,
    };
    let digits = text.get(..text.len().checked_sub(1)?)?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse::<u32>().ok()?.checked_mul(unit)).flatten()
}

/// One of a few words.
pub(super) fn word<T: Copy>(
    table: &DeTable<'_>,
    key: &str,
    words: &[(&str, T)],
    diagnostics: &mut Diagnostics<'_>,
) -> Option<T> {
    let (text, span) = text(table, key, diagnostics)?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
    if found.is_none() {
        let all: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        diagnostics.add(&span, "unknown_word", format!("`{key}` must be one of {}", all.join(", ")));
    }
    found
}

/// A moment with its offset from UTC.
pub(super) fn moment(
    table: &DeTable<'_>,
    key: &str,
    diagnostics: &mut Diagnostics<'_>,
) -> Option<UnixSeconds> {
    let value = table.get(key)?;
    // A date without a time, or a time without an offset, is not RFC 3339 and means different moments to different people.
    let written = value.get_ref().as_datetime().map(ToString::to_string);
    let moment = written.and_then(|text| DateTime::parse_from_rfc3339(&text).ok());
    let moment = moment.and_then(|moment| u64::try_from(moment.timestamp()).ok()).map(UnixSeconds);
    if moment.is_none() {
        let message = format!(
            "`{key}` must be a date and time with its offset from UTC, without quotes: {key} = 2027-01-31T18:00:00Z"
        );
        diagnostics.add(&value.span(), "bad_time", message);
    }
    moment
}

/// One value, or each of an array.
pub(super) fn each<'a, 'i>(value: &'a Value<'i>) -> Vec<&'a Value<'i>> {
    match value.get_ref().as_array() {
        Some(array) => array.iter().collect(),
        None => vec![value],
    }
}

/// Text of the file for a message: never long.
pub(super) fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push_str("...");
    }
    short
}

/// The number of single-character changes between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(40).collect();
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, right) in b.chars().enumerate() {
        let mut diagonal = core::mem::replace(row.first_mut().unwrap_or(&mut 0), i + 1);
        let mut left = i + 1;
        for (slot, c) in row.iter_mut().skip(1).zip(&a) {
            let swap = diagonal + usize::from(*c != right);
            diagonal = *slot;
            *slot = swap.min(diagonal + 1).min(left + 1);
            left = *slot;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, steps) in
            [("", "abc", 3), ("contry", "country", 1), ("asn", "asn", 0), ("netwrok", "network", 2)]
        {
            assert_eq!(distance(a, b), steps, "{a} {b}");
        }
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(seconds_of("90s"), Some(90));
        assert_eq!(seconds_of("7d"), Some(604_800));
        for wrong in ["", "d", "7", "-7d", "+7d", "7 d", "99999999999d", "7é"] {
            assert_eq!(seconds_of(wrong), None, "{wrong}");
        }
    }
}
