//! One letter of a sweep: asks its ledger, and deletes what nobody needs.

use worker::Env;

use super::store::{Count, Counts};
use crate::objects::ledger::{self, NoLetter, Reconcile};
use crate::platform::bucket::{Letters, ReadError};
use crate::platform::error::Fault;
use crate::platform::log;
use crate::platform::settings::Settings;
use waxseal::ledger::sweep::{Step, Why, damaged_until};
use waxseal::seal::{MAX_MANIFEST, Manifest, body_key, manifest_key};
use waxseal::types::{LetterId, UnixMillis};

/// What the register shall make of a letter.
pub(super) enum Entry {
    /// It is as it was.
    Stays,
    /// Its ledger has something to do at this time.
    Due(UnixMillis),
    /// Nothing will ever be due.
    Over,
}

/// A visit's surroundings.
pub(super) struct Visit<'a> {
    pub(super) settings: &'a Settings,
    pub(super) env: &'a Env,
    pub(super) bucket: &'a Letters,
    pub(super) now: UnixMillis,
}

impl Visit<'_> {
    /// Sees to one letter. A failure is counted and told; the next sweep tries again.
    pub(super) async fn pay(&self, step: &Step) -> (Entry, Counts) {
        let mut counts = Counts::default();
        match self.look_after(step, &mut counts).await {
            Ok(entry) => (entry, counts),
            Err(fault) => {
                told(step.letter, "sweep_failed", fault.code).with("detail", fault.detail).error();
                let mut counts = Counts::default();
                counts.add(Count::Failed, 1);
                (Entry::Stays, counts)
            }
        }
    }

    async fn look_after(&self, step: &Step, counts: &mut Counts) -> Result<Entry, Fault> {
        match ledger::call(self.env, &Reconcile { letter: step.letter }).await? {
            Ok(letter) => {
                let due = letter.due;
                match step.why {
                    Why::Due => counts.add(Count::Rung, 1),
                    Why::New | Why::Alone if due.is_some() => counts.add(Count::TakenOn, 1),
                    Why::Gone if due.is_some() => {
                        // The ledger has a copy of the manifest, but nobody has one of the report.
                        let lacks = if step.found.is_some_and(|found| found.body.is_some()) {
                            "manifest"
                        } else {
                            "body"
                        };
                        told(step.letter, "letter_vanished", lacks).error();
                        counts.add(Count::Vanished, 1);
                    }
                    Why::New | Why::Alone | Why::Gone | Why::Back => {}
                }
                if let Some(due) = due {
                    // What somebody has still to hear of is looked after again next time, whatever became of its alarm.
                    return Ok(Entry::Due(if letter.reported { due } else { due.min(self.now) }));
                }
                // Erased. What was found of it is gone by now, or somebody has put it back.
                if step.found.is_some() {
                    self.delete(step.letter).await?;
                    counts.add(Count::Deleted, 1);
                }
                Ok(Entry::Over)
            }
            Err(NoLetter::Missing) => {
                match step.why {
                    Why::Alone => {
                        self.bucket.delete(&body_key(step.letter)).await?;
                        told(step.letter, "orphan_deleted", "no_manifest").info();
                        counts.add(Count::Orphans, 1);
                    }
                    // Taken back between the listing and now.
                    Why::New => {}
                    Why::Due | Why::Gone | Why::Back => {
                        // The register had it from its ledger, so there was one.
                        told(step.letter, "ledger_lost", "missing").error();
                        counts.add(Count::Failed, 1);
                    }
                }
                Ok(Entry::Over)
            }
            Err(NoLetter::Damaged { code }) => self.damaged(step, &code, counts).await,
        }
    }

    /// No ledger takes such a letter on, so nothing else ends it.
    async fn damaged(&self, step: &Step, code: &str, counts: &mut Counts) -> Result<Entry, Fault> {
        let letter = step.letter;
        counts.add(Count::Damaged, 1);
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
            counts.add(Count::Deleted, 1);
            line.with("deleted", true).error();
        }
        Ok(Entry::Over)
    }

    async fn delete(&self, letter: LetterId) -> Result<(), Fault> {
        self.bucket.delete_all(vec![manifest_key(letter), body_key(letter)]).await
    }
}

fn told(letter: LetterId, event: &str, code: &str) -> log::Line {
    log::Line::new(event).with("letter", letter.to_string()).with("code", code)
}
