//! `waxseal evidence key`: what others verify with.

use serde_json::json;
use waxseal::evidence::key::LogKey;

use crate::args::KeysFile;
use crate::error::Error;
use crate::keyring;
use crate::output::Output;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal evidence key --origin letters.example/log --keys keyring.json
  waxseal evidence key --origin letters.example/log --json

The first line is the key that signs now; keys from before the last rotation follow. None of them is
secret: publish them where your readers trust it, such as your privacy statement. The origin is
SITE.log.origin of wrangler.toml; another one gives a key that verifies nothing.";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The log's name, as in SITE.log.origin, such as letters.example/log
    #[arg(long, value_name = "NAME", default_value = "localhost/log")]
    origin: String,
    #[command(flatten)]
    keys: KeysFile,
}

pub(super) fn run(args: &Args, output: Output) -> Result<(), Error> {
    let keyring = keyring::load(&args.keys, output)?;
    let active = keyring.active().kid();
    let older = keyring.keys().filter(|key| key.kid() != active);
    let mut keys = Vec::new();
    for key in std::iter::once(keyring.active()).chain(older) {
        let key = LogKey::derive(key, &args.origin).map_err(|error| {
            Error::usage("origin_invalid", format!("no log can be called {:?}: {error}", args.origin))
        })?;
        keys.push(key.verifier().to_string());
    }
    if args.origin.starts_with("localhost") {
        output.note("note: this is the key of a log called localhost/log, for trying; --origin names yours");
    }
    Ok(output.answer(&json!({ "origin": args.origin, "vkey": keys }), &keys.join("\n"))?)
}
