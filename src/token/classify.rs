//! From what stands in the path to what to do about it.

use super::faults::{Damage, Forgery, ParseError};
use super::keyring::Keyring;
use super::parse::Token;
use super::repair::{CleanPath, PATH_BYTES_MAX, repair};
use crate::types::{Kid, LetterId, UnixSeconds};

/// What a token says once its tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The key it was made with.
    pub kid: Kid,
    /// The letter it opens.
    pub letter: LetterId,
    /// The first second in which it no longer does.
    pub not_after: UnixSeconds,
}

/// The five classes of the design. The edge answers each in its own way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Everything holds: serve.
    Valid(Verified),
    /// Everything holds once the way's damage is mended: redirect to the clean path.
    Repairable {
        /// What the token says.
        verified: Verified,
        /// Where to redirect to.
        clean: CleanPath,
    },
    /// The tag holds and the link has expired: a page in words.
    Closed {
        /// What the token says.
        verified: Verified,
        /// How it is spelled, if it came damaged.
        clean: Option<CleanPath>,
    },
    /// Not a token: the silent answer, a light strike.
    Damaged(Damage),
    /// Made by somebody without the secret: the silent answer, a heavy strike.
    Forged(Forgery),
}

impl Class {
    /// A stable name for logs, vectors and tests.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Valid(_) => "valid",
            Self::Repairable { .. } => "repairable",
            Self::Closed { .. } => "closed",
            Self::Damaged(_) => "damaged",
            Self::Forged(_) => "forged",
        }
    }

    /// What the token says, when its tag holds: the sign of a known person.
    pub const fn verified(&self) -> Option<&Verified> {
        match self {
            Self::Valid(verified) | Self::Repairable { verified, .. } | Self::Closed { verified, .. } => {
                Some(verified)
            }
            Self::Damaged(_) | Self::Forged(_) => None,
        }
    }
}

/// Classifies the first path segment of a request at `now`.
///
/// `segment` is what follows the first `/` up to the next `/` or `?`, exactly as received: percent-encoding
/// untouched. The clean spelling is tried first, and only when that is damaged are repairs tried. Never
/// panics and allocates nothing, whatever the text.
pub fn classify(segment: &str, keyring: &Keyring, now: UnixSeconds) -> Class {
    if segment.len() > PATH_BYTES_MAX {
        return Class::Damaged(Damage::PathTooLong);
    }
    match Token::parse(segment) {
        Ok(token) => judge(&token, None, keyring, now),
        Err(ParseError::Forged(forgery)) => Class::Forged(forgery),
        Err(ParseError::Damaged(_)) => mend(segment, keyring, now),
    }
}

fn mend(segment: &str, keyring: &Keyring, now: UnixSeconds) -> Class {
    let clean = match repair(segment) {
        Ok(clean) => clean,
        Err(damage) => return Class::Damaged(damage),
    };
    match Token::parse(clean.token().as_str()) {
        Ok(token) => judge(&token, Some(clean), keyring, now),
        Err(ParseError::Forged(forgery)) => Class::Forged(forgery),
        Err(ParseError::Damaged(damage)) => Class::Damaged(damage),
    }
}

fn judge(token: &Token, clean: Option<CleanPath>, keyring: &Keyring, now: UnixSeconds) -> Class {
    match (token.verify(keyring, now), clean) {
        (Err(forgery), _) => Class::Forged(forgery),
        (Ok(verified), clean) if now >= verified.not_after => Class::Closed { verified, clean },
        (Ok(verified), Some(clean)) => Class::Repairable { verified, clean },
        (Ok(verified), None) => Class::Valid(verified),
    }
}
