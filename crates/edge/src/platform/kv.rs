//! The namespace that the guard's rules and snapshots lie in.

use std::future::Future;
use std::time::Duration;

use data_encoding::HEXLOWER;
use js_sys::Reflect;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use wasm_bindgen::JsValue;
use worker::Env;
use worker::kv::{KvError, KvStore};

use crate::platform::clock;
use crate::platform::error::Fault;

/// Name of the KV binding.
pub(crate) const BINDING: &str = "GUARD";

/// The rules, in TOML: what the publisher took, or what operators put there past it.
pub(crate) const RULES: &str = "guard/rules";
/// Which base and delta hold: see [`super::head::Head`].
pub(crate) const HEAD: &str = "guard/head";
/// What the publisher says of the rules.
pub(crate) const STATUS: &str = "guard/status";

/// The least that the platform takes; without it, it is 60.
const CACHE_SECONDS: u64 = 30;

/// Longer than a healthy store takes.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn base_key(generation: u64) -> String {
    format!("guard/base/{generation}")
}

pub(crate) fn delta_key(generation: u64) -> String {
    format!("guard/delta/{generation}")
}

/// Beside rules that the publisher put.
#[derive(Serialize, Deserialize)]
pub(crate) struct Mark {
    pub(crate) version: u64,
    sha256: String,
}

/// The namespace of the guard.
pub(crate) struct Namespace(KvStore);

impl Namespace {
    /// `worker` takes any binding for a namespace; one that is none fails only when it is used. So look first.
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        let object = Reflect::get(env.as_ref(), &BINDING.into())?;
        let has = |name: &str| {
            Reflect::get(&object, &name.into()).is_ok_and(|member: JsValue| member.is_function())
        };
        if !object.is_object() || !has("getWithMetadata") || has("head") {
            return Err(Fault::new("binding_guard", "the KV namespace is missing; see wrangler.toml"));
        }
        env.kv(BINDING).map(Self).map_err(|e| Fault::new("binding_guard", e))
    }

    /// A text that changes under its key, read afresh: the platform may answer one that is this old.
    pub(crate) async fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        patiently(self.0.get(key).cache_ttl(CACHE_SECONDS).text()).await
    }

    pub(crate) async fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        patiently(self.0.get(key).bytes()).await
    }

    pub(crate) async fn put_text(&self, key: &str, text: &str) -> Result<(), Fault> {
        patiently(self.0.put(key, text).map_err(fault)?.execute()).await
    }

    pub(crate) async fn put_bytes(&self, key: &str, bytes: &[u8]) -> Result<(), Fault> {
        patiently(self.0.put_bytes(key, bytes).map_err(fault)?.execute()).await
    }

    /// The rules, and their version when it was the publisher that put them there. Whoever puts others may add metadata of their own, or
    /// keep what stood beside the last ones.
    pub(crate) async fn rules(&self) -> Result<(Option<String>, Option<Mark>), Fault> {
        let read = self.0.get(RULES).cache_ttl(CACHE_SECONDS).text_with_metadata::<serde_json::Value>();
        let (text, metadata) = patiently(read).await?;
        let mark = metadata.and_then(|value| serde_json::from_value::<Mark>(value).ok());
        let is_of = |mark: &Mark| text.as_ref().is_some_and(|text| mark.sha256 == sha256(text));
        let mark = mark.filter(is_of);
        Ok((text, mark))
    }

    pub(crate) async fn put_rules(&self, text: &str, version: u64) -> Result<(), Fault> {
        let mark = Mark { version, sha256: sha256(text) };
        let put = self.0.put(RULES, text).and_then(|put| put.metadata(mark)).map_err(fault)?;
        patiently(put.execute()).await
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Fault> {
        patiently(self.0.delete(key)).await
    }
}

/// As the rules are named: SHA-256 in hexadecimal.
pub(super) fn sha256(text: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

async fn patiently<T>(work: impl Future<Output = Result<T, KvError>>) -> Result<T, Fault> {
    match clock::within(PATIENCE, work).await {
        Some(done) => done.map_err(fault),
        None => Err(Fault::new("kv_silent", "no answer in time")),
    }
}

fn fault(error: KvError) -> Fault {
    Fault::new("kv_failed", error)
}
