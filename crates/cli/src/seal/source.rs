//! The report on its way in: read, hashed and sealed on a thread of its own, handed over in parts. At any
//! time the thread holds one part and the channel one more, whatever the length of the report.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use waxseal::seal::{SealError, Sealer};

use super::encoding::Encoding;
use crate::error::coded;
use crate::upload::PART_BYTES;

/// Why the report could not be read or sealed.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum SourceError {
    #[error("the report {} could not be opened: {error}", path.display())]
    #[strum(to_string = "report_not_opened")]
    Open { path: PathBuf, error: io::Error },
    #[error("the report could not be read to its end: {0}")]
    #[strum(to_string = "report_not_read")]
    Read(io::Error),
    #[error("the report is empty: there is nothing to seal. Did the program that writes it fail?")]
    #[strum(to_string = "report_empty")]
    Empty,
    #[error(
        "the report changed while it was read: it had {expected} bytes at the start and {found} at the end. Seal a finished file"
    )]
    #[strum(to_string = "report_changed")]
    Changed { expected: u64, found: u64 },
    #[error("the report cannot be sealed: {0}")]
    #[strum(transparent)]
    Seal(#[from] SealError),
    /// The sealing thread ended without a word.
    #[error("sealing stopped unexpectedly")]
    #[strum(to_string = "sealing_stopped")]
    Gone,
}

coded!(SourceError: usage if Self::Open { .. });

/// What the thread hands over.
#[derive(Debug)]
pub(crate) enum Chunk {
    /// `PART_BYTES` of body; the last part may be shorter.
    Part(Bytes),
    /// After the last part.
    End(Sealed),
}

/// The facts the manifest needs.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    /// Plaintext bytes.
    pub(crate) length: u64,
    /// SHA-256 of the plaintext.
    pub(crate) sha256: [u8; 32],
    /// Body bytes.
    pub(crate) body_length: u64,
    /// The encoding, where it was looked for.
    pub(crate) charset: Option<String>,
}

/// An opened report.
pub(crate) struct Source {
    reader: Box<dyn Read + Send>,
    /// What was looked at already; it is sealed first.
    head: Vec<u8>,
    /// Bytes, where a file tells.
    pub(crate) length: Option<u64>,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self, SourceError> {
        if path.as_os_str() == "-" {
            return Ok(Self { reader: Box::new(io::stdin()), head: Vec::new(), length: None });
        }
        let failed = |error| SourceError::Open { path: path.to_owned(), error };
        let file = File::open(path).map_err(failed)?;
        let facts = file.metadata().map_err(failed)?;
        if facts.is_dir() {
            return Err(failed(io::Error::other("it is a folder")));
        }
        let length = facts.is_file().then_some(facts.len());
        if length == Some(0) {
            return Err(SourceError::Empty);
        }
        Ok(Self { reader: Box::new(file), head: Vec::new(), length })
    }

    /// The first bytes, at most so many. Fewer only when the report has no more.
    pub(crate) fn peek(&mut self, most: usize) -> Result<&[u8], SourceError> {
        let missing = most.saturating_sub(self.head.len()) as u64;
        (&mut self.reader).take(missing).read_to_end(&mut self.head).map_err(SourceError::Read)?;
        if self.head.is_empty() { Err(SourceError::Empty) } else { Ok(&self.head) }
    }

    /// Starts the thread. It ends when the report ends or nobody listens any more. `encoding` reads along.
    pub(super) fn seal(
        self,
        sealer: Sealer,
        encoding: Option<Encoding>,
    ) -> mpsc::Receiver<Result<Chunk, SourceError>> {
        let (send, receive) = mpsc::channel(1);
        std::thread::spawn(move || {
            if let Err(error) = self.run(sealer, encoding, &send) {
                let _ = send.blocking_send(Err(error));
            }
        });
        receive
    }

    fn run(
        mut self,
        mut sealer: Sealer,
        mut encoding: Option<Encoding>,
        send: &mpsc::Sender<Result<Chunk, SourceError>>,
    ) -> Result<(), SourceError> {
        let mut reader = io::Cursor::new(std::mem::take(&mut self.head)).chain(self.reader);
        let mut hash = Sha256::new();
        let mut input = vec![0u8; 64 * 1024];
        let mut part = Vec::with_capacity(PART_BYTES + 2 * input.len());
        let mut body_length = 0u64;
        loop {
            let read = match reader.read(&mut input) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SourceError::Read(error)),
            };
            let data = input.get(..read).unwrap_or_default();
            hash.update(data);
            if let Some(encoding) = &mut encoding {
                encoding.see(data);
            }
            sealer.push(data, &mut part)?;
            if part.len() >= PART_BYTES {
                let mut next = Vec::with_capacity(part.capacity());
                next.extend_from_slice(part.get(PART_BYTES..).unwrap_or_default());
                part.truncate(PART_BYTES);
                body_length += PART_BYTES as u64;
                if send.blocking_send(Ok(Chunk::Part(std::mem::replace(&mut part, next).into()))).is_err() {
                    return Ok(());
                }
            }
        }
        let length = sealer.finish(&mut part)?;
        match self.length {
            _ if length == 0 => return Err(SourceError::Empty),
            Some(expected) if expected != length => {
                return Err(SourceError::Changed { expected, found: length });
            }
            _ => {}
        }
        // The last record may have carried the part over its size.
        while !part.is_empty() {
            let rest = part.split_off(part.len().min(PART_BYTES));
            body_length += part.len() as u64;
            if send.blocking_send(Ok(Chunk::Part(std::mem::replace(&mut part, rest).into()))).is_err() {
                return Ok(());
            }
        }
        let charset = encoding.map(|encoding| encoding.label());
        let sealed = Sealed { length, sha256: hash.finalize().into(), body_length, charset };
        let _ = send.blocking_send(Ok(Chunk::End(sealed)));
        Ok(())
    }
}
