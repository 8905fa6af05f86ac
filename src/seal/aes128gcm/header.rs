//! The header block (RFC 8188, section 2.1): salt (16) | record size (4) | key id length (1) | key id.

/// Bytes of a letter's header. The key id is always empty, so the length is fixed.
pub const HEADER_LENGTH: usize = 21;

/// The header of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Fresh random bytes for each body; the salt of the record keys.
    pub salt: [u8; 16],
    /// Bytes of each record but the last, tag included.
    pub record_size: u32,
}

/// Why a header was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum HeaderError {
    /// Fewer bytes than a header has.
    #[error("the body ends inside its header")]
    #[strum(to_string = "header_truncated")]
    Truncated,
    /// The record size is not the manifest's, or outside the limits.
    #[error("record size {0} is not what was expected")]
    RecordSize(u32),
    /// A letter has no key id.
    #[error("the header names a key id, which a letter never does")]
    KeyId,
}

codes!(HeaderError);

impl Header {
    /// Reads the header of a letter from the first [`HEADER_LENGTH`] bytes of its body; more may follow.
    ///
    /// `record_size` is the manifest's. Nothing authenticates the header's own copy when there is only one
    /// record, so it must be the same.
    ///
    /// # Errors
    /// Refuses a short header, another record size, and any key id.
    pub const fn parse_letter(body: &[u8], record_size: u32) -> Result<Self, HeaderError> {
        match Self::split(body) {
            None => Err(HeaderError::Truncated),
            Some((_, 1..)) => Err(HeaderError::KeyId),
            Some((header, 0)) if header.record_size == record_size => Ok(header),
            Some((header, 0)) => Err(HeaderError::RecordSize(header.record_size)),
        }
    }

    /// The fixed part and the length of the key id that follows it; `None` while bytes are missing.
    pub(super) const fn split(body: &[u8]) -> Option<(Self, u8)> {
        let Some((salt, rest)) = body.split_first_chunk::<16>() else { return None };
        let Some((record_size, rest)) = rest.split_first_chunk::<4>() else { return None };
        let Some(key_id_length) = rest.first() else { return None };
        Some((Self { salt: *salt, record_size: u32::from_be_bytes(*record_size) }, *key_id_length))
    }

    /// The header of a letter as bytes, with an empty key id.
    pub fn to_bytes(&self) -> [u8; HEADER_LENGTH] {
        let mut bytes = [0u8; HEADER_LENGTH];
        let source = self.salt.iter().copied().chain(self.record_size.to_be_bytes());
        for (slot, byte) in bytes.iter_mut().zip(source) {
            *slot = byte;
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_round_trips_and_bytes_may_follow() {
        let header = Header { salt: [7; 16], record_size: 65_536 };
        let mut bytes = header.to_bytes().to_vec();
        bytes.extend_from_slice(b"record");
        assert_eq!(Header::parse_letter(&bytes, 65_536), Ok(header));
    }

    #[test]
    fn a_short_header_another_record_size_and_a_key_id_are_refused() {
        let good = Header { salt: [7; 16], record_size: 65_536 }.to_bytes();
        for cut in 0..HEADER_LENGTH {
            assert_eq!(Header::parse_letter(&good[..cut], 65_536), Err(HeaderError::Truncated));
        }
        for size in [0, 17, 65_535, 65_537, u32::MAX] {
            let bytes = Header { salt: [7; 16], record_size: size }.to_bytes();
            assert_eq!(Header::parse_letter(&bytes, 65_536), Err(HeaderError::RecordSize(size)));
        }
        let mut named = good;
        named[20] = 1;
        assert_eq!(Header::parse_letter(&named, 65_536), Err(HeaderError::KeyId));
    }
}
