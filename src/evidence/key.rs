//! The keys of notes: what a reader is given to verify with, and what a site signs its log with.

use core::fmt;
use core::str::FromStr;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::note::SignatureLine;
use super::witness::verify_cosignature;
use crate::token::{Purpose, SiteKey};
use crate::types::UnixSeconds;

/// What a key's signatures are, by the byte that C2SP signed-note assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Ed25519 over the note's text: a log.
    Ed25519,
    /// Ed25519 over a time and a checkpoint (C2SP tlog-cosignature): a witness.
    CosignatureV1,
}

impl Algorithm {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 0x01,
            Self::CosignatureV1 => 0x04,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0x01 => Some(Self::Ed25519),
            0x04 => Some(Self::CosignatureV1),
            _ => None,
        }
    }
}

/// Why a text is not a verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "key_")]
pub enum KeyError {
    /// Not `NAME+NUMBER+KEY`.
    #[error(
        "not a verifier key, such as example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )]
    Shape,
    /// The name is empty, or has a space or a plus.
    #[error("a key's name may not be empty, nor have a space, a plus or a control character")]
    Name,
    /// An algorithm that this software does not have.
    #[error("the key is for another algorithm than Ed25519")]
    Algorithm,
    /// The number is not the one of this name and key.
    #[error("the number in the middle is not the one of this name and key: a character is wrong")]
    Id,
    /// Not a point that Ed25519 keys are.
    #[error("the key itself is not one")]
    Point,
}

codes!(KeyError);

/// Whether a key may have this name: not empty, no space of any script, no plus, no control character.
pub fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+' || c < ' ')
}

/// A public key with its name: what C2SP calls a vkey.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    algorithm: Algorithm,
    key: VerifyingKey,
}

impl VerifierKey {
    /// The key of these 32 bytes (RFC 8032) under this name.
    pub fn new(name: &str, algorithm: Algorithm, public: &[u8; 32]) -> Result<Self, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let key = VerifyingKey::from_bytes(public).map_err(|_| KeyError::Point)?;
        // Under a key of small order anything has a signature.
        if key.is_weak() {
            return Err(KeyError::Point);
        }
        Ok(Self::of(name, algorithm, key))
    }

    fn of(name: &str, algorithm: Algorithm, key: VerifyingKey) -> Self {
        let hash = Sha256::new().chain_update(name).chain_update([b'\n', algorithm.byte()]);
        let [a, b, c, d, ..]: [u8; 32] = hash.chain_update(key.as_bytes()).finalize().into();
        Self { name: name.to_owned(), id: [a, b, c, d], algorithm, key }
    }

    /// Its name; a log's is the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of a hash over name, algorithm and key, by which signatures name it.
    pub const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// What its signatures are.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The 32 bytes of the public key (RFC 8032).
    pub fn public(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether `signature` is this key's for the note's text: `Some` if so, with the time in it, if it has one.
    pub(super) fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<UnixSeconds>> {
        match self.algorithm {
            Algorithm::Ed25519 => self.verify_bytes(text.as_bytes(), signature).then_some(None),
            Algorithm::CosignatureV1 => verify_cosignature(self, text, signature).map(Some),
        }
    }

    /// Strict verification: one message has one signature, and none of the keys and points of small order pass, with which
    /// implementations disagree.
    pub(super) fn verify_bytes(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm.byte()], self.public().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, HEXLOWER.encode(&self.id), BASE64.encode(&key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The base64 may have a plus, the name and the number do not.
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Shape);
        };
        let id = HEXLOWER.decode(id.as_bytes()).map_err(|_| KeyError::Shape)?;
        let key = BASE64.decode(key.as_bytes()).map_err(|_| KeyError::Shape)?;
        let (algorithm, public) = key.split_first().ok_or(KeyError::Shape)?;
        let algorithm = Algorithm::from_byte(*algorithm).ok_or(KeyError::Algorithm)?;
        let key = Self::new(name, algorithm, public.try_into().map_err(|_| KeyError::Shape)?)?;
        if key.id == *id { Ok(key) } else { Err(KeyError::Id) }
    }
}

/// The key a site signs its log's checkpoints with. It is derived from a site secret, so there is nothing more to keep:
/// Ed25519 with the seed `derive(Evidence, salt = origin)`. Signing takes no random bytes.
pub struct LogKey {
    key: SigningKey,
    verifier: VerifierKey,
}

impl LogKey {
    /// The key of this site secret for the log with this origin, such as `letters.example/log`.
    pub fn derive(site: &SiteKey, origin: &str) -> Result<Self, KeyError> {
        if !is_key_name(origin) {
            return Err(KeyError::Name);
        }
        let seed = site.derive(Purpose::Evidence, origin.as_bytes());
        let key = SigningKey::from_bytes(&seed);
        let verifier = VerifierKey::of(origin, Algorithm::Ed25519, key.verifying_key());
        Ok(Self { key, verifier })
    }

    /// What to give to whoever verifies.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The signature of a note's text.
    pub fn sign(&self, text: &str) -> SignatureLine {
        let signature = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        SignatureLine::new(&self.verifier.name, self.verifier.id, signature)
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogKey").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
