//! `waxseal keys new|rotate|revoke-api|show`.

use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use waxseal::token::{Keyring, KeyringError, RotateError, SiteKey};
use waxseal::types::{Kid, UnixMillis, UnixSeconds};
use zeroize::Zeroizing;

use crate::args::{Keys, KeysFile, ShowForm};
use crate::error::{Error, coded};
use crate::keyring::LoadError;
use crate::output::Output;
use crate::secret::random;
use crate::{keyring, secret, when};

/// Why keys could not be made or rotated.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum KeysError {
    #[error("this writes a keyring file: say which with --keys FILE (or WAXSEAL_KEYS_FILE)")]
    #[strum(to_string = "keys_no_file")]
    NoFile,
    /// A keyring must not be lost by a second `keys new`.
    #[error(
        "{} exists already and is not overwritten: every link made with its keys would die. \
         To change keys use `waxseal keys rotate`; to start over move the file away first",
        .0.display()
    )]
    #[strum(to_string = "keys_exist")]
    Exists(PathBuf),
    #[error("{} could not be written: {error}", path.display())]
    #[strum(to_string = "keys_not_written")]
    Write { path: PathBuf, error: io::Error },
    #[error("{} exists already and is not overwritten: --force replaces it", .0.display())]
    OutputExists(PathBuf),
    #[error("{} is a folder: name a file in it", .0.display())]
    #[strum(to_string = "output_folder")]
    Folder(PathBuf),
    /// Another rotation holds the keyring, or has just replaced it.
    #[error(
        "{} is being rotated by another process: nothing was changed. Look with `waxseal keys show` before trying again",
        .0.display()
    )]
    #[strum(to_string = "keys_busy")]
    Busy(PathBuf),
    #[error("the keyring was not rotated: {0}")]
    #[strum(to_string = "keys_not_rotated")]
    Rotate(#[from] RotateError),
    #[error("the keyring was not made: {0}")]
    #[strum(to_string = "keys_not_made")]
    Make(#[from] KeyringError),
}

coded!(KeysError: usage if Self::NoFile);

pub(crate) fn run(command: &Keys, output: Output, at: UnixMillis) -> Result<(), Error> {
    let now = at.seconds();
    match command {
        Keys::Api(command) => crate::runtime()?.block_on(crate::api_keys::run(command, output, at)),
        Keys::New { file, id } => new(path_of(file)?, Kid(*id), output),
        Keys::Rotate { file, old_until, old_api_until } => {
            let ends =
                Ends { links: old_until.over_everywhere(now), api: old_api_until.over_everywhere(now) };
            rotate(path_of(file)?, &ends, output, now)
        }
        Keys::RevokeApi { file } => revoke_api(path_of(file)?, output, now),
        Keys::Show { file, form, output: to, force } => {
            let (value, text) = shown(&keyring::load(file, output)?, form, now);
            match to {
                None => Ok(output.answer(&value, &text)?),
                Some(path) => {
                    write(path, &Zeroizing::new(format!("{}\n", *text)), *force, KeysError::OutputExists)?;
                    let file = path.display().to_string();
                    let text = format!("Written to {file} (mode 0600).");
                    Ok(output.answer(&json!({ "file": file }), &text)?)
                }
            }
        }
    }
}

fn path_of(file: &KeysFile) -> Result<&Path, KeysError> {
    file.keys.as_deref().ok_or(KeysError::NoFile)
}

/// Writes a private file; `taken` is what it means that there is one.
fn write(path: &Path, text: &str, replace: bool, taken: fn(PathBuf) -> KeysError) -> Result<(), KeysError> {
    if path.is_dir() {
        return Err(KeysError::Folder(path.to_owned()));
    }
    secret::put(path, text.as_bytes(), replace).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => taken(path.to_owned()),
        _ => KeysError::Write { path: path.to_owned(), error },
    })
}

fn new(path: &Path, id: Kid, output: Output) -> Result<(), Error> {
    let secret = Zeroizing::new(random::<32>()?);
    let keyring = Keyring::from_keys(id, vec![SiteKey::new(id, *secret, None)]).map_err(KeysError::Make)?;
    write(path, &keyring.to_json(), false, KeysError::Exists)?;
    let answer = json!({ "file": path.display().to_string(), "active": id.0 });
    let text = format!(
        "New keyring with key {id} in {} (mode 0600). Keep a copy in a safe place: without it no letter opens.",
        path.display()
    );
    Ok(output.answer(&answer, &text)?)
}

/// The keyring file, locked until this is dropped: of two rotations at once the second would lose the first one's
/// key, and with it every letter sealed meanwhile.
fn lock(path: &Path) -> Result<fs::File, Error> {
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

/// When what an old key does ends.
struct Ends {
    links: UnixSeconds,
    api: UnixSeconds,
}

/// Replaces the keyring at `path` by what `change` makes of it; nobody else does so meanwhile.
fn replace(
    path: &Path,
    output: Output,
    change: impl FnOnce(&Keyring) -> Result<Keyring, Error>,
) -> Result<(PathBuf, Keyring), Error> {
    // A keyring that is a link to where it really lies stays one.
    let path = path.canonicalize().map_err(|error| LoadError::Read { path: path.to_owned(), error })?;
    let _lock = lock(&path)?;
    let after = change(&keyring::read(&path, output)?)?;
    write(&path, &after.to_json(), true, KeysError::Exists)?;
    Ok((path, after))
}

/// How a changed keyring gets to where it counts.
fn to_the_edge(path: &Path) -> String {
    format!("waxseal keys show --keys {} --env | ./scripts/wrangler secret put WAXSEAL_KEYS", path.display())
}

fn rotate(path: &Path, ends: &Ends, output: Output, now: UnixSeconds) -> Result<(), Error> {
    let secret = Zeroizing::new(random::<32>()?);
    let mut old = Kid(0);
    let (path, after) = replace(path, output, |before| {
        old = before.active().kid();
        let after = before.rotate(*secret, ends.links).map_err(KeysError::Rotate)?;
        Ok(after.ending_old_api_keys(ends.api))
    })?;
    let new = after.active().kid();
    let (verifies, api) = (after.verifying(old, now).is_some(), ends.api.min(ends.links));
    let answer = json!({
        "file": path.display().to_string(),
        "active": new.0,
        "old": old.0,
        "old_not_after": ends.links.0,
        "old_until": when::rfc3339(ends.links),
        "old_verifies": verifies,
        "old_api_not_after": api.0,
        "old_api_until": when::rfc3339(api),
    });
    let links = if verifies {
        format!("Links made with key {old} work until {}.", when::words(ends.links))
    } else {
        format!(
            "Key {old} is retired at once: every link made with it is dead, and whoever opens one gets no answer. \
             Its letters are kept; `waxseal mint` makes new links to them."
        )
    };
    let api = if now < api {
        format!(
            "The API key of key {old} is taken until {}; sooner ended by `waxseal keys revoke-api`.",
            when::words(api)
        )
    } else {
        format!("The API key of key {old} has ended.")
    };
    let text = format!(
        "Key {new} is active. {links}\n{api} The new one: waxseal keys show --keys {} --api-key\n\
         Bring the keyring to the edge before you seal: {}",
        path.display(),
        to_the_edge(&path)
    );
    Ok(output.answer(&answer, &text)?)
}

fn revoke_api(path: &Path, output: Output, now: UnixSeconds) -> Result<(), Error> {
    let mut ended = Vec::new();
    let (path, after) = replace(path, output, |before| {
        let old = before.keys().filter(|key| key.kid() != before.active().kid());
        ended = old.filter(|key| key.verifies_api_at(now)).map(|key| key.kid().0).collect();
        Ok(before.ending_old_api_keys(now))
    })?;
    let active = after.active().kid();
    let answer = json!({ "file": path.display().to_string(), "active": active.0, "ended": ended });
    let text = if ended.is_empty() {
        format!(
            "No old API key was left. To end that of the active key {active}: waxseal keys rotate --keys {} \
             --old-api-until now",
            path.display()
        )
    } else {
        let ended: Vec<_> = ended.iter().map(u8::to_string).collect();
        format!(
            "The API keys of these keys have ended: {}. Links are as they were. That of the active key {active} goes on.\n\
             It holds once the edge has the keyring: {}",
            ended.join(", "),
            to_the_edge(&path)
        )
    };
    Ok(output.answer(&answer, &text)?)
}

/// What `keys show` has to say.
fn shown(keyring: &Keyring, form: &ShowForm, now: UnixSeconds) -> (Value, Zeroizing<String>) {
    if form.secrets || form.env || form.dev_vars {
        let text = keyring.to_json();
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let text =
            if form.dev_vars { Zeroizing::new(format!("{}='{}'", keyring::VARIABLE, *text)) } else { text };
        return (value, text);
    }
    let active = keyring.active().kid();
    if form.api_key {
        let text = keyring.active().api_key();
        return (json!({ "kid": active.0, "api_key": text.as_str() }), text);
    }
    let mut lines = Vec::new();
    let mut keys = Vec::new();
    for key in keyring.keys() {
        let state = match key.not_after() {
            _ if key.kid() == active => "active: makes and verifies links",
            Some(end) if end <= now => "retired: its links are dead, its letters still decrypt",
            _ => "verifies older links",
        };
        let until = key
            .not_after()
            .map_or_else(|| "no end".to_owned(), |end| format!("until {}", when::full(end, now)));
        let api = match key.api_not_after() {
            Some(end) if key.verifies_api_at(now) => format!("; API key until {}", when::words(end)),
            Some(_) if key.verifies_at(now) => "; its API key has ended".to_owned(),
            None if key.kid() != active && key.verifies_at(now) => {
                "; its API key is taken as long".to_owned()
            }
            _ => String::new(),
        };
        lines.push(format!("key {:>3}  {state}, {until}{api}", key.kid()));
        keys.push(json!({
            "id": key.kid().0,
            "active": key.kid() == active,
            "verifies": keyring.verifying(key.kid(), now).is_some(),
            "not_after": key.not_after().map(|end| end.0),
            "api_verifies": key.verifies_api_at(now),
            "api_not_after": key.api_not_after().map(|end| end.0),
        }));
    }
    (json!({ "active": active.0, "keys": keys }), Zeroizing::new(lines.join("\n")))
}
