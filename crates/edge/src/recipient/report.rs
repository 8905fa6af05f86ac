//! `GET /TOKEN/report`: the stream. Edge-opened letters are decrypted record by record on the way; end-to-end letters
//! pass through untouched.

use std::time::Duration;

use web_sys::ReadableStream;
use worker::Env;

use super::{Reply, Visit};
use crate::objects::ledger::{Decide, Decided, Sealed, Summarise, call as call_ledger};
use crate::platform::bucket::Letters;
use crate::platform::error::Fault;
use crate::platform::http::{Body, Call, Method, Response};
use crate::platform::stream::{self, Sink, Source};
use crate::platform::webcrypto::GcmKey;
use crate::platform::{clock, log, response};
use waxseal::api::Code;
use waxseal::ledger::grant::{Granted, check_grant};
use waxseal::ledger::{self, Command, ConsentId, State};
use waxseal::pages::Closed;
use waxseal::pages::headers::Kind;
use waxseal::seal::{
    Disposition, HEADER_LENGTH, Header, Manifest, Mode, RangeAnswer, RangePlan, RecordKeys, answer_range,
    body_key, check_delimiter, content_disposition, edge_key, essence, shown_media_type,
};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

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
    pub(super) async fn report(&self, call: &Call) -> Result<Response, Fault> {
        let Some((consent, rest_only)) = self.right(call) else { return Ok(self.no_right(call)) };
        if rest_only && resumed(call).is_none() {
            return Ok(self.no_right(call));
        }
        let begin = call.method == Method::Get && !rest_only;
        let reply = self.ask(call, Command::Report { consent, begin }).await?;
        let letter = match &reply {
            Ok(Decided { answer: ledger::Answer::Letter(_), letter: Some(letter), .. }) => letter,
            Ok(Decided { answer: ledger::Answer::Envelope, .. }) => return Ok(self.no_right(call)),
            _ => return self.closed_report(call, &reply).await,
        };
        let manifest = &letter.manifest;
        if rest_only && resumed(call).as_deref() != Some(&letter.body_etag) {
            return Ok(self.no_right(call));
        }
        let bucket = Letters::open(self.env)?;
        let download = call.query("download").is_some();
        let shape = Shape::of(manifest, letter.body_etag.clone(), download)?;
        // Range is defined for GET alone (RFC 9110, section 14.2).
        let range = call.header("range").filter(|_| call.method == Method::Get);
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
            // Nothing is read for HEAD, so whether the body is still there has to be asked.
            let stored = bucket.head(&body_key(manifest.letter)).await?;
            if stored.is_none_or(|stored| stored.etag != letter.body_etag) {
                return Ok(self.damaged(call, Some(manifest), "body_missing"));
            }
            return Ok(head.header("content-length", length.to_string()));
        }
        let whole = range == RangeAnswer::Whole;
        let audit = self.audit(call, manifest, consent, whole);
        let body = match manifest.mode {
            Mode::EndToEnd => self.passthrough_stream(&bucket, letter, start, length, audit).await,
            Mode::EdgeOpened => self.decrypt_stream(&bucket, letter, start, end, audit).await,
        };
        match body {
            Ok(stream) => Ok(head.with_body(Body::Stream(stream, length))),
            Err(Unreadable::Damaged(code)) => Ok(self.damaged(call, Some(manifest), code)),
            Err(Unreadable::Fault(fault)) => {
                log::fault("report", &fault);
                Ok(self.closed(call, Some(manifest), Closed::Unavailable { retry_after_s: 30 }))
            }
        }
    }

    /// The consent under which this request may have the report, and whether only the rest of one whose beginning it has.
    fn right(&self, call: &Call) -> Option<(ConsentId, bool)> {
        if let Some(consent) = self.consent_of(call) {
            return Some((consent, false));
        }
        let grant = call.query("grant")?;
        match check_grant(&grant, &self.settings.keyring, self.link.letter, self.now)? {
            Granted::Whole(consent) => Some((consent, false)),
            Granted::Rest(consent) => Some((consent, true)),
        }
    }

    /// Said in words, and never with 200: a download would keep the page as the report.
    fn no_right(&self, call: &Call) -> Response {
        if call.wants_json() {
            return response::problem(&Code::NoConsent.into());
        }
        self.closed(call, None, Closed::NoRight)
    }

    /// What became of the letter, in place of the report. Never 200: a download would keep the page as the report.
    async fn closed_report(&self, call: &Call, reply: &Reply) -> Result<Response, Fault> {
        let answer = self.show(call, reply, None).await?;
        Ok(if answer.status == 200 { answer.with_status(410) } else { answer })
    }

    /// The plaintext of `start..end`. The first record is opened before the answer begins, so that a damaged object
    /// is told in words; a later one breaks the connection.
    async fn decrypt_stream(
        &self,
        bucket: &Letters,
        letter: &Sealed,
        start: u64,
        end: u64,
        audit: StreamAudit,
    ) -> Result<ReadableStream, Unreadable> {
        let manifest = &letter.manifest;
        let framing = manifest.framing().map_err(|e| Fault::new(e.code(), e))?;
        let plan = framing.range(start, end).unwrap_or_else(|| framing.whole());
        let site =
            self.settings.keyring.get(letter.kid).ok_or_else(|| Fault::new("unknown_kid", letter.kid))?;

        // The header stands right before the first record: reading from the start, one request brings both.
        let at_start = plan.first_record == 0;
        let before = if at_start { HEADER_LENGTH as u64 } else { 0 };
        let offset = plan.body_start.saturating_sub(before);
        let source = open_at(bucket, letter, offset, plan.body_length.saturating_add(before)).await?;
        let header = if at_start {
            read_header(&source, manifest.record_size).await?
        } else {
            let head = open_at(bucket, letter, 0, HEADER_LENGTH as u64).await?;
            read_header(&head, manifest.record_size).await?
        };
        let keys = RecordKeys::derive(edge_key(site, manifest.letter).as_slice(), &header.salt);
        let gcm = GcmKey::import(keys.cek()).await?;
        let reader = Reader { source, gcm, keys, plan };

        let first = match reader.record(0).await {
            Ok(first) => first,
            Err(why) => {
                reader.source.cancel().await;
                return Err(match why {
                    Abort::Damaged(code) => Unreadable::Damaged(code),
                    why => {
                        Unreadable::Fault(Fault::new(why.code(), "the stream broke before its first record"))
                    }
                });
            }
        };
        let (sink, readable) = stream::pipe(end.saturating_sub(start)).await?;
        // Kept alive by the request, so that a reader who leaves ends it instead of leaving it asleep for ever.
        log::in_background(self.context, self.env, |env| async move {
            let mut metered = MeteredSink::new(&env, &sink, &audit);
            let end = pump(&reader, &mut metered, first).await;
            let bytes = metered.taken;
            finish(&env, &reader.source, &sink, end, audit, bytes).await;
        });
        Ok(readable)
    }

    /// The body as it lies in the bucket. It passes through here only to be counted.
    async fn passthrough_stream(
        &self,
        bucket: &Letters,
        letter: &Sealed,
        start: u64,
        length: u64,
        audit: StreamAudit,
    ) -> Result<ReadableStream, Unreadable> {
        let source = open_at(bucket, letter, start, length).await?;
        let (sink, readable) = stream::pipe(length).await?;
        log::in_background(self.context, self.env, |env| async move {
            let mut metered = MeteredSink::new(&env, &sink, &audit);
            let end = copy(&source, &mut metered, length).await;
            let bytes = metered.taken;
            finish(&env, &source, &sink, end, audit, bytes).await;
        });
        Ok(readable)
    }

    /// What the ledger is asked while the answer goes out, and what is reported to it when that has ended.
    fn audit(&self, call: &Call, manifest: &Manifest, consent: ConsentId, whole: bool) -> StreamAudit {
        let told = Command::Streamed { consent, bytes: 0, complete: false };
        StreamAudit {
            ask: self.question(call, told, self.who(call), None),
            whole,
            until: self.until(manifest),
        }
    }
}

/// The entity tag by which a download goes on that was broken off: download managers send it in either of two headers.
fn resumed(call: &Call) -> Option<String> {
    call.header("range")?;
    call.header("if-range").or_else(|| call.header("if-match"))
}

/// What is to be recorded of an answer when it has ended.
struct StreamAudit {
    /// What was sent under this consent, but for the numbers.
    ask: Decide,
    /// Whether it is the whole report, and not a part.
    whole: bool,
    /// The end of the link or of the letter, whichever comes first.
    until: UnixSeconds,
}

/// The answer has ended, well or not: the ledger hears how many bytes were taken, and whether they were the whole report.
async fn finish(
    env: &Env,
    source: &Source,
    sink: &Sink,
    end: Result<(), Abort>,
    mut audit: StreamAudit,
    taken: u64,
) {
    let letter = audit.ask.letter.to_string();
    if let Err(why) = end {
        let line = log::Line::new("report_aborted").with("letter", letter.as_str()).with("code", why.code());
        match why {
            Abort::ClientGone | Abort::Closed | Abort::LinkOver => line.info(),
            Abort::BucketRead | Abort::Damaged(_) => line.error(),
        }
        sink.abort().await;
        source.cancel().await;
    }
    if let Command::Streamed { bytes, complete, .. } = &mut audit.ask.command {
        (*bytes, *complete) = (taken, audit.whole && end.is_ok());
    }
    let told = async { call_ledger(env, &audit.ask).await };
    if let Err(fault) = told.await {
        log::fault("report_streamed", &fault);
    }
}

/// The body that the ledger was created with, and no other: a replaced one is a damaged letter.
async fn body(
    bucket: &Letters,
    letter: &Sealed,
    offset: u64,
    length: u64,
) -> Result<ReadableStream, Unreadable> {
    let stream = bucket.stream(&body_key(letter.manifest.letter), &letter.body_etag, offset, length).await?;
    stream.ok_or(Unreadable::Damaged("body_missing"))
}

async fn open_at(bucket: &Letters, letter: &Sealed, offset: u64, length: u64) -> Result<Source, Unreadable> {
    Ok(Source::new(&body(bucket, letter, offset, length).await?)?)
}

async fn read_header(source: &Source, record_size: u32) -> Result<Header, Unreadable> {
    let bytes = source.take(HEADER_LENGTH as u32).await?.to_vec();
    Header::parse_letter(&bytes, record_size).map_err(|error| Unreadable::Damaged(error.code()))
}

/// Records of a body, read and opened one at a time.
struct Reader {
    source: Source,
    gcm: GcmKey,
    keys: RecordKeys,
    plan: RangePlan,
}

impl Reader {
    /// The wanted plaintext of record `index` of the plan.
    async fn record(&self, index: u64) -> Result<js_sys::Uint8Array, Abort> {
        let record = self.plan.record(index).ok_or(Abort::Damaged("plan"))?;
        let sealed = self.source.take(record.sealed_length).await.map_err(|_| Abort::BucketRead)?;
        if sealed.length() != record.sealed_length {
            return Err(Abort::Damaged("truncated"));
        }
        let nonce = self.keys.nonce(record.seq);
        let plain = self.gcm.open(&nonce, &sealed).await.map_err(|_| Abort::Damaged("not_authentic"))?;
        // The delimiter and the byte before it are all that has to be looked at; the rest never enters wasm memory.
        let tail = plain.subarray(plain.length().saturating_sub(2), plain.length()).to_vec();
        check_delimiter(&tail, record.is_last).map_err(|error| Abort::Damaged(error.code()))?;
        Ok(plain.subarray(record.keep.start, record.keep.end))
    }
}

/// An end-to-end body is passed on in pieces of this size, in bytes.
const COPY_BYTES: u32 = 256 * 1024;

/// Why a report was not sent to its end.
#[derive(Clone, Copy)]
enum Abort {
    /// The bucket stopped in the middle.
    BucketRead,
    /// The object is not what was sealed; the code is for the log.
    Damaged(&'static str),
    /// The reader went away: a phone in a tunnel, a closed tab, a range that was enough.
    ClientGone,
    /// The letter was closed, or this consent taken back, while the report went out.
    Closed,
    /// The link's own time ended while the report went out.
    LinkOver,
}

impl Abort {
    const fn code(self) -> &'static str {
        match self {
            Self::BucketRead => "bucket_read",
            Self::Damaged(code) => code,
            Self::ClientGone => "client_gone",
            Self::Closed => "closed_meanwhile",
            Self::LinkOver => "expired_meanwhile",
        }
    }
}

/// A report that takes longer than this on its way is asked about again: what is closed closes for those who are reading it,
/// too. Then again after as long, and later after a tenth of the time it has taken: an hour makes some fifty questions, and a
/// request may only ask so many.
const LOOK_MILLIS: u64 = 5_000;

/// How long a question holds the reader up at most.
const LOOK_PATIENCE: Duration = Duration::from_secs(2);

/// The connection as it takes a report.
struct MeteredSink<'a> {
    env: &'a Env,
    sink: &'a Sink,
    letter: LetterId,
    until: UnixSeconds,
    began_at: UnixMillis,
    look_at: UnixMillis,
    /// Bytes that the connection took.
    taken: u64,
}

impl<'a> MeteredSink<'a> {
    fn new(env: &'a Env, sink: &'a Sink, audit: &'a StreamAudit) -> Self {
        let now = clock::now();
        Self {
            env,
            sink,
            letter: audit.ask.letter,
            until: audit.until,
            began_at: now,
            look_at: UnixMillis(now.0.saturating_add(LOOK_MILLIS)),
            taken: 0,
        }
    }

    async fn write(&mut self, chunk: &js_sys::Uint8Array) -> Result<(), Abort> {
        let now = clock::now();
        let pause = LOOK_MILLIS.max(now.0.saturating_sub(self.began_at.0) / 10);
        if now.seconds() >= self.until {
            return Err(Abort::LinkOver);
        }
        // A clock that is put back must not put it off.
        if now >= self.look_at || self.look_at.0 > now.0.saturating_add(pause) {
            self.look().await?;
            self.look_at = UnixMillis(clock::now().0.saturating_add(pause));
        }
        self.sink.write(chunk).await.map_err(|_| Abort::ClientGone)?;
        self.taken = self.taken.saturating_add(u64::from(chunk.length()));
        Ok(())
    }

    /// Whether it may go on. It was allowed: a ledger that cannot be asked just now does not break it off.
    async fn look(&self) -> Result<(), Abort> {
        let ask = Summarise { letter: self.letter };
        let asked = async { call_ledger(self.env, &ask).await };
        let silent = || Err(Fault::new("ledger_silent", "no answer in time"));
        let reply = clock::within(LOOK_PATIENCE, asked).await.unwrap_or_else(silent);
        match reply {
            // A consent that is taken back takes all others of the letter along. The alarm at the end may be late.
            Ok(Ok(letter))
                if letter.end_reason.is_none()
                    && matches!(letter.state, State::Consented | State::Accepted)
                    && clock::now().seconds() < letter.not_after =>
            {
                Ok(())
            }
            Ok(_) => Err(Abort::Closed),
            Err(fault) => {
                log::fault("report_watch", &fault);
                Ok(())
            }
        }
    }

    async fn close(&self) -> Result<(), Abort> {
        self.sink.close().await.map_err(|_| Abort::ClientGone)
    }
}

/// Opens record after record.
async fn pump(reader: &Reader, sink: &mut MeteredSink<'_>, first: js_sys::Uint8Array) -> Result<(), Abort> {
    if first.length() > 0 {
        sink.write(&first).await?;
    }
    for index in 1..reader.plan.records {
        let chunk = reader.record(index).await?;
        sink.write(&chunk).await?;
    }
    sink.close().await
}

/// Passes on `length` bytes.
async fn copy(source: &Source, sink: &mut MeteredSink<'_>, length: u64) -> Result<(), Abort> {
    while sink.taken < length {
        let next = length.saturating_sub(sink.taken).min(u64::from(COPY_BYTES));
        let chunk =
            source.take(u32::try_from(next).unwrap_or(COPY_BYTES)).await.map_err(|_| Abort::BucketRead)?;
        if u64::from(chunk.length()) != next {
            return Err(Abort::Damaged("truncated"));
        }
        sink.write(&chunk).await?;
    }
    sink.close().await
}

impl Shape {
    fn of(manifest: &Manifest, etag: String, download: bool) -> Result<Self, Fault> {
        let framing = manifest.framing().map_err(|e| Fault::new(e.code(), e))?;
        let shown = shown_media_type(&manifest.media_type).filter(|_| !download);
        Ok(match manifest.mode {
            Mode::EndToEnd => Self {
                kind: Kind::Report,
                content_type: "application/octet-stream".to_owned(),
                disposition: content_disposition("letter.sealed", Disposition::Attachment),
                etag,
                length: framing.body_length(),
            },
            Mode::EdgeOpened => Self {
                kind: if essence(&manifest.media_type) == "application/pdf" {
                    Kind::ReportPdf
                } else {
                    Kind::Report
                },
                disposition: content_disposition(
                    &manifest.file_name,
                    if shown.is_some() { Disposition::Inline } else { Disposition::Attachment },
                ),
                content_type: shown.unwrap_or_else(|| "application/octet-stream".to_owned()),
                etag,
                length: manifest.length,
            },
        })
    }

    fn head(&self, status: u16, range: &RangeAnswer) -> Response {
        let answer = Response::new(status, &[], Body::Empty)
            .headers_of(self.kind)
            // A proxy that compresses would take the length away and weaken the tag.
            .replaced("cache-control", "no-store, no-transform")
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
