//! Secrets: random bytes from the operating system, and files with mode 0600, whole or not there at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::error::coded;
use crate::output::line;

/// A new file that only its owner can read. Fails when it exists.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).read(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// An existing file for reading and writing, if it is private: a plain file of this user, under one name, that
/// neither group nor others may touch. In a folder that others share anybody may have put a file or a link
/// there.
pub(crate) fn reopen(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        // Neither follow a link nor wait for the other end of a pipe.
        options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    }
    let file = options.open(path)?;
    if is_private(&file.metadata()?) {
        return Ok(file);
    }
    Err(io::Error::other("this file was not made by this program for this user"))
}

/// A private file: a new one, or the one that is there.
pub(crate) fn create_or_reopen(path: &Path) -> io::Result<File> {
    match create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => reopen(path),
        created => created,
    }
}

#[cfg(unix)]
fn is_private(facts: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = facts.uid() == rustix::process::geteuid().as_raw();
    facts.is_file() && own && facts.nlink() == 1 && facts.mode() & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(facts: &fs::Metadata) -> bool {
    facts.is_file()
}

/// Puts `content` at `path`: written and synced under another name first, so that a crash leaves the old
/// file or the new one and never half a keyring. Without `replace` an existing file is refused.
pub(crate) fn put(path: &Path, content: &[u8], replace: bool) -> io::Result<()> {
    let mut draft = NamedTempFile::new_in(folder(path))?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    let named = if replace { draft.persist(path) } else { draft.persist_noclobber(path) };
    named.map_err(|failed| failed.error)?;
    sync_folder(path)
}

/// Gives a file another name, under the same conditions.
pub(crate) fn rename(from: &Path, path: &Path, replace: bool) -> io::Result<()> {
    let from = TempPath::try_from_path(from)?;
    let named = if replace { from.persist(path) } else { from.persist_noclobber(path) };
    named.map_err(|failed| {
        // Dropped, it would be deleted.
        let _ = failed.path.keep();
        failed.error
    })?;
    sync_folder(path)
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the new name itself last through a power cut.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Why a file was not written.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum FileError {
    #[error("{} exists already: choose another name with -o, or add --force to overwrite it", line(&.0.to_string_lossy()))]
    #[strum(to_string = "file_exists")]
    Exists(PathBuf),
    #[error("{} could not be written: {error}", line(&.path.to_string_lossy()))]
    #[strum(to_string = "file_not_written")]
    Write { path: PathBuf, error: io::Error },
}

coded!(FileError: usage if Self::Exists(_));

impl FileError {
    /// What went wrong at this path.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |error| match error.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists(path),
            _ => Self::Write { path, error },
        }
    }
}

/// The operating system gave no random bytes; nothing may be sealed then.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes: {0}")]
pub(crate) struct RandomError(getrandom::Error);

coded!(RandomError = "no_randomness");

/// `N` fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(RandomError)?;
    Ok(bytes)
}
