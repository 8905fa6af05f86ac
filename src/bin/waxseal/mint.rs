//! `waxseal mint`: a link without any call.

use serde_json::json;
use waxseal::types::UnixMillis;

use crate::args::Mint;
use crate::failure::Failure;
use crate::output::Output;
use crate::{address, keyring, qr, when};

pub(crate) fn run(args: &Mint, output: Output, now: UnixMillis) -> Result<(), Failure> {
    let keyring = keyring::load(&args.keys, output)?;
    let now = now.seconds();
    let not_after = args.expires.from(now);
    let token = address::token(keyring.active(), args.letter, not_after, now)?;
    let link = args.url.as_ref().map(|origin| address::link(origin, &token, None));
    let text = link.as_deref().unwrap_or(&token);
    let code = if args.qr { Some(qr::draw(text)?) } else { None };
    if let Some(code) = &code {
        output.warn(code);
    }
    let answer = json!({
        "letter": args.letter.to_string(),
        "link": link,
        "token": token,
        "kid": keyring.active().kid().0,
        "not_after": not_after.0,
        "expires_at": when::rfc3339(not_after),
        "qr": code,
    });
    output.answer(&answer, text)?;
    Ok(())
}
