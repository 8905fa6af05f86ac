//! What a run has begun. A letter's id, end and key are noted, and on the disk, before anything of it leaves; so whatever ends the
//! process, the next one finishes the same letters, with the same links.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use waxseal::types::{Kid, LetterId, UnixSeconds};

use super::lines;
use crate::error::coded;
use crate::output::line;
use crate::secret;

const VERSION: u8 = 1;

/// Why a run's journal cannot be used.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "journal_")]
pub(super) enum JournalError {
    #[error("the journal {} could not be used: {error}", line(&path.to_string_lossy()))]
    File { path: PathBuf, error: io::Error },
    #[error("the journal {} is in use: the same command runs already. Wait until it has ended", line(&.0.to_string_lossy()))]
    InUse(PathBuf),
    #[error(
        "the journal {} cannot be read at line {at}: it was written by something else, or by a newer version. Without it nobody \
         knows which letters were sealed: bring it back, or look with `waxseal letters list` before you begin another run",
        line(&path.to_string_lossy())
    )]
    Damaged { path: PathBuf, at: usize },
    #[error(
        "the journal {} is of letters to {theirs}, and these go to {ours}: with another --journal they are new letters",
        line(&path.to_string_lossy())
    )]
    Elsewhere { path: PathBuf, theirs: String, ours: String },
}

coded!(JournalError: usage if Self::Elsewhere { .. });

/// A line of the journal.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Entry {
    /// The first one.
    Run { version: u8, url: String, upload: String },
    /// This line of the table may become this letter from now on.
    Begun {
        row: String,
        #[serde(flatten)]
        letter: Begun,
    },
    /// It has, and the place of letters says so.
    Sealed { letter: LetterId },
}

/// What makes a letter the same letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Begun {
    /// Where it stood in the table.
    pub(super) line: u64,
    pub(super) letter: LetterId,
    /// Of the key that signs its link.
    pub(super) kid: Kid,
    pub(super) not_after: UnixSeconds,
    /// What stands behind the `#`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) fragment: Option<String>,
    #[serde(skip)]
    pub(super) sealed: bool,
}

/// The journal of a run.
pub(super) struct Journal {
    path: PathBuf,
    url: String,
    upload: String,
    file: File,
    /// No letter was begun: it has no first line yet.
    is_empty: bool,
    /// By the digest of their line.
    pub(super) begun: HashMap<String, Begun>,
}

impl Journal {
    /// The journal at `path`, made if there is none, for letters of this edge that go to this place. While it is held no other process
    /// may: from before anything is looked at, and it is never removed, or two processes that begin together would hold two files.
    pub(super) fn open(path: &Path, url: String, upload: String) -> Result<Self, JournalError> {
        let failed = |error| JournalError::File { path: path.to_owned(), error };
        let mut file = secret::create_or_reopen(path).map_err(failed)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::InUse(path.to_owned()),
            TryLockError::Error(error) => failed(error),
        })?;
        let text = lines::read(&mut file).map_err(failed)?;
        // What the process was writing when it ended: of that nothing had begun.
        lines::cut(&mut file, text.len()).map_err(failed)?;
        let begun = HashMap::new();
        let mut journal = Self { path: path.to_owned(), url, upload, file, is_empty: text.is_empty(), begun };
        let mut rows = HashMap::new();
        for (at, entry) in (1..).zip(text.split_inclusive(|byte| *byte == b'\n')) {
            let damaged = || JournalError::Damaged { path: path.to_owned(), at };
            match (at, serde_json::from_slice(entry).map_err(|_| damaged())?) {
                (1, Entry::Run { version: VERSION, url, upload }) => {
                    if (&url, &upload) != (&journal.url, &journal.upload) {
                        let said = |url: &str, upload: &str| line(&format!("{url} ({upload})"));
                        let (theirs, ours) = (said(&url, &upload), said(&journal.url, &journal.upload));
                        return Err(JournalError::Elsewhere { path: path.to_owned(), theirs, ours });
                    }
                }
                (1, _) | (_, Entry::Run { .. }) => return Err(damaged()),
                (_, Entry::Begun { row, letter }) => {
                    rows.insert(letter.letter, row.clone());
                    journal.begun.insert(row, letter);
                }
                (_, Entry::Sealed { letter }) => {
                    let row = rows.get(&letter).ok_or_else(damaged)?;
                    journal.begun.get_mut(row).ok_or_else(damaged)?.sealed = true;
                }
            }
        }
        Ok(journal)
    }

    fn failed(&self, error: io::Error) -> JournalError {
        JournalError::File { path: self.path.clone(), error }
    }

    /// Notes that these may become letters from now on; on the disk when it returns.
    pub(super) fn begin(&mut self, rows: Vec<(String, Begun)>) -> Result<(), JournalError> {
        let mut entries = Vec::new();
        if self.is_empty {
            secret::sync_folder(&self.path).map_err(|error| self.failed(error))?;
            entries.push(Entry::Run { version: VERSION, url: self.url.clone(), upload: self.upload.clone() });
        }
        entries.extend(
            rows.iter().map(|(row, letter)| Entry::Begun { row: row.clone(), letter: letter.clone() }),
        );
        self.write(&entries, true)?;
        self.is_empty = false;
        self.begun.extend(rows);
        Ok(())
    }

    /// Notes that a letter is sealed. Should that be lost, the place of letters knows.
    pub(super) fn sealed(&mut self, letter: LetterId) -> Result<(), JournalError> {
        self.write(&[Entry::Sealed { letter }], false)
    }

    fn write(&mut self, entries: &[Entry], sync: bool) -> Result<(), JournalError> {
        let lines: io::Result<String> =
            entries.iter().map(|entry| Ok(serde_json::to_string(entry)? + "\n")).collect();
        let written = lines.and_then(|lines| {
            lines::append(&mut self.file, &lines)?;
            if sync { self.file.sync_data() } else { Ok(()) }
        });
        written.map_err(|error| self.failed(error))
    }
}
