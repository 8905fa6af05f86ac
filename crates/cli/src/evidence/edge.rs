//! The log and the evidence of a site, asked through the API.

use reqwest::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use waxseal::api::Code;
use waxseal::evidence::Row;
use waxseal::ledger::Names;

use crate::api::{Api, Reply};
use crate::error::{Error, coded};
use crate::origin::Origin;

/// Why the edge's log was not asked, or did not answer.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(super) enum EdgeError {
    #[error("{0} has no evidence log: deploy a module that is as new as this program")]
    #[strum(to_string = "edge_without_log")]
    NoLog(Origin),
    #[error("{0} has no letter {1}")]
    #[strum(to_string = "letter_unknown")]
    Unknown(Origin, String),
}

coded!(EdgeError);

/// Reads an answer about the log.
pub(super) fn read<T: DeserializeOwned>(api: &Api, reply: &Reply) -> Result<T, Error> {
    if reply.status == StatusCode::NOT_FOUND && api.problem(reply).is(Code::NoSuchRoute) {
        return Err(EdgeError::NoLog(api.origin().clone()).into());
    }
    Ok(api.read(reply)?)
}

/// How the log stands.
#[derive(Debug, Deserialize)]
pub(super) struct LogStatus {
    /// The log's name.
    pub(super) origin: String,
    /// The keys it is signed with.
    pub(super) vkey: Vec<String>,
    /// Entries in it.
    pub(super) size: u64,
    /// When the last checkpoint was signed, in milliseconds since the Unix epoch.
    pub(super) signed: Option<u64>,
    /// Events that wait to become entries.
    pub(super) pending: u64,
    #[serde(default)]
    pub(super) witnesses: Vec<WitnessStatus>,
    pub(super) fault: Option<FaultStatus>,
}

/// A witness that the log asks.
#[derive(Debug, Deserialize)]
pub(super) struct WitnessStatus {
    pub(super) name: String,
    /// Entries of the last checkpoint it cosigned.
    pub(super) size: Option<u64>,
    /// When, in seconds since the Unix epoch.
    pub(super) at: Option<u64>,
    pub(super) fault: Option<String>,
}

/// What keeps the log from growing.
#[derive(Debug, Deserialize)]
pub(super) struct FaultStatus {
    pub(super) code: String,
    /// Since when, in milliseconds since the Unix epoch.
    pub(super) at: u64,
}

/// Everything that a bundle is made from.
#[derive(Deserialize)]
pub(super) struct Exported {
    pub(super) letter: String,
    pub(super) origin: String,
    pub(super) vkey: String,
    pub(super) events: Vec<Row>,
    pub(super) entries: Vec<u64>,
    pub(super) proofs: Vec<Vec<String>>,
    pub(super) checkpoint: String,
    pub(super) key: Option<String>,
    /// What the letter is called; nothing once that is erased.
    #[serde(default)]
    pub(super) names: Option<Names>,
    pub(super) terms: std::collections::BTreeMap<String, String>,
    pub(super) receipts: Vec<ExportedReceipt>,
    pub(super) exported_at: u64,
    /// What the site calls itself.
    pub(super) sender: Option<String>,
    /// The IANA name of the zone its pages show times in.
    pub(super) time_zone: Option<String>,
}

/// A receipt, and the id of its first event.
#[derive(Debug, Deserialize)]
pub(super) struct ExportedReceipt {
    pub(super) event: String,
    pub(super) json: String,
}
