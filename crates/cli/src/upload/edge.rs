//! The edge's API: `/api/v1/letters/UUID/...` with a bearer key.

use async_trait::async_trait;
use bytes::Bytes;
use waxseal::api::{Code, Octets, Operation, Part, PartList, Problem, op};
use waxseal::types::LetterId;

use super::{Target, UploadError, check_length};
use crate::api::{Api, ApiError};
use crate::error::Coded;

/// One letter at an edge.
pub(crate) struct EdgeTarget {
    pub(crate) api: Api,
    pub(crate) letter: LetterId,
}

impl EdgeTarget {
    /// `parts` of the path follow the letter; `what` it is about, for people.
    async fn call<Op: Operation>(
        &self,
        what: &'static str,
        parts: &[&str],
        request: Op::Request,
    ) -> Result<Op::Response, UploadError> {
        let letter = self.letter.to_string();
        let parts = [&[letter.as_str()], parts].concat();
        self.api.call::<Op>(&parts, request).await.map_err(|e| self.error(what, e))
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
            ApiError::NotWaxseal { .. } | ApiError::Hangs { .. } | ApiError::KeyNotAccepted(_) => {
                UploadError::Edge(error)
            }
            ApiError::Problem { problem, .. } => match *problem {
                Problem { status: 409, .. } => UploadError::Exists(self.letter),
                Problem { code, detail, .. } if code == Code::UnknownTerms.as_str() => {
                    UploadError::UnknownTerms { place, reason: detail }
                }
                Problem { status, detail, .. } => {
                    UploadError::Refused { place, what, reason: format!("{detail} ({status})") }
                }
            },
            other => UploadError::Refused { place, what, reason: format!("{other} ({})", other.code()) },
        }
    }

    /// Whether there is such a letter; `None` when the key only creates, and so may not ask.
    async fn exists(&self) -> Result<Option<bool>, UploadError> {
        match self.api.call::<op::ShowLetter>(&[&self.letter.to_string()], ()).await {
            Ok(known) => Ok(Some(known.letter == self.letter)),
            Err(error) if error.is(Code::NoSuchLetter) => Ok(Some(false)),
            Err(error) if error.is(Code::Scope) => Ok(None),
            Err(error) => Err(self.error("request", error)),
        }
    }
}

#[async_trait]
impl Target for EdgeTarget {
    /// The edge refuses a body whose manifest exists; asking first spares the upload.
    async fn check_free(&self) -> Result<(), UploadError> {
        match self.exists().await? {
            Some(true) => Err(UploadError::Exists(self.letter)),
            Some(false) | None => Ok(()),
        }
    }

    async fn put_body(&self, body: Bytes) -> Result<(), UploadError> {
        let sent = body.len() as u64;
        let stored = self.call::<op::PutBody>("body", &[], Octets(body.into())).await?;
        check_length(self.api.origin(), sent, stored.size)
    }

    async fn start(&self) -> Result<String, UploadError> {
        Ok(self.call::<op::BeginUpload>("upload", &[], ()).await?.upload)
    }

    async fn put_part(&self, upload: &str, index: usize, part: Bytes) -> Result<String, UploadError> {
        let number = (index + 1).to_string();
        let stored = self.call::<op::PutPart>("part", &[upload, &number], Octets(part.into())).await?;
        Ok(stored.etag)
    }

    async fn complete(&self, upload: &str, etags: Vec<String>) -> Result<(), UploadError> {
        let parts = (1..).zip(etags).map(|(part, etag)| Part { part, etag }).collect();
        self.call::<op::CompleteUpload>("body", &[upload], PartList { parts }).await.map(|_| ())
    }

    async fn abort(&self, upload: &str) -> Result<(), UploadError> {
        self.call::<op::AbortUpload>("end of the upload", &[upload], ()).await
    }

    /// The edge compares the body in the bucket with the manifest's body length before it takes the manifest,
    /// so there is nothing to ask here that it would not ask itself.
    async fn check_body(&self, _length: u64) -> Result<(), UploadError> {
        Ok(())
    }

    async fn put_manifest(&self, manifest: Bytes) -> Result<(), UploadError> {
        let sealed = self.call::<op::PutManifest>("manifest", &[], Octets(manifest.into())).await?;
        if sealed.letter == self.letter {
            return Ok(());
        }
        Err(UploadError::NotWhole {
            place: self.api.origin().to_string(),
            what: "manifest",
            sent: self.letter.to_string(),
            found: sealed.letter.to_string(),
        })
    }

    /// Putting the same manifest again answers that it is there, another one that it is not.
    async fn has_manifest(&self, manifest: &Bytes) -> Result<bool, UploadError> {
        if self.exists().await? == Some(false) {
            return Ok(false);
        }
        let again = Octets(manifest.to_vec());
        match self.api.call::<op::PutManifest>(&[&self.letter.to_string()], again).await {
            Ok(_) => Ok(true),
            Err(ApiError::Problem { problem, .. }) if problem.status < 500 => Ok(false),
            Err(error) => Err(self.error("manifest", error)),
        }
    }

    /// Not every edge offers it; what stays is swept, for no manifest names it.
    async fn discard_body(&self) -> Result<(), UploadError> {
        self.call::<op::DeleteBody>("deletion of the body", &[], ()).await
    }
}
