//! A rules file: read, and every fault in it told with its place.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waxseal::guard::rules::{Diagnostic, MAX_RULES_BYTES};
use waxseal::guard::snapshot::{Kind, Source, Stamp};
use waxseal::guard::{Dynamic, Rules, compile};
use waxseal::types::UnixSeconds;

use crate::error::{Coded, FAILED, USAGE};
use crate::output::{hex, line};

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
    /// It has faults.
    #[error("{name} cannot be used:{}", .faults.iter().map(|fault| format!("\n{}", place(name, fault))).collect::<String>())]
    Bad {
        /// Of the file.
        name: String,
        /// Every one.
        faults: Vec<Diagnostic>,
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

/// The text of a rules file.
pub(super) struct RulesFile {
    /// For messages.
    pub(super) name: String,
    /// Without a byte order mark, which some editors put there and nobody sees: what holds must not depend on it.
    pub(super) text: String,
}

/// Rules that can be used.
pub(super) struct Checked {
    pub(super) rules: Rules,
    /// What they need in a snapshot.
    pub(super) bytes: usize,
}

impl RulesFile {
    /// Reads a file, or standard input for `-`.
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let from_input = path == Path::new("-");
        let name = if from_input { "standard input".to_owned() } else { line(&path.to_string_lossy()) };
        // One byte more than is allowed, so that too much is seen as such.
        let most = u64::try_from(MAX_RULES_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        let read = if from_input {
            io::stdin().lock().take(most).read_to_end(&mut bytes)
        } else {
            std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
        };
        read.map_err(|error| FileError::Read { path: path.to_owned(), error })?;
        if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
            bytes.drain(..3);
        }
        let text = String::from_utf8(bytes)
            .map_err(|error| not_text(&name, error.as_bytes(), error.utf8_error()))?;
        Ok(Self { name, text })
    }

    /// Parses and compiles.
    pub(super) fn check(&self, now: UnixSeconds) -> Result<Checked, FileError> {
        let bad = |faults| FileError::Bad { name: self.name.clone(), faults };
        let rules = Rules::parse(&self.text).map_err(|error| bad(error.diagnostics().to_vec()))?;
        let source = Source { rules: &rules, dynamic: &Dynamic::default(), most_bans: 0 };
        let stamp = Stamp { kind: Kind::Base, generation: 0, made_at: now };
        match compile(&source, &stamp) {
            Ok(compiled) => Ok(Checked { bytes: compiled.bytes.len(), rules }),
            Err(error) => Err(bad(vec![fault(1, 1, error.code(), error.to_string())])),
        }
    }

    pub(super) fn sha256(&self) -> String {
        sha256(&self.text)
    }
}

pub(super) fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// The beginning of a sum, which is enough for people.
pub(super) fn short(sum: &str) -> String {
    line(&sum.chars().take(12).collect::<String>())
}

fn fault(line: usize, column: usize, code: &'static str, message: String) -> Diagnostic {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Diagnostic { line: number(line), column: number(column), code, message }
}

fn not_text(name: &str, bytes: &[u8], error: std::str::Utf8Error) -> FileError {
    let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
    let last = before.rsplit('\n').next().unwrap_or_default();
    let (line, column) = (before.matches('\n').count() + 1, last.chars().count() + 1);
    let message = "this is not UTF-8 text: save the file as UTF-8".to_owned();
    FileError::Bad { name: name.to_owned(), faults: vec![fault(line, column, "not_utf8", message)] }
}

/// `FILE:LINE:COLUMN: what is wrong`, which editors jump to.
pub(super) fn place(name: &str, fault: &Diagnostic) -> String {
    format!("{name}:{}:{}: {}", fault.line, fault.column, line(&fault.message))
}

pub(super) fn faults_json(faults: &[Diagnostic]) -> Value {
    let each = faults
        .iter()
        .map(|it| json!({ "line": it.line, "column": it.column, "code": it.code, "message": it.message }));
    each.collect()
}
