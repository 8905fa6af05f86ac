//! Browser code: served through the worker, so that a file that is not there is answered like anything else.

use worker::Env;

use super::answer;
use super::error::Fault;
use super::http::{Answer, Body};
use super::log;
use super::settings::ASSETS;
use crate::pages::headers::Kind;

/// The file `/assets/NAME`, or silence.
pub(super) async fn answer(env: &Env, name: &str) -> Answer {
    match file(env, name).await {
        Ok(Some(answer)) => answer,
        Ok(None) => answer::silent(),
        Err(fault) => {
            log::fault("assets", &fault);
            answer::silent()
        }
    }
}

async fn file(env: &Env, name: &str) -> Result<Option<Answer>, Fault> {
    let Some(content_type) = content_type(name) else { return Ok(None) };
    let assets = env.assets(ASSETS).map_err(|e| Fault::new("binding_assets", e))?;
    let mut response = assets.fetch(format!("https://assets/{name}"), None).await?;
    if response.status_code() != 200 {
        return Ok(None);
    }
    // Files of ours are small or are read once; a copy through wasm memory keeps the length honest.
    let bytes = response.bytes().await?;
    let kind = if is_hashed(name) { Kind::AssetHashed } else { Kind::Asset };
    Ok(Some(Answer::new(200, &[], Body::Bytes(bytes)).headers_of(kind).header("content-type", content_type)))
}

/// The media type by extension; `None` for a name that cannot be one of ours.
fn content_type(name: &str) -> Option<&'static str> {
    let plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'/'));
    if !plain || name.contains("..") || name.contains("//") {
        return None;
    }
    Some(match name.rsplit_once('.')?.1 {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "bcmap" | "pfb" | "ttf" => "application/octet-stream",
        "wasm" => "application/wasm",
        _ => return None,
    })
}

/// Whether the name carries a hash of the content, as in `viewer-1A2B3C4D.js`.
fn is_hashed(name: &str) -> bool {
    let stem = name.rsplit('/').next().unwrap_or_default().split('.').next().unwrap_or_default();
    stem.rsplit_once('-').is_some_and(|(_, hash)| {
        hash.len() == 8 && hash.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
    })
}
