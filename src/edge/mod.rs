//! The Workers shell: the only place that names `worker`, reads the clock or draws random bytes. It loads facts, calls
//! one pure function and carries out what that decided.

mod alarm;
mod answer;
mod assets;
mod bucket;
mod client;
mod clock;
mod desk;
mod error;
mod guard;
mod http;
mod intl;
mod ledger;
mod log;
mod random;
mod recipient;
mod settings;
mod sql;
mod stream;
mod webcrypto;

use worker::{Context, Env, Request, Response, event};

use self::http::{Answer, Call, Method};
use self::settings::Settings;
use crate::pages::{ROBOTS_TXT, security_txt};
use crate::token::PATH_BYTES_MAX;
use crate::types::UnixSeconds;

/// `security.txt` says that it is good for half a year; it is made anew for every request.
const SECURITY_TXT_SECONDS: u64 = 182 * 86_400;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<Response> {
    let mut call = Call::new(request);
    let method = call.method;
    let answer = match Settings::load(&env) {
        Ok(settings) => route(&mut call, &env, &context, &settings).await,
        Err(fault) => {
            log::fault("settings", &fault);
            answer::silent()
        }
    };
    match answer.into_response(method) {
        Ok(response) => Ok(response),
        Err(fault) => {
            log::fault("answer", &fault);
            answer::silent().into_response(method).or_else(|_| Response::error("", 500))
        }
    }
}

async fn route(call: &mut Call, env: &Env, context: &Context, settings: &Settings) -> Answer {
    let now = clock::now();
    let path = call.path.clone();
    if path.len() > PATH_BYTES_MAX {
        return answer::silent();
    }
    let reading = matches!(call.method, Method::Get | Method::Head);
    match path.as_str() {
        "/robots.txt" if reading => return answer::text(ROBOTS_TXT.to_owned()),
        "/.well-known/security.txt" if reading => {
            let expires = UnixSeconds(now.seconds().0.saturating_add(SECURITY_TXT_SECONDS));
            return answer::text(security_txt(&settings.site, &intl::rfc3339(expires)));
        }
        _ => {}
    }
    if let Some(name) = path.strip_prefix("/assets/") {
        return if reading { assets::answer(call, env, name).await } else { answer::silent() };
    }
    if let Some(rest) = path.strip_prefix("/api/v1/") {
        return desk::answer(call, env, settings, now.seconds(), rest).await;
    }
    let path = path.strip_prefix('/').unwrap_or(&path);
    let (segment, rest) = match path.split_once('/') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (path, None),
    };
    recipient::answer_visit(call, env, context, settings, now, segment, rest).await
}
