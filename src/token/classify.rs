//! From what a request asks for to what to do about it.

use core::fmt;

use super::faults::{Damage, Forgery};
use super::keyring::Keyring;
use super::parse::{TOKEN_CHARS, Token, TokenText};
use super::reader::{FRAGMENT_CHARS, Place, Reader, Step, key_behind};
use crate::types::{Kid, LetterId, UnixSeconds};

/// How much of a path is read, and as much again of a query, in bytes as received. What follows is not looked at.
pub const PATH_BYTES_MAX: usize = 512;

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
    /// `/TOKEN`, or a path below it: serve.
    Valid(Verified),
    /// A genuine token, spelled otherwise or with anything around it: redirect to the clean path.
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
        /// How it is spelled, if it came otherwise.
        clean: Option<CleanPath>,
    },
    /// No token: the silent answer, a light strike.
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

/// Where a link belongs: `/TOKEN`, with `#KEY` when one stood behind the token. `Display` writes that; `Debug`
/// does not, since whoever reads it can open the letter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CleanPath {
    pub(super) token: TokenText,
    pub(super) key: Option<[u8; FRAGMENT_CHARS]>,
}

impl CleanPath {
    /// The token's one spelling.
    pub const fn token(&self) -> &TokenText {
        &self.token
    }

    /// The 26 characters of an end-to-end key, in the alphabet, if there were any behind the token.
    pub fn fragment(&self) -> Option<&str> {
        self.key.as_ref().and_then(|key| core::str::from_utf8(key).ok())
    }
}

impl fmt::Display for CleanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.token)?;
        match self.fragment() {
            Some(key) => write!(f, "#{key}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for CleanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanPath").field("key", &self.key.is_some()).finish_non_exhaustive()
    }
}

/// Classifies what a request asks for at `now`: the path, and the query behind the first `?`, exactly as received.
///
/// The first token whose tag holds decides, wherever it stands: first in the path, then in the query. Never panics
/// and allocates nothing, whatever the text.
///
/// ```
/// use waxseal::token::{Class, Keyring, classify, mint};
/// use waxseal::types::{LetterId, UnixSeconds};
///
/// let keyring = Keyring::new([7; 32]);
/// let (now, end) = (UnixSeconds(1_770_000_000), UnixSeconds(1_780_000_000));
/// let token = mint(keyring.active(), LetterId([1; 16]), end)?;
///
/// assert!(matches!(classify(&format!("/{token}/receipt"), &keyring, now), Class::Valid(_)));
///
/// let mangled = format!("/letters.example/{}%23{}%3E&fbclid=1", token.to_string().to_uppercase(), "0".repeat(26));
/// let Class::Repairable { clean, .. } = classify(&mangled, &keyring, now) else { panic!("a genuine tag is in it") };
/// assert_eq!(clean.to_string(), format!("/{token}#{}", "0".repeat(26)));
///
/// assert_eq!(classify("/wp-login.php", &keyring, now).code(), "damaged");
/// # Ok::<(), waxseal::token::MintError>(())
/// ```
pub fn classify(target: &str, keyring: &Keyring, now: UnixSeconds) -> Class {
    let target = target.as_bytes();
    let length = target.iter().position(|c| *c == b'?').unwrap_or(target.len());
    let (whole, query) = target.split_at_checked(length).unwrap_or((target, b""));
    let (path, query) = (beginning(whole), beginning(query));
    let (mut reader, mut steps) = (Reader::new(), [Step::default(); PATH_BYTES_MAX]);
    let mut forgery = None;
    let mut judge = |token: &Token| match token.verify(keyring, now) {
        Ok(verified) => Some(verified),
        Err(fault) => {
            forgery = forgery.max(Some(fault));
            None
        }
    };
    let (verified, token, place, in_path) = match reader.find(path, &mut steps, &mut judge) {
        Some((verified, token, place)) => (verified, token, place, true),
        None => match reader.find(query, &mut steps, &mut judge) {
            Some((verified, token, place)) => (verified, token, place, false),
            None => return forgery.map_or(Class::Damaged(reader.damage()), Class::Forged),
        },
    };
    let text = token.text();
    let key = if in_path {
        key_behind(path, place.end).or_else(|| key_behind(query, 0))
    } else {
        key_behind(query, place.end)
    };
    let clean = !(in_path && key.is_none() && is_clean(path, place, &text));
    let clean = clean.then_some(CleanPath { token: text, key });
    match clean {
        clean if now >= verified.not_after => Class::Closed { verified, clean },
        Some(clean) => Class::Repairable { verified, clean },
        None => Class::Valid(verified),
    }
}

fn beginning(text: &[u8]) -> &[u8] {
    text.get(..PATH_BYTES_MAX).unwrap_or(text)
}

/// Whether the path is `/TOKEN` or one below it. A token without the slash counts as one.
fn is_clean(path: &[u8], place: Place, text: &TokenText) -> bool {
    let Some((before, after)) = path.split_at_checked(place.start) else { return false };
    let behind = after.strip_prefix(text.as_str().as_bytes());
    matches!(before, b"" | b"/")
        && matches!(behind, Some([] | [b'/', ..]))
        && place.end - place.start == TOKEN_CHARS
}

/// The words behind a token that mean something, `/TOKEN/consent` and its like.
const ACTIONS: [&str; 12] = [
    "accept",
    "confirm",
    "consent",
    "history",
    "message",
    "pin",
    "receipt",
    "receipt.json",
    "refuse",
    "report",
    "undo",
    "withdraw",
];

/// What a path asks for, however its token is spelled and whatever stands between: its last segment that is not
/// empty, if that is a word that means something. Punctuation around it does not count.
pub fn action(path: &str) -> Option<&'static str> {
    let last = path.rsplit('/').find(|segment| !segment.is_empty())?;
    let last = last.rsplit_once("%2F").or(last.rsplit_once("%2f")).map_or(last, |(_, after)| after);
    let word = last.trim_matches(|c: char| c.is_ascii_punctuation());
    ACTIONS.into_iter().find(|action| *action == word)
}
