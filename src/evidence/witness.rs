//! Asking a witness for its cosignature (C2SP tlog-witness, `add-checkpoint`): the request's body and what comes back. The
//! shell posts it to the witness's submission prefix with `/add-checkpoint` behind it.

use core::fmt::Write as _;

use super::checkpoint::decimal;
use super::key::{Algorithm, VerifierKey};
use super::merkle::TreeHash;
use super::note::{MAX_NOTE_BYTES, MAX_SIGNATURES, Note, SignatureLine};
use crate::types::UnixSeconds;

/// The media type of the body of a 409.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// What a witness answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessAnswer {
    /// It cosigned. These lines go to the checkpoint.
    Cosigned(Vec<SignatureLine>),
    /// It knows the log at another size. Ask again with a proof from that one.
    Conflict {
        /// Entries of the newest tree that it cosigned.
        size: u64,
    },
}

/// Why there is no cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "witness_")]
pub enum WitnessError {
    /// The body is not what its status calls for.
    #[error("the witness gave an answer that cannot be read")]
    Malformed,
    /// There is no line of this witness, or a false one.
    #[error("the witness did not cosign the checkpoint")]
    NotCosigned,
    /// 403: it does not take our signature.
    #[error("the witness knows another key for this log")]
    UnknownKey,
    /// 404: it has not been told of the log.
    #[error("the witness does not know this log")]
    UnknownLog,
    /// 422: it holds the proof for false. If ours was right, it was shown another history.
    #[error("the witness found that the log does not follow from what it saw before")]
    Inconsistent,
    /// Another status.
    #[error("the witness answered with status {0}")]
    Status(u16),
}

codes!(WitnessError);

/// The body of a request: the size that the witness cosigned last (0 if none), the proof of consistency from there,
/// and the checkpoint.
pub fn add_checkpoint_request(old_size: u64, proof: &[TreeHash], checkpoint: &Note) -> String {
    let mut body = format!("old {old_size}\n");
    for hash in proof {
        // Writing to a string does not fail.
        let _ = writeln!(body, "{hash}");
    }
    let _ = write!(body, "\n{checkpoint}");
    body
}

/// Reads what a witness answered to [`add_checkpoint_request`].
pub fn read_answer(
    status: u16,
    body: &[u8],
    checkpoint: &Note,
    witness: &VerifierKey,
) -> Result<WitnessAnswer, WitnessError> {
    match status {
        200 => cosignatures(body, checkpoint, witness).map(WitnessAnswer::Cosigned),
        403 => Err(WitnessError::UnknownKey),
        404 => Err(WitnessError::UnknownLog),
        409 => {
            let size = str::from_utf8(body).ok().and_then(|text| text.strip_suffix('\n')).and_then(decimal);
            size.map(|size| WitnessAnswer::Conflict { size }).ok_or(WitnessError::Malformed)
        }
        422 => Err(WitnessError::Inconsistent),
        status => Err(WitnessError::Status(status)),
    }
}

/// The lines of the answer that are this witness's; lines of other keys are ignored.
fn cosignatures(
    body: &[u8],
    checkpoint: &Note,
    witness: &VerifierKey,
) -> Result<Vec<SignatureLine>, WitnessError> {
    let text = str::from_utf8(body).ok().filter(|text| text.len() <= MAX_NOTE_BYTES);
    let lines = text.and_then(|text| text.strip_suffix('\n')).ok_or(WitnessError::Malformed)?;
    let mut ours = Vec::new();
    for line in lines.split('\n').take(MAX_SIGNATURES) {
        let line = SignatureLine::parse(line).ok_or(WitnessError::Malformed)?;
        if line.name() != witness.name() || line.id() != witness.id() {
            continue;
        }
        let genuine = witness.algorithm() == Algorithm::CosignatureV1
            && witness.verify(checkpoint.text(), line.signature()).is_some();
        if !genuine {
            return Err(WitnessError::NotCosigned);
        }
        ours.push(line);
    }
    if ours.is_empty() { Err(WitnessError::NotCosigned) } else { Ok(ours) }
}

/// The latest time a cosignature may name.
const MAX_TIME: u64 = (1 << 63) - 1;

/// What a witness says (C2SP tlog-cosignature, the Ed25519 kind): at this time, this was the largest tree of this log that I had
/// seen, and every tree I saw before is its beginning. The message that it signs: two lines, and the checkpoint's text.
pub fn cosigned_message(at: UnixSeconds, checkpoint: &str) -> String {
    format!("cosignature/v1\ntime {}\n{checkpoint}", at.0)
}

/// The time of a genuine cosignature: eight bytes of time, big endian, and the Ed25519 signature of the message.
pub(super) fn verify_cosignature(
    key: &VerifierKey,
    checkpoint: &str,
    signature: &[u8],
) -> Option<UnixSeconds> {
    let (time, signature) = signature.split_first_chunk()?;
    let at = Some(u64::from_be_bytes(*time)).filter(|at| *at <= MAX_TIME).map(UnixSeconds)?;
    key.verify_bytes(cosigned_message(at, checkpoint).as_bytes(), signature).then_some(at)
}
