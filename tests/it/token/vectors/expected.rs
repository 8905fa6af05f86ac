//! The form of `tests/vectors/token.json` and `tests/vectors/links.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use waxseal::types::LetterId;

#[derive(Serialize, Deserialize)]
pub(crate) struct Tokens {
    pub(crate) about: Vec<String>,
    pub(crate) mint: Vec<Mint>,
    pub(crate) derive: Vec<Derive>,
    pub(crate) api_keys: Vec<ApiKey>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Links {
    pub(crate) about: Vec<String>,
    /// Keyrings by name, in the form of the `WAXSEAL_KEYS` secret.
    pub(crate) keyrings: BTreeMap<String, Value>,
    /// The token of most cases, as the page that asks for the key knows it.
    pub(crate) token: String,
    pub(crate) cases: Vec<Case>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Mint {
    pub(crate) name: String,
    pub(crate) kid: u8,
    /// Standard base64 of 32 bytes.
    pub(crate) secret: String,
    pub(crate) letter: LetterId,
    pub(crate) not_after: u64,
    pub(crate) token: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Derive {
    pub(crate) secret: String,
    pub(crate) info: String,
    /// Hexadecimal.
    pub(crate) salt: String,
    /// Hexadecimal.
    pub(crate) key: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ApiKey {
    pub(crate) kid: u8,
    pub(crate) secret: String,
    pub(crate) api_key: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) keyring: String,
    pub(crate) now: u64,
    /// A path with its query as received; or what somebody pasted.
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) pasted: bool,
    pub(crate) class: String,
    /// Of damaged and forged, where it matters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Of valid, repairable and closed, like the next two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kid: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) letter: Option<LetterId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_after: Option<u64>,
    /// How the token is spelled, where the text spells it otherwise; like the next one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clean: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
}
