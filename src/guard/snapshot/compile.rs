//! From rules and bans to the bytes of a snapshot.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::format::{
    EntryRow, FOREVER, Head, MAX_SNAPSHOT_BYTES, MAX_STACKS, NO_STACK, Rank, SECTIONS, STACK_BITS, Section,
    TextRef,
};
use super::intervals::{Block, Interval, Stacks, blocks};
use super::merge::{Protected, fit};
use super::{Ban, Dynamic};
use crate::guard::address::Network;
use crate::guard::pattern::is_glob;
use crate::guard::reason::Reason;
use crate::guard::rules::{Action, Country, Entry, Matcher, Rules};
use crate::types::UnixSeconds;

/// What a snapshot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Everything.
    Base,
    /// What was learnt since the base of this generation. Rules are left to the base.
    Delta {
        /// The base it belongs to.
        base: u64,
    },
}

/// How a snapshot is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Base or delta.
    pub kind: Kind,
    /// Its number: higher is newer.
    pub generation: u64,
    /// When it was made.
    pub made_at: UnixSeconds,
}

/// What goes in.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// What operators wrote.
    pub rules: &'a Rules,
    /// What was learnt.
    pub dynamic: &'a Dynamic,
    /// Bans are merged, and at last let go, until there are at most this many.
    pub max_bans: usize,
}

/// A snapshot, and what became of the bans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The snapshot.
    pub bytes: Vec<u8>,
    /// How many blocks of addresses it has.
    pub blocks: usize,
    /// How many bans went into wider ones.
    pub merged: usize,
    /// How many bans did not fit.
    pub dropped: usize,
}

/// Why no snapshot could be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CompileError {
    /// The rules alone are too many.
    #[error(
        "the rules need {0} bytes, more than the {MAX_SNAPSHOT_BYTES} of a snapshot: merge addresses into networks"
    )]
    #[strum(to_string = "snapshot_too_large")]
    TooLarge(usize),
    /// The rules overlap in too many different ways.
    #[error("the rules overlap in more than {MAX_STACKS} different ways")]
    TooManyStacks,
}

codes!(CompileError);

/// Compiles. Deterministic: the same input gives the same bytes.
///
/// # Errors
/// [`CompileError`] when the rules by themselves do not fit. Bans never make it fail.
pub fn compile(source: &Source<'_>, stamp: &Stamp) -> Result<Compiled, CompileError> {
    let protected = Protected::new(allowed(source.rules));
    let mut max_bans = source.max_bans;
    loop {
        let bans = fit(&source.dynamic.bans, &protected, max_bans);
        let tables = Tables::new(&items(source, stamp, &bans.bans), &source.dynamic.strict_asns);
        if tables.stacks.starts.len() > MAX_STACKS {
            return Err(CompileError::TooManyStacks);
        }
        let blocks = tables.v4.len() + tables.v6.len();
        let bytes = tables.write(stamp, source.rules);
        if bytes.len() <= MAX_SNAPSHOT_BYTES {
            return Ok(Compiled { bytes, blocks, merged: bans.merged, dropped: bans.dropped });
        }
        if bans.bans.is_empty() {
            return Err(CompileError::TooLarge(bytes.len()));
        }
        // Too large after all: a quarter less each time, which ends.
        max_bans = bans.bans.len().min(max_bans) / 4 * 3;
    }
}

/// Every network that an entry allows, expired and in dry run too: to be on the safe side.
fn allowed(rules: &Rules) -> impl Iterator<Item = Network> {
    rules.entries.iter().filter(|entry| entry.action == Action::Allow).flat_map(|entry| {
        match &entry.matcher {
            Matcher::Networks(networks) => networks.iter().copied(),
            _ => [].iter().copied(),
        }
    })
}

/// One entry of the snapshot and what it is about.
struct Item<'a> {
    rank: Rank,
    reason: Reason,
    line: u32,
    until: UnixSeconds,
    dry_run: bool,
    note: &'a str,
    about: About<'a>,
}

enum About<'a> {
    Rule(&'a Matcher),
    Learnt(Vec<Network>),
}

/// Rules in the order of the file, then what was learnt, what ends last first; stably sorted by rank. So an item's
/// place is its strength.
fn items<'a>(source: &Source<'a>, stamp: &Stamp, bans: &[Ban]) -> Vec<Item<'a>> {
    let rules: &[Entry] = if stamp.kind == Kind::Base { &source.rules.entries } else { &[] };
    let mut items: Vec<Item<'a>> = rules.iter().map(rule_item).collect();
    // Those that look alike share an entry.
    let mut learnt: BTreeMap<(Rank, Reverse<UnixSeconds>, Reason, bool), Vec<Network>> = BTreeMap::new();
    for ban in bans {
        let single = ban.target.is_single() && ban.reason != Reason::Merged;
        let rank = if single { Rank::AddressBan } else { Rank::NetworkBan };
        learnt.entry((rank, Reverse(ban.until), ban.reason, ban.dry_run)).or_default().push(ban.target);
    }
    items.extend(learnt.into_iter().map(|((rank, until, reason, dry_run), networks)| Item {
        rank,
        reason,
        line: 0,
        until: until.0,
        dry_run,
        note: "",
        about: About::Learnt(networks),
    }));
    items.sort_by_key(|item| item.rank);
    items
}

fn rule_item(entry: &Entry) -> Item<'_> {
    let (rank, reason) = match (entry.action, &entry.matcher) {
        (Action::Honeypot, _) | (_, Matcher::Paths(_)) => (Rank::Honeypot, Reason::PathRule),
        // What a client says of itself cannot lift a rule about who it is, so this stands outside the order.
        (Action::Allow, Matcher::Agents(_)) => (Rank::AgentAllow, Reason::AgentRule),
        (action, matcher) => {
            let rank = if action == Action::Allow { Rank::Allow } else { Rank::Deny };
            let reason = match matcher {
                Matcher::Networks(_) | Matcher::Paths(_) => Reason::NetworkRule,
                Matcher::Asns(_) => Reason::AsnRule,
                Matcher::Countries(_) => Reason::CountryRule,
                Matcher::Agents(_) => Reason::AgentRule,
            };
            (rank, reason)
        }
    };
    Item {
        rank,
        reason,
        line: entry.line,
        until: entry.expires.unwrap_or(FOREVER),
        dry_run: entry.dry_run,
        note: &entry.note,
        about: About::Rule(&entry.matcher),
    }
}

/// Everything of a snapshot before it becomes bytes.
#[derive(Default)]
struct Tables {
    entries: Vec<EntryRow>,
    stacks: Stacks,
    v4: Vec<Block>,
    v6: Vec<Block>,
    /// Their number, stack, and whether they are judged strictly; sorted.
    asns: Vec<(u32, u32, bool)>,
    /// Sorted.
    countries: Vec<(Country, u32)>,
    agents: Vec<(TextRef, u32)>,
    paths: Vec<(String, u32)>,
    globs: Vec<(TextRef, u32)>,
    text: Vec<u8>,
}

impl Tables {
    fn new(items: &[Item<'_>], strict_asns: &[u32]) -> Self {
        let mut tables = Self::default();
        for item in items {
            let note = tables.keep(item.note);
            let Item { rank, reason, line, until, dry_run, .. } = *item;
            tables.entries.push(EntryRow { rank, dry_run, reason, line, until, note });
        }
        let (mut v4, mut v6): (Vec<Interval>, Vec<Interval>) = (Vec::new(), Vec::new());
        // AS numbers, and the two letters of countries as a number.
        let mut asns: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut countries: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (item, number) in items.iter().zip(0u32..) {
            let networks = match &item.about {
                About::Learnt(networks) | About::Rule(Matcher::Networks(networks)) => networks.as_slice(),
                About::Rule(other) => {
                    match other {
                        Matcher::Asns(all) => all.iter().for_each(|it| push(&mut asns, *it, number)),
                        Matcher::Countries(all) => {
                            let letters = all.iter().map(|Country(letters)| u16::from_be_bytes(*letters));
                            letters.for_each(|it| push(&mut countries, it.into(), number));
                        }
                        Matcher::Agents(all) => all.iter().for_each(|it| tables.agent(it, number)),
                        Matcher::Paths(all) => all.iter().for_each(|it| tables.path(it, number)),
                        Matcher::Networks(_) => {}
                    }
                    &[]
                }
            };
            for network in networks {
                let range = (network.first().number(), network.last().number(), number);
                if network.first().is_v4() { v4.push(range) } else { v6.push(range) }
            }
        }
        tables.v4 = blocks(v4, &tables.entries, &mut tables.stacks);
        tables.v6 = blocks(v6, &tables.entries, &mut tables.stacks);
        let mut strict = BTreeSet::new();
        for asn in strict_asns {
            strict.insert(*asn);
            asns.entry(*asn).or_default();
        }
        for (asn, numbers) in asns {
            let stack = match numbers.as_slice() {
                [] => NO_STACK,
                numbers => tables.stacks.number(numbers.iter().copied(), &tables.entries),
            };
            tables.asns.push((asn, stack, strict.contains(&asn)));
        }
        for (country, numbers) in countries {
            let stack = tables.stacks.number(numbers.iter().copied(), &tables.entries);
            let [_, _, letters @ ..] = country.to_be_bytes();
            tables.countries.push((Country(letters), stack));
        }
        tables.paths.sort();
        tables.paths.dedup();
        tables
    }

    fn agent(&mut self, pattern: &str, number: u32) {
        let text = self.keep(pattern);
        self.agents.push((text, number));
    }

    fn path(&mut self, path: &str, number: u32) {
        if is_glob(path.as_bytes()) {
            let text = self.keep(path);
            self.globs.push((text, number));
        } else {
            self.paths.push((path.to_owned(), number));
        }
    }

    fn keep(&mut self, text: &str) -> TextRef {
        let start = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        self.text.extend(text.as_bytes());
        TextRef { start, length: u32::try_from(text.len()).unwrap_or(0) }
    }

    /// The bytes, each section in its turn.
    fn write(mut self, stamp: &Stamp, rules: &Rules) -> Vec<u8> {
        let paths: Vec<(TextRef, u32)> =
            std::mem::take(&mut self.paths).iter().map(|(path, number)| (self.keep(path), *number)).collect();
        let mut body = Vec::new();
        let mut counts = [0u32; SECTIONS.len()];
        for (count, (section, row_bytes)) in counts.iter_mut().zip(SECTIONS) {
            let before = body.len();
            match section {
                Section::Entries => self.entries.iter().for_each(|entry| entry.write(&mut body)),
                Section::StackStarts => self.stacks.starts.iter().for_each(|n| body.extend(n.to_le_bytes())),
                Section::StackItems => self.stacks.items.iter().for_each(|n| body.extend(n.to_le_bytes())),
                Section::V4Starts => {
                    self.v4.iter().for_each(|(first, _, _)| body.extend((*first as u32).to_le_bytes()));
                }
                Section::V6Starts => {
                    self.v6.iter().for_each(|(first, _, _)| body.extend(first.to_le_bytes()))
                }
                Section::V4Metas => metas(&self.v4, &mut body),
                Section::V6Metas => metas(&self.v6, &mut body),
                Section::Asns => {
                    for (asn, stack, strict) in &self.asns {
                        row(&mut body, [*asn, *stack, u32::from(*strict)]);
                    }
                }
                Section::Countries => {
                    for (Country([a, b]), stack) in &self.countries {
                        body.extend([*a, *b, 0, 0]);
                        body.extend(stack.to_le_bytes());
                    }
                }
                Section::Agents => self.agents.iter().for_each(|it| text_row(&mut body, *it)),
                Section::Paths => paths.iter().for_each(|it| text_row(&mut body, *it)),
                Section::Globs => self.globs.iter().for_each(|it| text_row(&mut body, *it)),
                Section::Text => body.extend(&self.text),
            }
            *count =
                (body.len() - before).checked_div(row_bytes).and_then(|n| n.try_into().ok()).unwrap_or(0);
        }
        let (is_delta, base) = match stamp.kind {
            Kind::Base => (false, stamp.generation),
            Kind::Delta { base } => (true, base),
        };
        let Stamp { generation, made_at, .. } = *stamp;
        Head { is_delta, generation, base, made_at, settings: rules.settings, counts }.write(&body)
    }
}

fn push(map: &mut BTreeMap<u32, Vec<u32>>, key: u32, number: u32) {
    let numbers = map.entry(key).or_default();
    if numbers.last() != Some(&number) {
        numbers.push(number);
    }
}

fn metas(blocks: &[Block], body: &mut Vec<u8>) {
    for (_, span, stack) in blocks {
        body.extend(((u32::from(*span) << STACK_BITS) | stack).to_le_bytes());
    }
}

fn text_row(body: &mut Vec<u8>, (text, number): (TextRef, u32)) {
    row(body, [text.start, text.length, number]);
}

fn row(body: &mut Vec<u8>, numbers: [u32; 3]) {
    numbers.iter().for_each(|number| body.extend(number.to_le_bytes()));
}
