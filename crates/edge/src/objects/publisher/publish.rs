//! What the publisher does when its alarm fires: take in rules, make a snapshot of them and of what the sentinels
//! learnt, put it into KV, tidy up.

use worker::{Env, Storage};

use super::messages::{STATUS_VERSION, Status};
use super::namespace::{self, HEAD, Head, STATUS, base_key, delta_key};
use super::rules;
use super::store::{self, Base, State};
use crate::objects::sentinel::{self, Export, SHARDS};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::kv::Namespace;
use crate::platform::log::Line;
use crate::platform::sql::Database;
use waxseal::guard::snapshot::{Kind, Source, Stamp, VERSION};
use waxseal::guard::strikes::{SentinelExport, strict_asns};
use waxseal::guard::{Dynamic, Reason, Rules, compile};
use waxseal::types::UnixSeconds;

/// More bans than the sentinels can remember. The snapshot's own limit is in bytes.
const MAX_BANS: usize = 500_000;

/// A delta of this size is made into a new base, or of a quarter of the base where that is more.
const LARGE_DELTA: usize = 2_000;

/// What was learnt may lie this far before the time that a snapshot was made at.
const OVERLAP_SECONDS: u64 = 60;

/// Isolates may still follow an old pointer for this long.
const KEEP_SECONDS: u64 = 600;

/// How long after a ban the snapshot that says so is made: under attack many bans go into one.
pub(super) const fn pause_millis(refresh_seconds: u32) -> u64 {
    let pause = refresh_seconds as u64 * 1_000 / 6;
    if pause < 1_000 {
        1_000
    } else if pause > 10_000 {
        10_000
    } else {
        pause
    }
}

pub(super) fn loaded(db: &Database) -> Result<State, Fault> {
    store::load(db)?.ok_or_else(|| Fault::new("publisher_row", "gone after it was written"))
}

pub(super) async fn tick(env: &Env, storage: &Storage, db: &Database) -> Result<(), Fault> {
    let kv = namespace::open(env)?;
    // First of all: nothing of another publisher is touched.
    let pointer = pointer(&kv, &loaded(db)?).await?;
    if pointer == Pointer::OfAnother {
        return Err(Fault::new(
            "guard_of_another",
            "the KV namespace belongs to the guard of another worker: bind SENTINEL and PUBLISHER to that worker \
             with script_name; if it is gone, delete the key guard/head",
        ));
    }
    rules::take_in(db, &kv).await?;
    settle(env, storage, db, &kv, pointer).await
}

/// Carries out what stands in the state: writes the rules, a snapshot and the status, and tidies up. What a crash cut short is
/// done by the next one.
pub(super) async fn settle(
    env: &Env,
    storage: &Storage,
    db: &Database,
    kv: &Namespace,
    pointer: Pointer,
) -> Result<(), Fault> {
    // KV does not wait for rows that were written before.
    storage.sync().await?;
    rules::write(db, kv).await?;
    let state = loaded(db)?;
    let now = clock::now().seconds();
    let over = state.base.as_ref().is_some_and(|base| base.ends_at.is_some_and(|end| end <= now));
    let is_lost = pointer == Pointer::Lost;
    let is_whole = |state: &State| state.base.is_none() || state.rebase > state.done || over || is_lost;
    if is_whole(&state) || state.asked > state.done {
        let rules = rules::in_force(db)?;
        // That may have changed it.
        let state = loaded(db)?;
        let whole = is_whole(&state);
        publish(env, db, kv, &state, &rules, whole, now).await?;
    }
    let state = loaded(db)?;
    if state.unreported {
        kv.put_text(STATUS, &serde_json::to_string(&status(&state, now))?).await?;
        store::update(db, |state| state.unreported = false)?;
    }
    for key in store::superseded(db, UnixSeconds(now.0.saturating_sub(KEEP_SECONDS)))? {
        kv.delete(&key).await?;
        db.transaction(|db| store::deleted(db, &key))?;
    }
    Ok(())
}

async fn publish(
    env: &Env,
    db: &Database,
    kv: &Namespace,
    state: &State,
    rules: &Rules,
    whole: bool,
    now: UnixSeconds,
) -> Result<(), Fault> {
    let since = state
        .base
        .as_ref()
        .filter(|_| !whole)
        .map(|base| UnixSeconds(base.made_at.0.saturating_sub(OVERLAP_SECONDS)));
    let mut learnt = collect(env, rules, since).await?;
    let base = state
        .base
        .as_ref()
        .filter(|base| since.is_some() && learnt.dynamic.bans.len() <= LARGE_DELTA.max(base.learnt / 4));
    if base.is_none() && since.is_some() {
        learnt = collect(env, rules, None).await?;
    }
    // Reserved first: a number is never used for two different snapshots.
    let generation = state.generation.saturating_add(1);
    let (kind, key) = match base {
        Some(base) => (Kind::Delta { base: base.generation }, delta_key(generation)),
        None => (Kind::Base, base_key(generation)),
    };
    // And noted as rubbish until a head names it, so that it is deleted should that never come to pass.
    db.transaction(|db| {
        store::supersede(db, std::slice::from_ref(&key), now)?;
        let mut state = loaded(db)?;
        state.generation = generation;
        store::save(db, &state)
    })?;
    let source = Source { rules, dynamic: &learnt.dynamic, max_bans: MAX_BANS };
    let made =
        compile(&source, &Stamp { kind, generation, made_at: now }).map_err(|e| Fault::new(e.code(), e))?;
    kv.put_bytes(&key, &made.bytes).await?;
    let head = Head {
        version: VERSION,
        guard: state.guard.clone(),
        base: base.map_or(generation, |base| base.generation),
        delta: base.map(|_| generation),
        made_at: now,
    };
    kv.put_text(HEAD, &serde_json::to_string(&head)?).await?;
    Line::new("guard_published")
        .with("generation", generation)
        .with("base", head.base)
        .with("bytes", made.bytes.len())
        .with("bans", learnt.dynamic.bans.len())
        .with("merged", made.merged)
        .with("dropped", made.dropped)
        .info();

    let mut old: Vec<String> = state.delta.map(delta_key).into_iter().collect();
    if base.is_none() {
        old.extend(state.base.as_ref().map(|base| base_key(base.generation)));
    }
    let done = state.asked;
    db.transaction(|db| {
        store::supersede(db, &old, now)?;
        store::deleted(db, &key)?;
        let mut state = loaded(db)?;
        state.done = done;
        state.made_at = now;
        state.delta = head.delta;
        if head.delta.is_none() {
            let (ends_at, size) = (learnt.next_end, learnt.dynamic.bans.len());
            state.base = Some(Base { generation, made_at: now, ends_at, learnt: size });
            (state.merged, state.dropped) = (made.merged, made.dropped);
            // The status tells of bases. Under attack a delta follows another; that would be a write for nobody.
            state.unreported = true;
        }
        store::save(db, &state)
    })
}

/// What [`HEAD`] says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pointer {
    Ours,
    /// Gone, or one that isolates do not read: with nothing to go by, new ones have nothing.
    Lost,
    /// Two publishers on one namespace would undo each other's bans, so the second to come stops.
    OfAnother,
}

pub(super) async fn pointer(kv: &Namespace, state: &State) -> Result<Pointer, Fault> {
    let head = kv.text(HEAD).await?;
    let head = head.and_then(|head| serde_json::from_str::<Head>(&head).ok());
    Ok(match head {
        Some(head) if head.guard != state.guard => Pointer::OfAnother,
        Some(head) if head.version == VERSION => Pointer::Ours,
        _ => Pointer::Lost,
    })
}

/// What all sentinels learnt.
struct Collected {
    dynamic: Dynamic,
    next_end: Option<UnixSeconds>,
}

async fn collect(env: &Env, rules: &Rules, since: Option<UnixSeconds>) -> Result<Collected, Fault> {
    let mut all = Collected { dynamic: Dynamic::default(), next_end: None };
    let mut asns = Vec::new();
    for shard in 0..SHARDS {
        let SentinelExport { bans, networks, next_end } =
            sentinel::call(env, shard, &Export { since }).await?;
        all.dynamic.bans.extend(bans);
        asns.extend(networks);
        all.next_end = all.next_end.into_iter().chain(next_end).min();
    }
    if rules.settings.thresholds.dry_run {
        // Bans from before count no more than those made now; operators meant theirs.
        let learnt = all.dynamic.bans.iter_mut().filter(|ban| ban.reason != Reason::Ops);
        learnt.for_each(|ban| ban.dry_run = true);
    }
    all.dynamic.strict_asns = strict_asns(asns, &rules.settings.thresholds);
    Ok(all)
}

pub(super) fn status(state: &State, at: UnixSeconds) -> Status {
    Status {
        version: STATUS_VERSION,
        at,
        generation: state.generation,
        base: state.base.as_ref().map_or(0, |base| base.generation),
        made_at: state.made_at,
        profile: state.profile,
        rules: state.rules.clone(),
        refused: state.refused.clone(),
        merged: state.merged,
        dropped: state.dropped,
    }
}
