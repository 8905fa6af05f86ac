//! Work that waits, side by side. Within one Durable Object, whose requests may wait for each other; a worker's may not.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};

use futures_util::{StreamExt, stream};
use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use worker::Context;

/// The platform keeps six calls of one request open at once; further ones wait anyway.
const CONCURRENCY: usize = 6;

/// What all of these come to, in their order. Some of them run side by side.
pub(crate) async fn all<F: Future>(works: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    stream::iter(works).buffered(CONCURRENCY).collect().await
}

/// Keeps a request's work going, for as long as this is there, when whoever sent it is gone: else the platform ends it where it
/// stands, and what it began stays half done.
pub(crate) struct HeldOpen(Option<Function>);

impl HeldOpen {
    pub(crate) fn new(context: &Context) -> Self {
        let mut end = None;
        let ended = Promise::new(&mut |resolve, _| end = Some(resolve));
        context.wait_until(async move {
            // It never fails: nobody has what would make it.
            let _ = JsFuture::from(ended).await;
        });
        Self(end)
    }
}

impl Drop for HeldOpen {
    fn drop(&mut self) {
        if let Some(end) = &self.0 {
            let _ = end.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Wakes one who waits within the same object.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Comes when it was rung since the last time.
    pub(crate) async fn rung(&self) {
        poll_fn(|context| {
            self.waker.set(Some(context.waker().clone()));
            if self.rung.take() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
