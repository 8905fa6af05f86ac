//! Mending what mail programs, messengers, phones and people do to a link.
//!
//! One pass over the text on the stack. It only finds the 66 characters that were meant; whether they are a
//! token is for the check and the tag to say, so a generous repair weakens nothing.

use core::fmt;

use super::crockford;
use super::faults::Damage;
use super::parse::{TOKEN_CHARS, TokenText};

/// The longest path segment that is looked at, in bytes as received.
pub const PATH_BYTES_MAX: usize = 512;
/// The characters of an end-to-end key in a link's fragment: 16 bytes.
pub const FRAGMENT_CHARS: usize = 26;

/// One kind of repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Repair {
    /// Upper case became lower case.
    Case = 1,
    /// `o`, `i` or `l` became `0`, `1`, `1`.
    LookAlike = 2,
    /// Punctuation was cut at an end.
    Punctuation = 4,
    /// White space, a line wrap, a hyphen or an invisible character was taken out.
    WhiteSpace = 8,
    /// Percent-encoding was undone.
    PercentEncoding = 16,
    /// The fragment stood in the path, after `%23` or `#`.
    Fragment = 32,
}

impl Repair {
    /// All kinds, in the order they are named to people.
    pub const ALL: [Self; 6] = [
        Self::Case,
        Self::LookAlike,
        Self::Punctuation,
        Self::WhiteSpace,
        Self::PercentEncoding,
        Self::Fragment,
    ];

    /// A stable name for logs and tests.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Case => "case",
            Self::LookAlike => "look_alike",
            Self::Punctuation => "punctuation",
            Self::WhiteSpace => "white_space",
            Self::PercentEncoding => "percent_encoding",
            Self::Fragment => "fragment",
        }
    }
}

/// The kinds of repair that a text needed.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Repairs(u8);

impl Repairs {
    /// Whether this kind was needed.
    pub const fn contains(self, repair: Repair) -> bool {
        self.0 & repair as u8 != 0
    }

    /// Whether the text was clean.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The kinds that were needed, in the order of [`Repair::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Repair> {
        Repair::ALL.into_iter().filter(move |repair| self.contains(*repair))
    }

    const fn add(&mut self, repair: Repair) {
        self.0 |= repair as u8;
    }
}

impl fmt::Debug for Repairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Where a mended link belongs: `/TOKEN`, with `#FRAGMENT` when one stood in the path. `Display` writes
/// that; `Debug` does not, since whoever reads it can open the letter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CleanPath {
    token: TokenText,
    fragment: Option<[u8; FRAGMENT_CHARS]>,
    repairs: Repairs,
}

impl CleanPath {
    /// The 66 characters in the token's alphabet.
    pub const fn token(&self) -> &TokenText {
        &self.token
    }

    /// The 26 characters of an end-to-end key, in the alphabet. `None` when there was none in the path, or
    /// something else stood there.
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_ref().and_then(|fragment| core::str::from_utf8(fragment).ok())
    }

    /// What had to be mended.
    pub const fn repairs(&self) -> Repairs {
        self.repairs
    }
}

impl fmt::Display for CleanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.token)?;
        match self.fragment() {
            Some(fragment) => write!(f, "#{fragment}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for CleanPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CleanPath").field("repairs", &self.repairs).finish_non_exhaustive()
    }
}

/// Finds the token, and the fragment if it stands there too, in a damaged path segment (percent-encoding
/// untouched). The result has the right length and alphabet; its check and tag are still to be verified.
///
/// # Errors
/// [`Damage`] when what is left is not 66 characters of the alphabet.
pub fn repair(segment: &str) -> Result<CleanPath, Damage> {
    let mut buffer = [0u8; PATH_BYTES_MAX];
    let mut repairs = Repairs::default();
    let text = unescape(segment, &mut buffer, &mut repairs)?;
    let (path, after) = match text.split_once('#') {
        Some((path, after)) => (path, Some(after)),
        None => (text, None),
    };
    let token = gather::<TOKEN_CHARS>(path, &mut repairs)?;
    let fragment = after.and_then(|after| {
        repairs.add(Repair::Fragment);
        // Its own repairs are not worth a word: either it becomes a key or it is dropped.
        gather::<FRAGMENT_CHARS>(after, &mut Repairs::default()).ok()
    });
    Ok(CleanPath { token: TokenText::from_symbols(token), fragment, repairs })
}

/// Undoes percent-encoding, also where a gateway encoded it again (`%2523`).
fn unescape<'b>(
    segment: &str,
    buffer: &'b mut [u8; PATH_BYTES_MAX],
    repairs: &mut Repairs,
) -> Result<&'b str, Damage> {
    let mut rest = segment.as_bytes();
    let mut length = 0usize;
    while let Some((&first, after)) = rest.split_first() {
        let (byte, after) = if first == b'%' {
            repairs.add(Repair::PercentEncoding);
            let mut after = after;
            while let [b'2', b'5', inner @ ..] = after
                && escaped(inner).is_some()
            {
                after = inner;
            }
            escaped(after).ok_or(Damage::Alphabet)?
        } else {
            (first, after)
        };
        *buffer.get_mut(length).ok_or(Damage::PathTooLong)? = byte;
        length += 1;
        rest = after;
    }
    let bytes = buffer.get(..length).ok_or(Damage::PathTooLong)?;
    core::str::from_utf8(bytes).map_err(|_| Damage::Alphabet)
}

/// The byte that two hexadecimal digits stand for, and what follows them.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, rest @ ..] = text else { return None };
    let digit = |c: &u8| char::from(*c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some((digit(high)? << 4 | digit(low)?, rest))
}

/// Collects exactly `N` characters of the alphabet: punctuation may stand around them, white space anywhere.
fn gather<const N: usize>(text: &str, repairs: &mut Repairs) -> Result<[u8; N], Damage> {
    let mut symbols = [b'0'; N];
    let mut count = 0usize;
    let mut ended = false;
    for c in text.chars() {
        if let Some(symbol) = crockford::fold(c) {
            if ended {
                return Err(Damage::Alphabet);
            }
            if char::from(symbol) != c {
                repairs.add(if symbol.is_ascii_digit() { Repair::LookAlike } else { Repair::Case });
            }
            *symbols.get_mut(count).ok_or(Damage::Length)? = symbol;
            count += 1;
        } else if is_added_anywhere(c) {
            repairs.add(Repair::WhiteSpace);
        } else if is_added_around(c) {
            repairs.add(Repair::Punctuation);
            ended = count > 0;
        } else {
            return Err(Damage::Alphabet);
        }
    }
    if count == N { Ok(symbols) } else { Err(Damage::Length) }
}

/// White space, invisible characters, hyphens, and the `=` that quoted-printable puts before a line break
/// (browsers drop the break itself and keep the `=`): none of these is ever part of a token.
fn is_added_anywhere(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '=' | '-' | '\u{ad}' | '\u{2010}' | '\u{2011}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Punctuation of a sentence, brackets, quotes and markup around a link.
fn is_added_around(c: char) -> bool {
    matches!(
        c,
        '.' | ','
            | ';'
            | ':'
            | '!'
            | '?'
            | '('
            | ')'
            | '<'
            | '>'
            | '['
            | ']'
            | '{'
            | '}'
            | '\''
            | '"'
            | '`'
            | '*'
            | '_'
            | '~'
            | '|'
            | '\u{2018}'..='\u{201f}' | '\u{2039}' | '\u{203a}' | '\u{ab}' | '\u{bb}' | '\u{2026}'
    )
}
