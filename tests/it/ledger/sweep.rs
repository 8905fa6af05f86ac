//! What a sweep does with what it finds, from the outside.

use proptest::prelude::*;
use waxseal::ledger::sweep::{
    Found, GRACE_MILLIS, Known, ORPHAN_MILLIS, Part, Step, UNREADABLE_MILLIS, Why, behind, damaged_until,
    gather, object_of, steps,
};
use waxseal::seal::{body_key, manifest_key};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

fn letter(n: u8) -> LetterId {
    LetterId([n; 16])
}

fn whole(n: u8) -> Found {
    Found { letter: letter(n), body: Some(NOW), manifest: Some(NOW) }
}

fn why(found: Option<Found>, known: Option<Known>, now: UnixMillis) -> Option<Why> {
    let found: Vec<_> = found.into_iter().collect();
    let known: Vec<_> = known.into_iter().collect();
    steps(&found, &known, now, UnixMillis(u64::MAX), false).first().map(|step| step.why)
}

#[test]
fn a_known_letter_that_was_put_there_anew_is_looked_at_again() {
    let known = [Known { letter: letter(1), due: UnixMillis(NOW.0 + 1) }];
    let why =
        |since: u64| steps(&[whole(1)], &known, NOW, UnixMillis(since), false).first().map(|step| step.why);
    assert_eq!(why(NOW.0 + 1), None);
    assert_eq!(why(NOW.0 - 1), Some(Why::Back));
}

#[test]
fn every_letter_is_asked_to_rebuild_the_index() {
    let known = [Known { letter: letter(1), due: UnixMillis(NOW.0 + 1) }];
    let why =
        |rebuild| steps(&[whole(1)], &known, NOW, UnixMillis(u64::MAX), rebuild).first().map(|step| step.why);
    assert_eq!((why(false), why(true)), (None, Some(Why::Rebuild)));
}

#[test]
fn keys_of_ours_are_told_from_others() {
    let id = letter(0xab);
    assert_eq!(object_of(&body_key(id)), Some((id, Part::Body)));
    assert_eq!(object_of(&manifest_key(id)), Some((id, Part::Manifest)));
    for odd in [
        "letters/".to_owned(),
        format!("letters/{id}"),
        format!("letters/{id}/"),
        format!("letters/{id}/body/"),
        format!("letters/{id}/bodies"),
        format!("letters/{}/body", id.to_string().to_uppercase()),
        format!("letters/{}/body", id.to_string().replace('-', "")),
        format!("log/{id}/body"),
        "letters//body".to_owned(),
    ] {
        assert_eq!(object_of(&odd), None, "{odd}");
    }
}

#[test]
fn the_place_behind_a_letter_is_before_the_next() {
    for n in 0..=254 {
        let place = behind(letter(n));
        assert!(place > manifest_key(letter(n)) && place > body_key(letter(n)));
        assert!(place < body_key(letter(n + 1)));
    }
}

#[test]
fn a_listing_is_sorted_by_letter() {
    let keys = [body_key(letter(1)), manifest_key(letter(1)), "letters/x".to_owned(), body_key(letter(2))];
    let (mut found, foreign) = gather(keys.iter().zip(1..).map(|(key, at)| (key.as_str(), UnixMillis(at))));
    assert_eq!(foreign, ["letters/x"]);
    let last = found.pop().unwrap();
    assert_eq!((last.letter, last.body, last.manifest), (letter(2), Some(UnixMillis(4)), None));
    let first = found.pop().unwrap();
    assert_eq!((first.body, first.manifest), (Some(UnixMillis(1)), Some(UnixMillis(2))));
    assert!(found.is_empty());
}

#[test]
fn each_case_has_its_reason() {
    let due = |due: u64| Some(Known { letter: letter(1), due: UnixMillis(due) });
    let body_since = |at: u64| Some(Found { body: Some(UnixMillis(at)), manifest: None, ..whole(1) });
    let later = NOW.0 + 1;
    // Not known.
    assert_eq!(why(Some(whole(1)), None, NOW), Some(Why::New));
    assert_eq!(why(Some(Found { body: None, ..whole(1) }), None, NOW), Some(Why::New));
    assert_eq!(why(body_since(NOW.0 - ORPHAN_MILLIS + 1), None, NOW), None, "its manifest may still come");
    assert_eq!(why(body_since(NOW.0 - ORPHAN_MILLIS), None, NOW), Some(Why::Alone));
    // Known and in order.
    assert_eq!(why(Some(whole(1)), due(later), NOW), None);
    assert_eq!(why(Some(whole(1)), due(NOW.0 - GRACE_MILLIS + 1), NOW), None, "its alarm is at it");
    assert_eq!(why(None, due(NOW.0), NOW), None, "its alarm is at it");
    // Overdue, whatever is there.
    for found in [None, Some(whole(1)), body_since(0)] {
        assert_eq!(why(found, due(NOW.0 - GRACE_MILLIS), NOW), Some(Why::Due));
    }
    // Something is missing before its time.
    assert_eq!(why(None, due(later), NOW), Some(Why::Gone));
    assert_eq!(
        why(body_since(0), due(later), NOW),
        Some(Why::Gone),
        "and a known letter's body is no orphan"
    );
    assert_eq!(why(Some(Found { body: None, ..whole(1) }), due(later), NOW), Some(Why::Gone));
}

#[test]
fn a_clock_at_either_end_of_time_is_no_overflow() {
    for now in [UnixMillis(0), UnixMillis(u64::MAX)] {
        for due in [0, u64::MAX] {
            let known = Some(Known { letter: letter(1), due: UnixMillis(due) });
            let _ = (why(Some(whole(1)), known, now), why(None, known, now));
        }
        let _ = why(Some(Found { body: Some(UnixMillis(u64::MAX)), ..whole(1) }), None, now);
    }
    assert_eq!(damaged_until(Some((UnixSeconds(u64::MAX), 366)), NOW), UnixMillis(u64::MAX));
    assert_eq!(damaged_until(None, UnixMillis(u64::MAX)), UnixMillis(u64::MAX));
}

#[test]
fn a_damaged_letter_is_kept_as_long_as_it_says_and_else_as_long_as_usual() {
    let end = UnixSeconds(1_700_000_000);
    assert_eq!(damaged_until(Some((end, 366)), NOW), UnixMillis((end.0 + 366 * 86_400) * 1_000));
    assert_eq!(damaged_until(Some((end, 0)), NOW), end.millis());
    assert_eq!(damaged_until(None, NOW), UnixMillis(NOW.0 + UNREADABLE_MILLIS));
    assert_eq!(UNREADABLE_MILLIS, (30 + 366) * 86_400_000);
}

proptest! {
    /// However a stretch is cut, each letter gets the same reason, once, and in order.
    #[test]
    fn cutting_changes_nothing(
        bucket in proptest::collection::btree_map(any::<u8>(), (any::<bool>(), any::<bool>(), any::<bool>()), 0..60),
        register in proptest::collection::btree_map(any::<u8>(), any::<bool>(), 0..60),
        cut in any::<u8>(),
    ) {
        let found: Vec<Found> = bucket.iter().filter(|(_, (body, manifest, _))| *body || *manifest).map(|(n, (body, manifest, old))| {
            let at = UnixMillis(if *old { 0 } else { NOW.0 });
            Found { letter: letter(*n), body: body.then_some(at), manifest: manifest.then_some(at) }
        }).collect();
        let known: Vec<Known> = register.iter().map(|(n, past)| Known {
            letter: letter(*n), due: UnixMillis(if *past { 0 } else { NOW.0 + 1 }),
        }).collect();
        let all = steps(&found, &known, NOW, UnixMillis(NOW.0 + 1), false);
        prop_assert!(all.is_sorted_by(|a, b| a.letter < b.letter));
        let part = |low: bool| -> Vec<Step> {
            let side = |it: LetterId| (it <= letter(cut)) == low;
            let found: Vec<_> = found.iter().copied().filter(|it| side(it.letter)).collect();
            let known: Vec<_> = known.iter().copied().filter(|it| side(it.letter)).collect();
            steps(&found, &known, NOW, UnixMillis(NOW.0 + 1), false)
        };
        prop_assert_eq!(&all, &[part(true), part(false)].concat());
        for step in &all {
            let due = known.iter().find(|it| it.letter == step.letter);
            prop_assert_eq!(step.why == Why::New || step.why == Why::Alone, due.is_none());
        }
        // Nothing that waits for nothing but its time is asked.
        for found in found.iter().filter(|it| it.body.is_some() && it.manifest.is_some()) {
            let due = known.iter().find(|it| it.letter == found.letter);
            let asked = all.iter().any(|step| step.letter == found.letter);
            prop_assert_eq!(asked, due.is_none_or(|it| it.due <= NOW));
        }
    }
}
