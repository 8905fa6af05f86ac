//! `waxseal keys new|rotate|show`.

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use waxseal::token::{Keyring, KeyringError, RotateError, SiteKey};
use waxseal::types::{Kid, UnixMillis, UnixSeconds};
use zeroize::Zeroizing;

use crate::args::{Keys, KeysFile, ShowForm};
use crate::failure::{Coded, FAILED, Failure, USAGE};
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
    /// The old key would end before now.
    #[error(
        "--old-until {0} is in the past: the links in your customers' hands would die at once. Give a later time"
    )]
    Past(String),
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
            Self::Past(_) => "keys_old_until_past",
            Self::Rotate(_) => "keys_not_rotated",
            Self::Make(_) => "keys_not_made",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::NoFile | Self::Past(_)) { USAGE } else { FAILED }
    }
}

pub(crate) fn run(command: &Keys, output: Output, now: UnixMillis) -> Result<(), Failure> {
    let now = now.seconds();
    match command {
        Keys::New { file, id } => new(path_of(file)?, Kid(*id), output),
        Keys::Rotate { file, old_until } => {
            let until = old_until.from(now);
            if until <= now {
                return Err(KeysError::Past(when::rfc3339(until)).into());
            }
            rotate(path_of(file)?, until, output)
        }
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

fn rotate(path: &Path, old_until: UnixSeconds, output: Output) -> Result<(), Failure> {
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
    });
    let text = format!(
        "Key {new} is active. Links made with key {old} work until {}.\n\
         Bring it to the edge before you seal: waxseal keys show --keys {} --env | npx wrangler secret put WAXSEAL_KEYS",
        when::words(old_until),
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
