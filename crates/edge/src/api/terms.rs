//! `/api/v1/terms`: the sender's versions of the terms.

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use worker::Env;

use crate::objects::terms::{Book, Turn, forget_current, hash, remember, text, write};
use crate::platform::answer::{self, problem, refused, refused_as};
use crate::platform::bucket::Letters;
use crate::platform::error::Fault;
use crate::platform::http::{Answer, Call, from_json};
use crate::platform::settings::Settings;
use waxseal::api::{Code, TermsChanged, TermsStored, TermsText};
use waxseal::lang::Lang;
use waxseal::site::Terms;
use waxseal::types::UnixMillis;

/// Four languages and their hashes.
const MAX_CHOICE: u32 = 1_024;

/// Pushes that may come in between before this one gives up.
const TRIES: u32 = 5;

pub(crate) async fn list(env: &Env, settings: &Settings) -> Result<Answer, Fault> {
    let (book, _) = Book::read(&Letters::open(env)?).await?;
    let mut current = Map::new();
    for lang in Lang::ALL {
        let line = match book.turn(lang) {
            Some(turn) => json!({
                "sha256": HEXLOWER.encode(&turn.sha256), "source": "pushed", "since": turn.at.0,
            }),
            None => json!({ "sha256": settings.site.terms(lang).hex(), "source": "site", "since": null }),
        };
        current.insert(lang.tag().to_owned(), line);
    }
    let mut list = book.to_json();
    if let Some(list) = list.as_object_mut() {
        list.insert("current".to_owned(), Value::Object(current));
    }
    answer::reply(200, &list)
}

pub(crate) async fn show(env: &Env, settings: &Settings, hex: &str) -> Result<Answer, Fault> {
    let Some(sha256) = hash(hex) else { return Ok(refused(Code::NotAHash)) };
    let Some(text) = text(env, settings, &sha256).await? else { return Ok(unknown(hex)) };
    let (book, _) = Book::read(&Letters::open(env)?).await?;
    let own = settings.site.terms_by_hash(hex).map(|(lang, _)| lang);
    let pushed = book.turns().iter().rev().find(|turn| turn.sha256 == sha256).map(|turn| turn.lang);
    let language = pushed.or(own).map(|lang| lang.tag().to_owned());
    answer::reply(200, &TermsText { sha256: hex.to_owned(), language, text: text.text().to_owned() })
}

pub(crate) async fn put(call: &mut Call, env: &Env, settings: &Settings, hex: &str) -> Result<Answer, Fault> {
    let Some(sha256) = hash(hex) else { return Ok(refused(Code::NotAHash)) };
    let Some(lang) = call.query("language").as_deref().and_then(Lang::from_tag) else {
        return Ok(refused(Code::TermsLanguage));
    };
    let Some(bytes) = call.small_body(Terms::MAX_BYTES as u32).await? else {
        return Ok(refused(Code::TermsTooLong));
    };
    let terms = match Terms::pushed(&bytes, Some(&settings.site.name)) {
        Ok(terms) => terms,
        Err(error) => return Ok(problem(422, error.code(), &error.to_string())),
    };
    if terms.sha256() != &sha256 {
        return Ok(refused(Code::TermsHash));
    }
    let new = write(&Letters::open(env)?, &terms, lang).await?;
    remember(terms);
    let status = if new { 201 } else { 200 };
    answer::reply(status, &TermsStored { sha256: hex.to_owned(), language: lang.tag().to_owned(), new })
}

/// Makes texts current, all languages of a push at once.
pub(crate) async fn choose(
    call: &mut Call,
    env: &Env,
    settings: &Settings,
    now: UnixMillis,
) -> Result<Answer, Fault> {
    let expected = || refused(Code::TermsChoice);
    let Some(body) = call.small_body(MAX_CHOICE).await? else { return Ok(expected()) };
    let Some(Value::Object(choice)) = from_json(&body) else { return Ok(expected()) };
    let mut turns = Vec::new();
    for (tag, hex) in &choice {
        let hash = hex.as_str().and_then(hash);
        let (Some(lang), Some(sha256)) = (Lang::ALL.into_iter().find(|lang| lang.tag() == tag), hash) else {
            return Ok(expected());
        };
        if text(env, settings, &sha256).await?.is_none() {
            return Ok(unknown(hex.as_str().unwrap_or_default()));
        }
        turns.push((lang, sha256));
    }
    if turns.is_empty() {
        return Ok(expected());
    }
    let bucket = Letters::open(env)?;
    for _ in 0..TRIES {
        let (mut book, etag) = Book::read(&bucket).await?;
        let mut changed = Vec::new();
        for (lang, sha256) in &turns {
            if book.push(Turn { lang: *lang, sha256: *sha256, at: now }) {
                changed.push(lang.tag().to_owned());
            }
        }
        if changed.is_empty() || book.write(&bucket, etag.as_deref()).await? {
            forget_current();
            return answer::reply(200, &TermsChanged { changed });
        }
    }
    Ok(refused(Code::TermsBusy))
}

fn unknown(hex: &str) -> Answer {
    let detail = format!("no terms of this site have the SHA-256 {hex}; push them first");
    refused_as(Code::NoSuchTerms, &detail)
}
