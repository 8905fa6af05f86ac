//! The sweep's reasoning: what a stretch of the bucket and the register of letters say when they are laid side by side.
//!
//! A letter that nobody opens has no ledger, and so no alarm. The sweep finds such letters in the bucket and has their
//! ledgers take them on. From then on the register knows when each of them is due.

use crate::types::{LetterId, UnixMillis, UnixSeconds};

/// Every object of every letter begins with this.
pub const PREFIX: &str = "letters/";

/// A ledger's alarm may be so late before the sweep asks after it: an hour.
pub const GRACE_MILLIS: u64 = 3_600_000;

/// A body may wait so long for its manifest: seven days.
pub const ORPHAN_MILLIS: u64 = 7 * DAY_MILLIS;

/// A manifest that cannot be opened does not say how long it is kept. Then it is kept for the usual life and the usual
/// retention, which are 30 and 366 days.
pub const UNREADABLE_MILLIS: u64 = 396 * DAY_MILLIS;

const DAY_MILLIS: u64 = 86_400_000;

/// One of the two objects of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The encrypted report.
    Body,
    /// What the sender says of it, written last.
    Manifest,
}

/// Which letter's which object has this key; `None` for a key that this software does not write.
pub fn object_of(key: &str) -> Option<(LetterId, Part)> {
    let (letter, name) = key.strip_prefix(PREFIX)?.split_once('/')?;
    let part = match name {
        "body" => Part::Body,
        "manifest" => Part::Manifest,
        _ => return None,
    };
    // Another spelling of the UUID is another key, and not the letter's.
    if letter.bytes().any(|c| c.is_ascii_uppercase()) {
        return None;
    }
    Some((letter.parse().ok()?, part))
}

/// The key after which the next letter's objects begin: behind everything that begins with this letter's.
pub fn behind(letter: LetterId) -> String {
    format!("{PREFIX}{letter}/~")
}

/// A letter as it was found in the bucket: when its objects were put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose objects they are.
    pub letter: LetterId,
    /// The body.
    pub body: Option<UnixMillis>,
    /// The manifest.
    pub manifest: Option<UnixMillis>,
}

/// Sorts a listing by letter, and apart from them the keys that are not ours. Keys come in their order, as a bucket lists
/// them.
pub fn gather<'a>(objects: impl Iterator<Item = (&'a str, UnixMillis)>) -> (Vec<Found>, Vec<&'a str>) {
    let (mut found, mut foreign) = (Vec::<Found>::new(), Vec::new());
    for (key, at) in objects {
        let Some((letter, part)) = object_of(key) else {
            foreign.push(key);
            continue;
        };
        let known = found.last().is_some_and(|last| last.letter == letter);
        if !known {
            found.push(Found { letter, body: None, manifest: None });
        }
        if let Some(last) = found.last_mut() {
            match part {
                Part::Body => last.body = Some(at),
                Part::Manifest => last.manifest = Some(at),
            }
        }
    }
    (found, foreign)
}

/// A letter in the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The letter.
    pub letter: LetterId,
    /// When its ledger has something to do next.
    pub due: UnixMillis,
}

/// Why a letter's ledger is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The register does not know the letter.
    New,
    /// A body has waited too long for its manifest. Only when the ledger knows nothing of it, it is nobody's.
    Alone,
    /// What was due is overdue: the alarm was missed, or the register has not heard of it yet.
    Due,
    /// The register knows the letter, and the bucket lacks an object of it.
    Gone,
    /// The register knows the letter, and yet an object of it is new: it may be erased, and put back.
    Back,
    /// Nothing is wrong with it: every letter is asked how it stands.
    Rebuild,
}

/// A letter to look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The letter.
    pub letter: LetterId,
    /// Why.
    pub why: Why,
    /// What the bucket has of it.
    pub found: Option<Found>,
}

/// What there is to do in a stretch of the alphabet, in the order of the letters. Both lists are in that order and cover the
/// same stretch.
/// `since` is when the sweep before this one began. With `rebuild` every letter is a step.
pub fn steps(
    found: &[Found],
    known: &[Known],
    now: UnixMillis,
    since: UnixMillis,
    rebuild: bool,
) -> Vec<Step> {
    let (mut found, mut known) = (found.iter().copied().peekable(), known.iter().copied().peekable());
    let mut steps = Vec::new();
    loop {
        let letter = match (found.peek(), known.peek()) {
            (Some(found), Some(known)) => found.letter.min(known.letter),
            (Some(found), None) => found.letter,
            (None, Some(known)) => known.letter,
            (None, None) => return steps,
        };
        let here = found.next_if(|found| found.letter == letter);
        let entry = known.next_if(|known| known.letter == letter);
        let rest = (rebuild && entry.is_some()).then_some(Why::Rebuild);
        if let Some(why) = reason(here, entry, now, since).or(rest) {
            steps.push(Step { letter, why, found: here });
        }
    }
}

fn reason(found: Option<Found>, known: Option<Known>, now: UnixMillis, since: UnixMillis) -> Option<Why> {
    let past = |at: UnixMillis, by: u64| now.0 >= at.0.saturating_add(by);
    let Some(Known { due, .. }) = known else {
        return match found? {
            Found { manifest: Some(_), .. } => Some(Why::New),
            Found { body: Some(at), .. } if past(at, ORPHAN_MILLIS) => Some(Why::Alone),
            Found { .. } => None,
        };
    };
    let whole = matches!(found, Some(Found { body: Some(_), manifest: Some(_), .. }));
    let newest = found.and_then(|found| found.body.max(found.manifest));
    if past(due, GRACE_MILLIS) {
        Some(Why::Due)
    } else if newest.is_some_and(|newest| newest >= since) {
        Some(Why::Back)
    } else if whole || past(due, 0) {
        // Its alarm is at it.
        None
    } else {
        Some(Why::Gone)
    }
}

/// Until when the objects of a damaged letter stay: `kept` is what its manifest says (its end, and the days it is kept from
/// then on), `since` when the newest of its objects was put there.
pub fn damaged_until(kept: Option<(UnixSeconds, u16)>, since: UnixMillis) -> UnixMillis {
    match kept {
        Some((not_after, days)) => {
            let retention = u64::from(days).saturating_mul(DAY_MILLIS);
            UnixMillis(not_after.millis().0.saturating_add(retention))
        }
        None => UnixMillis(since.0.saturating_add(UNREADABLE_MILLIS)),
    }
}
