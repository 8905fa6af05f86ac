//! One site secret, and every key that is derived from it. No other file derives a key.

use core::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::types::{Kid, UnixSeconds};

/// What a derived key is for. Each has its own HKDF `info`, so no key serves two purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::VariantArray)]
pub enum Purpose {
    /// The tag of a token. No salt.
    Token,
    /// The input key of an edge-opened body. Salt: the letter's UUID.
    Seal,
    /// The manifest's key. Salt: the letter's UUID.
    Manifest,
    /// Wraps the per-letter key of a ledger, and the secret of a webhook's endpoint. Salt: the UUID of letter or endpoint.
    Ledger,
    /// Signs the consent cookie.
    Cookie,
    /// Signs the nonce in a form.
    Nonce,
    /// The API's bearer key. No salt.
    Api,
    /// Hashes addresses in logs.
    Log,
    /// The Ed25519 seed that signs the site's evidence log. Salt: the log's origin.
    Evidence,
    /// Names what is kept for one customer. No salt.
    Customer,
}

impl Purpose {
    /// All purposes, in the order of the specification.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The HKDF `info`, in ASCII.
    pub const fn info(self) -> &'static str {
        match self {
            Self::Token => "waxseal/v1/token",
            Self::Seal => "waxseal/v1/seal",
            Self::Manifest => "waxseal/v1/manifest",
            Self::Ledger => "waxseal/v1/ledger",
            Self::Cookie => "waxseal/v1/cookie",
            Self::Nonce => "waxseal/v1/nonce",
            Self::Api => "waxseal/v1/api",
            Self::Log => "waxseal/v1/log",
            Self::Evidence => "waxseal/v1/evidence",
            Self::Customer => "waxseal/v1/customer",
        }
    }
}

/// A site secret with its number and, once it is on its way out, the time it stops verifying.
///
/// The secret never leaves: there is no accessor, `Debug` does not show it, and memory is wiped on drop.
#[derive(Clone)]
pub struct SiteKey {
    kid: Kid,
    not_after: Option<UnixSeconds>,
    api_not_after: Option<UnixSeconds>,
    secret: Zeroizing<[u8; 32]>,
    /// `derive(Token, "")`, kept because every request needs it.
    token_key: Zeroizing<[u8; 32]>,
}

impl SiteKey {
    /// A key from its number, its 32 secret bytes (from a cryptographic random source) and the first second
    /// in which it no longer verifies, if that is set.
    pub fn new(kid: Kid, secret: [u8; 32], not_after: Option<UnixSeconds>) -> Self {
        let secret = Zeroizing::new(secret);
        let token_key = hkdf_sha256(&secret, Purpose::Token, &[]);
        Self { kid, not_after, api_not_after: None, secret, token_key }
    }

    /// The number that tokens and sealed objects name this key by.
    pub const fn kid(&self) -> Kid {
        self.kid
    }

    /// The first second in which this key no longer verifies; `None` while it is in use.
    pub const fn not_after(&self) -> Option<UnixSeconds> {
        self.not_after
    }

    /// The first second in which this key's API key is no longer taken, when that is sooner than [`Self::not_after`].
    pub const fn api_not_after(&self) -> Option<UnixSeconds> {
        self.api_not_after
    }

    /// The same key with an end of its own for its API key.
    #[must_use]
    pub fn with_api_not_after(self, api_not_after: Option<UnixSeconds>) -> Self {
        Self { api_not_after, ..self }
    }

    /// Whether this key verifies tokens at `now`.
    pub fn verifies_at(&self, now: UnixSeconds) -> bool {
        self.not_after.is_none_or(|end| now < end)
    }

    /// Whether this key's API key is taken at `now`.
    pub fn verifies_api_at(&self, now: UnixSeconds) -> bool {
        self.verifies_at(now) && self.api_not_after.is_none_or(|end| now < end)
    }

    /// HKDF-SHA256 (RFC 5869) of the secret: 32 bytes for one purpose. An empty salt is the RFC's default
    /// (32 zero bytes).
    pub fn derive(&self, purpose: Purpose, salt: &[u8]) -> Zeroizing<[u8; 32]> {
        hkdf_sha256(&self.secret, purpose, salt)
    }

    /// The first 16 bytes of HMAC-SHA256 under the token key.
    pub(super) fn token_tag(&self, signed: &[u8]) -> [u8; 16] {
        // HMAC pads a short key with zeros to the block of 64 bytes; doing it here keeps this infallible.
        let mut block = Zeroizing::new([0u8; 64]);
        block.iter_mut().zip(self.token_key.iter()).for_each(|(slot, byte)| *slot = *byte);
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.update(signed);
        let mut tag = [0u8; 16];
        tag.iter_mut().zip(mac.finalize().into_bytes()).for_each(|(slot, byte)| *slot = byte);
        tag
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    pub(super) fn retiring(&self, not_after: UnixSeconds) -> Self {
        Self { not_after: Some(not_after), ..self.clone() }
    }
}

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SiteKey")
            .field("kid", &self.kid)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

fn hkdf_sha256(secret: &[u8; 32], purpose: Purpose, salt: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0u8; 32]);
    if Hkdf::<Sha256>::new(Some(salt), secret).expand(purpose.info().as_bytes(), key.as_mut()).is_err() {
        // HKDF-SHA256 refuses only more than 8,160 bytes. Never go on with a key of zeros.
        unreachable!("32 bytes are within the limit of HKDF");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_purpose_and_salt_gives_another_key() {
        let key = SiteKey::new(Kid(1), [7; 32], None);
        let mut seen = Vec::new();
        for purpose in Purpose::ALL.iter().copied() {
            for salt in [&b""[..], &[1; 16], &[2; 16]] {
                seen.push(*key.derive(purpose, salt));
            }
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count);
    }

    #[test]
    fn debug_shows_no_secret() {
        let shown = format!("{:?}", SiteKey::new(Kid(9), [0xab; 32], Some(UnixSeconds(5))));
        assert_eq!(shown, "SiteKey { kid: Kid(9), not_after: Some(UnixSeconds(5)), .. }");
    }

    #[test]
    fn a_key_verifies_until_the_second_before_its_end() {
        let key = SiteKey::new(Kid(1), [7; 32], Some(UnixSeconds(100)));
        assert!(key.verifies_at(UnixSeconds(99)));
        assert!(!key.verifies_at(UnixSeconds(100)));
        assert!(SiteKey::new(Kid(1), [7; 32], None).verifies_at(UnixSeconds(u64::MAX)));
    }
}
