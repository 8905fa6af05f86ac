//! The log and the evidence of a site, asked through the API.

use waxseal::api::{Code, Operation};
use waxseal::types::LetterId;

use crate::api::Api;
use crate::error::{Error, coded};
use crate::letter::unknown;
use crate::origin::Origin;

/// An older module.
#[derive(Debug, thiserror::Error)]
#[error("{0} has no evidence log: deploy a module that is as new as this program")]
struct NoLog(Origin);

coded!(NoLog = "edge_without_log");

/// Asks about the log, or about this letter.
pub(super) async fn ask<Op: Operation<Request = ()>>(
    api: &Api,
    letter: Option<LetterId>,
) -> Result<Op::Response, Error> {
    let parts: Vec<String> = letter.iter().map(LetterId::to_string).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    api.call::<Op>(&parts, ()).await.map_err(|error| match letter {
        _ if error.is(Code::NoSuchRoute) => NoLog(api.origin().clone()).into(),
        Some(letter) => unknown(error, api.origin(), letter),
        None => error.into(),
    })
}
