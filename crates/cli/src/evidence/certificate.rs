//! `waxseal evidence certificate`, and the certificates in a bundle: pages for people, made from the bundle.

use std::path::PathBuf;

use serde_json::json;
use waxseal::certificate::{self, CertificateError, VERSION, file_name};
use waxseal::evidence::bundle::Files;
use waxseal::evidence::key::VerifierKey;
use waxseal::evidence::report::{Report, Trust, VerifyError};
use waxseal::lang::Lang;

use super::input::{self, Input};
use super::verifier;
use super::verify::{Unread, broken, verify};
use crate::args::language;
use crate::error::{Error, coded};
use crate::output::Output;
use crate::secret::{self, FileError};
use crate::when::Zone;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal evidence certificate bundle.zip --key VKEY --lang nl -o certificate.html
  waxseal evidence certificate bundle.zip --key VKEY --time-zone Europe/Amsterdam \\
      -o certificate.html

The bundle is verified first: there is no certificate of evidence that does not hold. Open the file
in a browser and print it, on paper or as a PDF. It holds no details of readers.";

pub(super) use certificate::Origins;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle: a zip file or its folder
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The key of the log, NAME+NUMBER+KEY, from a place that you trust
    #[arg(long, value_name = "VKEY", value_parser = verifier)]
    key: VerifierKey,
    /// The language of the page
    #[arg(long, alias = "language", value_name = "LANG", default_value = "en", value_parser = language())]
    lang: Lang,
    /// The time zone to show times in, besides UTC, such as Europe/Amsterdam; by default the bundle's own
    #[arg(long, alias = "zone", value_name = "ZONE")]
    time_zone: Option<Zone>,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(super) enum Fail {
    #[error("no certificate can be made: {0}")]
    #[strum(transparent)]
    Make(#[from] CertificateError),
    #[error("a certificate is made of a bundle, and this is not one")]
    #[strum(to_string = "not_a_bundle")]
    NoBundle,
}

coded!(Fail: usage if Self::NoBundle);

pub(super) fn run(args: &Args, output: Output) -> Result<(), Error> {
    let files = match input::read(&args.bundle)? {
        Input::Bundle(unpacked) => unpacked.files,
        Input::Receipt(_) => return Err(Fail::NoBundle.into()),
        Input::Unread(error) => return Err(Unread::of(&error, &args.bundle).into()),
    };
    let report = verify(&files, &Trust::log(args.key.clone()));
    if let Some(error) = report.broken {
        return Err(broken(&error));
    }
    let claimed = Lang::ALL.into_iter().find_map(|lang| claimed(&files, lang)?.1);
    let claimed = claimed.unwrap_or(Origins { sender: None, zone: None, key: String::new() });
    let zone = args.time_zone.as_ref().map(|zone| zone.name().to_owned()).or(claimed.zone);
    let origins = Origins { sender: claimed.sender, zone, key: args.key.to_string() };
    let page = make(&files, &origins, args.lang).map_err(Fail::Make)?;
    secret::put(&args.output, page.as_bytes(), args.force).map_err(FileError::at(&args.output))?;
    let file = args.output.display().to_string();
    Ok(output.answer(&json!({ "file": file, "language": args.lang.tag(), "bytes": page.len() }), &file)?)
}

/// Adds the certificates to the files of a bundle that verifies.
pub(super) fn add(files: &mut Files, origins: &Origins) -> Result<(), Fail> {
    for lang in Lang::ALL {
        let page = make(files, origins, lang)?;
        files.insert(file_name(lang), page.into_bytes());
    }
    Ok(())
}

fn make(files: &Files, origins: &Origins, lang: Lang) -> Result<String, CertificateError> {
    let zone: Option<Zone> = origins.zone.as_deref().and_then(|name| name.parse().ok());
    certificate::certificate(files, origins, lang, &|at| zone.as_ref()?.ahead(at))
}

/// What the certificate of this language in the bundle says it was made from.
fn claimed(files: &Files, lang: Lang) -> Option<(u32, Option<Origins>)> {
    str::from_utf8(files.get(&file_name(lang))?).ok().and_then(certificate::origins)
}

/// Makes the certificates of a bundle that verifies again and compares. Those of an earlier design cannot be made any more;
/// the report says so.
pub(super) fn check(files: &Files, trust: &Trust, report: &mut Report) -> Result<(), VerifyError> {
    let mut same = 0;
    let mut keys = Vec::new();
    for lang in Lang::ALL {
        let name = file_name(lang);
        let Some(page) = files.get(&name) else { continue };
        let error =
            |code, words: &str| VerifyError { file: name.clone(), line: None, code, words: words.to_owned() };
        let origins = match claimed(files, lang) {
            Some((VERSION, Some(origins))) => origins,
            Some((version, _)) if (1..VERSION).contains(&version) => continue,
            _ => {
                let words = "this is not a certificate of a version that this software knows";
                return Err(error("certificate_unknown_version", words));
            }
        };
        let differs = || error("certificate_differs", "the certificate says something else than the events");
        let made = make(files, &origins, lang).map_err(|_| differs())?;
        if made.as_bytes() != page.as_slice() {
            return Err(differs());
        }
        keys.push(origins.key);
        same += 1;
        report.not_checked.retain(|sentence| !sentence.starts_with(&name));
    }
    match same {
        0 => {}
        1 => report.checked.push("The certificate says the same as the events.".to_owned()),
        n => report.checked.push(format!("{n} certificates say the same as the events.")),
    }
    if keys.iter().any(|key| *key != trust.log.to_string()) {
        report.not_checked.push(
            "The key that a certificate prints: it is another one than yours, as after a change of keys."
                .to_owned(),
        );
    }
    Ok(())
}
