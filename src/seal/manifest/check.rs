//! The limits of a manifest's fields, and the check of a plaintext against it.

use core::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Manifest, ManifestError, PlaintextError, Sha256Sum, characters};
use crate::seal::file_name::MAX_FILE_NAME;
use crate::seal::media::is_media_type;

/// The longest subject, in characters.
pub const MAX_SUBJECT: usize = 200;
/// The longest customer or letter reference, in characters.
pub const MAX_REFERENCE: usize = 200;
/// The longest language tag, in bytes.
const MAX_LANGUAGE: usize = 35;
/// The longest retention, in days: ten years.
pub const MAX_RETENTION_DAYS: u16 = 3_653;
/// The fewest and most rounds of PBKDF2 for a PIN: fewer are guessed too quickly, more the edge refuses.
const PIN_ITERATIONS: core::ops::RangeInclusive<u32> = 10_000..=100_000;

impl Manifest {
    /// Checks every field against its limits.
    ///
    /// # Errors
    /// The first field that breaks a rule. [`Manifest::encrypt`] and [`Manifest::open`] call this.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.v != super::VERSION {
            return Err(ManifestError::UnknownVersion(self.v));
        }
        self.framing()?;
        check_text("subject", Some(&self.subject), MAX_SUBJECT)?;
        check_text("customer", self.customer.as_deref(), MAX_REFERENCE)?;
        check_text("reference", self.reference.as_deref(), MAX_REFERENCE)?;
        if self.file_name.is_empty() || self.file_name.len() > MAX_FILE_NAME {
            return Err(field("file_name", "must have 1 to 255 bytes"));
        }
        if !is_media_type(&self.media_type) {
            return Err(field("media_type", "must be a media type such as application/pdf"));
        }
        if self.language.as_deref().is_some_and(|tag| !is_language(tag)) {
            return Err(field("language", "must be a language tag such as nl or de-AT"));
        }
        // A token's not-after has 32 bits.
        if self.not_after.0 > u64::from(u32::MAX) || self.not_after <= self.issued_at {
            return Err(field("not_after", "must be after issued_at and fit in 32 bits"));
        }
        if !(1..=MAX_RETENTION_DAYS).contains(&self.retention_days) {
            return Err(field("retention_days", "must be 1 to 3653"));
        }
        if self.pin.as_ref().is_some_and(|pin| !PIN_ITERATIONS.contains(&pin.iterations)) {
            return Err(field("pin", "must have 10000 to 100000 iterations"));
        }
        Ok(())
    }
}

const fn field(field: &'static str, rule: &'static str) -> ManifestError {
    ManifestError::Field { field, rule }
}

/// Text that is shown to people: not blank, not endless, one line.
fn check_text(name: &'static str, text: Option<&str>, limit: usize) -> Result<(), ManifestError> {
    let Some(text) = text else { return Ok(()) };
    if text.trim().is_empty() || text.chars().count() > limit {
        return Err(field(name, "must have 1 to 200 characters"));
    }
    if text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(field(name, "must be one line without control characters"));
    }
    characters::check(name, text)
}

/// The shape of a BCP 47 tag; whether the language is known is for the pages to say.
fn is_language(tag: &str) -> bool {
    let part_holds =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let starts_with_letter = tag.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    tag.len() <= MAX_LANGUAGE && starts_with_letter && tag.split('-').all(part_holds)
}

/// Checks a plaintext against a length and digest while it streams by.
pub struct PlaintextCheck {
    expected: u64,
    digest: Sha256Sum,
    found: u64,
    hasher: Sha256,
}

impl fmt::Debug for PlaintextCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlaintextCheck").field("expected", &self.expected).finish_non_exhaustive()
    }
}

impl PlaintextCheck {
    /// A check for `length` bytes with this digest.
    pub fn new(length: u64, digest: Sha256Sum) -> Self {
        Self { expected: length, digest, found: 0, hasher: Sha256::new() }
    }

    /// Takes the next piece of plaintext.
    ///
    /// # Errors
    /// [`PlaintextError::Length`] as soon as there is more than expected.
    pub fn update(&mut self, plaintext: &[u8]) -> Result<(), PlaintextError> {
        self.found = self.found.saturating_add(plaintext.len() as u64);
        if self.found > self.expected {
            return Err(self.wrong_length());
        }
        self.hasher.update(plaintext);
        Ok(())
    }

    /// Ends the plaintext.
    ///
    /// # Errors
    /// [`PlaintextError::Length`] or [`PlaintextError::Hash`] when it is not the one described.
    pub fn finish(self) -> Result<(), PlaintextError> {
        if self.found != self.expected {
            return Err(self.wrong_length());
        }
        let digest: [u8; 32] = self.hasher.finalize().into();
        if bool::from(digest.ct_eq(&self.digest.0)) { Ok(()) } else { Err(PlaintextError::Hash) }
    }

    const fn wrong_length(&self) -> PlaintextError {
        PlaintextError::Length { expected: self.expected, found: self.found }
    }
}
