//! The Workers shell: the only place that names `worker`, reads the clock or draws random bytes. It loads facts, calls
//! one pure function and carries out what that decided. Empty but for wasm32.

#![cfg(target_arch = "wasm32")]

mod api;
mod guard;
mod objects;
mod platform;
mod recipient;

use std::time::Duration;

use worker::{Context, Env, Request, ScheduleContext, ScheduledEvent, event};

use crate::guard::Limits;
use crate::objects::{index, keys, ledger, publisher, sentinel, sequencer, webhook};
use crate::platform::error::BindingError;
use crate::platform::http::{Call, Method, Response};
use crate::platform::settings::Settings;
use crate::platform::{clock, intl, log, object, response};
use crate::recipient::{assets, log_files};
use waxseal::guard::RequestClass;
use waxseal::guard::policy::class_of_call;
use waxseal::pages::{ROBOTS_TXT, security_txt};
use waxseal::token::classify;
use waxseal::types::UnixSeconds;

/// `security.txt` says that it is good for half a year; it is made anew for every request.
const SECURITY_TXT_SECONDS: u64 = 182 * 86_400;

/// The silent answer never comes sooner than this after the request, so that what was looked up and computed, and
/// whether anything was at all, does not show in the time it took.
const SILENCE: Duration = Duration::from_millis(25);

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> worker::Result<worker::Response> {
    let began = clock::now();
    let mut call = Call::new(request);
    let method = call.method;
    if call.is_plain_http() {
        return response::plain_http().into_response(method).or_else(|_| worker::Response::error("", 403));
    }
    let work = async {
        match Settings::load_with(&env, bindings).and_then(|settings| settings.for_host(&call)) {
            Ok(settings) => route(&mut call, &env, &context, &settings).await,
            Err(fault) => {
                log::fault("settings", &fault);
                // Without the object that writes lines, this still comes out: here the URL says nothing.
                if call.path == "/robots.txt" && call.query.is_empty() {
                    log::write_here();
                }
                response::silent()
            }
        }
    };
    let mut answer = clock::not_before(SILENCE, work, |answer| answer.silent).await;
    if let Some(line) = answer.line.take() {
        let reason = answer.reason.take().map(|reason| ("reason", reason.into_owned()));
        let line = reason.into_iter().fold(line, |line, (name, reason)| line.with(name, reason));
        line.with("method", method.name())
            .with("status", answer.status)
            .with("duration_ms", clock::now().0.saturating_sub(began.0))
            .info();
    }
    match answer.into_response(method) {
        Ok(response) => Ok(response),
        Err(fault) => {
            log::fault("answer", &fault);
            response::silent().into_response(method).or_else(|_| worker::Response::error("", 500))
        }
    }
}

/// What is wrong with the bindings of the objects and of the guard.
fn bindings(env: &Env) -> Vec<BindingError> {
    let objects = [
        index::CLASS,
        keys::CLASS,
        ledger::CLASS,
        publisher::CLASS,
        sentinel::CLASS,
        sequencer::CLASS,
        webhook::CLASS,
    ];
    let objects = objects.iter().map(|class| object::namespace(env, class).map(|_| ()));
    let guard = [publisher::namespace::open(env).map(|_| ()), Limits::check(env)];
    objects.filter_map(Result::err).chain(guard.into_iter().filter_map(Result::err).map(Into::into)).collect()
}

/// The daily schedule. The sweep's own alarms carry it on from here; the day's run that could not even begin begins tomorrow.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    if let Err(fault) = object::call(&env, index::NAME, &index::BeginSweep { rebuild: false }).await {
        log::fault("schedule", &fault);
    }
}

async fn route(call: &mut Call, env: &Env, context: &Context, settings: &Settings) -> Response {
    let now = clock::now();
    let path = call.path.clone();
    // The same for everybody: were these kept from a banned client, it would learn from them that it is banned.
    let reading = matches!(call.method, Method::Get | Method::Head);
    match path.as_str() {
        "/robots.txt" if reading => return response::text(ROBOTS_TXT.to_owned()),
        "/.well-known/security.txt" if reading => {
            let expires = UnixSeconds(now.seconds().0.saturating_add(SECURITY_TXT_SECONDS));
            return response::text(security_txt(&settings.site, &intl::rfc3339(expires)));
        }
        _ => {}
    }
    let class = classify(&call.target(), &settings.keyring, now.seconds());
    // Whoever shows a genuine tag is a known person, whatever the path is for otherwise.
    let is_known = class.verified().is_some();
    if let Some(name) = path.strip_prefix("/assets/").filter(|_| reading)
        && let Some(answer) = assets::answer(call, env, name).await
    {
        return answer;
    }
    if let Some(name) = path.strip_prefix("/log/").filter(|_| reading)
        && let Some(answer) = log_files::answer(call, env, name).await
    {
        return answer;
    }
    let below_api = path.strip_prefix("/api/v1/");
    if below_api.is_some() || !is_known {
        let caller = match api::Caller::of(call, env, settings, now.seconds()).await {
            Ok(caller) => caller,
            Err(fault) => return api::unavailable(&fault),
        };
        // A right key that came to a wrong path is told so.
        if caller.class() == RequestClass::Api || (below_api.is_some() && !is_known) {
            let key = class_of_call(caller.class(), RequestClass::of(&class));
            let ruling = guard::rule(call, env, context, settings, now, key, None).await;
            let rest = below_api.unwrap_or_default();
            let arrival = api::Arrival { env, context, settings, now, caller: &caller };
            return api::answer(arrival, call, &ruling, rest).await;
        }
    }
    let letter = class.verified().map(|link| link.letter);
    let ruling = guard::rule(call, env, context, settings, now, RequestClass::of(&class), letter).await;
    let visit = recipient::Arrival { env, context, settings, now, ruling };
    visit.answer(call, class).await
}
