//! `waxseal seal`: report in, link out; or a table of reports in, a line for each out.

mod bulk;
mod encoding;
mod kind;
mod plan;
mod source;

use std::sync::Arc;

use data_encoding::HEXLOWER;
use indicatif::ProgressBar;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use waxseal::seal::{FragmentKey, RECORD_SIZE, Sealer};
use waxseal::token::{SiteKey, customer_reference};
use waxseal::types::{LetterId, UnixMillis};

use crate::args::Seal;
use crate::erase::nfc;
use crate::error::Error;
use crate::expiry::Ends;
use crate::keyring;
use crate::output::{Output, Warning, line, size};
use crate::secret::random;
use crate::upload::{Target, UploadError, interrupt, send_body};
use crate::{address, message, when};

pub(crate) use source::{Chunk, Sealed, SourceError};

/// Seals, uploads, checks, and only then prints the link; for one letter, or for each of a table.
pub(crate) async fn run(args: Seal, output: Output, now: UnixMillis) -> Result<(), Error> {
    match args.table.from.clone() {
        Some(table) => bulk::run(args, &table, output, now).await,
        None => one(&args, output, now).await,
    }
}

async fn one(args: &Seal, output: Output, now: UnixMillis) -> Result<(), Error> {
    let keyring = keyring::load(&args.keys, output)?;
    let key = keyring.active();
    let url = args.edge.url.as_ref().ok_or(plan::PlanError::NoUrl)?;
    let ends = Ends::of(&args.expires, Some(url), args.edge.retries, key, now.seconds()).await?;
    let about = plan::About::of(args);
    let subject = Some(about.subject.as_str());
    let draft =
        args.message.draft(subject, args.lang, &args.expires, Some(url), args.edge.retries, key).await?;
    let (source, named) = open(&about)?;
    let by_content = named.by_content;
    let identity = plan::Identity {
        letter: args.id.map_or_else(|| random().map(|bytes| LetterId::v7(now, bytes)), Ok)?,
        not_after: ends.at,
        fragment: if args.end_to_end { Some(FragmentKey::new(random()?)) } else { None },
    };
    let plan = plan::Plan::new(&about, named, identity, url, key, now.seconds())?;
    let code = if args.qr { Some(address::qr(&plan.link)?) } else { None };
    let nobody = about.customer.as_deref().and_then(|customer| nobody("--customer", customer));
    let warnings: Vec<_> = ends.warning(now.seconds()).into_iter().chain(nobody).collect();
    output.warnings(&warnings);
    let target = plan::Place::of(args, url, key)?.target(plan.letter);
    target.check_free().await?;

    let bar = output.bar("Sealing", source.length);
    let sealed = send(&plan, source, target, key, interrupt(), &bar).await;
    bar.finish_and_clear();
    let sealed = sealed?;

    output.note(&format!(
        "Sealed {} ({}{}), letter {}, {}, open until {}.",
        line(&plan.file_name),
        size(sealed.length),
        if by_content { format!(", {} by its content", plan.media_type(&sealed)) } else { String::new() },
        plan.letter,
        if args.end_to_end { "end to end" } else { "edge-opened" },
        ends.words(),
    ));
    match sealed.charset.as_deref() {
        Some(encoding::UNKNOWN) => output.warn(
            "The encoding of this text is not known, so readers can only download it. Say it with --media-type, such as \
             'text/plain; charset=ibm866'.",
        ),
        Some(charset) if charset != "utf-8" => output.note(&format!("The text is in {charset}.")),
        _ => {}
    }
    if let Some(code) = &code {
        output.warn(code);
    }
    let mut answer = json!({
        "letter": plan.letter.to_string(),
        "link": plan.link.as_str(),
        "token": plan.token,
        "mode": plan.mode_name(),
        "kid": key.kid().0,
        "file_name": plan.file_name,
        "media_type": plan.media_type(&sealed),
        "length": sealed.length,
        "body_length": sealed.body_length,
        "sha256": HEXLOWER.encode(&sealed.sha256),
        "not_after": plan.not_after.0,
        "expires_at": when::rfc3339(plan.not_after),
    });
    if let (Some(code), Some(object)) = (code, answer.as_object_mut()) {
        object.insert("qr".to_owned(), code.into());
    }
    ends.insert(&mut answer);
    Warning::insert(&warnings, &mut answer);
    message::answer(draft.as_ref(), answer, &plan.link, (plan.letter, plan.not_after), now, output)
}

/// The report, with its name and media type.
fn open(about: &plan::About) -> Result<(source::Source, kind::Named), Error> {
    let mut source = source::Source::open(&about.file)?;
    let named = match kind::by_name(about) {
        Some(named) => named,
        None => kind::by_content(about, source.peek(kind::HEAD_BYTES)?)?,
    };
    Ok((source, named))
}

/// Why a letter was not brought to its place.
enum SendError {
    Upload(UploadError),
    Other(Error),
}

impl From<UploadError> for SendError {
    fn from(error: UploadError) -> Self {
        Self::Upload(error)
    }
}

impl From<Error> for SendError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Upload(error) => error.into(),
            SendError::Other(error) => error,
        }
    }
}

/// Seals the report and brings body and manifest to their place, in this order: from then on there is a letter.
async fn send(
    plan: &plan::Plan,
    source: source::Source,
    target: Arc<dyn Target>,
    key: &SiteKey,
    interrupt: CancellationToken,
    bar: &ProgressBar,
) -> Result<Sealed, SendError> {
    let salt = random().map_err(Error::from)?;
    let sealer =
        Sealer::new(plan.body_key(), salt, RECORD_SIZE).map_err(|e| Error::from(SourceError::Seal(e)))?;
    let chunks = source.seal(sealer, plan.encoding());
    let (upload, sealed) = send_body(target, chunks, interrupt.clone(), bar).await?;
    let manifest = match plan.manifest(&sealed, key) {
        Ok(manifest) => manifest,
        Err(error) => {
            upload.give_up().await;
            return Err(error.into());
        }
    };
    if interrupt.is_cancelled() {
        upload.give_up().await;
        return Err(UploadError::Interrupted.into());
    }
    upload.finish(manifest).await?;
    Ok(sealed)
}

/// A reference that names nobody is almost always a program's mistake. `place` is where it was given.
fn nobody(place: &str, given: &str) -> Option<Warning> {
    customer_reference(given, nfc).is_none().then(|| Warning {
        code: "customer_nobody",
        message: format!(
            "{place} {} names nobody, so this letter belongs to no customer: it is on no list, and `waxseal erase \
             --customer` does not find it. Give your reference for the person, or leave {place} out",
            line(given)
        ),
    })
}
