//! The auditor's bundle: everything about one letter that is needed to verify it offline, as a set of named files. The same
//! facts give the same bytes. Packing them is the shell's.
//!
//! | file | holds |
//! |---|---|
//! | `bundle.json` | which letter, which log, how many events, when it was made |
//! | `events.jsonl` | the events as they are stored, a line each |
//! | `letter.key` | the key of the events' details, unless they are withheld or erased |
//! | `letter.json` | what the letter is called, and the salt of the commitment to that, unless they are erased |
//! | `readable.txt` | the same for people |
//! | `terms/HASH.txt` | the terms that events name, under their SHA-256 |
//! | `checkpoint` | the log's checkpoint, signed |
//! | `proofs/NNNNNN.tlog-proof` | for each event, the proof that it is in the log |
//! | `receipts/UUID.json` | receipts that the customer can have, each under the id of its first event |

mod contents;
pub mod package;
mod verify;

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use contents::{Contents, contents};
pub use verify::verify;

use super::merkle::TreeHash;
use super::note::Note;
use super::proof::TlogProof;
use super::readable::{self, Shown};
use super::row::Row;
use crate::ledger::{
    ChainError, Event, Kind, LetterKey, MAX_LEDGER_EVENTS, Names, StoredEvent, verify_chain,
};
use crate::types::{LetterId, UnixMillis};

/// Names and contents of a bundle's files.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The largest bundle that is read, in bytes of all files.
pub const MAX_BUNDLE_BYTES: usize = 128 << 20;

/// The most files a bundle has.
pub const MAX_BUNDLE_FILES: usize = 2 * MAX_LEDGER_EVENTS as usize;

const FORMAT: &str = "waxseal-evidence/1";
const ABOUT: &str = "bundle.json";
const EVENTS: &str = "events.jsonl";
const KEY: &str = "letter.key";
/// What the letter is called.
const LETTER: &str = "letter.json";
const READABLE: &str = "readable.txt";
const CHECKPOINT: &str = "checkpoint";

fn terms_name(hash: &[u8; 32]) -> String {
    format!("terms/{}.txt", HEXLOWER.encode(hash))
}

fn proof_name(seq: u64) -> String {
    format!("proofs/{seq:06}.tlog-proof")
}

/// `bundle.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    format: String,
    letter: LetterId,
    log: String,
    events: u64,
    head: String,
    exported_at: UnixMillis,
}

impl About {
    fn json(&self) -> Vec<u8> {
        // Strings and numbers always have a JSON.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }
}

/// Where an event is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The number of its entry.
    pub entry: u64,
    /// The hashes from the leaf's neighbour up, to the root of the bundle's checkpoint.
    pub hashes: Vec<TreeHash>,
}

/// What a bundle is made from.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The letter.
    pub letter: LetterId,
    /// The log's origin.
    pub origin: &'a str,
    /// All of the letter's events, in order. Every one of them is in the log already.
    pub events: &'a [StoredEvent],
    /// For each event, where it is.
    pub inclusions: &'a [Inclusion],
    /// The checkpoint that the proofs lead to, signed, with its cosignatures.
    pub checkpoint: &'a Note,
    /// The key of the details, if the reader is to see them.
    pub key: Option<&'a LetterKey>,
    /// What the letter is called; nothing once that is erased.
    pub names: Option<&'a Names>,
    /// The texts of the terms that the events name, in any order.
    pub terms: &'a [Vec<u8>],
    /// Receipts, each with the id of its first event.
    pub receipts: &'a [(String, String)],
    /// When the bundle is made.
    pub exported_at: UnixMillis,
}

/// Why no bundle can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "evidence_")]
pub enum AssembleError {
    /// The stored events do not hold.
    #[error(transparent)]
    #[strum(transparent)]
    Chain(#[from] ChainError),
    /// There are not as many proofs as events: some are not in the log yet.
    #[error("there are {events} events, and {proofs} of them are in the log")]
    #[strum(to_string = "not_in_log_yet")]
    Proofs {
        /// Events of the letter.
        events: usize,
        /// Proofs that were given.
        proofs: usize,
    },
    /// An event's details do not open with the key.
    #[error("the details of event {0} do not open")]
    Details(u64),
    /// Nobody gave the text of terms that an event names.
    #[error("the terms {0} are missing")]
    #[strum(to_string = "terms_missing")]
    Terms(String),
}

codes!(AssembleError);

/// The files of a bundle. What is in the log and who signed is not looked at here: [`verify()`] what comes out before
/// handing it out.
pub fn assemble(parts: &Parts<'_>) -> Result<Files, AssembleError> {
    let head = verify_chain(parts.letter, parts.events)?;
    if parts.inclusions.len() != parts.events.len() {
        let (events, proofs) = (parts.events.len(), parts.inclusions.len());
        return Err(AssembleError::Proofs { events, proofs });
    }
    // A chain that verifies has no row that cannot be read.
    let events: Vec<Event> = parts.events.iter().filter_map(|row| Event::try_from(row).ok()).collect();
    let about = About {
        format: FORMAT.to_owned(),
        letter: parts.letter,
        log: parts.origin.to_owned(),
        events: head.seq,
        head: HEXLOWER.encode(&head.hash),
        exported_at: parts.exported_at,
    };
    let mut files = Files::from([
        (ABOUT.to_owned(), about.json()),
        (
            EVENTS.to_owned(),
            parts.events.iter().flat_map(|row| (Row::from(row).line() + "\n").into_bytes()).collect(),
        ),
        (CHECKPOINT.to_owned(), parts.checkpoint.to_string().into_bytes()),
    ]);
    let entries = parts.inclusions.iter().map(|i| i.entry);
    let readable =
        readable(&about, &events, entries, parts.key, parts.names).map_err(AssembleError::Details)?;
    files.insert(READABLE.to_owned(), readable.into_bytes());
    if let Some(names) = parts.names {
        files.insert(LETTER.to_owned(), names_json(names));
    }
    if let Some(key) = parts.key {
        files.insert(KEY.to_owned(), (HEXLOWER.encode(key.disclose().as_slice()) + "\n").into_bytes());
    }
    for (event, inclusion) in events.iter().zip(parts.inclusions) {
        let (index, hashes) = (inclusion.entry, inclusion.hashes.clone());
        let proof = TlogProof { extra: None, index, hashes, checkpoint: parts.checkpoint.clone() };
        files.insert(proof_name(event.seq), proof.to_string().into_bytes());
    }
    for hash in terms_of(&events) {
        let text = parts.terms.iter().find(|text| <[u8; 32]>::from(Sha256::digest(text)) == hash);
        let text = text.ok_or_else(|| AssembleError::Terms(HEXLOWER.encode(&hash)))?;
        files.insert(terms_name(&hash), text.clone());
    }
    for (id, receipt) in parts.receipts {
        files.insert(format!("receipts/{id}.json"), receipt.clone().into_bytes());
    }
    Ok(files)
}

fn terms_of(events: &[Event]) -> BTreeSet<[u8; 32]> {
    let about_terms = events.iter().filter(|event| event.kind != Kind::Sealed);
    about_terms.filter_map(|event| event.terms).collect()
}

fn names_json(names: &Names) -> Vec<u8> {
    // Strings always have a JSON.
    let mut json = serde_json::to_vec_pretty(names).unwrap_or_default();
    json.push(b'\n');
    json
}

/// The readable copy, or the number of an event whose details do not open.
fn readable(
    about: &About,
    events: &[Event],
    entries: impl IntoIterator<Item = u64>,
    key: Option<&LetterKey>,
    names: Option<&Names>,
) -> Result<String, u64> {
    let mut lines = Vec::new();
    for (event, entry) in events.iter().zip(entries) {
        let shown = match key {
            _ if event.sealed.is_empty() => Shown::None,
            None => Shown::Sealed,
            Some(key) => match key.open(about.letter, event) {
                Ok(Some(details)) => Shown::Open(Box::new(details)),
                _ => return Err(event.seq),
            },
        };
        lines.push(readable::Line { event, shown, entry });
    }
    Ok(readable::render(about.letter, &about.log, about.exported_at, names, &lines))
}
