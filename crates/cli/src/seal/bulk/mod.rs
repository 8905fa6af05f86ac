//! `waxseal seal --from letters.csv`: a letter for each line of a table. All lines are checked before the first letter is sealed; what is
//! begun is noted in a journal, so that the same command goes on after whatever ended it, and no line becomes two letters.

mod answers;
mod journal;
mod lines;
mod table;

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use indicatif::ProgressBar;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use waxseal::seal::FragmentKey;
use waxseal::token::{Keyring, SiteKey};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

use self::answers::Answers;
use self::journal::{Begun, Journal};
use self::table::{Diagnostic, Row};
use super::plan::{About, Identity, Place, Plan, PlanError, PlanFailure};
use super::{SendError, kind, nobody, open, send};
use crate::address;
use crate::api::Api;
use crate::args::{Expires, Seal};
use crate::clock;
use crate::error::{Error, coded};
use crate::expiry::Ends;
use crate::keyring;
use crate::message::{Draft, Form};
use crate::origin::Origin;
use crate::output::{Output, count, line};
use crate::secret::{self, random};
use crate::upload::{UploadError, interrupt};
use crate::when::{self, When, Zone};

/// Letters on their way at once.
const CONCURRENCY: usize = 4;
/// So many are noted in the journal at a time: each time waits for the disk.
const AHEAD: usize = 32;
/// So many diagnostics or warnings are told.
const TOLD: usize = 50;

/// Why no letter of a table was sealed.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
enum BulkError {
    #[error("{} could not be read: {error}", line(&path.to_string_lossy()))]
    #[strum(to_string = "table_not_read")]
    Read { path: PathBuf, error: io::Error },
    #[error("{name} has {}, and nothing was sealed:\n{list}", count(*diagnostics as u64, "error"))]
    #[strum(to_string = "table_invalid")]
    Invalid { name: String, diagnostics: usize, list: String },
    #[error("with --from - say with --journal FILE where to note what was begun")]
    #[strum(to_string = "journal_missing")]
    NoJournal,
    #[error(
        "with --from the message of each letter goes into a folder, such as --message out/, or with --message json into its line"
    )]
    #[strum(to_string = "message_form")]
    Message,
    #[error(
        "{name} is not as it was: {} sealed whose line was changed or taken out since:\n{list}\nA changed line would be a second letter \
         to the same person, so nothing was sealed. Put these lines back as they were; or cancel those letters (`waxseal cancel`) and \
         begin another run for the new lines, in a table of their own",
        if *letters == 1 { "a letter was".to_owned() } else { format!("{letters} letters were") }
    )]
    #[strum(to_string = "table_changed")]
    Changed { name: String, letters: usize, list: String },
    #[error(
        "line {line} became a letter whose link is signed with key {kid}, and the keyring has that no more: bring it back to print \
         the same link again"
    )]
    #[strum(to_string = "key_gone")]
    KeyGone { line: u64, kid: u8 },
}

coded!(BulkError: usage if Self::Read { .. } | Self::NoJournal | Self::Message);

/// What all letters of a run share.
struct Run {
    keyring: Keyring,
    url: Origin,
    place: Place,
    draft: Option<Draft>,
    interrupt: CancellationToken,
}

/// A letter that is to be sealed, or was.
struct Letter {
    row: Row,
    begun: Begun,
}

pub(super) async fn run(args: Seal, table: &Path, output: Output, now: UnixMillis) -> Result<(), Error> {
    let keyring = keyring::load(&args.keys, output)?;
    let url = args.edge.url.clone().ok_or(PlanError::NoUrl)?;
    if !matches!(args.message.message, None | Some(Form::Folder(_) | Form::Json)) {
        return Err(BulkError::Message.into());
    }
    let place = Place::of(&args, &url, keyring.active())?;
    let name = if table == Path::new("-") { "the table".to_owned() } else { line(&table.to_string_lossy()) };
    let invalid = |diagnostics: Vec<Diagnostic>| BulkError::Invalid {
        name: name.clone(),
        diagnostics: diagnostics.len(),
        list: told(&diagnostics),
    };
    let journal = args.table.journal.clone().or_else(|| beside(table)).ok_or(BulkError::NoJournal)?;
    let about = About::of(&args);
    let (rows, mut diagnostics) =
        table::read(&read(table)?, secret::folder(table), &about, args.expires.expires).map_err(invalid)?;
    let journal = &mut Journal::open(&journal, url.to_string(), args.upload.upload.clone())?;
    let zone = zone(&args, &rows, &url, keyring.active()).await?;
    let draft = args
        .message
        .draft(Some(""), args.lang, &args.expires, Some(&url), args.edge.retries, keyring.active())
        .await?;
    let run = Run { keyring, url, place, draft, interrupt: interrupt() };
    let letters = run.check(rows, journal, zone.as_ref(), now, output, &mut diagnostics).await;
    if !diagnostics.is_empty() {
        diagnostics.sort_by_key(|diagnostic| diagnostic.line);
        return Err(invalid(diagnostics).into());
    }
    run.changed(&name, &letters, journal).await?;
    let ids: std::collections::HashSet<_> = letters.iter().map(|letter| letter.begun.letter).collect();
    let mut answers = Answers::open(args.table.output.as_deref(), output, |letter| ids.contains(&letter))?;
    drop(ids);
    Arc::new(run).seal(letters, journal, &mut answers, output).await
}

/// The table's bytes.
fn read(table: &Path) -> Result<Vec<u8>, BulkError> {
    let mut bytes = Vec::new();
    let read = if table == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(table)
    };
    read.map_err(|error| BulkError::Read { path: table.to_owned(), error })
}

/// The journal of a table that is a file.
fn beside(table: &Path) -> Option<PathBuf> {
    let mut name = table.file_name().filter(|_| table != Path::new("-"))?.to_owned();
    name.push(".waxseal-journal");
    Some(table.with_file_name(name))
}

/// Lines for people, and no more than they read.
fn told(diagnostics: &[Diagnostic]) -> String {
    let mut lines: Vec<_> = diagnostics.iter().take(TOLD).map(ToString::to_string).collect();
    if diagnostics.len() > TOLD {
        lines.push(format!("and {} more", diagnostics.len() - TOLD));
    }
    lines.join("\n")
}

/// The site's time zone, where a letter ends with a day.
async fn zone(args: &Seal, rows: &[Row], url: &Origin, key: &SiteKey) -> Result<Option<Zone>, Error> {
    let dated = rows.iter().any(|row| matches!(row.expires, When::Day(_)));
    Ok(match &args.expires.time_zone {
        Some(zone) => Some(zone.clone()),
        None if dated => Some(Api::new(url.clone(), key, args.edge.retries)?.time_zone().await?),
        None => None,
    })
}

impl Run {
    /// Every line as the letter that it is or will be, and what is wrong with those that are not sealed yet.
    async fn check(
        &self,
        rows: Vec<Row>,
        journal: &Journal,
        zone: Option<&Zone>,
        now: UnixMillis,
        output: Output,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Letter> {
        let (mut letters, mut warnings) = (Vec::new(), Vec::new());
        for row in rows {
            let known = journal.begun.get(&row.digest).cloned();
            if known.as_ref().is_none_or(|begun| !begun.sealed) {
                let customer = row.about.customer.as_deref();
                let nobody = customer.and_then(|it| nobody(&format!("line {}: customer", row.line), it));
                warnings.extend(nobody.map(|warning| warning.message));
            }
            match self.letter(&row, known, zone, now).await {
                Ok(begun) => letters.push(Letter { row, begun }),
                Err(diagnostic) => diagnostics.push(diagnostic),
            }
        }
        for warning in warnings.iter().take(TOLD) {
            output.warn(&format!("warning: {warning}"));
        }
        letters
    }

    /// The letter of a line that can be sealed.
    async fn letter(
        &self,
        row: &Row,
        known: Option<Begun>,
        zone: Option<&Zone>,
        now: UnixMillis,
    ) -> Result<Begun, Diagnostic> {
        let wrong = |column, value: &str, message: String| Diagnostic::new(row.line, column, value, message);
        let begun = match known {
            Some(begun) if begun.sealed => return Ok(begun),
            Some(begun) => begun,
            None => {
                let expires = Expires { expires: row.expires, time_zone: zone.cloned() };
                let key = self.keyring.active();
                let ends = Ends::of(&expires, None, 0, key, now.seconds()).await;
                let not_after = ends.map_err(|error| wrong("expires", "", error.message))?.at;
                let drawn = random().and_then(|id| Ok((id, row.about.end_to_end.then(random).transpose()?)));
                let (id, fragment) = drawn.map_err(|error| wrong("", "", error.to_string()))?;
                let fragment = fragment.map(|key| FragmentKey::new(key).to_text().to_string());
                let letter = LetterId::v7(now, id);
                Begun { line: row.line, letter, kid: key.kid(), not_after, fragment, sealed: false }
            }
        };
        let (_, named) = open(&row.about).map_err(|error| wrong("file", &row.file, error.message))?;
        self.plan(row, &begun, named, now.seconds()).map_err(|failure| match failure {
            Ok(PlanFailure::Plan(PlanError::Option { field, rule })) => match field {
                "subject" => wrong("subject", &row.about.subject, rule),
                "customer" => wrong("customer", row.about.customer.as_deref().unwrap_or_default(), rule),
                "reference" => wrong("reference", row.about.reference.as_deref().unwrap_or_default(), rule),
                "file_name" => wrong("name", row.about.name.as_deref().unwrap_or(&row.file), rule),
                "media_type" => {
                    wrong("media_type", row.about.media_type.as_deref().unwrap_or_default(), rule)
                }
                "retention_days" => wrong("retention", &row.about.retention.to_string(), rule),
                _ => wrong("expires", "", rule),
            },
            Ok(PlanFailure::Address(error)) => {
                let message = error.to_string();
                wrong("expires", "", message.trim_start_matches("--expires ").to_owned())
            }
            Ok(PlanFailure::Plan(error)) => wrong("", "", error.to_string()),
            Err(error) => wrong("", "", error.to_string()),
        })?;
        Ok(begun)
    }

    /// Everything about the letter, checked.
    fn plan(
        &self,
        row: &Row,
        begun: &Begun,
        named: kind::Named,
        now: UnixSeconds,
    ) -> Result<Plan, Result<PlanFailure, BulkError>> {
        let key = self.key(begun).map_err(Err)?;
        let fragment = begun.fragment.as_deref().and_then(|text| text.parse().ok());
        let identity = Identity { letter: begun.letter, not_after: begun.not_after, fragment };
        Plan::new(&row.about, named, identity, &self.url, key, now).map_err(Ok)
    }

    /// The key that signs the letter's link.
    fn key(&self, begun: &Begun) -> Result<&SiteKey, BulkError> {
        let gone = BulkError::KeyGone { line: begun.line, kid: begun.kid.0 };
        self.keyring.get(begun.kid).ok_or(gone)
    }

    /// Refuses when a letter was sealed whose line is there no more: its line was taken out or changed, and changed it would become
    /// another letter. One that was only begun is forgotten.
    async fn changed(&self, name: &str, letters: &[Letter], journal: &Journal) -> Result<(), Error> {
        let there: std::collections::HashSet<_> = letters.iter().map(|it| it.row.digest.as_str()).collect();
        let mut lost = Vec::new();
        for (_, begun) in journal.begun.iter().filter(|(digest, _)| !there.contains(digest.as_str())) {
            if begun.sealed || self.is_sealed(begun.letter).await? {
                lost.push((begun.line, begun.letter));
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        lost.sort_unstable();
        let lines = lost.iter().take(TOLD).map(|(line, letter)| format!("line {line} then: letter {letter}"));
        let list = lines.collect::<Vec<_>>().join("\n");
        Err(BulkError::Changed { name: name.to_owned(), letters: lost.len(), list }.into())
    }

    /// Whether the place of letters has it. A body without a manifest is taken back; a key that may not ask is told so then.
    async fn is_sealed(&self, letter: LetterId) -> Result<bool, Error> {
        let target = self.place.target(letter);
        for answer in [target.check_free().await, target.discard_body().await] {
            match answer {
                Err(UploadError::Exists(_)) => return Ok(true),
                Err(error) => return Err(error.into()),
                Ok(()) => {}
            }
        }
        Ok(false)
    }

    /// Seals what is not sealed, a few at a time, and answers all.
    async fn seal(
        self: Arc<Self>,
        letters: Vec<Letter>,
        journal: &mut Journal,
        answers: &mut Answers,
        output: Output,
    ) -> Result<(), Error> {
        let (total, mut new, mut earlier) = (letters.len() as u64, 0u64, 0u64);
        let bar = output.counter("Sealing", total);
        let mut waiting = letters.into_iter();
        let mut noted: std::collections::VecDeque<(Letter, bool)> = Default::default();
        let mut flight = JoinSet::new();
        let mut failure = None;
        loop {
            while failure.is_none() && !self.interrupt.is_cancelled() && flight.len() < CONCURRENCY {
                if noted.is_empty() {
                    noted = note(waiting.by_ref().take(AHEAD).collect(), journal)?;
                }
                let Some((letter, resumed)) = noted.pop_front() else { break };
                let run = Arc::clone(&self);
                flight.spawn(async move {
                    let sealed = run.one(&letter, resumed).await;
                    (letter, sealed)
                });
            }
            let Some(landed) = flight.join_next().await else { break };
            let Ok((letter, sealed)) = landed else {
                failure = Some(Error::failed("sealing_stopped", "sealing stopped unexpectedly"));
                continue;
            };
            let done = sealed.and_then(|is_new| {
                // In this order: of a letter that the journal calls sealed, the message is written.
                let answer = self.answer(&letter, is_new)?;
                if !letter.begun.sealed {
                    journal.sealed(letter.begun.letter)?;
                }
                answers.write(letter.begun.letter, &answer)?;
                Ok(is_new)
            });
            match done {
                Ok(true) => new += 1,
                Ok(false) => earlier += 1,
                Err(error) => {
                    let error =
                        Error { message: format!("line {}: {}", letter.row.line, error.message), ..error };
                    failure.get_or_insert(error);
                }
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        answers.finish()?;
        if new + earlier == total {
            output.note(&format!("{}: {new} sealed now, {earlier} earlier.", count(total, "letter")));
            return Ok(());
        }
        let error = failure.unwrap_or_else(|| UploadError::Interrupted.into());
        let message = format!(
            "{}. {} of {total} letters are sealed. The same command goes on from there",
            error.message.trim_end_matches('.'),
            new + earlier
        );
        Err(Error { message, ..error })
    }

    /// Whether the letter is new: sealed by this call. `resumed`: an earlier run may have sealed it.
    async fn one(&self, letter: &Letter, resumed: bool) -> Result<bool, Error> {
        if letter.begun.sealed {
            return Ok(false);
        }
        let target = self.place.target(letter.begun.letter);
        if resumed {
            match target.check_free().await {
                Err(UploadError::Exists(_)) => return Ok(false),
                checked => checked?,
            }
        }
        let (source, named) = open(&letter.row.about)?;
        let plan = self.plan(&letter.row, &letter.begun, named, clock::now().seconds());
        let plan = plan.map_err(|failure| failure.map_or_else(Error::from, Error::from))?;
        let key = self.key(&letter.begun)?;
        match send(&plan, source, target, key, self.interrupt.clone(), &ProgressBar::hidden()).await {
            Ok(_) => Ok(true),
            // A key that may not ask learns it now.
            Err(SendError::Upload(UploadError::Exists(_))) if resumed => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The letter's line of JSON, its message with it.
    fn answer(&self, Letter { row, begun }: &Letter, is_new: bool) -> Result<serde_json::Value, Error> {
        // What was sealed has its link, even once that is over: no time is asked.
        let token = address::token(self.key(begun)?, begun.letter, begun.not_after, UnixSeconds(0))?;
        let link = address::link(&self.url, &token, begun.fragment.as_deref());
        let mut answer = json!({
            "line": row.line,
            "file": row.file,
            "customer": row.about.customer,
            "reference": row.about.reference,
            "to": row.to,
            "letter": begun.letter.to_string(),
            "link": link,
            "not_after": begun.not_after.0,
            "expires_at": when::rfc3339(begun.not_after),
            "new": is_new,
        });
        if let Some(draft) = &self.draft {
            let draft = draft.about(&row.about.subject, row.about.lang, row.to.as_deref())?;
            let ends = (begun.not_after, clock::now());
            draft.answer(begun.letter, &link, ends, begun.sealed, &mut answer)?;
        }
        Ok(answer)
    }
}

/// Notes those that an earlier run did not begin; says of each whether one did.
fn note(
    letters: Vec<Letter>,
    journal: &mut Journal,
) -> Result<std::collections::VecDeque<(Letter, bool)>, Error> {
    let known = |letter: &Letter, journal: &Journal| journal.begun.contains_key(&letter.row.digest);
    let new: Vec<_> = letters
        .iter()
        .filter(|letter| !known(letter, journal))
        .map(|letter| (letter.row.digest.clone(), letter.begun.clone()))
        .collect();
    let resumed: Vec<_> = letters.iter().map(|letter| known(letter, journal)).collect();
    if !new.is_empty() {
        journal.begin(new)?;
    }
    Ok(letters.into_iter().zip(resumed).collect())
}
