//! The sealed object: what lies in the bucket, how it is keyed, and how a byte range of it is read.
//!
//! Promises: nothing is released that was not authenticated; a body or manifest that does not belong to the
//! letter is refused with its own reason; lengths, ranges and file names from strangers never panic,
//! overflow or reach a header unescaped. Pure: random bytes come in as arguments, no I/O, no clock.
//! `docs/SEAL.md` specifies the format for other languages.
//!
//! A report becomes two objects of the bucket: the body, and behind it the manifest.
//!
//! ```
//! use waxseal::seal::{Format, Manifest, Mode, RECORD_SIZE, RETENTION_DAYS, Sealer, Sha256Sum, edge_key};
//! use waxseal::token::Keyring;
//! use waxseal::types::{LetterId, UnixSeconds};
//!
//! let keyring = Keyring::new([7; 32]);
//! let (letter, report) = (LetterId([1; 16]), b"%PDF-1.7 ...");
//! let (salt, nonce) = ([2; 16], [3; 12]); // fresh random bytes for every letter
//!
//! let mut body = Vec::new();
//! let mut sealer = Sealer::new(&*edge_key(keyring.active(), letter), salt, RECORD_SIZE)?;
//! sealer.push(report, &mut body)?; // as often as there are pieces
//! let length = sealer.finish(&mut body)?;
//!
//! let manifest = Manifest {
//!     v: Manifest::VERSION,
//!     letter,
//!     format: Format::Aes128Gcm,
//!     mode: Mode::EdgeOpened,
//!     record_size: RECORD_SIZE,
//!     length,
//!     sha256: Sha256Sum::of(report),
//!     media_type: "application/pdf".into(),
//!     file_name: "inspection.pdf".into(),
//!     subject: "Your inspection".into(),
//!     customer: Some("C-1042".into()),
//!     reference: None,
//!     language: Some("en".into()),
//!     terms: None,
//!     issued_at: UnixSeconds(1_770_000_000),
//!     not_after: UnixSeconds(1_780_000_000), // the link's own
//!     retention_days: RETENTION_DAYS,
//!     actions: vec![],
//!     pin: None,
//!     key_check: None,
//! };
//! let object = manifest.encrypt(keyring.active(), nonce)?;
//! assert_eq!(Manifest::open(&object, letter, &keyring)?.0, manifest);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod aes128gcm;
mod file_name;
mod keys;
mod kind;
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
pub use kind::{HEAD_BYTES, UNKNOWN_MEDIA_TYPE, ending_of, media_type_of};
pub use manifest::{
    Action, BodyLengthError, Format, KeyCheck, MAX_MANIFEST, Manifest, ManifestError, Mode, PinVerifier,
    PlaintextCheck, PlaintextError, RETENTION_DAYS, Sha256Sum, body_key, manifest_key,
};
pub use media::{MAX_MEDIA_TYPE, charset, essence, is_media_type, shown_media_type};
pub use plan::{Framing, FramingError, PlannedRecord, RangePlan};
pub use range::{RangeAnswer, answer_range, if_range_holds, parse_range};
