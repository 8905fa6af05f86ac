//! `/api/v1`: upload, read and cancel, for whoever holds the site's bearer key. Without it: silence.

mod customers;
mod evidence;
mod guard;
mod sweep;
mod terms;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::json;
use worker::Env;

use crate::guard::Ruling;
use crate::objects::ledger::{Ask, Kept, Outcome, What, ask as ask_ledger};
use crate::objects::sequencer::{LogStatus, NAME};
use crate::objects::terms::cannot_honour;
use crate::platform::answer::{self, problem};
use crate::platform::bucket::{BAD_PARTS, Letters, NO_SUCH_UPLOAD, Put};
use crate::platform::error::Fault;
use crate::platform::http::{Answer, Body, Call, Method, from_json};
use crate::platform::settings::Settings;
use crate::platform::{client, log, object};
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

/// To a right key that came to a wrong path.
const NO_SUCH_ROUTE: &str = "this is a Waxseal edge, and its API has no such path: paths begin with /api/v1/, such as /api/v1/letters/UUID";

/// What this module is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The rate limits count by the minute.
const RETRY_AFTER_S: u32 = 60;

#[derive(Deserialize)]
struct PartList {
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    part: u16,
    etag: String,
}

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
            let line = named(ruling.on(log::Line::new("api")), path);
            return problem(429, "too_many_requests", "this client asks too often; try again in a minute")
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
    answer.logged(named(ruling.on(log::Line::new("api")), path).with("client", client::keyed(call, settings)))
}

/// What stands in the API's paths besides names and numbers.
const WORDS: [&str; 20] = [
    "bans",
    "body",
    "cancel",
    "complete",
    "count",
    "current",
    "customers",
    "erase",
    "events",
    "evidence",
    "explain",
    "guard",
    "letters",
    "log",
    "manifest",
    "site",
    "sweep",
    "terms",
    "uploads",
    "withdraw",
];

/// Says in a line which route was asked for and which letter; nothing else of the path is repeated.
fn named(line: log::Line, path: &str) -> log::Line {
    let word = |part| if WORDS.contains(&part) { part } else { "*" };
    let route: Vec<_> = path.split('/').map(word).collect();
    let line = line.with("route", route.join("/"));
    match path.strip_prefix("letters/").and_then(|rest| rest.split('/').next()?.parse::<LetterId>().ok()) {
        Some(letter) => line.with("letter", letter.to_string()),
        None => line,
    }
}

async fn served(call: &mut Call, env: &Env, settings: &Settings, now: UnixMillis, path: &str) -> Answer {
    match route(call, env, settings, now, path).await {
        Ok(answer) => answer,
        Err(fault) if fault.code == NO_SUCH_UPLOAD => problem(
            404,
            NO_SUCH_UPLOAD,
            "there is no such upload: it was never begun, or it was completed or aborted",
        ),
        Err(fault) if fault.code == BAD_PARTS => problem(
            422,
            BAD_PARTS,
            "the parts do not make an object: one is missing, too small, or of another size",
        ),
        Err(fault) => {
            log::fault("desk", &fault);
            problem(503, fault.code, "a service of the platform did not answer; try again")
                .header("retry-after", "5")
        }
    }
}

async fn route(
    call: &mut Call,
    env: &Env,
    settings: &Settings,
    now: UnixMillis,
    path: &str,
) -> Result<Answer, Fault> {
    let mut parts = path.split('/');
    if path == "log" && matches!(call.method, Method::Get | Method::Head) {
        return Ok(answer::json(200, &object::call(env, NAME, &LogStatus {}).await?));
    }
    if parts.clone().next() == Some("guard") {
        let parts: Vec<&str> = parts.skip(1).collect();
        return guard::answer(call, env, settings, now, &parts).await;
    }
    if parts.clone().next() == Some("customers") {
        let parts: Vec<&str> = parts.skip(1).collect();
        return customers::answer(call, env, settings, now, &parts).await;
    }
    if parts.clone().next() == Some("terms") {
        let parts: Vec<&str> = parts.skip(1).collect();
        return terms::answer(call, env, settings, now, &parts).await;
    }
    if path == "site" && matches!(call.method, Method::Get | Method::Head) {
        return Ok(answer::json(
            200,
            &json!({ "name": settings.site.name, "time_zone": settings.site.time_zone, "version": VERSION }),
        ));
    }
    if path == "sweep" {
        return sweep::answer(call.method, env).await;
    }
    let (Some("letters"), Some(letter)) = (parts.next(), parts.next()) else {
        return Ok(problem(404, "no_such_route", NO_SUCH_ROUTE));
    };
    let Ok(letter) = letter.parse::<LetterId>() else {
        return Ok(problem(400, "not_a_uuid", "the letter must be a UUID of 36 characters"));
    };
    let bucket = Letters::open(env)?;
    // An upload's id is R2's own and may hold any character.
    let rest: Vec<_> = parts.map(|part| percent_decode_str(part).decode_utf8_lossy()).collect();
    let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
    match (call.method, rest.as_slice()) {
        (Method::Put, ["body"]) => put_body(call, &bucket, letter).await,
        (Method::Delete, ["body"]) => delete_body(&bucket, letter).await,
        (Method::Put, ["manifest"]) => put_manifest(call, env, &bucket, settings, letter).await,
        (Method::Post, ["uploads"]) => begin(&bucket, letter).await,
        (Method::Put, ["uploads", upload, number]) => put_part(call, &bucket, letter, upload, number).await,
        (Method::Post, ["uploads", upload, "complete"]) => complete(call, &bucket, letter, upload).await,
        (Method::Delete, ["uploads", upload]) => abort(&bucket, letter, upload).await,
        (Method::Get | Method::Head, []) => show(env, letter).await,
        (Method::Post, ["cancel"]) => cancel(env, letter).await,
        (Method::Post, ["evidence"]) => {
            Ok(evidence::export(env, settings, letter).await?.unwrap_or_else(|other| not_there(&other)))
        }
        (Method::Post, ["erase"]) => erase(env, &bucket, letter).await,
        (Method::Post, ["withdraw"]) => withdraw(env, letter).await,
        _ => Ok(problem(404, "no_such_route", NO_SUCH_ROUTE)),
    }
}

/// The answer to a request that announces no length or too much.
fn bad_length(call: &Call, limit: u64, code: &str, detail: &str) -> Option<Answer> {
    match call.content_length() {
        None => Some(problem(411, "length_required", "send Content-Length")),
        Some(length) if length > limit => Some(problem(413, code, detail)),
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
    Ok(sealed
        .then(|| problem(409, "sealed_already", "this letter has a manifest; seal a new letter instead")))
}

async fn put_body(call: &Call, bucket: &Letters, letter: LetterId) -> Result<Answer, Fault> {
    if let Some(answer) = bad_length(call, MAX_PUT, "too_large", "more than 95 MiB: use /uploads") {
        return Ok(answer);
    }
    if let Some(answer) = sealed_already(bucket, letter).await? {
        return Ok(answer);
    }
    let Some(body) = filled(call) else {
        return Ok(problem(400, "empty", "the body of a letter is never empty"));
    };
    let stored = bucket.put_stream(&body_key(letter), body).await?;
    Ok(answer::json(201, &json!({ "etag": stored.etag, "size": stored.size })))
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
    let detail = "a manifest has at most 65,536 bytes";
    if let Some(answer) = bad_length(call, MAX_MANIFEST as u64, "manifest_too_large", detail) {
        return Ok(answer);
    }
    let object = call.request.bytes().await?;
    let manifest = match Manifest::open(&object, letter, &settings.keyring) {
        Ok((manifest, _)) => manifest,
        Err(error) => return Ok(problem(422, error.code(), &error.to_string())),
    };
    if let Some((code, detail)) = cannot_honour(env, settings, &manifest).await? {
        return Ok(problem(422, code, detail));
    }
    // Its ledger keeps what is erased erased. Asked before there is a manifest, it takes nothing on.
    if let Outcome::Kept(Kept { over: Some(EndReason::Erased), .. }) = ask(env, letter, What::Keep).await? {
        bucket.delete(&body_key(letter)).await?;
        return Ok(problem(410, "erased", "this letter was erased; seal a new letter instead"));
    }
    let Some(body) = bucket.head(&body_key(letter)).await? else {
        return Ok(problem(422, "body_missing", "upload the body before the manifest"));
    };
    if let Err(error) = manifest.check_body(body.size) {
        return Ok(problem(422, error.code(), &error.to_string()));
    }
    let key = manifest_key(letter);
    if bucket.create(&key, object.clone()).await? == Put::Exists {
        let same = bucket.read(&key, MAX_MANIFEST as u64).await?.is_some_and(|stored| stored == object);
        return Ok(if same {
            answer::json(200, &json!({ "letter": letter }))
        } else {
            problem(409, "sealed_already", "this letter has another manifest; seal a new letter instead")
        });
    }
    // Another upload of the same letter may have come in between: then nothing is sealed yet.
    let now = bucket.head(&body_key(letter)).await?;
    if now.is_none_or(|now| now.etag != body.etag) {
        bucket.delete(&key).await?;
        return Ok(problem(
            409,
            "body_changed",
            "the body was replaced meanwhile; upload it once, then the manifest",
        ));
    }
    Ok(answer::json(201, &json!({ "letter": letter })))
}

async fn begin(bucket: &Letters, letter: LetterId) -> Result<Answer, Fault> {
    if let Some(answer) = sealed_already(bucket, letter).await? {
        return Ok(answer);
    }
    let upload = bucket.begin(&body_key(letter)).await?;
    Ok(answer::json(201, &json!({ "upload": upload })))
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
        _ => return Ok(problem(400, "part_number", "a part's number is 1 to 10,000")),
    };
    if let Some(answer) = bad_length(call, MAX_PUT, "too_large", "a part has at most 95 MiB") {
        return Ok(answer);
    }
    let Some(body) = filled(call) else {
        return Ok(problem(400, "empty", "a part is never empty"));
    };
    let etag = bucket.part(&body_key(letter), upload, number, body).await?;
    Ok(answer::json(200, &json!({ "etag": etag })))
}

async fn complete(
    call: &mut Call,
    bucket: &Letters,
    letter: LetterId,
    upload: &str,
) -> Result<Answer, Fault> {
    if let Some(answer) = bad_length(call, MAX_PART_LIST, "too_large", "the list of parts is too long") {
        return Ok(answer);
    }
    let body = call.request.bytes().await?;
    let Some(list) = from_json::<PartList>(&body) else {
        return Ok(problem(400, "part_list", "expected {\"parts\":[{\"part\":1,\"etag\":\"...\"}]}"));
    };
    if let Some(answer) = sealed_already(bucket, letter).await? {
        return Ok(answer);
    }
    let parts = list.parts.into_iter().map(|part| (part.part, part.etag)).collect();
    let stored = bucket.complete(&body_key(letter), upload, parts).await?;
    Ok(answer::json(201, &json!({ "etag": stored.etag, "size": stored.size })))
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

fn not_there(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Damaged { code } => problem(422, code, "the object in the bucket is not a whole letter"),
        _ => problem(404, "no_such_letter", "there is no letter of this id in the bucket"),
    }
}

async fn show(env: &Env, letter: LetterId) -> Result<Answer, Fault> {
    match ask(env, letter, What::Show).await? {
        Outcome::Shown(record) => Ok(answer::json_text(200, serde_json::to_string(&record)?)),
        other => Ok(not_there(&other)),
    }
}

async fn cancel(env: &Env, letter: LetterId) -> Result<Answer, Fault> {
    match ask(env, letter, What::Do(Command::Cancel)).await? {
        Outcome::Decided { answer: ledger::Answer::Cancelled, changed, .. } => {
            Ok(answer::json(200, &json!({ "letter": letter, "state": "cancelled", "changed": changed })))
        }
        Outcome::Decided { answer: ledger::Answer::Closed(reason), .. }
            if reason != ClosedReason::Missing =>
        {
            Ok(answer::json(200, &json!({ "letter": letter, "state": reason.as_str(), "changed": false })))
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
    Ok(answer::json(200, &json!({ "letter": letter, "state": "erased", "changed": changed })))
}

/// The sender passes on what a person told it: that is as good as the button.
async fn withdraw(env: &Env, letter: LetterId) -> Result<Answer, Fault> {
    match ask_as(env, letter, Actor::SenderForRecipient, What::Do(Command::Withdraw)).await? {
        Outcome::Decided { answer: ledger::Answer::Refused, changed, .. } => {
            Ok(answer::json(200, &json!({ "letter": letter, "state": "refused", "changed": changed })))
        }
        Outcome::Decided { answer: ledger::Answer::Withdrawn, changed, .. } => {
            Ok(answer::json(200, &json!({ "letter": letter, "state": "withdrawn", "changed": changed })))
        }
        Outcome::Decided { answer: ledger::Answer::Closed(reason), .. }
            if reason != ClosedReason::Missing =>
        {
            Ok(answer::json(200, &json!({ "letter": letter, "state": reason.as_str(), "changed": false })))
        }
        other => Ok(not_there(&other)),
    }
}
