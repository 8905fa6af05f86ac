//! `POST /api/v1/letters`: a plain report in, sealed as it comes; a letter, its link and its message out.

use sha2::{Digest, Sha256};

use super::repeat::Repeatable;
use super::sealer::ReportSealer;
use super::uploads::MAX_PUT;
use super::{Answered, ApiError, ApiRequest};
use crate::objects::ledger::{self, Reconcile, Reconciled};
use crate::objects::terms::cannot_honour;
use crate::platform::bucket::Letters;
use crate::platform::error::Fault;
use crate::platform::stream::Source;
use crate::platform::tasks::HeldOpen;
use crate::platform::upload::Upload;
use crate::platform::{intl, log, random};
use waxseal::api::{
    Code, Draft, FormError, FormPiece, FormReader, LetterCreated, LetterFields, LetterMessage, PartHead,
    Problem, op,
};
use waxseal::lang::Lang;
use waxseal::ledger::EndReason;
use waxseal::message::{Letter, Texts, message};
use waxseal::seal::{Manifest, RECORD_SIZE, body_key, edge_key, manifest_key};
use waxseal::token::{Creation, SiteKey, mint};
use waxseal::types::{LetterId, UnixSeconds};

/// The parts of the form, in their order: what is wrong with the fields is known before the report is read.
const PARTS: [&str; 2] = ["letter", REPORT];
const REPORT: &str = "report";
/// The longest JSON of the fields, in bytes: as much as a manifest may have.
const MAX_FIELDS: usize = 64 * 1024;
/// So much of the form is read at a time: a record of the sealed report.
const CHUNK: u32 = RECORD_SIZE;

/// Everything of a request but the report itself.
struct Received {
    /// The fields as they were read, and what the report's part says of it: what a repetition is compared by.
    fields: Vec<u8>,
    draft: Draft,
    length: u64,
    sha256: [u8; 32],
}

pub(super) async fn create(request: &mut ApiRequest<'_>) -> Answered<op::CreateLetter> {
    let _open = HeldOpen::new(request.context);
    if request.call.content_length().is_some_and(|length| length > MAX_PUT) {
        return Err(too_large());
    }
    let content_type = request.call.header("content-type").unwrap_or_default();
    let form = FormReader::new(&content_type, &PARTS).map_err(Problem::from)?;
    let repeatable = Repeatable::of(request)?;
    let stream = request.call.request.inner().body().ok_or(Code::FormData)?;
    let source = Source::new(&stream)?;
    let mut upload = None;
    let made = make(request, form, &source, repeatable, &mut upload).await;
    if let (Err(_), Some(upload)) = (&made, upload)
        && let Err(fault) = upload.give_up().await
    {
        log::fault("create", &fault);
    }
    if matches!(made, Err(ApiError::Problem(_))) {
        // Whoever is still sending hears what was wrong, rather than a connection that ends.
        drain(&source).await;
    }
    made
}

fn too_large() -> ApiError {
    let detail = "a request may have 95 MiB: seal a larger report with `waxseal seal`, which sends it in parts or to S3";
    Code::TooLarge.because(detail).into()
}

/// Reads what is left, up to what a request may have.
async fn drain(source: &Source) {
    let mut left = MAX_PUT;
    while left > 0 {
        match source.take(CHUNK).await {
            Ok(chunk) if chunk.length() > 0 => left = left.saturating_sub(chunk.length().into()),
            _ => return,
        }
    }
    source.cancel().await;
}

/// `upload` is what is to be given up where this fails.
async fn make(
    request: &ApiRequest<'_>,
    form: FormReader,
    source: &Source,
    repeatable: Option<Repeatable>,
    upload: &mut Option<Upload>,
) -> Answered<op::CreateLetter> {
    let (bucket, keyring) = (Letters::open(request.env)?, &request.settings.keyring);
    let site = keyring.active();
    if let Some(it) = &repeatable
        && let Some((first, site)) = it.look(&bucket, keyring, request.now).await?
    {
        let received = receive(request, form, source, first.letter, first.issued_at, upload).await?;
        return repeated(request, &bucket, received, first, site).await;
    }
    let letter = LetterId::v7(request.now, random::bytes()?);
    *upload = Some(Upload::new(Letters::open(request.env)?, body_key(letter)));
    let received = receive(request, form, source, letter, request.now.seconds(), upload).await?;
    if let Some(it) = &repeatable
        && let Some(upload) = upload.take()
    {
        let digest = site.creations().digest(&received.fields, &received.sha256);
        let Manifest { issued_at, not_after, .. } = received.draft.manifest;
        // Where this fails nobody knows whether it is claimed, so the body stays: a repetition may need it, or the sweep takes it.
        let creation = Creation { letter, issued_at, not_after, digest };
        if let Some(first) = it.claim(&bucket, site, request.now, creation).await? {
            upload.give_up().await?;
            return repeated(request, &bucket, received, first, site).await;
        }
    }
    let manifest = received.draft.finish(received.length, received.sha256);
    if let Err(fault) = seal(&bucket, &manifest, site).await {
        if repeatable.is_none() {
            // Nobody would ever hear of this letter.
            bucket.delete(&manifest_key(letter)).await?;
        }
        return Err(fault);
    }
    upload.take();
    // From now on it is on lists, and its clock runs. Where this fails the sweep does it.
    if let Err(fault) = ledger::call(request.env, &Reconcile { letter, retell: false }).await {
        log::fault("create", &fault);
    }
    log::Line::new("letter_created").with("letter", letter.to_string()).info();
    Ok(created(request, &manifest, site, true)?)
}

/// Writes the manifest, unless a repetition has: from then on there is a letter.
async fn seal(bucket: &Letters, manifest: &Manifest, site: &SiteKey) -> Result<(), ApiError> {
    let object = manifest.encrypt(site, random::bytes()?).map_err(Problem::from)?;
    bucket.create(&manifest_key(manifest.letter), object).await?;
    Ok(())
}

/// Answers the letter that was made of an earlier request, if that was the same.
async fn repeated(
    request: &ApiRequest<'_>,
    bucket: &Letters,
    received: Received,
    first: Creation,
    site: &SiteKey,
) -> Answered<op::CreateLetter> {
    let Received { fields, draft, length, sha256 } = received;
    if site.creations().digest(&fields, &sha256) != first.digest {
        return Err(Code::IdempotencyKey.into());
    }
    let letter = first.letter;
    let mut manifest = draft.finish(length, sha256);
    (manifest.letter, manifest.issued_at, manifest.not_after) = (letter, first.issued_at, first.not_after);
    if bucket.head(&manifest_key(letter)).await?.is_none() {
        // The first one died before its last step, or the letter is erased. Asked before there is a manifest, a ledger takes
        // nothing on.
        let asked = ledger::call(request.env, &Reconcile { letter, retell: false }).await?;
        let is_erased = matches!(asked, Ok(Reconciled { end_reason: Some(EndReason::Erased), .. }));
        if is_erased || bucket.head(&body_key(letter)).await?.is_none() {
            return Err(Code::Erased.into());
        }
        seal(bucket, &manifest, site).await?;
    }
    Ok(created(request, &manifest, site, false)?)
}

/// Reads the form to its end. The report goes sealed into `upload`, if there is one.
async fn receive(
    request: &ApiRequest<'_>,
    mut form: FormReader,
    source: &Source,
    letter: LetterId,
    issued_at: UnixSeconds,
    upload: &mut Option<Upload>,
) -> Result<Received, ApiError> {
    let key = edge_key(request.settings.keyring.active(), letter);
    let mut sealer = ReportSealer::new(key.as_slice(), random::bytes()?).await?;
    let (mut json, mut read) = (Vec::new(), None::<Received>);
    let (mut hash, mut total) = (Sha256::new(), 0u64);
    loop {
        // What the runtime says of a line that was cut is nobody's fault here.
        let chunk = source.take(CHUNK).await.map_err(|_| Problem::from(FormError::Short))?;
        total = total.saturating_add(chunk.length().into());
        if total > MAX_PUT {
            return Err(too_large());
        }
        form.push(&chunk.to_vec());
        while let Some(piece) = form.next_piece().map_err(Problem::from)? {
            match (piece, &mut read) {
                (FormPiece::Head(head), None) if head.name == REPORT => {
                    read = Some(begin(request, &json, &head, letter, issued_at).await?);
                }
                (FormPiece::Head(_) | FormPiece::End, _) => {}
                (FormPiece::Data(data), None) => {
                    json.extend_from_slice(data);
                    if json.len() > MAX_FIELDS {
                        return Err(Code::TooLarge
                            .because("the part letter has at most 65,536 bytes")
                            .into());
                    }
                }
                (FormPiece::Data(data), Some(read)) => {
                    read.length = read.length.saturating_add(data.len() as u64);
                    hash.update(data);
                    read.draft.see(data);
                    if let Some(upload) = upload {
                        sealer.push(data, &mut upload.buffer).await?;
                        upload.flush().await?;
                    }
                }
            }
        }
        if chunk.length() < CHUNK {
            break;
        }
    }
    form.finish().map_err(Problem::from)?;
    let received = read.filter(|read| read.length > 0).ok_or(Code::Empty)?;
    if let Some(upload) = upload {
        sealer.finish(&mut upload.buffer).await?;
        upload.flush().await?;
        upload.finish().await?;
    }
    Ok(Received { sha256: hash.finalize().into(), ..received })
}

/// What is known when the report begins.
async fn begin(
    request: &ApiRequest<'_>,
    json: &[u8],
    head: &PartHead,
    letter: LetterId,
    issued_at: UnixSeconds,
) -> Result<Received, ApiError> {
    let fields = LetterFields::read(json)?;
    let draft = fields.draft(letter, issued_at, head)?;
    if let Some(code) = cannot_honour(request.env, request.settings, &draft.manifest).await? {
        return Err(code.into());
    }
    let fields = serde_json::to_vec(&(&fields, &head.file_name, &head.media_type)).map_err(Fault::from)?;
    Ok(Received { fields, draft, length: 0, sha256: [0; 32] })
}

/// The answer for a letter that is there.
fn created(
    request: &ApiRequest<'_>,
    manifest: &Manifest,
    key: &SiteKey,
    new: bool,
) -> Result<LetterCreated, Fault> {
    let not_after = manifest.not_after;
    // A key that was rotated out meanwhile may end before the link does; the active one makes as good a link.
    let token = mint(key, manifest.letter, not_after);
    let token = token.or_else(|_| mint(request.settings.keyring.active(), manifest.letter, not_after));
    let token = token.map_err(|error| Fault::new("mint", error))?;
    let link = format!("{}/{}", request.call.origin(), token.as_str());
    let message = message_of(request, manifest, &link, not_after);
    Ok(LetterCreated { letter: manifest.letter, link, not_after, new, message })
}

/// What brings a link that ends then.
pub(super) fn message_of(
    request: &ApiRequest<'_>,
    manifest: &Manifest,
    link: &str,
    not_after: UnixSeconds,
) -> LetterMessage {
    let site = &request.settings.site;
    let lang = manifest.language.as_deref().and_then(Lang::from_tag).unwrap_or(site.default_language);
    let letter =
        Letter { sender: &site.name, subject: &manifest.subject, link, not_after, lang, accent: site.accent };
    message(&letter, &Texts::of(lang), &|at| intl::ahead(&site.time_zone, at)).into()
}
