//! The terms that envelopes show. Each text lies in the bucket under its SHA-256, written before anybody is shown it and
//! never deleted, so that the hash in a record always leads to the text. Which text is current for a language is pushed by
//! the sender, and is the site's own where nothing was.

mod store;

use std::cell::RefCell;
use std::rc::Rc;

use data_encoding::HEXLOWER;
use worker::Env;

pub(crate) use self::store::{Book, hash, write};
use crate::platform::bucket::Letters;
use crate::platform::error::Fault;
use crate::platform::settings::Settings;
use crate::platform::{clock, log, tasks};
use waxseal::api::Code;
use waxseal::lang::Lang;
use waxseal::seal::Manifest;
use waxseal::site::Terms;
use waxseal::types::UnixMillis;

/// What was pushed is seen everywhere within a minute.
const FRESH_MILLIS: u64 = 60_000;

/// After a failure the store is left alone for so long, where there is something to go on with.
const RETRY_MS: u64 = 5_000;

/// Texts that an isolate remembers: one for each language, and those of letters that name their own.
const REMEMBERED: usize = 32;

/// The texts that are now shown, in the order of [`Lang::ALL`].
pub(crate) struct Current([Rc<Terms>; Lang::COUNT]);

impl Current {
    /// The text of this language.
    pub(crate) fn of(&self, lang: Lang) -> &Rc<Terms> {
        lang.of(&self.0)
    }
}

thread_local! {
    /// What is current, and until when that is taken as known.
    static CURRENT: RefCell<Option<(UnixMillis, Rc<Current>)>> = const { RefCell::new(None) };
    /// Texts that are in the store for certain: they were read from it or written to it.
    static TEXTS: RefCell<Vec<Rc<Terms>>> = const { RefCell::new(Vec::new()) };
}

/// The texts that are shown now. All of them are in the store. When the store fails, those that were current a moment ago;
/// a fault when nothing is known.
pub(crate) async fn current(env: &Env, settings: &Settings) -> Result<Rc<Current>, Fault> {
    let now = clock::now();
    let known = CURRENT.with_borrow(Clone::clone);
    if let Some((until, current)) = &known
        && now < *until
        // A clock that went back does not keep a text for ever.
        && until.0.saturating_sub(now.0) <= FRESH_MILLIS
    {
        return Ok(Rc::clone(current));
    }
    let (current, lasts) = match (read_current(env, settings).await, known) {
        (Ok(current), _) => (Rc::new(current), FRESH_MILLIS),
        (Err(fault), Some((_, current))) => {
            log::fault("terms", &fault);
            (current, RETRY_MS)
        }
        (Err(fault), None) => return Err(fault),
    };
    let until = UnixMillis(clock::now().0.saturating_add(lasts));
    CURRENT.with_borrow_mut(|kept| *kept = Some((until, Rc::clone(&current))));
    Ok(current)
}

/// The text with this hash: pushed, or the site's own. It is in the store. `None` when neither the store nor the site
/// knows it.
pub(crate) async fn text(
    env: &Env,
    settings: &Settings,
    sha256: &[u8; 32],
) -> Result<Option<Rc<Terms>>, Fault> {
    let known = TEXTS.with_borrow(|texts| texts.iter().find(|text| text.sha256() == sha256).map(Rc::clone));
    if known.is_some() {
        return Ok(known);
    }
    let bucket = Letters::open(env)?;
    let text = match store::read(&bucket, sha256).await? {
        Some(text) => text,
        None => {
            let own = settings.site.terms_by_hash(&HEXLOWER.encode(sha256));
            let Some((lang, text)) = own else { return Ok(None) };
            store::write(&bucket, text, lang).await?;
            text.clone()
        }
    };
    Ok(Some(remember(text)))
}

/// Why this site cannot do what a manifest asks. Such a letter stays shut, for the sender
/// relied on it.
pub(crate) async fn cannot_honour(
    env: &Env,
    settings: &Settings,
    manifest: &Manifest,
) -> Result<Option<Code>, Fault> {
    if manifest.pin.is_some() {
        return Ok(Some(Code::PinNotSupported));
    }
    let Some(hash) = manifest.terms else { return Ok(None) };
    let known = text(env, settings, &hash.0).await?.is_some();
    Ok((!known).then_some(Code::UnknownTerms))
}

/// What is current is read anew for the next envelope of this isolate.
pub(crate) fn forget_current() {
    CURRENT.with_borrow_mut(|kept| *kept = None);
}

pub(crate) fn remember(text: Terms) -> Rc<Terms> {
    let text = Rc::new(text);
    TEXTS.with_borrow_mut(|texts| {
        texts.retain(|known| known.sha256() != text.sha256());
        if texts.len() >= REMEMBERED {
            texts.remove(0);
        }
        texts.push(Rc::clone(&text));
    });
    text
}

async fn read_current(env: &Env, settings: &Settings) -> Result<Current, Fault> {
    let (book, _) = Book::read(&Letters::open(env)?).await?;
    let hashes = Lang::ALL.map(|lang| book.current(lang).unwrap_or(*settings.site.terms(lang).sha256()));
    let texts = tasks::all(hashes.iter().map(|hash| text(env, settings, hash))).await;
    let mut texts = texts.into_iter();
    let mut next = || match texts.next() {
        Some(Ok(Some(text))) => Ok(text),
        Some(Err(fault)) => Err(fault),
        Some(Ok(None)) | None => {
            Err(Fault::new("terms_missing", "terms/current names a text that is not there"))
        }
    };
    Ok(Current([next()?, next()?, next()?, next()?]))
}
