//! Where the letter goes: the file itself only when everything is verified, until then a part file beside it
//! and a small state file with what the next run needs. All of them readable by the owner alone.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use waxseal::types::LetterId;
use zeroize::Zeroizing;

use super::errors::OpenError;
use super::wire::Letter;
use crate::secret::{self, FileError};

/// What a broken-off run leaves for the next one. It holds the consent's cookie, never the key of the link.
#[derive(Deserialize, Serialize)]
pub(super) struct State {
    pub(super) origin: String,
    pub(super) cookie: String,
    /// The part file and the letter it is a part of, once known.
    pub(super) part: Option<(PathBuf, Letter)>,
}

/// The state file of a letter in a folder.
pub(super) struct StateFile(PathBuf);

impl StateFile {
    pub(super) fn new(folder: &Path, letter: LetterId) -> Self {
        Self(folder.join(format!(".waxseal-{letter}.state")))
    }

    /// `None` when there is none of ours, or none we understand.
    pub(super) fn read(&self) -> Option<State> {
        let mut text = Zeroizing::new(Vec::new());
        secret::reopen(&self.0).ok()?.read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(super) fn write(&self, state: &State) -> Result<(), OpenError> {
        let text = serde_json::to_vec(state).map_err(io::Error::other).map(Zeroizing::new);
        let done = text.and_then(|text| secret::put(&self.0, &text, true));
        Ok(done.map_err(FileError::at(&self.0))?)
    }

    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Where the verified letter goes.
pub(super) enum Destination {
    /// A file.
    File {
        /// Its final name.
        path: PathBuf,
        /// Whether it may replace another.
        force: bool,
    },
    /// Standard output.
    Stdout,
}

/// `path` with an ending of ours.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

impl Destination {
    /// Refuses a name that is taken.
    pub(super) fn check(&self) -> Result<(), OpenError> {
        match self {
            Self::File { path, force: false } if path.symlink_metadata().is_ok() => {
                Err(FileError::Exists(path.clone()).into())
            }
            Self::File { path, .. } if path.is_dir() => {
                Err(FileError::at(path)(io::Error::other("it is a folder")).into())
            }
            _ => Ok(()),
        }
    }

    /// The part file's name; `None` for standard output.
    pub(super) fn part_path(&self) -> Option<PathBuf> {
        match self {
            Self::File { path, .. } => Some(beside(path, ".waxseal-part")),
            Self::Stdout => None,
        }
    }

    /// The part file, kept from an earlier run if `keep`, else empty.
    pub(super) fn part(&self, keep: bool) -> Result<File, OpenError> {
        let Some(path) = self.part_path() else { return scratch() };
        let kept = if keep { secret::reopen(&path).ok() } else { None };
        kept.map_or_else(|| fresh(&path), Ok)
    }

    /// A second file for the plaintext of an end-to-end letter.
    pub(super) fn plain(&self) -> Result<(File, Option<PathBuf>), OpenError> {
        let Self::File { path, .. } = self else { return Ok((scratch()?, None)) };
        let path = beside(path, ".waxseal-open");
        Ok((fresh(&path)?, Some(path)))
    }

    /// Gives the verified content its name, or writes it out. `from` is where it lies, if it has a name.
    pub(super) fn deliver(&self, mut content: File, from: Option<&Path>) -> Result<(), OpenError> {
        let (Self::File { path, force }, Some(from)) = (self, from) else {
            content.seek(SeekFrom::Start(0)).map_err(OpenError::Stdout)?;
            let mut out = io::stdout().lock();
            io::copy(&mut content, &mut out).map_err(OpenError::Stdout)?;
            return io::Write::flush(&mut out).map_err(OpenError::Stdout);
        };
        let named = content.sync_all().and_then(|()| secret::rename(from, path, *force));
        Ok(named.map_err(FileError::at(path))?)
    }
}

/// A new file with mode 0600 in place of whatever had the name. What cannot be removed is never written to: in a
/// folder that others share it may be theirs.
fn fresh(path: &Path) -> Result<File, OpenError> {
    let _ = fs::remove_file(path);
    secret::create(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => OpenError::InTheWay(path.to_owned()),
        _ => FileError::at(path)(error).into(),
    })
}

/// A file without a name: it vanishes with the process, however that ends.
fn scratch() -> Result<File, OpenError> {
    Ok(tempfile::tempfile().map_err(FileError::at(&std::env::temp_dir()))?)
}
