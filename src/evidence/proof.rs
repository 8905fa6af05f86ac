//! A proof in one file (C2SP tlog-proof): the entry's index, the hashes, and the checkpoint they lead to. It verifies offline,
//! with other people's tools too.

use core::fmt;
use core::str::FromStr;

use data_encoding::BASE64;

use super::checkpoint::decimal;
use super::merkle::TreeHash;
use super::note::{MAX_NOTE_BYTES, Note, NoteError};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// The most hashes a proof of inclusion has in the largest tree.
const MAX_HASHES: usize = 63;

/// Why a text is not such a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "proof_")]
pub enum ParseProofError {
    /// This line, counted from 1, is not what has to stand there.
    #[error("line {0} of the proof is malformed")]
    #[strum(to_string = "malformed")]
    Line(usize),
    /// The checkpoint in it is not a signed note.
    #[error("the checkpoint in the proof: {0}")]
    #[strum(transparent)]
    Checkpoint(NoteError),
    /// It is longer than any proof.
    #[error("the proof is too long")]
    TooLong,
}

codes!(ParseProofError);

/// The proof that an entry is in a log. Nothing in it is trusted until it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Data that is not covered by the proof. We write none.
    pub extra: Option<Vec<u8>>,
    /// The entry's index in the log.
    pub index: u64,
    /// The hashes from the leaf's neighbour up.
    pub hashes: Vec<TreeHash>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: Note,
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", BASE64.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ParseProofError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 2 * MAX_NOTE_BYTES {
            return Err(ParseProofError::TooLong);
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ParseProofError::Line(1))?;
        let mut lines = head.split('\n').zip(1..).peekable();
        if lines.next().is_none_or(|(line, _)| line != HEADER) {
            return Err(ParseProofError::Line(1));
        }
        let extra = match lines.next_if(|(line, _)| line.starts_with("extra ")) {
            Some((line, number)) => {
                let bytes = line.strip_prefix("extra ").and_then(|text| BASE64.decode(text.as_bytes()).ok());
                Some(bytes.ok_or(ParseProofError::Line(number))?)
            }
            None => None,
        };
        let (line, number) = lines.next().ok_or(ParseProofError::Line(2))?;
        let index = line.strip_prefix("index ").and_then(decimal).ok_or(ParseProofError::Line(number))?;
        let mut hashes = Vec::new();
        for (line, number) in lines {
            if hashes.len() >= MAX_HASHES {
                return Err(ParseProofError::TooLong);
            }
            hashes.push(line.parse().map_err(|_| ParseProofError::Line(number))?);
        }
        let checkpoint = Note::parse(checkpoint.as_bytes()).map_err(ParseProofError::Checkpoint)?;
        Ok(Self { extra, index, hashes, checkpoint })
    }
}
