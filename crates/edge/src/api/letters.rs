//! `/api/v1/letters/UUID`: seal, show, end.

use super::create::message_of;
use super::uploads::check_length;
use super::{Answered, ApiError, ApiRequest};
use crate::objects::ledger::{
    self, Decide, Decided, EraseLetter, Erased, NoLetter, Reconcile, Reconciled, ShowRecord,
};
use crate::objects::terms::cannot_honour;
use crate::platform::bucket::{Letters, Put};
use crate::platform::error::Fault;
use crate::platform::log;
use waxseal::api::{Code, LetterReissued, LetterState, Problem, Sealed, op};
use waxseal::ledger::{Actor, Answer, ClosedReason, Command, Details, EndReason};
use waxseal::seal::{MAX_MANIFEST, Manifest, Mode, body_key, manifest_key};
use waxseal::token::mint;

/// Two numbers in JSON, and what is around them.
const MAX_REISSUE: u32 = 1024;

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

/// A new end, and a link with it.
pub(super) async fn reissue(request: &mut ApiRequest<'_>) -> Answered<op::ReissueLetter> {
    let letter = request.letter()?;
    let expected = Code::LetterFields.because("expected {\"not_after\": SECONDS} or {\"days\": NUMBER}");
    let fields = request.body::<op::ReissueLetter>(MAX_REISSUE, &expected).await?;
    let settings = request.settings;
    let key = settings.keyring.active();
    let not_after = fields.ends(request.now.seconds())?;
    // A link that cannot be made is better known before the letter has that end.
    mint(key, letter, not_after)
        .map_err(|error| Code::LetterFields.because(&format!("not_after: {error}")))?;
    let command = Command::Reissue { not_after, ends_soon: settings.site.ends_soon(not_after) };
    let ask = Decide { letter, command, by: Actor::Sender, details: Details::default(), offer: None };
    let Decided { answer, changed, letter: sealed, .. } = ledger::call(request.env, &ask).await??;
    let not_after = match answer {
        Answer::Reissued(not_after) => not_after,
        Answer::Closed(ClosedReason::Missing) => return Err(Code::NoSuchLetter.into()),
        Answer::Closed(reason) => {
            let why =
                format!("this letter is {}, and that stands: seal a new letter instead", reason.as_str());
            return Err(Code::NotReissued.because(&why).into());
        }
        _ => {
            let why = "this letter was re-issued as often as a letter is: seal a new letter instead";
            return Err(Code::NotReissued.because(why).into());
        }
    };
    let token = mint(key, letter, not_after).map_err(|error| Fault::new("mint", error))?;
    let link = format!("{}/{}", request.call.origin(), token.as_str());
    let manifest = sealed.map(|sealed| sealed.manifest).filter(|it| it.mode == Mode::EdgeOpened);
    let message = manifest.map(|manifest| message_of(request, &manifest, &link, not_after));
    Ok(LetterReissued { letter, link, not_after, changed, message })
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
