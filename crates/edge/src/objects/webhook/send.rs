//! One attempt: a signed POST, and what came of it. Where it goes, and for how long, does not depend on what the receiver says.

use std::time::Duration;

use worker::{
    AbortController, AbortSignal, Env, Fetch, Headers, Method, Request, RequestInit, RequestRedirect,
    ResponseBody,
};

use super::store::{Endpoint, Ready, SealedSecret};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::random;
use crate::platform::settings::Settings;
use crate::platform::stream::Source;
use waxseal::api::Attempt;
use waxseal::ledger::{LetterKey, WrappedKey};
use waxseal::token::Keyring;
use waxseal::types::{LetterId, UnixMillis};
use waxseal::webhook::{Secret, WebhookId, check_target, retry_after};

/// A receiver that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(15);
/// What an answer's body may take besides, and it is thrown away.
const BODY_PATIENCE: Duration = Duration::from_secs(2);
const MAX_BODY: u32 = 4_096;

/// What an attempt came to.
pub(super) struct Outcome {
    pub(super) attempt: Attempt,
    /// How long the receiver wants to be left alone, in milliseconds.
    pub(super) retry_after: Option<u64>,
}

/// What came back.
struct Answer {
    status: u16,
    retry_after: Option<String>,
}

/// Seals a secret as ledgers seal their keys, in the endpoint's name: 32 bytes, under a key derived from the site's for this id.
pub(super) fn seal(keyring: &Keyring, id: WebhookId, secret: &mut [u8; 32]) -> Result<SealedSecret, Fault> {
    let wrapped = LetterKey::new(secret).wrap(keyring.active(), LetterId(id.0), random::bytes()?);
    let WrappedKey { kid, bytes } = wrapped.map_err(|e| Fault::new(e.code(), e))?;
    Ok(SealedSecret { kid, bytes: bytes.to_vec() })
}

pub(super) fn open(keyring: &Keyring, id: WebhookId, sealed: &SealedSecret) -> Result<Secret, Fault> {
    let wrapped = WrappedKey::from_stored(sealed.kid, &sealed.bytes);
    let key = wrapped.and_then(|wrapped| wrapped.unwrap(keyring, LetterId(id.0)));
    Ok(Secret::from(*key.map_err(|e| Fault::new(e.code(), e))?.disclose()))
}

/// Sends the message once.
pub(super) async fn send(env: &Env, endpoint: &Endpoint, ready: &Ready) -> Result<Outcome, Fault> {
    let settings = Settings::load(env)?;
    let at = clock::now();
    let answer = attempt(&settings, endpoint, ready, at).await;
    let took_ms = clock::now().0.saturating_sub(at.0);
    let (status, error, wanted) = match answer {
        Ok(Answer { status, retry_after }) => (Some(status), None, retry_after),
        Err(code) => (None, Some(code.to_owned()), None),
    };
    let retry_after = wanted.and_then(|value| retry_after(&value, clock::now()));
    Ok(Outcome { attempt: Attempt { at, took_ms, status, error }, retry_after })
}

async fn attempt(
    settings: &Settings,
    endpoint: &Endpoint,
    ready: &Ready,
    at: UnixMillis,
) -> Result<Answer, &'static str> {
    // What was allowed once may not be any more, and what lies on disk may have been altered.
    check_target(&endpoint.url, settings.site.loopback_webhooks).map_err(|_| "target")?;
    let old = endpoint.old_secrets(at).map(|(secret, _)| secret);
    let id = ready.id.to_string();
    let seconds = at.seconds();
    let sign = |sealed| {
        open(&settings.keyring, endpoint.id, sealed).map(|it| it.sign(&id, seconds, ready.body.as_bytes()))
    };
    let signatures = [&endpoint.secret].into_iter().chain(old).map(sign).collect::<Result<Vec<_>, _>>();
    let signatures = signatures.map_err(|_| "secret")?.join(" ");
    let headers = Headers::from_iter([
        ("content-type", "application/json"),
        ("user-agent", concat!("Waxseal-Webhook/", env!("CARGO_PKG_VERSION"))),
        ("webhook-id", &id),
        ("webhook-timestamp", &seconds.0.to_string()),
        ("webhook-signature", &signatures),
    ]);
    let controller = AbortController::default();
    let signal = controller.signal();
    match clock::within(PATIENCE, post(&endpoint.url, &ready.body, headers, &signal)).await {
        Some(answer) => answer.map_err(|_| "unreachable"),
        None => {
            controller.abort();
            Err("timeout")
        }
    }
}

async fn post(url: &str, body: &str, headers: Headers, signal: &AbortSignal) -> Result<Answer, Fault> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_headers(headers)
        .with_body(Some(body.into()))
        .with_redirect(RequestRedirect::Manual);
    let request = Request::new_with_init(url, &init)?;
    let response = Fetch::Request(request).send_with_signal(signal).await?;
    let answer = Answer {
        status: response.status_code(),
        retry_after: response.headers().get("retry-after").ok().flatten(),
    };
    // The status is the answer. The body is read only so that an honest receiver's connection ends well.
    if let ResponseBody::Stream(stream) = response.body()
        && let Ok(source) = Source::new(stream)
    {
        let _ = clock::within(BODY_PATIENCE, source.take(MAX_BODY)).await;
        source.cancel().await;
    }
    Ok(answer)
}
