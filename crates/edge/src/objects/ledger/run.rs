//! Deciding a command, and writing what was decided in one transaction.

use data_encoding::HEXLOWER;

use super::found::Whole;
use super::messages::Decided;
use super::store::{self, Letter};
use crate::platform::error::Fault;
use crate::platform::settings::Settings;
use crate::platform::sql::Database;
use crate::platform::{clock, intl, log, random};
use waxseal::ledger::{
    Actor, Answer, Command, Details, Entropy, LetterKey, Names, Snapshot, TermsHash, decide,
};
use waxseal::seal::Manifest;

fn entropy() -> Result<Entropy, Fault> {
    Ok(Entropy::from_bytes(random::bytes::<{ Entropy::BYTES }>()?))
}

/// Whether the answer would show or send something of the letter.
pub(super) const fn needs_letter(command: &Command) -> bool {
    matches!(
        command,
        Command::Open { .. }
            | Command::Suspect { .. }
            | Command::Consent { .. }
            | Command::Confirm { .. }
            | Command::Report { .. }
            | Command::Reissue { .. }
    )
}

/// The key of the personal details; `None` when it was erased, or when the site key that wraps it was dropped from the
/// keyring. Then the log says so, and what happens is recorded without details.
pub(super) fn letter_key(settings: &Settings, letter: &Letter) -> Option<LetterKey> {
    match letter.key.as_ref()?.unwrap(&settings.keyring, letter.snapshot.letter) {
        Ok(key) => Some(key),
        Err(error) => {
            log::fault("letter_key", &Fault::new(error.code(), error));
            None
        }
    }
}

/// What the letter is called.
pub(super) fn names_of(manifest: &Manifest, salt: [u8; 32]) -> Names {
    Names {
        subject: manifest.subject.clone(),
        reference: manifest.reference.clone(),
        file_name: manifest.file_name.clone(),
        sha256: manifest.sha256.0,
        salt,
    }
}

/// Opens the ledger: tables, key and first event, unless a concurrent request just did.
pub(super) fn create(settings: &Settings, db: &Database, whole: &Whole) -> Result<(), Fault> {
    let manifest = &whole.manifest;
    let letter = manifest.letter;
    let key = LetterKey::new(&mut random::bytes()?);
    let wrapped =
        key.wrap(settings.keyring.active(), letter, random::bytes()?).map_err(|e| Fault::new(e.code(), e))?;
    let names = names_of(manifest, random::bytes()?);
    let command = Command::Seal {
        not_after: manifest.not_after,
        retention_days: u32::from(manifest.retention_days),
        names: names.commitment(letter),
        terms: manifest.terms.map(|terms| TermsHash(terms.0)),
        ends_soon: settings.site.ends_soon(manifest.not_after),
    };
    let details = Details {
        sha256: Some(manifest.sha256.to_string()),
        names_salt: Some(HEXLOWER.encode(&names.salt)),
        ..Details::default()
    };
    let decision = decide(&Snapshot::new(letter), &command, Actor::Sender, clock::now(), &entropy()?);
    let finished = decision.finish(&details, Some(&key)).map_err(|e| Fault::new(e.code(), e))?;
    let row = Letter {
        snapshot: finished.snapshot,
        key: Some(wrapped),
        manifest: Some(whole.object.clone()),
        body_etag: Some(whole.body_etag.clone()),
    };
    let customer = manifest.customer.as_deref();
    let customer =
        customer.and_then(|reference| settings.keyring.customer_name(whole.kid, reference, intl::nfc));
    db.transaction(|db| {
        if store::load(db)?.is_some() {
            return Ok(());
        }
        store::migrate(db)?;
        store::save_secret(db, &row, customer.as_deref())?;
        store::save(db, &row, &finished.events)
    })
}

/// Decides, and records what was decided before it is answered.
pub(super) fn run(
    settings: &Settings,
    db: &Database,
    letter: Letter,
    command: &Command,
    by: Actor,
    details: &Details,
) -> Result<Decided, Fault> {
    let decision = decide(&letter.snapshot, command, by, clock::now(), &entropy()?);
    let changed = decision.changed();
    if !changed && decision.next == letter.snapshot {
        return Ok(decided(decision.answer, changed, &decision.next));
    }
    let key = letter_key(settings, &letter);
    if key.is_none() && matches!(command, Command::Consent { .. } | Command::Confirm { .. }) {
        // A consent whose evidence cannot be kept is none.
        return Err(Fault::new("letter_key", "no key for the evidence of a consent"));
    }
    let finished = decision.finish(details, key.as_ref()).map_err(|e| Fault::new(e.code(), e))?;
    let erased = finished.answer == Answer::Erased;
    let row = Letter {
        snapshot: finished.snapshot,
        key: letter.key.filter(|_| !erased),
        manifest: letter.manifest.filter(|_| !erased),
        body_etag: letter.body_etag.filter(|_| !erased),
    };
    db.transaction(|db| {
        store::migrate(db)?;
        if erased {
            store::shred(db)?;
        }
        store::save(db, &row, &finished.events)
    })?;
    Ok(decided(finished.answer, changed, &row.snapshot))
}

fn decided(answer: Answer, changed: bool, snapshot: &Snapshot) -> Decided {
    let undoable_by = match answer {
        Answer::Refused | Answer::Withdrawn | Answer::Closed(_) => snapshot.undoable(clock::now()),
        _ => None,
    };
    let undoable_by = undoable_by.map(|(browser, _)| browser);
    Decided { answer, changed, declined_by: snapshot.declined_by, letter: None, undoable_by }
}
