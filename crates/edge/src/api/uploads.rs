//! `/api/v1/letters/UUID/body` and `/uploads`: the sealed report, in one request or in parts.

use super::{Answered, ApiError, ApiRequest};
use crate::platform::bucket::Letters;
use crate::platform::http::Call;
use waxseal::api::{Body as _, Code, PartList, PartStored, Problem, Stored, Upload, op};
use waxseal::seal::{body_key, manifest_key};
use waxseal::types::LetterId;

/// The largest body in one request; the platform itself stops at 100 MB. Larger ones go up in parts.
pub(super) const MAX_PUT: u64 = 95 * 1024 * 1024;
/// Parts of an upload, as S3 and R2 have it.
const MAX_PARTS: u16 = 10_000;
/// Longest list of parts: 10,000 of about 100 bytes.
const MAX_PART_LIST: u64 = 2 * 1024 * 1024;

/// Refuses a request that announces no length or too much.
pub(super) fn check_length(call: &Call, limit: u64, too_long: Problem) -> Result<(), ApiError> {
    match call.content_length() {
        None => Err(Code::LengthRequired.into()),
        Some(length) if length > limit => Err(too_long.into()),
        Some(_) => Ok(()),
    }
}

/// The body of a request, unless it is empty.
fn filled(call: &Call) -> Result<web_sys::ReadableStream, ApiError> {
    let body = call.request.inner().body().filter(|_| call.content_length() != Some(0));
    body.ok_or_else(|| Code::Empty.into())
}

/// A letter whose manifest is written is whole and stays as it is.
async fn check_unsealed(bucket: &Letters, letter: LetterId) -> Result<(), ApiError> {
    match bucket.head(&manifest_key(letter)).await? {
        Some(_) => Err(Code::SealedAlready.into()),
        None => Ok(()),
    }
}

pub(super) async fn put_body(request: &mut ApiRequest<'_>) -> Answered<op::PutBody> {
    let (letter, bucket) = (request.letter()?, Letters::open(request.env)?);
    check_length(request.call, MAX_PUT, Code::TooLarge.because("more than 95 MiB: use /uploads"))?;
    check_unsealed(&bucket, letter).await?;
    let stored = bucket.put(&body_key(letter), filled(request.call)?).await?;
    Ok(Stored { etag: stored.etag, size: stored.size })
}

/// Takes back a body that never got its manifest.
pub(super) async fn delete_body(request: &mut ApiRequest<'_>) -> Answered<op::DeleteBody> {
    let (letter, bucket) = (request.letter()?, Letters::open(request.env)?);
    check_unsealed(&bucket, letter).await?;
    Ok(bucket.delete(&body_key(letter)).await?)
}

pub(super) async fn begin(request: &mut ApiRequest<'_>) -> Answered<op::BeginUpload> {
    let (letter, bucket) = (request.letter()?, Letters::open(request.env)?);
    check_unsealed(&bucket, letter).await?;
    Ok(Upload { upload: bucket.begin(&body_key(letter)).await? })
}

pub(super) async fn put_part(request: &mut ApiRequest<'_>) -> Answered<op::PutPart> {
    let (letter, bucket) = (request.letter()?, Letters::open(request.env)?);
    let number = request.part(2).parse().ok().filter(|number| (1..=MAX_PARTS).contains(number));
    let number = number.ok_or(Code::PartNumber)?;
    check_length(request.call, MAX_PUT, Code::TooLarge.because("a part has at most 95 MiB"))?;
    let body = filled(request.call)?;
    let etag = bucket.part(&body_key(letter), request.part(1), number, body).await?;
    Ok(PartStored { etag })
}

pub(super) async fn complete(request: &mut ApiRequest<'_>) -> Answered<op::CompleteUpload> {
    let (letter, bucket) = (request.letter()?, Letters::open(request.env)?);
    let too_long = Code::TooLarge.because("the list of parts is too long");
    check_length(request.call, MAX_PART_LIST, too_long)?;
    let body = request.call.request.bytes().await.map_err(crate::platform::error::Fault::from)?;
    let list = PartList::decode(&body).map_err(|_| Code::PartList)?;
    check_unsealed(&bucket, letter).await?;
    let parts = list.parts.into_iter().map(|part| (part.part, part.etag)).collect();
    let stored = bucket.complete(&body_key(letter), request.part(1), parts).await?;
    Ok(Stored { etag: stored.etag, size: stored.size })
}

pub(super) async fn abort(request: &mut ApiRequest<'_>) -> Answered<op::AbortUpload> {
    let (letter, bucket) = (request.letter()?, Letters::open(request.env)?);
    Ok(bucket.abort(&body_key(letter), request.part(1)).await?)
}
