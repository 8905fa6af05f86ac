//! `waxseal evidence verify`: does the evidence hold, and what does that mean?

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use waxseal::evidence::bundle::package::Unpacked;
use waxseal::evidence::bundle::{self, Files};
use waxseal::evidence::key::{Algorithm, VerifierKey};
use waxseal::evidence::receipt;
use waxseal::evidence::report::{Report, Trust, VerifyError};
use waxseal::types::UnixMillis;

use super::input::{self, Input};
use super::log;
use super::zip::ZipError;
use super::{certificate, verifier};
use crate::error::{Coded, Error, FAILED, USAGE, coded};
use crate::origin::Origin;
use crate::output::{Output, plain};
use crate::{runtime, when};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal evidence verify bundle.zip --key 'letters.example/log+5883e553+AfqdHh7s...'
  waxseal evidence verify receipt.json --key VKEY --json
  waxseal evidence verify bundle.zip --key VKEY --witness WITNESS1 --witness WITNESS2 --quorum 1
  waxseal evidence verify bundle.zip --key VKEY --older kept --url https://letters.example

Without --url nothing is sent anywhere. The key must not come from whoever gave you the
bundle: the site publishes it, and `waxseal evidence key` prints it from the site's keyring.
Exit status: 0 the evidence holds, 1 it does not, or its package can be read in two ways; 2 usage
error, nothing to verify, a package that cannot be read, or a served log that could not be read.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle (a zip file or its folder), or a receipt (JSON)
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The key of the log, NAME+NUMBER+KEY, from a place that you trust
    #[arg(long, value_name = "VKEY", value_parser = verifier)]
    key: VerifierKey,
    /// The key of a witness that you trust; may be given several times
    #[arg(long, value_name = "VKEY", value_parser = verifier)]
    witness: Vec<VerifierKey>,
    /// How many of these witnesses must have seen the log; all of them if not given
    #[arg(long, value_name = "N")]
    quorum: Option<usize>,
    /// An earlier checkpoint that you kept: verify that the log was only appended to since
    #[arg(long, value_name = "FILE", requires = "url")]
    older: Option<PathBuf>,
    /// Compare with the log as it is served now, and search all of it for this letter
    #[arg(long, value_name = "URL")]
    url: Option<Origin>,
}

/// Why nothing is verified.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
enum Misuse {
    #[error("{0} is not the key of a {1}: give log keys with --key and witness keys with --witness")]
    #[strum(to_string = "key_of_another_kind")]
    Kind(String, &'static str),
    #[error("--quorum {0} cannot be reached: {1} keys of witnesses were given")]
    #[strum(to_string = "quorum_too_large")]
    Quorum(usize, usize),
    /// A receipt has proofs of several moments; it is compared by way of a bundle.
    #[error("a receipt alone is not compared with the served log: verify the letter's bundle")]
    #[strum(to_string = "receipt_not_compared")]
    Receipt,
}

coded!(Misuse: usage);

/// The explanation is already on standard output.
pub(super) fn broken(error: &VerifyError) -> Error {
    Error::failed("evidence_broken", format!("the evidence does not hold: {error}"))
}

/// Nothing was verified, because of the package. The explanation is already on standard output.
#[derive(Debug, thiserror::Error)]
#[error("the package {}: nothing was verified: {error}", self.what())]
pub(super) struct Unread {
    /// Whether it can be read in two ways.
    contradicts: bool,
    error: VerifyError,
}

impl Unread {
    pub(super) fn of(error: &ZipError, package: &Path) -> Self {
        let file = error.file().map_or_else(|| package.display().to_string(), str::to_owned);
        let contradicts = error.contradicts();
        Self {
            contradicts,
            error: VerifyError { file, line: None, code: error.code(), words: error.to_string() },
        }
    }

    fn what(&self) -> &'static str {
        if self.contradicts { "can be read in two ways" } else { "cannot be read" }
    }

    fn json(&self) -> Value {
        json!({ "holds": if self.contradicts { Value::Bool(false) } else { Value::Null }, "unread": self.error })
    }

    fn text(&self) -> String {
        format!("The package {}: nothing was verified.\n\n  {}", self.what(), self.error)
    }
}

impl Coded for Unread {
    fn code(&self) -> &'static str {
        self.error.code
    }

    fn exit(&self) -> u8 {
        if self.contradicts { FAILED } else { USAGE }
    }
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Error> {
    let trust = trust(args)?;
    let input = input::read(&args.bundle)?;
    let (mut report, files) = match input {
        Input::Bundle(Unpacked { files, changes }) => {
            let mut report = verify(&files, &trust);
            report.package.splice(0..0, changes);
            (report, Some(files))
        }
        Input::Receipt(bytes) if args.url.is_none() => (receipt::verify(&bytes, &trust), None),
        Input::Receipt(_) => return Err(Misuse::Receipt.into()),
        Input::Unread(error) => {
            let unread = Unread::of(&error, &args.bundle);
            output.answer(&unread.json(), &plain(&unread.text()))?;
            return Err(unread.into());
        }
    };
    let (mut served, mut unread) = (None, None);
    if let (Some(url), Some(files), true) = (&args.url, files, report.holds) {
        let older = args.older.as_deref().map(input::older).transpose()?;
        match runtime()?.block_on(log::compare(url, &files, &trust, older.as_ref(), output)) {
            Ok(compared) => {
                compared.tell(&mut report);
                served = Some(json!(compared));
            }
            // What holds without any network is said all the same.
            Err(error) => {
                report.not_checked.push(format!("The log as it is served now: {error}."));
                (served, unread) = (Some(Value::Null), Some(error));
            }
        }
    }
    let mut value = json!(report);
    if let (Some(object), Some(served)) = (value.as_object_mut(), served) {
        object.insert("served".to_owned(), served);
    }
    output.answer(&value, plain(&text_of(&report)).trim_end())?;
    match (unread, report.broken) {
        (Some(error), _) => Err(error.into()),
        (None, Some(error)) => Err(broken(&error)),
        (None, None) => Ok(()),
    }
}

fn trust(args: &Args) -> Result<Trust, Misuse> {
    let log = (std::slice::from_ref(&args.key), Algorithm::Ed25519, "log");
    for (keys, kind, words) in [log, (args.witness.as_slice(), Algorithm::CosignatureV1, "witness")] {
        if let Some(key) = keys.iter().find(|key| key.algorithm() != kind) {
            return Err(Misuse::Kind(key.to_string(), words));
        }
    }
    let quorum = args.quorum.unwrap_or(args.witness.len());
    if quorum > args.witness.len() {
        return Err(Misuse::Quorum(quorum, args.witness.len()));
    }
    Ok(Trust { log: args.key.clone(), witnesses: args.witness.clone(), quorum })
}

/// Verifies a bundle, and the pages for people in it, which the pure part leaves to whoever can make them.
pub(super) fn verify(files: &Files, trust: &Trust) -> Report {
    let mut report = bundle::verify(files, trust);
    if report.holds
        && let Err(error) = certificate::check(files, trust, &mut report)
    {
        report.holds = false;
        report.broken = Some(error);
    }
    report
}

/// The report, with the letter, its events and the log between the verdict and the sentences.
fn text_of(report: &Report) -> String {
    let text = report.to_string();
    let mut facts = String::new();
    // Writing to a string does not fail.
    if let Some(letter) = &report.letter {
        let _ = writeln!(facts, "Letter  {letter}");
    }
    if let Some(log) = &report.log {
        let _ = writeln!(facts, "Log     {}, size {}, root {}", log.origin, log.size, log.root);
    }
    if !report.events.is_empty() {
        facts.push('\n');
    }
    for event in &report.events {
        let at = when::millis(UnixMillis(event.at));
        let _ = writeln!(
            facts,
            "{:>4}  {at}  {:<20} {:<20} entry {}",
            event.seq, event.kind, event.actor, event.entry
        );
    }
    let sections = ["\n\nThe package was", "\n\nChecked:", "\n\nNot checked:"];
    match sections.iter().find_map(|section| text.find(section)) {
        Some(at) if !facts.is_empty() => {
            let (verdict, rest) = text.split_at(at);
            format!("{verdict}\n\n{facts}{}", rest.strip_prefix('\n').unwrap_or(rest))
        }
        _ => text,
    }
}
