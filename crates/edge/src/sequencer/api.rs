//! `GET /api/v1/log`: how the log stands, for ops. The caller has proved the key.

use worker::Env;

use super::client::SequencerClient;
use crate::answer::{self, problem};
use crate::error::Fault;
use crate::http::{Answer, Call, Method};

/// Answers a request for `/api/v1/log` followed by these parts.
pub(crate) async fn answer(call: &Call, env: &Env, parts: &[&str]) -> Result<Answer, Fault> {
    match (call.method, parts) {
        (Method::Get | Method::Head, []) => {
            Ok(answer::json(200, &SequencerClient::open(env)?.status().await?))
        }
        _ => Ok(problem(404, "no_such_route", "see the documentation of the desk API")),
    }
}
