//! What a witness says (C2SP tlog-cosignature, the Ed25519 kind): at this time, this was the largest tree of this log
//! that I had seen, and every tree I saw before is its beginning.

use super::key::VerifierKey;
use crate::types::UnixSeconds;

/// The latest time a cosignature may name.
const MAX_TIME: u64 = (1 << 63) - 1;

/// The message that a witness signs: two lines, and the checkpoint's text.
pub fn cosigned_message(at: UnixSeconds, checkpoint: &str) -> String {
    format!("cosignature/v1\ntime {}\n{checkpoint}", at.0)
}

/// The time of a genuine cosignature: eight bytes of time, big endian, and the Ed25519 signature of the message.
pub(super) fn verify(key: &VerifierKey, checkpoint: &str, signature: &[u8]) -> Option<UnixSeconds> {
    let (time, signature) = signature.split_first_chunk()?;
    let at = Some(u64::from_be_bytes(*time)).filter(|at| *at <= MAX_TIME).map(UnixSeconds)?;
    key.verify_bytes(cosigned_message(at, checkpoint).as_bytes(), signature).then_some(at)
}
