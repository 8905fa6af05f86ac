//! From the part file to the letter: decrypt (end to end), then length and SHA-256, in one pass with a
//! buffer of a few records.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

use waxseal::seal::{self, FragmentKey, Framing, Opener, PlaintextCheck};

use super::download::Part;
use super::errors::OpenError;
use super::wire::Letter;
use crate::secret::FileError;

/// Checks the part against the letter's facts. With a key its plaintext goes to the file.
pub(super) fn verify(
    part: &mut Part,
    letter: &Letter,
    decrypt: Option<(&FragmentKey, &mut File)>,
) -> Result<(), OpenError> {
    let failed = |error| FileError::at(&part.name)(error);
    let expected = letter.sha256.parse().map_err(|_| OpenError::Changed)?;
    let framing = Framing::new(letter.length, letter.record_size).map_err(|_| OpenError::Changed)?;
    let mut check = PlaintextCheck::new(letter.length, expected);
    let (mut opener, mut plain) =
        decrypt.map(|(key, plain)| (Opener::new(key.as_bytes(), framing), plain)).unzip();
    let mut take = |data: &[u8]| -> Result<(), OpenError> {
        check.update(data).map_err(OpenError::Mismatch)?;
        Ok(plain.as_mut().map_or(Ok(()), |plain| plain.write_all(data)).map_err(failed)?)
    };
    part.file.seek(SeekFrom::Start(0)).map_err(failed)?;
    let mut input = vec![0u8; 64 * 1024];
    let mut records = Vec::new();
    loop {
        let read = part.file.read(&mut input).map_err(failed)?;
        let data = input.get(..read).unwrap_or_default();
        match &mut opener {
            _ if read == 0 => break,
            None => take(data)?,
            Some(opener) => {
                opener.push(data, &mut records).map_err(body_error)?;
                take(&records)?;
                records.clear();
            }
        }
    }
    if let Some(opener) = opener {
        opener.finish(&mut records).map_err(body_error)?;
        take(&records)?;
    }
    check.finish().map_err(OpenError::Mismatch)
}

/// A first record that does not open means the key; a later one, the body.
fn body_error(error: seal::OpenError) -> OpenError {
    match error {
        seal::OpenError::NotAuthentic { record: 0 } => OpenError::KeyWrong,
        other => OpenError::Body(other),
    }
}
