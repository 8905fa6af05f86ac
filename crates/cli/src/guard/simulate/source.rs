//! Logs as files or standard input, line by line in bounded memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use waxseal::types::UnixMillis;

use super::log::{LINE_BYTES_MAX, LogLine};
use crate::error::coded;
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
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(super) enum SourceError {
    #[error("the log {name} could not be read: {error}")]
    #[strum(to_string = "log_not_read")]
    Read { name: String, error: io::Error },
    #[error("{name} is compressed: run `{program} {log} | waxseal guard simulate -`")]
    #[strum(to_string = "log_compressed")]
    Packed { name: String, program: &'static str, log: String },
}

coded!(SourceError: usage);

/// A log that is being read.
pub(super) struct Source {
    /// As given.
    pub(super) name: String,
    reader: Box<dyn BufRead>,
}

/// Opens logs and puts them in the order of their first lines: shells name `access.log` before `access.log.1`.
pub(super) fn open(paths: &[PathBuf], bar: &ProgressBar) -> Result<Vec<Source>, SourceError> {
    let opened = paths.iter().map(|path| Source::open(path, bar)).collect::<Result<Vec<_>, _>>();
    let mut sources = opened?;
    sources.sort_by_key(|(at, _)| *at);
    Ok(sources.into_iter().map(|(_, source)| source).collect())
}

impl Source {
    /// With the time of the first request near the beginning.
    fn open(path: &Path, bar: &ProgressBar) -> Result<(Option<UnixMillis>, Self), SourceError> {
        let from_input = path.as_os_str() == "-";
        let log = if from_input { "LOG".to_owned() } else { line(&path.to_string_lossy()) };
        let name = if from_input { "standard input".to_owned() } else { log.clone() };
        let failed = |error| SourceError::Read { name: name.clone(), error };
        let input: Box<dyn Read> =
            if from_input { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(failed)?) };
        let mut reader = Box::new(BufReader::with_capacity(BUFFER, bar.wrap_read(input)));
        // Takes nothing from the log.
        let head = reader.fill_buf().map_err(failed)?;
        if let Some((_, program)) = PACKED.iter().find(|(magic, _)| head.starts_with(magic)) {
            return Err(SourceError::Packed { name, program, log });
        }
        let lines = head.split(|byte| *byte == b'\n').take(1_000);
        let mut read = lines.filter_map(|text| LogLine::parse(&String::from_utf8_lossy(text)).ok());
        Ok((read.next().map(|line| line.at), Self { name, reader }))
    }

    /// The next line with its line break, `None` at the end. One that is too long comes without its end, and longer than may be.
    pub(super) fn next<'a>(&mut self, buffer: &'a mut Vec<u8>) -> Result<Option<&'a [u8]>, SourceError> {
        buffer.clear();
        // Room for the line break, so that a line of just the limit is whole.
        let most = LINE_BYTES_MAX + 2;
        let read = self.reader.by_ref().take(most as u64).read_until(b'\n', buffer);
        let rest = match read {
            Ok(0) => return Ok(None),
            Ok(read) if read == most && !buffer.ends_with(b"\n") => self.reader.skip_until(b'\n').map(drop),
            other => other.map(drop),
        };
        rest.map_err(|error| SourceError::Read { name: self.name.clone(), error })?;
        Ok(Some(buffer))
    }
}
