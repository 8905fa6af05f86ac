//! A namespace of KV: the few operations that are used, none of which waits for ever.

use std::future::Future;
use std::time::Duration;

use js_sys::Reflect;
use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::JsValue;
use worker::Env;
use worker::kv::{KvError, KvStore};

use super::clock;
use super::error::Fault;

/// The least that the platform takes; without it, it is 60.
const CACHE_SECONDS: u64 = 30;

/// Longer than a healthy store takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// A namespace.
pub(crate) struct Namespace(KvStore);

impl Namespace {
    /// `worker` takes any binding for a namespace; one that is none fails only when it is used. So look first.
    pub(crate) fn open(env: &Env, binding: &str) -> Result<Self, Fault> {
        let fault = |why: &dyn core::fmt::Display| Fault::new("binding_kv", format_args!("{binding}: {why}"));
        let object = Reflect::get(env.as_ref(), &binding.into())?;
        let has = |name: &str| {
            Reflect::get(&object, &name.into()).is_ok_and(|member: JsValue| member.is_function())
        };
        if !object.is_object() || !has("getWithMetadata") || has("head") {
            return Err(fault(&"the KV namespace is missing; see wrangler.toml"));
        }
        env.kv(binding).map(Self).map_err(|e| fault(&e))
    }

    /// A text that changes under its key, read afresh: the platform may answer one that is this old.
    pub(crate) async fn text(&self, key: &str) -> Result<Option<String>, Fault> {
        patiently(self.0.get(key).cache_ttl(CACHE_SECONDS).text()).await
    }

    /// The same, and what stands beside it: whoever puts others may add metadata of their own, or keep what stood beside the last ones.
    pub(crate) async fn text_with_metadata(
        &self,
        key: &str,
    ) -> Result<(Option<String>, Option<Value>), Fault> {
        patiently(self.0.get(key).cache_ttl(CACHE_SECONDS).text_with_metadata()).await
    }

    pub(crate) async fn bytes(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        patiently(self.0.get(key).bytes()).await
    }

    pub(crate) async fn put_text(&self, key: &str, text: &str) -> Result<(), Fault> {
        patiently(self.0.put(key, text).map_err(fault)?.execute()).await
    }

    pub(crate) async fn put_text_with_metadata(
        &self,
        key: &str,
        text: &str,
        metadata: impl Serialize,
    ) -> Result<(), Fault> {
        let put = self.0.put(key, text).and_then(|put| put.metadata(metadata)).map_err(fault)?;
        patiently(put.execute()).await
    }

    pub(crate) async fn put_bytes(&self, key: &str, bytes: &[u8]) -> Result<(), Fault> {
        patiently(self.0.put_bytes(key, bytes).map_err(fault)?.execute()).await
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Fault> {
        patiently(self.0.delete(key)).await
    }
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
