//! Structured log lines for operators: one JSON object a line. Never a token, a fragment, a PIN, a subject or an address.
//!
//! The platform stores the URL of a request beside every line that a fetch handler writes, and a URL may be a link. So
//! nothing here writes: lines are held in the isolate and travel, after the answer, to an object that does
//! (`crates/edge/src/entry`).

use std::future::Future;

use serde_json::{Map, Value};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use worker::{Context, Env};

use super::error::Fault;
use waxseal::pages::silent;

/// Binding of the object that writes lines.
pub(crate) const RELAY: &str = "LOG_RELAY";

#[wasm_bindgen]
extern "C" {
    /// Holds a line; with `counts` one that is held already is only counted.
    #[wasm_bindgen(js_namespace = waxseal, js_name = line)]
    fn hold(text: &str, counts: bool);

    /// Waits for work, whatever becomes of it, then sends what is held to the object that writes it.
    #[wasm_bindgen(js_namespace = waxseal, js_name = after)]
    fn after(work: &js_sys::Promise, env: &JsValue) -> js_sys::Promise;

    /// Writes what is held.
    #[wasm_bindgen(js_namespace = waxseal, js_name = write)]
    fn write();

    /// The silent answer, for when this module crashed.
    #[wasm_bindgen(js_namespace = waxseal, js_name = keepSilent)]
    fn keep_silent(json: &str);
}

/// A line that is being filled in.
pub(crate) struct Line(Map<String, Value>);

impl Line {
    /// `event` is a stable snake_case name.
    pub(crate) fn new(event: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("event".to_owned(), event.into());
        Self(fields)
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(crate) fn info(self) {
        self.hold("info", false);
    }

    pub(crate) fn error(self) {
        self.hold("error", false);
    }

    /// As [`Self::info`], for what may come in floods: equal lines of a batch become one with their `count`.
    pub(crate) fn counted(self) {
        self.hold("info", true);
    }

    /// The level is a field: a local edge swallows what goes to `console.error`, so every line takes the same way.
    fn hold(self, level: &str, counts: bool) {
        hold(&Value::Object(self.with("level", level).0).to_string(), counts);
    }
}

/// A failure of platform or settings, for operators. Equal ones of a batch are counted.
pub(crate) fn fault(place: &str, fault: &Fault) {
    Line::new("fault")
        .with("place", place)
        .with("code", fault.code)
        .with("detail", fault.detail.as_str())
        .hold("error", true);
}

/// Work that goes on after the answer. What it logs is sent when it has ended.
pub(crate) fn in_background<F>(context: &Context, env: &Env, work: impl FnOnce(Env) -> F)
where
    F: Future<Output = ()> + 'static,
{
    let work = work(env.clone());
    let work = future_to_promise(async {
        work.await;
        Ok(JsValue::UNDEFINED)
    });
    // Not by a future of ours, which would wait for ever after a crash. Where nothing can be waited for any more, nobody listens.
    let _ = context.as_ref().wait_until(&after(&work, env));
}

/// Writes what is held, here and now: only where the URL of the request cannot be a link.
pub(crate) fn write_here() {
    write();
}

/// What the entry needs to know of this module before the first request.
#[wasm_bindgen(start, private)]
fn start() {
    let silent = silent();
    let known = serde_json::json!({
        "status": silent.status, "headers": silent.headers, "body": silent.body,
    });
    keep_silent(&known.to_string());
}
