//! The one place at the edge that draws random bytes.

use super::error::Fault;

/// `N` bytes from the runtime's `crypto.getRandomValues`.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], Fault> {
    let mut out = [0u8; N];
    getrandom::fill(&mut out).map_err(|error| Fault::new("random_failed", error))?;
    Ok(out)
}
