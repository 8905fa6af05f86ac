//! `waxseal mint`: a link without any call, unless it is to end on a date and nobody said in which time zone.

use serde_json::json;
use waxseal::types::UnixMillis;

use crate::args::Mint;
use crate::error::Error;
use crate::expiry::Ends;
use crate::output::{Output, Warning};
use crate::{address, keyring, message, when};

/// How often the edge is asked again for its time zone, if it has to be asked.
const RETRIES: u32 = 2;

pub(crate) async fn run(args: &Mint, output: Output, at: UnixMillis) -> Result<(), Error> {
    let keyring = keyring::load(&args.keys, output)?;
    let now = at.seconds();
    let ends = Ends::of(&args.expires, args.url.as_ref(), RETRIES, keyring.active(), now).await?;
    let not_after = ends.at;
    let (subject, url, key) = (args.subject.as_deref(), args.url.as_ref(), keyring.active());
    let draft = args.message.draft(subject, args.lang, &args.expires, url, RETRIES, key).await?;
    let token = address::token(keyring.active(), args.letter, not_after, now)?;
    let link = args.url.as_ref().map(|origin| address::link(origin, &token, None));
    let text = link.as_deref().unwrap_or(&token);
    let code = if args.qr { Some(address::qr(text)?) } else { None };
    if let Some(code) = &code {
        output.warn(code);
    }
    if ends.is_day() {
        output.note(&format!("The link ends {}.", ends.words()));
    }
    let warnings: Vec<_> = ends.warning(now).into_iter().collect();
    output.warnings(&warnings);
    let mut answer = json!({
        "letter": args.letter.to_string(),
        "link": link,
        "token": token,
        "kid": keyring.active().kid().0,
        "not_after": not_after.0,
        "expires_at": when::rfc3339(not_after),
        "qr": code,
    });
    ends.insert(&mut answer);
    Warning::insert(&warnings, &mut answer);
    message::answer(draft.as_ref(), answer, text, (args.letter, not_after), at, output)
}
