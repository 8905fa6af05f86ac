//! AES-GCM by WebCrypto on buffers that never enter wasm memory: the report's bytes stay in the runtime.

use js_sys::{Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Crypto, CryptoKey, SubtleCrypto};

use super::error::Fault;

fn subtle() -> Result<SubtleCrypto, Fault> {
    let crypto: Crypto = Reflect::get(&js_sys::global(), &"crypto".into())?.unchecked_into();
    Ok(crypto.subtle())
}

/// The algorithm as WebCrypto wants it named.
fn gcm(nonce: &[u8; 12]) -> Result<Object, JsValue> {
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"AES-GCM".into())?;
    Reflect::set(&algorithm, &"iv".into(), &Uint8Array::from(nonce.as_slice()))?;
    Ok(algorithm)
}

/// An AES-128-GCM key that the runtime holds and never gives back.
pub(crate) struct GcmKey {
    key: CryptoKey,
    subtle: SubtleCrypto,
}

/// The tag did not hold.
pub(crate) struct Unauthentic;

impl GcmKey {
    pub(crate) async fn import(raw: &[u8]) -> Result<Self, Fault> {
        let subtle = subtle()?;
        let usages = js_sys::Array::of2(&"encrypt".into(), &"decrypt".into());
        let bytes = Uint8Array::from(raw);
        let promise = subtle.import_key_with_str("raw", bytes.as_ref(), "AES-GCM", false, &usages)?;
        let key = JsFuture::from(promise).await?.unchecked_into();
        Ok(Self { key, subtle })
    }

    /// Opens one record (ciphertext and tag) and hands back its plaintext, delimiter included.
    pub(crate) async fn open(
        &self,
        nonce: &[u8; 12],
        record: &Uint8Array,
    ) -> Result<Uint8Array, Unauthentic> {
        self.decrypt(nonce, record).map_err(|_| Unauthentic)?.await
    }

    /// Seals one record, delimiter included, and hands back ciphertext and tag.
    pub(crate) async fn seal(&self, nonce: &[u8; 12], record: &[u8]) -> Result<Uint8Array, Fault> {
        let record = Uint8Array::from(record);
        let algorithm = gcm(nonce)?;
        let promise =
            self.subtle.encrypt_with_object_and_buffer_source(&algorithm, &self.key, record.as_ref())?;
        Ok(Uint8Array::new(&JsFuture::from(promise).await?))
    }

    fn decrypt(
        &self,
        nonce: &[u8; 12],
        record: &Uint8Array,
    ) -> Result<impl Future<Output = Result<Uint8Array, Unauthentic>> + use<>, JsValue> {
        let algorithm = gcm(nonce)?;
        let promise: Promise =
            self.subtle.decrypt_with_object_and_buffer_source(&algorithm, &self.key, record.as_ref())?;
        Ok(async move {
            let plain = JsFuture::from(promise).await.map_err(|_| Unauthentic)?;
            Ok(Uint8Array::new(&plain))
        })
    }
}
