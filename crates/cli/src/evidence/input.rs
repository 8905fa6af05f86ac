//! What is to be verified: a zip file, a folder, or a receipt. All of it may be hostile.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use waxseal::evidence::bundle::package::{Unpacked, unpacked};
use waxseal::evidence::bundle::{MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES};
use waxseal::evidence::note::{MAX_NOTE_BYTES, Note, NoteError};

use super::zip::{self, ZipError};
use crate::error::coded;

/// The deepest a bundle's folder goes, itself not counted: two, and folders that somebody put around it.
const DEPTH: usize = 6;

/// What was given.
pub(super) enum Input {
    /// The files of a bundle.
    Bundle(Unpacked),
    /// A receipt.
    Receipt(Vec<u8>),
    /// A package that is not read, so that nothing in it is verified.
    Unread(ZipError),
}

/// Why there is nothing to verify.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(super) enum InputError {
    #[error("{} could not be read: {error}", path.display())]
    #[strum(to_string = "evidence_not_read")]
    Read { path: PathBuf, error: io::Error },
    #[error("{} is neither a bundle (a zip file or a folder) nor a receipt (JSON)", .0.display())]
    #[strum(to_string = "evidence_unknown")]
    Unknown(PathBuf),
    #[error("{} is larger than any bundle", .0.display())]
    #[strum(to_string = "evidence_too_large")]
    TooLarge(PathBuf),
    #[error("{} does not belong in a bundle's folder: take it out, or verify the zip file", .0.display())]
    #[strum(to_string = "evidence_stray_file")]
    Stray(PathBuf),
    #[error("{} is not a checkpoint: {error}", path.display())]
    #[strum(to_string = "checkpoint_malformed")]
    Checkpoint { path: PathBuf, error: NoteError },
}

coded!(InputError: usage);

/// Reads what is at `path`.
pub(super) fn read(path: &Path) -> Result<Input, InputError> {
    let facts = fs::metadata(path).map_err(|error| InputError::Read { path: path.to_owned(), error })?;
    if facts.is_dir() {
        let mut files = Vec::new();
        let mut left = MAX_BUNDLE_BYTES;
        folder(path, "", DEPTH, &mut files, &mut left)?;
        return Ok(unpacked(files, []).map_or_else(|error| Input::Unread(error.into()), Input::Bundle));
    }
    let bytes = bounded(path, MAX_BUNDLE_BYTES)?;
    if bytes.starts_with(b"PK") {
        return Ok(zip::unpack(&bytes).map_or_else(Input::Unread, Input::Bundle));
    }
    match bytes.trim_ascii_start().first() {
        Some(b'{') => Ok(Input::Receipt(bytes)),
        _ => Err(InputError::Unknown(path.to_owned())),
    }
}

/// A file of at most `limit` bytes.
pub(super) fn bounded(path: &Path, limit: usize) -> Result<Vec<u8>, InputError> {
    let failed = |error| InputError::Read { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit { Err(InputError::TooLarge(path.to_owned())) } else { Ok(bytes) }
}

/// Reads a folder's files under their names from the bundle's root. Links are not followed.
fn folder(
    path: &Path,
    prefix: &str,
    depth: usize,
    files: &mut Vec<(String, Vec<u8>)>,
    left: &mut usize,
) -> Result<(), InputError> {
    let failed = |error| InputError::Read { path: path.to_owned(), error };
    for entry in fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(failed)?);
        // A name that is no text is no bundle's: what stands in for it is looked at as a name that hides.
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() && depth > 1 {
            folder(&path, &format!("{name}/"), depth - 1, files, left)?;
        } else if kind.is_file() {
            if files.len() >= 3 * MAX_BUNDLE_FILES {
                return Err(InputError::TooLarge(path));
            }
            let bytes = bounded(&path, *left)?;
            *left = left.saturating_sub(bytes.len());
            files.push((name, bytes));
        } else {
            return Err(InputError::Stray(path));
        }
    }
    Ok(())
}

/// A checkpoint that somebody kept.
pub(super) fn older(path: &Path) -> Result<Note, InputError> {
    let bytes = bounded(path, MAX_NOTE_BYTES)?;
    Note::parse(&bytes).map_err(|error| InputError::Checkpoint { path: path.to_owned(), error })
}
