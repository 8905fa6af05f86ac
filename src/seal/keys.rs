//! The keys of a letter: derived by the site, or carried in the fragment of its link.

use core::fmt;
use core::str::FromStr;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::KeyCheck;
use crate::token::{FRAGMENT_CHARS, Purpose, SiteKey, crockford};
use crate::types::LetterId;

/// What HKDF is told when it makes a key's check.
const KEY_CHECK: &[u8] = b"waxseal/v1/key-check";

/// The input keying material of an edge-opened body: HKDF-SHA256 of the site secret with the UUID as salt.
pub fn edge_key(site: &SiteKey, letter: LetterId) -> Zeroizing<[u8; 32]> {
    site.derive(Purpose::Seal, letter.as_bytes())
}

/// The input keying material of an end-to-end body: 16 random bytes that travel only in the URL's fragment,
/// written as 26 characters of Crockford base32 in lower case.
#[derive(Clone)]
pub struct FragmentKey(Zeroizing<[u8; 16]>);

/// The fragment is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key: expected {FRAGMENT_CHARS} letters and digits after the # of the link")]
pub struct FragmentKeyError;

codes!(FragmentKeyError = "fragment_key");

impl FragmentKey {
    /// A key from 16 fresh random bytes.
    pub fn new(random: [u8; 16]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// The input keying material for [`super::Sealer`] and [`super::Opener`].
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// What tells this key of this letter from another, and no more: see docs/SEAL.md, *The key's check*.
    pub fn check(&self, letter: LetterId) -> KeyCheck {
        let mut check = [0; 4];
        // Four bytes are far below the longest output of HKDF, the only thing it refuses.
        let _ = Hkdf::<Sha256>::new(Some(letter.as_bytes()), self.0.as_slice()).expand(KEY_CHECK, &mut check);
        KeyCheck(check)
    }

    /// The 26 characters that go behind the `#`.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(crockford::encode(self.0.as_slice()))
    }
}

impl FromStr for FragmentKey {
    type Err = FragmentKeyError;

    /// Reads the fragment of a link, with or without its `#`, as people and mail programs leave it: any
    /// case, o, i and l for 0 and 1, and trailing punctuation or space are repaired.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let text = text.strip_prefix('#').unwrap_or(text);
        let text = text.trim_end_matches(|c: char| c.is_whitespace() || ".,;:!?)>'\"=".contains(c));
        crockford::decode_lenient::<16>(text).map(Self::new).map_err(|_| FragmentKeyError)
    }
}

impl fmt::Debug for FragmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FragmentKey(..)")
    }
}
