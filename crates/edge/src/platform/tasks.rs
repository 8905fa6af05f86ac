//! Work that waits, side by side. Within one Durable Object, whose requests may wait for each other; a worker's may not.

use std::future::Future;

use futures_util::{StreamExt, stream};

/// The platform keeps six calls of one request open at once; further ones wait anyway.
const CONCURRENCY: usize = 6;

/// What all of these come to, in their order. Some of them run side by side.
pub(crate) async fn all<F: Future>(works: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    stream::iter(works).buffered(CONCURRENCY).collect().await
}
