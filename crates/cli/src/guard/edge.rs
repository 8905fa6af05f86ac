//! The guard at the edge, asked through the desk API.

use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use waxseal::guard::{ClientKey, Network};

use crate::args::{Edge, KeysFile};
use crate::desk::{Desk, DeskError, Reply};
use crate::failure::{Coded, Failure, USAGE};
use crate::keyring;
use crate::origin::Origin;
use crate::output::Output;

/// Where the edge is and how it knows us.
#[derive(Debug, clap::Args)]
pub(crate) struct EdgeArgs {
    #[command(flatten)]
    pub(super) keys: KeysFile,
    #[command(flatten)]
    pub(super) edge: Edge,
}

/// Why the edge's guard was not asked, or did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum EdgeError {
    /// No edge.
    #[error("this asks the edge: say where it is with --url https://letters.example (or WAXSEAL_URL)")]
    NoUrl,
    /// An older module.
    #[error("{0} has no guard that can be asked: deploy a module that is as new as this program")]
    NoGuard(Origin),
}

impl Coded for EdgeError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoUrl => "url_missing",
            Self::NoGuard(_) => "edge_without_guard",
        }
    }

    fn exit(&self) -> u8 {
        if matches!(self, Self::NoUrl) { USAGE } else { crate::failure::FAILED }
    }
}

impl EdgeArgs {
    /// The desk. No call is made.
    pub(super) fn desk(&self, output: Output) -> Result<Desk, Failure> {
        self.desk_with(self.edge.retries, output)
    }

    /// The same with another number of tries.
    pub(super) fn desk_with(&self, retries: u32, output: Output) -> Result<Desk, Failure> {
        let origin = self.edge.url.clone().ok_or(EdgeError::NoUrl)?;
        let keyring = keyring::load(&self.keys, output)?;
        Ok(Desk::new(origin, keyring.active(), retries)?)
    }
}

/// Reads an answer of the guard.
pub(super) fn read<T: DeserializeOwned>(desk: &Desk, reply: &Reply) -> Result<T, Failure> {
    if reply.status == StatusCode::NOT_FOUND && matches!(desk.problem(reply), DeskError::Problem { .. }) {
        return Err(EdgeError::NoGuard(desk.origin().clone()).into());
    }
    Ok(desk.read(reply)?)
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
