//! `waxseal keys new|rotate|show`.

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use waxseal::token::{Keyring, KeyringError, RotateError, SiteKey};
use waxseal::types::{Kid, UnixMillis, UnixSeconds};
use zeroize::Zeroizing;

use crate::args::{Keys, KeysFile, ShowForm};
use crate::failure::{Coded, FAILED, Failure, USAGE};
use crate::keyring::LoadError;
use crate::output::Output;
use crate::random::random;
use crate::{keyring, secret_file, when};

/// Why keys could not be made or rotated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    /// No file was named.
    #[error("this writes a keyring file: say which with --keys FILE (or WAXSEAL_KEYS_FILE)")]
    NoFile,
    /// A keyring must not be lost by a second `keys new`.
    #[error(
        "{} exists already and is not overwritten: every link made with its keys would die. \
         To change keys use `waxseal keys rotate`; to start over move the file away first",
        .0.display()
    )]
    Exists(PathBuf),
    /// The file could not be written.
    #[error("{} could not be written: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Another rotation holds the keyring, or has just replaced it.
    #[error(
        "{} is being rotated by another process: nothing was changed. Look with `waxseal keys show` before trying again",
        .0.display()
    )]
    Busy(PathBuf),
    /// The keyring took no further key.
    #[error("the keyring was not rotated: {0}")]
    Rotate(#[from] RotateError),
    /// The new key makes no keyring.
    #[error("the keyring was not made: {0}")]
    Make(#[from] KeyringError),
}

impl Coded for KeysError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoFile => "keys_no_file",
            Self::Exists(_) => "keys_exist",
            Self::Write { .. } => "keys_not_written",
            Self::Busy(_) => "keys_busy",
            Self::Rotate(_) => "keys_not_rotated",
            Self::Make(_) => "keys_not_made",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::NoFile) { USAGE } else { FAILED }
    }
}

pub(crate) fn run(command: &Keys, output: Output, now: UnixMillis) -> Result<(), Failure> {
    let now = now.seconds();
    match command {
        Keys::New { file, id } => new(path_of(file)?, Kid(*id), output),
        Keys::Rotate { file, old_until } => rotate(path_of(file)?, old_until.from(now), output, now),
        Keys::Show { file, form } => show(&keyring::load(file, output)?, form, output, now),
    }
}

fn path_of(file: &KeysFile) -> Result<&Path, KeysError> {
    file.keys.as_deref().ok_or(KeysError::NoFile)
}

fn write(path: &Path, keyring: &Keyring, replace: bool) -> Result<(), KeysError> {
    let text = keyring.to_json();
    secret_file::put(path, text.as_bytes(), replace).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            KeysError::Exists(path.to_owned())
        } else {
            KeysError::Write { path: path.to_owned(), error }
        }
    })
}

fn new(path: &Path, id: Kid, output: Output) -> Result<(), Failure> {
    let secret = Zeroizing::new(random::<32>()?);
    let keyring = Keyring::from_keys(id, vec![SiteKey::new(id, *secret, None)]).map_err(KeysError::Make)?;
    write(path, &keyring, false)?;
    let answer = json!({ "file": path.display().to_string(), "active": id.0 });
    let text = format!(
        "New keyring with key {id} in {} (mode 0600). Keep a copy in a safe place: without it no letter opens.",
        path.display()
    );
    output.answer(&answer, &text)?;
    Ok(())
}

/// The keyring file, locked until this is dropped: of two rotations at once the second would lose the first one's
/// key, and with it every letter sealed meanwhile.
fn lock(path: &Path) -> Result<fs::File, Failure> {
    let file = fs::File::open(path).map_err(|error| LoadError::Read { path: path.to_owned(), error })?;
    match file.try_lock() {
        Ok(()) if is_still(&file, path) => Ok(file),
        Ok(()) | Err(TryLockError::WouldBlock) => Err(KeysError::Busy(path.to_owned()).into()),
        Err(TryLockError::Error(error)) => Err(KeysError::Write { path: path.to_owned(), error }.into()),
    }
}

/// Whether `path` names this file and not yet the one that a rotation put in its place.
#[cfg(unix)]
fn is_still(file: &fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same =
        |open: fs::Metadata, named: fs::Metadata| (open.dev(), open.ino()) == (named.dev(), named.ino());
    file.metadata().is_ok_and(|open| fs::metadata(path).is_ok_and(|named| same(open, named)))
}

#[cfg(not(unix))]
fn is_still(_file: &fs::File, _path: &Path) -> bool {
    true
}

fn rotate(path: &Path, old_until: UnixSeconds, output: Output, now: UnixSeconds) -> Result<(), Failure> {
    // A keyring that is a link to where it really lies stays one.
    let path = &path.canonicalize().map_err(|error| LoadError::Read { path: path.to_owned(), error })?;
    let _lock = lock(path)?;
    let before = keyring::read(path, output)?;
    let old = before.active().kid();
    let secret = Zeroizing::new(random::<32>()?);
    let after = before.rotate(*secret, old_until).map_err(KeysError::Rotate)?;
    let new = after.active().kid();
    write(path, &after, true)?;
    let answer = json!({
        "file": path.display().to_string(),
        "active": new.0,
        "old": old.0,
        "old_not_after": old_until.0,
        "old_until": when::rfc3339(old_until),
        "old_verifies": after.verifying(old, now).is_some(),
    });
    let links = if after.verifying(old, now).is_some() {
        format!("Links made with key {old} work until {}.", when::words(old_until))
    } else {
        format!(
            "Key {old} is retired at once: every link made with it is dead, and whoever opens one gets no answer. \
             Its letters are kept; `waxseal mint` makes new links to them."
        )
    };
    let text = format!(
        "Key {new} is active. {links}\n\
         Bring it to the edge before you seal: waxseal keys show --keys {} --env | npx wrangler secret put WAXSEAL_KEYS",
        path.display()
    );
    output.answer(&answer, &text)?;
    Ok(())
}

fn show(keyring: &Keyring, form: &ShowForm, output: Output, now: UnixSeconds) -> Result<(), Failure> {
    if form.secrets || form.env || form.dev_vars {
        let text = keyring.to_json();
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let shown =
            if form.dev_vars { Zeroizing::new(format!("{}='{}'", keyring::VARIABLE, *text)) } else { text };
        output.answer(&value, &shown)?;
        return Ok(());
    }
    if form.api_key {
        let key = keyring.active().api_key();
        output.answer(&json!({ "kid": keyring.active().kid().0, "api_key": key.as_str() }), &key)?;
        return Ok(());
    }
    let active = keyring.active().kid();
    let mut lines = Vec::new();
    let mut keys = Vec::new();
    for key in keyring.keys() {
        let state = match key.not_after() {
            _ if key.kid() == active => "active: makes and verifies links",
            Some(end) if end <= now => "retired: its links are dead, its letters still decrypt",
            _ => "verifies older links",
        };
        let until = key.not_after().map_or_else(
            || "no end".to_owned(),
            |end| format!("until {} ({})", when::words(end), when::distance(end, now)),
        );
        lines.push(format!("key {:>3}  {state}, {until}", key.kid()));
        keys.push(json!({
            "id": key.kid().0,
            "active": key.kid() == active,
            "verifies": keyring.verifying(key.kid(), now).is_some(),
            "not_after": key.not_after().map(|end| end.0),
        }));
    }
    output.answer(&json!({ "active": active.0, "keys": keys }), &lines.join("\n"))?;
    Ok(())
}
