//! Rules as they arrive, in bytes, checked to the end: text, rules, and a snapshot of them.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::rules::{Diagnostic, Rules, RulesError};
use super::snapshot::{Dynamic, Kind, Source, Stamp, compile};
use crate::types::UnixSeconds;

/// Rules that can be put in force.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Without a byte order mark, which some editors put there and nobody sees: what holds must not depend on it.
    pub text: String,
    /// What it says.
    pub rules: Rules,
    /// A base of them, with no bans.
    pub snapshot: Vec<u8>,
}

impl Checked {
    /// Reads a rules file.
    ///
    /// # Errors
    /// [`RulesError`] with every diagnostic found, in the order of the file.
    pub fn read(bytes: &[u8]) -> Result<Self, RulesError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = core::str::from_utf8(bytes).map_err(|error| {
            let before = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            let last = before.rsplit('\n').next().unwrap_or_default();
            let (line, column) = (before.matches('\n').count() + 1, last.chars().count() + 1);
            wrong(line, column, "not_utf8", "this is not UTF-8 text: save the file as UTF-8".to_owned())
        })?;
        let rules = Rules::parse(text)?;
        let stamp = Stamp { kind: Kind::Base, generation: 0, made_at: UnixSeconds(0) };
        let source = Source { rules: &rules, dynamic: &Dynamic::default(), max_bans: 0 };
        match compile(&source, &stamp) {
            Ok(made) => Ok(Self { text: text.to_owned(), snapshot: made.bytes, rules }),
            Err(error) => Err(wrong(1, 1, error.code(), error.to_string())),
        }
    }

    /// SHA-256 of the text, in hexadecimal.
    pub fn sha256(&self) -> String {
        HEXLOWER.encode(&Sha256::digest(&self.text))
    }

    /// How many entries the text has.
    pub fn entries(&self) -> usize {
        self.rules.entries.iter().filter(|entry| entry.line > 0).count()
    }
}

fn wrong(line: usize, column: usize, code: &'static str, message: String) -> RulesError {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    RulesError(vec![Diagnostic { line: number(line), column: number(column), code: code.into(), message }])
}
