//! What can be wrong with a token, and how bad that is.

use crate::types::Kid;

/// The text is not a token: chance, a phone or a mail program could have done it. A light strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Damage {
    /// The path segment is longer than [`super::PATH_BYTES_MAX`] bytes.
    #[error("the path is longer than any link with all its damage")]
    PathTooLong,
    /// Too few or too many characters.
    #[error("the text has the wrong number of characters")]
    Length,
    /// A character that is neither of the alphabet nor one that is known to be added on the way.
    #[error("the text has a character that is not of the alphabet")]
    Alphabet,
    /// The two unused bits of the last character are not zero.
    #[error("the unused bits of the last character are not zero")]
    SpareBits,
    /// The last three bytes are not the check over those before them.
    #[error("the check over the token does not hold")]
    Check,
}

impl Damage {
    /// A stable name for logs and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PathTooLong => "path_too_long",
            Self::Length => "length",
            Self::Alphabet => "alphabet",
            Self::SpareBits => "spare_bits",
            Self::Check => "check",
        }
    }
}

impl From<super::crockford::CrockfordError> for Damage {
    fn from(error: super::crockford::CrockfordError) -> Self {
        use super::crockford::CrockfordError as E;
        match error {
            E::Length => Self::Length,
            E::Alphabet => Self::Alphabet,
            E::SpareBits => Self::SpareBits,
        }
    }
}

/// The check holds and the token is still not ours: somebody made it. A heavy strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Forgery {
    /// The version byte is not 1. We never minted one, and damage would have broken the check.
    #[error("version {0} was never minted")]
    Version(u8),
    /// The keyring has no key of this number.
    #[error("there is no key {0}")]
    UnknownKey(Kid),
    /// The tag holds, but the key is past its own not-after: a very old link, or a secret that leaked. Told
    /// apart from [`Forgery::Tag`] because honest people keep old links.
    #[error("key {0} is retired")]
    RetiredKey(Kid),
    /// The tag was not made with the secret of this key.
    #[error("the tag was not made with key {0}")]
    Tag(Kid),
}

impl Forgery {
    /// A stable name for logs and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Version(_) => "version",
            Self::UnknownKey(_) => "unknown_key",
            Self::RetiredKey(_) => "retired_key",
            Self::Tag(_) => "tag",
        }
    }
}

/// Why a text cannot be read as a token of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ParseError {
    /// Not a token.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A token by its check, but of a version that does not exist.
    #[error(transparent)]
    Forged(#[from] Forgery),
}

impl ParseError {
    /// A stable name for logs and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Damaged(damage) => damage.code(),
            Self::Forged(forgery) => forgery.code(),
        }
    }
}
