//! Which events of a letter there are receipts for.

use crate::ledger::{Kind, StoredEvent};

/// The places of the answers that have a receipt: each consent, with the withdrawal that stands behind it, and the refusal that
/// stands. A no that was undone has none.
pub fn answers(events: &[StoredEvent]) -> Vec<(usize, Option<usize>)> {
    let last = |kind: Kind| events.iter().rposition(|event| event.kind == kind.as_str());
    let standing = |no, undone| last(no).filter(|no| last(undone) < Some(*no));
    let taken = standing(Kind::ConsentWithdrawn, Kind::WithdrawalRevoked);
    let refused = standing(Kind::ConsentRefused, Kind::RefusalRevoked);
    let given = |at: usize, event: &StoredEvent| {
        (event.kind == Kind::ConsentGiven.as_str()).then(|| (at, taken.filter(|taken| *taken > at)))
    };
    let answer = |(at, event)| given(at, event).or((refused == Some(at)).then_some((at, None)));
    events.iter().enumerate().filter_map(answer).collect()
}
