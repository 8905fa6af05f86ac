//! A link as people paste it: `https://HOST/TOKEN#KEY`, a bare token, with or without what mail did to it.

use waxseal::token::{CleanPath, ParseError, TOKEN_CHARS, Token, repair};
use zeroize::Zeroizing;

use crate::failure::{Coded, USAGE};
use crate::origin::{Origin, OriginError};

/// The parts of a link. Nothing is verified yet.
pub(crate) struct Link {
    /// Where it leads; `None` for a bare token.
    pub(crate) origin: Option<Origin>,
    /// The first path segment, as received.
    pub(crate) segment: String,
    /// What follows the `#`: the key of an end-to-end letter. Never shown.
    pub(crate) fragment: Option<Zeroizing<String>>,
}

/// Why a text is no link. The text itself is not repeated: it may hold a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// Nothing was given.
    #[error("the link is empty: give the whole link from the message, such as https://letters.example/TOKEN")]
    Empty,
    /// The part before the token is not an address we call.
    #[error("the address in the link is not usable: {0}")]
    Origin(#[from] OriginError),
    /// No token follows the host.
    #[error(
        "the link has no token after the host name: give the whole link, such as https://letters.example/TOKEN"
    )]
    NoToken,
    /// A bare token where a host is needed.
    #[error(
        "a bare token does not say where the letter is: give the whole link, or add --url https://letters.example"
    )]
    NoHost,
    /// The link was to be read from standard input, and that failed.
    #[error("the link could not be read from standard input: {0}")]
    Input(std::io::Error),
}

impl Coded for LinkError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "link_empty",
            Self::Origin(_) => "link_address",
            Self::NoToken => "link_no_token",
            Self::NoHost => "link_no_host",
            Self::Input(_) => "link_input",
        }
    }

    fn exit(&self) -> u8 {
        USAGE
    }
}

impl Link {
    /// Reads the argument, or standard input when it is `-` (so that a key need not stand in the process list).
    pub(crate) fn from_argument(argument: &str) -> Result<Self, LinkError> {
        if argument != "-" {
            return Self::parse(argument);
        }
        let mut line = Zeroizing::new(String::new());
        std::io::stdin().read_line(&mut line).map_err(LinkError::Input)?;
        Self::parse(&line)
    }

    /// Splits a link or a bare token.
    pub(crate) fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim().trim_start_matches(['<', '"', '\'', '(']);
        if text.is_empty() {
            return Err(LinkError::Empty);
        }
        let (origin, rest) = match text.split_once("://") {
            None => (None, text),
            Some((scheme, rest)) => {
                let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
                let (host, path) = rest.split_at(end);
                let origin: Origin = format!("{scheme}://{host}").parse()?;
                (Some(origin), path.strip_prefix('/').ok_or(LinkError::NoToken)?)
            }
        };
        let (path, fragment) = match rest.split_once('#') {
            Some((path, fragment)) => (path, Some(fragment)),
            None => (rest, None),
        };
        let end = path.find(['/', '?']).unwrap_or(path.len());
        let (segment, _) = path.split_at(end);
        if segment.is_empty() {
            return Err(LinkError::NoToken);
        }
        Ok(Self {
            origin,
            segment: segment.to_owned(),
            fragment: fragment.filter(|f| !f.is_empty()).map(|f| Zeroizing::new(f.to_owned())),
        })
    }

    /// Whether this can be a token at all and not, say, a letter's UUID.
    pub(crate) fn looks_like_token(text: &str) -> bool {
        text.contains("://") || text.len() >= TOKEN_CHARS
    }
}

/// The token behind a segment, mended if need be, without any key: nothing is verified.
pub(crate) fn read_token(segment: &str) -> (Result<Token, ParseError>, Option<CleanPath>) {
    match Token::parse(segment) {
        Err(ParseError::Damaged(_)) => match repair(segment) {
            Ok(clean) => (Token::parse(clean.token().as_str()), Some(clean)),
            Err(damage) => (Err(damage.into()), None),
        },
        other => (other, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<String>, String, Option<String>) {
        let link = Link::parse(text).unwrap();
        (link.origin.map(|o| o.to_string()), link.segment, link.fragment.map(|f| f.to_string()))
    }

    #[test]
    fn links_and_tokens_are_split() {
        let host = Some("https://letters.example".to_owned());
        assert_eq!(parts("abc"), (None, "abc".into(), None));
        assert_eq!(parts("https://letters.example/abc"), (host.clone(), "abc".into(), None));
        assert_eq!(
            parts(" <https://letters.example/abc#key\n"),
            (host.clone(), "abc".into(), Some("key".into()))
        );
        assert_eq!(
            parts("https://letters.example/abc/report?x=1#k"),
            (host.clone(), "abc".into(), Some("k".into()))
        );
        assert_eq!(parts("https://letters.example/abc%23key."), (host, "abc%23key.".into(), None));
    }

    #[test]
    fn what_is_no_link_is_refused() {
        assert!(matches!(Link::parse(" "), Err(LinkError::Empty)));
        assert!(matches!(Link::parse("https://letters.example"), Err(LinkError::NoToken)));
        assert!(matches!(Link::parse("https://letters.example/#k"), Err(LinkError::NoToken)));
        assert!(matches!(Link::parse("http://letters.example/abc"), Err(LinkError::Origin(_))));
    }
}
