//! Making tokens and links: one place, used by `seal` and `mint`.

use waxseal::token::{MintError, SiteKey, mint};
use waxseal::types::{LetterId, UnixSeconds};

use crate::error::{Coded, USAGE};
use crate::origin::Origin;
use crate::when;

/// Why no link was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("--expires {0} is in the past: give a later time, such as 30d")]
    Past(String),
    #[error("--expires {at}: {error}")]
    Mint { at: String, error: MintError },
}

impl Coded for AddressError {
    fn code(&self) -> &'static str {
        match self {
            Self::Past(_) => "expires_in_the_past",
            Self::Mint { error: MintError::TooLate, .. } => "expires_too_late",
            Self::Mint { error: MintError::OutlivesKey { .. }, .. } => "expires_after_key",
        }
    }

    fn exit(&self) -> u8 {
        USAGE
    }
}

/// The token of a letter until `not_after`.
pub(crate) fn token(
    key: &SiteKey,
    letter: LetterId,
    not_after: UnixSeconds,
    now: UnixSeconds,
) -> Result<String, AddressError> {
    if not_after <= now {
        return Err(AddressError::Past(when::rfc3339(not_after)));
    }
    let token = mint(key, letter, not_after);
    let token = token.map_err(|error| AddressError::Mint { at: when::rfc3339(not_after), error })?;
    Ok(token.as_str().to_owned())
}

/// `https://HOST/TOKEN`, with `#FRAGMENT` for an end-to-end letter.
pub(crate) fn link(origin: &Origin, token: &str, fragment: Option<&str>) -> String {
    match fragment {
        Some(fragment) => format!("{origin}/{token}#{fragment}"),
        None => format!("{origin}/{token}"),
    }
}
