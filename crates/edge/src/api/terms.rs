//! `/api/v1/terms`: the sender's versions of the terms.

use super::{Answered, ApiRequest};
use crate::objects::terms::{Book, forget_current, hash, remember, text, write};
use crate::platform::bucket::Letters;
use waxseal::api::{
    Code, Problem, TermsChanged, TermsCurrent, TermsList, TermsPushed, TermsStored, TermsText, op,
};
use waxseal::lang::Lang;
use waxseal::seal::Sha256Sum;
use waxseal::site::Terms;

/// Four languages and their hashes.
const MAX_CHOICE: u32 = 1_024;

/// Pushes that may come in between before this one gives up.
const TRIES: u32 = 5;

pub(super) async fn list(request: &mut ApiRequest<'_>) -> Answered<op::ListTerms> {
    let ApiRequest { env, settings, .. } = *request;
    let (book, _) = Book::read(&Letters::open(env)?).await?;
    let current = Lang::ALL.map(|lang| {
        let (sha256, source, since) = match book.pushed(lang) {
            Some(pushed) => (pushed.sha256, "pushed", Some(pushed.at)),
            None => (Sha256Sum(*settings.site.terms(lang).sha256()), "site", None),
        };
        (lang.tag().to_owned(), TermsCurrent { sha256, source: source.to_owned(), since })
    });
    Ok(TermsList { current: current.into(), history: book.history })
}

pub(super) async fn show(request: &mut ApiRequest<'_>) -> Answered<op::ShowTerms> {
    let (env, settings, hex) = (request.env, request.settings, request.part(0));
    let sha256 = hash(hex).ok_or(Code::NotAHash)?;
    let text = text(env, settings, &sha256).await?.ok_or_else(|| unknown(hex))?;
    let (book, _) = Book::read(&Letters::open(env)?).await?;
    let own = settings.site.terms_by_hash(hex).map(|(lang, _)| lang);
    let pushed =
        book.history.iter().rev().find(|pushed| pushed.sha256.0 == sha256).map(|pushed| pushed.language);
    let language = pushed.or(own).map(|lang| lang.tag().to_owned());
    Ok(TermsText { sha256: hex.to_owned(), language, text: text.text().to_owned() })
}

pub(super) async fn put(request: &mut ApiRequest<'_>) -> Answered<op::PutTerms> {
    let hex = request.part(0).to_owned();
    let sha256 = hash(&hex).ok_or(Code::NotAHash)?;
    let language = request.call.query("language");
    let lang = language.as_deref().and_then(Lang::from_tag).ok_or(Code::TermsLanguage)?;
    let bytes = request.call.small_body(Terms::MAX_BYTES as u32).await?.ok_or(Code::TermsTooLong)?;
    let terms = Terms::pushed(&bytes, Some(&request.settings.site.name)).map_err(Problem::from)?;
    if terms.sha256() != &sha256 {
        return Err(Code::TermsHash.into());
    }
    let new = write(&Letters::open(request.env)?, &terms, lang).await?;
    remember(terms);
    Ok(TermsStored { sha256: hex, language: lang.tag().to_owned(), new })
}

/// Makes texts current, all languages of a push at once.
pub(super) async fn choose(request: &mut ApiRequest<'_>) -> Answered<op::ChooseTerms> {
    let expected = Code::TermsChoice.into();
    let choice = request.body::<op::ChooseTerms>(MAX_CHOICE, &expected).await?;
    let ApiRequest { env, settings, now, .. } = *request;
    let mut wanted = Vec::new();
    for (tag, hex) in &choice {
        let lang = Lang::ALL.into_iter().find(|lang| lang.tag() == tag);
        let (lang, sha256) = lang.zip(hash(hex)).ok_or_else(|| expected.clone())?;
        if text(env, settings, &sha256).await?.is_none() {
            return Err(unknown(hex).into());
        }
        wanted.push((lang, sha256));
    }
    if wanted.is_empty() {
        return Err(expected.into());
    }
    let bucket = Letters::open(env)?;
    for _ in 0..TRIES {
        let (mut book, etag) = Book::read(&bucket).await?;
        let mut changed = Vec::new();
        for (language, sha256) in &wanted {
            if book.push(TermsPushed { language: *language, sha256: Sha256Sum(*sha256), at: now }) {
                changed.push(language.tag().to_owned());
            }
        }
        if changed.is_empty() || book.write(&bucket, etag.as_deref()).await? {
            forget_current();
            return Ok(TermsChanged { changed });
        }
    }
    Err(Code::TermsBusy.into())
}

fn unknown(hex: &str) -> Problem {
    Code::NoSuchTerms.because(&format!("no terms of this site have the SHA-256 {hex}; push them first"))
}
