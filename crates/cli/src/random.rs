//! Random bytes from the operating system.

use crate::error::coded;

/// The operating system gave no random bytes; nothing may be sealed then.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub(crate) struct RandomError(getrandom::Error);

coded!(RandomError = "no_randomness");

/// `N` fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(RandomError)?;
    Ok(bytes)
}
