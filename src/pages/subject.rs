//! How much room a subject takes, so that a long one is set smaller and the choice stays on the first screen.

/// How long a subject is on the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// Two lines on a phone.
    Short,
    /// Set smaller.
    Long,
    /// Set as small as the text around it.
    Longer,
    /// Small, and on a phone only its first lines, until the reader opens it.
    Endless,
}

impl Length {
    /// Of this subject.
    pub(crate) fn of(subject: &str) -> Self {
        match subject.chars().map(halves).sum::<usize>() / 2 {
            0..=52 => Self::Short,
            53..=84 => Self::Long,
            85..=125 => Self::Longer,
            _ => Self::Endless,
        }
    }

    /// Its name in the style sheet.
    pub(crate) const fn class(self) -> Option<&'static str> {
        match self {
            Self::Short => None,
            Self::Long => Some("long"),
            Self::Longer => Some("longer"),
            Self::Endless => Some("longest"),
        }
    }
}

/// The width of a character, in halves of a small letter's: capitals are wider, and what China, Japan and Korea write is
/// twice as wide.
const fn halves(c: char) -> usize {
    match c {
        'A'..='Z' => 3,
        '\u{1100}'.. => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_as_long_as_it_is_wide() {
        let of = |text: &str, times| Length::of(&text.repeat(times));
        assert_eq!([of("x", 52), of("x", 53), of("x", 84)], [Length::Short, Length::Long, Length::Long]);
        assert_eq!(
            [of("x", 85), of("x", 125), of("x", 126)],
            [Length::Longer, Length::Longer, Length::Endless]
        );
        assert_eq!([of("X", 36), of("漢", 27), of("é", 52)], [Length::Long, Length::Long, Length::Short]);
    }
}
