//! From the part file to the letter: decrypt (end to end), then length and SHA-256, in one pass with a
//! buffer of a few records.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use waxseal::seal::{self, FragmentKey, Framing, Opener, PlaintextCheck, Sha256Sum};

use super::download::Part;
use super::errors::OpenError;
use super::wire::Letter;

/// Checks the part against the letter's facts. With a key its plaintext goes to `plain`.
pub(super) fn verify(
    part: &mut Part,
    letter: &Letter,
    decrypt: Option<(&FragmentKey, &mut File)>,
) -> Result<(), OpenError> {
    let unreadable = |error| OpenError::Write { path: part.name.clone(), error };
    let expected: Sha256Sum = letter.sha256.parse().map_err(|_| OpenError::Changed)?;
    let check = PlaintextCheck::new(letter.length, expected);
    let mut pass = Pass { check, plain: None, name: part.name.clone() };
    let mut opener = None;
    if let Some((key, plain)) = decrypt {
        let framing = Framing::new(letter.length, letter.record_size).map_err(|_| OpenError::Changed)?;
        opener = Some(Opener::new(key.as_bytes(), framing));
        pass.plain = Some(plain);
    }
    part.file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut input = vec![0u8; 64 * 1024];
    let mut records = Vec::new();
    loop {
        let read = part.file.read(&mut input).map_err(unreadable)?;
        let data = input.get(..read).unwrap_or_default();
        if read == 0 {
            break;
        }
        match &mut opener {
            None => pass.take(data)?,
            Some(opener) => {
                opener.push(data, &mut records).map_err(body_error)?;
                pass.take(&records)?;
                records.clear();
            }
        }
    }
    if let Some(opener) = opener {
        opener.finish(&mut records).map_err(body_error)?;
        pass.take(&records)?;
    }
    pass.check.finish().map_err(OpenError::Mismatch)
}

struct Pass<'a> {
    check: PlaintextCheck,
    plain: Option<&'a mut File>,
    name: PathBuf,
}

impl Pass<'_> {
    fn take(&mut self, data: &[u8]) -> Result<(), OpenError> {
        self.check.update(data).map_err(OpenError::Mismatch)?;
        match &mut self.plain {
            Some(plain) => {
                plain.write_all(data).map_err(|error| OpenError::Write { path: self.name.clone(), error })
            }
            None => Ok(()),
        }
    }
}

/// A first record that does not open means the key; a later one, the body.
fn body_error(error: seal::OpenError) -> OpenError {
    match error {
        seal::OpenError::NotAuthentic { record: 0 } => OpenError::KeyWrong,
        other => OpenError::Body(other),
    }
}
