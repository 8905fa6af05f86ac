//! The small types in a manifest.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::types::hex;

/// A SHA-256 digest; 64 lower-case hexadecimal characters as text and in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sha256Sum(#[serde(with = "hex")] pub [u8; 32]);

/// The text was not 64 lower-case hexadecimal characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 digest: expected 64 lower-case hexadecimal characters")]
pub struct ParseSha256Error;

impl Sha256Sum {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Sum({self})")
    }
}

impl FromStr for Sha256Sum {
    type Err = ParseSha256Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| ParseSha256Error)?;
        bytes.try_into().map(Self).map_err(|_| ParseSha256Error)
    }
}

/// Four bytes that follow from the key of an end-to-end letter; eight hexadecimal characters in JSON and on the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyCheck(#[serde(with = "hex")] pub [u8; 4]);

impl fmt::Display for KeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

/// The body format this version reads and writes, as its manifest names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Format {
    /// RFC 8188.
    #[default]
    #[serde(rename = "aes128gcm")]
    Aes128Gcm,
}

/// Who holds the key of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The edge derives the key from the site secret and decrypts as it streams.
    EdgeOpened,
    /// The key is in the link's fragment; the reader's browser decrypts.
    EndToEnd,
}

impl Mode {
    /// The name in manifests, pages and JSON answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdgeOpened => "edge-opened",
            Self::EndToEnd => "end-to-end",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the recipient may do besides reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Accept what the letter proposes.
    Accept,
    /// Write a message back.
    Message,
}

/// Reads actions, leaving out those of later versions: they add and never restrict.
pub(super) fn known_actions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Action>, D::Error> {
    let names = Vec::<std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    let known = |name: &std::borrow::Cow<'de, str>| match name.as_ref() {
        "accept" => Some(Action::Accept),
        "message" => Some(Action::Message),
        _ => None,
    };
    Ok(names.iter().filter_map(known).collect())
}

/// What a PIN is checked against: a slow hash, so that the site secret alone does not give the PIN away.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinVerifier {
    /// Random bytes for this letter.
    #[serde(with = "hex")]
    pub salt: [u8; 16],
    /// PBKDF2-HMAC-SHA256 of the PIN.
    #[serde(with = "hex")]
    pub hash: [u8; 32],
    /// Rounds of PBKDF2.
    pub iterations: u32,
}

impl fmt::Debug for PinVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinVerifier(..)")
    }
}
