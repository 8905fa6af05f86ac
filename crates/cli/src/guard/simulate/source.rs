//! Logs as files or standard input, line by line in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use waxseal::types::UnixMillis;

use super::log::{LINE_BYTES_MAX, LogLine};
use crate::error::{Coded, USAGE};
use crate::output::line;

const BUFFER: usize = 1 << 20;

/// What compressed files begin with, and what unpacks them.
const PACKED: [(&[u8], &str); 4] = [
    (&[0x1f, 0x8b], "zcat"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstdcat"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xzcat"),
    (b"BZh", "bzcat"),
];

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// Not there, or not to be read.
    #[error("the log {name} could not be read: {error}")]
    Read {
        /// As given.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// Not text.
    #[error("{name} is compressed: run `{program} {name} | waxseal guard simulate -`")]
    Packed {
        /// As given.
        name: String,
        /// What unpacks it.
        program: &'static str,
    },
    /// The same from standard input.
    #[error(
        "standard input is compressed: put `{0}` before this command, as in `{0} LOG | waxseal guard simulate -`"
    )]
    PackedInput(&'static str),
}

impl Coded for SourceError {
    fn code(&self) -> &'static str {
        match self {
            Self::Read { .. } => "log_not_read",
            Self::Packed { .. } | Self::PackedInput(_) => "log_compressed",
        }
    }

    fn exit(&self) -> u8 {
        USAGE
    }
}

/// What stands next in a log.
pub(super) enum Next {
    /// A line, in the buffer.
    Line,
    /// A line that was left out.
    TooLong,
    /// Nothing.
    End,
}

/// A log that is being read.
pub(super) struct Source {
    /// As given.
    pub(super) name: String,
    /// In bytes, when known.
    pub(super) length: Option<u64>,
    reader: Box<dyn BufRead>,
}

/// Opens logs and puts them in the order of their first lines: shells name `access.log` before `access.log.1`.
pub(super) fn open(paths: &[PathBuf]) -> Result<Vec<Source>, SourceError> {
    let mut sources: Vec<(Option<UnixMillis>, Source)> = Vec::with_capacity(paths.len());
    for path in paths {
        let mut source = Source::open(path)?;
        sources.push((source.begins_at()?, source));
    }
    sources.sort_by_key(|(at, _)| *at);
    Ok(sources.into_iter().map(|(_, source)| source).collect())
}

impl Source {
    fn open(path: &Path) -> Result<Self, SourceError> {
        if path.as_os_str() == "-" {
            let reader = Box::new(BufReader::with_capacity(BUFFER, io::stdin()));
            return Ok(Self { name: "standard input".to_owned(), length: None, reader });
        }
        let name = line(&path.to_string_lossy());
        let opened = File::open(path).and_then(|file| file.metadata().map(|about| (file, about)));
        let (file, about) = opened.map_err(|error| SourceError::Read { name: name.clone(), error })?;
        let length = about.is_file().then_some(about.len());
        Ok(Self { name, length, reader: Box::new(BufReader::with_capacity(BUFFER, file)) })
    }

    /// The time of the first request near the beginning. Takes nothing from the log.
    fn begins_at(&mut self) -> Result<Option<UnixMillis>, SourceError> {
        let name = &self.name;
        let head = self.reader.fill_buf().map_err(|error| SourceError::Read { name: name.clone(), error })?;
        if let Some((_, program)) = PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(if self.length.is_none() && name == "standard input" {
                SourceError::PackedInput(program)
            } else {
                SourceError::Packed { name: name.clone(), program }
            });
        }
        let lines = head.split(|byte| *byte == b'\n').take(1_000);
        Ok(lines
            .into_iter()
            .find_map(|text| LogLine::parse(&String::from_utf8_lossy(text)).ok().map(|line| line.at)))
    }

    /// Reads the next line into the buffer, with its line break.
    pub(super) fn next(&mut self, buffer: &mut Vec<u8>) -> Result<Next, SourceError> {
        buffer.clear();
        self.read(buffer).map_err(|error| SourceError::Read { name: self.name.clone(), error })
    }

    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Next> {
        // Room for the line break, so that a line of just the limit is whole.
        let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(2);
        let read = self.reader.by_ref().take(most).read_until(b'\n', buffer)?;
        if read == 0 {
            return Ok(Next::End);
        }
        if buffer.ends_with(b"\n") || u64::try_from(read).is_ok_and(|read| read < most) {
            return Ok(Next::Line);
        }
        self.reader.skip_until(b'\n')?;
        Ok(Next::TooLong)
    }
}
