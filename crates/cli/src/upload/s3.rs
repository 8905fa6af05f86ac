//! Any S3 endpoint, through `object_store`, which signs, retries and knows the dialects.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector, ReqwestConnector};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
    RetryConfig,
};
use waxseal::seal;
use waxseal::types::{LetterId, UnixSeconds};

use super::watch::{Conflicts, Hung, Seen, Watched, cause};
use super::{Target, UploadError, check_length};
use crate::error::{chain, root};
use crate::http::direct;
use crate::origin::{check_transport, is_loopback};
use crate::when;

const FIX: &str = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and that they may write to this bucket";

/// A request may take this long from its beginning to the end of its answer, with a part of 8 MiB in it.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(600);

/// The way to an endpoint, watched.
#[derive(Debug)]
struct Way {
    /// It is on this machine: no proxy.
    direct: bool,
    seen: Arc<Seen>,
    retries: u32,
}

impl HttpConnector for Way {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let failed = |error| Error::Generic { store: "S3", source: Box::new(error) };
        let client = if self.direct {
            HttpClient::new(direct(REQUEST_TIMEOUT).timeout(REQUEST_TIMEOUT).build().map_err(failed)?)
        } else {
            ReqwestConnector::default().connect(options)?
        };
        Ok(HttpClient::new(Watched { client, seen: Arc::clone(&self.seen), retries: self.retries }))
    }
}

/// Where and how; the credentials come from the environment.
pub(crate) struct S3Settings<'a> {
    /// `s3://BUCKET`.
    pub(crate) place: &'a str,
    pub(crate) endpoint: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) retries: u32,
}

/// A bucket.
#[derive(Clone)]
pub(crate) struct S3Bucket {
    store: AmazonS3,
    place: String,
    seen: Arc<Seen>,
}

/// One letter's two objects in a bucket.
pub(crate) struct S3Target {
    bucket: S3Bucket,
    letter: LetterId,
    body: Path,
    manifest: Path,
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl S3Bucket {
    /// Reads the settings; no call is made.
    pub(crate) fn new(settings: &S3Settings<'_>) -> Result<Self, UploadError> {
        let wrong = UploadError::Settings;
        let rest = settings.place.strip_prefix("s3://").unwrap_or_default();
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(wrong(format!(
                "--upload {} names no bucket: write s3://BUCKET, or `edge`",
                settings.place
            )));
        }
        if !path.is_empty() {
            return Err(wrong(format!(
                "--upload {} names a path in the bucket, and the edge reads letters at the top alone: write s3://{bucket}",
                settings.place
            )));
        }
        if settings.endpoint.is_none() && settings.region == "auto" {
            return Err(wrong(
                "uploading to S3 needs --s3-endpoint (for R2 https://ACCOUNT.r2.cloudflarestorage.com), or --s3-region \
                 for a bucket at AWS"
                    .to_owned(),
            ));
        }
        let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY"))
        else {
            return Err(wrong(
                "uploading to S3 needs the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY".to_owned(),
            ));
        };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(settings.region)
            .with_access_key_id(id)
            .with_secret_access_key(secret)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(200),
                    max_backoff: Duration::from_secs(10),
                    base: 2.0,
                },
                max_retries: usize::try_from(settings.retries).unwrap_or(usize::MAX),
                retry_timeout: Duration::from_secs(180),
            });
        if let Some(token) = variable("AWS_SESSION_TOKEN") {
            builder = builder.with_token(token);
        }
        let mut options = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(10))
            .with_timeout(REQUEST_TIMEOUT)
            .with_read_timeout(REQUEST_TIMEOUT);
        let mut place = format!("s3://{bucket}");
        let seen = Arc::new(Seen::default());
        let mut way = Way { direct: false, seen: Arc::clone(&seen), retries: settings.retries };
        if let Some(endpoint) = settings.endpoint {
            let url = url::Url::parse(endpoint)
                .map_err(|e| wrong(format!("--s3-endpoint {endpoint} is not a URL: {e}")))?;
            check_transport(&url).map_err(|e| wrong(format!("--s3-endpoint {endpoint}: {e}")))?;
            options = options.with_allow_http(url.scheme() == "http");
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
            way.direct = is_loopback(url.host());
            place = format!("{place} at {endpoint}");
        }
        let store = builder
            .with_client_options(options)
            .with_http_connector(way)
            .build()
            .map_err(|e| wrong(chain(&e)))?;
        Ok(Self { store, place, seen })
    }

    /// The place of this letter.
    pub(crate) fn of(&self, letter: LetterId) -> S3Target {
        let (body, manifest) = (Path::from(seal::body_key(letter)), Path::from(seal::manifest_key(letter)));
        S3Target { bucket: self.clone(), letter, body, manifest }
    }
}

impl S3Target {
    fn error(&self, what: &'static str, error: &Error) -> UploadError {
        let reason = root(error);
        let place = self.bucket.place.clone();
        if let Some(Hung { seconds, bytes }) = cause(error) {
            let (seconds, bytes) = (*seconds, *bytes);
            return UploadError::Hangs { place, what, seconds, bytes, longer: seconds.saturating_mul(5) };
        }
        if let Some(Conflicts { tries, reason }) = cause(error) {
            return UploadError::Conflict { place, what, tries: *tries, reason: reason.clone() };
        }
        match error {
            // The answer to HEAD has no words, but a date.
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } | Error::Generic { .. }
                if self.clocks_differ(error) =>
            {
                let clocks = self.bucket.seen.clocks();
                let words = |at: Option<UnixSeconds>| at.map_or("nothing".to_owned(), when::words);
                UploadError::ClockSkew {
                    place,
                    here: words(clocks.map(|clocks| clocks.here)),
                    there: words(clocks.map(|clocks| clocks.there)),
                }
            }
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => UploadError::Credentials {
                place,
                reason: "the signature or the permission is wrong".to_owned(),
                fix: FIX,
            },
            Error::AlreadyExists { .. } | Error::Precondition { .. } => UploadError::Exists(self.letter),
            // That no answer came at all, `object_store` tells only by the error at the bottom.
            _ if cause::<reqwest::Error>(error).is_some_and(|e| e.is_connect() || e.is_timeout()) => {
                UploadError::Unreachable { place, reason }
            }
            _ => UploadError::Refused { place, what, reason },
        }
    }

    /// Whether a refusal is about the time: the server says so, or its date is too far from ours.
    fn clocks_differ(&self, error: &Error) -> bool {
        let said = chain(error);
        let refused = !matches!(error, Error::Generic { .. });
        said.contains("RequestTimeTooSkewed")
            || (refused && self.bucket.seen.clocks().is_some_and(super::watch::Clocks::differ))
    }
}

#[async_trait]
impl Target for S3Target {
    async fn check_free(&self) -> Result<(), UploadError> {
        match self.bucket.store.head(&self.manifest).await {
            Ok(_) => Err(UploadError::Exists(self.letter)),
            Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error("question whether the letter exists", &error)),
        }
    }

    async fn put_body(&self, body: Bytes) -> Result<(), UploadError> {
        let put = self.bucket.store.put(&self.body, PutPayload::from_bytes(body)).await;
        put.map(|_| ()).map_err(|e| self.error("body", &e))
    }

    async fn start(&self) -> Result<String, UploadError> {
        self.bucket.store.create_multipart(&self.body).await.map_err(|e| self.error("upload", &e))
    }

    async fn put_part(&self, upload: &str, index: usize, part: Bytes) -> Result<String, UploadError> {
        let id = upload.to_owned();
        let put = self.bucket.store.put_part(&self.body, &id, index, PutPayload::from_bytes(part)).await;
        put.map(|part| part.content_id).map_err(|e| self.error("part", &e))
    }

    async fn complete(&self, upload: &str, etags: Vec<String>) -> Result<(), UploadError> {
        let parts = etags.into_iter().map(|content_id| PartId { content_id }).collect();
        let done = self.bucket.store.complete_multipart(&self.body, &upload.to_owned(), parts).await;
        done.map(|_| ()).map_err(|e| self.error("body", &e))
    }

    async fn abort(&self, upload: &str) -> Result<(), UploadError> {
        let done = self.bucket.store.abort_multipart(&self.body, &upload.to_owned()).await;
        done.map_err(|e| self.error("end of the upload", &e))
    }

    async fn check_body(&self, length: u64) -> Result<(), UploadError> {
        let found = self.bucket.store.head(&self.body).await.map_err(|e| self.error("body", &e))?.size;
        check_length(&self.bucket.place, length, found)
    }

    async fn put_manifest(&self, manifest: Bytes) -> Result<(), UploadError> {
        let payload = PutPayload::from_bytes(manifest.clone());
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = match self.bucket.store.put_opts(&self.manifest, payload.clone(), create).await {
            // An endpoint without If-None-Match: the look-up before the body has to do.
            Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
                self.bucket.store.put(&self.manifest, payload).await
            }
            other => other,
        };
        put.map_err(|e| self.error("manifest", &e))?;
        if self.has_manifest(&manifest).await? {
            return Ok(());
        }
        Err(UploadError::NotWhole {
            place: self.bucket.place.clone(),
            what: "manifest",
            sent: format!("{} bytes", manifest.len()),
            found: "something else".to_owned(),
        })
    }

    async fn has_manifest(&self, manifest: &Bytes) -> Result<bool, UploadError> {
        let found = match self.bucket.store.get(&self.manifest).await {
            Ok(found) if found.meta.size == manifest.len() as u64 => found.bytes().await,
            Ok(_) | Err(Error::NotFound { .. }) => return Ok(false),
            Err(error) => Err(error),
        };
        found.map(|bytes| bytes == *manifest).map_err(|e| self.error("manifest", &e))
    }

    async fn discard_body(&self) -> Result<(), UploadError> {
        self.bucket.store.delete(&self.body).await.map_err(|e| self.error("deletion of the body", &e))
    }
}
