//! One record: its keys, its nonce and the delimiter at its end (RFC 8188, sections 2, 2.2 and 2.3).

use core::fmt;

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Nonce, Tag};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Ends the data of every record but the last.
pub(super) const MORE: u8 = 1;
/// Ends the data of the last record.
pub(super) const LAST: u8 = 2;

/// The content-encryption key and nonce base of one body.
pub struct RecordKeys {
    cek: Zeroizing<[u8; 16]>,
    nonce_base: [u8; 12],
}

impl fmt::Debug for RecordKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKeys(..)")
    }
}

impl RecordKeys {
    /// Derives both from the input keying material and the header's salt (RFC 8188, sections 2.2 and 2.3).
    pub fn derive(ikm: &[u8], salt: &[u8; 16]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(salt), ikm);
        let mut cek = Zeroizing::new([0u8; 16]);
        let mut nonce_base = [0u8; 12];
        let cek_done = hkdf.expand(b"Content-Encoding: aes128gcm\0", cek.as_mut_slice());
        let nonce_done = hkdf.expand(b"Content-Encoding: nonce\0", &mut nonce_base);
        if cek_done.and(nonce_done).is_err() {
            // HKDF-SHA256 refuses only more than 8,160 bytes. Never go on with a key of zeros.
            unreachable!("28 bytes are within the limit of HKDF");
        }
        Self { cek, nonce_base }
    }

    /// The AES-128-GCM key.
    pub fn cek(&self) -> &[u8; 16] {
        &self.cek
    }

    /// The nonce of record `seq`, counted from 0: the base XOR the number as 96 bits, big endian.
    pub fn nonce(&self, seq: u64) -> [u8; 12] {
        let mut nonce = self.nonce_base;
        for (slot, byte) in nonce.iter_mut().skip(4).zip(seq.to_be_bytes()) {
            *slot ^= byte;
        }
        nonce
    }
}

/// Why the end of a decrypted record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DelimiterError {
    /// The final record is not marked as the last one: the body was cut at a record boundary.
    #[error("the last record says that more follow: the body was cut short")]
    Truncated,
    /// A record marked as the last one has bytes after it.
    #[error("bytes follow the record that says it is the last: the body was extended")]
    Extended,
    /// A letter's records carry no padding; the byte-range plan relies on it.
    #[error("the record is padded, which a letter's never is")]
    Padded,
    /// The record ends in neither mark.
    #[error("the record ends without a delimiter")]
    #[strum(to_string = "no_delimiter")]
    Missing,
}

codes!(DelimiterError);

/// Checks the end of a letter's decrypted record: data, then exactly one delimiter byte.
///
/// `tail` is the record's plaintext or any trailing part of it of at least one byte. After `Ok` the data is
/// everything but the last byte. Padding would show as a trailing zero, so the last byte decides alone.
///
/// # Errors
/// A wrong mark for `is_last`, padding, or no delimiter at all.
pub const fn check_delimiter(tail: &[u8], is_last: bool) -> Result<(), DelimiterError> {
    match (tail.last(), is_last) {
        (Some(&MORE), false) | (Some(&LAST), true) => Ok(()),
        (Some(&MORE), true) => Err(DelimiterError::Truncated),
        (Some(&LAST), false) => Err(DelimiterError::Extended),
        (Some(&0), _) => Err(DelimiterError::Padded),
        _ => Err(DelimiterError::Missing),
    }
}

/// AES-128-GCM over whole records, in place.
pub(super) struct RecordCipher {
    cipher: Aes128Gcm,
    keys: RecordKeys,
}

/// AES-GCM refused: the tag does not fit, or the record is longer than the mode allows.
#[derive(Debug)]
pub(super) struct CipherRefused;

impl RecordCipher {
    pub(super) fn new(ikm: &[u8], salt: &[u8; 16]) -> Self {
        let keys = RecordKeys::derive(ikm, salt);
        Self { cipher: Aes128Gcm::new(keys.cek().into()), keys }
    }

    /// Encrypts `record` in place and returns its tag.
    pub(super) fn seal(&self, seq: u64, record: &mut [u8]) -> Result<[u8; 16], CipherRefused> {
        let nonce = Nonce::from(self.keys.nonce(seq));
        let tag =
            self.cipher.encrypt_inout_detached(&nonce, &[], record.into()).map_err(|_| CipherRefused)?;
        Ok(tag.into())
    }

    /// Authenticates `record`, then decrypts it in place. On refusal it holds what it held before.
    pub(super) fn open(&self, seq: u64, record: &mut [u8], tag: &[u8; 16]) -> Result<(), CipherRefused> {
        let nonce = Nonce::from(self.keys.nonce(seq));
        let tag = Tag::from(*tag);
        self.cipher.decrypt_inout_detached(&nonce, &[], record.into(), &tag).map_err(|_| CipherRefused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_must_be_single_and_right_for_its_place() {
        assert_eq!(check_delimiter(b"data\x01", false), Ok(()));
        assert_eq!(check_delimiter(b"data\x02", true), Ok(()));
        assert_eq!(check_delimiter(b"\x02", true), Ok(()));
        assert_eq!(check_delimiter(b"data\x01", true), Err(DelimiterError::Truncated));
        assert_eq!(check_delimiter(b"data\x02", false), Err(DelimiterError::Extended));
        assert_eq!(check_delimiter(b"data\x02\x00", true), Err(DelimiterError::Padded));
        assert_eq!(check_delimiter(b"data\x03", true), Err(DelimiterError::Missing));
        assert_eq!(check_delimiter(b"", true), Err(DelimiterError::Missing));
    }

    #[test]
    fn the_nonce_counts_in_its_last_bytes() {
        let keys = RecordKeys::derive(b"ikm", &[0; 16]);
        let base = keys.nonce(0);
        assert_eq!(keys.nonce(1)[11], base[11] ^ 1);
        assert_eq!(keys.nonce(1 << 32)[7], base[7] ^ 1);
        assert_eq!(keys.nonce(u64::MAX)[..4], base[..4]);
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", RecordKeys::derive(b"ikm", &[0; 16])), "RecordKeys(..)");
    }
}
