//! Why a manifest was refused, or a body or plaintext that does not match one.

use super::MAX_MANIFEST;
use crate::seal::plan::FramingError;
use crate::types::{Kid, LetterId};

/// Why a manifest could not be written or was refused.
///
/// The texts name fields, numbers and code points that nobody sees, but never what the sender wrote, so they may stand in a
/// log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "manifest_")]
pub enum ManifestError {
    /// The object is longer than [`MAX_MANIFEST`] bytes.
    #[error("the manifest is {0} bytes long; at most {MAX_MANIFEST} are read")]
    TooLarge(usize),
    /// The object is shorter than an empty manifest would be.
    #[error("the manifest object is cut short")]
    Truncated,
    /// The first byte, or the JSON's `v`, names a version this reader does not know.
    #[error("manifest version {0} is unknown")]
    UnknownVersion(u64),
    /// The keyring does not hold the key the manifest was sealed under.
    #[error("the keyring has no key {0}")]
    UnknownKey(Kid),
    /// The tag does not fit: altered, or sealed for another letter or by another site.
    #[error("the manifest does not authenticate: it was altered or belongs to another letter")]
    NotAuthentic,
    /// Authentic, but written for another letter.
    #[error("the manifest is of letter {0}")]
    OtherLetter(LetterId),
    /// The body format is not one this reader knows.
    #[error("the body format is unknown")]
    UnknownFormat,
    /// The mode is not one this reader knows.
    #[error("the mode is unknown")]
    UnknownMode,
    /// Not JSON, or a field is missing or of the wrong type.
    #[error("the manifest is malformed at line {line}, column {column}: {what}")]
    Malformed {
        /// Line in the JSON, from 1.
        line: usize,
        /// Column in the JSON.
        column: usize,
        /// What is wrong, without quoting the manifest.
        what: String,
    },
    /// Length and record size cannot describe a letter.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// A field for people holds characters that nobody sees, or that turn the direction of writing around.
    #[error("{field} holds {found}, {why}")]
    Characters {
        /// The field's name.
        field: &'static str,
        /// Their code points.
        found: String,
        /// What is wrong with them, and what to do.
        why: &'static str,
    },
    /// A field holds what it may not.
    #[error("{field} {rule}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// The rule it breaks.
        rule: &'static str,
    },
}

codes!(ManifestError);

/// The body object has another size than its manifest says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is {found} bytes long; its manifest says {expected}")]
pub struct BodyLengthError {
    /// Bytes the manifest calls for.
    pub expected: u64,
    /// Bytes the object has.
    pub found: u64,
}

codes!(BodyLengthError = "body_length");

/// The plaintext is not the one the manifest describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "plaintext_")]
pub enum PlaintextError {
    /// Too long or too short.
    #[error("the plaintext has {found} bytes; the manifest says {expected}")]
    Length {
        /// Bytes the manifest calls for.
        expected: u64,
        /// Bytes seen; when too long, at the moment it became clear.
        found: u64,
    },
    /// The right length, but other bytes.
    #[error("the plaintext's SHA-256 is not the one in the manifest")]
    Hash,
}

codes!(PlaintextError);
