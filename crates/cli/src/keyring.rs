//! Where the keyring comes from. Its secrets never come in as arguments and never go out in messages.

use std::path::{Path, PathBuf};

use waxseal::token::{Keyring, KeyringError};
use zeroize::Zeroizing;

use crate::args::KeysFile;
use crate::error::coded;
use crate::output::Output;

/// The variable that holds a whole keyring.
pub(crate) const VARIABLE: &str = "WAXSEAL_KEYS";

/// Why there is no usable keyring.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "keyring_")]
pub(crate) enum LoadError {
    #[error(
        "this needs the site's keys: give --keys FILE, or set WAXSEAL_KEYS_FILE to the file or WAXSEAL_KEYS to its \
         content. `waxseal keys new --keys keyring.json` makes one"
    )]
    Missing,
    #[error("the keyring {} could not be read: {error}", path.display())]
    #[strum(to_string = "not_read")]
    Read { path: PathBuf, error: std::io::Error },
    #[error("{place} is not a keyring: {error}")]
    #[strum(to_string = "invalid")]
    Content { place: String, error: KeyringError },
}

coded!(LoadError: usage if Self::Missing | Self::Read { .. });

/// The keyring of the file or of the variable; an error when there is none.
pub(crate) fn load(file: &KeysFile, output: Output) -> Result<Keyring, LoadError> {
    find(file, output)?.ok_or(LoadError::Missing)
}

/// The same, but no keyring at all is fine.
pub(crate) fn find(file: &KeysFile, output: Output) -> Result<Option<Keyring>, LoadError> {
    if let Some(path) = &file.keys {
        return read(path, output).map(Some);
    }
    let Some(text) = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty()).map(Zeroizing::new) else {
        return Ok(None);
    };
    parse(&text, format!("the variable {VARIABLE}")).map(Some)
}

/// The keyring in a file.
pub(crate) fn read(path: &Path, output: Output) -> Result<Keyring, LoadError> {
    let failed = |error| LoadError::Read { path: path.to_owned(), error };
    let bytes = std::fs::read(path).map(Zeroizing::new).map_err(failed)?;
    let text = text(&bytes).ok_or_else(|| {
        failed(std::io::Error::new(std::io::ErrorKind::InvalidData, "it is neither UTF-8 nor UTF-16"))
    })?;
    if let Some(mode) = too_open(path) {
        output.warn(&format!(
            "warning: others on this machine can read {} (mode {mode:03o}): run `chmod 600 {0}`",
            path.display()
        ));
    }
    parse(&text, path.display().to_string())
}

/// UTF-8, or the UTF-16 that Windows PowerShell writes with `>`, known by its byte order mark.
fn text(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let (text, _, faulty) = encoding_rs::UTF_8.decode(bytes);
    (!faulty).then(|| Zeroizing::new(text.into_owned()))
}

fn parse(text: &str, place: String) -> Result<Keyring, LoadError> {
    Keyring::from_json(text).map_err(|error| LoadError::Content { place, error })
}

/// The file's mode, if group or others may read it.
#[cfg(unix)]
fn too_open(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn too_open(_path: &Path) -> Option<u32> {
    None
}
