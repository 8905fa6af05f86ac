//! `/api/v1/letters/UUID`: seal, show, end.

use super::uploads::check_length;
use super::{Answered, ApiError, ApiRequest};
use crate::objects::ledger::{
    self, Decide, Decided, EraseLetter, Erased, NoLetter, Reconcile, Reconciled, ShowRecord,
};
use crate::objects::terms::cannot_honour;
use crate::platform::bucket::{Letters, Put};
use crate::platform::error::Fault;
use crate::platform::log;
use waxseal::api::{Code, LetterState, Problem, Sealed, op};
use waxseal::ledger::{Actor, Answer, ClosedReason, Command, Details, EndReason};
use waxseal::seal::{MAX_MANIFEST, Manifest, body_key, manifest_key};

pub(super) async fn put_manifest(request: &mut ApiRequest<'_>) -> Answered<op::PutManifest> {
    let (letter, env, settings) = (request.letter()?, request.env, request.settings);
    let bucket = Letters::open(env)?;
    check_length(request.call, MAX_MANIFEST as u64, Code::ManifestTooLarge.into())?;
    let object = request.call.request.bytes().await.map_err(Fault::from)?;
    let (manifest, _) = Manifest::open(&object, letter, &settings.keyring).map_err(Problem::from)?;
    if let Some(code) = cannot_honour(env, settings, &manifest).await? {
        return Err(code.into());
    }
    // Its ledger keeps what is erased erased. Asked before there is a manifest, it takes nothing on.
    if let Ok(Reconciled { end_reason: Some(EndReason::Erased), .. }) =
        ledger::call(env, &Reconcile { letter, retell: false }).await?
    {
        bucket.delete(&body_key(letter)).await?;
        return Err(Code::Erased.into());
    }
    let body = bucket.head(&body_key(letter)).await?.ok_or(Code::BodyMissing)?;
    manifest.check_body(body.size).map_err(Problem::from)?;
    let key = manifest_key(letter);
    if bucket.create(&key, object.clone()).await? == Put::Exists {
        let same = bucket.read(&key, MAX_MANIFEST as u64).await?.is_some_and(|stored| stored == object);
        return match same {
            true => Ok(Sealed { letter, new: false }),
            false => Err(Code::SealedAlready
                .because("this letter has another manifest; seal a new letter instead")
                .into()),
        };
    }
    // Another upload of the same letter may have come in between: then nothing is sealed yet.
    let now = bucket.head(&body_key(letter)).await?;
    if now.is_none_or(|now| now.etag != body.etag) {
        bucket.delete(&key).await?;
        return Err(Code::BodyChanged.into());
    }
    Ok(Sealed { letter, new: true })
}

pub(super) async fn show(request: &mut ApiRequest<'_>) -> Answered<op::ShowLetter> {
    let letter = request.letter()?;
    Ok(ledger::call(request.env, &ShowRecord { letter }).await??)
}

pub(super) async fn cancel(request: &mut ApiRequest<'_>) -> Answered<op::CancelLetter> {
    end(request, Actor::Sender, Command::Cancel).await
}

/// The sender passes on what a person told it: that is as good as the button.
pub(super) async fn withdraw(request: &mut ApiRequest<'_>) -> Answered<op::WithdrawLetter> {
    end(request, Actor::SenderForRecipient, Command::Withdraw).await
}

async fn end(request: &mut ApiRequest<'_>, by: Actor, command: Command) -> Result<LetterState, ApiError> {
    let letter = request.letter()?;
    let ask = Decide { letter, command, by, details: Details::default(), offer: None };
    let Decided { answer, changed, .. } = ledger::call(request.env, &ask).await??;
    let (state, changed) = match answer {
        Answer::Cancelled => ("cancelled", changed),
        Answer::Refused => ("refused", changed),
        Answer::Withdrawn => ("withdrawn", changed),
        Answer::Closed(reason) if reason != ClosedReason::Missing => (reason.as_str(), false),
        _ => return Err(Code::NoSuchLetter.into()),
    };
    Ok(LetterState { letter, state: state.to_owned(), changed })
}

/// Deletes the letter and everything personal in its record. A letter of which no ledger can be created is deleted all the same,
/// because a person's right does not end with a fault of ours; there is no record of it but the line in the log.
pub(super) async fn erase(request: &mut ApiRequest<'_>) -> Answered<op::EraseLetter> {
    let letter = request.letter()?;
    let changed = match ledger::call(request.env, &EraseLetter { letter, by: Actor::Sender }).await? {
        Ok(Erased { changed }) => changed,
        Err(NoLetter::Damaged { code }) => {
            let bucket = Letters::open(request.env)?;
            bucket.delete_all(vec![manifest_key(letter), body_key(letter)]).await?;
            log::Line::new("damaged_erased")
                .with("letter", letter.to_string())
                .with("code", code.as_str())
                .info();
            true
        }
        Err(missing) => return Err(missing.into()),
    };
    Ok(LetterState { letter, state: "erased".to_owned(), changed })
}
