//! What one isolate holds of the guard: the snapshot, and bans that it just caused. Requests read it in place; it is
//! renewed behind their backs.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use worker::{Context, Env};

use super::fresh::{FreshBans, ReportedPaths};
use crate::objects::publisher::namespace::{self, HEAD, Head, base_key, delta_key};
use crate::objects::publisher::{NAME, Wake};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::kv::Namespace;
use crate::platform::log::{self, Line};
use crate::platform::object;
use crate::platform::settings::Settings;
use waxseal::guard::snapshot::{Kind, Source, Stamp, VERSION};
use waxseal::guard::{
    ClientFacts, ClientKey, Dynamic, Network, Overlay, Rules, Snapshot, SnapshotError, Standing, Stored,
    Verdict, compile,
};
use waxseal::types::{UnixMillis, UnixSeconds};

/// After so many refreshes without a look a request waits for a new one again.
const TOO_OLD: u64 = 2;

/// While somebody looks, others do not; unless this has passed, for whoever looked may have hung up.
const LOOKING_MILLIS: u64 = 3_000;

/// How long the first request of an isolate waits for the snapshot. Later ones do not wait.
const FIRST_LOOK: Duration = Duration::from_secs(2);

thread_local! {
    static HELD: RefCell<Held> = RefCell::new(Held::default());
}

#[derive(Default)]
struct Held {
    view: Option<Rc<View>>,
    /// When a look was begun that came to its end; `None` in an isolate that had none yet.
    looked_at: Option<UnixMillis>,
    /// When the newest look was begun.
    looking_since: Option<UnixMillis>,
    /// How many looks were begun, and which of those that came to their end was begun last.
    begun: u64,
    ended: u64,
    fresh: FreshBans,
    reported: ReportedPaths,
}

/// A sound base, and a delta that fits it.
pub(crate) struct View {
    head: Option<Head>,
    /// Operators' settings are known, or KV said that there are none.
    known: bool,
    base: Rc<Stored>,
    delta: Option<Stored>,
}

impl View {
    /// The shipped rules, until a snapshot could be read: honeypots count, nobody is banned.
    fn shipped(known: bool) -> Result<Self, Fault> {
        let (rules, dynamic) = (Rules::default(), Dynamic::default());
        let stamp = Stamp { kind: Kind::Base, generation: 0, made_at: UnixSeconds(0) };
        let compiled = compile(&Source { rules: &rules, dynamic: &dynamic, max_bans: 0 }, &stamp)
            .map_err(|e| Fault::new(e.code(), e))?;
        Ok(Self { head: None, known, base: Rc::new(stored(compiled.bytes)?), delta: None })
    }

    /// Generation of what holds; 0 for the shipped rules.
    pub(crate) fn generation(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.delta.unwrap_or(head.base))
    }

    /// Whether strikes may be told: with thresholds that operators set otherwise they could ban somebody wrongly.
    pub(crate) const fn knows_settings(&self) -> bool {
        self.known
    }

    pub(crate) fn made_at(&self) -> UnixSeconds {
        self.head.as_ref().map_or(UnixSeconds(0), |head| head.made_at)
    }

    /// The snapshot for look-ups. Both parts were checked when they were taken in.
    pub(crate) fn overlay(&self) -> Option<Overlay<'_>> {
        let delta = match &self.delta {
            Some(delta) => Some(delta.view()?),
            None => None,
        };
        self.base.view()?.with_delta(delta).ok()
    }
}

/// The snapshot to go by. `None` only when not even the shipped rules could be laid out.
pub(crate) async fn view(
    env: &Env,
    context: &Context,
    settings: &Settings,
    now: UnixMillis,
) -> Option<Rc<View>> {
    let every = u64::from(settings.site.guard.refresh_seconds).saturating_mul(1_000);
    // An isolate that nobody asked for long holds what was true then: that is as good as nothing.
    let long = every.saturating_mul(TOO_OLD);
    let (waits, due) = HELD.with_borrow_mut(|held| {
        let age = held.looked_at.map(|at| now.0.abs_diff(at.0));
        let taken = held.looking_since.is_some_and(|since| now.0.abs_diff(since.0) < LOOKING_MILLIS);
        let due = age.is_none_or(|age| age >= every) && !taken;
        if due {
            held.looking_since = Some(now);
        }
        (age.is_none_or(|age| age >= long), due)
    });
    if due && waits {
        // The first to come waits; others that come meanwhile go by what is held, or by the shipped rules.
        if clock::within(FIRST_LOOK, renew(env, now)).await.is_none() {
            log::fault("guard_snapshot", &Fault::new("kv_silent", "no answer in time"));
        }
        log::in_background(context, env, |env| async move {
            // The publisher keeps itself going by an alarm. Should it ever have lost that, this revives it.
            if let Err(fault) = tell_awake(&env).await {
                log::fault("guard_publisher", &fault);
            }
        });
    } else if due {
        log::in_background(context, env, move |env| async move { renew(&env, now).await });
    }
    if let Some(view) = held() {
        return Some(view);
    }
    match View::shipped(false) {
        Ok(view) => {
            let view = Rc::new(view);
            Line::new("guard_without_snapshot").error();
            HELD.with_borrow_mut(|held| {
                held.view.get_or_insert_with(|| Rc::clone(&view));
            });
            Some(view)
        }
        Err(fault) => {
            log::fault("guard_snapshot", &fault);
            None
        }
    }
}

async fn tell_awake(env: &Env) -> Result<(), Fault> {
    object::call(env, NAME, &Wake {}).await
}

/// Takes in what was published since; on any fault the last good one stays.
pub(crate) async fn renew(env: &Env, now: UnixMillis) {
    let before = held();
    let look = HELD.with_borrow_mut(|held| {
        held.begun = held.begun.saturating_add(1);
        held.begun
    });
    let found = match read(env, before.as_deref()).await {
        Ok(Some(view)) => {
            Line::new("guard_snapshot").with("generation", view.generation()).info();
            Ok(Some(view))
        }
        // KV says that nothing was ever published: the shipped rules are the rules.
        Ok(None) if before.is_none_or(|view| !view.known) => View::shipped(true).map(Some),
        Ok(None) => Ok(None),
        Err(fault) => Err(fault),
    };
    // Two may look at once, and the one that began first end last, with what was true before.
    let is_newest = HELD.with_borrow_mut(|held| {
        held.looked_at = Some(now);
        let is_newest = held.ended < look;
        held.ended = held.ended.max(look);
        is_newest
    });
    match found {
        Ok(Some(view)) if is_newest => HELD.with_borrow_mut(|held| held.view = Some(Rc::new(view))),
        Ok(_) => {}
        Err(fault) => log::fault("guard_snapshot", &fault),
    }
}

/// The published snapshot; `None` when it is the one that is held, or when none was ever published.
async fn read(env: &Env, held: Option<&View>) -> Result<Option<View>, Fault> {
    let kv = namespace::open(env)?;
    let Some(head) = kv.text(HEAD).await? else { return Ok(None) };
    let head: Head = serde_json::from_str(&head).map_err(|e| Fault::new("guard_head", e))?;
    if head.version != VERSION {
        return Err(Fault::new("guard_head", format_args!("version {} is not known here", head.version)));
    }
    let same = held.and_then(|view| Some((view, view.head.as_ref()?)));
    let same = same.filter(|(_, known)| known.guard == head.guard && known.base == head.base);
    if same.is_some_and(|(_, known)| known.delta == head.delta) {
        return Ok(None);
    }
    let base = match same {
        // The base is the same: keep its bytes, up to 10 MB, instead of reading them again.
        Some((view, _)) => Rc::clone(&view.base),
        None => Rc::new(part(&kv, &base_key(head.base), head.base).await?),
    };
    let delta = match head.delta {
        Some(generation) => Some(part(&kv, &delta_key(generation), generation).await?),
        None => None,
    };
    let view = View { head: Some(head), known: true, base, delta };
    match view.overlay() {
        Some(_) => Ok(Some(view)),
        None => Err(Fault::new("guard_snapshot", SnapshotError::OtherBase)),
    }
}

async fn part(kv: &Namespace, key: &str, generation: u64) -> Result<Stored, Fault> {
    let bytes = kv
        .bytes(key)
        .await?
        .ok_or_else(|| Fault::new("guard_snapshot", "the head names one that is gone"))?;
    let stored = stored(bytes)?;
    match stored.view().map(|snapshot: Snapshot<'_>| snapshot.generation()) {
        Some(found) if found == generation => Ok(stored),
        _ => Err(Fault::new("guard_snapshot", "another generation than the head names")),
    }
}

fn stored(bytes: Vec<u8>) -> Result<Stored, Fault> {
    Stored::new(bytes).map_err(|e| Fault::new(e.code(), e))
}

/// What the snapshot and this isolate's own knowledge say of a client.
pub(crate) fn look_up(overlay: &Overlay<'_>, facts: &ClientFacts<'_>, now: UnixSeconds) -> Verdict {
    let verdict = overlay.lookup(facts, now);
    let open = matches!(verdict.standing, Standing::Clear | Standing::NetworkBanned);
    if open && HELD.with_borrow(|held| held.fresh.holds(facts.client, now)) {
        return Verdict { standing: Standing::AddressBanned, ..verdict };
    }
    verdict
}

/// A sentinel says that this client is banned.
pub(crate) fn note_ban(client: ClientKey, until: UnixSeconds, now: UnixSeconds) {
    HELD.with_borrow_mut(|held| held.fresh.note(client, until, now));
}

/// Whether a sentinel has not been told of this damaged link yet.
pub(crate) fn is_news(client: ClientKey, path_hash: u64, now: UnixSeconds) -> bool {
    HELD.with_borrow_mut(|held| held.reported.is_news(client, path_hash, now))
}

/// Operators let these off.
pub(crate) fn forget_bans(target: Network) {
    HELD.with_borrow_mut(|held| held.fresh.forget(target));
}

/// The snapshot that is held, without looking for a newer one.
pub(crate) fn held() -> Option<Rc<View>> {
    HELD.with_borrow(|held| held.view.clone())
}
