//! The sealed object: what lies in the bucket, how it is keyed, and how a byte range of it is read.
//!
//! Promises: nothing is released that was not authenticated; a body or manifest that does not belong to the
//! letter is refused with its own reason; lengths, ranges and file names from strangers never panic,
//! overflow or reach a header unescaped. Pure: random bytes come in as arguments, no I/O, no clock.
//! `docs/SEAL.md` specifies the format for other languages.

pub mod aes128gcm;
mod file_name;
mod keys;
pub mod manifest;
mod media;
mod plan;
mod range;

pub use aes128gcm::{
    DelimiterError, HEADER_LENGTH, Header, HeaderError, MAX_LENGTH, OpenError, Opener, RECORD_SIZE,
    RecordKeys, SealError, Sealer, check_delimiter,
};
pub use file_name::{Disposition, MAX_FILE_NAME, content_disposition, safe_file_name};
pub use keys::{FragmentKey, FragmentKeyError, edge_key};
pub use manifest::{
    Action, BodyLengthError, Format, KeyCheck, MAX_MANIFEST, Manifest, ManifestError, Mode, PinVerifier,
    PlaintextCheck, PlaintextError, RETENTION_DAYS, Sha256Sum, body_key, manifest_key,
};
pub use media::{MAX_MEDIA_TYPE, charset, essence, is_media_type, shown_media_type};
pub use plan::{Framing, FramingError, PlannedRecord, RangePlan};
pub use range::{RangeAnswer, answer_range, if_range_holds, parse_range};
