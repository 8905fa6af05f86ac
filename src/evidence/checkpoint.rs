//! Checkpoints (C2SP tlog-checkpoint): the size and the root of a log, in a note that the log signed.

use core::fmt;
use core::str::FromStr;

use super::key::{Algorithm, LogKey, VerifierKey};
use super::merkle::{MAX_TREE_SIZE, ProofError, TreeHash, verify_consistency};
use super::note::{Note, NoteError, OpenError};
use crate::types::UnixSeconds;

/// Why something is not a checkpoint to rely on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum CheckpointError {
    /// It is not a signed note.
    #[error(transparent)]
    #[strum(transparent)]
    Note(#[from] NoteError),
    /// It is not signed by the log, or a known key's signature in it is false.
    #[error(transparent)]
    #[strum(transparent)]
    Open(#[from] OpenError),
    /// The text is not origin, size and root.
    #[error("line {0} of the checkpoint is malformed")]
    #[strum(to_string = "checkpoint_malformed")]
    Line(usize),
    /// It is another log's.
    #[error("it is the checkpoint of another log")]
    #[strum(to_string = "checkpoint_other_log")]
    Origin,
}

codes!(CheckpointError);

/// The text of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log it is.
    pub origin: String,
    /// How many entries the log has.
    pub size: u64,
    /// The root of the tree over them.
    pub root: TreeHash,
    /// Further lines. We write none; what others write is kept, because it is signed.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The checkpoint of a log that has this size and root.
    pub fn new(origin: &str, size: u64, root: TreeHash) -> Self {
        Self { origin: origin.to_owned(), size, root, extensions: Vec::new() }
    }

    /// A note of this checkpoint, signed with each of the keys: the active one and, while readers still have only the key
    /// before it, that one too. A checkpoint that would not read back as itself is not signed.
    pub fn sign(&self, keys: &[&LogKey]) -> Result<Note, NoteError> {
        let mut note = Note::new(self.to_string())?;
        if note.text().parse::<Self>().as_ref() != Ok(self) {
            return Err(NoteError::Shape);
        }
        for key in keys {
            note.add(key.sign(note.text()))?;
        }
        Ok(note)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Line(1))?.split('\n');
        let mut line =
            |number| lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError::Line(number));
        let origin = line(1)?.to_owned();
        let size = decimal(line(2)?).filter(|size| *size <= MAX_TREE_SIZE).ok_or(CheckpointError::Line(2))?;
        let root: TreeHash = line(3)?.parse().map_err(|_| CheckpointError::Line(3))?;
        if size == 0 && root != TreeHash::empty() {
            return Err(CheckpointError::Line(3));
        }
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        match extensions.iter().position(String::is_empty) {
            Some(empty) => Err(CheckpointError::Line(empty.saturating_add(4))),
            None => Ok(Self { origin, size, root, extensions }),
        }
    }
}

/// A number as the specifications write it: ASCII digits, no sign, no leading zero.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| canonical && digits)
}

/// A witness that saw a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Cosigned {
    /// Its name.
    pub witness: String,
    /// When it saw it.
    pub at: UnixSeconds,
}

/// A checkpoint that the log signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The known witnesses that cosigned it, each once.
    pub cosigned: Vec<Cosigned>,
}

/// Reads a checkpoint that `log` signed. The log's key has the log's origin as its name. Keys among `witnesses` that
/// are not witnesses' keys count for nothing.
pub fn open_checkpoint(
    note: &Note,
    log: &VerifierKey,
    witnesses: &[VerifierKey],
) -> Result<Opened, CheckpointError> {
    let checkpoint: Checkpoint = note.text().parse()?;
    if checkpoint.origin != log.name() || log.algorithm() != Algorithm::Ed25519 {
        return Err(CheckpointError::Origin);
    }
    note.open(core::slice::from_ref(log))?;
    let signed = match note.open(witnesses) {
        Err(OpenError::Unsigned) => Vec::new(),
        signed => signed?,
    };
    let mut cosigned: Vec<Cosigned> = Vec::new();
    for (nth, seen) in signed.iter().enumerate() {
        // One key under two names is one witness.
        let again = signed.iter().take(nth).any(|other| other.key.public() == seen.key.public());
        if let Some(at) = seen.at.filter(|_| !again) {
            cosigned.push(Cosigned { witness: seen.key.name().to_owned(), at });
        }
    }
    Ok(Opened { checkpoint, cosigned })
}

/// Whether the log of an older checkpoint is the beginning of the log of a newer one. `proof` is a proof of consistency
/// from the smaller to the larger; it is empty for equal sizes.
pub fn follows(older: &Checkpoint, newer: &Checkpoint, proof: &[TreeHash]) -> Result<(), FollowError> {
    if older.origin != newer.origin {
        return Err(FollowError::Origin);
    }
    if older.size > newer.size {
        return Err(FollowError::Shrunk { from: older.size, to: newer.size });
    }
    verify_consistency(older.size, &older.root, newer.size, &newer.root, proof).map_err(|error| match error {
        ProofError::Forked if older.size == newer.size => FollowError::Split(older.size),
        error => FollowError::Proof(error),
    })
}

/// Why a log is not the one that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "log_")]
pub enum FollowError {
    /// The checkpoints are of different logs.
    #[error("the two checkpoints are of different logs")]
    #[strum(to_string = "other")]
    Origin,
    /// The log has become smaller.
    #[error("the log had {from} entries and now has {to}: it was put back to an older state")]
    Shrunk {
        /// Entries before.
        from: u64,
        /// Entries now.
        to: u64,
    },
    /// Two roots for one size.
    #[error("there are two different logs of {0} entries: the log was forked")]
    #[strum(to_string = "forked")]
    Split(u64),
    /// The proof does not show it.
    #[error("{0}")]
    #[strum(transparent)]
    Proof(ProofError),
}

codes!(FollowError);
