//! The bucket of sealed objects: the few operations that are used, with their answers typed.

use web_sys::ReadableStream;
use worker::{Bucket, Conditional, Data, Env, Range, ResponseBody, UploadedPart};

use super::error::Fault;
use waxseal::types::UnixMillis;

/// Name of the R2 binding.
pub(crate) const BINDING: &str = "LETTERS";

/// The last part that an upload may have.
const LAST_PART: u16 = 10_000;

/// The bucket of one site.
pub(crate) struct Letters(Bucket);

/// What is known of a stored object without reading it.
pub(crate) struct Stored {
    pub(crate) size: u64,
    /// Strong entity tag, quoted (RFC 9110, section 8.8.3).
    pub(crate) etag: String,
}

/// An object of a listing.
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) uploaded: UnixMillis,
}

/// A stretch of a listing.
pub(crate) struct Page {
    /// In the order of their keys.
    pub(crate) objects: Vec<Listed>,
    /// Whether there are more behind the last.
    pub(crate) more: bool,
}

/// Why a small object was not read.
pub(crate) enum ReadError {
    /// It has so many bytes.
    TooLarge(u64),
    Fault(Fault),
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::TooLarge(size) => Self::new("object_too_large", format_args!("{size} bytes")),
            ReadError::Fault(fault) => fault,
        }
    }
}

/// Why an upload in parts did not go on. But for the last it is the caller's mistake.
pub(crate) enum UploadError {
    NoSuchUpload,
    /// The parts make no object.
    BadParts,
    Fault(Fault),
}

impl UploadError {
    /// R2 says what it was by a number at the end of its message.
    fn of(code: &'static str, error: &worker::Error) -> Self {
        let detail = error.to_string();
        let is = |number: &str| detail.contains(number);
        if is("(10024)") {
            Self::NoSuchUpload
        } else if is("(10011)") || is("(10025)") || is("(10048)") {
            Self::BadParts
        } else {
            Self::Fault(Fault { code, detail })
        }
    }
}

/// An entity tag without its quotes, as the bucket's conditions take it.
fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// Whether an object was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Written,
    /// There is one already and it stays.
    Exists,
}

impl Letters {
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        Ok(Self(env.bucket(BINDING).map_err(|e| Fault::new("binding_letters", e))?))
    }

    pub(crate) async fn head(&self, key: &str) -> Result<Option<Stored>, Fault> {
        let object = self.0.head(key).await.map_err(|e| Fault::new("bucket_head", e))?;
        Ok(object.map(|object| Stored { size: object.size(), etag: object.http_etag() }))
    }

    /// A small object whole; `None` when there is none. Larger than `limit` is a fault, and nothing of it is read.
    pub(crate) async fn read(&self, key: &str, limit: u64) -> Result<Option<Vec<u8>>, ReadError> {
        Ok(self.read_tagged(key, limit).await?.map(|(bytes, _)| bytes))
    }

    /// As [`Self::read`], with the entity tag of what was read.
    pub(crate) async fn read_tagged(
        &self,
        key: &str,
        limit: u64,
    ) -> Result<Option<(Vec<u8>, String)>, ReadError> {
        let down = |e| ReadError::Fault(Fault::new("bucket_get", e));
        let Some(object) = self.0.get(key).execute().await.map_err(down)? else {
            return Ok(None);
        };
        if object.size() > limit {
            return Err(ReadError::TooLarge(object.size()));
        }
        let etag = object.http_etag();
        let Some(body) = object.body() else { return Ok(None) };
        Ok(Some((body.bytes().await.map_err(down)?, etag)))
    }

    /// A stream of `length` bytes from `offset` of the object with this entity tag; `None` when there is none or it was
    /// replaced. The caller has clamped the range to the object.
    pub(crate) async fn stream(
        &self,
        key: &str,
        etag: &str,
        offset: u64,
        length: u64,
    ) -> Result<Option<ReadableStream>, Fault> {
        let range = Range::OffsetWithLength { offset, length };
        let same = Conditional { etag_matches: Some(bare(etag).to_owned()), ..Conditional::default() };
        let object = self.0.get(key).range(range).only_if(same).execute().await;
        let object = object.map_err(|e| Fault::new("bucket_get", e))?;
        let Some(object) = object else { return Ok(None) };
        let Some(body) = object.body() else { return Ok(None) };
        match body.response_body().map_err(|e| Fault::new("bucket_get", e))? {
            ResponseBody::Stream(stream) => Ok(Some(stream)),
            _ => Ok(None),
        }
    }

    /// Writes an object, over whatever was there. The length of a stream must be known.
    pub(crate) async fn put(&self, key: &str, body: impl Into<Data>) -> Result<Stored, Fault> {
        let object = self.0.put(key, body).execute().await.map_err(|e| Fault::new("bucket_put", e))?;
        let object = object.ok_or_else(|| Fault::new("bucket_put", "no object came back"))?;
        Ok(Stored { size: object.size(), etag: object.http_etag() })
    }

    /// Writes an object unless there is one: never over another.
    pub(crate) async fn create(&self, key: &str, bytes: Vec<u8>) -> Result<Put, Fault> {
        let absent = Conditional { etag_does_not_match: Some("*".to_owned()), ..Conditional::default() };
        let put = self.0.put(key, Data::Bytes(bytes)).only_if(absent).execute().await;
        Ok(if put.map_err(|e| Fault::new("bucket_put", e))?.is_some() { Put::Written } else { Put::Exists })
    }

    /// As [`Self::create`], for a text in this language: whoever looks into the bucket sees which.
    pub(crate) async fn create_in(&self, key: &str, text: Vec<u8>, language: &str) -> Result<Put, Fault> {
        let absent = Conditional { etag_does_not_match: Some("*".to_owned()), ..Conditional::default() };
        let named = [("language".to_owned(), language.to_owned())];
        let put = self.0.put(key, Data::Bytes(text)).custom_metadata(named).only_if(absent).execute().await;
        Ok(if put.map_err(|e| Fault::new("bucket_put", e))?.is_some() { Put::Written } else { Put::Exists })
    }

    /// Writes an object in place of the one with this entity tag. [`Put::Exists`] when there is another by now.
    pub(crate) async fn replace(&self, key: &str, etag: &str, bytes: Vec<u8>) -> Result<Put, Fault> {
        let same = Conditional { etag_matches: Some(bare(etag).to_owned()), ..Conditional::default() };
        let put = self.0.put(key, Data::Bytes(bytes)).only_if(same).execute().await;
        Ok(if put.map_err(|e| Fault::new("bucket_put", e))?.is_some() { Put::Written } else { Put::Exists })
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<(), Fault> {
        self.0.delete(key).await.map_err(|e| Fault::new("bucket_delete", e))
    }

    /// Deletes several objects in one call; those that do not exist are none.
    pub(crate) async fn delete_all(&self, keys: Vec<String>) -> Result<(), Fault> {
        self.0.delete_multiple(keys).await.map_err(|e| Fault::new("bucket_delete", e))
    }

    /// The objects whose keys begin with `prefix` and come behind `after`, at most `limit` (1,000). A key is a place that
    /// stays good; the bucket's own cursors are its secret.
    pub(crate) async fn list(&self, prefix: &str, after: &str, limit: u32) -> Result<Page, Fault> {
        let mut list = self.0.list().prefix(prefix).limit(limit);
        if !after.is_empty() {
            list = list.start_after(after);
        }
        let page = list.execute().await.map_err(|e| Fault::new("bucket_list", e))?;
        let listed = |object: worker::Object| Listed {
            key: object.key(),
            uploaded: UnixMillis(object.uploaded().as_millis()),
        };
        Ok(Page { objects: page.objects().into_iter().map(listed).collect(), more: page.truncated() })
    }

    /// Begins an upload in parts and answers its id.
    pub(crate) async fn begin(&self, key: &str) -> Result<String, Fault> {
        let upload = self.0.create_multipart_upload(key).execute().await;
        Ok(upload.map_err(|e| Fault::new("bucket_upload", e))?.upload_id().await)
    }

    /// Stores part `number` and answers its entity tag.
    pub(crate) async fn part(
        &self,
        key: &str,
        upload: &str,
        number: u16,
        body: impl Into<Data>,
    ) -> Result<String, UploadError> {
        let upload =
            self.0.resume_multipart_upload(key, upload).map_err(|e| UploadError::of("bucket_upload", &e))?;
        let part = upload.upload_part(number, body).await.map_err(|e| UploadError::of("bucket_part", &e))?;
        Ok(part.etag())
    }

    pub(crate) async fn complete(
        &self,
        key: &str,
        id: &str,
        parts: Vec<(u16, String)>,
    ) -> Result<Stored, UploadError> {
        let upload =
            self.0.resume_multipart_upload(key, id).map_err(|e| UploadError::of("bucket_upload", &e))?;
        let parts = parts.into_iter().map(|(number, etag)| UploadedPart::new(number, etag));
        match upload.complete(parts).await {
            Ok(object) => Ok(Stored { size: object.size(), etag: object.http_etag() }),
            Err(error) => Err(self.told_apart(key, id, UploadError::of("bucket_complete", &error)).await),
        }
    }

    pub(crate) async fn abort(&self, key: &str, id: &str) -> Result<(), UploadError> {
        let upload =
            self.0.resume_multipart_upload(key, id).map_err(|e| UploadError::of("bucket_upload", &e))?;
        match upload.abort().await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.told_apart(key, id, UploadError::of("bucket_abort", &error)).await),
        }
    }

    /// Of an upload that never was R2 says "internal error" (10001), but for a part: a part that nobody will name tells.
    async fn told_apart(&self, key: &str, id: &str, error: UploadError) -> UploadError {
        let UploadError::Fault(fault) = &error else { return error };
        if !fault.detail.contains("(10001)") {
            return error;
        }
        match self.part(key, id, LAST_PART, vec![0]).await {
            Err(UploadError::NoSuchUpload) => UploadError::NoSuchUpload,
            _ => error,
        }
    }
}
