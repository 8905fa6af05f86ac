//! `GET /TOKEN/report`: the stream. Edge-opened letters are decrypted record by record on the way; end-to-end letters
//! pass through untouched.

use web_sys::ReadableStream;

use super::Visit;
use crate::edge::bucket::Letters;
use crate::edge::error::Fault;
use crate::edge::http::{Answer, Body, Call, Method};
use crate::edge::ledger::Outcome;
use crate::edge::log;
use crate::edge::stream::{self, Sink, Source};
use crate::edge::webcrypto::GcmKey;
use crate::ledger::{self, Command};
use crate::pages::Closed;
use crate::pages::headers::Kind;
use crate::seal::{
    Disposition, HEADER_LENGTH, Header, Manifest, Mode, RangeAnswer, RangePlan, RecordKeys, answer_range,
    body_key, check_delimiter, content_disposition, edge_key, inline_media_type,
};
use crate::types::Kid;

/// What the headers of a report say besides its range.
struct Shape {
    kind: Kind,
    content_type: String,
    disposition: String,
    etag: String,
    length: u64,
}

/// Why no byte was sent.
enum Unreadable {
    /// The object is not what was sealed; the code is for the log.
    Damaged(&'static str),
    Fault(Fault),
}

impl From<Fault> for Unreadable {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Visit<'_> {
    pub(super) async fn report(&self, call: &Call) -> Result<Answer, Fault> {
        let Some(consent) = self.consent_of(call) else { return Ok(self.to_front(call)) };
        let reply = self.ask(call, Command::Report { consent }).await?;
        let (manifest, kid) = match (&reply.outcome, &reply.manifest, reply.kid) {
            (Outcome::Decided { answer: ledger::Answer::Letter(_), .. }, Some(manifest), Some(kid)) => {
                (manifest, kid)
            }
            (Outcome::Decided { answer: ledger::Answer::Envelope, .. }, ..) => return Ok(self.to_front(call)),
            _ => return self.show(call, &reply, None).await,
        };
        let bucket = Letters::open(self.env)?;
        let Some(stored) = bucket.head(&body_key(manifest.letter)).await? else {
            return Ok(self.damaged(call, "body_missing"));
        };
        if manifest.check_body(stored.size).is_err() {
            return Ok(self.damaged(call, "body_length"));
        }
        let download = call.query("download").is_some();
        let shape = Shape::of(manifest, stored.etag, download)?;
        let range = call.header("range");
        let if_range = call.header("if-range");
        let range = answer_range(range.as_deref(), if_range.as_deref(), &shape.etag, shape.length);
        let (start, end) = match range {
            RangeAnswer::Unsatisfiable => return Ok(shape.head(416, &range).with_body(Body::Empty)),
            RangeAnswer::Whole => (0, shape.length),
            RangeAnswer::Part { start, end } => (start, end),
        };
        let status = if range == RangeAnswer::Whole { 200 } else { 206 };
        let head = shape.head(status, &range);
        let length = end.saturating_sub(start);
        if call.method == Method::Head {
            return Ok(head.header("content-length", length.to_string()));
        }
        let body = match manifest.mode {
            Mode::EndToEnd => untouched(&bucket, manifest, start, length).await,
            Mode::EdgeOpened => self.opened(&bucket, manifest, kid, start, end).await,
        };
        match body {
            Ok(stream) => Ok(head.with_body(Body::Stream(stream, length))),
            Err(Unreadable::Damaged(code)) => Ok(self.damaged(call, code)),
            Err(Unreadable::Fault(fault)) => {
                log::fault("report", &fault);
                Ok(self.closed(call, Some(manifest), Closed::Unavailable { retry_after_s: 30 }))
            }
        }
    }

    /// The plaintext of `start..end`. The first record is opened before the answer begins, so that a damaged object
    /// is told in words; a later one breaks the connection.
    async fn opened(
        &self,
        bucket: &Letters,
        manifest: &Manifest,
        kid: Kid,
        start: u64,
        end: u64,
    ) -> Result<ReadableStream, Unreadable> {
        let framing = manifest.framing().map_err(|e| Fault::new(e.code(), e))?;
        let plan = framing.range(start, end).unwrap_or_else(|| framing.whole());
        let site = self.settings.keyring.get(kid).ok_or_else(|| Fault::new("unknown_kid", kid))?;
        let key = body_key(manifest.letter);

        let header = read_header(bucket, &key, manifest.record_size).await?;
        let keys = RecordKeys::derive(edge_key(site, manifest.letter).as_slice(), &header.salt);
        let gcm = GcmKey::import(keys.cek()).await?;
        let body = bucket.stream(&key, plan.body_start, plan.body_length).await?;
        let reader = Reader {
            source: Source::new(&body.ok_or(Unreadable::Damaged("body_missing"))?)?,
            gcm,
            keys,
            plan,
        };

        let first = match reader.record(0).await {
            Ok(first) => first,
            Err(code) => {
                reader.source.cancel().await;
                return Err(Unreadable::Damaged(code));
            }
        };
        let (sink, readable) = stream::pipe(end.saturating_sub(start))?;
        let letter = manifest.letter.to_string();
        wasm_bindgen_futures::spawn_local(async move {
            if let Err(code) = pump(&reader, &sink, first).await {
                sink.abort("damaged").await;
                reader.source.cancel().await;
                log::Line::new("report_aborted").with("letter", letter).with("code", code).error();
            }
        });
        Ok(readable)
    }
}

async fn read_header(bucket: &Letters, key: &str, record_size: u32) -> Result<Header, Unreadable> {
    let stream = bucket.stream(key, 0, HEADER_LENGTH as u64).await?;
    let source = Source::new(&stream.ok_or(Unreadable::Damaged("body_missing"))?)?;
    let bytes = source.take(HEADER_LENGTH as u32).await?.to_vec();
    Header::parse_letter(&bytes, record_size).map_err(|error| Unreadable::Damaged(error.code()))
}

async fn untouched(
    bucket: &Letters,
    manifest: &Manifest,
    start: u64,
    length: u64,
) -> Result<ReadableStream, Unreadable> {
    let stream = bucket.stream(&body_key(manifest.letter), start, length).await?;
    stream.ok_or(Unreadable::Damaged("body_missing"))
}

/// Records of a body, read and opened one at a time.
struct Reader {
    source: Source,
    gcm: GcmKey,
    keys: RecordKeys,
    plan: RangePlan,
}

impl Reader {
    /// The wanted plaintext of record `index` of the plan. The error is a code for the log.
    async fn record(&self, index: u64) -> Result<js_sys::Uint8Array, &'static str> {
        let record = self.plan.record(index).ok_or("plan")?;
        let sealed = self.source.take(record.sealed_length).await.map_err(|_| "bucket_read")?;
        if sealed.length() != record.sealed_length {
            return Err("truncated");
        }
        let nonce = self.keys.nonce(record.seq);
        let plain = self.gcm.open(&nonce, &sealed).await.map_err(|_| "not_authentic")?;
        // The delimiter and the byte before it are all that has to be looked at; the rest never enters wasm memory.
        let tail = plain.subarray(plain.length().saturating_sub(2), plain.length()).to_vec();
        check_delimiter(&tail, record.is_last).map_err(|error| error.code())?;
        Ok(plain.subarray(record.keep.start, record.keep.end))
    }
}

async fn pump(reader: &Reader, sink: &Sink, first: js_sys::Uint8Array) -> Result<(), &'static str> {
    let gone = |_| "client_gone";
    if first.length() > 0 {
        sink.write(&first).await.map_err(gone)?;
    }
    for index in 1..reader.plan.records {
        let chunk = reader.record(index).await?;
        sink.write(&chunk).await.map_err(gone)?;
    }
    sink.close().await.map_err(gone)
}

impl Shape {
    fn of(manifest: &Manifest, etag: String, download: bool) -> Result<Self, Fault> {
        let framing = manifest.framing().map_err(|e| Fault::new(e.code(), e))?;
        let inline = inline_media_type(&manifest.media_type) && !download;
        Ok(match manifest.mode {
            Mode::EndToEnd => Self {
                kind: Kind::Report,
                content_type: "application/octet-stream".to_owned(),
                disposition: content_disposition("letter.sealed", Disposition::Attachment),
                etag,
                length: framing.body_length(),
            },
            Mode::EdgeOpened => Self {
                kind: if manifest.media_type == "application/pdf" { Kind::ReportPdf } else { Kind::Report },
                content_type: if inline {
                    shown_type(&manifest.media_type)
                } else {
                    "application/octet-stream".to_owned()
                },
                disposition: content_disposition(
                    &manifest.file_name,
                    if inline { Disposition::Inline } else { Disposition::Attachment },
                ),
                etag,
                length: manifest.length,
            },
        })
    }

    fn head(&self, status: u16, range: &RangeAnswer) -> Answer {
        let answer = Answer::new(status, &[], Body::Empty)
            .headers_of(self.kind)
            .header("accept-ranges", "bytes")
            .header("etag", self.etag.clone());
        let answer = match range.content_range(self.length) {
            Some(value) => answer.header("content-range", value),
            None => answer,
        };
        if status == 416 {
            return answer;
        }
        answer
            .header("content-type", self.content_type.clone())
            .header("content-disposition", self.disposition.clone())
    }
}

fn shown_type(media_type: &str) -> String {
    if media_type == "text/plain" { "text/plain; charset=utf-8".to_owned() } else { media_type.to_owned() }
}
