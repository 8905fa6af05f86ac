//! The API's bearer key: derived from a site secret, so there is nothing more to store. Of an old key it ends before the links do.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::crockford;
use super::keyring::Keyring;
use super::site_key::{Purpose, SiteKey};
use crate::types::{Kid, UnixSeconds};

const PREFIX: &str = "wsk_";

impl SiteKey {
    /// The bearer key: `wsk_`, the key's number as two hexadecimal digits, `_`, and 52 characters.
    pub fn api_key(&self) -> Zeroizing<String> {
        let derived = self.derive(Purpose::Api, &[]);
        let text = Zeroizing::new(crockford::encode(derived.as_ref()));
        Zeroizing::new(format!("{PREFIX}{:02x}_{}", self.kid().0, text.as_str()))
    }
}

impl Keyring {
    /// The number of the key whose bearer key this is, if that is still taken at `now`. The secret part
    /// is compared in constant time; only its one spelling is taken.
    pub fn verify_api_key(&self, presented: &str, now: UnixSeconds) -> Option<Kid> {
        let (kid, secret) = presented.strip_prefix(PREFIX)?.split_once('_')?;
        let kid = match kid.as_bytes() {
            // `from_str_radix` would take a sign and upper case as well.
            [b'0'..=b'9' | b'a'..=b'f', b'0'..=b'9' | b'a'..=b'f'] => Kid(u8::from_str_radix(kid, 16).ok()?),
            _ => return None,
        };
        let secret = Zeroizing::new(crockford::decode_exact::<32>(secret).ok()?);
        // An unknown number costs the same as a known one.
        let known = self.get(kid).filter(|key| key.verifies_api_at(now));
        let key = known.unwrap_or_else(|| self.active());
        let holds = bool::from(key.derive(Purpose::Api, &[]).ct_eq(secret.as_ref()));
        (known.is_some() && holds).then_some(kid)
    }
}

/// The key in an `Authorization` header: the scheme `Bearer` in any case, white space, the key. RFC 9110 section 11.1,
/// and libraries that write more than one space.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, key) = header.trim().split_once([' ', '\t'])?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_is_read_in_every_spelling() {
        for header in [
            "Bearer k",
            "bearer k",
            "BEARER k",
            "bEaReR k",
            "Bearer  k",
            "Bearer\tk",
            "Bearer \t  k  ",
            " Bearer k",
        ] {
            assert_eq!(bearer(header), Some("k"), "{header:?}");
        }
        for header in ["", "Bearer", "Bearer ", "Bearerk", "Basic k", "k", "Bear er k", "Bearer\u{a0}k"] {
            assert_eq!(bearer(header).filter(|key| !key.is_empty()), None, "{header:?}");
        }
        assert_eq!(bearer("Bearer a b"), Some("a b"), "which is no key");
    }
}
