//! The bucket of sealed objects: the few operations that are used, with their answers typed.

use web_sys::ReadableStream;
use worker::{Bucket, Conditional, Data, Env, Range, ResponseBody, UploadedPart};

use super::error::Fault;

/// Name of the R2 binding.
pub(super) const BINDING: &str = "LETTERS";

/// The bucket of one site.
pub(super) struct Letters(Bucket);

/// What is known of a stored object without reading it.
pub(super) struct Stored {
    pub(super) size: u64,
    /// Strong entity tag, quoted (RFC 9110, section 8.8.3).
    pub(super) etag: String,
}

/// Whether an object was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Written,
    /// There is one already and it stays.
    Exists,
}

impl Letters {
    pub(super) fn open(env: &Env) -> Result<Self, Fault> {
        Ok(Self(env.bucket(BINDING).map_err(|e| Fault::new("binding_letters", e))?))
    }

    pub(super) async fn head(&self, key: &str) -> Result<Option<Stored>, Fault> {
        let object = self.0.head(key).await.map_err(|e| Fault::new("bucket_head", e))?;
        Ok(object.map(|object| Stored { size: object.size(), etag: object.http_etag() }))
    }

    /// A small object whole; `None` when there is none. Larger than `limit` is a fault, and nothing of it is read.
    pub(super) async fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
        let Some(object) = self.0.get(key).execute().await.map_err(|e| Fault::new("bucket_get", e))? else {
            return Ok(None);
        };
        if object.size() > limit {
            return Err(Fault::new("object_too_large", format!("{} bytes", object.size())));
        }
        let Some(body) = object.body() else { return Ok(None) };
        Ok(Some(body.bytes().await.map_err(|e| Fault::new("bucket_get", e))?))
    }

    /// A stream of `length` bytes from `offset`. The caller has clamped both to the object.
    pub(super) async fn stream(
        &self,
        key: &str,
        offset: u64,
        length: u64,
    ) -> Result<Option<ReadableStream>, Fault> {
        let range = Range::OffsetWithLength { offset, length };
        let object = self.0.get(key).range(range).execute().await.map_err(|e| Fault::new("bucket_get", e))?;
        let Some(object) = object else { return Ok(None) };
        let Some(body) = object.body() else { return Ok(None) };
        match body.response_body().map_err(|e| Fault::new("bucket_get", e))? {
            ResponseBody::Stream(stream) => Ok(Some(stream)),
            _ => Ok(None),
        }
    }

    /// Writes an object from a stream of known length, over whatever was there.
    pub(super) async fn put_stream(&self, key: &str, body: ReadableStream) -> Result<Stored, Fault> {
        let object = self.0.put(key, body).execute().await.map_err(|e| Fault::new("bucket_put", e))?;
        let object = object.ok_or_else(|| Fault::new("bucket_put", "no object came back"))?;
        Ok(Stored { size: object.size(), etag: object.http_etag() })
    }

    /// Writes an object unless there is one: never over another.
    pub(super) async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<Put, Fault> {
        let absent = Conditional { etag_does_not_match: Some("*".to_owned()), ..Conditional::default() };
        let put = self.0.put(key, Data::Bytes(bytes)).only_if(absent).execute().await;
        Ok(if put.map_err(|e| Fault::new("bucket_put", e))?.is_some() { Put::Written } else { Put::Exists })
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.0.delete(key).await.map_err(|e| Fault::new("bucket_delete", e))
    }

    /// Begins an upload in parts and answers its id.
    pub(super) async fn begin(&self, key: &str) -> Result<String, Fault> {
        let upload = self.0.create_multipart_upload(key).execute().await;
        Ok(upload.map_err(|e| Fault::new("bucket_upload", e))?.upload_id().await)
    }

    /// Stores part `number` and answers its entity tag.
    pub(super) async fn part(
        &self,
        key: &str,
        upload: &str,
        number: u16,
        body: ReadableStream,
    ) -> Result<String, Fault> {
        let upload =
            self.0.resume_multipart_upload(key, upload).map_err(|e| Fault::new("bucket_upload", e))?;
        let part = upload.upload_part(number, body).await.map_err(|e| Fault::new("bucket_part", e))?;
        Ok(part.etag())
    }

    pub(super) async fn complete(
        &self,
        key: &str,
        upload: &str,
        parts: Vec<(u16, String)>,
    ) -> Result<Stored, Fault> {
        let upload =
            self.0.resume_multipart_upload(key, upload).map_err(|e| Fault::new("bucket_upload", e))?;
        let parts = parts.into_iter().map(|(number, etag)| UploadedPart::new(number, etag));
        let object = upload.complete(parts).await.map_err(|e| Fault::new("bucket_complete", e))?;
        Ok(Stored { size: object.size(), etag: object.http_etag() })
    }

    pub(super) async fn abort(&self, key: &str, upload: &str) -> Result<(), Fault> {
        let upload =
            self.0.resume_multipart_upload(key, upload).map_err(|e| Fault::new("bucket_upload", e))?;
        upload.abort().await.map_err(|e| Fault::new("bucket_abort", e))
    }
}
