//! One request and the guard: look the client up, decide, and report strikes to the sentinels in the background.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use worker::{Context, Delay, Env};

use super::dry_runs;
use super::isolate;
use super::limits::{Limit, Limits};
use crate::objects::sentinel::{self, RecordStrike};
use crate::platform::error::Fault;
use crate::platform::http::{Call, Method};
use crate::platform::log::{self, Line};
use crate::platform::settings::Settings;
use crate::platform::{client, intl};
use waxseal::api::DryRun;
use waxseal::guard::policy::class_on;
use waxseal::guard::snapshot::Honeypot;
use waxseal::guard::strikes::StrikeStanding;
use waxseal::guard::{
    Agent, AgentKind, ClientKey, Decision, Overlay, Request, RequestClass, Response,
    Settings as GuardSettings, Standing, Strike, StrikeKind, Verdict, decide, is_limited_as_banned,
    recognise, recognise_network,
};
use waxseal::token::{LinkAction, Purpose, TOKEN_CHARS, action};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

/// A strike is reported at least so long after it was noted: twice the time that the silent answer takes.
const REPORT_AFTER: Duration = Duration::from_millis(50);
/// And so much later at most, by a keyed hash that nobody can foresee.
const REPORT_WITHIN_MS: u64 = 200;

/// Whether this client asks too often for what is the same for everybody.
pub(crate) async fn is_flood(call: &Call, env: &Env) -> bool {
    match client::key(call) {
        Some(client) => Limits::is_over(env, Limit::Reports, &client.to_string()).await,
        None => false,
    }
}

/// What the guard says of a request.
#[derive(Clone, Copy)]
pub(crate) struct Ruling {
    pub(crate) answer: Response,
    /// The name of the robot that the client says it is.
    pub(crate) robot: Option<&'static str>,
    class: RequestClass,
    standing: Standing,
    cause: Option<&'static str>,
    strike: Option<&'static str>,
    over_limit: bool,
}

impl Ruling {
    /// Adds to a log line what is not as usual.
    pub(crate) fn on(&self, line: Line) -> Line {
        let mut line = line.with("class", self.class.code());
        if self.answer != Response::Serve {
            line = line.with("answer", self.answer.code());
        }
        if self.standing != Standing::Clear {
            line = line.with("standing", self.standing.code());
        }
        if self.over_limit {
            line = line.with("over_limit", true);
        }
        for (name, value) in [("cause", self.cause), ("strike", self.strike), ("robot", self.robot)] {
            if let Some(value) = value {
                line = line.with(name, value);
            }
        }
        line
    }
}

/// The settings that hold on this site.
pub(crate) fn settings_here(overlay: &Overlay<'_>, settings: &Settings) -> GuardSettings {
    let shared = *overlay.settings();
    GuardSettings { profile: settings.site.guard.profile.unwrap_or(shared.profile), ..shared }
}

/// Rules on a request whose link or key is of this class; `letter`: which one a genuine link is for.
pub(crate) async fn rule(
    call: &Call,
    env: &Env,
    context: &Context,
    settings: &Settings,
    now: UnixMillis,
    class: RequestClass,
    letter: Option<LetterId>,
) -> Ruling {
    let header = call.header("user-agent");
    let agent = recognised(call, header.as_deref());
    let robot = (agent.kind != AgentKind::Other).then_some(agent.name);
    let Some(client) = client::key(call) else {
        // Only the platform's front sets the address. Without it clients cannot be distinguished: tokens decide alone.
        log::fault("guard", &Fault::new("no_address", "the request has no connecting address"));
        let answer = if class.is_known() { Response::Serve } else { Response::Silent };
        let standing = Standing::Clear;
        return Ruling { answer, robot, class, standing, cause: None, strike: None, over_limit: false };
    };
    let counted = counted(client, class, letter);
    let mut over_limit =
        Limits::is_over(env, Limit::of(call.method, &call.path, class, letter), &counted).await;
    let view = isolate::view(env, context, settings, now).await;
    let overlay = view.as_ref().and_then(|view| view.overlay());
    let facts = client::facts(call, client, header.as_deref());
    let seconds = now.seconds();

    let (verdict, honeypot, guard) = match &overlay {
        Some(overlay) => {
            let honeypot =
                if class.is_known() { Honeypot::default() } else { overlay.honeypot(&call.path, seconds) };
            (isolate::look_up(overlay, &facts, seconds), honeypot, settings_here(overlay, settings))
        }
        None => (Verdict::CLEAR, Honeypot::default(), GuardSettings::default()),
    };
    // What takes consent back is heard whoever carries it, a mail program's robot or somebody at a banned address.
    let declines = call.method == Method::Post
        && matches!(action(&call.path), Some(LinkAction::Withdraw | LinkAction::Refuse));
    if !over_limit && is_limited_as_banned(class, verdict.standing, declines) {
        over_limit = Limits::is_over(env, Limit::Banned, &counted).await;
    }
    let (live, strictly) = classes(class, &call.path, &honeypot);
    let request =
        Request { class: live, class_without_dry_run: strictly, agent: agent.kind, over_limit, declines };
    let decision = decide(&request, &verdict, &guard);
    if let Some(what) = dry_run(&decision, &verdict, &honeypot) {
        dry_runs::count(env, context, what, now);
    }
    let plan = decision.plan;
    let path_hash = path_hash(call, settings);
    let known = view.as_ref().is_some_and(|view| view.knows_settings());
    let strike = plan.strike.filter(|offence| {
        known && (offence.kind != StrikeKind::Damaged || isolate::is_news(client, path_hash, seconds))
    });
    if let Some(offence) = strike {
        let strike = Strike { client, asn: facts.asn, offence, path_hash };
        send_strike(env, context, settings, &guard, strike, seconds);
    }
    Ruling {
        answer: plan.response,
        robot: robot.filter(|_| plan.robot),
        class: live,
        standing: verdict.standing,
        cause: verdict.cause.map(|cause| cause.reason.code()),
        strike: strike.map(|offence| offence.kind.code()),
        over_limit,
    }
}

/// What the limits count by. Strangers at an address share one count; each genuine link there has its own, and so has the
/// right key: who floods from an office, or has its people's browsers do it, stops nobody there.
fn counted(client: ClientKey, class: RequestClass, letter: Option<LetterId>) -> String {
    match (class, letter) {
        (RequestClass::Api, _) => format!("{client} key"),
        (_, Some(letter)) => format!("{client} {letter}"),
        (_, None) => client.to_string(),
    }
}

/// Who asks: by its own word, else by the network that it comes from.
fn recognised(call: &Call, agent: Option<&str>) -> Agent {
    let said = recognise(agent);
    if said.kind != AgentKind::Other {
        return said;
    }
    let cf = call.request.cf();
    let organisation = cf.and_then(|cf| cf.as_organization());
    let says_fetch = call.header("sec-fetch-mode").is_some();
    recognise_network(cf.and_then(|cf| cf.asn()), organisation.as_deref(), says_fetch)
}

/// What was asked for, and what it would be if no honeypot were in dry run.
fn classes(class: RequestClass, path: &str, honeypot: &Honeypot) -> (RequestClass, RequestClass) {
    if class.is_known() {
        return (class, class);
    }
    let plain = class_on(path, class);
    let live = if honeypot.cause.is_some() { RequestClass::Honeypot } else { plain };
    (live, if honeypot.would.is_some() { RequestClass::Honeypot } else { live })
}

/// What to count, when something in dry run would have changed the plan.
fn dry_run(decision: &Decision, verdict: &Verdict, honeypot: &Honeypot) -> Option<DryRun> {
    let would = decision.dry_run.as_ref()?;
    let cause = verdict.would.and_then(|would| would.cause).filter(|cause| cause.dry_run);
    let cause = cause.or(honeypot.would).or(verdict.would.and_then(|would| would.cause));
    let named = |plan: &waxseal::guard::policy::Plan| match plan.strike {
        Some(offence) => format!("{}, strike {}", plan.response.code(), offence.kind.code()),
        None => plan.response.code().to_owned(),
    };
    Some(DryRun {
        line: cause.and_then(|cause| cause.line),
        // Without a cause it can only be the policy for robots.
        reason: cause.map_or("robots", |cause| cause.reason.code()).to_owned(),
        now: named(&decision.plan),
        would: named(would),
        requests: 0,
    })
}

/// A keyed hash of the path, and of a query that is long enough for a token: the sentinel only needs to know whether it is the
/// same damaged link again.
fn path_hash(call: &Call, settings: &Settings) -> u64 {
    let key = settings.keyring.active().derive(Purpose::Log, b"path");
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_slice()) else { return 0 };
    mac.update(call.path.as_bytes());
    if call.query.len() >= TOKEN_CHARS {
        mac.update(b"?");
        mac.update(call.query.as_bytes());
    }
    let tag = mac.finalize().into_bytes();
    tag.first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

/// Reports a strike to its sentinel in the background. A ban in the reply holds in this isolate at once.
fn send_strike(
    env: &Env,
    context: &Context,
    settings: &Settings,
    guard: &GuardSettings,
    strike: Strike,
    now: UnixSeconds,
) {
    let (guard, zone) = (*guard, settings.site.time_zone.clone());
    log::in_background(context, env, move |env| async move {
        // After the answer, and not always as long after it: the work of reporting shows neither in this answer's time nor,
        // to one who counts, in that of the next.
        Delay::from(REPORT_AFTER + Duration::from_millis(strike.path_hash % REPORT_WITHIN_MS)).await;
        let struck = async {
            let day_ends_at = intl::day_ends_at(now, &zone)?;
            let record = RecordStrike { strike, settings: guard, day_ends_at };
            sentinel::call(&env, sentinel::shard_of(strike.client), &record).await
        };
        match struck.await {
            Ok(struck) => match struck.standing {
                StrikeStanding::Banned { until } | StrikeStanding::AlreadyBanned { until }
                    if !guard.thresholds.dry_run =>
                {
                    isolate::note_ban(strike.client, until, now);
                }
                _ => {}
            },
            Err(fault) => log::fault("guard_strike", &fault),
        }
    });
}
