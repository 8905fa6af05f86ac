//! One letter of a sweep: asks its ledger, and deletes what nobody needs.

use worker::Env;

use super::runs::Counts;
use crate::objects::ledger::{self, NoLetter, Reconcile};
use crate::platform::bucket::{Letters, ReadError};
use crate::platform::error::Fault;
use crate::platform::log;
use crate::platform::settings::Settings;
use waxseal::ledger::sweep::{Step, Why, damaged_until};
use waxseal::seal::{MAX_MANIFEST, Manifest, body_key, manifest_key};
use waxseal::types::{LetterId, UnixMillis};

/// What came of a visit. The ledger has told the index of its letter, if it could.
#[derive(Clone, Copy)]
pub(super) enum Outcome {
    /// Nobody answered.
    Unknown,
    /// When the letter's ledger, or the next sweep, has something to do.
    Due(Option<UnixMillis>),
    /// There is no such letter.
    Nothing,
}

/// A visit's surroundings.
pub(super) struct Visit<'a> {
    pub(super) settings: &'a Settings,
    pub(super) env: &'a Env,
    pub(super) bucket: &'a Letters,
    pub(super) now: UnixMillis,
    /// Whether the ledgers tell again all that they told the index.
    pub(super) rebuild: bool,
}

impl Visit<'_> {
    /// Sees to one letter. A failure is counted and told; the next sweep tries again.
    pub(super) async fn pay(&self, step: &Step) -> (Outcome, Counts) {
        let mut counts = Counts::default();
        match self.look_after(step, &mut counts).await {
            Ok(outcome) => (outcome, counts),
            Err(fault) => {
                told(step.letter, "sweep_failed", fault.code).with("detail", fault.detail).error();
                (Outcome::Unknown, Counts { failed: 1, ..Counts::default() })
            }
        }
    }

    async fn look_after(&self, step: &Step, counts: &mut Counts) -> Result<Outcome, Fault> {
        match ledger::call(self.env, &Reconcile { letter: step.letter, retell: self.rebuild }).await? {
            Ok(letter) => {
                let due = letter.due;
                match step.why {
                    Why::Due => counts.rung += 1,
                    Why::Gone if due.is_some() => {
                        // The ledger has a copy of the manifest, but nobody has one of the report.
                        let lacks = if step.found.is_some_and(|found| found.body.is_some()) {
                            "manifest"
                        } else {
                            "body"
                        };
                        told(step.letter, "letter_vanished", lacks).error();
                        counts.vanished += 1;
                    }
                    Why::New | Why::Alone | Why::Gone | Why::Back | Why::Rebuild => {}
                }
                // Erased. What was found of it is gone by now, or somebody has put it back.
                if due.is_none() && step.found.is_some() {
                    self.delete(step.letter).await?;
                    counts.deleted += 1;
                }
                // What somebody has still to hear of is looked after again next time, whatever became of its alarm.
                let again = || due.map_or(self.now, |due| due.min(self.now));
                Ok(Outcome::Due(if letter.reported { due } else { Some(again()) }))
            }
            Err(NoLetter::Missing) => {
                match step.why {
                    Why::Alone => {
                        self.bucket.delete(&body_key(step.letter)).await?;
                        told(step.letter, "orphan_deleted", "no_manifest").info();
                        counts.orphans += 1;
                    }
                    // Taken back between the listing and now.
                    Why::New => {}
                    Why::Due | Why::Gone | Why::Back | Why::Rebuild => {
                        // The index had it from its ledger, so there was one.
                        told(step.letter, "ledger_lost", "missing").error();
                        counts.failed += 1;
                    }
                }
                Ok(Outcome::Nothing)
            }
            Err(NoLetter::Damaged { code }) => self.damaged(step, code.as_str(), counts).await,
        }
    }

    /// No ledger takes such a letter on, so nothing else ends it.
    async fn damaged(&self, step: &Step, code: &str, counts: &mut Counts) -> Result<Outcome, Fault> {
        let letter = step.letter;
        counts.damaged += 1;
        let object = match self.bucket.read(&manifest_key(letter), MAX_MANIFEST as u64).await {
            Ok(object) => object,
            Err(ReadError::TooLarge(_)) => None,
            Err(ReadError::Fault(fault)) => return Err(fault),
        };
        let manifest = object.and_then(|object| Manifest::open(&object, letter, &self.settings.keyring).ok());
        let kept = manifest.map(|(manifest, _)| (manifest.not_after, manifest.retention_days));
        let newest = step.found.and_then(|found| found.body.max(found.manifest)).unwrap_or(self.now);
        let until = damaged_until(kept, newest);
        let line = told(letter, "letter_damaged", code).with("until", until.0);
        if self.now < until {
            line.with("deleted", false).error();
        } else {
            self.delete(letter).await?;
            counts.deleted += 1;
            line.with("deleted", true).error();
        }
        Ok(Outcome::Nothing)
    }

    async fn delete(&self, letter: LetterId) -> Result<(), Fault> {
        self.bucket.delete_all(vec![manifest_key(letter), body_key(letter)]).await
    }
}

fn told(letter: LetterId, event: &str, code: &str) -> log::Line {
    log::Line::new(event).with("letter", letter.to_string()).with("code", code)
}
