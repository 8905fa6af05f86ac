//! `/api/v1`: upload, read and cancel, for whoever holds the site's bearer key. Without it: silence.

mod customers;
mod evidence;
mod guard;
mod terms;

use percent_encoding::percent_decode_str;
use worker::Env;

use crate::guard::Ruling;
use crate::objects::ledger::{Ask, Kept, Outcome, What, ask as ask_ledger};
use crate::objects::sequencer::{self, LogStatus};
use crate::objects::sweeper::{self, BeginSweep, SweepStatus};
use crate::objects::terms::cannot_honour;
use crate::platform::answer::{self, problem, refused, refused_as};
use crate::platform::bucket::{BAD_PARTS, Letters, NO_SUCH_UPLOAD, Put};
use crate::platform::error::Fault;
use crate::platform::http::{Answer, Body, Call, from_json};
use crate::platform::settings::Settings;
use crate::platform::{client, log, object};
use waxseal::api::{
    Code, LetterState, Match, PartList, PartStored, Route, Sealed, SiteView, Stored, SweepBegun, Upload, find,
};
use waxseal::guard::{Answer as Verdict, RequestClass};
use waxseal::ledger::{self, Actor, ClosedReason, Command, Details, EndReason};
use waxseal::pages::headers::Kind;
use waxseal::seal::{MAX_MANIFEST, Manifest, body_key, manifest_key};
use waxseal::token::bearer;
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

/// The largest body in one request; the platform itself stops at 100 MB. Larger ones go up in parts.
const MAX_PUT: u64 = 95 * 1024 * 1024;
/// Parts of an upload, as S3 and R2 have it.
const MAX_PARTS: u16 = 10_000;
/// Longest list of parts: 10,000 of about 100 bytes.
const MAX_PART_LIST: u64 = 2 * 1024 * 1024;

/// What this module is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The rate limits count by the minute.
const RETRY_AFTER_S: u32 = 60;

/// Whether the request shows a right key, a wrong one, or none.
pub(super) fn class(call: &Call, settings: &Settings, now: UnixSeconds) -> RequestClass {
    match call.header("authorization") {
        None => RequestClass::Damaged,
        Some(header) => match bearer(&header).and_then(|key| settings.keyring.verify_api_key(key, now)) {
            Some(_) => RequestClass::Desk,
            None => RequestClass::ApiKey,
        },
    }
}

/// Answers a request for `/api/v1/` followed by `path`, as the guard rules.
pub(super) async fn answer(
    call: &mut Call,
    env: &Env,
    settings: &Settings,
    now: UnixMillis,
    ruling: &Ruling,
    path: &str,
) -> Answer {
    match ruling.answer {
        Verdict::Serve => {}
        Verdict::Busy => {
            let line = named(ruling.on(log::Line::new("api")), call, path);
            return refused(Code::TooManyRequests)
                .header("retry-after", RETRY_AFTER_S.to_string())
                .logged(line.with("client", client::keyed(call, settings)));
        }
        Verdict::Silent | Verdict::Neutral => {
            // Strangers are counted, not logged one by one.
            ruling.on(log::Line::new("stranger")).with("reason", "no_right_key").counted();
            return answer::silent();
        }
    }
    // Only a right key gets this far: whoever has one may know whom they reached, and tell it from a wrong address.
    let answer = served(call, env, settings, now, path).await.header("waxseal-version", VERSION);
    answer.logged(
        named(ruling.on(log::Line::new("api")), call, path).with("client", client::keyed(call, settings)),
    )
}

/// Says in a line which route was asked for and which letter; nothing else of the path is repeated.
fn named(line: log::Line, call: &Call, path: &str) -> log::Line {
    let Match::Found(endpoint, parts) = find(call.method.name(), path) else {
        return line.with("route", "none");
    };
    let line = line.with("route", endpoint.label());
    let letter = parts.first().filter(|_| endpoint.path.starts_with("letters/"));
    match letter.and_then(|letter| letter.parse::<LetterId>().ok()) {
        Some(letter) => line.with("letter", letter.to_string()),
        None => line,
    }
}

async fn served(call: &mut Call, env: &Env, settings: &Settings, now: UnixMillis, path: &str) -> Answer {
    let (endpoint, parts) = match find(call.method.name(), path) {
        Match::Found(endpoint, parts) => (endpoint, parts),
        Match::OtherMethod(methods) => return refused(Code::MethodNotAllowed).header("allow", methods),
        Match::None => return refused(Code::NoSuchRoute),
    };
    match route(call, env, settings, now, endpoint.route, &parts).await {
        Ok(answer) => answer,
        Err(fault) if fault.code == NO_SUCH_UPLOAD => refused(Code::NoSuchUpload),
        Err(fault) if fault.code == BAD_PARTS => refused(Code::BadParts),
        Err(fault) => {
            log::fault("desk", &fault);
            problem(503, fault.code, Code::Unavailable.sentence()).header("retry-after", "5")
        }
    }
}

async fn route(
    call: &mut Call,
    env: &Env,
    settings: &Settings,
    now: UnixMillis,
    route: Route,
    parts: &[&str],
) -> Result<Answer, Fault> {
    // An upload's id is R2's own and may hold any character, as may the text of a network.
    let parts: Vec<_> = parts.iter().map(|part| percent_decode_str(part).decode_utf8_lossy()).collect();
    let part = |at: usize| parts.get(at).map_or("", AsRef::as_ref);
    match route {
        Route::Site => answer::reply(
            200,
            &SiteView {
                name: settings.site.name.clone(),
                time_zone: settings.site.time_zone.clone(),
                version: VERSION.to_owned(),
            },
        ),
        Route::Log => answer::reply(200, &object::call(env, sequencer::NAME, &LogStatus {}).await?),
        Route::SweepStatus => answer::reply(200, &object::call(env, sweeper::NAME, &SweepStatus {}).await?),
        Route::BeginSweep => {
            let status = object::call(env, sweeper::NAME, &BeginSweep {}).await?;
            let run = status.get("run").and_then(serde_json::Value::as_u64).unwrap_or_default();
            answer::reply(202, &SweepBegun { run })
        }
        Route::EraseCustomer => customers::erase(call, env, settings, now).await,
        Route::CountCustomers => customers::count(call, env, settings).await,
        Route::ListTerms => terms::list(env, settings).await,
        Route::ChooseTerms => terms::choose(call, env, settings, now).await,
        Route::ShowTerms => terms::show(env, settings, part(0)).await,
        Route::PutTerms => terms::put(call, env, settings, part(0)).await,
        Route::Guard => guard::status(env, settings, now).await,
        Route::ListBans => guard::bans(call, env).await,
        Route::Ban => guard::ban(call, env, settings, now).await,
        Route::LiftBan => guard::lift(env, settings, now, part(0)).await,
        Route::Explain => guard::explain(call, env, settings, now).await,
        Route::GuardEvents => guard::events(call, env).await,
        letters => {
            let Ok(letter) = part(0).parse::<LetterId>() else { return Ok(refused(Code::NotAUuid)) };
            let bucket = Letters::open(env)?;
            match letters {
                Route::PutBody => put_body(call, &bucket, letter).await,
                Route::DeleteBody => delete_body(&bucket, letter).await,
                Route::PutManifest => put_manifest(call, env, &bucket, settings, letter).await,
                Route::BeginUpload => begin(&bucket, letter).await,
                Route::PutPart => put_part(call, &bucket, letter, part(1), part(2)).await,
                Route::CompleteUpload => complete(call, &bucket, letter, part(1)).await,
                Route::AbortUpload => abort(&bucket, letter, part(1)).await,
                Route::ShowLetter => show(env, letter).await,
                Route::CancelLetter => cancel(env, letter).await,
                Route::ExportEvidence => Ok(evidence::export(env, settings, letter)
                    .await?
                    .unwrap_or_else(|other| not_there(&other))),
                Route::EraseLetter => erase(env, &bucket, letter).await,
                Route::WithdrawLetter => withdraw(env, letter).await,
                _ => Ok(refused(Code::NoSuchRoute)),
            }
        }
    }
}

/// The answer to a request that announces no length or too much.
fn bad_length(call: &Call, limit: u64, code: Code, detail: &str) -> Option<Answer> {
    match call.content_length() {
        None => Some(refused(Code::LengthRequired)),
        Some(length) if length > limit => Some(refused_as(code, detail)),
        Some(_) => None,
    }
}

/// The body of a request, unless it is empty.
fn filled(call: &Call) -> Option<web_sys::ReadableStream> {
    call.request.inner().body().filter(|_| call.content_length() != Some(0))
}

/// A letter whose manifest is written is whole and stays as it is.
async fn sealed_already(bucket: &Letters, letter: LetterId) -> Result<Option<Answer>, Fault> {
    let sealed = bucket.head(&manifest_key(letter)).await?.is_some();
    Ok(sealed.then(|| refused(Code::SealedAlready)))
}

async fn put_body(call: &Call, bucket: &Letters, letter: LetterId) -> Result<Answer, Fault> {
    if let Some(answer) = bad_length(call, MAX_PUT, Code::TooLarge, "more than 95 MiB: use /uploads") {
        return Ok(answer);
    }
    if let Some(answer) = sealed_already(bucket, letter).await? {
        return Ok(answer);
    }
    let Some(body) = filled(call) else {
        return Ok(refused(Code::Empty));
    };
    let stored = bucket.put_stream(&body_key(letter), body).await?;
    answer::reply(201, &Stored { etag: stored.etag, size: stored.size })
}

/// Takes back a body that never got its manifest.
async fn delete_body(bucket: &Letters, letter: LetterId) -> Result<Answer, Fault> {
    if let Some(answer) = sealed_already(bucket, letter).await? {
        return Ok(answer);
    }
    bucket.delete(&body_key(letter)).await?;
    Ok(Answer::new(204, &[], Body::Empty).headers_of(Kind::Json))
}

async fn put_manifest(
    call: &mut Call,
    env: &Env,
    bucket: &Letters,
    settings: &Settings,
    letter: LetterId,
) -> Result<Answer, Fault> {
    if let Some(answer) =
        bad_length(call, MAX_MANIFEST as u64, Code::ManifestTooLarge, Code::ManifestTooLarge.sentence())
    {
        return Ok(answer);
    }
    let object = call.request.bytes().await?;
    let manifest = match Manifest::open(&object, letter, &settings.keyring) {
        Ok((manifest, _)) => manifest,
        Err(error) => return Ok(problem(422, error.code(), &error.to_string())),
    };
    if let Some(code) = cannot_honour(env, settings, &manifest).await? {
        return Ok(refused(code));
    }
    // Its ledger keeps what is erased erased. Asked before there is a manifest, it takes nothing on.
    if let Outcome::Kept(Kept { over: Some(EndReason::Erased), .. }) = ask(env, letter, What::Keep).await? {
        bucket.delete(&body_key(letter)).await?;
        return Ok(refused(Code::Erased));
    }
    let Some(body) = bucket.head(&body_key(letter)).await? else {
        return Ok(refused(Code::BodyMissing));
    };
    if let Err(error) = manifest.check_body(body.size) {
        return Ok(problem(422, error.code(), &error.to_string()));
    }
    let key = manifest_key(letter);
    if bucket.create(&key, object.clone()).await? == Put::Exists {
        let same = bucket.read(&key, MAX_MANIFEST as u64).await?.is_some_and(|stored| stored == object);
        return Ok(if same {
            answer::reply(200, &Sealed { letter })?
        } else {
            refused_as(Code::SealedAlready, "this letter has another manifest; seal a new letter instead")
        });
    }
    // Another upload of the same letter may have come in between: then nothing is sealed yet.
    let now = bucket.head(&body_key(letter)).await?;
    if now.is_none_or(|now| now.etag != body.etag) {
        bucket.delete(&key).await?;
        return Ok(refused(Code::BodyChanged));
    }
    answer::reply(201, &Sealed { letter })
}

async fn begin(bucket: &Letters, letter: LetterId) -> Result<Answer, Fault> {
    if let Some(answer) = sealed_already(bucket, letter).await? {
        return Ok(answer);
    }
    let upload = bucket.begin(&body_key(letter)).await?;
    answer::reply(201, &Upload { upload })
}

async fn put_part(
    call: &Call,
    bucket: &Letters,
    letter: LetterId,
    upload: &str,
    number: &str,
) -> Result<Answer, Fault> {
    let number = match number.parse::<u16>() {
        Ok(number) if (1..=MAX_PARTS).contains(&number) => number,
        _ => return Ok(refused(Code::PartNumber)),
    };
    if let Some(answer) = bad_length(call, MAX_PUT, Code::TooLarge, "a part has at most 95 MiB") {
        return Ok(answer);
    }
    let Some(body) = filled(call) else {
        return Ok(refused(Code::Empty));
    };
    let etag = bucket.part(&body_key(letter), upload, number, body).await?;
    answer::reply(200, &PartStored { etag })
}

async fn complete(
    call: &mut Call,
    bucket: &Letters,
    letter: LetterId,
    upload: &str,
) -> Result<Answer, Fault> {
    if let Some(answer) = bad_length(call, MAX_PART_LIST, Code::TooLarge, "the list of parts is too long") {
        return Ok(answer);
    }
    let body = call.request.bytes().await?;
    let Some(list) = from_json::<PartList>(&body) else {
        return Ok(refused(Code::PartList));
    };
    if let Some(answer) = sealed_already(bucket, letter).await? {
        return Ok(answer);
    }
    let parts = list.parts.into_iter().map(|part| (part.part, part.etag)).collect();
    let stored = bucket.complete(&body_key(letter), upload, parts).await?;
    answer::reply(201, &Stored { etag: stored.etag, size: stored.size })
}

async fn abort(bucket: &Letters, letter: LetterId, upload: &str) -> Result<Answer, Fault> {
    bucket.abort(&body_key(letter), upload).await?;
    Ok(Answer::new(204, &[], Body::Empty).headers_of(Kind::Json))
}

async fn ask(env: &Env, letter: LetterId, what: What) -> Result<Outcome, Fault> {
    ask_as(env, letter, Actor::Sender, what).await
}

async fn ask_as(env: &Env, letter: LetterId, by: Actor, what: What) -> Result<Outcome, Fault> {
    let ask = Ask { letter, what, by, details: Details::default(), offer: None };
    Ok(ask_ledger(env, &ask).await?.outcome)
}

fn state(letter: LetterId, state: &str, changed: bool) -> Result<Answer, Fault> {
    answer::reply(200, &LetterState { letter, state: state.to_owned(), changed })
}

fn not_there(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Damaged { code } => problem(422, code, "the object in the bucket is not a whole letter"),
        _ => refused(Code::NoSuchLetter),
    }
}

async fn show(env: &Env, letter: LetterId) -> Result<Answer, Fault> {
    match ask(env, letter, What::Show).await? {
        Outcome::Shown(record) => answer::reply(200, &record),
        other => Ok(not_there(&other)),
    }
}

async fn cancel(env: &Env, letter: LetterId) -> Result<Answer, Fault> {
    match ask(env, letter, What::Do(Command::Cancel)).await? {
        Outcome::Decided { answer: ledger::Answer::Cancelled, changed, .. } => {
            state(letter, "cancelled", changed)
        }
        Outcome::Decided { answer: ledger::Answer::Closed(reason), .. }
            if reason != ClosedReason::Missing =>
        {
            state(letter, reason.as_str(), false)
        }
        other => Ok(not_there(&other)),
    }
}

/// Deletes the letter and everything personal in its record. A letter that no ledger can take on is deleted all the same,
/// because a person's right does not end with a fault of ours; there is no record of it but the line in the log.
async fn erase(env: &Env, bucket: &Letters, letter: LetterId) -> Result<Answer, Fault> {
    let changed = match ask(env, letter, What::Erase).await? {
        Outcome::Decided { answer: ledger::Answer::Erased, changed, .. } => changed,
        Outcome::Damaged { code } => {
            bucket.delete_all(vec![manifest_key(letter), body_key(letter)]).await?;
            log::Line::new("damaged_erased").with("letter", letter.to_string()).with("code", code).info();
            true
        }
        other => return Ok(not_there(&other)),
    };
    state(letter, "erased", changed)
}

/// The sender passes on what a person told it: that is as good as the button.
async fn withdraw(env: &Env, letter: LetterId) -> Result<Answer, Fault> {
    match ask_as(env, letter, Actor::SenderForRecipient, What::Do(Command::Withdraw)).await? {
        Outcome::Decided { answer: ledger::Answer::Refused, changed, .. } => {
            state(letter, "refused", changed)
        }
        Outcome::Decided { answer: ledger::Answer::Withdrawn, changed, .. } => {
            state(letter, "withdrawn", changed)
        }
        Outcome::Decided { answer: ledger::Answer::Closed(reason), .. }
            if reason != ClosedReason::Missing =>
        {
            state(letter, reason.as_str(), false)
        }
        other => Ok(not_there(&other)),
    }
}
