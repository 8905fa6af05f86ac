//! Signatures: Standard Webhooks, version `v1`, HMAC-SHA256 with a secret that both sides have.

use core::fmt;
use core::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::types::UnixSeconds;

/// Begins every secret.
const PREFIX: &str = "whsec_";

/// After a rotation the old secret signs, too, for so long.
pub const ROTATION_SECONDS: u64 = 86_400;

/// A receiver takes no message whose time is further away than this, before or behind: that is what ends a replay by a stranger.
pub const TOLERANCE_SECONDS: u64 = 300;

/// What an endpoint's messages are signed with: 24 to 64 bytes.
pub struct Secret(Zeroizing<Vec<u8>>);

/// The text is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret is whsec_ and 24 to 64 bytes in base64")]
pub struct SecretError;

codes!(SecretError = "webhook_secret");

/// Why a message is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum VerifyError {
    /// The time is no number.
    #[error("the header webhook-timestamp is not a number of seconds")]
    Timestamp,
    /// Sent too long ago, or by a clock that is ahead: perhaps somebody sends again what they saw.
    #[error("the message was not sent within the last five minutes")]
    Stale,
    /// Altered, or not from here.
    #[error("no signature of this message is right")]
    Signature,
}

codes!(VerifyError);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl From<[u8; 32]> for Secret {
    fn from(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = text.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
        bytes.filter(|bytes| (24..=64).contains(&bytes.len())).map(Self).ok_or(SecretError)
    }
}

impl Secret {
    /// As a receiver is given it.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new([PREFIX, &STANDARD.encode(&*self.0)].concat())
    }

    /// One entry of the header `webhook-signature`.
    pub fn sign(&self, id: &str, at: UnixSeconds, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.tag(id, at, body)))
    }

    fn tag(&self, id: &str, at: UnixSeconds, body: &[u8]) -> [u8; 32] {
        // HMAC pads a short key with zeros to the block of 64 bytes; doing it here keeps this infallible.
        let mut block = Zeroizing::new([0u8; 64]);
        block.iter_mut().zip(self.0.iter()).for_each(|(slot, byte)| *slot = *byte);
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        for part in [id.as_bytes(), b".", at.0.to_string().as_bytes(), b".", body] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// Whether a message came from whoever has one of these secrets, within the last [`TOLERANCE_SECONDS`]. `id`, `timestamp` and `signatures`
/// as its headers have them, `body` byte for byte. Whoever acts on it also remembers the id, for each message may come more than once.
///
/// # Errors
/// [`VerifyError`], which is not for the eyes of whoever sent it.
pub fn verify(
    secrets: &[&Secret],
    (id, timestamp, signatures): (&str, &str, &str),
    body: &[u8],
    now: UnixSeconds,
) -> Result<(), VerifyError> {
    let at = timestamp.parse().map(UnixSeconds).map_err(|_| VerifyError::Timestamp)?;
    if now.0.abs_diff(at.0) > TOLERANCE_SECONDS {
        return Err(VerifyError::Stale);
    }
    let known = || signatures.split(' ').filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
    let right = secrets.iter().map(|secret| secret.tag(id, at, body));
    let found = right.fold(false, |found, tag| {
        known().fold(found, |found, shown| found | bool::from(tag.as_slice().ct_eq(&shown)))
    });
    if found { Ok(()) } else { Err(VerifyError::Signature) }
}
