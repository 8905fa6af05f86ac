//! What a verification found, in plain words and as JSON.

use core::fmt;

use serde::Serialize;

use super::checkpoint::{Cosigned, Opened};
use super::key::VerifierKey;
use crate::ledger::StoredEvent;

/// What the reader of a bundle relies on. It does not come out of the bundle.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The key of the log.
    pub log: VerifierKey,
    /// Keys of witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them must have cosigned.
    pub quorum: usize,
}

impl Trust {
    /// Relies on the log's own signature alone.
    pub const fn log(log: VerifierKey) -> Self {
        Self { log, witnesses: Vec::new(), quorum: 0 }
    }
}

/// The first thing that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VerifyError {
    /// The file it is in.
    pub file: String,
    /// The line, counted from 1, if it is one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// A stable code.
    pub code: &'static str,
    /// What is wrong, in words.
    pub words: String,
}

impl VerifyError {
    pub(super) fn new(file: impl Into<String>, code: &'static str, words: impl fmt::Display) -> Self {
        Self { file: file.into(), line: None, code, words: words.to_string() }
    }

    pub(super) fn at(file: &str, line: u64, code: &'static str, words: impl fmt::Display) -> Self {
        Self { line: Some(line), ..Self::new(file, code, words) }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}, line {line}: {}", self.file, self.words),
            None => write!(f, "{}: {}", self.file, self.words),
        }
    }
}

/// An event that was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number in the chain.
    pub seq: u64,
    /// What happened.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
    /// The number of its entry in the log.
    pub entry: u64,
}

impl Line {
    pub(super) fn of(event: &StoredEvent, entry: u64) -> Self {
        Self { seq: event.seq, kind: event.kind.clone(), actor: event.actor.clone(), at: event.at, entry }
    }
}

/// The answer of a verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything that was checked holds.
    pub holds: bool,
    /// The first thing that does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<VerifyError>,
    /// The letter, once it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letter: Option<String>,
    /// The log and its size, once the checkpoint was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<LogSeen>,
    /// The events that were verified.
    pub events: Vec<Line>,
    /// How the package differs from the one that was handed out, a sentence each. Nothing of it touches the evidence.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub package: Vec<String>,
    /// What was checked and holds, a sentence each.
    pub checked: Vec<String>,
    /// What could not be checked from the files alone, a sentence each.
    pub not_checked: Vec<String>,
}

/// The log as its checkpoint shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogSeen {
    /// Which log.
    pub origin: String,
    /// How many entries it had.
    pub size: u64,
    /// The root of the tree over them, in base64.
    pub root: String,
    /// The known witnesses that saw it.
    pub witnesses: Vec<Cosigned>,
}

impl LogSeen {
    pub(super) fn of(log: &Opened) -> Self {
        Self {
            origin: log.checkpoint.origin.clone(),
            size: log.checkpoint.size,
            root: log.checkpoint.root.to_string(),
            witnesses: log.cosigned.clone(),
        }
    }
}

impl Report {
    pub(super) const fn new() -> Self {
        Self {
            holds: true,
            broken: None,
            letter: None,
            log: None,
            events: Vec::new(),
            package: Vec::new(),
            checked: Vec::new(),
            not_checked: Vec::new(),
        }
    }

    pub(super) fn ended(mut self, outcome: Result<(), VerifyError>) -> Self {
        self.broken = outcome.err();
        self.holds = self.broken.is_none();
        self
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.broken {
            None => writeln!(f, "The evidence holds.")?,
            Some(fault) => writeln!(f, "The evidence does not hold.\n\n  {fault}")?,
        }
        if !self.package.is_empty() {
            let contents = if self.holds { "hold" } else { "do not hold" };
            writeln!(f, "\nThe package was changed since it was handed out. Its contents {contents}:")?;
            self.package.iter().try_for_each(|sentence| writeln!(f, "- {sentence}"))?;
        }
        let parts = [("Checked", &self.checked), ("Not checked", &self.not_checked)];
        for (title, sentences) in parts.into_iter().filter(|(_, sentences)| !sentences.is_empty()) {
            writeln!(f, "\n{title}:")?;
            sentences.iter().try_for_each(|sentence| writeln!(f, "- {sentence}"))?;
        }
        Ok(())
    }
}
