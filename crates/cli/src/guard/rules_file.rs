//! A rules file: read, and every error in it told with its place.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use waxseal::guard::Checked;
use waxseal::guard::rules::{Diagnostic, MAX_RULES_BYTES};

use crate::error::{Coded, FAILED, USAGE};
use crate::output::line;

/// Why there are no rules to work with.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    /// Not there, or not to be read.
    #[error("the rules could not be read from {}: {error}", line(&.path.to_string_lossy()))]
    Read {
        /// As given.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It has errors.
    #[error("{name} cannot be used:{}", .diagnostics.iter().map(|it| format!("\n{}", place(name, it))).collect::<String>())]
    Bad {
        /// Of the file.
        name: String,
        /// Every one.
        diagnostics: Vec<Diagnostic>,
    },
}

impl Coded for FileError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "rules_not_read",
            Self::Bad { .. } => "rules_invalid",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::Read { .. }) { USAGE } else { FAILED }
    }
}

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
        let most = u64::try_from(MAX_RULES_BYTES).unwrap_or(u64::MAX).saturating_add(4);
        let mut bytes = Vec::new();
        let read = if from_input {
            io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        read.map_err(|error| FileError::Read { path: path.to_owned(), error })?;
        match Checked::read(&bytes) {
            Ok(checked) => Ok(Self { name, checked }),
            Err(error) => Err(FileError::Bad { name, diagnostics: error.diagnostics().to_vec() }),
        }
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
