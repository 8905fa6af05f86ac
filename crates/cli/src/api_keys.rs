//! `waxseal keys api`: keys of the API that are issued by name, for what needs less than the keyring.

use clap::Subcommand;
use serde_json::json;
use waxseal::api::{Code, KeyRequest, Scope, Scopes, op};
use waxseal::token::ApiKeyId;
use waxseal::types::UnixMillis;

use crate::api::ApiError;
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};
use crate::when;

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal keys api create kiosk --scope create --url https://letters.example
  waxseal keys api list --url https://letters.example
  waxseal keys api revoke 4n3k09bd --url https://letters.example

A key may do what its scopes say: create (upload letters, and read none), watch (the state of
letters and of the site), cancel (cancel and withdraw), evidence (export), guard (rules and bans),
admin (everything else: terms, erasure, keys). This program uses the key in WAXSEAL_API_KEY in
place of the keyring's.";

const CREATE_EXAMPLES: &str = "\
Examples:
  waxseal keys api create kiosk --scope create --url https://letters.example
  waxseal keys api create audit --scope watch --scope evidence --json";

const LIST_EXAMPLES: &str = "\
Examples:
  waxseal keys api list --url https://letters.example
  waxseal keys api list --json | jq -r '.keys[].name'";

const REVOKE_EXAMPLES: &str = "\
Examples:
  waxseal keys api revoke 4n3k09bd --url https://letters.example";

/// What to do with the keys.
#[derive(Subcommand)]
pub(crate) enum ApiKeys {
    /// Issue a key, and print it: nobody can see it again
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// A name to know it by, such as the program that uses it
        #[arg(value_name = "NAME")]
        name: String,
        /// What it may do: create, watch, cancel, evidence, guard, admin; may be given several times
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
        scopes: Vec<Scope>,
        #[command(flatten)]
        edge: EdgeArgs,
    },
    /// List the keys: names, scopes, when each was used last
    #[command(after_help = LIST_EXAMPLES)]
    List {
        #[command(flatten)]
        edge: EdgeArgs,
    },
    /// Revoke a key, at once
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        /// The id that `keys api list` shows; it stands between the underscores of the key
        #[arg(value_name = "ID")]
        id: ApiKeyId,
        #[command(flatten)]
        edge: EdgeArgs,
    },
}

pub(crate) async fn run(command: &ApiKeys, output: Output, now: UnixMillis) -> Result<(), Error> {
    match command {
        ApiKeys::Create { name, scopes, edge } => {
            let request = KeyRequest { name: name.clone(), scopes: Scopes::from(scopes.clone()) };
            let issued = edge.api(output)?.call::<op::IssueKey>(&[], request).await?;
            output.note(&format!("Key {} is shown this once: keep it where secrets are kept.", issued.id));
            output.answer(&json!(issued), &line(&issued.key))?;
        }
        ApiKeys::List { edge } => {
            let found = edge.api(output)?.call::<op::ListKeys>(&[], ()).await?;
            let mut lines: Vec<_> = found
                .keys
                .iter()
                .map(|key| {
                    let used = key.used_at.map_or_else(
                        || "never used".to_owned(),
                        |at| format!("used {}", when::distance(at, now.seconds())),
                    );
                    let scopes: Vec<_> = Vec::from(key.scopes).into_iter().map(Scope::as_str).collect();
                    format!("{}  {}  {}  {used}", key.id, line(&key.name), scopes.join(","))
                })
                .collect();
            if lines.is_empty() {
                lines.push("No key was issued; the keyring's own is always there.".to_owned());
            }
            output.answer(&json!(found), &lines.join("\n"))?;
        }
        ApiKeys::Revoke { id, edge } => {
            let revoked = edge.api(output)?.call::<op::RevokeKey>(&[&id.to_string()], ()).await;
            revoked.map_err(|error: ApiError| match error.is(Code::NoSuchKey) {
                true => Error::failed(
                    "no_such_key",
                    format!("there is no key {id}: it was revoked already, or never issued"),
                ),
                false => error.into(),
            })?;
            output.answer(&json!({ "id": id, "revoked": true }), &format!("Key {id} is revoked."))?;
        }
    }
    Ok(())
}
