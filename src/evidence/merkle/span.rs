//! Which subtrees a proof consists of (RFC 6962, sections 2.1.1 and 2.1.2), and which perfect ones they are made of.

use super::MAX_TREE_SIZE;
use super::verify::ProofError;

/// Leaves `start..end` that form a subtree: `start` is a multiple of the smallest power of two that is not less
/// than their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    start: u64,
    end: u64,
}

/// A perfect subtree: leaves `index << height` to `(index + 1) << height`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::evidence) struct Perfect {
    pub(in crate::evidence) height: u32,
    pub(in crate::evidence) index: u64,
}

impl Span {
    /// The first leaf.
    pub const fn start(&self) -> u64 {
        self.start
    }

    /// The first leaf behind it.
    pub const fn end(&self) -> u64 {
        self.end
    }

    /// Where RFC 6962 splits it: the largest power of two below its number of leaves. Only for two leaves or more.
    fn split(&self) -> u64 {
        let last = self.end.saturating_sub(self.start).saturating_sub(1);
        self.start.saturating_add(1 << last.checked_ilog2().unwrap_or(0))
    }

    fn is_leaf(&self) -> bool {
        self.end.saturating_sub(self.start) <= 1
    }

    /// The perfect subtrees it is made of, largest first.
    pub(in crate::evidence) fn perfect(&self) -> impl Iterator<Item = Perfect> {
        let mut start = self.start;
        let end = self.end;
        core::iter::from_fn(move || {
            let height = end.checked_sub(start)?.checked_ilog2()?;
            let perfect = Perfect { height, index: start >> height };
            start = start.saturating_add(1 << height);
            Some(perfect)
        })
    }
}

/// The subtrees whose hashes prove that leaf `index` is in a tree of `size` leaves, in the order of the proof: from
/// the leaf's neighbour up.
pub fn inclusion_spans(index: u64, size: u64) -> Result<Vec<Span>, ProofError> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(ProofError::Outside);
    }
    let mut spans = Vec::new();
    let mut here = Span { start: 0, end: size };
    while !here.is_leaf() {
        let middle = here.split();
        let (left, right) = (Span { end: middle, ..here }, Span { start: middle, ..here });
        let (inside, beside) = if index < middle { (left, right) } else { (right, left) };
        spans.push(beside);
        here = inside;
    }
    spans.reverse();
    Ok(spans)
}

/// The subtrees whose hashes prove that a tree of `old` leaves is the beginning of one of `new` leaves, in the order
/// of the proof. None are needed from the empty tree, or from a tree to itself.
pub fn consistency_spans(old: u64, new: u64) -> Result<Vec<Span>, ProofError> {
    if old > new || new > MAX_TREE_SIZE {
        return Err(ProofError::Outside);
    }
    let mut spans = Vec::new();
    if old == 0 || old == new {
        return Ok(spans);
    }
    let mut here = Span { start: 0, end: new };
    while here.end != old {
        let middle = here.split();
        let (left, right) = (Span { end: middle, ..here }, Span { start: middle, ..here });
        let (inside, beside) = if old <= middle { (left, right) } else { (right, left) };
        spans.push(beside);
        here = inside;
    }
    // When the old tree itself is one of the subtrees, whoever checks the proof has its root already.
    if here.start != 0 {
        spans.push(here);
    }
    spans.reverse();
    Ok(spans)
}
