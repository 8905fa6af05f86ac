//! The guard at the edge, asked through the API.

use serde_json::Value;
use waxseal::api::{Code, Operation};
use waxseal::guard::{ClientKey, Network};

use super::rules::lines;
use crate::api::{Api, ApiError};
use crate::error::{Coded, Error};
use crate::origin::Origin;

/// Why the edge's guard was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum EdgeError {
    /// An older module.
    #[error("{0} has no guard that can be asked: deploy a module that is as new as this program")]
    NoGuard(Origin),
    /// Rules with errors.
    #[error(
        "{0} refuses these rules, although this program can read them: is it older than this program?{1}"
    )]
    Refused(Origin, String),
    /// Other rules than those that this was to replace.
    #[error(
        "other rules came into force at {0} meanwhile, and stay: look at them with `waxseal guard diff`, then push again"
    )]
    Changed(Origin),
    /// Not in the history.
    #[error("{0} has no rules of this version: `waxseal guard history` lists those that are kept")]
    Unknown(Origin),
}

impl Coded for EdgeError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoGuard(_) => "edge_without_guard",
            Self::Refused(..) => "rules_refused",
            Self::Changed(_) => "rules_changed",
            Self::Unknown(_) => "history_unknown",
        }
    }
}

/// Asks the guard. Answers also as it came, for programs.
pub(super) async fn ask<Op: Operation>(
    api: &Api,
    query: &[(&str, &str)],
    request: Op::Request,
    if_version: Option<u64>,
) -> Result<(Op::Response, Value), Error> {
    api.told::<Op>(query, request, if_version).await.map_err(|error| explained(api, error))
}

/// What a problem means here.
pub(super) fn explained(api: &Api, error: ApiError) -> Error {
    let origin = api.origin().clone();
    match &error {
        ApiError::Problem { problem, .. } if error.is(Code::RulesInvalid) => {
            EdgeError::Refused(origin, lines(&problem.diagnostics)).into()
        }
        _ if error.is(Code::RulesChanged) => EdgeError::Changed(origin).into(),
        _ if error.is(Code::NoSuchRules) => EdgeError::Unknown(origin).into(),
        ApiError::Problem { problem, .. } if problem.status == 404 => EdgeError::NoGuard(origin).into(),
        _ => error.into(),
    }
}

/// An address, for clap. Its error is the guard's own sentence.
pub(super) fn client(text: &str) -> Result<ClientKey, String> {
    text.parse().map_err(|error: waxseal::guard::AddressError| error.to_string())
}

/// An address or network, for clap.
pub(super) fn network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|error: waxseal::guard::NetworkError| error.to_string())
}

/// An AS number, with or without `AS` in front, for clap.
pub(super) fn system(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("AS").or_else(|| text.strip_prefix("as")).unwrap_or(text);
    digits.parse().map_err(|_| "not an AS number: expected one such as 64500".to_owned())
}
