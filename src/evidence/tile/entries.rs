//! Bundles of entries: each entry is a length of two bytes, big endian, and then its bytes.

use super::TILE_WIDTH;

/// The longest entry that fits its length field, in bytes.
pub const MAX_ENTRY_BYTES: usize = 0xffff;

/// Why bytes are not a bundle of entries, or entries do not make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum EntriesError {
    /// An entry is longer than 65,535 bytes.
    #[error("an entry is longer than 65,535 bytes")]
    #[strum(to_string = "entry_too_long")]
    TooLong,
    /// The bytes end within an entry.
    #[error("the bundle ends within an entry")]
    #[strum(to_string = "entries_truncated")]
    Truncated,
    /// There are more entries than a bundle holds.
    #[error("the bundle has more than 256 entries")]
    #[strum(to_string = "entries_too_many")]
    TooMany,
}

codes!(EntriesError);

/// The bundle of these entries.
pub fn encode_entries<'e>(entries: impl IntoIterator<Item = &'e [u8]>) -> Result<Vec<u8>, EntriesError> {
    let mut bundle = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        if at >= usize::from(TILE_WIDTH) {
            return Err(EntriesError::TooMany);
        }
        push_entry(&mut bundle, entry)?;
    }
    Ok(bundle)
}

/// The first `count` entries of a bundle, encoded; `None` when it has fewer.
pub(super) fn first(bundle: &[u8], count: u16) -> Option<&[u8]> {
    let mut rest = bundle;
    for _ in 0..count {
        let (length, behind) = rest.split_first_chunk()?;
        rest = behind.get(usize::from(u16::from_be_bytes(*length))..)?;
    }
    bundle.get(..bundle.len().saturating_sub(rest.len()))
}

pub(super) fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), EntriesError> {
    let length = u16::try_from(entry.len()).map_err(|_| EntriesError::TooLong)?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, at most 256, with nothing before, between or after them.
pub fn decode_entries(mut bundle: &[u8]) -> Result<Vec<&[u8]>, EntriesError> {
    let mut entries = Vec::new();
    while !bundle.is_empty() {
        if entries.len() >= usize::from(TILE_WIDTH) {
            return Err(EntriesError::TooMany);
        }
        let (length, rest) = bundle.split_first_chunk().ok_or(EntriesError::Truncated)?;
        let (entry, rest) =
            rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(EntriesError::Truncated)?;
        entries.push(entry);
        bundle = rest;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_cut_bundles_do_not() {
        let entries: [&[u8]; 4] = [b"", b"a", &[7; 300], b"zz"];
        let bundle = encode_entries(entries).unwrap();
        assert_eq!(bundle[..5], [0, 0, 0, 1, b'a']);
        assert_eq!(decode_entries(&bundle).unwrap(), entries);
        assert_eq!(decode_entries(&[]), Ok(Vec::new()));
        for cut in [1, 3, 6, bundle.len() - 1] {
            assert_eq!(decode_entries(&bundle[..cut]), Err(EntriesError::Truncated), "{cut}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(encode_entries([[0; MAX_ENTRY_BYTES + 1].as_slice()]), Err(EntriesError::TooLong));
        assert!(encode_entries([[0; MAX_ENTRY_BYTES].as_slice()]).is_ok());
        assert_eq!(encode_entries([b"".as_slice(); 257]), Err(EntriesError::TooMany));
        assert_eq!(decode_entries(&[0; 257 * 2]), Err(EntriesError::TooMany));
        assert_eq!(decode_entries(&[0; 256 * 2]).unwrap().len(), 256);
    }
}
