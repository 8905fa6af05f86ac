//! The edge's API: `/api/v1/letters/UUID/...` with a bearer key.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::StatusCode;
use waxseal::api::{Part, PartList, PartStored, Route, Sealed, Stored, Upload};
use waxseal::types::LetterId;

use super::UploadError;
use crate::api::{Api, ApiError, Body, Reply, json_body};
use crate::error::Coded;

const BYTES: &str = "application/octet-stream";

/// One letter at an edge.
#[derive(Clone)]
pub(crate) struct EdgeTarget {
    api: Arc<Api>,
    letter: LetterId,
}

impl EdgeTarget {
    /// No call is made.
    pub(crate) fn new(api: Api, letter: LetterId) -> Self {
        Self { api: Arc::new(api), letter }
    }

    /// `parts` of the path follow the letter.
    async fn call(&self, route: Route, parts: &[&str], body: Option<Body>) -> Result<Reply, UploadError> {
        let letter = self.letter.to_string();
        let parts = [&[letter.as_str()], parts].concat();
        self.api.call(route, &parts, body).await.map_err(|e| self.error("request", e))
    }

    fn error(&self, what: &'static str, error: ApiError) -> UploadError {
        let place = self.api.origin().to_string();
        match error {
            ApiError::Unreachable { reason, .. } => UploadError::Unreachable { place, reason },
            ApiError::NotAccepted(_) => UploadError::Credentials {
                place,
                reason: "it answered 404, as an edge does to everybody it does not know".to_owned(),
                fix: "that the edge's WAXSEAL_KEYS holds the active key of this keyring (`waxseal keys show --env` prints what it \
                      must hold), and that an edge is at the address in --url",
            },
            ApiError::NotWaxseal { .. } | ApiError::Hangs { .. } => UploadError::Edge(error),
            ApiError::Problem { status: 409, .. } => UploadError::Exists(self.letter),
            ApiError::Problem { code, detail, .. } if code == "unknown_terms" => {
                UploadError::UnknownTerms { place, reason: detail }
            }
            ApiError::Problem { status, detail, .. } => {
                UploadError::Refused { place, what, reason: format!("{detail} ({status})") }
            }
            other => UploadError::Refused { place, what, reason: format!("{other} ({})", other.code()) },
        }
    }

    fn done(&self, what: &'static str, reply: &Reply) -> Result<(), UploadError> {
        self.api.done(reply).map_err(|e| self.error(what, e))
    }

    fn whole(&self, sent: u64, found: u64) -> Result<(), UploadError> {
        match found {
            found if found != sent => Err(UploadError::NotWhole {
                place: self.api.origin().to_string(),
                what: "body",
                sent: format!("{sent} bytes"),
                found: format!("{found} bytes"),
            }),
            _ => Ok(()),
        }
    }

    /// The edge refuses a body whose manifest exists; asking first spares the upload.
    pub(super) async fn check_free(&self) -> Result<(), UploadError> {
        let reply = self.call(Route::ShowLetter, &[], None).await?;
        match reply.status {
            // Many servers answer every path with a page of theirs.
            status if status.is_success() => match self.api.read::<Sealed>(&reply) {
                Ok(_) => Err(UploadError::Exists(self.letter)),
                Err(error) => Err(self.error("request", error)),
            },
            StatusCode::NOT_FOUND => match self.api.problem(&reply) {
                // The letter is unknown, and the edge says so in words: the key is right.
                ApiError::Problem { ref code, .. } if code != "no_such_route" => Ok(()),
                error => Err(self.error("request", error)),
            },
            _ => Err(self.error("request", self.api.problem(&reply))),
        }
    }

    pub(super) async fn put_body(&self, body: Bytes) -> Result<(), UploadError> {
        let sent = body.len() as u64;
        let reply = self.call(Route::PutBody, &[], Some((BYTES, body))).await?;
        let stored: Stored = self.api.read(&reply).map_err(|e| self.error("body", e))?;
        self.whole(sent, stored.size)
    }

    pub(super) async fn start(&self) -> Result<String, UploadError> {
        let reply = self.call(Route::BeginUpload, &[], None).await?;
        let started: Upload = self.api.read(&reply).map_err(|e| self.error("upload", e))?;
        Ok(started.upload)
    }

    pub(super) async fn put_part(
        &self,
        upload: &str,
        index: usize,
        part: Bytes,
    ) -> Result<String, UploadError> {
        let number = (index + 1).to_string();
        let reply = self.call(Route::PutPart, &[upload, &number], Some((BYTES, part))).await?;
        let stored: PartStored = self.api.read(&reply).map_err(|e| self.error("part", e))?;
        Ok(stored.etag)
    }

    pub(super) async fn complete(&self, upload: &str, etags: Vec<String>) -> Result<(), UploadError> {
        let parts = (1..).zip(etags).map(|(part, etag)| Part { part, etag }).collect();
        let body = json_body(&PartList { parts });
        let reply = self.call(Route::CompleteUpload, &[upload], body).await?;
        self.done("body", &reply)
    }

    pub(super) async fn abort(&self, upload: &str) -> Result<(), UploadError> {
        let reply = self.call(Route::AbortUpload, &[upload], None).await?;
        self.done("end of the upload", &reply)
    }

    /// The edge compares the body in the bucket with the manifest's body length before it takes the manifest,
    /// so there is nothing to ask here that it would not ask itself.
    pub(super) async fn check_body(&self, _length: u64) -> Result<(), UploadError> {
        Ok(())
    }

    pub(super) async fn put_manifest(&self, manifest: Bytes) -> Result<(), UploadError> {
        let reply = self.call(Route::PutManifest, &[], Some((BYTES, manifest))).await?;
        self.done("manifest", &reply)?;
        let reply = self.call(Route::ShowLetter, &[], None).await?;
        let known: Sealed = self.api.read(&reply).map_err(|e| self.error("manifest", e))?;
        if known.letter == self.letter {
            return Ok(());
        }
        Err(UploadError::NotWhole {
            place: self.api.origin().to_string(),
            what: "manifest",
            sent: self.letter.to_string(),
            found: known.letter.to_string(),
        })
    }

    /// Putting the same manifest again answers 200, another one 409.
    pub(super) async fn has_manifest(&self, manifest: &Bytes) -> Result<bool, UploadError> {
        let reply = self.call(Route::ShowLetter, &[], None).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        self.done("manifest", &reply)?;
        let again = self.call(Route::PutManifest, &[], Some((BYTES, manifest.clone()))).await?;
        Ok(again.status.is_success())
    }

    /// Not every edge offers it; what stays is swept, for no manifest names it.
    pub(super) async fn discard_body(&self) -> Result<(), UploadError> {
        let reply = self.call(Route::DeleteBody, &[], None).await?;
        self.done("deletion of the body", &reply)
    }
}
