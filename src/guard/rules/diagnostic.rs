//! What can be wrong in a rules file.

use core::fmt;
use core::ops::Range;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One diagnostic: where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// From 1.
    pub line: u32,
    /// In characters, from 1.
    pub column: u32,
    /// A stable name for logs and tests.
    pub code: Cow<'static, str>,
    /// What is wrong and how to put it right, in a sentence.
    pub message: String,
}

/// The rules cannot be used; the last good ones stay. Holds every diagnostic, not only the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct RulesError(pub(in crate::guard) Vec<Diagnostic>);

codes!(RulesError = "rules_invalid");

impl RulesError {
    /// Every diagnostic, in the order of the file; never empty.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rules cannot be used:")?;
        self.0.iter().try_for_each(|diagnostic| write!(f, "\n- {diagnostic}"))
    }
}

/// At most this many diagnostics are reported: nobody reads more, and a broken upload must not fill a log.
const MAX_DIAGNOSTICS: usize = 50;

/// Collects diagnostics of one text.
pub(super) struct Diagnostics<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    found: Vec<Diagnostic>,
}

impl<'a> Diagnostics<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let lines = core::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, lines, found: Vec::new() }
    }

    pub(super) fn add(&mut self, span: &Range<usize>, code: &'static str, message: impl Into<String>) {
        if self.found.len() >= MAX_DIAGNOSTICS {
            return;
        }
        let (line, column) = self.place(span.start);
        self.found.push(Diagnostic { line, column, code: code.into(), message: message.into() });
    }

    pub(super) fn line(&self, at: usize) -> u32 {
        self.place(at).0
    }

    pub(super) fn finish<T>(mut self, value: T) -> Result<T, RulesError> {
        self.found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        if self.found.is_empty() { Ok(value) } else { Err(RulesError(self.found)) }
    }

    fn place(&self, at: usize) -> (u32, u32) {
        let line = self.lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|before| self.lines.get(before)).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..at).unwrap_or_default();
        // Every character has one byte that is not a continuation byte.
        let column = before.iter().filter(|b| **b & 0xc0 != 0x80).count() + 1;
        (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
    }
}
