//! From overlapping ranges to blocks that do not overlap, each with the stack of entries that apply there.

use std::collections::{BTreeMap, BTreeSet};

use super::format::{EntryRow, FOREVER};
use crate::types::UnixSeconds;

/// Stacks, each kept once.
#[derive(Default)]
pub(super) struct Stacks {
    numbers: BTreeMap<Vec<u32>, u32>,
    pub(super) starts: Vec<u32>,
    pub(super) items: Vec<u32>,
}

impl Stacks {
    /// The number of the stack of these entries. `active` ascends, and a lower number is the stronger entry.
    pub(super) fn number(&mut self, active: impl Iterator<Item = u32>, entries: &[EntryRow]) -> u32 {
        let stack = visible(active, entries);
        if let Some(number) = self.numbers.get(&stack) {
            return *number;
        }
        let number = u32::try_from(self.starts.len()).unwrap_or(u32::MAX);
        self.starts.push(u32::try_from(self.items.len()).unwrap_or(u32::MAX));
        self.items.extend(&stack);
        self.numbers.insert(stack, number);
        number
    }
}

/// Leaves out what can never decide: whatever a stronger entry outlives. An entry in dry run hides only others in dry
/// run, since it decides nothing itself.
fn visible(active: impl Iterator<Item = u32>, entries: &[EntryRow]) -> Vec<u32> {
    let (mut hidden_until, mut dry_hidden_until) = (UnixSeconds(0), UnixSeconds(0));
    let mut stack = Vec::new();
    for number in active {
        let Ok(index) = usize::try_from(number) else { continue };
        let Some(entry) = entries.get(index) else { continue };
        let hidden = if entry.dry_run { dry_hidden_until.max(hidden_until) } else { hidden_until };
        if entry.until <= hidden {
            continue;
        }
        stack.push(number);
        if entry.dry_run {
            dry_hidden_until = entry.until;
        } else {
            hidden_until = entry.until;
            if entry.until == FOREVER {
                break;
            }
        }
    }
    stack
}

/// A range of client numbers, both ends included, that an entry applies to.
pub(super) type Interval = (u64, u64, u32);

/// A block of the snapshot: its start, how many bits it spans, its stack.
pub(super) type Block = (u64, u8, u32);

/// Cuts the ranges into blocks, sorted by start.
pub(super) fn blocks(ranges: Vec<Interval>, entries: &[EntryRow], stacks: &mut Stacks) -> Vec<Block> {
    let ranges = united(ranges);
    let mut ends = ranges.clone();
    sort(&mut ends, |(_, last, entry)| [*last, u64::from(*entry), 0]);
    let mut starts = ranges.iter().map(|(first, _, entry)| (*first, *entry)).peekable();
    let mut ends = ends.iter().map(|(_, last, entry)| (*last, *entry)).peekable();

    let mut out = Vec::new();
    let mut active: BTreeSet<u32> = BTreeSet::new();
    // The interval being built: where it began and its stack.
    let mut open: Option<(u64, u32)> = None;
    // Every start has an end at or after it, so when the ends are used up all is said.
    while let Some((last, _)) = ends.peek().copied() {
        let next_start = starts.peek().map(|(first, _)| *first);
        let at = match next_start {
            Some(first) if first <= last => first,
            _ => match last.checked_add(1) {
                Some(at) => at,
                None => break,
            },
        };
        while ends.next_if(|(last, _)| *last < at).is_some_and(|(_, entry)| active.remove(&entry)) {}
        while let Some((_, entry)) = starts.next_if(|(first, _)| *first == at) {
            active.insert(entry);
        }
        let stack = (!active.is_empty()).then(|| stacks.number(active.iter().copied(), entries));
        if open.map(|(_, stack)| stack) != stack {
            if let Some((from, stack)) = open {
                split(from, at.saturating_sub(1), stack, &mut out);
            }
            open = stack.map(|stack| (at, stack));
        }
    }
    if let Some((from, stack)) = open {
        split(from, u64::MAX, stack, &mut out);
    }
    out
}

/// Sorted by start; of one entry, no two ranges overlap or touch.
fn united(mut ranges: Vec<Interval>) -> Vec<Interval> {
    sort(&mut ranges, |(first, last, entry)| [u64::from(*entry), *first, *last]);
    ranges.dedup_by(|(first, last, entry), (_, kept_last, kept_entry)| {
        let joins = entry == kept_entry && kept_last.checked_add(1).is_none_or(|next| *first <= next);
        if joins {
            *kept_last = (*kept_last).max(*last);
        }
        joins
    });
    sort(&mut ranges, |(first, last, entry)| [*first, *last, u64::from(*entry)]);
    ranges
}

/// One function for all orders: each closure would be compiled to a sort of its own.
fn sort(ranges: &mut [Interval], place: fn(&Interval) -> [u64; 3]) {
    ranges.sort_unstable_by_key(place);
}

/// Cuts an interval into aligned powers of two, the widest that fit.
fn split(first: u64, last: u64, stack: u32, out: &mut Vec<Block>) {
    let mut from = first;
    loop {
        let left = last - from;
        // The block may not be wider than its start is aligned, nor than what is left.
        let fits = match left.checked_add(1) {
            Some(count) => count.ilog2(),
            None => 64,
        };
        let span = from.trailing_zeros().min(fits);
        out.push((from, u8::try_from(span).unwrap_or(64), stack));
        let next = 1u64.checked_shl(span).and_then(|width| from.checked_add(width));
        match next {
            Some(next) if next <= last => from = next,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_become_aligned_blocks_that_cover_them_exactly() {
        for (first, last) in
            [(0, u64::MAX), (0, 0), (1, 1), (1, 254), (5, 1023), (u64::MAX, u64::MAX), (3, u64::MAX)]
        {
            let mut out = Vec::new();
            split(first, last, 7, &mut out);
            let mut next = Some(first);
            for (from, span, _) in &out {
                assert_eq!(next, Some(*from), "no gap, no overlap");
                assert!(from.trailing_zeros() >= u32::from(*span), "aligned");
                next = 1u64.checked_shl(u32::from(*span)).and_then(|width| from.checked_add(width));
            }
            assert_eq!(next, last.checked_add(1));
            assert!(out.len() <= 126);
        }
    }
}
