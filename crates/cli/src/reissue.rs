//! `waxseal reissue`: a new end and a new link for a letter; what expired or was cancelled is open again.

use serde_json::json;
use waxseal::api::{ReissueRequest, op};
use waxseal::types::UnixMillis;

use crate::args::Expires;
use crate::error::Error;
use crate::expiry::Ends;
use crate::letter::{self, EdgeArgs};
use crate::output::{Output, Warning};
use crate::{address, keyring, when};

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal reissue 0190a5d4-7a2b-7c3d-8e4f-5a6b7c8d9e0f --url https://letters.example
  waxseal reissue 'https://letters.example/TOKEN#KEY' --url https://letters.example --expires 14d

A letter that is open gets a later end, one that expired or was cancelled is open again. What was
refused or withdrawn stays so. Links that ended lead on to the new one. The key of an end-to-end
letter is in its link alone: give the whole old link to get the whole new one.";

/// What it takes.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The letter's UUID, or its token or link
    #[arg(value_name = "LETTER|LINK")]
    letter: String,
    #[command(flatten)]
    expires: Expires,
    /// Print the link as a QR code too
    #[arg(long)]
    qr: bool,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(crate) async fn run(args: &Args, output: Output, at: UnixMillis) -> Result<(), Error> {
    let now = at.seconds();
    let (letter, api) = letter::find(&args.letter, &args.edge, output, now)?;
    let keyring = keyring::load(&args.edge.keys, output)?;
    let url = Some(api.origin());
    let ends = Ends::of(&args.expires, url, args.edge.edge.retries, keyring.active(), now).await?;
    let request = ReissueRequest { not_after: Some(ends.at), days: None };
    let reissued = api
        .call::<op::ReissueLetter>(&[&letter.to_string()], request)
        .await
        .map_err(|error| letter::unknown(error, api.origin(), letter))?;
    let link = match letter::fragment(&args.letter) {
        Some(fragment) => format!("{}#{}", reissued.link, *fragment),
        None => reissued.link,
    };
    let code = if args.qr { Some(address::qr(&link)?) } else { None };
    if let Some(code) = &code {
        output.warn(code);
    }
    let later = reissued.not_after != ends.at;
    let warnings: Vec<_> = ends
        .warning(now)
        .into_iter()
        .chain(later.then(|| Warning {
            code: "ends_later",
            message: format!(
                "the letter was open and ends later than that anyway, {}: its end stays",
                when::words(reissued.not_after)
            ),
        }))
        .collect();
    output.warnings(&warnings);
    let mut answer = json!({
        "letter": letter.to_string(),
        "link": link,
        "not_after": reissued.not_after.0,
        "expires_at": when::rfc3339(reissued.not_after),
        "changed": reissued.changed,
        "message": reissued.message,
        "qr": code,
    });
    ends.insert(&mut answer);
    Warning::insert(&warnings, &mut answer);
    Ok(output.answer(&answer, &link)?)
}
