//! What is in a bundle, for whoever shows it to people.

use data_encoding::HEXLOWER;

use super::{ABOUT, About, CHECKPOINT, EVENTS, Files, KEY, LETTER, proof_name, terms_name, terms_of};
use crate::evidence::note::Note;
use crate::evidence::proof::TlogProof;
use crate::evidence::row::Row;
use crate::ledger::{Event, Names, StoredEvent};
use crate::types::{LetterId, UnixMillis};

/// The contents of a bundle, read. Nothing of it is verified here: see [`super::verify()`].
#[derive(Clone, Debug)]
pub struct Contents {
    /// The letter.
    pub letter: LetterId,
    /// The log's origin.
    pub log: String,
    /// When the bundle was made.
    pub exported_at: UnixMillis,
    /// The events as they are stored.
    pub rows: Vec<StoredEvent>,
    /// The same, read.
    pub events: Vec<Event>,
    /// For each event, the number of its entry in the log.
    pub entries: Vec<u64>,
    /// The log's checkpoint.
    pub checkpoint: Note,
    /// The terms that events name: SHA-256 in hexadecimal, and the text.
    pub terms: Vec<(String, String)>,
    /// What the letter is called; nothing once that is erased.
    pub names: Option<Names>,
    /// Whether the key of the details is there.
    pub details: bool,
}

/// Reads the files of a bundle; `None` if one of them is not what it has to be.
pub fn contents(files: &Files) -> Option<Contents> {
    let text = |name: &str| files.get(name).and_then(|bytes| str::from_utf8(bytes).ok());
    let about: About = serde_json::from_str(text(ABOUT)?).ok()?;
    let rows = text(EVENTS)?.lines().map(|line| Row::parse(line)?.event()).collect::<Option<Vec<_>>>()?;
    let events = rows.iter().map(|row| Event::try_from(row).ok()).collect::<Option<Vec<_>>>()?;
    let entry =
        |event: &Event| text(&proof_name(event.seq))?.parse().ok().map(|proof: TlogProof| proof.index);
    let terms = terms_of(&events).into_iter();
    Some(Contents {
        letter: about.letter,
        log: about.log,
        exported_at: about.exported_at,
        entries: events.iter().map(entry).collect::<Option<_>>()?,
        checkpoint: Note::parse(files.get(CHECKPOINT)?).ok()?,
        terms: terms
            .map(|hash| Some((HEXLOWER.encode(&hash), text(&terms_name(&hash))?.to_owned())))
            .collect::<Option<_>>()?,
        names: text(LETTER).and_then(|json| serde_json::from_str(json).ok()),
        details: files.contains_key(KEY),
        rows,
        events,
    })
}
