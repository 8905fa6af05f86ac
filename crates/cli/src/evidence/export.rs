//! `waxseal evidence export`: asks the edge for everything about a letter, makes the bundle, verifies it, writes it.

use std::path::PathBuf;

use serde_json::json;
use waxseal::api::{Evidence, op};
use waxseal::evidence::bundle::{Files, Inclusion, Parts, assemble};
use waxseal::evidence::key::{LogKey, VerifierKey};
use waxseal::evidence::note::Note;
use waxseal::evidence::report::{Report, Trust};
use waxseal::ledger::LetterKey;
use waxseal::types::{LetterId, UnixMillis};
use zeroize::Zeroizing;

use super::certificate::{self, Origins};
use super::verify::{broken, verify};
use super::zip::{self, ZipError};
use crate::api::Api;
use crate::error::{Error, coded};
use crate::letter::EdgeArgs;
use crate::output::{Output, size};
use crate::secret::{self, FileError};
use crate::{keyring, letter};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal evidence export LETTER -o bundle.zip --url https://letters.example
  waxseal evidence export LETTER --without-details --url https://letters.example

The bundle holds the recorded details of readers (address, browser) and the key to them, unless
--without-details leaves the key out. That it was handed out is recorded in the letter's events.
Nothing is written that does not verify.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The letter's UUID, or its token or link
    #[arg(value_name = "LETTER|LINK")]
    letter: String,
    /// The file to write, mode 0600; by default evidence-LETTER.zip here
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out the key of the readers' details: they stay encrypted, and everything else verifies
    #[arg(long)]
    without_details: bool,
    /// Overwrite an existing file
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
enum ExportError {
    #[error("the edge's answer is not that of a Waxseal edge as new as this program: its {0} cannot be read")]
    #[strum(to_string = "edge_unexpected")]
    Answer(&'static str),
    #[error("no bundle can be made of the edge's answer: {0}")]
    #[strum(transparent)]
    Assemble(#[from] waxseal::evidence::bundle::AssembleError),
    #[error("the bundle could not be packed: {0}")]
    #[strum(transparent)]
    Pack(#[from] ZipError),
}

coded!(ExportError);

pub(super) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let (letter, api) = letter::find(&args.letter, &args.edge, output, now.seconds())?;
    let path = args.output.clone().unwrap_or_else(|| format!("evidence-{letter}.zip").into());
    // Before the edge records that the evidence was handed out.
    if !args.force && path.symlink_metadata().is_ok() {
        return Err(FileError::Exists(path).into());
    }
    let exported = ask(&api, letter, output).await?;
    let ours = keyring::load(&args.edge.keys, output)?
        .keys()
        .filter_map(|key| LogKey::derive(key, &exported.origin).ok())
        .any(|key| key.verifier().to_string() == exported.vkey);
    if !ours {
        output.warn(&format!(
            "warning: the edge signs its log {} with a key that is not of this keyring: {}",
            crate::output::line(&exported.origin),
            crate::output::line(&exported.vkey)
        ));
    }
    let (files, report) = bundle(&exported, letter, args)?;
    let packed = Zeroizing::new(zip::pack(&files).map_err(ExportError::Pack)?);
    secret::put(&path, &packed, args.force).map_err(FileError::at(&path))?;
    let (events, entries) = (report.events.len(), report.log.as_ref().map_or(0, |log| log.size));
    let details = files.contains_key("letter.key");
    let value = json!({
        "letter": letter.to_string(), "file": path.display().to_string(), "bytes": packed.len(),
        "events": events, "details": details, "origin": exported.origin, "vkey": exported.vkey,
        "log_size": entries,
    });
    output.note(&format!(
        "{events} events, proved to be in the log {} of {entries} entries, verified here with\n  {}\n{}",
        crate::output::line(&exported.origin),
        crate::output::line(&exported.vkey),
        match (details, args.without_details) {
            (true, _) => "It holds the recorded details of readers: hand it on with care.",
            (false, true) => "The details of readers are in it, encrypted; their key was left out.",
            (false, false) => "The details of readers were erased.",
        }
    ));
    Ok(output.answer(&value, &format!("{} ({})", path.display(), size(packed.len() as u64)))?)
}

async fn ask(api: &Api, letter: LetterId, output: Output) -> Result<Evidence, Error> {
    let waiting = output.spinner("gathering the evidence");
    let exported = super::ask::<op::ExportEvidence>(api, Some(letter)).await;
    waiting.finish_and_clear();
    exported
}

/// The files of the bundle, certificates included, and what their verification says. Whatever does not verify is not
/// handed out.
fn bundle(exported: &Evidence, letter: LetterId, args: &Args) -> Result<(Files, Report), Error> {
    let wrong = ExportError::Answer;
    if exported.letter != letter {
        return Err(wrong("letter").into());
    }
    let events = exported.events.iter().map(waxseal::evidence::Row::event).collect::<Option<Vec<_>>>();
    let events = events.ok_or(wrong("events"))?;
    if exported.entries.len() != exported.proofs.len() {
        return Err(wrong("proofs").into());
    }
    let mut inclusions = Vec::new();
    for (entry, proof) in exported.entries.iter().zip(&exported.proofs) {
        let hashes = proof.iter().map(|hash| hash.parse()).collect::<Result<Vec<_>, _>>();
        inclusions.push(Inclusion { entry: *entry, hashes: hashes.map_err(|_| wrong("proofs"))? });
    }
    let checkpoint = Note::parse(exported.checkpoint.as_bytes()).map_err(|_| wrong("checkpoint"))?;
    let vkey: VerifierKey = exported.vkey.parse().map_err(|_| wrong("key"))?;
    let key = exported.key.as_deref().filter(|_| !args.without_details).map(letter_key);
    let key = key.map(|key| key.ok_or(wrong("letter key"))).transpose()?;
    let receipts: Vec<_> =
        exported.receipts.iter().map(|receipt| (receipt.event.clone(), receipt.json.clone())).collect();
    let parts = Parts {
        letter,
        origin: &exported.origin,
        events: &events,
        inclusions: &inclusions,
        checkpoint: &checkpoint,
        key: key.as_ref(),
        names: exported.names.as_ref(),
        terms: &exported.terms.values().map(|text| text.clone().into_bytes()).collect::<Vec<_>>(),
        receipts: &receipts,
        exported_at: exported.exported_at,
    };
    let mut files = assemble(&parts).map_err(ExportError::Assemble)?;
    let (sender, zone) = (Some(exported.sender.clone()), Some(exported.time_zone.clone()));
    let origins = Origins { sender, zone, key: vkey.to_string() };
    certificate::add(&mut files, &origins)?;
    let report = verify(&files, &Trust::log(vkey));
    match &report.broken {
        None => Ok((files, report)),
        Some(fault) => Err(broken(fault)),
    }
}

fn letter_key(hex: &str) -> Option<LetterKey> {
    let bytes = Zeroizing::new(data_encoding::HEXLOWER.decode(hex.as_bytes()).ok()?);
    let mut key = Zeroizing::new(<[u8; 32]>::try_from(bytes.as_slice()).ok()?);
    Some(LetterKey::new(&mut key))
}
