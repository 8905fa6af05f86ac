//! The look-up: what the rules and bans say about one client at one moment. No allocation, no parsing.

use core::cmp::Reverse;

use super::format::{EntryRow, NO_STACK, Rank, TEXT_ROW_BYTES, three};
use super::validate::{Snapshot, SnapshotError, unpack};
use crate::guard::address::ClientKey;
use crate::guard::pattern::{PlainPath, glob, matches_agent};
use crate::guard::reason::Reason;
use crate::guard::rules::Country;
use crate::guard::settings::Settings;
use crate::types::UnixSeconds;

/// What the platform knows of a client, and what the client says it is.
#[derive(Clone, Copy, Debug)]
pub struct ClientFacts<'a> {
    /// The connecting address, never a header that the client can set.
    pub client: ClientKey,
    /// Its AS number.
    pub asn: Option<u32>,
    /// Its country.
    pub country: Option<Country>,
    /// Its `User-Agent`.
    pub agent: Option<&'a str>,
}

/// Where a client stands, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Standing {
    /// By an operator's rule: never refused, never banned.
    Allowed,
    /// By an operator's rule: always refused.
    Denied,
    /// This very address is banned.
    AddressBanned,
    /// Its network is banned.
    NetworkBanned,
    /// Nothing is known.
    Clear,
}

codes!(Standing);

impl Standing {
    /// Whether a ban decides.
    pub const fn is_banned(self) -> bool {
        matches!(self, Self::AddressBanned | Self::NetworkBanned)
    }
}

/// The rule or ban that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Why.
    pub reason: Reason,
    /// The line of the rules file; `None` for what was learnt or shipped.
    pub line: Option<u32>,
    /// Until when; `None` for ever.
    pub until: Option<UnixSeconds>,
    /// Whether it is in dry run. Only in [`Verdict::would`].
    pub dry_run: bool,
    /// Where its note lies: see [`Overlay::note`].
    note: (bool, u32, u32),
}

/// What would hold if nothing were in dry run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Would {
    /// Where the client would stand.
    pub standing: Standing,
    /// Whether its agent would be allowed.
    pub agent_allowed: bool,
    /// By which rule or ban.
    pub cause: Option<Cause>,
}

/// The result of a look-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Where the client stands.
    pub standing: Standing,
    /// By which rule or ban; `None` when clear.
    pub cause: Option<Cause>,
    /// An operator's rule allows its agent: no rule about agents, crawlers or previews applies. It lifts nothing else,
    /// because anybody can say anything.
    pub agent_allowed: bool,
    /// Its AS has many banned networks: strikes count more.
    pub strict: bool,
    /// What rules and bans in dry run would change; `None` when nothing.
    pub would: Option<Would>,
}

impl Verdict {
    /// Nothing is known: what holds before any snapshot could be read.
    pub const CLEAR: Self =
        Self { standing: Standing::Clear, cause: None, agent_allowed: false, strict: false, would: None };
}

/// Which honeypot a path is, if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Honeypot {
    /// The honeypot that counts.
    pub cause: Option<Cause>,
    /// One in dry run.
    pub would: Option<Cause>,
}

/// A base with the delta that belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Overlay<'a> {
    base: Snapshot<'a>,
    delta: Option<Snapshot<'a>>,
}

/// The strongest entry so far that counts, and the strongest with those in dry run.
#[derive(Clone, Copy, Default)]
struct Pick {
    live: Option<Found>,
    would: Option<Found>,
}

#[derive(Clone, Copy)]
struct Found {
    in_delta: bool,
    number: u32,
    row: EntryRow,
}

impl Pick {
    fn offer(&mut self, found: Found) {
        self.would = strongest(self.would, Some(found));
        if !found.row.dry_run {
            self.live = strongest(self.live, Some(found));
        }
    }
}

/// The stronger of two: by rank; among bans what ends last, so that base and delta are one list; else by place.
fn strongest(a: Option<Found>, b: Option<Found>) -> Option<Found> {
    a.into_iter().chain(b).min_by_key(|found| {
        let row = &found.row;
        let learnt = matches!(row.rank, Rank::AddressBan | Rank::NetworkBan);
        let among_learnt = learnt.then_some((Reverse(row.until), row.reason, row.dry_run));
        (row.rank, among_learnt, found.in_delta, found.number)
    })
}

impl<'a> Snapshot<'a> {
    /// Looks a client up in this snapshot alone.
    pub fn lookup(&self, facts: &ClientFacts<'_>, now: UnixSeconds) -> Verdict {
        Overlay { base: *self, delta: None }.lookup(facts, now)
    }

    /// Puts a delta over this base.
    ///
    /// # Errors
    /// [`SnapshotError::OtherBase`] when the delta was made for another one.
    pub fn with_delta(self, delta: Option<Snapshot<'a>>) -> Result<Overlay<'a>, SnapshotError> {
        let fits = |delta: &Snapshot<'_>| delta.is_delta() && delta.base_generation() == self.generation();
        if self.is_delta() || !delta.as_ref().is_none_or(fits) {
            return Err(SnapshotError::OtherBase);
        }
        Ok(Overlay { base: self, delta })
    }

    fn entry(&self, number: u32) -> Option<EntryRow> {
        self.entries.get(number as usize).and_then(EntryRow::read)
    }

    fn offer(&self, number: u32, in_delta: bool, now: UnixSeconds, pick: &mut Pick) {
        if let Some(row) = self.entry(number).filter(|row| row.is_live(now)) {
            pick.offer(Found { in_delta, number, row });
        }
    }

    fn offer_stack(&self, stack: u32, in_delta: bool, now: UnixSeconds, pick: &mut Pick) {
        let stack = stack as usize;
        let Some(from) = self.stack_starts.get(stack) else { return };
        let to = self.stack_starts.get(stack + 1).map(|to| u32::from_le_bytes(*to) as usize);
        let from = u32::from_le_bytes(*from) as usize;
        let items = self.stack_items.get(from..to.unwrap_or(self.stack_items.len())).unwrap_or_default();
        for item in items {
            self.offer(u32::from_le_bytes(*item), in_delta, now, pick);
        }
    }

    /// The stack of the block that the client lies in.
    fn stack_of(&self, client: ClientKey) -> Option<u32> {
        let (behind, start, metas) = match client {
            ClientKey::V4(v4) => {
                let behind = self.v4_starts.partition_point(|start| u32::from_le_bytes(*start) <= v4);
                let start = self.v4_starts.get(behind.checked_sub(1)?)?;
                (behind, u64::from(u32::from_le_bytes(*start)), self.v4_metas)
            }
            ClientKey::V6(v6) => {
                let behind = self.v6_starts.partition_point(|start| u64::from_le_bytes(*start) <= v6);
                let start = self.v6_starts.get(behind.checked_sub(1)?)?;
                (behind, u64::from_le_bytes(*start), self.v6_metas)
            }
        };
        let (span, stack) = unpack(u32::from_le_bytes(*metas.get(behind.checked_sub(1)?)?));
        let beyond = client.number().checked_sub(start)?.checked_shr(span).unwrap_or(0);
        (beyond == 0).then_some(stack)
    }

    /// Offers all that applies; returns whether the AS is strict.
    fn gather(&self, facts: &ClientFacts<'_>, in_delta: bool, now: UnixSeconds, pick: &mut Pick) -> bool {
        if let Some(stack) = self.stack_of(facts.client) {
            self.offer_stack(stack, in_delta, now, pick);
        }
        if let Some(country) = facts.country {
            let found = self.countries.binary_search_by(|[a, b, ..]| [*a, *b].cmp(&country.0));
            if let Some([_, _, _, _, stack @ ..]) = found.ok().and_then(|at| self.countries.get(at)) {
                self.offer_stack(u32::from_le_bytes(*stack), in_delta, now, pick);
            }
        }
        let Some(asn) = facts.asn else { return false };
        let found = self.asns.binary_search_by(|row| three(row)[0].cmp(&asn));
        let Some([_, stack, strict]) = found.ok().and_then(|at| self.asns.get(at)).map(three) else {
            return false;
        };
        if stack != NO_STACK {
            self.offer_stack(stack, in_delta, now, pick);
        }
        strict == 1
    }

    fn text_matches(&self, row: &[u8; TEXT_ROW_BYTES], matches: impl Fn(&[u8]) -> bool) -> Option<u32> {
        let [start, length, entry] = three(row);
        self.piece(start, length).is_some_and(matches).then_some(entry)
    }

    /// Offers rules about agents: allow rules to the first pick, deny rules to the second.
    fn gather_agents(&self, agent: &str, now: UnixSeconds) -> (Pick, Pick) {
        let (mut allow, mut deny) = (Pick::default(), Pick::default());
        for row in self.agents {
            let Some(number) = self.text_matches(row, |pattern| matches_agent(pattern, agent.as_bytes()))
            else {
                continue;
            };
            let is_allow = self.entry(number).is_some_and(|entry| entry.rank == Rank::AgentAllow);
            self.offer(number, false, now, if is_allow { &mut allow } else { &mut deny });
        }
        (allow, deny)
    }
}

impl<'a> Overlay<'a> {
    /// Looks a client up. Rules and bans of base and delta are one list: allow before deny, deny before bans.
    pub fn lookup(&self, facts: &ClientFacts<'_>, now: UnixSeconds) -> Verdict {
        let mut pick = Pick::default();
        let mut strict = self.base.gather(facts, false, now, &mut pick);
        if let Some(delta) = &self.delta {
            strict |= delta.gather(facts, true, now, &mut pick);
        }
        let (allow, deny) = facts.agent.map(|agent| self.base.gather_agents(agent, now)).unwrap_or_default();
        let live = strongest(pick.live, deny.live.filter(|_| allow.live.is_none()));
        let would = strongest(pick.would, deny.would.filter(|_| allow.would.is_none()));

        let (standing, agent_allowed) = (standing(live), allow.live.is_some());
        let cause = live.map(|found| found.cause());
        let would = Would {
            standing: self::standing(would),
            agent_allowed: allow.would.is_some(),
            cause: would.map(|found| found.cause()),
        };
        let differs = (would.standing, would.agent_allowed, would.cause) != (standing, agent_allowed, cause);
        Verdict { standing, cause, agent_allowed, strict, would: differs.then_some(would) }
    }

    /// Which honeypot a path is, if any. Give the whole path as received.
    pub fn honeypot(&self, path: &str, now: UnixSeconds) -> Honeypot {
        let (base, plain) = (&self.base, PlainPath::new(path));
        let plain = plain.as_bytes();
        let mut pick = Pick::default();
        let text = |row: &[u8; TEXT_ROW_BYTES]| {
            let [start, length, _] = three(row);
            base.piece(start, length).unwrap_or_default()
        };
        let from = base.paths.partition_point(|row| text(row) < plain);
        let same = base.paths.iter().skip(from).take_while(|row| text(row) == plain);
        let globs = base.globs.iter().filter(|row| glob(text(row), plain));
        for row in same.chain(globs) {
            base.offer(three(row)[2], false, now, &mut pick);
        }
        let would = pick.would.filter(|found| found.row.dry_run && pick.live.is_none());
        Honeypot { cause: pick.live.map(|found| found.cause()), would: would.map(|found| found.cause()) }
    }

    /// The note that operators wrote beside the rule; empty when there is none.
    pub fn note(&self, cause: &Cause) -> &'a str {
        let (in_delta, start, length) = cause.note;
        let snapshot = if in_delta { self.delta.unwrap_or(self.base) } else { self.base };
        snapshot.piece(start, length).and_then(|note| core::str::from_utf8(note).ok()).unwrap_or_default()
    }

    /// Profile, thresholds, robots.
    pub const fn settings(&self) -> &Settings {
        self.base.settings()
    }
}

fn standing(found: Option<Found>) -> Standing {
    match found.map(|found| found.row.rank) {
        Some(Rank::Allow) => Standing::Allowed,
        Some(Rank::Deny) => Standing::Denied,
        Some(Rank::AddressBan) => Standing::AddressBanned,
        Some(Rank::NetworkBan) => Standing::NetworkBanned,
        Some(Rank::AgentAllow | Rank::Honeypot) | None => Standing::Clear,
    }
}

impl Found {
    fn cause(&self) -> Cause {
        let row = &self.row;
        Cause {
            reason: row.reason,
            line: (row.line > 0).then_some(row.line),
            until: (row.until.0 != u64::MAX).then_some(row.until),
            dry_run: row.dry_run,
            note: (self.in_delta, row.note.start, row.note.length),
        }
    }
}
