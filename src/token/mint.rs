//! Making a token.

use super::{Token, TokenText, site_key::SiteKey};
use crate::types::{LetterId, UnixSeconds};

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum MintError {
    /// A token holds its not-after in 32 bits, which end in February 2106.
    #[error("a link cannot be valid beyond 7 February 2106")]
    TooLate,
    /// The key stops verifying before the token would expire: the link would die early.
    #[error("the key is retired from second {key_end}, before the link would expire")]
    OutlivesKey {
        /// The key's own not-after, in Unix seconds.
        key_end: u64,
    },
}

codes!(MintError);

/// Makes the token that opens `letter` while the time is before `not_after`. Allocates nothing.
///
/// ```
/// use waxseal::token::{MintError, SiteKey, mint};
/// use waxseal::types::{Kid, LetterId, UnixSeconds};
///
/// let key = SiteKey::new(Kid(1), [7; 32], None);
/// let token = mint(&key, LetterId([1; 16]), UnixSeconds(1_780_000_000))?;
/// assert_eq!(token.as_str().len(), 66);
///
/// let retired = SiteKey::new(Kid(1), [7; 32], Some(UnixSeconds(1_770_000_000)));
/// assert!(matches!(mint(&retired, LetterId([1; 16]), UnixSeconds(1_780_000_000)), Err(MintError::OutlivesKey { .. })));
/// # Ok::<(), MintError>(())
/// ```
///
/// # Errors
/// When `not_after` does not fit 32 bits, or lies beyond the key's own not-after.
pub fn mint(key: &SiteKey, letter: LetterId, not_after: UnixSeconds) -> Result<TokenText, MintError> {
    let seconds = u32::try_from(not_after.0).map_err(|_| MintError::TooLate)?;
    if let Some(end) = key.not_after()
        && end < not_after
    {
        return Err(MintError::OutlivesKey { key_end: end.0 });
    }
    Ok(Token::sign(key, letter, seconds).text())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Kid;

    const LETTER: LetterId = LetterId([3; 16]);

    #[test]
    fn the_last_second_of_32_bits_is_the_limit() {
        let key = SiteKey::new(Kid(1), [7; 32], None);
        assert!(mint(&key, LETTER, UnixSeconds(u32::MAX.into())).is_ok());
        let late = UnixSeconds(u64::from(u32::MAX) + 1);
        assert_eq!(mint(&key, LETTER, late), Err(MintError::TooLate));
    }

    #[test]
    fn no_token_outlives_its_key() {
        let key = SiteKey::new(Kid(1), [7; 32], Some(UnixSeconds(1000)));
        assert!(mint(&key, LETTER, UnixSeconds(1000)).is_ok());
        assert_eq!(mint(&key, LETTER, UnixSeconds(1001)), Err(MintError::OutlivesKey { key_end: 1000 }));
    }

    #[test]
    fn a_minted_token_parses_to_what_was_minted() {
        let key = SiteKey::new(Kid(200), [7; 32], None);
        let text = mint(&key, LETTER, UnixSeconds(1_700_000_000)).unwrap();
        let token = Token::parse(text.as_str()).unwrap();
        assert_eq!(
            (token.kid(), token.letter(), token.not_after()),
            (Kid(200), LETTER, UnixSeconds(1_700_000_000))
        );
        assert_eq!(token.text(), text);
        assert_eq!(format!("{text:?}"), "TokenText(..)");
    }
}
