//! The terms: one text, known by its hash.

use sha2::{Digest, Sha256};

use super::rules::hidden;
use crate::lang::{Lang, fill};

/// The text that comes with the software, with the sender's name and contact in it.
pub(super) fn brought(lang: Lang, name: &str, contact: &str) -> String {
    fill(lang.default_terms().trim(), &[("sender", &name), ("contact", &contact)])
}

/// The exact text that a recipient agrees to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    text: String,
    sha256: [u8; 32],
}

/// Why a text cannot be the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "terms_")]
pub enum TermsError {
    /// Not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// Nothing but white space.
    #[error("the text is empty")]
    Empty,
    /// Longer than a person reads on a phone.
    #[error("the text is longer than 8,000 characters")]
    TooLong,
    /// Windows line ends. Changing them would change the hash.
    #[error("lines end with CR LF; save the text with LF alone, since every byte counts in its hash")]
    CarriageReturn,
    /// Characters that nobody sees.
    #[error("the text holds control characters, a byte order mark or invisible direction marks")]
    Hidden,
    /// Nobody puts anything in its place.
    #[error(
        "the text holds {{sender}} or {{contact}}; a pushed text is shown as it is, so write the name itself"
    )]
    Placeholder,
    /// A consent has to say to whom.
    #[error("the text must name the sender as SITE.name in wrangler.toml does")]
    Sender,
}

codes!(TermsError);

impl Terms {
    /// The longest terms text, in characters. It must be read on a phone.
    pub const MAX_CHARS: usize = 8_000;

    /// The longest terms text, in bytes.
    pub const MAX_BYTES: usize = 4 * Self::MAX_CHARS;

    /// A text that was found good before.
    pub fn of(text: String) -> Self {
        let sha256 = Sha256::digest(text.as_bytes()).into();
        Self { text, sha256 }
    }

    /// A text as the sender pushes it: shown as it is, to the byte. `sender`: the name that it has to hold; not known to
    /// whoever only wants to know whether the text can be terms at all.
    ///
    /// # Errors
    /// Why it cannot be shown as terms.
    pub fn pushed(bytes: &[u8], sender: Option<&str>) -> Result<Self, TermsError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(TermsError::TooLong);
        }
        let text = core::str::from_utf8(bytes).map_err(|_| TermsError::NotUtf8)?;
        if text.trim().is_empty() {
            return Err(TermsError::Empty);
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(TermsError::TooLong);
        }
        if text.contains("\r\n") {
            return Err(TermsError::CarriageReturn);
        }
        if text.chars().any(|c| hidden(c) && c != '\n') {
            return Err(TermsError::Hidden);
        }
        if text.contains("{sender}") || text.contains("{contact}") {
            return Err(TermsError::Placeholder);
        }
        if sender.is_some_and(|sender| !text.contains(sender)) {
            return Err(TermsError::Sender);
        }
        Ok(Self::of(text.to_owned()))
    }

    /// The text, as shown: lines end with a line feed, paragraphs are parted by an empty line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 over the UTF-8 bytes of [`Terms::text`].
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The hash as 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.sha256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pushed_text_keeps_every_byte() {
        let text = "Garage Vermeer sends you this report.\n\n1. <b>Not</b> bold & \"quoted\".\n";
        let terms = Terms::pushed(text.as_bytes(), Some("Garage Vermeer"));
        assert_eq!(terms.as_ref().map(Terms::text), Ok(text));
        assert_eq!(
            terms.map(|terms| terms.hex()),
            Ok(data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes())))
        );
    }

    #[test]
    fn what_cannot_be_terms_is_named() {
        let refused = |bytes: &[u8]| Terms::pushed(bytes, Some("Vermeer")).err();
        assert_eq!(refused(b"Vermeer \xff"), Some(TermsError::NotUtf8));
        assert_eq!(refused(b" \n\n "), Some(TermsError::Empty));
        assert_eq!(refused("Vermeer é".repeat(900).as_bytes()), Some(TermsError::TooLong));
        assert_eq!(refused(&[b'a'; Terms::MAX_BYTES + 1]), Some(TermsError::TooLong));
        assert_eq!(refused(b"Vermeer\r\nasks"), Some(TermsError::CarriageReturn));
        for hidden in [
            "\u{feff}Vermeer",
            "Ver\u{202e}meer Vermeer",
            "Ver\u{61c}meer Vermeer",
            "Ver\u{3164}meer Vermeer",
            "Vermeer\u{e0041}",
            "Vermeer\t",
            "Vermeer\0",
            "Vermeer\r",
        ] {
            assert_eq!(refused(hidden.as_bytes()), Some(TermsError::Hidden), "{hidden:?}");
        }
        assert_eq!(refused(b"{sender} or Vermeer"), Some(TermsError::Placeholder));
        assert_eq!(refused(b"Somebody asks"), Some(TermsError::Sender));
        assert_eq!(Terms::pushed(b"Somebody asks", None).map(|_| ()), Ok(()));
    }
}
