//! Bringing a sealed letter to where the edge reads it. A letter exists once its manifest does, so the body
//! goes first and is checked, then the manifest goes and is checked. Whatever fails on the way takes back
//! what it can.

mod edge;
mod put;
mod s3;
mod watch;

use bytes::Bytes;

pub(crate) use edge::EdgeTarget;
pub(crate) use put::{Interrupt, send_body};
pub(crate) use s3::{S3Settings, S3Target};

use crate::error::{Coded, FAILED, INTERRUPTED, USAGE};

/// Every part but the last has this many bytes: the least that keeps 10,000 parts (the S3 limit) at 80 GB,
/// and small enough that the handful in memory stay far below 64 MiB.
pub(crate) const PART_BYTES: usize = 8 * 1024 * 1024;
/// Parts on their way at once.
pub(crate) const PARTS_IN_FLIGHT: usize = 2;
/// S3 and R2 take no more.
pub(crate) const MOST_PARTS: usize = 10_000;

/// Why a letter could not be brought to its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// The endpoint never answered.
    #[error(
        "{place} could not be reached: {reason}. Nothing was sealed; check the address and the network, then try again"
    )]
    Unreachable {
        /// The endpoint.
        place: String,
        /// The last try's reason.
        reason: String,
    },
    /// The endpoint refused the credentials.
    #[error("{place} refused the credentials: {reason}. Check {fix}")]
    Credentials {
        /// The endpoint.
        place: String,
        /// Its words.
        reason: String,
        /// What to check.
        fix: &'static str,
    },
    /// The endpoint answered with an error.
    #[error("{place} did not take the {what}: {reason}")]
    Refused {
        /// The endpoint.
        place: String,
        /// Body, part or manifest.
        what: &'static str,
        /// Its words.
        reason: String,
    },
    /// The site does not have the terms that the letter is bound to.
    #[error(
        "{place} does not show the terms that --terms names: {reason}. Nothing was sealed; give the SHA-256 of a text \
         the site has, or leave --terms out"
    )]
    UnknownTerms {
        /// The edge.
        place: String,
        /// Its words.
        reason: String,
    },
    /// The edge does not answer, or something else does.
    #[error("{0}. Nothing was sealed")]
    Edge(crate::api::ApiError),
    /// The endpoint took the connection and did not answer.
    #[error(
        "{place} took the connection and did not answer: {seconds} s for the {what}, a request with {bytes} bytes. \
         Nothing was sealed; try again later, or give it longer with WAXSEAL_TIMEOUT={longer}"
    )]
    Hangs {
        /// The endpoint.
        place: String,
        /// Body, part or manifest.
        what: &'static str,
        /// How long was waited.
        seconds: u64,
        /// What was sent.
        bytes: usize,
        /// A value to try.
        longer: u64,
    },
    /// The endpoint refuses signatures of another time.
    #[error(
        "{place} refused the signature because the clocks differ: this machine's says {here}, the server's {there}. Set this \
         machine's clock (on Linux `timedatectl set-ntp true`), then try again. Nothing was sealed"
    )]
    ClockSkew {
        /// The endpoint.
        place: String,
        /// This machine's time.
        here: String,
        /// The server's time.
        there: String,
    },
    /// Somebody else writes the same object.
    #[error(
        "{place} answered 409 to the {what} {tries} times ({reason}): something else writes the same object at the same time. \
         Nothing was sealed; try again"
    )]
    Conflict {
        /// The endpoint.
        place: String,
        /// Body, part or manifest.
        what: &'static str,
        /// How often.
        tries: u32,
        /// Its words.
        reason: String,
    },
    /// There is a letter with this UUID already.
    #[error("letter {0} exists already at this place: leave --id out for a new UUID")]
    Exists(waxseal::types::LetterId),
    /// What arrived is not what was sent.
    #[error("the {what} at {place} is not whole: sent {sent}, found {found}. Try again")]
    NotWhole {
        /// The endpoint.
        place: String,
        /// Body or manifest.
        what: &'static str,
        /// What was sent.
        sent: String,
        /// What is there.
        found: String,
    },
    /// More than the multipart limit.
    #[error(
        "the report is larger than {MOST_PARTS} parts of 8 MiB (about 83 GB), the most one object can hold"
    )]
    TooLarge,
    /// A setting is missing or wrong.
    #[error("{0}")]
    Settings(String),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// Reading or encrypting the report failed while it was uploaded.
    #[error("{0}")]
    Source(#[from] crate::seal::SourceError),
}

impl Coded for UploadError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "upload_unreachable",
            Self::Credentials { .. } => "upload_credentials",
            Self::Refused { .. } => "upload_refused",
            Self::UnknownTerms { .. } => "unknown_terms",
            Self::Edge(error) => error.code(),
            Self::Hangs { .. } => "upload_hangs",
            Self::ClockSkew { .. } => "upload_clock_skew",
            Self::Conflict { .. } => "upload_conflict",
            Self::Exists(_) => "letter_exists",
            Self::NotWhole { .. } => "upload_not_whole",
            Self::TooLarge => "report_too_large",
            Self::Settings(_) => "upload_settings",
            Self::Interrupted => "interrupted",
            Self::Source(error) => error.code(),
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

/// A place for letters. The two kinds speak the same steps.
#[derive(Clone)]
pub(crate) enum Target {
    /// Any S3 bucket; R2 in production.
    S3(S3Target),
    /// The edge's API.
    Edge(EdgeTarget),
}

/// The steps are the same in both kinds, so each is one line here.
macro_rules! each {
    ($self:ident, $target:ident => $step:expr) => {
        match $self {
            Target::S3($target) => $step,
            Target::Edge($target) => $step,
        }
    };
}

impl Target {
    /// Refuses a letter that is there already, and finds wrong addresses and credentials before any work.
    pub(crate) async fn check_free(&self) -> Result<(), UploadError> {
        each!(self, target => target.check_free().await)
    }

    /// A body that fits one request.
    pub(crate) async fn put_body(&self, body: Bytes) -> Result<(), UploadError> {
        each!(self, target => target.put_body(body).await)
    }

    /// Begins a multipart upload of the body.
    pub(crate) async fn start(&self) -> Result<String, UploadError> {
        each!(self, target => target.start().await)
    }

    /// One part, numbered from 0. Answers its ETag.
    pub(crate) async fn put_part(
        &self,
        upload: &str,
        index: usize,
        part: Bytes,
    ) -> Result<String, UploadError> {
        each!(self, target => target.put_part(upload, index, part).await)
    }

    /// Joins the parts.
    pub(crate) async fn complete(&self, upload: &str, etags: Vec<String>) -> Result<(), UploadError> {
        each!(self, target => target.complete(upload, etags).await)
    }

    /// Throws the parts away.
    pub(crate) async fn abort(&self, upload: &str) -> Result<(), UploadError> {
        each!(self, target => target.abort(upload).await)
    }

    /// Checks that the body is there with all its bytes.
    pub(crate) async fn check_body(&self, length: u64) -> Result<(), UploadError> {
        each!(self, target => target.check_body(length).await)
    }

    /// Writes the manifest and checks that it, and no other, is there.
    pub(crate) async fn put_manifest(&self, manifest: Bytes) -> Result<(), UploadError> {
        each!(self, target => target.put_manifest(manifest).await)
    }

    /// Whether this very manifest is there, for the case that its answer was lost.
    pub(crate) async fn has_manifest(&self, manifest: &Bytes) -> Result<bool, UploadError> {
        each!(self, target => target.has_manifest(manifest).await)
    }

    /// Deletes a body that no manifest names.
    pub(crate) async fn discard_body(&self) -> Result<(), UploadError> {
        each!(self, target => target.discard_body().await)
    }
}
