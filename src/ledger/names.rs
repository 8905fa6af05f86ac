//! What a letter is called, and the commitment to it in the letter's first event.
//!
//! The record must name the letter to whoever has the names, and tell them to nobody else: not after an erasure either, when
//! somebody who guesses a subject could try it. So the event holds a hash over the names and 32 random bytes, the salt. Salt
//! and names are with the letter (under its key), in its receipts and in its bundles; where they are gone, the hash says nothing.
//!
//! `SHA-256("waxseal/v1/names\0" || f(letter) || f(salt) || f(subject) || f(reference) || f(file name) || f(digest))` where `f(x)`
//! is the length of x as four bytes, big endian, and then x; a reference that is not there is empty.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::types::LetterId;

const DOMAIN: &[u8] = b"waxseal/v1/names\0";

/// What a letter is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// What it is about, as the envelope shows it.
    pub subject: String,
    /// The sender's reference for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The name of the report.
    pub file_name: String,
    /// SHA-256 of the report.
    #[serde(with = "crate::types::hex")]
    pub sha256: [u8; 32],
    /// Random bytes, so that nobody can try names.
    #[serde(with = "crate::types::hex")]
    pub salt: [u8; 32],
}

impl Names {
    /// What the letter's first event holds.
    pub fn commitment(&self, letter: LetterId) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(DOMAIN);
        let fields: [&[u8]; 6] = [
            letter.as_bytes(),
            &self.salt,
            self.subject.as_bytes(),
            self.reference.as_deref().unwrap_or_default().as_bytes(),
            self.file_name.as_bytes(),
            &self.sha256,
        ];
        for field in fields {
            // Nothing of a letter is called by four gigabytes; saturating keeps this total.
            hash.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }
}
