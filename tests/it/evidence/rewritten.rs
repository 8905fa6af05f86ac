//! An operator who holds every key tells another story: what the log, an older checkpoint or a receipt shows of it.

use waxseal::evidence::bundle::verify;
use waxseal::evidence::checkpoint::{follows, open_checkpoint};
use waxseal::evidence::leaf::{Leaf, Sighting, Watch};
use waxseal::evidence::tile::{ProofPlan, Row, Tile, decode_entries};
use waxseal::ledger::Kind;

use super::bundles::named;
use super::common::Log;
use super::letters::{LETTER, Site, chain, letter_key, log_key, rows, signed, stranger, trust, usual};

/// The operator has every key and makes the events, hashes and all, tell another story.
#[test]
fn a_rewritten_chain_is_not_the_one_in_the_log() {
    let site = Site::usual();
    let mut story =
        chain(&[Kind::Sealed, Kind::Opened, Kind::ConsentGiven, Kind::ReportStreamed, Kind::Accepted]);
    assert_eq!(story[..4], site.events[..4]);
    let rewritten = Site { events: std::mem::take(&mut story), ..Site::usual() };
    let (file, _, code) = named(&rewritten.bundle(Some(&letter_key())));
    assert_eq!((file.as_str(), code), ("proofs/000005.tlog-proof", "proof_wrong_root"));
}

#[test]
fn a_cut_end_passes_alone_and_does_not_pass_with_the_log_at_hand() {
    let site = Site::usual();
    let cut = Site { events: usual()[..4].to_vec(), entries: site.entries[..4].to_vec(), ..Site::usual() };
    let files = cut.bundle(Some(&letter_key()));
    let report = verify(&files, &trust());
    assert!(report.holds && report.not_checked.iter().any(|said| said.contains("later events")), "{report}");
    let watch = Watch::new(LETTER, &rows(&cut.events));
    let seen: Vec<_> = site
        .entries
        .iter()
        .zip(&site.events)
        .filter_map(|(entry, event)| watch.look(*entry, &Leaf::of(LETTER, event)))
        .map(|sighting| sighting.to_string())
        .collect();
    assert_eq!(
        seen,
        ["entry 504 of the log is an event 5 of this letter that is not here: the end was cut off"]
    );
}

/// The operator has every key. Nobody witnessed the log; somebody kept an older checkpoint.
#[test]
fn whoever_kept_an_older_checkpoint_notices_a_rewritten_history() {
    let read = |site: &Site| open_checkpoint(&site.note, log_key(1).verifier(), &[]).unwrap().checkpoint;
    let original = Site::usual();
    let kept = read(&original);

    // The reader's withdrawal becomes an acceptance, and all of the log is made anew, longer, and signed.
    let story = [Kind::Sealed, Kind::Opened, Kind::ConsentGiven, Kind::ReportStreamed, Kind::Accepted];
    let mut rewritten = Site::with(chain(&story), 100);
    rewritten.log.grow((0..50).map(|n| stranger(2_000_000 + n)));
    rewritten.note = signed(&rewritten.log, &log_key(1));
    let files = rewritten.bundle(Some(&letter_key()));
    assert!(verify(&files, &trust()).holds, "alone, the lie holds");
    let now = read(&rewritten);
    let plan = ProofPlan::consistency(kept.size, now.size).unwrap();
    let proof = plan.build(&rewritten.log.read(plan.tiles())).unwrap();
    assert_eq!(follows(&kept, &now, &proof).unwrap_err().code(), "proof_forked");

    // The operator appends the other story to the honest log instead. That log does follow from the kept
    // checkpoint, and shows both.
    let mut both = Site::usual();
    let acceptance = Leaf::of(LETTER, &rewritten.events[4]);
    let entry = both.log.growth.size();
    both.log.grow([acceptance.to_bytes().to_vec(), stranger(9)]);
    both.note = signed(&both.log, &log_key(1));
    both.events = rewritten.events;
    both.entries[4] = entry;
    let now = read(&both);
    let plan = ProofPlan::consistency(kept.size, now.size).unwrap();
    let proof = plan.build(&both.log.read(plan.tiles())).unwrap();
    assert_eq!(follows(&kept, &now, &proof), Ok(()));
    assert!(verify(&both.bundle(Some(&letter_key())), &trust()).holds, "alone, the lie holds");
    let watch = Watch::new(LETTER, &rows(&both.events));
    let withdrawal = original.entries[4];
    let sighting = watch.look(withdrawal, &Leaf::of(LETTER, &original.events[4]));
    assert_eq!(sighting, Some(Sighting::Fork { index: withdrawal, seq: 5 }));
}

#[test]
fn events_enter_the_log_in_the_order_of_the_chain() {
    let events = usual();
    let mut log = Log::default();
    log.grow([1usize, 0, 2, 3, 4].map(|at| Leaf::of(LETTER, &events[at]).to_bytes().to_vec()));
    let note = signed(&log, &log_key(1));
    let site = Site { log, events, entries: vec![1, 0, 2, 3, 4], note };
    let (file, _, code) = named(&site.bundle(None));
    assert_eq!((file.as_str(), code), ("proofs/000002.tlog-proof", "log_order"));
}

#[test]
fn a_receipt_of_a_forked_log_shows_the_fork() {
    let site = Site::usual();
    let mut files = site.bundle(None);
    // The operator signed two logs of one length: in one of them the reader never withdrew.
    let mut other = Site::usual();
    other.log.grow([]);
    let mut forked = Log::default();
    for (tile, bytes) in &site.log.files {
        forked.files.insert(*tile, bytes.clone());
    }
    let mut entries: Vec<Vec<u8>> = Vec::new();
    for n in 0..2 {
        let tile = Tile::of(Row::Entries, n, 506).unwrap();
        let bundle = site.log.files[&tile].clone();
        entries.extend(decode_entries(&bundle).unwrap().iter().map(|e| e.to_vec()));
    }
    entries[505] = stranger(42);
    let mut log = Log::default();
    log.grow(entries);
    other.note = signed(&log, &log_key(1));
    other.log = log;
    let receipt = other.receipt(&[2, 4]);
    let name = format!("receipts/{}.json", site.events[2].id);
    files.insert(name.clone(), receipt.into_bytes());
    assert_eq!(named(&files), (name, None, "log_forked"));
}
