//! What the bucket says of a letter that the ledger does not know yet.

use worker::Env;

use super::messages::NoLetter;
use crate::objects::terms::cannot_honour;
use crate::platform::bucket::{Letters, ReadError};
use crate::platform::error::Fault;
use crate::platform::residency;
use crate::platform::settings::Settings;
use waxseal::api::Code;
use waxseal::seal::{MAX_MANIFEST, Manifest, body_key, manifest_key};
use waxseal::types::{Kid, LetterId};

/// A letter as it was sealed.
pub(super) struct Whole {
    pub(super) manifest: Manifest,
    /// The manifest's object.
    pub(super) object: Vec<u8>,
    /// The entity tag of the body.
    pub(super) body_etag: String,
    /// The key that the manifest was sealed with.
    pub(super) kid: Kid,
}

/// Reads the manifest and checks that the body is there in full length.
pub(super) async fn load(
    env: &Env,
    settings: &Settings,
    letter: LetterId,
) -> Result<Result<Whole, NoLetter>, Fault> {
    let damaged = |code: Code| Ok(Err(NoLetter::Damaged { code }));
    let bucket = Letters::open(env)?;
    let object = match bucket.read(&manifest_key(letter), MAX_MANIFEST as u64).await {
        Ok(Some(object)) => object,
        Ok(None) => return Ok(Err(NoLetter::Missing)),
        Err(ReadError::TooLarge(_)) => return damaged(Code::ManifestTooLarge),
        Err(ReadError::Fault(fault)) => return Err(fault),
    };
    residency::check(env).await?;
    let (manifest, kid) = match Manifest::open(&object, letter, &settings.keyring) {
        Ok(opened) => opened,
        Err(error) => return damaged(Code::from(&error)),
    };
    if let Some(code) = cannot_honour(env, settings, &manifest).await? {
        return damaged(code);
    }
    match bucket.head(&body_key(letter)).await? {
        None => damaged(Code::BodyMissing),
        Some(body) if manifest.check_body(body.size).is_err() => damaged(Code::BodyLength),
        Some(body) => Ok(Ok(Whole { manifest, object, body_etag: body.etag, kid })),
    }
}
