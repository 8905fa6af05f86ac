//! The order of an upload, and the way back.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{MAX_PARTS, PARTS_IN_FLIGHT, Target, UploadError};
use crate::seal::{Chunk, Sealed, SourceError};

/// Is cancelled by Ctrl-C or SIGTERM from now on. The second one ends the process on the spot.
pub(crate) fn interrupt() -> CancellationToken {
    let token = CancellationToken::new();
    let pressed = token.clone();
    tokio::spawn(async move {
        signal().await;
        pressed.cancel();
        signal().await;
        std::process::exit(i32::from(crate::error::INTERRUPTED));
    });
    token
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! { _ = terminate.recv() => {}, _ = tokio::signal::ctrl_c() => {} }
        }
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

/// What is at the target so far, so that it can be taken back.
pub(crate) struct Upload {
    target: Arc<dyn Target>,
    interrupt: CancellationToken,
    multipart: Option<String>,
    body: bool,
}

/// Uploads the body as it is sealed. On failure everything is taken back first.
pub(crate) async fn send_body(
    target: Arc<dyn Target>,
    chunks: mpsc::Receiver<Result<Chunk, SourceError>>,
    interrupt: CancellationToken,
    bar: &ProgressBar,
) -> Result<(Upload, Sealed), UploadError> {
    let mut upload = Upload { target, interrupt, multipart: None, body: false };
    match upload.body(chunks, bar).await {
        Ok(sealed) => Ok((upload, sealed)),
        Err(error) => {
            upload.take_back(&error).await;
            Err(error)
        }
    }
}

impl Upload {
    async fn body(
        &mut self,
        mut chunks: mpsc::Receiver<Result<Chunk, SourceError>>,
        bar: &ProgressBar,
    ) -> Result<Sealed, UploadError> {
        let first = match self.next(&mut chunks).await? {
            Chunk::Part(bytes) => bytes,
            Chunk::End(_) => return Err(SourceError::Empty.into()),
        };
        let sealed = match self.next(&mut chunks).await? {
            Chunk::End(sealed) => {
                let length = first.len() as u64;
                // From here on the body may be there, whatever the answer.
                self.body = true;
                let put = self.target.put_body(first);
                tokio::select! { done = put => done?, () = self.interrupt.cancelled() => return Err(UploadError::Interrupted) }
                bar.inc(length);
                sealed
            }
            Chunk::Part(second) => self.parts(first, second, &mut chunks, bar).await?,
        };
        self.target.check_body(sealed.body_length).await?;
        self.check()?;
        Ok(sealed)
    }

    fn check(&self) -> Result<(), UploadError> {
        if self.interrupt.is_cancelled() { Err(UploadError::Interrupted) } else { Ok(()) }
    }

    async fn next(
        &self,
        chunks: &mut mpsc::Receiver<Result<Chunk, SourceError>>,
    ) -> Result<Chunk, UploadError> {
        tokio::select! {
            chunk = chunks.recv() => Ok(chunk.unwrap_or(Err(SourceError::Gone))?),
            () = self.interrupt.cancelled() => Err(UploadError::Interrupted),
        }
    }

    async fn parts(
        &mut self,
        first: Bytes,
        second: Bytes,
        chunks: &mut mpsc::Receiver<Result<Chunk, SourceError>>,
        bar: &ProgressBar,
    ) -> Result<Sealed, UploadError> {
        // Not interrupted half way: an upload whose id is unknown could not be thrown away.
        let id = self.target.start().await?;
        self.multipart = Some(id.clone());
        let mut flight = JoinSet::new();
        let mut etags = BTreeMap::new();
        let mut waiting = Some(second);
        let mut part = first;
        let mut index = 0usize;
        let sealed = loop {
            if index >= MAX_PARTS {
                return Err(UploadError::TooLarge);
            }
            let (target, id, length) = (Arc::clone(&self.target), id.clone(), part.len() as u64);
            flight.spawn(
                async move { target.put_part(&id, index, part).await.map(|etag| (index, etag, length)) },
            );
            index += 1;
            while flight.len() >= PARTS_IN_FLIGHT {
                self.land(&mut flight, &mut etags, bar).await?;
            }
            part = match waiting.take() {
                Some(bytes) => bytes,
                None => match self.next(chunks).await? {
                    Chunk::Part(bytes) => bytes,
                    Chunk::End(sealed) => break sealed,
                },
            };
        };
        while !flight.is_empty() {
            self.land(&mut flight, &mut etags, bar).await?;
        }
        self.check()?;
        self.body = true;
        self.target.complete(&id, etags.into_values().collect()).await?;
        self.multipart = None;
        Ok(sealed)
    }

    /// Waits for one part.
    async fn land(
        &self,
        flight: &mut JoinSet<Result<(usize, String, u64), UploadError>>,
        etags: &mut BTreeMap<usize, String>,
        bar: &ProgressBar,
    ) -> Result<(), UploadError> {
        let landed = tokio::select! {
            landed = flight.join_next() => landed,
            () = self.interrupt.cancelled() => return Err(UploadError::Interrupted),
        };
        match landed {
            Some(Ok(done)) => {
                let (index, etag, length) = done?;
                etags.insert(index, etag);
                bar.inc(length);
                Ok(())
            }
            Some(Err(_)) | None => Err(SourceError::Gone.into()),
        }
    }

    /// Writes the manifest: from then on the letter exists. A lost answer is looked up before it counts as a
    /// failure. On failure everything is taken back.
    pub(crate) async fn finish(mut self, manifest: Vec<u8>) -> Result<(), UploadError> {
        let manifest = Bytes::from(manifest);
        let Err(error) = self.target.put_manifest(manifest.clone()).await else { return Ok(()) };
        match self.target.has_manifest(&manifest).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.take_back(&error).await;
                Err(error)
            }
            // Unknown: deleting the body of a letter that may exist would be worse than leaving it.
            Err(_) => Err(error),
        }
    }

    /// Gives up before the manifest.
    pub(crate) async fn give_up(mut self) {
        self.take_back(&UploadError::Interrupted).await;
    }

    /// Best effort: what cannot be taken back now is swept later, for no manifest names it. A body that a
    /// manifest of somebody else names is not ours to delete.
    async fn take_back(&mut self, error: &UploadError) {
        if let Some(id) = self.multipart.take() {
            let _ = self.target.abort(&id).await;
        }
        if self.body && !matches!(error, UploadError::Exists(_) | UploadError::Conflict { .. }) {
            let _ = self.target.discard_body().await;
        }
    }
}
