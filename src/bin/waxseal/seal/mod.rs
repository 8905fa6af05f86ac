//! `waxseal seal`: report in, link out.

mod encoding;
mod plan;
mod source;

use serde_json::json;
use waxseal::seal::{RECORD_SIZE, Sealer};
use waxseal::types::UnixMillis;

use crate::args::Seal;
use crate::failure::Failure;
use crate::keyring;
use crate::output::{Output, hex, line, size};
use crate::random::random;
use crate::upload::{Interrupt, UploadError, send_body};
use crate::{qr, when};

pub(crate) use source::{Chunk, Sealed, SourceError};

/// Seals, uploads, checks, and only then prints the link.
pub(crate) async fn run(args: Seal, output: Output, now: UnixMillis) -> Result<(), Failure> {
    let keyring = keyring::load(&args.keys, output)?;
    let key = keyring.active();
    let plan = plan::Plan::new(&args, key, now)?;
    let code = if args.qr { Some(qr::draw(&plan.link)?) } else { None };
    let source = source::Source::open(&args.file)?;
    let target = plan.target(&args, key)?;
    target.check_free().await?;

    let interrupt = Interrupt::listen();
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
    if interrupt.was_pressed() {
        upload.give_up().await;
        return Err(UploadError::Interrupted.into());
    }
    upload.finish(manifest).await?;

    output.note(&format!(
        "Sealed {} ({}), letter {}, {}, open until {}.",
        line(&plan.file_name),
        size(sealed.length),
        plan.letter,
        if args.end_to_end { "end to end" } else { "edge-opened" },
        when::words(plan.not_after),
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
        "sha256": hex(&sealed.sha256),
        "not_after": plan.not_after.0,
        "expires_at": when::rfc3339(plan.not_after),
    });
    if let (Some(code), Some(object)) = (code, answer.as_object_mut()) {
        object.insert("qr".to_owned(), code.into());
    }
    output.answer(&answer, &plan.link)?;
    Ok(())
}
