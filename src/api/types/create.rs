//! A letter that is created of a plain report in one request: its fields, what its manifest says, and the answer.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::api::form::PartHead;
use crate::api::schema::messages;
use crate::api::{Code, Problem};
use crate::message::{Message, Sms};
use crate::seal::{
    Action, Format, HEAD_BYTES, Manifest, ManifestError, Mode, RECORD_SIZE, RETENTION_DAYS, Sha256Sum,
    UNKNOWN_MEDIA_TYPE, charset, ending_of, essence, media_type_of, safe_file_name,
};
use crate::types::{LetterId, UnixSeconds};

/// Days a letter can be opened, unless it says otherwise.
pub const LIFE_DAYS: u32 = 30;

const DAY_SECONDS: u64 = 86_400;
/// The name of a report that came without one.
const NAMELESS: &str = "report";

messages! {
    /// A letter to create.
    #[derive(Debug)]
    #[serde(deny_unknown_fields)]
    LetterFields {
        /// What the envelope shows: 1 to 200 characters, one line.
        subject: String,
        /// Your reference for the customer: 1 to 200 characters, one line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer: Option<String>,
        /// Your reference for the letter: 1 to 200 characters, one line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// A language tag such as nl or de-AT; the message is in that language.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        language: Option<String>,
        /// The SHA-256 of the terms to show; the current ones when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<Sha256Sum>,
        /// When the link ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_after: Option<UnixSeconds>,
        /// In place of that: after how many days it ends; 30 when neither is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        days: Option<u32>,
        /// Days the letter is kept after its end: 1 to 3653; 366 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retention_days: Option<u16>,
        /// What the report is called; by default as the part's filename says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file_name: Option<String>,
        /// What it is, such as application/pdf; by default as the part's Content-Type, its name or its first bytes say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
        /// What the recipient may do besides reading.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actions: Option<Vec<Action>>,
    }
    /// A letter that was created.
    LetterCreated if new {
        /// Which.
        letter: LetterId,
        /// The whole link: whoever has it can open the letter.
        link: String,
        /// When the link ends.
        not_after: UnixSeconds,
        /// Whether it was not there before.
        new: bool,
        /// What brings the link.
        message: LetterMessage,
    }
    /// A new end for a letter.
    #[derive(Debug)]
    #[serde(deny_unknown_fields)]
    ReissueRequest {
        /// When the new link ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        not_after: Option<UnixSeconds>,
        /// After how many days it ends, where not_after is not said; 30 when neither is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        days: Option<u32>,
    }
    /// A letter that was re-issued.
    LetterReissued {
        /// Which.
        letter: LetterId,
        /// The link; of an end-to-end letter without its key, which is in the old link behind the #.
        link: String,
        /// When it ends, and the letter: for a letter that was open and ended later anyway that end.
        not_after: UnixSeconds,
        /// Whether this request did it.
        changed: bool,
        /// What brings the link; absent where the link lacks its key.
        message: Option<LetterMessage>,
    }
    /// A message, ready to be sent.
    LetterMessage {
        /// The mail's subject.
        subject: String,
        /// The mail as plain text.
        text: String,
        /// The mail as HTML.
        html: String,
        /// What an SMS says.
        sms: Sms,
        /// Headers that belong to the mail, besides its subject.
        headers: BTreeMap<String, String>,
    }
}

/// Every field, and what it has to be.
const FIELDS: [(&str, &str); 11] = [
    ("subject", "a text of 1 to 200 characters, in one line"),
    ("customer", "a text of 1 to 200 characters, in one line"),
    ("reference", "a text of 1 to 200 characters, in one line"),
    ("language", "a language tag such as nl or de-AT"),
    ("terms", "64 lower-case hexadecimal digits"),
    ("not_after", "a time in seconds since 1970 that lies ahead, before 2106-02-07"),
    ("days", "a whole number of days from 1 on, that end before 2106-02-07"),
    ("retention_days", "a whole number of days, 1 to 3653"),
    ("file_name", "a text of 1 to 255 bytes"),
    ("media_type", "a media type such as application/pdf"),
    ("actions", "a list of accept and message"),
];

fn wrong(field: &str, what: &str) -> Problem {
    Code::LetterFields.because(&format!("{field}: {what}"))
}

fn expected(field: &str) -> Problem {
    let rule = FIELDS.iter().find(|(name, _)| *name == field).map_or("as documented", |(_, rule)| rule);
    wrong(field, &format!("expected {rule}"))
}

/// When the link ends that is made now, in days or at a time.
fn ends(not_after: Option<UnixSeconds>, days: Option<u32>, now: UnixSeconds) -> Result<UnixSeconds, Problem> {
    let (field, end) = match (not_after, days) {
        (Some(_), Some(_)) => return Err(wrong("days", "say days or not_after, not both")),
        (Some(at), None) => ("not_after", at),
        (None, days) => {
            let days = u64::from(days.unwrap_or(LIFE_DAYS));
            ("days", UnixSeconds(now.0.saturating_add(days.saturating_mul(DAY_SECONDS))))
        }
    };
    let holds = end > now && end.0 <= u64::from(u32::MAX);
    if holds { Ok(end) } else { Err(expected(field)) }
}

impl ReissueRequest {
    /// When the new link ends.
    ///
    /// # Errors
    /// The problem to answer; it names the field.
    pub fn ends(&self, now: UnixSeconds) -> Result<UnixSeconds, Problem> {
        ends(self.not_after, self.days, now)
    }
}

impl LetterFields {
    /// Reads the JSON of the part `letter`.
    ///
    /// # Errors
    /// The problem to answer; it names the field.
    pub fn read(json: &[u8]) -> Result<Self, Problem> {
        let Ok(Value::Object(fields)) = crate::api::body::from_json(json) else {
            return Err(Code::LetterFields.because(
                "the part letter must be a JSON object, such as {\"subject\":\"Your inspection\"}",
            ));
        };
        for (name, value) in &fields {
            if !FIELDS.iter().any(|(known, _)| known == name) {
                let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                return Err(wrong(&name, "there is no such field"));
            }
            // Each by itself, so that a wrong one has a name.
            let mut alone = Map::from_iter([("subject".to_owned(), Value::from(""))]);
            alone.insert(name.clone(), value.clone());
            serde_json::from_value::<Self>(alone.into()).map_err(|_| expected(name))?;
        }
        serde_json::from_value(fields.into()).map_err(|_| expected("subject"))
    }

    fn ends(&self, now: UnixSeconds) -> Result<UnixSeconds, Problem> {
        ends(self.not_after, self.days, now)
    }

    /// What is known of the letter before its report is read.
    ///
    /// # Errors
    /// The problem to answer; it names the field.
    pub fn draft(&self, letter: LetterId, now: UnixSeconds, report: &PartHead) -> Result<Draft, Problem> {
        let said = report.media_type.clone().filter(|it| essence(it) != UNKNOWN_MEDIA_TYPE);
        let media_type = self.media_type.clone().or(said);
        // Some browsers send a path, and a name of nothing where no file was chosen.
        let file_name =
            report.file_name.as_deref().filter(|name| !name.trim().is_empty()).map(safe_file_name);
        let file_name = self.file_name.clone().or(file_name);
        let draft = Draft {
            guess_type: media_type.is_none(),
            guess_name: file_name.is_none(),
            head: Vec::new(),
            text: Utf8::default(),
            manifest: Manifest {
                v: Manifest::VERSION,
                letter,
                format: Format::Aes128Gcm,
                mode: Mode::EdgeOpened,
                record_size: RECORD_SIZE,
                length: 1,
                sha256: Sha256Sum([0; 32]),
                media_type: media_type.unwrap_or_else(|| UNKNOWN_MEDIA_TYPE.to_owned()),
                file_name: file_name.unwrap_or_else(|| NAMELESS.to_owned()),
                subject: self.subject.clone(),
                customer: self.customer.clone(),
                reference: self.reference.clone(),
                language: self.language.clone(),
                terms: self.terms,
                issued_at: now,
                not_after: self.ends(now)?,
                retention_days: self.retention_days.unwrap_or(RETENTION_DAYS),
                actions: self.actions.clone().unwrap_or_default(),
                pin: None,
                key_check: None,
            },
        };
        draft.manifest.check().map_err(|error| match error {
            ManifestError::Field { field, rule } => wrong(field, rule),
            ManifestError::Characters { .. } => Code::LetterFields.because(&error.to_string()),
            other => other.into(),
        })?;
        Ok(draft)
    }
}

/// A manifest whose report is still on its way.
pub struct Draft {
    /// Everything but the length, the digest and what is guessed.
    pub manifest: Manifest,
    guess_type: bool,
    guess_name: bool,
    head: Vec<u8>,
    text: Utf8,
}

impl Draft {
    /// Takes the next bytes of the report.
    pub fn see(&mut self, bytes: &[u8]) {
        let missing = HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        self.text.see(bytes);
    }

    /// The manifest of a report of `length` bytes.
    pub fn finish(mut self, length: u64, sha256: [u8; 32]) -> Manifest {
        let manifest = &mut self.manifest;
        (manifest.length, manifest.sha256) = (length, Sha256Sum(sha256));
        if self.guess_type {
            media_type_of(&manifest.file_name, &self.head).clone_into(&mut manifest.media_type);
        }
        if let Some(ending) = ending_of(&self.head).filter(|_| self.guess_name) {
            manifest.file_name = format!("{NAMELESS}.{ending}");
        }
        // What says itself what it is in needs no word of ours.
        let essence = essence(&manifest.media_type);
        let is_text = matches!(essence.as_str(), "text/plain" | "text/csv");
        if is_text && charset(&manifest.media_type).is_none() {
            // RFC 1428: nobody knows, so that it is only ever downloaded.
            let label = if self.text.holds() { "utf-8" } else { "unknown-8bit" };
            manifest.media_type = format!("{}; charset={label}", manifest.media_type);
        }
        self.manifest
    }
}

/// Whether bytes that come in pieces are UTF-8.
#[derive(Default)]
struct Utf8 {
    /// The beginning of a character that a piece ended with.
    cut: Vec<u8>,
    broken: bool,
}

impl Utf8 {
    fn see(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        // Of a character that was cut, byte by byte until it is whole; it has four at most.
        while let (false, false, Some((first, after))) =
            (self.cut.is_empty(), self.broken, rest.split_first())
        {
            self.cut.push(*first);
            rest = after;
            match core::str::from_utf8(&self.cut) {
                Ok(_) => self.cut.clear(),
                Err(error) => self.broken = error.error_len().is_some(),
            }
        }
        if self.broken {
            return;
        }
        if let Err(error) = core::str::from_utf8(rest) {
            self.broken = error.error_len().is_some();
            let cut = rest.get(error.valid_up_to()..).filter(|_| !self.broken);
            self.cut.extend_from_slice(cut.unwrap_or_default());
        }
    }

    const fn holds(&self) -> bool {
        !self.broken && self.cut.is_empty()
    }
}

impl From<Message> for LetterMessage {
    fn from(message: Message) -> Self {
        let Message { subject, text, html, sms, headers } = message;
        Self {
            subject,
            text,
            html,
            sms,
            headers: headers.into_iter().map(|it| (it.name, it.value)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Utf8;

    #[test]
    fn a_text_is_utf_8_however_it_is_cut() {
        let text = "Prüfbericht €: 報告書 🦀";
        for size in 1..text.len() {
            let mut check = Utf8::default();
            text.as_bytes().chunks(size).for_each(|piece| check.see(piece));
            assert!(check.holds(), "{size}");
            check.see(b"\xfc");
            assert!(!check.holds(), "a beginning without an end");
            check.see(b"r");
            assert!(!check.holds() && check.broken, "{size}");
        }
    }
}
