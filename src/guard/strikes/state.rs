//! The state machine of one sentinel.

use super::bounded::Bounded;
use super::record::{BanRecord, Caps, Change, Outcome, Strike, StrikeStanding, Watched};
use crate::guard::address::{ClientKey, Network};
use crate::guard::reason::{Reason, StrikeKind};
use crate::guard::settings::{Profile, Settings, Thresholds};
use crate::types::{UnixMillis, UnixSeconds};

/// The longest day there is, with room: 25 hours when summer time ends, and one more.
pub(super) const MAX_DAY_SECONDS: u64 = 26 * 3_600;

/// A clock that goes back by no more than this stands still instead. Beyond it the earlier time was the wrong one.
const CLOCK_SLACK_MILLIS: u64 = 3_600_000;

/// Everything one sentinel knows.
#[derive(Clone, Debug)]
pub struct SentinelState {
    pub(super) watched: Bounded<ClientKey, Watched>,
    pub(super) banned: Bounded<ClientKey, BanRecord>,
    pub(super) networks: Bounded<Network, BanRecord>,
    last: UnixMillis,
    /// A ban was ended or shortened by other means than its time.
    ended_early: bool,
}

impl SentinelState {
    /// Knows nothing yet.
    pub const fn new(caps: Caps) -> Self {
        Self {
            watched: Bounded::new(caps.watched),
            banned: Bounded::new(caps.banned),
            networks: Bounded::new(caps.networks),
            last: UnixMillis(0),
            ended_early: false,
        }
    }

    /// What stored rows say. Rows beyond the caps are left out, weakest first.
    pub fn restore(caps: Caps, rows: impl IntoIterator<Item = Change>) -> Self {
        let mut state = Self::new(caps);
        for row in rows {
            state.take_in(row);
        }
        state
    }

    /// One stored row more. For shells that read rows a few at a time.
    pub fn take_in(&mut self, row: Change) {
        let mut ignored = Vec::new();
        match row {
            Change::Watch(client, watched) => self.put_watched(client, watched, &mut ignored),
            Change::Ban(target, record) => self.put_ban(target, record, &mut ignored),
            Change::Unwatch(client) => drop(self.watched.remove(client)),
            Change::Unban(target) => self.remove_ban(target, &mut ignored),
        }
    }

    /// A strike. `day_ends_at` is the next midnight of the site's time zone; one that lies in the past or more than 26
    /// hours ahead is put right.
    pub fn strike(
        &mut self,
        strike: &Strike,
        settings: &Settings,
        now: UnixMillis,
        day_ends_at: UnixSeconds,
    ) -> Outcome {
        let mut changes = Vec::new();
        let now = self.tick(now, &mut changes);
        let until = end_of_day(now, day_ends_at);
        let limits = &settings.thresholds;
        let client = strike.client;
        let answer = |standing, networks, changes| Outcome { standing, networks, changes };

        let held = self.banned.get(client).copied().filter(|ban| counts(ban, limits, now.seconds()));
        if let Some(ban) = held {
            return answer(StrikeStanding::AlreadyBanned { until: ban.until }, Vec::new(), changes);
        }

        let offence = &strike.offence;
        let before = self.watched.get(client).copied().filter(|it| now.seconds() < it.forget_at);
        let again =
            before.is_some_and(|it| it.path_hash == strike.path_hash) && offence.kind == StrikeKind::Damaged;
        let at_once = offence.kind == StrikeKind::Honeypot || settings.profile == Profile::Strict;
        let cost = if again && !at_once { 0 } else { cost_millis(strike, limits) };
        let clear_at = before.map_or(now, |it| it.clear_at.max(now)).0.saturating_add(cost);
        let spent = clear_at.saturating_sub(now.0);
        if !at_once && spent < enough(limits) {
            let watched = Watched {
                clear_at: UnixMillis(clear_at),
                forget_at: until,
                strikes: before.map_or(0, |it| it.strikes).saturating_add(1),
                path_hash: if offence.kind == StrikeKind::Damaged {
                    strike.path_hash
                } else {
                    before.map_or(0, |it| it.path_hash)
                },
            };
            self.put_watched(client, watched, &mut changes);
            let millipoints = spent.checked_div(u64::from(limits.fade_seconds)).unwrap_or(0);
            return answer(StrikeStanding::Counted { millipoints }, Vec::new(), changes);
        }

        let record = BanRecord {
            since: now.seconds(),
            until,
            reason: offence.kind.reason(),
            asn: strike.asn,
            dry_run: limits.dry_run,
        };
        if self.watched.remove(client).is_some() {
            changes.push(Change::Unwatch(client));
        }
        self.put_ban(Network::single(client), record, &mut changes);
        let networks = self.escalate(client, &record, settings, &mut changes);
        answer(StrikeStanding::Banned { until }, networks, changes)
    }

    /// Operators ban somebody by hand, until any time.
    pub fn ban(&mut self, target: Network, until: UnixSeconds, now: UnixMillis) -> Vec<Change> {
        let mut changes = Vec::new();
        let since = self.tick(now, &mut changes).seconds();
        // A strike's ban that lasts longer is not cut short.
        let until =
            self.ban_of(target).filter(|held| !held.dry_run).map_or(until, |held| held.until.max(until));
        let record = BanRecord { since, until, reason: Reason::Ops, asn: None, dry_run: false };
        self.put_ban(target, record, &mut changes);
        changes
    }

    /// Operators lift a ban by hand, with the bans and the points of all in it, so that the next strike does not bring it
    /// back.
    pub fn lift(&mut self, target: Network) -> Vec<Change> {
        let mut changes = Vec::new();
        // A network that begins inside another lies in it, so this is the target and all narrower ones.
        let networks = self.networks.range(target..=Network::single(target.last()));
        let networks: Vec<Network> = networks.map(|(network, _)| network).collect();
        let inside = target.first()..=target.last();
        let watched: Vec<ClientKey> = self.watched.range(inside.clone()).map(|(client, _)| client).collect();
        let banned: Vec<ClientKey> = self.banned.range(inside).map(|(client, _)| client).collect();
        for client in watched {
            self.watched.remove(client);
            changes.push(Change::Unwatch(client));
        }
        for network in networks.into_iter().chain(banned.into_iter().map(Network::single)) {
            self.remove_ban(network, &mut changes);
        }
        self.ended_early |= changes.iter().any(|change| matches!(change, Change::Unban(_)));
        changes
    }

    /// Whether a ban was lifted or shortened since this was last asked: of that a snapshot has to be told anew, while
    /// bans that end in time end by themselves.
    pub fn take_ended_early(&mut self) -> bool {
        core::mem::take(&mut self.ended_early)
    }

    /// Forgets what is over. After the end of the day nothing is left but bans by hand.
    pub fn sweep(&mut self, now: UnixMillis) -> Vec<Change> {
        let mut changes = Vec::new();
        let now = self.tick(now, &mut changes);
        let seconds = now.seconds();
        let watched: Vec<ClientKey> = self
            .watched
            .iter()
            .filter(|(_, it)| it.forget_at <= seconds || it.clear_at <= now)
            .map(|(client, _)| client)
            .collect();
        for client in watched {
            self.watched.remove(client);
            changes.push(Change::Unwatch(client));
        }
        let over: Vec<Network> =
            self.all_bans().filter(|(_, ban)| ban.until <= seconds).map(|(target, _)| target).collect();
        for target in over {
            self.remove_ban(target, &mut changes);
        }
        changes
    }

    /// When something ends next: the alarm to set. `None` when nothing is known.
    pub fn next_end(&self) -> Option<UnixSeconds> {
        let watched = self.watched.iter().map(|(_, it)| it.forget_at);
        let bans = self.all_bans().map(|(_, ban)| ban.until);
        watched.chain(bans).min()
    }

    /// Bans the networks around a client that was just banned, when enough of their members are.
    fn escalate(
        &mut self,
        client: ClientKey,
        record: &BanRecord,
        settings: &Settings,
        changes: &mut Vec<Change>,
    ) -> Vec<Network> {
        let limits = &settings.thresholds;
        let need = usize::try_from(limits.network_after).unwrap_or(usize::MAX);
        let now = record.since;
        let mut banned = Vec::new();
        let near = client.neighbourhood();
        if settings.profile == Profile::Strict || self.members(near, need, limits, now) >= need {
            banned.push(near);
        }
        if let Some(wide) =
            client.district().filter(|wide| self.neighbourhoods(*wide, need, limits, now) >= need)
        {
            banned.push(wide);
        }
        banned.retain(|network| !self.networks.get(*network).is_some_and(|held| counts(held, limits, now)));
        for network in &banned {
            let reason = if settings.profile == Profile::Strict { record.reason } else { Reason::Neighbours };
            self.put_ban(*network, BanRecord { reason, ..*record }, changes);
        }
        banned
    }

    /// How many banned clients the network has, counting up to `most`.
    fn members(&self, network: Network, most: usize, limits: &Thresholds, now: UnixSeconds) -> usize {
        let inside = self.banned.range(network.first()..=network.last());
        inside.filter(|(_, ban)| counts(ban, limits, now)).take(most).count()
    }

    /// How many /56s of a /48 have a banned client, counting up to `most`.
    fn neighbourhoods(&self, wide: Network, most: usize, limits: &Thresholds, now: UnixSeconds) -> usize {
        let (mut found, mut from) = (0, wide.first());
        while found < most {
            let mut inside = self.banned.range(from..=wide.last());
            let Some((client, _)) = inside.find(|(_, ban)| counts(ban, limits, now)) else { break };
            found += 1;
            // Go on behind this /56.
            let (ClientKey::V6(last), ClientKey::V6(end)) = (client.neighbourhood().last(), wide.last())
            else {
                break;
            };
            match last.checked_add(1).filter(|next| *next <= end) {
                Some(next) => from = ClientKey::V6(next),
                None => break,
            }
        }
        found
    }

    /// Puts right what a wrong clock noted. Every other change does so too.
    pub fn settle(&mut self, now: UnixMillis) -> Vec<Change> {
        let mut changes = Vec::new();
        self.tick(now, &mut changes);
        changes
    }

    /// The time to go by.
    fn tick(&mut self, now: UnixMillis, changes: &mut Vec<Change>) -> UnixMillis {
        let back = self.last.0.saturating_sub(now.0);
        // What was restored may have been noted by a clock that was wrong.
        if back > CLOCK_SLACK_MILLIS || self.last.0 == 0 {
            self.rebase(now, changes);
            self.last = now;
        } else {
            self.last = self.last.max(now);
        }
        self.last
    }

    /// The clock was far ahead: nothing that was noted then may last longer than a day from now.
    fn rebase(&mut self, now: UnixMillis, changes: &mut Vec<Change>) {
        let latest = UnixSeconds(now.seconds().0.saturating_add(MAX_DAY_SECONDS));
        let watched: Vec<ClientKey> =
            self.watched.iter().filter(|(_, it)| it.forget_at > latest).map(|(client, _)| client).collect();
        for client in watched {
            self.watched.remove(client);
            changes.push(Change::Unwatch(client));
        }
        let bans: Vec<(Network, BanRecord)> = self
            .all_bans()
            .filter(|(_, ban)| ban.until > latest && ban.reason != Reason::Ops)
            .map(|(target, ban)| (target, *ban))
            .collect();
        for (target, ban) in bans {
            self.put_ban(target, BanRecord { since: now.seconds(), until: latest, ..ban }, changes);
        }
    }

    fn put_watched(&mut self, client: ClientKey, watched: Watched, changes: &mut Vec<Change>) {
        changes.push(Change::Watch(client, watched));
        let gone = self.watched.put(client, (0, watched.clear_at.0), watched);
        changes.extend(gone.map(Change::Unwatch));
    }

    fn put_ban(&mut self, target: Network, record: BanRecord, changes: &mut Vec<Change>) {
        changes.push(Change::Ban(target, record));
        self.ended_early |= self.ban_of(target).is_some_and(|held| record.until < held.until);
        if target.is_single() {
            let rank = self.rank_of(target.first(), &record);
            let gone = self.banned.put(target.first(), rank, record);
            changes.extend(gone.map(|client| Change::Unban(Network::single(client))));
        } else {
            let gone = self.networks.put(target, ban_rank(&record), record);
            changes.extend(gone.map(Change::Unban));
            self.rank_members(target);
        }
    }

    fn remove_ban(&mut self, target: Network, changes: &mut Vec<Change>) {
        let held = if target.is_single() {
            self.banned.remove(target.first()).is_some()
        } else {
            self.networks.remove(target).is_some()
        };
        if held {
            changes.push(Change::Unban(target));
        }
    }

    /// Banned clients in a banned network may be forgotten before others.
    fn rank_of(&self, client: ClientKey, record: &BanRecord) -> (u8, u64) {
        let near = self.networks.get(client.neighbourhood()).is_some();
        let covered = near || client.district().is_some_and(|wide| self.networks.get(wide).is_some());
        if covered { (0, record.since.0) } else { ban_rank(record) }
    }

    fn rank_members(&mut self, network: Network) {
        let members: Vec<(ClientKey, BanRecord)> =
            self.banned.range(network.first()..=network.last()).map(|(client, ban)| (client, *ban)).collect();
        for (client, ban) in members {
            let rank = self.rank_of(client, &ban);
            self.banned.put(client, rank, ban);
        }
    }
}

/// Bans by hand stay longest, then the newest.
fn ban_rank(record: &BanRecord) -> (u8, u64) {
    (if record.reason == Reason::Ops { 2 } else { 1 }, record.since.0)
}

/// Whether a ban stands. One made in dry run does only while the thresholds are still in dry run.
fn counts(ban: &BanRecord, limits: &Thresholds, now: UnixSeconds) -> bool {
    now < ban.until && (!ban.dry_run || limits.dry_run)
}

pub(super) fn end_of_day(now: UnixMillis, day_ends_at: UnixSeconds) -> UnixSeconds {
    let now = now.seconds().0;
    UnixSeconds(day_ends_at.0.clamp(now.saturating_add(1), now.saturating_add(MAX_DAY_SECONDS)))
}

/// What bans, in milliseconds of fading. Points are rounded to whole ones, or the little that fades between two strikes
/// would always ask for one strike more than the rules say.
fn enough(limits: &Thresholds) -> u64 {
    millis(limits.allowance, limits).saturating_sub(millis(1, limits) / 2)
}

/// What points are in milliseconds of fading.
fn millis(points: u32, limits: &Thresholds) -> u64 {
    u64::from(points).saturating_mul(u64::from(limits.fade_seconds)).saturating_mul(1_000)
}

fn cost_millis(strike: &Strike, limits: &Thresholds) -> u64 {
    let points = match strike.offence.kind {
        StrikeKind::Damaged => limits.damaged,
        StrikeKind::Forged => limits.forged,
        StrikeKind::ApiKey => limits.api_key,
        StrikeKind::Honeypot => limits.allowance,
    };
    let cost = millis(points, limits);
    if strike.offence.strict { cost.saturating_mul(u64::from(limits.strict_factor.max(1))) } else { cost }
}
