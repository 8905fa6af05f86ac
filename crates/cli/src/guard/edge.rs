//! The guard at the edge, asked through the API.

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use waxseal::guard::{ClientKey, Network};

use crate::api::{Api, ApiError, Reply};
use crate::error::{Coded, Error};
use crate::origin::Origin;

/// Why the edge's guard was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum EdgeError {
    /// An older module.
    #[error("{0} has no guard that can be asked: deploy a module that is as new as this program")]
    NoGuard(Origin),
}

impl Coded for EdgeError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoGuard(_) => "edge_without_guard",
        }
    }
}

/// Reads an answer of the guard.
pub(super) fn read<T: DeserializeOwned>(api: &Api, reply: &Reply) -> Result<T, Error> {
    if reply.status == StatusCode::NOT_FOUND && matches!(api.problem(reply), ApiError::Problem { .. }) {
        return Err(EdgeError::NoGuard(api.origin().clone()).into());
    }
    Ok(api.read(reply)?)
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
