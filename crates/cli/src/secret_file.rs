//! Files that hold secrets: mode 0600, whole or not there at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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

/// A name beside `path` that nobody else uses.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut random = [0u8; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", crate::output::hex(&random)));
    Ok(path.with_file_name(name))
}

/// Puts `content` at `path`: written and synced under another name first, so that a crash leaves the old
/// file or the new one and never half a keyring. Without `replace` an existing file is refused.
pub(crate) fn put(path: &Path, content: &[u8], replace: bool) -> io::Result<()> {
    let draft = beside(path)?;
    let done = write_draft(&draft, content).and_then(|()| {
        if replace {
            return fs::rename(&draft, path);
        }
        // A hard link, unlike a rename, fails when the name is taken: no gap between look and write.
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.try_exists()? => {
                fs::rename(&draft, path)
            }
            other => other,
        }
    });
    let _ = fs::remove_file(&draft);
    done?;
    sync_folder(path)
}

fn write_draft(draft: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = create(draft)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes the new name itself last through a power cut.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
