//! Verification of a bundle: file after file, and the first line that does not hold is named.

use std::collections::BTreeSet;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::package::shown;
use super::{
    ABOUT, About, CHECKPOINT, EVENTS, FORMAT, Files, KEY, LETTER, MAX_BUNDLE_BYTES, MAX_BUNDLE_FILES,
    READABLE, names_json, proof_name, readable, terms_name, terms_of,
};
use crate::evidence::checkpoint::{Opened, open_checkpoint};
use crate::evidence::leaf::Leaf;
use crate::evidence::note::Note;
use crate::evidence::proof::TlogProof;
use crate::evidence::readable::FIRST_LINE;
use crate::evidence::receipt::{Proved, check, count, enough_witnesses, first_difference, included};
use crate::evidence::report::{Line, LogSeen, Report, Trust, VerifyError};
use crate::evidence::row::Row;
use crate::ledger::chain::Broken;
use crate::ledger::{Event, Kind, LetterKey, MAX_LEDGER_EVENTS, Names, StoredEvent, verify_chain};
use crate::types::LetterId;

/// How much later than a witness's clock an event's may be, in seconds: clocks differ.
const CLOCK_DIFFERENCE: u64 = 300;

/// Verifies a bundle against keys that did not come out of it, without any network.
pub fn verify(files: &Files, trust: &Trust) -> Report {
    let mut report = Report::new();
    let outcome = Reading { files, trust, known: BTreeSet::new() }.all(&mut report);
    report.ended(outcome)
}

struct Reading<'f> {
    files: &'f Files,
    trust: &'f Trust,
    /// Files that were looked at.
    known: BTreeSet<String>,
}

impl<'f> Reading<'f> {
    fn all(mut self, report: &mut Report) -> Result<(), VerifyError> {
        let bytes = self.files.values().map(Vec::len).fold(0, usize::saturating_add);
        if bytes > MAX_BUNDLE_BYTES || self.files.len() > MAX_BUNDLE_FILES {
            return Err(VerifyError::new("bundle", "bundle_too_large", "it is too large for a bundle"));
        }
        let about = self.about()?;
        report.letter = Some(about.letter.to_string());
        let (rows, read) = self.rows()?;
        let events = chain(&about, &rows, read)?;
        let number = count(events.len(), "event", "events");
        report
            .checked
            .push(format!("{number}: each is what was recorded, and follows from the one before it."));

        let log = self.checkpoint(&about)?;
        let size = usize::try_from(log.checkpoint.size).unwrap_or(usize::MAX);
        let size = count(size, "entry", "entries");
        report.log = Some(LogSeen::of(&log));
        report
            .checked
            .push(format!("The checkpoint is signed by the log {} ({size}).", log.checkpoint.origin));
        let seen = count(log.cosigned.len(), "known witness", "known witnesses");
        if !self.trust.witnesses.is_empty() {
            report.checked.push(format!("It was cosigned by {seen}."));
        }
        let entries = self.proofs(about.letter, &events, &log)?;
        report.events = rows.iter().zip(&entries).map(|(row, entry)| Line::of(row, *entry)).collect();
        report.checked.push("Every event is in the log, in the order of the chain.".into());

        let key = self.key()?;
        let entries = entries.into_iter();
        let names = self.names(about.letter, &events)?;
        match names {
            Some(_) => report.checked.push("The letter is called what its first event commits to.".into()),
            None => report.not_checked.push(
                "What the letter is called (subject, reference, file): it was erased, or is not in the bundle.".into(),
            ),
        }
        let copy = readable(&about, &events, entries, key.as_ref(), names.as_ref()).map_err(|seq| {
            VerifyError::at(
                EVENTS,
                seq,
                "details_not_opened",
                "the details do not open with the key in letter.key",
            )
        })?;
        match key {
            Some(_) => report.checked.push("The details open, each for its own event.".into()),
            None if events.iter().any(|event| event.kind == Kind::Erased) => {
                report.not_checked.push("The details: they were erased.".into());
            }
            None => {
                report.not_checked.push("The details: they are encrypted, and the key was withheld.".into())
            }
        }
        self.terms(&events)?;
        report.checked.push("The terms are the texts that the events name.".into());
        let receipts = self.receipts(&about, &rows, &log)?;
        if receipts > 0 {
            let say = if receipts == 1 { "says" } else { "say" };
            let receipts = count(receipts, "receipt", "receipts");
            report.checked.push(format!("{receipts} {say} the same as the events."));
        }
        self.readable(&copy)?;
        report.checked.push("The readable copy says the same as the events.".into());
        self.others(report);
        not_shown(self.trust, report);
        Ok(())
    }

    fn file(&mut self, name: &str) -> Option<&'f [u8]> {
        self.known.insert(name.to_owned());
        self.files.get(name).map(Vec::as_slice)
    }

    fn needed(&mut self, name: &str) -> Result<&'f [u8], VerifyError> {
        self.file(name).ok_or_else(|| VerifyError::new(name, "file_missing", "the file is missing"))
    }

    fn about(&mut self) -> Result<About, VerifyError> {
        let bytes = self.needed(ABOUT)?;
        let about: Option<About> = serde_json::from_slice(bytes).ok();
        let malformed = || VerifyError::new(ABOUT, "bundle_malformed", "this does not say what bundle it is");
        let about = about.ok_or_else(malformed)?;
        if about.format != FORMAT {
            let words = "the bundle is of another version than this software reads";
            return Err(VerifyError::new(ABOUT, "bundle_unknown_format", words));
        }
        if about.json() == bytes { Ok(about) } else { Err(malformed()) }
    }

    /// The events up to the first line that is not one, and what is wrong with that line.
    fn rows(&mut self) -> Result<(Vec<StoredEvent>, Result<(), VerifyError>), VerifyError> {
        let text = self.needed(EVENTS)?;
        let mut rows = Vec::new();
        for (line, number) in text.split_inclusive(|byte| *byte == b'\n').zip(1..) {
            if number > MAX_LEDGER_EVENTS {
                let words = "there are more events than a letter has";
                return Ok((rows, Err(VerifyError::at(EVENTS, number, "events_too_many", words))));
            }
            let line = line.strip_suffix(b"\n").and_then(|line| str::from_utf8(line).ok());
            match line.and_then(Row::parse).and_then(|row| row.event()) {
                Some(row) => rows.push(row),
                None => {
                    let words = "the line is not an event";
                    return Ok((rows, Err(VerifyError::at(EVENTS, number, "event_malformed", words))));
                }
            }
        }
        Ok((rows, Ok(())))
    }

    fn checkpoint(&mut self, about: &About) -> Result<Opened, VerifyError> {
        let bytes = self.needed(CHECKPOINT)?;
        let note = Note::parse(bytes).map_err(|error| VerifyError::new(CHECKPOINT, error.code(), error))?;
        let log = open_checkpoint(&note, &self.trust.log, &self.trust.witnesses)
            .map_err(|error| VerifyError::new(CHECKPOINT, error.code(), error))?;
        if log.checkpoint.origin != about.log {
            return Err(VerifyError::new(
                ABOUT,
                "checkpoint_other_log",
                "it names another log than the checkpoint's",
            ));
        }
        enough_witnesses(CHECKPOINT, &log, self.trust)?;
        Ok(log)
    }

    /// The numbers of the events' entries.
    fn proofs(&mut self, letter: LetterId, events: &[Event], log: &Opened) -> Result<Vec<u64>, VerifyError> {
        let checkpoint = self.files.get(CHECKPOINT).map(Vec::as_slice).unwrap_or_default();
        let mut entries: Vec<u64> = Vec::new();
        for event in events {
            let name = proof_name(event.seq);
            let text = str::from_utf8(self.needed(&name)?);
            let parsed = text.ok().map(str::parse::<TlogProof>).transpose();
            let proof = parsed
                .map_err(|error| VerifyError::new(&name, error.code(), error))?
                .ok_or_else(|| VerifyError::new(&name, "proof_malformed", "it is not text"))?;
            if proof.checkpoint.to_string().as_bytes() != checkpoint {
                let words = "it is for another checkpoint than the one in this bundle";
                return Err(VerifyError::new(&name, "proof_other_checkpoint", words));
            }
            included(&proof, log, &Leaf::of(letter, event)).map_err(|(code, words)| {
                VerifyError::new(&name, code, format_args!("event {}: {words}", event.seq))
            })?;
            if entries.last().is_some_and(|before| proof.index <= *before) {
                let words =
                    format_args!("event {} is in the log before the event that it follows", event.seq);
                return Err(VerifyError::new(&name, "log_order", words));
            }
            entries.push(proof.index);
            let late = log
                .cosigned
                .iter()
                .find(|seen| event.at.seconds().0 > seen.at.0.saturating_add(CLOCK_DIFFERENCE));
            if let Some(seen) = late {
                let words =
                    format_args!("the event claims to be later than {} saw it in the log", seen.witness);
                return Err(VerifyError::at(EVENTS, event.seq, "time_after_witness", words));
            }
        }
        Ok(entries)
    }

    fn key(&mut self) -> Result<Option<LetterKey>, VerifyError> {
        let Some(text) = self.file(KEY) else { return Ok(None) };
        let bytes = text.strip_suffix(b"\n").and_then(|text| HEXLOWER.decode(text).ok());
        let key: Option<[u8; 32]> = bytes.and_then(|bytes| bytes.try_into().ok());
        let mut key =
            key.ok_or_else(|| VerifyError::at(KEY, 1, "key_malformed", "this is not the key of a letter"))?;
        Ok(Some(LetterKey::new(&mut key)))
    }

    /// What the letter is called, if the bundle says so: its first event commits to it.
    fn names(&mut self, letter: LetterId, events: &[Event]) -> Result<Option<Names>, VerifyError> {
        let Some(json) = self.file(LETTER) else { return Ok(None) };
        let malformed = || VerifyError::new(LETTER, "names_malformed", "these are not the names of a letter");
        let names: Names = serde_json::from_slice(json).map_err(|_| malformed())?;
        if names_json(&names) != json {
            return Err(malformed());
        }
        let committed =
            events.first().filter(|event| event.kind == Kind::Sealed).and_then(|event| event.terms);
        if committed != Some(names.commitment(letter)) {
            let words = "the letter was called something else when it was sealed";
            return Err(VerifyError::new(LETTER, "names_differ", words));
        }
        Ok(Some(names))
    }

    fn terms(&mut self, events: &[Event]) -> Result<(), VerifyError> {
        for hash in terms_of(events) {
            let name = terms_name(&hash);
            if <[u8; 32]>::from(Sha256::digest(self.needed(&name)?)) != hash {
                return Err(VerifyError::new(
                    name,
                    "terms_altered",
                    "these are not the terms that the events name",
                ));
            }
        }
        Ok(())
    }

    /// How many receipts there are.
    fn receipts(&mut self, about: &About, rows: &[StoredEvent], log: &Opened) -> Result<usize, VerifyError> {
        let files = self.files;
        let receipts =
            files.range("receipts/".to_owned()..).take_while(|(name, _)| name.starts_with("receipts/"));
        let mut number = 0usize;
        for (name, bytes) in receipts {
            self.known.insert(name.clone());
            let differs = |words| VerifyError::new(name, "receipt_differs", words);
            let claims = check(name, bytes, self.trust)?;
            if claims.letter != about.letter {
                return Err(differs("it is the receipt of another letter"));
            }
            for proved in &claims.events {
                if !rows.contains(&proved.event) {
                    return Err(differs("it has an event that the letter does not have"));
                }
                let (its, ours) = (&proved.log.checkpoint, &log.checkpoint);
                if its.size == ours.size && its.root != ours.root {
                    let words = "the log has signed two different histories of one length";
                    return Err(VerifyError::new(name, "log_forked", words));
                }
            }
            let answers = |proved: &&Proved| proved.event.kind != Kind::Sealed.as_str();
            let first =
                claims.events.iter().find(answers).and_then(|proved| Event::try_from(&proved.event).ok());
            if first.is_none_or(|event| *name != format!("receipts/{}.json", event.id)) {
                return Err(differs("it is the receipt of another consent than its name says"));
            }
            number = number.saturating_add(1);
        }
        Ok(number)
    }

    fn readable(&mut self, copy: &str) -> Result<(), VerifyError> {
        let found = self.needed(READABLE)?;
        if found.split(|byte| *byte == b'\n').next() != Some(FIRST_LINE.as_bytes()) {
            let words = "this is not a readable copy of a version that this software knows";
            return Err(VerifyError::at(READABLE, 1, "readable_unknown_version", words));
        }
        match first_difference(copy.as_bytes(), found) {
            Some(line) => {
                let words = "the readable copy says something else than the events";
                Err(VerifyError::at(READABLE, line, "readable_differs", words))
            }
            None => Ok(()),
        }
    }

    fn others(&self, report: &mut Report) {
        for name in self.files.keys().filter(|name| !self.known.contains(*name)) {
            if !is_certificate(name) {
                report
                    .package
                    .push(format!("{} does not belong to the bundle: nothing in it is proved.", shown(name)));
                continue;
            }
            report.not_checked.push(format!("{name}: a page for people. What counts is in readable.txt."));
        }
    }
}

/// Whether this is the certificate for people, which the shell may add in each language: of a later version's languages, too.
fn is_certificate(name: &str) -> bool {
    let tag = name.strip_prefix("certificate-").and_then(|rest| rest.strip_suffix(".html"));
    tag.is_some_and(|tag| matches!(tag.len(), 2 | 3) && tag.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// `read` is what is wrong with the line behind the rows.
fn chain(
    about: &About,
    rows: &[StoredEvent],
    read: Result<(), VerifyError>,
) -> Result<Vec<Event>, VerifyError> {
    let head = verify_chain(about.letter, rows).map_err(|error| {
        VerifyError::at(
            EVENTS,
            error.seq,
            error.code(),
            format_args!("event {}: {}", error.seq, error.reason),
        )
    })?;
    read?;
    let broken = |seq: u64, reason: Broken| {
        VerifyError::at(EVENTS, seq, reason.code(), format_args!("event {seq}: {reason}"))
    };
    if head.seq < about.events {
        return Err(broken(head.seq.saturating_add(1), Broken::Truncated));
    }
    if head.seq > about.events {
        return Err(broken(about.events.saturating_add(1), Broken::Added));
    }
    if HEXLOWER.encode(&head.hash) != about.head {
        return Err(broken(head.seq, Broken::Replaced));
    }
    if rows.is_empty() {
        return Err(VerifyError::new(EVENTS, "event_missing", "there are no events"));
    }
    // Every row of a chain that verifies can be read.
    Ok(rows.iter().filter_map(|row| Event::try_from(row).ok()).collect())
}

/// What no bundle can show by itself.
fn not_shown(trust: &Trust, report: &mut Report) {
    if trust.quorum == 0 {
        report.not_checked.push(
            "Whether the log shows everybody the same: no witness was called for. Compare the checkpoint with one from \
             elsewhere."
                .into(),
        );
    }
    report.not_checked.push(
        "Whether the letter has later events, or a second history: look through the whole log, or ask for a newer bundle."
            .into(),
    );
}
