//! Where the lines of JSON go: standard output, every letter in every run; or a file, each letter once.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use waxseal::types::LetterId;

use super::lines;
use crate::error::{Error, coded};
use crate::output::{Output, line};
use crate::secret::{self, FileError};

/// A file that holds something else.
#[derive(Debug, thiserror::Error)]
#[error("--output {} holds something else than this run's letters: name another file", line(&.0.to_string_lossy()))]
struct Foreign(PathBuf);

coded!(Foreign = "output_foreign": usage);

/// Where the lines go.
pub(super) enum Answers {
    Screen(Output),
    File { path: PathBuf, file: File, known: HashSet<LetterId> },
}

/// What is read of a line.
#[derive(Deserialize)]
struct Known {
    letter: LetterId,
}

impl Answers {
    /// `known` says whether a letter is of this run.
    pub(super) fn open(
        path: Option<&Path>,
        output: Output,
        of_this_run: impl Fn(LetterId) -> bool,
    ) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(Self::Screen(Output { json: true, ..output })) };
        let mut file = secret::create_or_reopen(path).map_err(FileError::at(path))?;
        let text = lines::read(&mut file).map_err(FileError::at(path))?;
        let known: Result<HashSet<_>, _> = text
            .split_inclusive(|byte| *byte == b'\n')
            .map(|line| serde_json::from_slice(line).map(|Known { letter }| letter))
            .collect();
        let known = known.ok().filter(|known| known.iter().all(|letter| of_this_run(*letter)));
        let known = known.ok_or_else(|| Foreign(path.to_owned()))?;
        // A line that the process was writing when it ended is written again.
        lines::cut(&mut file, text.len()).map_err(FileError::at(path))?;
        Ok(Self::File { path: path.to_owned(), file, known })
    }

    pub(super) fn write(&mut self, letter: LetterId, answer: &Value) -> Result<(), Error> {
        match self {
            Self::Screen(output) => Ok(output.answer(answer, "")?),
            Self::File { path, file, known } => {
                if known.insert(letter) {
                    lines::append(file, &format!("{answer}\n")).map_err(FileError::at(path))?;
                }
                Ok(())
            }
        }
    }

    /// All of them are on the disk.
    pub(super) fn finish(&self) -> Result<(), Error> {
        match self {
            Self::Screen(_) => Ok(()),
            Self::File { path, file, .. } => Ok(file.sync_all().map_err(FileError::at(path))?),
        }
    }
}
