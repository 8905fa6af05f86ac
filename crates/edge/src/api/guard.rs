//! `/api/v1/guard`: what the guard knows and does, for operators. The caller has proved the key.

use worker::Env;

use super::{Answered, ApiRequest};
use crate::guard::{isolate, settings_here};
use crate::objects::publisher::{GetStatus, NAME, Status};
use crate::objects::sentinel::{
    self, AddBan, CountRows, GetStanding, LiftBans, ListBans, ListEvents, SHARDS,
};
use crate::platform::error::Fault;
use crate::platform::{intl, object};
use waxseal::api::{
    BanMade, BanView, Bans, BansLifted, Code, Explanation, GuardEvents, GuardStatus, IsolateStatus, Problem,
    SentinelStatus, SentinelView, SnapshotView, op,
};
use waxseal::guard::rules::Country;
use waxseal::guard::strikes::RowCounts;
use waxseal::guard::{ClientFacts, ClientKey, Network};
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
    let mut sentinels = Vec::new();
    for shard in 0..SHARDS {
        let RowCounts { watched, banned, networks } = sentinel::call(env, shard, &CountRows {}).await?;
        sentinels.push(SentinelStatus { shard, watched, banned, networks });
    }
    let (status, dry_run) = object::call(env, NAME, &GetStatus {}).await?;
    let Status { version: _, at, generation, base, made_at, profile, rules, refused, merged, dropped } =
        status;
    let day_ends_at = intl::day_ends_at(now.seconds(), &settings.site.time_zone)?;
    let isolate = IsolateStatus {
        generation: isolate::held().map_or(0, |view| view.generation()),
        profile: settings.site.guard.profile,
    };
    Ok(GuardStatus {
        at,
        generation,
        base,
        made_at,
        profile,
        rules,
        refused,
        merged,
        dropped,
        dry_run,
        day_ends_at,
        sentinels,
        isolate,
    })
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
        found.extend(page.bans.into_iter().map(BanView::from));
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
    let asn = call.query("asn").map(|text| text.parse::<u32>().map_err(|_| Code::Asn)).transpose()?;
    let country = call.query("country").map(|text| Country::parse(&text).ok_or(Code::Country)).transpose()?;
    let agent = call.query("agent");
    let facts = ClientFacts { client, asn, country, agent: agent.as_deref() };
    let none = || Fault::new("guard_snapshot", "no snapshot is held yet");
    let view = isolate::held().ok_or_else(none)?;
    let overlay = view.overlay().ok_or_else(none)?;
    let seconds = now.seconds();
    let verdict = isolate::look_up(&overlay, &facts, seconds);
    let guard = settings_here(&overlay, settings);
    let path = call.query("path");
    let known = known(env, client, now, guard.thresholds.fade_seconds, guard.thresholds.allowance).await?;
    Ok(Explanation {
        sentinel: Some(known),
        snapshot: Some(SnapshotView { generation: view.generation(), made_at: view.made_at() }),
        ..Explanation::of(&overlay, &guard, &facts, &verdict, path.as_deref(), seconds)
    })
}

/// What the sentinels know of a client. A ban of a wide network lies with the sentinel of its first address, so all
/// are asked.
async fn known(
    env: &Env,
    client: ClientKey,
    now: UnixMillis,
    fade_seconds: u32,
    allowance: u32,
) -> Result<SentinelView, Fault> {
    let own = sentinel::shard_of(client);
    let (mut bans, mut points, mut strikes) = (Vec::new(), 0, 0);
    for shard in 0..SHARDS {
        let standing = sentinel::call(env, shard, &GetStanding { client }).await?;
        if let Some(watched) = standing.watched.filter(|_| shard == own) {
            points = watched.millipoints(now, fade_seconds);
            strikes = watched.strikes;
        }
        bans.extend(standing.bans.into_iter().map(BanView::from));
    }
    Ok(SentinelView { points: points as f64 / 1_000.0, allowance, strikes, bans })
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
    let next: Vec<_> = places.iter().map(|place| place.unwrap_or(0).to_string()).collect();
    Ok(GuardEvents { events: found.into_iter().map(Into::into).collect(), next: next.join("-") })
}
