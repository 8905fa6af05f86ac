//! The site's secrets: one makes new tokens, older ones still verify until their not-after.

use core::fmt::{self, Write as _};

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::site_key::SiteKey;
use crate::types::{Kid, UnixSeconds};

/// Standard base64; padding is written, and not asked for.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The secrets of one site. Never empty; the active key has no not-after; numbers and secrets are distinct.
#[derive(Clone)]
pub struct Keyring {
    active: SiteKey,
    others: Vec<SiteKey>,
}

/// Why a keyring cannot be used. The messages never hold any part of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum KeyringError {
    /// Not JSON.
    #[error("the keyring is not JSON: line {line}, column {column}")]
    Json {
        /// The line of the fault, from 1.
        line: usize,
        /// The column of the fault, from 1.
        column: usize,
    },
    /// JSON, but not of the keyring's form.
    #[error(
        "the keyring is not of the form {{\"active\": 1, \"keys\": [{{\"id\": 1, \"secret\": \"base64 of 32 bytes\", \
         \"not_after\": 1700000000, \"api_not_after\": 1700000000}}]}} (the last two only for old keys): \
         line {line}, column {column}"
    )]
    Shape {
        /// The line of the fault, from 1.
        line: usize,
        /// The column of the fault, from 1.
        column: usize,
    },
    /// Two keys of one number.
    #[error("the keyring has two keys with id {0}")]
    DuplicateId(Kid),
    /// Two numbers for one secret: a rotation that rotated nothing.
    #[error("keys {0} and {1} have the same secret")]
    SameSecret(Kid, Kid),
    /// The active key is not among the keys.
    #[error("the active key {0} is not among the keys")]
    ActiveMissing(Kid),
    /// The active key has an end: links made with it would die early, or nobody could use the API.
    #[error("the active key {0} has a not_after or an api_not_after: make another key active first")]
    ActiveRetired(Kid),
    /// The secret is not standard base64.
    #[error("the secret of key {0} is not standard base64")]
    SecretEncoding(Kid),
    /// The secret is not of 32 bytes.
    #[error("the secret of key {kid} is not 32 bytes but {found}")]
    SecretLength {
        /// The key's number.
        kid: Kid,
        /// The bytes there are.
        found: usize,
    },
}

codes!(KeyringError);

/// Why a keyring was not rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum RotateError {
    /// All 256 numbers are taken.
    #[error("all 256 key ids are in use: remove a retired key first")]
    Full,
    /// The new secret is one the keyring already has.
    #[error("the new secret is that of key {0}")]
    SameSecret(Kid),
}

codes!(RotateError);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringJson {
    active: u8,
    keys: Vec<KeyJson>,
}

// Unknown fields are refused: a misspelled `not_after` would keep an old key alive for ever.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson {
    id: u8,
    #[serde(deserialize_with = "secret_text")]
    secret: Zeroizing<String>,
    #[serde(default)]
    not_after: Option<u64>,
    #[serde(default)]
    api_not_after: Option<u64>,
}

fn secret_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

impl KeyJson {
    fn into_key(self) -> Result<SiteKey, KeyringError> {
        let kid = Kid(self.id);
        let bytes = BASE64.decode(self.secret.as_bytes()).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| KeyringError::SecretEncoding(kid))?;
        let secret = <[u8; 32]>::try_from(bytes.as_slice())
            .map_err(|_| KeyringError::SecretLength { kid, found: bytes.len() })?;
        let key = SiteKey::new(kid, secret, self.not_after.map(UnixSeconds));
        Ok(key.with_api_not_after(self.api_not_after.map(UnixSeconds)))
    }
}

impl Keyring {
    /// A new keyring of one key, with id 1. The secret comes from a cryptographic random source.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { active: SiteKey::new(Kid(1), secret, None), others: Vec::new() }
    }

    /// Reads the JSON of the `WAXSEAL_KEYS` secret. A byte order mark in front, which some editors and shells put there,
    /// does not count.
    ///
    /// # Errors
    /// [`KeyringError`] names the fault and the key, and never shows a secret.
    pub fn from_json(json: &str) -> Result<Self, KeyringError> {
        let json = json.strip_prefix('\u{feff}').unwrap_or(json);
        let parsed: KeyringJson = serde_json::from_str(json).map_err(|error| {
            // The library's message may quote the input, and the input holds secrets.
            let (line, column) = (error.line(), error.column());
            match error.classify() {
                serde_json::error::Category::Data => KeyringError::Shape { line, column },
                _ => KeyringError::Json { line, column },
            }
        })?;
        let keys = parsed.keys.into_iter().map(KeyJson::into_key).collect::<Result<Vec<_>, _>>()?;
        Self::from_keys(Kid(parsed.active), keys)
    }

    /// A keyring from keys in any order, with the number of the one that makes new tokens.
    ///
    /// # Errors
    /// When numbers or secrets repeat, or the active key is missing or retired.
    pub fn from_keys(active: Kid, keys: Vec<SiteKey>) -> Result<Self, KeyringError> {
        for (at, key) in keys.iter().enumerate() {
            for earlier in keys.iter().take(at) {
                if earlier.kid() == key.kid() {
                    return Err(KeyringError::DuplicateId(key.kid()));
                }
                if same_secret(earlier, key.secret()) {
                    return Err(KeyringError::SameSecret(earlier.kid(), key.kid()));
                }
            }
        }
        let (mut chosen, others): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.kid() == active);
        let active = chosen.pop().ok_or(KeyringError::ActiveMissing(active))?;
        if active.not_after().is_some() || active.api_not_after().is_some() {
            return Err(KeyringError::ActiveRetired(active.kid()));
        }
        Ok(Self { active, others })
    }

    /// The key that makes new tokens and seals new letters.
    pub const fn active(&self) -> &SiteKey {
        &self.active
    }

    /// Every key, the active one first.
    pub fn keys(&self) -> impl Iterator<Item = &SiteKey> {
        core::iter::once(&self.active).chain(&self.others)
    }

    /// The key of this number, retired or not: for decrypting what was sealed with it.
    pub fn get(&self, kid: Kid) -> Option<&SiteKey> {
        self.keys().find(|key| key.kid() == kid)
    }

    /// The key of this number if it still verifies at `now`.
    pub fn verifying(&self, kid: Kid, now: UnixSeconds) -> Option<&SiteKey> {
        self.get(kid).filter(|key| key.verifies_at(now))
    }

    /// A keyring with a fresh active key. The key that was active verifies until `old_not_after`; keys that
    /// were retired before keep their own end. The new id is the next free one after the active.
    ///
    /// Choose `old_not_after` no earlier than the last link made with the old key expires, better a year
    /// later, so that holders of expired links still get an answer in words. Only a secret that leaked is
    /// retired at once.
    ///
    /// # Errors
    /// When all 256 ids are taken, or the secret is not new.
    pub fn rotate(&self, new_secret: [u8; 32], old_not_after: UnixSeconds) -> Result<Self, RotateError> {
        if let Some(known) = self.keys().find(|key| same_secret(key, &new_secret)) {
            return Err(RotateError::SameSecret(known.kid()));
        }
        let kid = (1..=255u8)
            .map(|step| Kid(self.active.kid().0.wrapping_add(step)))
            .find(|kid| self.get(*kid).is_none())
            .ok_or(RotateError::Full)?;
        let old = self.active.retiring(old_not_after);
        Ok(Self {
            active: SiteKey::new(kid, new_secret, None),
            others: core::iter::once(old).chain(self.others.iter().cloned()).collect(),
        })
    }

    /// The same keyring, in which the API keys of all keys but the active one end at `at`, or sooner if they did already.
    /// Their links go on.
    #[must_use]
    pub fn ending_old_api_keys(&self, at: UnixSeconds) -> Self {
        let ending = |key: &SiteKey| {
            let end = key.api_not_after().map_or(at, |end| end.min(at));
            key.clone().with_api_not_after(Some(end))
        };
        Self { active: self.active.clone(), others: self.others.iter().map(ending).collect() }
    }

    /// The keyring as JSON on one line, with its secrets: what [`Keyring::from_json`] reads.
    pub fn to_json(&self) -> Zeroizing<String> {
        // Room for everything at once: a string that grows leaves copies of secrets behind.
        let mut json = Zeroizing::new(String::with_capacity(64 + 160 * (1 + self.others.len())));
        // Writing to a string cannot fail.
        let _ = self.write_json(&mut json);
        json
    }

    fn write_json(&self, json: &mut String) -> fmt::Result {
        write!(json, "{{\"active\":{},\"keys\":[", self.active.kid())?;
        for (at, key) in self.keys().enumerate() {
            let mut secret = Zeroizing::new([0u8; 44]);
            let length = BASE64.encode_slice(key.secret(), secret.as_mut()).map_err(|_| fmt::Error)?;
            let secret = secret.get(..length).and_then(|text| core::str::from_utf8(text).ok());
            let comma = if at == 0 { "" } else { "," };
            write!(json, "{comma}{{\"id\":{},\"secret\":\"{}\"", key.kid(), secret.ok_or(fmt::Error)?)?;
            if let Some(end) = key.not_after() {
                write!(json, ",\"not_after\":{}", end.0)?;
            }
            if let Some(end) = key.api_not_after() {
                write!(json, ",\"api_not_after\":{}", end.0)?;
            }
            json.push('}');
        }
        json.push_str("]}");
        Ok(())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("active", &self.active).field("others", &self.others).finish()
    }
}

fn same_secret(key: &SiteKey, secret: &[u8; 32]) -> bool {
    key.secret().ct_eq(secret).into()
}
