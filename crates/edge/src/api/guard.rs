//! `/api/v1/guard`: what the guard knows and does, for operators. The caller has proved the key.

use serde_json::{Value, json};
use worker::Env;

use super::{Answered, ApiRequest};
use crate::guard::{isolate, settings_here};
use crate::objects::publisher::{GuardStatus, NAME};
use crate::objects::sentinel::{
    self, AddBan, CountRows, GetStanding, LiftBans, ListBans, ListEvents, SHARDS,
};
use crate::platform::error::Fault;
use crate::platform::{intl, object};
use waxseal::api::{BanMade, Bans, BansLifted, Code, GuardEvents, Problem, op};
use waxseal::guard::rules::Country;
use waxseal::guard::snapshot::Cause;
use waxseal::guard::strikes::RowCounts;
use waxseal::guard::{
    AgentKind, ClientFacts, ClientKey, Network, Overlay, Request, RequestClass, Verdict, decide, recognise,
    recognise_network,
};
use waxseal::types::{UnixMillis, UnixSeconds};

/// Longest body of ours: a target and a time.
const MAX_BODY: u32 = 4 * 1024;
/// Most bans or events in one answer.
const PAGE: u32 = 1_000;
/// A ban by hand lasts at most so long.
const MAX_BAN_SECONDS: u64 = 10 * 366 * 86_400;
/// Events without a cursor: the newest.
const RECENT: u32 = 50;

pub(super) async fn status(request: &mut ApiRequest<'_>) -> Answered<op::Guard> {
    let ApiRequest { env, settings, now, .. } = *request;
    let mut rows = Vec::new();
    for shard in 0..SHARDS {
        let RowCounts { watched, banned, networks } = sentinel::call(env, shard, &CountRows {}).await?;
        rows.push(json!({ "shard": shard, "watched": watched, "banned": banned, "networks": networks }));
    }
    let mut body =
        serde_json::to_value(object::call(env, NAME, &GuardStatus {}).await?).map_err(Fault::from)?;
    if let Value::Object(fields) = &mut body {
        fields.remove("version");
        fields
            .insert("day_ends_at".into(), json!(intl::day_ends_at(now.seconds(), &settings.site.time_zone)?));
        fields.insert("sentinels".into(), rows.into());
        fields.entry("dry_run").or_insert_with(|| json!([]));
        // What this very isolate goes by may be a refresh behind.
        let here = isolate::held().map_or(0, |view| view.generation());
        fields
            .insert("isolate".into(), json!({ "generation": here, "profile": settings.site.guard.profile }));
    }
    Ok(body)
}

/// A page of the bans: sentinel after sentinel. The cursor names the sentinel and its last target.
pub(super) async fn bans(request: &mut ApiRequest<'_>) -> Answered<op::ListBans> {
    let limit = request.call.query("limit").map_or(Some(PAGE), |text| text.parse().ok());
    let limit = limit.filter(|limit| (1..=PAGE).contains(limit)).ok_or(Code::Limit)?;
    let after = request.call.query("after");
    let (first, mut after) = after.map_or(Some((0, None)), |text| cursor(&text)).ok_or(Code::Cursor)?;
    let (mut found, mut next) = (Vec::new(), None);
    for shard in first..SHARDS {
        let room = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if room == 0 {
            next = Some(format!("{shard}:"));
            break;
        }
        let page = sentinel::call(request.env, shard, &ListBans { after: after.take(), limit: room }).await?;
        let last = page.bans.last().map(|(target, _)| format!("{shard}:{target}"));
        found.extend(page.bans.iter().map(|(target, ban)| {
            json!({
                "target": target, "since": ban.since, "until": ban.until, "reason": ban.reason,
                "asn": ban.system, "dry_run": ban.dry_run,
            })
        }));
        if page.more {
            next = last;
            break;
        }
    }
    Ok(Bans { bans: found, next })
}

fn cursor(text: &str) -> Option<(u32, Option<Network>)> {
    let (shard, target) = text.split_once(':')?;
    let shard = shard.parse().ok().filter(|shard| *shard < SHARDS)?;
    if target.is_empty() { Some((shard, None)) } else { Some((shard, Some(target.parse().ok()?))) }
}

pub(super) async fn ban(request: &mut ApiRequest<'_>) -> Answered<op::Ban> {
    let wanted = request.body::<op::Ban>(MAX_BODY, &Code::Ban.into()).await?;
    let ApiRequest { env, settings, now, .. } = *request;
    let target = network(&wanted.target)?;
    let day_ends_at = intl::day_ends_at(now.seconds(), &settings.site.time_zone)?;
    let until = wanted.until.unwrap_or(day_ends_at);
    let latest = UnixSeconds(now.seconds().0.saturating_add(MAX_BAN_SECONDS));
    if until <= now.seconds() || until > latest {
        return Err(Code::Until.into());
    }
    let shard = sentinel::shard_of(target.first());
    sentinel::call(env, shard, &AddBan { target, until, day_ends_at }).await?;
    if target.is_single() {
        isolate::note_ban(target.first(), until, now.seconds());
    }
    Ok(BanMade { target: target.to_string(), until })
}

fn network(text: &str) -> Result<Network, Problem> {
    text.parse().map_err(|error| Code::Target.because(&format!("{text}: {error}")))
}

pub(super) async fn lift(request: &mut ApiRequest<'_>) -> Answered<op::LiftBan> {
    let target = network(request.part(0))?;
    let ApiRequest { env, settings, now, .. } = *request;
    let day_ends_at = intl::day_ends_at(now.seconds(), &settings.site.time_zone)?;
    let mut lifted = 0u32;
    // A wide network has clients in every sentinel, and so may a wide ban that covers a narrow one.
    for shard in 0..SHARDS {
        let here = sentinel::call(env, shard, &LiftBans { target, day_ends_at }).await?;
        lifted = lifted.saturating_add(here);
    }
    isolate::forget_bans(target);
    Ok(BansLifted { target: target.to_string(), lifted })
}

pub(super) async fn explain(request: &mut ApiRequest<'_>) -> Answered<op::Explain> {
    let ApiRequest { env, settings, now, .. } = *request;
    let call = &request.call;
    let text = call.query("address").unwrap_or_default();
    let client = text.parse::<ClientKey>().map_err(|_| {
        Code::Address.because(&format!("{text:?} is not an IP address such as 192.0.2.7 or 2001:db8::1"))
    })?;
    let system = call.query("asn").map(|text| text.parse::<u32>().map_err(|_| Code::Asn)).transpose()?;
    let country = call.query("country").map(|text| Country::parse(&text).ok_or(Code::Country)).transpose()?;
    let agent = call.query("agent");
    let facts = ClientFacts { client, system, country, agent: agent.as_deref() };
    let view = isolate::held();
    let Some(overlay) = view.as_ref().and_then(|view| view.overlay()) else {
        return Err(Fault::new("guard_snapshot", "no snapshot is held yet").into());
    };
    let seconds = now.seconds();
    let verdict = isolate::look_up(&overlay, &facts, seconds);
    let honeypot = call.query("path").map(|path| overlay.honeypot(&path, seconds)).unwrap_or_default();
    let guard = settings_here(&overlay, settings);
    let said = recognise(agent.as_deref());
    let by_network = said.kind == AgentKind::Other;
    let recognised = if by_network { recognise_network(system, None, true) } else { said };
    let answer_to = |class| {
        let request = Request {
            class,
            class_without_dry_run: class,
            agent: recognised.kind,
            over_limit: false,
            declines: false,
        };
        decide(&request, &verdict, &guard).plan.response.code()
    };
    let cause = |cause: Option<Cause>| cause_json(&overlay, cause);
    let body = json!({
        "client": client,
        "standing": verdict.standing.code(),
        "cause": cause(verdict.cause),
        "would": would(&overlay, &verdict),
        "agent": {
            "kind": recognised.kind.code(), "name": recognised.name, "allowed": verdict.agent_allowed,
        },
        "strict": verdict.strict,
        "honeypot": cause(honeypot.cause.or(honeypot.would)),
        "answers": { "genuine": answer_to(RequestClass::Valid), "other": answer_to(RequestClass::Damaged) },
        "sentinel": known(env, client, now, guard.thresholds.fade_seconds, guard.thresholds.allowance).await?,
        "snapshot": {
            "generation": view.as_ref().map_or(0, |view| view.generation()),
            "made_at": view.as_ref().map_or(UnixSeconds(0), |view| view.made_at()),
        },
    });
    Ok(body)
}

fn cause_json(overlay: &Overlay<'_>, cause: Option<Cause>) -> Value {
    cause.map_or(Value::Null, |cause| {
        json!({
            "reason": cause.reason, "line": cause.line, "until": cause.until,
            "note": overlay.note(&cause), "dry_run": cause.dry_run,
        })
    })
}

fn would(overlay: &Overlay<'_>, verdict: &Verdict) -> Value {
    verdict.would.map_or(
        Value::Null,
        |would| json!({ "standing": would.standing.code(), "cause": cause_json(overlay, would.cause) }),
    )
}

/// What the sentinels know of a client. A ban of a wide network lies with the sentinel of its first address, so all
/// are asked.
async fn known(
    env: &Env,
    client: ClientKey,
    now: UnixMillis,
    fade_seconds: u32,
    allowance: u32,
) -> Result<Value, Fault> {
    let own = sentinel::shard_of(client);
    let (mut bans, mut points, mut strikes) = (Vec::new(), 0, 0);
    for shard in 0..SHARDS {
        let standing = sentinel::call(env, shard, &GetStanding { client }).await?;
        if let Some(watched) = standing.watched.filter(|_| shard == own) {
            points = watched.millipoints(now, fade_seconds);
            strikes = watched.strikes;
        }
        bans.extend(standing.bans.into_iter().map(|(target, ban)| {
            json!({
                "target": target, "since": ban.since, "until": ban.until, "reason": ban.reason,
                "dry_run": ban.dry_run,
            })
        }));
    }
    Ok(json!({
        "points": points as f64 / 1_000.0, "allowance": allowance, "strikes": strikes, "bans": bans,
    }))
}

/// What happened since the cursor, oldest first. The cursor has one number for each sentinel.
pub(super) async fn events(request: &mut ApiRequest<'_>) -> Answered<op::GuardEvents> {
    let shards = SHARDS as usize;
    let mut places: Vec<Option<u64>> = match request.call.query("after") {
        None => vec![None; shards],
        Some(text) => text.split('-').map(|part| part.parse::<u64>().ok()).collect(),
    };
    if places.len() != shards || (request.call.query("after").is_some() && places.contains(&None)) {
        return Err(Code::Cursor.into());
    }
    let limit = if places.contains(&None) { RECENT } else { PAGE };
    let mut found = Vec::new();
    for (shard, place) in (0..SHARDS).zip(places.iter_mut()) {
        let page = sentinel::call(request.env, shard, &ListEvents { after: *place, limit }).await?;
        *place = Some(page.events.last().map_or(place.unwrap_or(0), |event| event.seq));
        found.extend(page.events);
    }
    found.sort_by_key(|event| event.at);
    let events: Vec<_> = found
        .iter()
        .map(|event| {
            json!({
                "at": event.at, "kind": event.kind, "target": event.target, "reason": event.reason,
                "asn": event.system,
            })
        })
        .collect();
    let next: Vec<_> = places.iter().map(|place| place.unwrap_or(0).to_string()).collect();
    Ok(GuardEvents { events, next: next.join("-") })
}
