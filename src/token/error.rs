//! What can be wrong with a token, and how bad that is.

use crate::types::Kid;

/// There is no token in the text: chance, a phone or a mail program could have done it. A light strike. In the order of
/// how near it comes.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Damage {
    /// Nothing in it begins like a token.
    #[error("nothing in the text begins like a token")]
    Absent,
    /// What begins like a token has not 66 characters.
    #[error("the token is cut: it has fewer than 66 characters")]
    Length,
    /// A character that is not of the alphabet, where the one spelling is asked for.
    #[error("the text has a character that is not of the alphabet")]
    Alphabet,
    /// The two unused bits of the last character are not zero.
    #[error("the unused bits of the last character are not zero")]
    SpareBits,
    /// The last three bytes are not the check over those before them.
    #[error("a character of the token is another or is missing: its check does not hold")]
    Check,
}

codes!(Damage);

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

/// The check holds and the token is still not ours: somebody made it. A heavy strike. Of several tokens in one text the
/// greatest counts.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error, strum::IntoStaticStr,
)]
#[strum(serialize_all = "snake_case")]
pub enum Forgery {
    /// The keyring has no key of this number.
    #[error("there is no key {0}")]
    UnknownKey(Kid),
    /// The tag was not made with the secret of this key.
    #[error("the tag was not made with key {0}")]
    Tag(Kid),
    /// The tag holds, but the key is past its own not-after: a very old link, or a secret that leaked. Told
    /// apart from [`Forgery::Tag`], and before it, because honest people keep old links.
    #[error("key {0} is retired")]
    RetiredKey(Kid),
}

codes!(Forgery);
