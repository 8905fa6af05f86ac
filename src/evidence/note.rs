//! Signed notes (C2SP signed-note): a text, an empty line, and a line for each signature.
//!
//! The text of a note is nothing until [`Note::open`] says that a key which the reader trusts signed it.

use core::fmt;

use data_encoding::BASE64;

use super::key::{VerifierKey, is_key_name};
use crate::types::UnixSeconds;

/// The longest note that is read, in bytes. Sixteen signatures of the largest kind there is fit.
pub const MAX_NOTE_BYTES: usize = 262_144;

/// The most signatures that are read.
pub const MAX_SIGNATURES: usize = 100;

const KEY_ID: usize = 4;

/// Why bytes are not a signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "note_")]
pub enum NoteError {
    /// Longer than [`MAX_NOTE_BYTES`], or with more signatures than [`MAX_SIGNATURES`].
    #[error("the note is too long")]
    TooLong,
    /// Not UTF-8, or with a control character other than the line's end.
    #[error("the note has characters that no note may have")]
    Characters,
    /// No empty line between text and signatures, or a last line without an end.
    #[error("the note is not a text, an empty line and signatures")]
    Shape,
    /// A line behind the empty one is not a signature.
    #[error("signature {0} of the note is malformed")]
    #[strum(to_string = "signature_malformed")]
    Signature(usize),
}

codes!(NoteError);

/// Why a note is not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum OpenError {
    /// The name and number of a known key stand at a signature that is not that key's.
    #[error("the signature of {0} is false")]
    #[strum(to_string = "signature_false")]
    Invalid(String),
    /// None of the known keys signed it.
    #[error("no known key signed it")]
    #[strum(to_string = "signature_missing")]
    Unsigned,
}

codes!(OpenError);

/// One signature of a note, as it stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    id: [u8; KEY_ID],
    signature: Vec<u8>,
}

impl SignatureLine {
    pub(super) fn new(name: &str, id: [u8; KEY_ID], signature: Vec<u8>) -> Self {
        Self { name: name.to_owned(), id, signature }
    }

    /// The name of the key.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of the key.
    pub const fn id(&self) -> [u8; KEY_ID] {
        self.id
    }

    /// What the key made of the text.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Reads a line without its end.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = BASE64.decode(signature.as_bytes()).ok()?;
        let (id, signature) = bytes.split_first_chunk().filter(|(_, signature)| !signature.is_empty())?;
        is_key_name(name).then(|| Self::new(name, *id, signature.to_vec()))
    }
}

impl fmt::Display for SignatureLine {
    /// The line with its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.id[..], &self.signature].concat();
        writeln!(f, "\u{2014} {} {}", self.name, BASE64.encode(&bytes))
    }
}

/// A key's signature that was found to be genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'k> {
    /// Whose it is.
    pub key: &'k VerifierKey,
    /// When, if the signature says so, as a witness's cosignature does.
    pub at: Option<UnixSeconds>,
}

/// A text and its signatures. Nothing in it is trusted before [`Note::open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl Note {
    /// A note of this text, which ends with a line's end, without signatures yet.
    pub fn new(text: impl Into<String>) -> Result<Self, NoteError> {
        let text = text.into();
        characters(&text)?;
        if !text.ends_with('\n') {
            return Err(NoteError::Shape);
        }
        let note = Self { text, signatures: Vec::new() };
        if note.text.len() > MAX_NOTE_BYTES { Err(NoteError::TooLong) } else { Ok(note) }
    }

    /// Reads a signed note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(NoteError::TooLong);
        }
        let note = str::from_utf8(bytes).map_err(|_| NoteError::Characters)?;
        characters(note)?;
        // The text may have empty lines, the signatures do not: the last empty line divides them.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Shape)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Shape)?;
        let mut signatures = Vec::new();
        for (at, line) in lines.split('\n').enumerate() {
            if at >= MAX_SIGNATURES {
                return Err(NoteError::TooLong);
            }
            let number = at.saturating_add(1);
            signatures.push(SignatureLine::parse(line).ok_or(NoteError::Signature(number))?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// The text with its last line's end.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signatures, whosoever they are.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Adds a signature, unless it is there already.
    pub fn add(&mut self, signature: SignatureLine) -> Result<(), NoteError> {
        if self.signatures.contains(&signature) {
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(NoteError::TooLong);
        }
        self.signatures.push(signature);
        Ok(())
    }

    /// Which of these keys signed the text. Signatures of other keys are ignored. A false signature under a known
    /// key's name and number spoils the whole note.
    pub fn open<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Signed<'k>>, OpenError> {
        let mut signed: Vec<Signed<'k>> = Vec::new();
        for line in &self.signatures {
            for key in keys.iter().filter(|key| key.name() == line.name && key.id() == line.id) {
                let genuine = key.verify(&self.text, &line.signature);
                let at = genuine.ok_or_else(|| OpenError::Invalid(line.name.clone()))?;
                if !signed.iter().any(|other| other.key == key) {
                    signed.push(Signed { key, at });
                }
            }
        }
        if signed.is_empty() { Err(OpenError::Unsigned) } else { Ok(signed) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}

fn characters(text: &str) -> Result<(), NoteError> {
    if text.bytes().any(|byte| byte < b' ' && byte != b'\n') { Err(NoteError::Characters) } else { Ok(()) }
}
