//! Browser code: served through the worker, so that a file that is not there is answered like anything else.

use std::cell::OnceCell;
use std::rc::Rc;

use worker::Env;

use crate::platform::error::Fault;
use crate::platform::http::{self, Body, Call, Response};
use crate::platform::log;
use crate::platform::settings::ASSETS;
use waxseal::pages::headers::Kind;
use waxseal::pages::{Scripts, UNNAMED};

/// The list that the build of the browser code leaves there. Its media type is none of ours, so nobody is served it.
const LIST: &str = "scripts.json";

thread_local! {
    /// Deployed together with this module, so it cannot change within an isolate.
    static NAMED: OnceCell<Rc<Scripts>> = const { OnceCell::new() };
}

/// The names of the browser code. Without the list pages work as well, only slower.
pub(crate) async fn scripts(env: &Env) -> Rc<Scripts> {
    if let Some(named) = NAMED.with(|named| named.get().cloned()) {
        return named;
    }
    match read_list(env).await {
        Ok(read) => NAMED.with(|named| Rc::clone(named.get_or_init(|| Rc::new(read)))),
        Err(fault) => {
            log::fault("scripts", &fault);
            Rc::new(UNNAMED.clone())
        }
    }
}

async fn read_list(env: &Env) -> Result<Scripts, Fault> {
    let list = String::from_utf8(http::asset(env, LIST).await?);
    let list = list.ok().and_then(|text| Scripts::from_json(&text));
    list.ok_or_else(|| Fault::new("scripts", format_args!("{LIST} is no list")))
}

/// The file `/assets/NAME`, if there is one.
pub(crate) async fn answer(call: &Call, env: &Env, name: &str) -> Option<Response> {
    file(call, env, name).await.unwrap_or_else(|fault| {
        log::fault("assets", &fault);
        None
    })
}

async fn file(call: &Call, env: &Env, name: &str) -> Result<Option<Response>, Fault> {
    let Some(content_type) = content_type(name) else { return Ok(None) };
    let assets = env.assets(ASSETS).map_err(|e| Fault::new("binding_assets", e))?;
    let mut response = assets.fetch(format!("https://assets/{name}"), None).await?;
    if response.status_code() != 200 {
        return Ok(None);
    }
    let kind = match content_type {
        "image/png" => Kind::Picture,
        _ if is_fixed(call, env, name).await => Kind::AssetHashed,
        _ => Kind::Asset,
    };
    let etag = response.headers().get("etag")?;
    if let Some(etag) = &etag
        && call.header("if-none-match").is_some_and(|known| known.contains(etag.trim_start_matches("W/")))
    {
        return Ok(Some(Response::new(304, &[], Body::Empty).headers_of(kind).header("etag", etag.clone())));
    }
    // Files of ours are small or are read once; a copy through wasm memory keeps the length honest.
    let bytes = response.bytes().await?;
    let answer =
        Response::new(200, &[], Body::Bytes(bytes)).headers_of(kind).header("content-type", content_type);
    Ok(Some(match etag {
        Some(etag) => answer.header("etag", etag),
        None => answer,
    }))
}

/// The media type by extension; `None` for a name that cannot be one of ours.
fn content_type(name: &str) -> Option<&'static str> {
    let plain = name.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_' | b'/'));
    if !plain || name.starts_with('/') || name.contains("..") || name.contains("//") {
        return None;
    }
    Some(match name.rsplit_once('.')?.1 {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "bcmap" | "pfb" | "ttf" => "application/octet-stream",
        "wasm" => "application/wasm",
        _ => return None,
    })
}

/// Whether the content under this address never changes.
async fn is_fixed(call: &Call, env: &Env, name: &str) -> bool {
    is_hashed(name) || (!call.query.is_empty() && scripts(env).await.names(&format!("{name}?{}", call.query)))
}

/// Whether the content under this name never changes: it carries a hash (`pdf-1e2e70eae5.js`) or lies in the folder of a
/// version (`pdfjs-6.5.438/`).
fn is_hashed(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let hash = stem.rsplit_once('-').map_or("", |(_, hash)| hash);
    let by_hash = hash.len() == 10 && hash.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    by_hash || (name.starts_with("pdfjs-") && name.contains('/'))
}
