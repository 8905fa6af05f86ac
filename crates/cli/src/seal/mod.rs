//! `waxseal seal`: report in, link out.

mod encoding;
mod kind;
mod plan;
mod source;

use data_encoding::HEXLOWER;
use serde_json::json;
use waxseal::seal::{RECORD_SIZE, Sealer};
use waxseal::token::customer_reference;
use waxseal::types::UnixMillis;

use crate::args::Seal;
use crate::erase::nfc;
use crate::error::Error;
use crate::expiry::Ends;
use crate::keyring;
use crate::output::{Output, Warning, line, size};
use crate::secret::random;
use crate::upload::{UploadError, interrupt, send_body};
use crate::{address, message, when};

pub(crate) use source::{Chunk, Sealed, SourceError};

/// Seals, uploads, checks, and only then prints the link.
pub(crate) async fn run(args: Seal, output: Output, now: UnixMillis) -> Result<(), Error> {
    let keyring = keyring::load(&args.keys, output)?;
    let key = keyring.active();
    let url = args.edge.url.as_ref().ok_or(plan::PlanError::NoUrl)?;
    let ends = Ends::of(&args.expires, Some(url), args.edge.retries, key, now.seconds()).await?;
    let subject = Some(args.subject.as_str());
    let draft =
        args.message.draft(subject, args.lang, &args.expires, Some(url), args.edge.retries, key).await?;
    let mut source = source::Source::open(&args.file)?;
    let named = match kind::by_name(&args) {
        Some(named) => named,
        None => kind::by_content(&args, source.peek(kind::HEAD_BYTES)?)?,
    };
    let by_content = named.by_content;
    let plan = plan::Plan::new(&args, named, ends.at, key, now)?;
    let code = if args.qr { Some(address::qr(&plan.link)?) } else { None };
    let warnings: Vec<_> = ends.warning(now.seconds()).into_iter().chain(nobody(&args)).collect();
    output.warnings(&warnings);
    let target = plan.target(&args, key)?;
    target.check_free().await?;

    let interrupt = interrupt();
    let bar = output.bar("Sealing", source.length);
    let sealer = Sealer::new(plan.body_key(), random()?, RECORD_SIZE).map_err(SourceError::Seal)?;
    let chunks = source.seal(sealer, plan.encoding());
    let sent = send_body(target, chunks, interrupt.clone(), &bar).await;
    bar.finish_and_clear();
    let (upload, sealed) = sent?;
    let manifest = match plan.manifest(&sealed, key) {
        Ok(manifest) => manifest,
        Err(error) => {
            upload.give_up().await;
            return Err(error);
        }
    };
    if interrupt.is_cancelled() {
        upload.give_up().await;
        return Err(UploadError::Interrupted.into());
    }
    upload.finish(manifest).await?;

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
    message::answer(draft.as_ref(), answer, &plan.link, (plan.not_after, now), output)
}

/// A reference that names nobody is almost always a program's mistake.
fn nobody(args: &Seal) -> Option<Warning> {
    let given = args.customer.as_deref()?;
    customer_reference(given, nfc).is_none().then(|| Warning {
        code: "customer_nobody",
        message: format!(
            "--customer {} names nobody, so this letter belongs to no customer: it is on no list, and `waxseal erase \
             --customer` does not find it. Give your reference for the person, or leave --customer out",
            line(given)
        ),
    })
}
