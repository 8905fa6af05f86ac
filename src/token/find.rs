//! A link in a text that somebody pasted.

use super::classify::CleanPath;
use super::faults::Damage;
use super::parse::Token;
use super::reader::{Place, Reader, Step, key_behind};

/// A token in a text that somebody pasted, and the key behind it. Nothing is verified beyond what [`find_link`] was
/// asked to accept.
pub struct FoundLink {
    /// The token.
    pub token: Token,
    /// How the link is spelled.
    pub clean: CleanPath,
    /// Where in the text the token begins, in bytes.
    pub start: usize,
    /// Where what follows it begins.
    pub end: usize,
}

/// Finds a link in a text that somebody pasted: the first token that `accept` accepts, whatever stands around it,
/// read as [`classify`] reads a path. Without a keyring `|_| true` takes the first whose check holds. At most eight
/// are asked for. The work grows with the text: the caller limits it.
///
/// # Errors
/// [`Damage`]: no token whose check holds, or none that was accepted.
pub fn find_link(text: &str, mut accept: impl FnMut(&Token) -> bool) -> Result<FoundLink, Damage> {
    let (mut reader, mut steps) = (Reader::new(), vec![Step::default(); text.len()]);
    let found = reader.find(text.as_bytes(), &mut steps, |token| accept(token).then_some(()));
    let ((), token, Place { start, end }) = found.ok_or(reader.damage())?;
    let clean = CleanPath { token: token.text(), key: key_behind(text.as_bytes(), end) };
    Ok(FoundLink { token, clean, start, end })
}
