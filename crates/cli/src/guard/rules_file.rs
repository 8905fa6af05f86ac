//! A rules file: read, and every error in it told with its place.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use waxseal::guard::rules::{Diagnostic, MAX_RULES_BYTES};
use waxseal::guard::{Checked, SnapshotError, Stored};

use crate::error::coded;
use crate::output::line;

/// Why there are no rules to work with.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(super) enum FileError {
    #[error("the rules could not be read from {}: {error}", line(&.path.to_string_lossy()))]
    #[strum(to_string = "rules_not_read")]
    Read { path: PathBuf, error: io::Error },
    #[error("{name} cannot be used:{}", .diagnostics.iter().map(|it| format!("\n{}", place(name, it))).collect::<String>())]
    #[strum(to_string = "rules_invalid")]
    Bad { name: String, diagnostics: Vec<Diagnostic> },
    /// Which does not happen.
    #[error("the rules could not be compiled: {0}")]
    #[strum(transparent)]
    NotCompiled(#[from] SnapshotError),
}

coded!(FileError: usage if Self::Read { .. });

/// A rules file that can be used.
pub(super) struct RulesFile {
    /// For messages.
    pub(super) name: String,
    pub(super) checked: Checked,
}

impl RulesFile {
    /// Reads and checks a file, or standard input for `-`.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let from_input = path == Path::new("-");
        let name = if from_input { "standard input".to_owned() } else { line(&path.to_string_lossy()) };
        // More than is allowed, byte order mark or not, so that too much is seen as such.
        let most = MAX_RULES_BYTES as u64 + 4;
        let mut bytes = Vec::new();
        let read = if from_input {
            io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        read.map_err(|error| FileError::Read { path: path.to_owned(), error })?;
        Self::check(name, &bytes)
    }

    /// Checks a text.
    pub(super) fn check(name: String, bytes: &[u8]) -> Result<Self, FileError> {
        match Checked::read(bytes) {
            Ok(checked) => Ok(Self { name, checked }),
            Err(error) => Err(FileError::Bad { name, diagnostics: error.diagnostics().to_vec() }),
        }
    }

    /// Compiled, with no bans.
    pub(super) fn stored(&self) -> Result<Stored, SnapshotError> {
        Stored::new(self.checked.snapshot.clone())
    }
}

/// The beginning of a sum, which is enough for people.
pub(super) fn short(sum: &str) -> String {
    line(&sum.chars().take(12).collect::<String>())
}

/// `FILE:LINE:COLUMN: what is wrong`, which editors jump to.
pub(super) fn place(name: &str, it: &Diagnostic) -> String {
    format!("{name}:{}:{}: {}", it.line, it.column, line(&it.message))
}
