//! A link in a text that somebody pasted.

use super::classify::{CleanPath, parts};
use super::error::Damage;
use super::parse::Token;
use super::reader::{Pass, Place, Reader, Step, key_behind};

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
///
/// [`classify`]: super::classify()
pub fn find_link(text: &str, accept: impl FnMut(&Token) -> bool) -> Result<FoundLink, Damage> {
    find([(text.as_bytes(), 0)], accept)
}

/// The same for the target of a request: the path and the query apart, and of each as much as [`classify`] reads.
///
/// # Errors
/// As [`find_link`].
///
/// [`classify`]: super::classify()
pub fn find_link_in_target(target: &str, accept: impl FnMut(&Token) -> bool) -> Result<FoundLink, Damage> {
    let (path, query) = parts(target);
    find([(path, 0), (query, target.find('?').unwrap_or_default())], accept)
}

/// Looks through texts that begin at these places of the whole.
fn find<const N: usize>(
    texts: [(&[u8], usize); N],
    mut accept: impl FnMut(&Token) -> bool,
) -> Result<FoundLink, Damage> {
    let mut reader = Reader::new();
    for (text, before) in texts {
        let mut steps = vec![Step::default(); text.len()];
        let found = reader.find(text, &mut steps, |token| accept(token).then_some(()));
        if let Some(((), token, Place { start, end })) = found {
            let key = key_behind(text, end, Pass::Whole).or_else(|| key_behind(text, end, Pass::Broken));
            let clean = CleanPath { token: token.text(), key };
            return Ok(FoundLink { token, clean, start: before + start, end: before + end });
        }
    }
    Err(reader.damage())
}
