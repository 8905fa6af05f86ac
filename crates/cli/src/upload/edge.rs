//! The edge's desk API: `/api/v1/letters/UUID/...` with a bearer key.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use waxseal::types::LetterId;

use super::UploadError;
use crate::desk::{Desk, DeskError, Reply};
use crate::failure::Coded;

const BYTES: &str = "application/octet-stream";

/// One letter at an edge.
#[derive(Clone)]
pub(crate) struct EdgeTarget {
    desk: Arc<Desk>,
    letter: LetterId,
}

#[derive(Deserialize)]
struct Started {
    upload: String,
}

#[derive(Deserialize)]
struct PartStored {
    etag: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stored {
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Known {
    letter: LetterId,
}

impl EdgeTarget {
    /// No call is made.
    pub(crate) fn new(desk: Desk, letter: LetterId) -> Self {
        Self { desk: Arc::new(desk), letter }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/letters/{}{rest}", self.letter)
    }

    async fn call(
        &self,
        method: Method,
        rest: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Reply, UploadError> {
        self.desk.call(method, &self.path(rest), body).await.map_err(|e| self.error("request", e))
    }

    fn error(&self, what: &'static str, error: DeskError) -> UploadError {
        let place = self.desk.origin().to_string();
        match error {
            DeskError::Unreachable { reason, .. } => UploadError::Unreachable { place, reason },
            DeskError::NotAccepted(_) => UploadError::Credentials {
                place,
                reason: "it answered 404, as an edge does to everybody it does not know".to_owned(),
                fix: "that the edge's WAXSEAL_KEYS holds the active key of this keyring (`waxseal keys show --env` prints what it \
                      must hold), and that an edge is at the address in --url",
            },
            DeskError::NotWaxseal { .. } | DeskError::Hangs { .. } => UploadError::Edge(error),
            DeskError::Problem { status: 409, .. } => UploadError::Exists(self.letter),
            DeskError::Problem { code, detail, .. } if code == "unknown_terms" => {
                UploadError::UnknownTerms { place, reason: detail }
            }
            DeskError::Problem { status, detail, .. } => {
                UploadError::Refused { place, what, reason: format!("{detail} ({status})") }
            }
            other => UploadError::Refused { place, what, reason: format!("{other} ({})", other.code()) },
        }
    }

    fn done(&self, what: &'static str, reply: &Reply) -> Result<(), UploadError> {
        self.desk.done(reply).map_err(|e| self.error(what, e))
    }

    fn whole(&self, sent: u64, found: Option<u64>) -> Result<(), UploadError> {
        match found {
            Some(found) if found != sent => Err(UploadError::NotWhole {
                place: self.desk.origin().to_string(),
                what: "body",
                sent: format!("{sent} bytes"),
                found: format!("{found} bytes"),
            }),
            _ => Ok(()),
        }
    }

    /// The desk refuses a body whose manifest exists; asking first spares the upload.
    pub(super) async fn check_free(&self) -> Result<(), UploadError> {
        let reply = self.call(Method::GET, "", None).await?;
        match reply.status {
            // Many servers answer every path with a page of theirs.
            status if status.is_success() => match self.desk.read::<Known>(&reply) {
                Ok(_) => Err(UploadError::Exists(self.letter)),
                Err(error) => Err(self.error("request", error)),
            },
            StatusCode::NOT_FOUND => match self.desk.problem(&reply) {
                // The letter is unknown, and the desk says so in words: the key is right.
                DeskError::Problem { ref code, .. } if code != "no_such_route" => Ok(()),
                error => Err(self.error("request", error)),
            },
            _ => Err(self.error("request", self.desk.problem(&reply))),
        }
    }

    pub(super) async fn put_body(&self, body: Bytes) -> Result<(), UploadError> {
        let sent = body.len() as u64;
        let reply = self.call(Method::PUT, "/body", Some((BYTES, body))).await?;
        let stored: Stored = self.desk.read(&reply).map_err(|e| self.error("body", e))?;
        self.whole(sent, stored.size)
    }

    pub(super) async fn start(&self) -> Result<String, UploadError> {
        let reply = self.call(Method::POST, "/uploads", None).await?;
        let started: Started = self.desk.read(&reply).map_err(|e| self.error("upload", e))?;
        Ok(started.upload)
    }

    fn upload_path(upload: &str, rest: &str) -> String {
        // R2's ids may hold any character; as a path segment they must not end the segment.
        let id: String = url::form_urlencoded::byte_serialize(upload.as_bytes()).collect();
        format!("/uploads/{}{rest}", id.replace('+', "%20"))
    }

    pub(super) async fn put_part(
        &self,
        upload: &str,
        index: usize,
        part: Bytes,
    ) -> Result<String, UploadError> {
        let path = Self::upload_path(upload, &format!("/{}", index + 1));
        let reply = self.call(Method::PUT, &path, Some((BYTES, part))).await?;
        let stored: PartStored = self.desk.read(&reply).map_err(|e| self.error("part", e))?;
        Ok(stored.etag)
    }

    pub(super) async fn complete(&self, upload: &str, etags: Vec<String>) -> Result<(), UploadError> {
        let parts: Vec<_> =
            (1u32..).zip(etags).map(|(part, etag)| json!({ "part": part, "etag": etag })).collect();
        let body = Bytes::from(json!({ "parts": parts }).to_string());
        let path = Self::upload_path(upload, "/complete");
        let reply = self.call(Method::POST, &path, Some(("application/json", body))).await?;
        self.done("body", &reply)
    }

    pub(super) async fn abort(&self, upload: &str) -> Result<(), UploadError> {
        let reply = self.call(Method::DELETE, &Self::upload_path(upload, ""), None).await?;
        self.done("end of the upload", &reply)
    }

    /// The desk compares the body in the bucket with the manifest's body length before it takes the manifest,
    /// so there is nothing to ask here that it would not ask itself.
    pub(super) async fn check_body(&self, _length: u64) -> Result<(), UploadError> {
        Ok(())
    }

    pub(super) async fn put_manifest(&self, manifest: Bytes) -> Result<(), UploadError> {
        let reply = self.call(Method::PUT, "/manifest", Some((BYTES, manifest))).await?;
        self.done("manifest", &reply)?;
        let reply = self.call(Method::GET, "", None).await?;
        let known: Known = self.desk.read(&reply).map_err(|e| self.error("manifest", e))?;
        if known.letter == self.letter {
            return Ok(());
        }
        Err(UploadError::NotWhole {
            place: self.desk.origin().to_string(),
            what: "manifest",
            sent: self.letter.to_string(),
            found: known.letter.to_string(),
        })
    }

    /// Putting the same manifest again answers 200, another one 409.
    pub(super) async fn has_manifest(&self, manifest: &Bytes) -> Result<bool, UploadError> {
        let reply = self.call(Method::GET, "", None).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        self.done("manifest", &reply)?;
        let again = self.call(Method::PUT, "/manifest", Some((BYTES, manifest.clone()))).await?;
        Ok(again.status.is_success())
    }

    /// Not every edge offers it; what stays is swept, for no manifest names it.
    pub(super) async fn discard_body(&self) -> Result<(), UploadError> {
        let reply = self.call(Method::DELETE, "/body", None).await?;
        self.done("deletion of the body", &reply)
    }
}
