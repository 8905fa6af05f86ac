//! The HTTP Range and If-Range headers (RFC 9110, sections 13.1.5 and 14), for input nobody vouches for.

/// What a Range header asks of a representation of known length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeAnswer {
    /// Send everything with 200: no header, or one that is to be ignored.
    Whole,
    /// Send 206 with the bytes from `start` up to, but without, `end`.
    Part {
        /// Offset of the first byte.
        start: u64,
        /// Offset after the last byte; greater than `start` and at most the length.
        end: u64,
    },
    /// Send 416: the range lies behind the end.
    Unsatisfiable,
}

impl RangeAnswer {
    /// The Content-Range header (RFC 9110, section 14.4) that belongs to this answer; `None` for 200.
    pub fn content_range(&self, length: u64) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Part { start, end } => Some(format!("bytes {start}-{}/{length}", end.saturating_sub(1))),
            Self::Unsatisfiable => Some(format!("bytes */{length}")),
        }
    }
}

/// Reads a Range header against a representation of `length` bytes.
///
/// Anything that is not one well-formed byte range is ignored, as RFC 9110, section 14.2 allows: other
/// units, several ranges, bad syntax, a last position before the first. Positions beyond what fits in 64
/// bits are taken as beyond the end. It never panics and allocates nothing.
pub fn parse_range(header: &str, length: u64) -> RangeAnswer {
    let Some((unit, set)) = header.split_once('=') else { return RangeAnswer::Whole };
    if !unit.eq_ignore_ascii_case("bytes") {
        return RangeAnswer::Whole;
    }
    // Empty list elements are allowed and mean nothing (RFC 9110, section 5.6.1.2).
    let mut specs = set.split(',').map(trim).filter(|spec| !spec.is_empty());
    let (Some(spec), None) = (specs.next(), specs.next()) else { return RangeAnswer::Whole };
    let Some((first, last)) = spec.split_once('-') else { return RangeAnswer::Whole };
    match (position(first), position(last)) {
        (Position::At(first), Position::At(last)) => {
            if last < first {
                return RangeAnswer::Whole;
            }
            part(first, last.saturating_add(1).min(length), length)
        }
        (Position::At(first), Position::Absent) => part(first, length, length),
        (Position::Absent, Position::At(0)) => RangeAnswer::Unsatisfiable,
        // The last bytes of nothing are all of nothing, and no Content-Range can say that.
        (Position::Absent, Position::At(_)) if length == 0 => RangeAnswer::Whole,
        (Position::Absent, Position::At(suffix)) => part(length.saturating_sub(suffix), length, length),
        _ => RangeAnswer::Whole,
    }
}

/// Reads Range together with If-Range: a validator that does not hold makes the Range ignored.
///
/// `etag` is the representation's own strong entity tag with its quotes.
pub fn answer_range(range: Option<&str>, if_range: Option<&str>, etag: &str, length: u64) -> RangeAnswer {
    match range {
        Some(header) if if_range.is_none_or(|validator| if_range_holds(validator, etag)) => {
            parse_range(header, length)
        }
        _ => RangeAnswer::Whole,
    }
}

/// Whether an If-Range header names exactly this strong entity tag (RFC 9110, section 8.8.3.2).
///
/// Weak tags never hold. Dates never hold either: we send no Last-Modified.
pub fn if_range_holds(header: &str, etag: &str) -> bool {
    let tag = trim(header);
    tag == etag && tag.len() >= 2 && tag.starts_with('"') && tag.ends_with('"')
}

fn part(start: u64, end: u64, length: u64) -> RangeAnswer {
    if start < length { RangeAnswer::Part { start, end } } else { RangeAnswer::Unsatisfiable }
}

/// Optional white space in HTTP is spaces and tabs only.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

enum Position {
    Absent,
    At(u64),
    Bad,
}

fn position(digits: &str) -> Position {
    if digits.is_empty() {
        return Position::Absent;
    }
    let mut value = 0u64;
    for digit in digits.bytes() {
        if !digit.is_ascii_digit() {
            return Position::Bad;
        }
        value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    }
    Position::At(value)
}

#[cfg(test)]
mod tests {
    use super::RangeAnswer::{Part, Unsatisfiable, Whole};
    use super::*;

    #[test]
    fn single_ranges_of_rfc_9110() {
        for (header, answer) in [
            ("bytes=0-499", Part { start: 0, end: 500 }),
            ("bytes=500-999", Part { start: 500, end: 1_000 }),
            ("bytes=-500", Part { start: 9_500, end: 10_000 }),
            ("bytes=9500-", Part { start: 9_500, end: 10_000 }),
            ("bytes=0-0", Part { start: 0, end: 1 }),
            ("bytes=-1", Part { start: 9_999, end: 10_000 }),
            ("bytes=9999-9999", Part { start: 9_999, end: 10_000 }),
            ("bytes=0-20000", Part { start: 0, end: 10_000 }),
            ("bytes=-20000", Part { start: 0, end: 10_000 }),
            ("bytes=10000-", Unsatisfiable),
            ("bytes=10000-10001", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
        ] {
            assert_eq!(parse_range(header, 10_000), answer, "{header}");
        }
    }

    #[test]
    fn spelling_is_as_free_as_http_makes_it() {
        let answer = Part { start: 1, end: 3 };
        for header in ["BYTES=1-2", "bytes= 1-2 ", "bytes=,1-2", "bytes=1-2,", "bytes= ,\t1-2 ,,"] {
            assert_eq!(parse_range(header, 10), answer, "{header}");
        }
    }

    #[test]
    fn what_is_not_one_byte_range_is_ignored() {
        for header in [
            "",
            "=",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=--1",
            "bytes=1",
            "bytes=1-2-3",
            "bytes=5-4",
            "bytes=0-0,2-2",
            "bytes=0-1,3-",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0x1-2",
            "bytes=1 -2",
            "bytes=1- 2",
            "items=0-1",
            "bytes:0-1",
            "bytes =0-1",
            "bytes=١-٢",
            "bytes=0-1;x",
            "bytes=\u{0}-1",
            "🦀=🦀-🦀",
        ] {
            assert_eq!(parse_range(header, 10), Whole, "{header:?}");
        }
    }

    #[test]
    fn huge_numbers_are_beyond_the_end_and_never_overflow() {
        let nines = "9".repeat(10_000);
        for huge in ["9007199254740992", "18446744073709551615", "18446744073709551616", nines.as_str()] {
            assert_eq!(parse_range(&format!("bytes=0-{huge}"), 10), Part { start: 0, end: 10 });
            assert_eq!(parse_range(&format!("bytes={huge}-"), 10), Unsatisfiable);
            assert_eq!(parse_range(&format!("bytes={huge}-{huge}"), 10), Unsatisfiable);
            assert_eq!(parse_range(&format!("bytes=-{huge}"), 10), Part { start: 0, end: 10 });
        }
    }

    #[test]
    fn an_empty_letter_has_no_part() {
        assert_eq!(parse_range("bytes=0-", 0), Unsatisfiable);
        assert_eq!(parse_range("bytes=0-0", 0), Unsatisfiable);
        assert_eq!(parse_range("bytes=-1", 0), Whole);
        assert_eq!(parse_range("bytes=-0", 0), Unsatisfiable);
    }

    #[test]
    fn if_range_takes_only_the_same_strong_tag() {
        let etag = "\"abc\"";
        let part = Part { start: 0, end: 1 };
        assert_eq!(answer_range(Some("bytes=0-0"), None, etag, 10), part);
        assert_eq!(answer_range(Some("bytes=0-0"), Some("\"abc\""), etag, 10), part);
        for validator in ["W/\"abc\"", "\"abd\"", "abc", "", "*", "Sat, 29 Oct 1994 19:43:31 GMT"] {
            assert_eq!(answer_range(Some("bytes=0-0"), Some(validator), etag, 10), Whole, "{validator}");
        }
        assert_eq!(answer_range(None, Some(etag), etag, 10), Whole);
        assert!(!if_range_holds("W/\"abc\"", "W/\"abc\""));
        assert!(!if_range_holds("", ""));
    }

    #[test]
    fn content_range_says_what_was_sent() {
        assert_eq!(Part { start: 1, end: 3 }.content_range(10).as_deref(), Some("bytes 1-2/10"));
        assert_eq!(Unsatisfiable.content_range(10).as_deref(), Some("bytes */10"));
        assert_eq!(Whole.content_range(10), None);
    }
}
