//! Which items of the rules never decide, and which stronger entry hides each.

use std::collections::{BTreeMap, BTreeSet};

use crate::guard::pattern::{glob, is_glob};
use crate::guard::rules::{Entry, Matcher, Rules};
use crate::types::UnixSeconds;

/// Numbers of addresses, AS numbers and countries: everything of which an entry names ranges.
const SPACES: usize = 4;

/// One item: the entry it is of, and its place in that entry's list.
#[derive(Clone, Copy, Debug)]
struct Item {
    /// The entry's place in [`Cover::entries`].
    rank: usize,
    place: usize,
    /// Whether it decides for anybody at any time.
    effective: bool,
    /// The rank of a stronger entry that hides it (in part, when it is effective).
    hider: Option<usize>,
}

/// From the first to the last number, both included, and the item.
type Range = (u64, u64, usize);

pub(super) struct Cover<'a> {
    rules: &'a Rules,
    /// Those that have not ended, strongest first.
    entries: Vec<(usize, &'a Entry)>,
    /// In the order of `entries`.
    items: Vec<Item>,
    /// Where the items of an entry begin, by its number in the rules; those that have ended have none.
    first: Vec<Option<usize>>,
}

impl<'a> Cover<'a> {
    pub(super) fn of(rules: &'a Rules, now: UnixSeconds) -> Self {
        let live = |entry: &Entry| entry.expires.is_none_or(|end| now < end);
        let mut entries: Vec<(usize, &Entry)> =
            rules.entries.iter().enumerate().filter(|(_, entry)| live(entry)).collect();
        // Stably, so that of one action the earlier is the stronger; the shipped honeypots are there first.
        entries.sort_by_key(|(_, entry)| (entry.action, entry.line > 0));
        let mut cover = Self { rules, entries, items: Vec::new(), first: vec![None; rules.entries.len()] };
        let mut spaces: [Vec<Range>; SPACES] = Default::default();
        let (mut agents, mut paths) = (Vec::new(), Vec::new());
        for (rank, (number, entry)) in cover.entries.iter().enumerate() {
            if let Some(first) = cover.first.get_mut(*number) {
                *first = Some(cover.items.len());
            }
            for place in 0..entry.matcher.len() {
                let item = cover.items.len();
                cover.items.push(Item { rank, place, effective: false, hider: None });
                match &entry.matcher {
                    Matcher::Agents(all) => agents.extend(all.get(place).map(|text| (anywhere(text), item))),
                    Matcher::Paths(all) => paths.extend(all.get(place).map(|text| (text.clone(), item))),
                    matcher => add_range(matcher, place, item, &mut spaces),
                }
            }
        }
        spaces.into_iter().for_each(|ranges| cover.sweep(ranges));
        cover.patterns(&agents, |stronger, weaker| stronger < weaker);
        // Of honeypots none is stronger: each bans. Of two that cover each other the first counts.
        cover.patterns(&paths, |_, _| true);
        cover
    }

    pub(super) fn entry(&self, number: usize) -> Option<&'a Entry> {
        self.rules.entries.get(number)
    }

    /// The items of an entry that never decide, by their place in its list, each with the entry that hides it.
    pub(super) fn covered(&self, number: usize) -> impl Iterator<Item = (usize, &'a Entry)> + '_ {
        let first = self.first.get(number).copied().flatten();
        let count = self.entry(number).map_or(0, |entry| entry.matcher.len());
        let items = first.and_then(|first| self.items.get(first..first + count)).unwrap_or_default();
        items.iter().filter(|item| !item.effective).filter_map(|item| {
            let (_, by) = self.entries.get(item.hider?)?;
            Some((item.place, *by))
        })
    }

    /// Whether the entry of rank `by` hides that of rank `rank` where both apply: it outlasts it, and it is not only in
    /// dry run.
    fn hides(&self, by: usize, rank: usize) -> bool {
        let (Some((_, by)), Some((_, entry))) = (self.entries.get(by), self.entries.get(rank)) else {
            return false;
        };
        until(by) >= until(entry) && (!by.dry_run || entry.dry_run)
    }

    /// Goes along the numbers from one end of a range to the next, and keeps the items that apply between them.
    fn sweep(&mut self, mut ranges: Vec<Range>) {
        ranges.sort_unstable();
        let mut ends: Vec<(u64, usize)> = ranges.iter().map(|(_, last, item)| (*last, *item)).collect();
        ends.sort_unstable();
        let (mut starts, mut ends) = (ranges.into_iter().peekable(), ends.into_iter().peekable());
        let mut active: BTreeSet<usize> = BTreeSet::new();
        while let Some((last, _)) = ends.peek().copied() {
            let at = match starts.peek() {
                Some((first, _, _)) if *first <= last => *first,
                _ => match last.checked_add(1) {
                    Some(at) => at,
                    None => break,
                },
            };
            while let Some((_, item)) = ends.next_if(|(last, _)| *last < at) {
                active.remove(&item);
            }
            let mut begun = Vec::new();
            while let Some((_, _, item)) = starts.next_if(|(first, _, _)| *first == at) {
                active.insert(item);
                begun.push(item);
            }
            self.note_hiders(&begun, &active);
            self.note_effective(&active);
        }
    }

    /// Whatever is hidden at all of its numbers is hidden at its first.
    fn note_hiders(&mut self, begun: &[usize], active: &BTreeSet<usize>) {
        for item in begun {
            let Some(rank) = self.items.get(*item).map(|item| item.rank) else { continue };
            let stronger = active.iter().filter_map(|other| self.items.get(*other)).map(|other| other.rank);
            let hider = stronger.take_while(|by| *by < rank).find(|by| self.hides(*by, rank));
            if let Some(item) = self.items.get_mut(*item) {
                item.hider = hider;
            }
        }
    }

    /// Marks the items that decide here at some time. Items ascend with the rank of their entries.
    fn note_effective(&mut self, active: &BTreeSet<usize>) {
        // Until when stronger entries hide, and until when they and those of the entry itself do.
        let (mut hidden, mut with_this) = ([0u64; 2], [0u64; 2]);
        let mut rank_before = None;
        for number in active {
            let Some(item) = self.items.get_mut(*number) else { continue };
            let Some((_, entry)) = self.entries.get(item.rank) else { continue };
            if rank_before != Some(item.rank) {
                (rank_before, hidden) = (Some(item.rank), with_this);
            }
            let [live, dry] = hidden;
            if live == u64::MAX {
                break;
            }
            let until = until(entry);
            if until > if entry.dry_run { live.max(dry) } else { live } {
                item.effective = true;
                let [with_live, with_dry] = &mut with_this;
                let hides = if entry.dry_run { with_dry } else { with_live };
                *hides = until.max(*hides);
            }
        }
    }

    /// The same for patterns, each against each: there are few.
    fn patterns(&mut self, patterns: &[(String, usize)], may_hide: impl Fn(usize, usize) -> bool) {
        // Text without a wildcard covers itself alone, so most of a long list need only be held against the globs.
        let globs: Vec<&(String, usize)> =
            patterns.iter().filter(|(text, _)| is_glob(text.as_bytes())).collect();
        let mut plain: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (text, item) in patterns.iter().filter(|(text, _)| !is_glob(text.as_bytes())) {
            plain.entry(text).or_default().push(*item);
        }
        for (text, item) in patterns {
            let Some(rank) = self.items.get(*item).map(|item| item.rank) else { continue };
            let hides = |other: usize, mutual: bool| {
                let by = self.items.get(other).map(|other| other.rank)?;
                let first = by < rank;
                (by != rank && may_hide(by, rank) && (first || !mutual) && self.hides(by, rank)).then_some(by)
            };
            let same = plain.get(text.as_str()).into_iter().flatten().find_map(|other| hides(*other, true));
            let hider = same.or_else(|| {
                globs.iter().find_map(|(pattern, other)| {
                    covers(pattern, text).then(|| hides(*other, covers(text, pattern))).flatten()
                })
            });
            if let Some(item) = self.items.get_mut(*item) {
                (item.hider, item.effective) = (hider, hider.is_none());
            }
        }
    }
}

fn until(entry: &Entry) -> u64 {
    entry.expires.map_or(u64::MAX, |end| end.0)
}

fn add_range(matcher: &Matcher, place: usize, item: usize, spaces: &mut [Vec<Range>; SPACES]) {
    let [v4, v6, asns, countries] = spaces;
    match matcher {
        Matcher::Networks(all) => {
            if let Some(network) = all.get(place) {
                let (first, last) = (network.first(), network.last());
                if first.is_v4() { v4 } else { v6 }.push((first.number(), last.number(), item));
            }
        }
        Matcher::Asns(all) => {
            asns.extend(all.get(place).map(|asn| (u64::from(*asn), u64::from(*asn), item)));
        }
        Matcher::Countries(all) => {
            let number = |code: [u8; 2]| u64::from(u16::from_be_bytes(code));
            countries.extend(all.get(place).map(|it| (number(it.0), number(it.0), item)));
        }
        Matcher::Agents(_) | Matcher::Paths(_) => {}
    }
}

/// An agent pattern as one against the whole text.
fn anywhere(pattern: &str) -> String {
    if is_glob(pattern.as_bytes()) { pattern.to_owned() } else { format!("*{pattern}*") }
}

/// Whether every text that `narrow` matches is one that `wide` matches too; `false` when that is not certain. With
/// `narrow` taken as text, each of its wildcards has to fall into a star of `wide`, which takes whatever it stands for.
fn covers(wide: &str, narrow: &str) -> bool {
    wide == narrow || (!wide.contains('?') && glob(wide.as_bytes(), narrow.as_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::guard::address::ClientKey;
    use crate::guard::rules::Action;
    use crate::guard::snapshot::{ClientFacts, Dynamic, Kind, Source, Stamp, compile};
    use crate::guard::{Network, Snapshot};

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let network =
            (0u32..24, 0u8..5).prop_map(|(low, host)| Network::around(ClientKey::V4(low), 32 - host));
        let entry = (any::<bool>(), prop::collection::vec(network, 1..4), 0u64..4, any::<bool>());
        let entry = entry.prop_map(|(allow, networks, end, dry_run)| Entry {
            action: if allow { Action::Allow } else { Action::Deny },
            matcher: Matcher::Networks(networks),
            note: String::new(),
            expires: (end > 0).then_some(UnixSeconds(end * 10)),
            dry_run,
            line: 0,
        });
        prop::collection::vec(entry, 1..8).prop_map(|mut entries| {
            (1..).zip(&mut entries).for_each(|(line, entry)| entry.line = line);
            entries
        })
    }

    proptest! {
        /// An entry that is said never to decide does not, for no client and at no time; the others do for some.
        #[test]
        fn the_look_up_agrees(entries in entries()) {
            let rules = Rules { entries, ..Rules::default() };
            let stamp = Stamp { kind: Kind::Base, generation: 1, made_at: UnixSeconds(1) };
            let source = Source { rules: &rules, dynamic: &Dynamic::default(), max_bans: 0 };
            let compiled = compile(&source, &stamp).unwrap();
            let snapshot = Snapshot::validate(&compiled.bytes).unwrap();
            let mut deciding = BTreeSet::new();
            for (low, now) in (0u32..40).flat_map(|low| [1, 10, 20, 30].map(|now| (low, now))) {
                let facts = ClientFacts { client: ClientKey::V4(low), asn: None, country: None, agent: None };
                let verdict = snapshot.lookup(&facts, UnixSeconds(now));
                deciding.extend(verdict.cause.and_then(|cause| cause.line));
                deciding.extend(verdict.would.and_then(|would| would.cause).and_then(|cause| cause.line));
            }
            let cover = Cover::of(&rules, UnixSeconds(1));
            for (number, entry) in rules.entries.iter().enumerate() {
                let never = cover.covered(number).count() == entry.matcher.len();
                prop_assert_eq!(never, !deciding.contains(&entry.line), "line {}", entry.line);
            }
        }
    }
}
