//! Streams of bytes by handle: read exactly `n` bytes, write, close, abort. Chunks stay in the runtime's heap.

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{ReadableStream, WritableStreamDefaultWriter};

use super::error::Fault;

#[wasm_bindgen]
extern "C" {
    /// `ReadableStreamBYOBReader` with the runtime's `readAtLeast`.
    type ByobReader;

    #[wasm_bindgen(method, catch, js_name = readAtLeast)]
    fn read_at_least(this: &ByobReader, min: u32, view: Uint8Array) -> Result<Promise, JsValue>;

    #[wasm_bindgen(method, catch)]
    fn cancel(this: &ByobReader, reason: &JsValue) -> Result<Promise, JsValue>;

    /// A pipe that declares its length, so that the answer carries Content-Length (`crates/edge/src/entry`).
    #[wasm_bindgen(js_namespace = waxseal, js_name = pipe)]
    fn js_pipe(length: f64) -> Promise;

    type Pipe;

    #[wasm_bindgen(method, getter)]
    fn writer(this: &Pipe) -> WritableStreamDefaultWriter;

    #[wasm_bindgen(method, getter)]
    fn readable(this: &Pipe) -> ReadableStream;
}

/// Reads whole records from an R2 body.
pub(crate) struct Source(ByobReader);

impl Source {
    pub(crate) fn new(stream: &ReadableStream) -> Result<Self, Fault> {
        let options = js_sys::Object::new();
        Reflect::set(&options, &"mode".into(), &"byob".into())?;
        let get: js_sys::Function = Reflect::get(stream, &"getReader".into())?.dyn_into()?;
        Ok(Self(get.call1(stream, &options)?.unchecked_into()))
    }

    /// Exactly `length` bytes, or what was left when the stream ended early.
    pub(crate) async fn take(&self, length: u32) -> Result<Uint8Array, Fault> {
        let read = JsFuture::from(self.0.read_at_least(length, Uint8Array::new_with_length(length))?).await?;
        let value = Reflect::get(&read, &"value".into())?;
        if value.is_undefined() { Ok(Uint8Array::new_with_length(0)) } else { Ok(value.dyn_into()?) }
    }

    /// Tells the store that nobody reads on.
    pub(crate) async fn cancel(&self) {
        if let Ok(promise) = self.0.cancel(&JsValue::UNDEFINED) {
            // The reader is thrown away either way; there is nobody to tell.
            let _ = JsFuture::from(promise).await;
        }
    }
}

/// The writing end of an answer's body.
pub(crate) struct Sink(WritableStreamDefaultWriter);

impl Sink {
    /// Waits until the reader has taken the chunk: memory stays flat however slow the phone is.
    pub(crate) async fn write(&self, chunk: &Uint8Array) -> Result<(), Fault> {
        JsFuture::from(self.0.write_with_chunk(chunk)).await?;
        Ok(())
    }

    pub(crate) async fn close(&self) -> Result<(), Fault> {
        JsFuture::from(self.0.close()).await?;
        Ok(())
    }

    /// Breaks the connection: the reader sees a failed transfer, never a short but complete one.
    /// Not by an abort: the platform would write down its reason, and the URL with it. The far end counts the bytes.
    pub(crate) async fn abort(&self) {
        // Nobody may be reading any more.
        let _ = JsFuture::from(self.0.close()).await;
    }
}

/// A pipe of exactly `length` bytes.
pub(crate) async fn pipe(length: u64) -> Result<(Sink, ReadableStream), Fault> {
    // Lengths are far below 2^53.
    let pipe: Pipe = JsFuture::from(js_pipe(length as f64)).await?.unchecked_into();
    Ok((Sink(pipe.writer()), pipe.readable()))
}
