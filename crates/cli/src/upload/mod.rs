//! Bringing a sealed letter to where the edge reads it. A letter exists once its manifest does, so the body
//! goes first and is checked, then the manifest goes and is checked. Whatever fails on the way takes back
//! what it can.

mod edge;
mod put;
mod s3;
mod watch;

use std::fmt::Display;

use async_trait::async_trait;
use bytes::Bytes;

pub(crate) use edge::EdgeTarget;
pub(crate) use put::{interrupt, send_body};
pub(crate) use s3::{S3Bucket, S3Settings};

use crate::error::{Coded, FAILED, INTERRUPTED, USAGE};

/// Every part but the last has this many bytes: the least that keeps 10,000 parts (the S3 limit) at 80 GB,
/// and small enough that the handful in memory stay far below 64 MiB.
pub(crate) const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts on their way at once.
pub(crate) const PARTS_IN_FLIGHT: usize = 2;
/// S3 and R2 take no more.
pub(crate) const MAX_PARTS: usize = 10_000;

/// Why a letter could not be brought to its place.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum UploadError {
    #[error(
        "{place} could not be reached: {reason}. Nothing was sealed; check the address and the network, then try again"
    )]
    #[strum(to_string = "upload_unreachable")]
    Unreachable { place: String, reason: String },
    #[error("{place} refused the credentials: {reason}. Check {fix}")]
    #[strum(to_string = "upload_credentials")]
    Credentials { place: String, reason: String, fix: &'static str },
    #[error("{place} did not take the {what}: {reason}")]
    #[strum(to_string = "upload_refused")]
    Refused { place: String, what: &'static str, reason: String },
    #[error(
        "{place} does not show the terms that --terms names: {reason}. Nothing was sealed; give the SHA-256 of a text \
         the site has, or leave --terms out"
    )]
    UnknownTerms { place: String, reason: String },
    #[error("{0}. Nothing was sealed")]
    Edge(crate::api::ApiError),
    #[error(
        "{place} accepted the connection and did not answer within {seconds} s: the {what}, {bytes} bytes. \
         Nothing was sealed; try again later, or wait longer with WAXSEAL_TIMEOUT={longer}"
    )]
    #[strum(to_string = "upload_hangs")]
    Hangs { place: String, what: &'static str, seconds: u64, bytes: usize, longer: u64 },
    #[error(
        "{place} refused the signature because the clocks differ: this machine's says {here}, the server's {there}. Set this \
         machine's clock (on Linux `timedatectl set-ntp true`), then try again. Nothing was sealed"
    )]
    #[strum(to_string = "upload_clock_skew")]
    ClockSkew { place: String, here: String, there: String },
    #[error(
        "{place} answered 409 to the {what} {tries} times ({reason}): something else writes the same object at the same time. \
         Nothing was sealed; try again"
    )]
    #[strum(to_string = "upload_conflict")]
    Conflict { place: String, what: &'static str, tries: u32, reason: String },
    #[error("letter {0} exists already at this place: leave --id out for a new UUID")]
    #[strum(to_string = "letter_exists")]
    Exists(waxseal::types::LetterId),
    #[error("the {what} at {place} is not whole: sent {sent}, found {found}. Try again")]
    #[strum(to_string = "upload_not_whole")]
    NotWhole { place: String, what: &'static str, sent: String, found: String },
    #[error(
        "the report is larger than {MAX_PARTS} parts of 8 MiB (about 83 GB), the most one object can hold"
    )]
    #[strum(to_string = "report_too_large")]
    TooLarge,
    #[error("{0}")]
    #[strum(to_string = "upload_settings")]
    Settings(String),
    #[error("interrupted")]
    Interrupted,
    /// Reading or encrypting the report failed while it was uploaded.
    #[error("{0}")]
    #[strum(transparent)]
    Source(#[from] crate::seal::SourceError),
}

impl Coded for UploadError {
    fn code(&self) -> &'static str {
        match self {
            Self::Edge(error) => error.code(),
            other => other.into(),
        }
    }

    fn exit(&self) -> u8 {
        match self {
            Self::Settings(_) => USAGE,
            Self::Interrupted => INTERRUPTED,
            _ => FAILED,
        }
    }
}

/// Refuses a body that lost bytes on its way.
fn check_length(place: &dyn Display, sent: u64, found: u64) -> Result<(), UploadError> {
    if found == sent {
        return Ok(());
    }
    let (sent, found) = (format!("{sent} bytes"), format!("{found} bytes"));
    Err(UploadError::NotWhole { place: place.to_string(), what: "body", sent, found })
}

/// A place for one letter: any S3 bucket, R2 in production, or the edge's API.
#[async_trait]
pub(crate) trait Target: Send + Sync {
    /// Refuses a letter that is there already, and finds wrong addresses and credentials before any work.
    async fn check_free(&self) -> Result<(), UploadError>;

    /// A body that fits one request.
    async fn put_body(&self, body: Bytes) -> Result<(), UploadError>;

    /// Begins a multipart upload of the body.
    async fn start(&self) -> Result<String, UploadError>;

    /// One part, numbered from 0. Answers its ETag.
    async fn put_part(&self, upload: &str, index: usize, part: Bytes) -> Result<String, UploadError>;

    /// Joins the parts.
    async fn complete(&self, upload: &str, etags: Vec<String>) -> Result<(), UploadError>;

    /// Throws the parts away.
    async fn abort(&self, upload: &str) -> Result<(), UploadError>;

    /// Checks that the body is there with all its bytes.
    async fn check_body(&self, length: u64) -> Result<(), UploadError>;

    /// Writes the manifest and checks that it, and no other, is there.
    async fn put_manifest(&self, manifest: Bytes) -> Result<(), UploadError>;

    /// Whether this very manifest is there, for the case that its answer was lost.
    async fn has_manifest(&self, manifest: &Bytes) -> Result<bool, UploadError>;

    /// Deletes a body that no manifest names.
    async fn discard_body(&self) -> Result<(), UploadError>;
}
