//! The API's bearer keys. One is derived from a site secret, so there is nothing more to store; of an old secret it ends before
//! the links do. Others are issued by name: random, known by their hash alone.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
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

/// Tells issued keys apart: 8 characters, no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiKeyId(pub [u8; 5]);

impl fmt::Display for ApiKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crockford::encode(&self.0))
    }
}

impl FromStr for ApiKeyId {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        crockford::decode_exact(text).map(Self).map_err(|_| ApiKeyError::Form)
    }
}

impl TryFrom<String> for ApiKeyId {
    type Error = ApiKeyError;

    fn try_from(text: String) -> Result<Self, ApiKeyError> {
        text.parse()
    }
}

impl From<ApiKeyId> for String {
    fn from(id: ApiKeyId) -> Self {
        id.to_string()
    }
}

/// Why a text is no issued key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyError {
    /// It does not look like one.
    #[error("an issued key is wsk_, 8 characters, _ and 56 more")]
    Form,
    /// It looks like one.
    #[error("a character of the key is wrong or missing")]
    Check,
}

/// A key that was issued: `wsk_`, its id, `_`, and 56 characters of its secret and a check that shows a slip without a call.
pub struct IssuedKey {
    id: ApiKeyId,
    secret: Zeroizing<[u8; 32]>,
}

impl IssuedKey {
    /// Issues one under a site secret; `id` and `random` from a cryptographic random source. The last 8 bytes of the key's
    /// secret are a tag by which the site knows later that it issued it, without asking anybody.
    pub fn issue(site: &SiteKey, id: [u8; 5], random: [u8; 24]) -> Self {
        let mut secret = Zeroizing::new([0u8; 32]);
        let tag = tag(site, ApiKeyId(id), &random);
        secret.iter_mut().zip(random.iter().chain(&tag)).for_each(|(byte, part)| *byte = *part);
        Self { id: ApiKeyId(id), secret }
    }

    /// Whether a key of this keyring issued it, compared in constant time. It may have been revoked since.
    pub fn is_of(&self, keyring: &Keyring) -> bool {
        let Some((random, rest)) = self.secret.split_first_chunk::<24>() else { return false };
        keyring.keys().fold(false, |found, site| found | bool::from(tag(site, self.id, random).ct_eq(rest)))
    }

    /// Its id.
    pub const fn id(&self) -> ApiKeyId {
        self.id
    }

    /// What a request shows.
    pub fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0u8; 35]);
        let check = self.check();
        bytes.iter_mut().zip(self.secret.iter().chain(&check)).for_each(|(byte, part)| *byte = *part);
        let secret = Zeroizing::new(crockford::encode(bytes.as_ref()));
        Zeroizing::new(format!("{PREFIX}{}_{}", self.id, secret.as_str()))
    }

    /// What is kept of it. The secret is random and long, so that a plain hash hides it.
    pub fn hash(&self) -> [u8; 32] {
        self.digest(b"waxseal/v1/api-key\0")
    }

    fn check(&self) -> [u8; 3] {
        let [a, b, c, ..] = self.digest(b"waxseal/v1/api-key/check\0");
        [a, b, c]
    }

    fn digest(&self, domain: &[u8]) -> [u8; 32] {
        let hash = Sha256::new().chain_update(domain).chain_update(self.id.0);
        hash.chain_update(self.secret.as_ref()).finalize().into()
    }
}

fn tag(site: &SiteKey, id: ApiKeyId, random: &[u8; 24]) -> [u8; 8] {
    let mut salt = Zeroizing::new([0u8; 29]);
    salt.iter_mut().zip(id.0.iter().chain(random)).for_each(|(byte, part)| *byte = *part);
    let derived = site.derive(Purpose::Api, salt.as_ref());
    derived.first_chunk().copied().unwrap_or_default()
}

/// Whether the key of this hash is the one whose hash was kept, compared in constant time.
pub fn hashes_match(kept: &[u8], shown: &[u8; 32]) -> bool {
    shown.as_slice().ct_eq(kept).into()
}

impl FromStr for IssuedKey {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<Self, ApiKeyError> {
        let (id, rest) =
            text.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_')).ok_or(ApiKeyError::Form)?;
        let id: ApiKeyId = id.parse()?;
        let bytes =
            crockford::decode_exact::<35>(rest).map(Zeroizing::new).map_err(|_| ApiKeyError::Check)?;
        let (secret, check) = bytes.split_first_chunk::<32>().ok_or(ApiKeyError::Form)?;
        let key = Self { id, secret: Zeroizing::new(*secret) };
        if key.check() == *check { Ok(key) } else { Err(ApiKeyError::Check) }
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
    fn an_issued_key_is_read_back_and_any_slip_is_noticed() {
        let site = SiteKey::new(Kid(7), [1; 32], None);
        let key = IssuedKey::issue(&site, [7; 5], [9; 24]);
        let text = key.text();
        assert_eq!(text.len(), 4 + 8 + 1 + 56);
        let read: IssuedKey = text.parse().unwrap();
        assert_eq!((read.id(), read.hash()), (key.id(), key.hash()));
        let same = |kept: &[u8]| hashes_match(kept, &read.hash());
        assert!(same(&key.hash()) && !same(&[]) && !same(&[0; 32]));
        assert_ne!(IssuedKey::issue(&site, [8; 5], [9; 24]).hash(), key.hash(), "the id is part of it");
        for (at, c) in text.char_indices() {
            for other in ['0', '1', '_', 'z', 'W'] {
                let mut slip = text.to_string();
                slip.replace_range(at..=at, &other.to_string());
                assert!(c == other || slip.parse::<IssuedKey>().is_err(), "{slip}");
            }
            assert!(text[..at].parse::<IssuedKey>().is_err(), "{at}");
        }
        assert_eq!(format!("{}0", text.as_str()).parse::<IssuedKey>().err(), Some(ApiKeyError::Check));
        assert_eq!(site.api_key().parse::<IssuedKey>().err(), Some(ApiKeyError::Form));
    }

    #[test]
    fn a_site_knows_what_it_issued_under_any_of_its_keys() {
        let one = SiteKey::new(Kid(1), [1; 32], Some(UnixSeconds(9)));
        let key = IssuedKey::issue(&one, [7; 5], [9; 24]);
        let two = SiteKey::new(Kid(2), [2; 32], None);
        let keyring = |keys: Vec<SiteKey>| Keyring::from_keys(Kid(2), keys).unwrap();
        assert!(key.is_of(&keyring(vec![one, two.clone()])), "also of one that is on its way out");
        assert!(!key.is_of(&keyring(vec![two])));
        let own = keyring(vec![SiteKey::new(Kid(2), [1; 32], None)]);
        for at in 0..32 {
            let mut other = IssuedKey { id: key.id, secret: key.secret.clone() };
            other.secret[at] ^= 1;
            assert!(key.is_of(&own) && !other.is_of(&own), "{at}");
        }
        assert!(!IssuedKey { id: ApiKeyId([8; 5]), secret: key.secret.clone() }.is_of(&own));
    }

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
