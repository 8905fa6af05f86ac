//! A link as people paste it: `https://HOST/TOKEN#KEY`, a bare token, a whole message around it, with or without what
//! mail did to it.

use std::io::{IsTerminal, Read};

use percent_encoding::percent_decode_str;
use waxseal::token::{FoundLink, Token, find_link};
use zeroize::Zeroizing;

use crate::error::coded;
use crate::origin::{Origin, OriginError};

/// As much is read of a text with a link in it.
const TEXT_BYTES_MAX: u64 = 64 * 1024;
/// Encodings of an address inside an address that are undone.
const ENCODINGS_MAX: usize = 3;

/// A text that holds a link. Nothing is verified yet.
pub(crate) struct Link(Zeroizing<String>);

/// Why a text is no link. The text itself is not repeated: it may hold a key.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "link_")]
pub(crate) enum LinkError {
    #[error("the link is empty: give the whole link from the message, such as https://letters.example/TOKEN")]
    Empty,
    #[error("the address in the link is not usable: {0}")]
    #[strum(to_string = "address")]
    Origin(#[from] OriginError),
    #[error("there is no token in the link: give the whole link, such as https://letters.example/TOKEN")]
    NoToken,
    #[error(
        "a bare token does not say where the letter is: give the whole link, or add --url https://letters.example"
    )]
    NoHost,
    #[error("the link could not be read from standard input: {0}")]
    Input(std::io::Error),
}

coded!(LinkError: usage);

impl Link {
    /// Reads the argument, or standard input when it is `-` (so that a key need not stand in the process list): a line
    /// from a terminal, else all of it.
    pub(crate) fn from_argument(argument: &str) -> Result<Self, LinkError> {
        if argument != "-" {
            return Self::new(argument);
        }
        let mut line = Zeroizing::new(String::new());
        let input = std::io::stdin();
        if input.is_terminal() {
            input.read_line(&mut line).map_err(LinkError::Input)?;
            return Self::new(&line);
        }
        let mut bytes = Zeroizing::new(Vec::new());
        input.lock().take(TEXT_BYTES_MAX).read_to_end(&mut bytes).map_err(LinkError::Input)?;
        Self::new(&String::from_utf8_lossy(&bytes))
    }

    /// A text that may hold a link.
    pub(crate) fn new(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.is_empty() { Err(LinkError::Empty) } else { Ok(Self(Zeroizing::new(text.to_owned()))) }
    }

    /// The first token that `accept` accepts, and its key.
    pub(crate) fn find(
        &self,
        accept: impl FnMut(&Token) -> bool,
    ) -> Result<FoundLink, waxseal::token::Damage> {
        find_link(&self.0, accept)
    }

    /// Where the token that was found leads: the address that stands right before it, also when another address holds
    /// both. `None` for a bare token.
    pub(crate) fn origin(&self, found: &FoundLink) -> Result<Option<Origin>, OriginError> {
        let mut before =
            self.0.get(..found.start).unwrap_or_default().replace("=\r\n", "").replace("=\n", "");
        for _ in 0..ENCODINGS_MAX {
            before = percent_decode_str(&before).decode_utf8_lossy().into_owned();
        }
        let Some((words, address)) = before.rsplit_once("://") else { return Ok(None) };
        let scheme = words.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let host = address.split(['/', '?', '#']).next().unwrap_or_default();
        // An address that ends before the token is another sentence's.
        let apart = address.contains(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"'));
        if apart { Ok(None) } else { format!("{scheme}://{host}").parse().map(Some) }
    }

    /// What follows the `#` behind the token, key or not.
    pub(crate) fn fragment(&self, found: &FoundLink) -> Option<Zeroizing<String>> {
        let text = found.clean.fragment().or_else(|| {
            let (_, after) = self.0.get(found.end..)?.split_once('#')?;
            (!after.is_empty()).then_some(after)
        });
        text.map(|text| Zeroizing::new(text.to_owned()))
    }

    /// Whether the link is spelled as it was made, and nothing else is there.
    pub(crate) fn is_clean(&self, found: &FoundLink) -> bool {
        let (before, rest) = self.0.split_at_checked(found.start).unwrap_or_default();
        let Some(after) = rest.strip_prefix(found.clean.token().as_str()) else { return false };
        let (path, fragment) = after.split_once('#').unwrap_or((after, ""));
        let address = before.strip_suffix('/').is_none_or(|origin| origin.parse::<Origin>().is_ok());
        (before.is_empty() || before.ends_with('/') && address)
            && (path.is_empty() || path.starts_with(['/', '?']))
            && fragment == found.clean.fragment().unwrap_or_default()
    }

    /// Whether this can be a token at all and not, say, a letter's UUID.
    pub(crate) fn looks_like_token(text: &str) -> bool {
        text.contains("://") || text.len() >= waxseal::token::TOKEN_CHARS
    }
}
