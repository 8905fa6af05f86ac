//! Bytes into the part file, through dropped connections.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use indicatif::ProgressBar;
use reqwest::header::{CONTENT_RANGE, ETAG};
use reqwest::{Response, StatusCode};

use super::envelope::closed;
use super::errors::OpenError;
use super::wire::{Letter, Outcome, PageState, Session, closed_status};
use crate::error::chain;
use crate::http::Retry;
use crate::secret::FileError;

/// A part file and how much of it is there.
pub(super) struct Part {
    pub(super) file: File,
    pub(super) have: u64,
    pub(super) name: std::path::PathBuf,
}

impl Part {
    /// Forgets everything after `length` bytes.
    pub(super) fn cut(&mut self, length: u64) -> Result<(), OpenError> {
        let done = self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::Start(length)));
        self.have = done.map_err(FileError::at(&self.name))?;
        Ok(())
    }
}

/// The answers that are about bytes of the report.
const CONTENT: [StatusCode; 3] =
    [StatusCode::OK, StatusCode::PARTIAL_CONTENT, StatusCode::RANGE_NOT_SATISFIABLE];

/// Fetches what is missing. Progress sets the count of tries back, so a long download over a bad line ends.
pub(super) async fn fetch(
    session: &Session,
    letter: &Letter,
    part: &mut Part,
    bar: &ProgressBar,
) -> Result<(), OpenError> {
    let total = letter.wire_length();
    let mut retry = Retry::new(session.retries);
    while part.have < total {
        bar.set_position(part.have);
        let before = part.have;
        let (wait, reason) = match session.report(part.have, &letter.etag).await {
            Err(error) => (None, chain(&error.without_url())),
            Ok(response) if CONTENT.contains(&response.status()) => {
                begin(session, letter, part, &response)?;
                match receive(response, part, total, bar).await? {
                    None => continue,
                    Some(reason) => (None, reason),
                }
            }
            Ok(response) => {
                let reason = format!("status {}", response.status().as_u16());
                match session.outcome(response).await? {
                    Outcome::Retry(wait, _) => (wait, reason),
                    Outcome::Done(.., body) => return Err(instead(session, &reason, &body).await?),
                }
            }
        };
        if part.have > before {
            retry.reset();
        }
        if !retry.pause(wait).await {
            return Err(OpenError::BrokeOff { have: part.have, total, reason });
        }
    }
    Ok(())
}

/// Checks that the answer continues the part, or starts again where the edge sends everything.
fn begin(session: &Session, letter: &Letter, part: &mut Part, response: &Response) -> Result<(), OpenError> {
    let header =
        |name| response.headers().get(name).and_then(|v: &reqwest::header::HeaderValue| v.to_str().ok());
    if header(ETAG).is_some_and(|etag| etag != letter.etag) {
        return Err(OpenError::Changed);
    }
    match response.status() {
        StatusCode::OK => part.cut(0),
        StatusCode::PARTIAL_CONTENT => {
            let expected =
                format!("bytes {}-{}/{}", part.have, letter.wire_length() - 1, letter.wire_length());
            match header(CONTENT_RANGE) {
                Some(range) if range == expected => Ok(()),
                other => Err(session.unexpected(format!("a range of {}", other.unwrap_or("nothing")))),
            }
        }
        _ => Err(OpenError::Changed),
    }
}

/// What came in place of the report: perhaps the letter was cancelled or withdrawn while we read, or is damaged.
async fn instead(session: &Session, status: &str, body: &[u8]) -> Result<OpenError, OpenError> {
    let answer = match closed_status(body) {
        Some(answer) => answer,
        None => session.ask().await?,
    };
    Ok(match answer.state {
        PageState::Closed => closed(&answer),
        PageState::Envelope => OpenError::ConsentRefused("the edge no longer knows it".to_owned()),
        _ => session.unexpected(format!("{status} for the report")),
    })
}

/// Why it ended early, if it did.
async fn receive(
    mut response: Response,
    part: &mut Part,
    total: u64,
    bar: &ProgressBar,
) -> Result<Option<String>, OpenError> {
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                if part.have + chunk.len() as u64 > total {
                    return Err(OpenError::Changed);
                }
                part.file.write_all(&chunk).map_err(FileError::at(&part.name))?;
                part.have += chunk.len() as u64;
                bar.set_position(part.have);
            }
            Ok(None) if part.have == total => return Ok(None),
            Ok(None) => return Ok(Some("the connection ended early".to_owned())),
            Err(error) => return Ok(Some(chain(&error.without_url()))),
        }
    }
}
