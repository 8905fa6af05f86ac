//! The manifest: what a letter is, sealed for the edge alone. Written last, so a letter exists once it does.
//!
//! Object: version `0x01` (1) | key id (1) | nonce (12) | AES-256-GCM ciphertext and tag of the JSON. Key:
//! HKDF-SHA256 of the site secret, info `waxseal/v1/manifest`, salt the UUID; associated data: the UUID.

mod characters;
mod check;
mod error;
mod fields;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use serde::{Deserialize, Serialize};

pub use check::{MAX_REFERENCE, MAX_RETENTION_DAYS, MAX_SUBJECT, PlaintextCheck};
pub use error::{BodyLengthError, ManifestError, PlaintextError};
pub use fields::{Action, Format, KeyCheck, Mode, ParseSha256Error, PinVerifier, Sha256Sum};

use super::plan::{Framing, FramingError};
use crate::token::{Keyring, Purpose, SiteKey};
use crate::types::{Kid, LetterId, UnixSeconds};

/// The longest manifest object, in bytes.
pub const MAX_MANIFEST: usize = 64 * 1024;

/// Days a letter is kept after it expired, unless its manifest says otherwise.
pub const RETENTION_DAYS: u16 = 366;

/// The version of the JSON.
const VERSION: u64 = 1;
/// The first byte of the object.
const OBJECT_VERSION: u8 = 1;

/// Everything the edge knows about a letter before it is opened.
///
/// Unknown JSON fields are ignored; what must not be ignored gets a new version, format or mode, and those
/// are refused when unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this JSON: 1.
    pub v: u64,
    /// The letter.
    pub letter: LetterId,
    /// Format of the body.
    pub format: Format,
    /// Who holds the key of the body.
    pub mode: Mode,
    /// Bytes of ciphertext in each record but the last.
    pub record_size: u32,
    /// Plaintext length in bytes.
    pub length: u64,
    /// Digest of the plaintext. AES-GCM does not commit to its key; this does.
    pub sha256: Sha256Sum,
    /// Media type of the plaintext.
    pub media_type: String,
    /// The name the report is offered under; made safe where it is used.
    pub file_name: String,
    /// What the letter is about, as the envelope shows it.
    pub subject: String,
    /// The sender's reference for the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// The sender's reference for the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The language the letter is written in, such as `nl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Digest of the terms to be shown; the site's own terms when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Sha256Sum>,
    /// When the letter was sealed, in Unix seconds.
    pub issued_at: UnixSeconds,
    /// When it expires, in Unix seconds; the same as in its token.
    pub not_after: UnixSeconds,
    /// Days it is kept after that.
    #[serde(default = "default_retention")]
    pub retention_days: u16,
    /// What the recipient may do besides reading.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "fields::known_actions")]
    pub actions: Vec<Action>,
    /// What a PIN is checked against, when the letter asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinVerifier>,
    /// What the key in an end-to-end link is told by before anything is agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_check: Option<KeyCheck>,
}

const fn default_retention() -> u16 {
    RETENTION_DAYS
}

/// The fields that decide whether the rest can be understood at all.
#[derive(Deserialize)]
struct Probe {
    v: u64,
    format: serde_json::Value,
    mode: serde_json::Value,
}

impl Manifest {
    /// The version every new manifest carries in `v`.
    pub const VERSION: u64 = VERSION;

    /// The shape of the body.
    ///
    /// # Errors
    /// Lengths outside the limits; never for a manifest that [`Manifest::open`] gave.
    pub const fn framing(&self) -> Result<Framing, FramingError> {
        Framing::new(self.length, self.record_size)
    }

    /// Whether a body object of `found` bytes can be this letter's.
    ///
    /// # Errors
    /// [`BodyLengthError`] when it is longer or shorter than the manifest calls for.
    pub fn check_body(&self, found: u64) -> Result<(), BodyLengthError> {
        let expected = self.framing().map_or(0, |framing| framing.body_length());
        if found == expected && expected > 0 { Ok(()) } else { Err(BodyLengthError { expected, found }) }
    }

    /// A check of the plaintext against this manifest while it streams by.
    pub fn plaintext_check(&self) -> PlaintextCheck {
        PlaintextCheck::new(self.length, self.sha256)
    }

    /// The manifest as its object in the bucket. `nonce` must be 12 fresh random bytes.
    ///
    /// # Errors
    /// A field outside its limits; an object above [`MAX_MANIFEST`] bytes.
    pub fn encrypt(&self, key: &SiteKey, nonce: [u8; 12]) -> Result<Vec<u8>, ManifestError> {
        self.check()?;
        let json = serde_json::to_vec(self).map_err(|error| malformed(&error))?;
        let payload = Payload { msg: &json, aad: self.letter.as_bytes() };
        let sealed = cipher(key, self.letter)
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| ManifestError::TooLarge(json.len()))?;
        let mut object = vec![OBJECT_VERSION, key.kid().0];
        object.extend_from_slice(&nonce);
        object.extend_from_slice(&sealed);
        if object.len() > MAX_MANIFEST { Err(ManifestError::TooLarge(object.len())) } else { Ok(object) }
    }

    /// Opens the manifest object of `letter`; also tells the key it was sealed under.
    ///
    /// # Errors
    /// Everything that makes it not this letter's manifest, each with its own reason.
    pub fn open(object: &[u8], letter: LetterId, keyring: &Keyring) -> Result<(Self, Kid), ManifestError> {
        if object.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLarge(object.len()));
        }
        let (&version, rest) = object.split_first().ok_or(ManifestError::Truncated)?;
        if version != OBJECT_VERSION {
            return Err(ManifestError::UnknownVersion(version.into()));
        }
        let (&kid, rest) = rest.split_first().ok_or(ManifestError::Truncated)?;
        let (nonce, sealed) = rest.split_first_chunk::<12>().ok_or(ManifestError::Truncated)?;
        if sealed.len() < 16 {
            return Err(ManifestError::Truncated);
        }
        let kid = Kid(kid);
        let key = keyring.get(kid).ok_or(ManifestError::UnknownKey(kid))?;
        let payload = Payload { msg: sealed, aad: letter.as_bytes() };
        let json = cipher(key, letter)
            .decrypt(&Nonce::from(*nonce), payload)
            .map_err(|_| ManifestError::NotAuthentic)?;
        let manifest = Self::from_json(&json)?;
        if manifest.letter != letter {
            return Err(ManifestError::OtherLetter(manifest.letter));
        }
        Ok((manifest, kid))
    }

    /// Reads the JSON of a manifest: version, format and mode first, so that each has its own reason.
    fn from_json(json: &[u8]) -> Result<Self, ManifestError> {
        let not_text = |_| ManifestError::Malformed { line: 0, column: 0, what: "not JSON".to_owned() };
        let json = core::str::from_utf8(json).map_err(not_text)?;
        let probe: Probe = serde_json::from_str(json).map_err(|error| malformed(&error))?;
        if probe.v != VERSION {
            return Err(ManifestError::UnknownVersion(probe.v));
        }
        Format::deserialize(probe.format).map_err(|_| ManifestError::UnknownFormat)?;
        Mode::deserialize(probe.mode).map_err(|_| ManifestError::UnknownMode)?;
        let manifest: Self = serde_json::from_str(json).map_err(|error| malformed(&error))?;
        manifest.check()?;
        Ok(manifest)
    }
}

/// The fault without the manifest's own words: serde quotes values, and a subject must not reach a log.
fn malformed(error: &serde_json::Error) -> ManifestError {
    let text = error.to_string();
    let what = match text.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((field, _)) => format!("missing field {field}"),
        None if error.is_data() => "a field has the wrong type or value".to_owned(),
        None => "not JSON".to_owned(),
    };
    ManifestError::Malformed { line: error.line(), column: error.column(), what }
}

/// One key for each letter, so that nonces of different letters cannot meet.
fn cipher(key: &SiteKey, letter: LetterId) -> Aes256Gcm {
    let key = key.derive(Purpose::Manifest, letter.as_bytes());
    Aes256Gcm::new((&*key).into())
}

/// The key of the body object in the bucket.
pub fn body_key(letter: LetterId) -> String {
    format!("letters/{letter}/body")
}

/// The key of the manifest object in the bucket.
pub fn manifest_key(letter: LetterId) -> String {
    format!("letters/{letter}/manifest")
}
