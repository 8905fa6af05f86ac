//! The terms in the bucket: `terms/SHA256`, a text to the byte; `terms/current`, which of them is current for each
//! language, and what was before.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::platform::bucket::{Letters, Put};
use crate::platform::error::Fault;
use crate::platform::log;
use waxseal::api::TermsPushed;
use waxseal::lang::Lang;
use waxseal::site::Terms;

const CURRENT: &str = "terms/current";

/// What became current and when, oldest first. Older lines go; the texts stay.
const MAX_HISTORY: usize = 1_000;

/// The largest object that is read in a text's place.
const MAX_OBJECT: u64 = Terms::MAX_BYTES as u64;

/// Far more than that many lines take.
const MAX_BOOK: u64 = 256 * 1024;

fn key(sha256: &[u8; 32]) -> String {
    format!("terms/{}", HEXLOWER.encode(sha256))
}

/// A hash as 64 lower-case hexadecimal digits.
pub(crate) fn hash(hex: &str) -> Option<[u8; 32]> {
    HEXLOWER.decode(hex.as_bytes()).ok()?.try_into().ok()
}

/// The text of this hash. Another text in its place is as good as none: it is never shown, and the log tells operators.
pub(crate) async fn read(bucket: &Letters, sha256: &[u8; 32]) -> Result<Option<Terms>, Fault> {
    Ok(read_tagged(bucket, sha256).await?.and_then(Result::ok))
}

/// The text, or the entity tag of what lies in its place.
async fn read_tagged(bucket: &Letters, sha256: &[u8; 32]) -> Result<Option<Result<Terms, String>>, Fault> {
    let key = key(sha256);
    let Some((bytes, etag)) = bucket.read_tagged(&key, MAX_OBJECT).await? else { return Ok(None) };
    let same = Sha256::digest(&bytes).as_slice() == sha256;
    let text = String::from_utf8(bytes).ok().filter(|_| same);
    if text.is_none() {
        log::Line::new("terms_altered").with("object", key).error();
    }
    Ok(Some(text.map(Terms::of).ok_or(etag)))
}

/// Puts a text into the store, also where another lies in its place. Whether it was new there.
pub(crate) async fn write(bucket: &Letters, text: &Terms, lang: Lang) -> Result<bool, Fault> {
    let bytes = || text.text().as_bytes().to_vec();
    let key = key(text.sha256());
    if bucket.create_in(&key, bytes(), lang.tag()).await? == Put::Written {
        return Ok(true);
    }
    match read_tagged(bucket, text.sha256()).await? {
        Some(Ok(_)) => Ok(false),
        Some(Err(etag)) if bucket.replace(&key, &etag, bytes()).await? == Put::Written => Ok(true),
        _ => Err(Fault::new("terms_changing", "somebody else writes it at the same time")),
    }
}

/// Everything that became current, oldest first; what is current for a language is the last of it.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) history: Vec<TermsPushed>,
}

impl Book {
    /// The book and its entity tag; an empty one when nothing was ever pushed.
    pub(crate) async fn read(bucket: &Letters) -> Result<(Self, Option<String>), Fault> {
        let Some((bytes, etag)) = bucket.read_tagged(CURRENT, MAX_BOOK).await? else {
            return Ok((Self::default(), None));
        };
        let book = core::str::from_utf8(&bytes).ok().and_then(|text| serde_json::from_str(text).ok());
        // An envelope without its terms is none, and other terms would be worse.
        book.map(|book| (book, Some(etag)))
            .ok_or_else(|| Fault::new("terms_current", "not what was written there"))
    }

    /// Writes the book in place of the one with that entity tag. `false` when somebody else was first.
    pub(crate) async fn write(&self, bucket: &Letters, etag: Option<&str>) -> Result<bool, Fault> {
        let bytes = serde_json::to_string(self)?.into_bytes();
        let put = match etag {
            Some(etag) => bucket.replace(CURRENT, etag, bytes).await?,
            None => bucket.create(CURRENT, bytes).await?,
        };
        Ok(put == Put::Written)
    }

    /// What was pushed last for this language.
    pub(crate) fn current(&self, lang: Lang) -> Option<[u8; 32]> {
        self.pushed(lang).map(|pushed| pushed.sha256.0)
    }

    /// The last line of this language.
    pub(crate) fn pushed(&self, lang: Lang) -> Option<&TermsPushed> {
        self.history.iter().rev().find(|pushed| pushed.language == lang)
    }

    /// Makes a text current, unless it is.
    pub(crate) fn push(&mut self, new: TermsPushed) -> bool {
        if self.current(new.language) == Some(new.sha256.0) {
            return false;
        }
        self.history.push(new);
        while self.history.len() > MAX_HISTORY {
            // Never the line that says what is current.
            let old = self.history.iter().enumerate().position(|(at, pushed)| {
                self.history.iter().skip(at.saturating_add(1)).any(|later| later.language == pushed.language)
            });
            match old {
                Some(at) => drop(self.history.remove(at)),
                None => break,
            }
        }
        true
    }
}
