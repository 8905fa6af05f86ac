//! `/api/v1/customers`: everything about one customer goes. The reference travels in bodies alone.

use serde::Deserialize;
use serde_json::{Value, json};
use worker::Env;

use crate::objects::customer::{EraseAll, Erasing, ListLetters};
use crate::platform::answer::{self, problem};
use crate::platform::error::Fault;
use crate::platform::http::{Answer, Call, Method, from_json};
use crate::platform::settings::Settings;
use crate::platform::{intl, object, place, tasks};
use waxseal::types::{UnixMillis, UnixSeconds};

/// A reference of at most 200 characters, each of at most twelve bytes in JSON, and what is around it.
const MAX_BODY: u32 = 4 * 1024;

/// The most references in one question: each is a call for each key.
const MAX_COUNTED: usize = 24;
const MAX_COUNT_BODY: u32 = 64 * 1024;

#[derive(Deserialize)]
struct Counted {
    customers: Vec<String>,
}

/// Answers a request for `/api/v1/customers` followed by `path`.
pub(crate) async fn answer(
    call: &mut Call,
    env: &Env,
    settings: &Settings,
    now: UnixMillis,
    path: &[&str],
) -> Result<Answer, Fault> {
    match (call.method, path) {
        (Method::Post, ["erase"]) => erase(call, env, settings, now).await,
        (Method::Post, ["count"]) => count(call, env, settings).await,
        _ => Ok(problem(404, "no_such_route", "see the documentation of the desk API")),
    }
}

/// Erases the letters that were issued up to now, or up to `before`: whoever asks again to see how far it is names the
/// same moment.
async fn erase(call: &mut Call, env: &Env, settings: &Settings, now: UnixMillis) -> Result<Answer, Fault> {
    let expected = || problem(400, "customer_request", "expected {\"customer\":\"your reference\"}");
    let Some(body) = call.small_body(MAX_BODY).await? else { return Ok(expected()) };
    let Some(body) = from_json::<Value>(&body) else { return Ok(expected()) };
    let Some(reference) = body.get("customer").and_then(Value::as_str) else { return Ok(expected()) };
    let before = match body.get("before").map(Value::as_u64) {
        None => now,
        Some(Some(before)) => UnixMillis(before.min(now.0)),
        Some(None) => return Ok(expected()),
    };
    let names = settings.keyring.customer_names(reference, intl::nfc);
    if names.is_empty() {
        let detail = "this reference stands for nobody: it is empty, or what programs write for nothing";
        return Ok(problem(422, "customer_nobody", detail));
    }
    // Elsewhere the customer's object is another one, and would say that there is nothing to erase.
    place::check(env).await?;
    let ask = EraseAll { before };
    let parts = tasks::all(names.iter().map(|name| object::call(env, name, &ask))).await;
    let mut sum = Erasing::default();
    for part in parts {
        let part = part?;
        sum.letters += part.letters;
        sum.erased += part.erased;
        sum.left += part.left;
        sum.earlier += part.earlier;
    }
    Ok(answer::json(
        200,
        &json!({
            "letters": sum.letters, "erased": sum.erased, "left": sum.left, "before": before.0, "earlier": sum.earlier,
        }),
    ))
}

/// How many letters each of some references has, up to the length of a customer's list. Whoever mistyped a reference finds
/// the right one; nothing is written.
async fn count(call: &mut Call, env: &Env, settings: &Settings) -> Result<Answer, Fault> {
    let detail = "expected {\"customers\":[\"your reference\", ...]} with 1 to 24 of them";
    let expected = || problem(400, "customer_request", detail);
    let Some(body) = call.small_body(MAX_COUNT_BODY).await? else { return Ok(expected()) };
    let Some(Counted { customers }) = from_json(&body) else { return Ok(expected()) };
    if !(1..=MAX_COUNTED).contains(&customers.len()) {
        return Ok(expected());
    }
    place::check(env).await?;
    let ask = ListLetters { since: UnixSeconds(0) };
    let mut letters = Vec::with_capacity(customers.len());
    for reference in &customers {
        let names = settings.keyring.customer_names(reference, intl::nfc);
        let lists = tasks::all(names.iter().map(|name| object::call(env, name, &ask))).await;
        let mut sum = 0;
        for list in lists {
            sum += list?.letters.len();
        }
        letters.push(sum);
    }
    Ok(answer::json(200, &json!({ "letters": letters })))
}
