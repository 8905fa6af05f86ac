//! `/api/v1/sweep`: begin a sweep, and see what the last one found. The caller has proved the key.

use serde_json::json;
use worker::Env;

use crate::objects::sweeper::{BeginSweep, NAME, SweepStatus};
use crate::platform::answer::{self, problem};
use crate::platform::error::Fault;
use crate::platform::http::{Answer, Method};
use crate::platform::object;

/// Answers a request for `/api/v1/sweep`.
pub(crate) async fn answer(method: Method, env: &Env) -> Result<Answer, Fault> {
    match method {
        Method::Post => {
            let status = object::call(env, NAME, &BeginSweep {}).await?;
            Ok(answer::json(202, &json!({ "run": status.get("run") })))
        }
        Method::Get | Method::Head => {
            let status = object::call(env, NAME, &SweepStatus {}).await?;
            Ok(answer::json(200, &status.into()))
        }
        _ => Ok(problem(404, "no_such_route", "see the documentation of the desk API")),
    }
}
