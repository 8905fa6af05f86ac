//! From what a request asks for to what to do about it.

use core::fmt;

use super::error::{Damage, Forgery};
use super::keyring::Keyring;
use super::parse::{Token, TokenText};
use super::reader::{FRAGMENT_CHARS, Pass, Place, Reader, Step, key_behind};
use crate::types::{Kid, LetterId, UnixSeconds};

/// How much of a path is read, and as much again of a query, in bytes as received. What follows is not looked at. A token
/// and a key of which every character came full-width and percent-encoded take 838.
pub const PATH_BYTES_MAX: usize = 1_024;

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
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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

codes!(Class);

impl Class {
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
    let (path, query) = parts(target);
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
    let behind = if in_path { path } else { query };
    // Behind a path with the token in it a query is of trackers, and what they have of `#` and letters is no key: it would
    // replace the one that the reader's browser kept. Only a whole one is taken there.
    let key = key_behind(behind, place.end, Pass::Whole)
        .or_else(|| in_path.then(|| key_behind(query, 0, Pass::Whole)).flatten())
        .or_else(|| key_behind(behind, place.end, Pass::Broken));
    let clean = !(in_path && key.is_none() && is_clean(path, place, &text));
    let clean = clean.then_some(CleanPath { token: text, key });
    match clean {
        clean if now >= verified.not_after => Class::Closed { verified, clean },
        Some(clean) => Class::Repairable { verified, clean },
        None => Class::Valid(verified),
    }
}

/// What is read of a request's target: of the path, and of the query from its `?` on.
pub(super) fn parts(target: &str) -> (&[u8], &[u8]) {
    let target = target.as_bytes();
    let length = target.iter().position(|c| *c == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at_checked(length).unwrap_or((target, b""));
    let beginning = |text| <[u8]>::get(text, ..PATH_BYTES_MAX).unwrap_or(text);
    (beginning(path), beginning(query))
}

/// Whether the path is `/TOKEN` or one below it. A token without the slash counts as one.
fn is_clean(path: &[u8], place: Place, text: &TokenText) -> bool {
    let Some((before, after)) = path.split_at_checked(place.start) else { return false };
    let behind = after.strip_prefix(text.as_str().as_bytes());
    matches!(before, b"" | b"/") && matches!(behind, Some([] | [b'/', ..]))
}

/// What is asked for behind a token, `/TOKEN/consent` and its like. The code is the word in the path, and in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum LinkAction {
    /// The answer to a challenge.
    Confirm,
    /// To consent.
    Consent,
    /// The same customer's other letters.
    History,
    /// The proof of a consent or a refusal, as a page.
    Receipt,
    /// The same for programs.
    #[strum(to_string = "receipt.json")]
    ReceiptJson,
    /// To refuse.
    Refuse,
    /// The report itself.
    Report,
    /// To undo a decline.
    Undo,
    /// To withdraw consent.
    Withdraw,
}

codes!(LinkAction);

/// What a path asks for, however its token is spelled and whatever stands between: the word that its last segment begins
/// with, if that is one that means something. Punctuation and escapes before the word do not count, nor does what follows
/// its letters; a segment of nothing else is none.
pub fn action(path: &str) -> Option<LinkAction> {
    let segments = path.split('/').flat_map(|part| part.split("%2F")).flat_map(|part| part.split("%2f"));
    let last = segments.map(without_punctuation).filter(|segment| !segment.is_empty()).last()?;
    let end = last.find(|c: char| !c.is_ascii_alphabetic() && c != '.').unwrap_or(last.len());
    let letters = last.get(..end)?.trim_end_matches('.');
    letters.parse().or_else(|_| letters.split('.').next().unwrap_or_default().parse()).ok()
}

/// What follows the punctuation and the escapes that a segment begins with.
fn without_punctuation(mut segment: &str) -> &str {
    loop {
        segment = segment.trim_start_matches(|c: char| c != '%' && !c.is_ascii_alphanumeric());
        let Some(after) = segment.strip_prefix('%') else { return segment };
        let digits = after.get(..2).filter(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
        segment = digits.and_then(|_| after.get(2..)).unwrap_or(after);
    }
}
