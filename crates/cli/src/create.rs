//! `waxseal letters create`: a plain report to the edge, which seals it. For whoever has an API key and no keyring.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use reqwest::multipart::{Form, Part};
use waxseal::api::{LetterFields, op};
use waxseal::lang::Lang;
use waxseal::seal::Sha256Sum;
use waxseal::types::UnixSeconds;

use crate::args::{Expires, language};
use crate::error::{Error, coded};
use crate::expiry::Ends;
use crate::letter::EdgeArgs;
use crate::output::{Output, line, size};
use crate::secret::random;
use crate::when::{self, When};

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal letters create report.pdf --subject 'Your inspection' --url https://letters.example
  waxseal letters create report.pdf --subject 'Your inspection' --idempotency-key order-4711 --json

The key in WAXSEAL_API_KEY is enough: `waxseal keys api create kiosk --scope create` issues one. The
report travels as it is and is sealed at the edge. `waxseal seal` seals it here, end to end if you
like, and takes reports of any size.";

const DAY_SECONDS: u64 = 86_400;
/// What the edge takes in one request, with room for the fields.
const MAX_BYTES: u64 = 94 * 1024 * 1024;

#[derive(clap::Args)]
pub(crate) struct Create {
    /// The report
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the envelope says the letter is about; the only thing shown before consent beside your name
    #[arg(long, value_name = "TEXT")]
    subject: String,
    /// Your reference for the customer
    #[arg(long, value_name = "REF")]
    customer: Option<String>,
    /// Your reference for the letter
    #[arg(long, value_name = "REF")]
    letter: Option<String>,
    /// The letter's language
    #[arg(long, value_name = "LANG", value_parser = language())]
    lang: Option<Lang>,
    #[command(flatten)]
    expires: Expires,
    /// SHA-256 of the terms that the envelope must show
    #[arg(long, value_name = "HEX")]
    terms: Option<Sha256Sum>,
    /// The file name the reader sees
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The media type; by default from the name's extension, else from the report's first bytes
    #[arg(long, value_name = "TYPE")]
    media_type: Option<String>,
    /// How many days the letter is kept after it expires; 366 by default
    #[arg(long, value_name = "DAYS", value_parser = when::parse_days)]
    retention: Option<u16>,
    /// With the same key and report a second run answers the first one's letter; by default each run makes one
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// Why no letter was created.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum CreateError {
    #[error("the report {} could not be opened: {error}", path.display())]
    #[strum(to_string = "report_not_opened")]
    Open { path: PathBuf, error: io::Error },
    #[error("{} has {}, more than one request may carry: seal it with `waxseal seal`, which uploads in parts", path.display(), size(*bytes))]
    #[strum(to_string = "report_too_large")]
    TooLarge { path: PathBuf, bytes: u64 },
    #[error("the request could not be made: {0}")]
    #[strum(to_string = "request_not_made")]
    Request(String),
}

coded!(CreateError: usage unless Self::Request(_));

pub(crate) async fn run(args: &Create, output: Output, now: UnixSeconds) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let (_, length) = open(&args.file)?;
    let ends = Ends::local(&args.expires, now)?;
    // Whole days are the edge's to count, so that a second run asks for the same.
    let days = match args.expires.expires {
        When::In(seconds) if seconds.is_multiple_of(DAY_SECONDS) => u32::try_from(seconds / DAY_SECONDS).ok(),
        _ => None,
    };
    let fields = LetterFields {
        subject: args.subject.clone(),
        customer: args.customer.clone(),
        reference: args.letter.clone(),
        language: args.lang.map(|lang| lang.tag().to_owned()),
        terms: args.terms,
        not_after: days.is_none().then_some(ends.at),
        days,
        retention_days: args.retention,
        file_name: args.name.clone(),
        media_type: args.media_type.clone(),
        actions: None,
    };
    let fields = serde_json::to_string(&fields).map_err(|error| CreateError::Request(error.to_string()))?;
    // A lost answer is asked for again, and never makes a second letter.
    let key = match &args.idempotency_key {
        Some(key) => key.clone(),
        None => HEXLOWER.encode(&random::<16>()?),
    };
    let request = |request: reqwest::RequestBuilder| -> Result<_, Error> {
        let (file, length) = open(&args.file)?;
        let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let report = Part::stream_with_length(tokio::fs::File::from_std(file), length).file_name(name);
        let json = |text: String| Part::text(text).mime_str("application/json");
        let letter = json(fields.clone()).map_err(|error| CreateError::Request(error.to_string()))?;
        let form = Form::new().part("letter", letter).part("report", report);
        Ok(request.header("idempotency-key", &key).multipart(form))
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let (created, answer) = api.stream::<op::CreateLetter, Error>(length, request).await?;
    output.note(&format!(
        "{} {}, letter {}, open until {}.",
        if created.new { "Created from" } else { "Was created before from" },
        line(&args.file.to_string_lossy()),
        created.letter,
        when::words(created.not_after),
    ));
    Ok(output.answer(&answer, &created.link)?)
}

/// The report and its length.
fn open(path: &Path) -> Result<(File, u64), CreateError> {
    let failed = |error| CreateError::Open { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let facts = file.metadata().map_err(failed)?;
    if !facts.is_file() {
        return Err(failed(io::Error::other("it is no file")));
    }
    if facts.len() > MAX_BYTES {
        return Err(CreateError::TooLarge { path: path.to_owned(), bytes: facts.len() });
    }
    Ok((file, facts.len()))
}
