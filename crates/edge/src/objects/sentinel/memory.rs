//! What a sentinel holds in memory, and what a question does to it.

use super::messages::{
    AddBan, BanPage, CountRows, EventPage, Export, GetStanding, LiftBans, ListBans, ListEvents, RecordStrike,
    StandingOf, Struck,
};
use crate::objects::publisher::Dirty;
use crate::platform::object::ObjectRequest;
use waxseal::guard::strikes::{
    Caps, Event, EventKind, Journal, NewEvent, RowCounts, SentinelExport, StrikeStanding,
};
use waxseal::guard::{Change, Network, Reason, SentinelState, Settings, Strike};
use waxseal::types::{UnixMillis, UnixSeconds};

/// The longest page of bans or events.
const PAGE: u32 = 5_000;

/// A copy of what is on disk.
pub(super) struct Memory {
    pub(super) state: SentinelState,
    pub(super) journal: Journal,
    /// Nothing ends before. It may be too early: what was to end then may be gone.
    pub(super) next_end: Option<UnixSeconds>,
    /// The tables are there and up to date.
    pub(super) migrated: bool,
}

/// What to write, all of it or nothing.
#[derive(Default)]
pub(super) struct Writes {
    pub(super) changes: Vec<Change>,
    pub(super) events: Vec<Event>,
    /// Numbers of events to forget.
    pub(super) forgotten: Vec<u64>,
    /// What the publisher has to hear.
    pub(super) dirty: Option<Dirty>,
}

impl Writes {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.events.is_empty() && self.forgotten.is_empty() && self.dirty.is_none()
    }
}

impl Memory {
    /// Knows nothing.
    pub(super) fn new() -> Self {
        Self {
            state: SentinelState::new(Caps::default()),
            journal: Journal::new(Journal::CAP),
            next_end: None,
            migrated: false,
        }
    }

    /// Whether there is nothing to keep.
    pub(super) fn is_empty(&self) -> bool {
        self.state.rows() == 0 && self.journal.is_empty()
    }

    /// Looks through everything for what ends next.
    pub(super) fn find_next_end(&mut self) {
        self.next_end = self.state.next_end().into_iter().chain(self.journal.next_end()).min();
    }

    /// Carries out a request. The reply may be given once the rest is written; where that fails, this memory is wrong.
    pub(super) fn answer<R: Work>(&mut self, request: R, now: UnixMillis) -> (R::Reply, Writes) {
        let mut writes = Writes::default();
        let settled = self.state.settle(now);
        let reply = request.run(self, now, &mut writes);
        writes.changes.splice(0..0, settled);
        let ends = writes.changes.iter().filter_map(Change::ends_at);
        let ends = ends.chain(writes.events.iter().map(|event| event.forget_at));
        self.next_end = self.next_end.into_iter().chain(ends).min();
        (reply, writes)
    }

    /// Forgets what is over, if anything is.
    pub(super) fn sweep(&mut self, now: UnixMillis) -> Writes {
        let mut writes = Writes::default();
        if self.next_end.is_some_and(|end| end <= now.seconds()) {
            writes.changes = self.state.sweep(now);
            writes.forgotten = self.journal.sweep(now);
            self.tell(&mut writes);
            self.find_next_end();
        }
        writes
    }

    fn strike(
        &mut self,
        strike: &Strike,
        settings: &Settings,
        now: UnixMillis,
        day_ends_at: UnixSeconds,
        writes: &mut Writes,
    ) -> Struck {
        let outcome = self.state.strike(strike, settings, now, day_ends_at);
        writes.changes = outcome.changes;
        let standing = outcome.standing;
        if let StrikeStanding::Banned { .. } = standing {
            let own = (EventKind::Banned, Network::single(strike.client));
            let networks = outcome.networks.into_iter().map(|network| (EventKind::NetworkBanned, network));
            for (kind, target) in std::iter::once(own).chain(networks) {
                // The last, for a clock that went back rewrites bans first.
                let made = writes.changes.iter().rev().find_map(|change| match change {
                    Change::Ban(changed, ban) if *changed == target => Some(*ban),
                    _ => None,
                });
                if let Some(ban) = made.filter(|ban| !ban.dry_run) {
                    let happening = NewEvent { kind, target, reason: ban.reason, asn: ban.asn };
                    self.note(happening, now, ban.until, writes);
                }
            }
        }
        self.tell(writes);
        let bans = match standing {
            StrikeStanding::Banned { .. } | StrikeStanding::AlreadyBanned { .. } => {
                self.state.bans_of(strike.client, now.seconds())
            }
            StrikeStanding::Counted { .. } => Vec::new(),
        };
        Struck { standing, bans: bans.iter().map(|(target, ban)| ban.of(*target)).collect() }
    }

    fn note(&mut self, happening: NewEvent, now: UnixMillis, day_ends_at: UnixSeconds, writes: &mut Writes) {
        let (event, forgotten) = self.journal.note(happening, now, day_ends_at);
        writes.events.push(event);
        writes.forgotten.extend(forgotten);
    }

    /// Marks that the publisher is to be told, when a ban was made or ended before its time. What ends in time ends in the
    /// snapshot by itself.
    fn tell(&mut self, writes: &mut Writes) {
        let early = self.state.take_ended_early();
        if early || writes.changes.iter().any(|change| matches!(change, Change::Ban(..))) {
            writes.dirty = Some(Dirty { rebase: early });
        }
    }
}

/// What a request does to the memory, and what is to be written of it.
pub(super) trait Work: ObjectRequest {
    fn run(self, memory: &mut Memory, now: UnixMillis, writes: &mut Writes) -> Self::Reply;
}

impl Work for RecordStrike {
    fn run(self, memory: &mut Memory, now: UnixMillis, writes: &mut Writes) -> Struck {
        memory.strike(&self.strike, &self.settings, now, self.day_ends_at, writes)
    }
}

impl Work for AddBan {
    fn run(self, memory: &mut Memory, now: UnixMillis, writes: &mut Writes) {
        writes.changes = memory.state.ban(self.target, self.until, now);
        let happening =
            NewEvent { kind: EventKind::BannedByOps, target: self.target, reason: Reason::Ops, asn: None };
        memory.note(happening, now, self.day_ends_at, writes);
        memory.tell(writes);
    }
}

impl Work for LiftBans {
    fn run(self, memory: &mut Memory, now: UnixMillis, writes: &mut Writes) -> u32 {
        let held = memory.state.ban_of(self.target).copied();
        writes.changes = memory.state.lift(self.target);
        let lifted = writes.changes.iter().filter(|it| matches!(it, Change::Unban(_))).count();
        if lifted > 0 {
            let reason = held.map_or(Reason::Lifted, |ban| ban.reason);
            let asn = held.and_then(|ban| ban.asn);
            let happening = NewEvent { kind: EventKind::Lifted, target: self.target, reason, asn };
            memory.note(happening, now, self.day_ends_at, writes);
        }
        memory.tell(writes);
        u32::try_from(lifted).unwrap_or(u32::MAX)
    }
}

impl Work for GetStanding {
    fn run(self, memory: &mut Memory, now: UnixMillis, _: &mut Writes) -> StandingOf {
        let watched = memory.state.watched(self.client).copied();
        StandingOf { watched, bans: memory.state.bans_of(self.client, now.seconds()) }
    }
}

impl Work for Export {
    fn run(self, memory: &mut Memory, now: UnixMillis, _: &mut Writes) -> SentinelExport {
        memory.state.export_since(self.since, now.seconds())
    }
}

impl Work for ListBans {
    fn run(self, memory: &mut Memory, now: UnixMillis, _: &mut Writes) -> BanPage {
        let (bans, more) = memory.state.page(self.after, page(self.limit), now.seconds());
        BanPage { bans, more }
    }
}

impl Work for ListEvents {
    fn run(self, memory: &mut Memory, _: UnixMillis, _: &mut Writes) -> EventPage {
        let (events, more) = memory.journal.after(self.after, page(self.limit));
        EventPage { events, more }
    }
}

impl Work for CountRows {
    fn run(self, memory: &mut Memory, _: UnixMillis, _: &mut Writes) -> RowCounts {
        memory.state.row_counts()
    }
}

fn page(limit: u32) -> usize {
    usize::try_from(limit.clamp(1, PAGE)).unwrap_or(1)
}
