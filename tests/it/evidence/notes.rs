//! Signed notes, keys, checkpoints, cosignatures, proofs in a file: the examples of the specifications, another
//! implementation, and what has to be refused.

use proptest::prelude::*;
use signed_note::{StandardVerifier, VerifierList};
use waxseal::evidence::checkpoint::{Checkpoint, CheckpointError, FollowError, follows, open_checkpoint};
use waxseal::evidence::key::{Algorithm, KeyError, LogKey, VerifierKey};
use waxseal::evidence::merkle::TreeHash;
use waxseal::evidence::note::{Note, NoteError, OpenError};
use waxseal::evidence::proof::{ParseProofError, TlogProof};
use waxseal::evidence::witness::cosigned_message;
use waxseal::evidence::witness::{WitnessAnswer, WitnessError, add_checkpoint_request, read_answer};
use waxseal::token::SiteKey;
use waxseal::types::{Kid, UnixSeconds};

use super::common::Tree;
use super::letters::{Witness, with};

/// The example of C2SP signed-note.
const EXAMPLE_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const EXAMPLE: &str = "This is an example message.\n\n\u{2014} example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The example of Go's package golang.org/x/mod/sumdb/note: two signers of one text.
const PETER_KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n\u{2014} EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

const ENOCH_KEY: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";

/// The example of C2SP tlog-checkpoint. Its key is not published.
const CHECKPOINT: &str =
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn log_key(secret: u8) -> LogKey {
    LogKey::derive(&SiteKey::new(Kid(secret), [secret; 32], None), "letters.example/log").unwrap()
}

#[test]
fn the_examples_of_the_specification_open() {
    for (note, vkey, text) in [
        (EXAMPLE, EXAMPLE_KEY, "This is an example message.\n"),
        (PETER, PETER_KEY, PETER.split_once("\n\n").map(|(text, _)| text).unwrap()),
    ] {
        let (note, keys) = (Note::parse(note.as_bytes()).unwrap(), [key(vkey)]);
        let signed = note.open(&keys).unwrap();
        assert_eq!(signed.len(), 1);
        assert_eq!((signed[0].key, signed[0].at), (&keys[0], None));
        assert_eq!(note.text().trim_end(), text.trim_end());
        assert_eq!(keys[0].to_string(), vkey);
    }
    let both = Note::parse(PETER.as_bytes()).unwrap();
    assert_eq!(both.to_string(), PETER);
    assert_eq!(both.open(&[key(ENOCH_KEY), key(PETER_KEY)]).unwrap().len(), 2);
}

#[test]
fn a_key_that_is_not_known_counts_for_nothing() {
    let note = Note::parse(PETER.as_bytes()).unwrap();
    assert_eq!(note.open(&[]), Err(OpenError::Unsigned));
    assert_eq!(note.open(&[key(EXAMPLE_KEY)]), Err(OpenError::Unsigned));
    // The name alone is not enough, nor is the number.
    let stranger = VerifierKey::new("PeterNeumann", Algorithm::Ed25519, log_key(1).verifier().public());
    assert_eq!(note.open(&[stranger.unwrap()]), Err(OpenError::Unsigned));
    // A false signature under a known name and number spoils the note, whatever else signed it.
    let spoiled = PETER.replace("x08go/ZJ", "x08go/ZK");
    let note = Note::parse(spoiled.as_bytes()).unwrap();
    assert_eq!(note.open(&[key(PETER_KEY)]), Err(OpenError::Invalid("PeterNeumann".into())));
    // Another text under the same signatures.
    let note = Note::parse(PETER.replace("problem is", "problem was").as_bytes()).unwrap();
    assert_eq!(note.open(&[key(PETER_KEY)]), Err(OpenError::Invalid("PeterNeumann".into())));
}

#[test]
fn what_is_not_a_note_is_refused() {
    let sign = EXAMPLE.split_once("\n\n").unwrap().1;
    let cases: [(Vec<u8>, NoteError); 14] = [
        (b"".to_vec(), NoteError::Shape),
        (b"text\n".to_vec(), NoteError::Shape),
        (b"text\n\n".to_vec(), NoteError::Shape),
        (b"text\n\n\n".to_vec(), NoteError::Shape),
        (EXAMPLE.trim_end().into(), NoteError::Shape),
        (format!("{EXAMPLE}x\n").into(), NoteError::Signature(2)),
        (EXAMPLE.replace('\u{2014}', "-").into(), NoteError::Signature(1)),
        (EXAMPLE.replace("example.com/foo ", " ").into(), NoteError::Signature(1)),
        (EXAMPLE.replace("example.com/foo", "a+b").into(), NoteError::Signature(1)),
        (EXAMPLE.replace("example.com/foo", "a\u{a0}b").into(), NoteError::Signature(1)),
        (EXAMPLE.replace("aQM=", "aQN=").into(), NoteError::Signature(1)),
        ("text\n\n\u{2014} name AAAAAA==\n".into(), NoteError::Signature(1)),
        (EXAMPLE.replace("message", "mess\tage").into(), NoteError::Characters),
        ([EXAMPLE.as_bytes(), &[0xff]].concat(), NoteError::Characters),
    ];
    for (bytes, error) in cases {
        assert_eq!(Note::parse(&bytes), Err(error), "{}", String::from_utf8_lossy(&bytes));
    }
    assert!(Note::parse(format!("text\n\n{}", sign.repeat(100)).as_bytes()).is_ok());
    assert_eq!(Note::parse(format!("text\n\n{}", sign.repeat(101)).as_bytes()), Err(NoteError::TooLong));
    let long = format!("{}\n\n{sign}", "x".repeat(300_000));
    assert_eq!(Note::parse(long.as_bytes()), Err(NoteError::TooLong));
    // The text may have empty lines.
    let poem = Note::parse(format!("a\n\nb\n\n{sign}").as_bytes()).unwrap();
    assert_eq!(poem.text(), "a\n\nb\n");
}

#[test]
fn what_is_not_a_key_is_refused() {
    for (text, error) in [
        ("", KeyError::Shape),
        ("example.com/foo", KeyError::Shape),
        ("example.com/foo+530d903a", KeyError::Shape),
        ("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Shape),
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2", KeyError::Shape),
        ("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv", KeyError::Shape),
        ("+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Name),
        ("example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Algorithm),
        ("example.com/fox+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Id),
        ("example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Id),
        // The neutral element: everything has a signature under it.
        ("example.com/foo+530d903a+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", KeyError::Point),
    ] {
        assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
    }
}

#[test]
fn a_site_has_one_key_for_each_origin_and_secret_and_shows_no_secret() {
    let site = SiteKey::new(Kid(7), [1; 32], None);
    let vkey = |site: &SiteKey, origin| LogKey::derive(site, origin).map(|key| key.verifier().to_string());
    assert_eq!(vkey(&site, "a.example"), vkey(&site, "a.example"));
    assert_ne!(vkey(&site, "a.example"), vkey(&site, "b.example"));
    assert_ne!(vkey(&site, "a.example"), vkey(&SiteKey::new(Kid(7), [2; 32], None), "a.example"));
    assert_eq!(vkey(&site, ""), Err(KeyError::Name));
    assert_eq!(vkey(&site, "a b"), Err(KeyError::Name));
    assert_eq!(vkey(&site, "a\nb"), Err(KeyError::Name));
    let shown = format!("{:?}", LogKey::derive(&site, "a.example").unwrap());
    assert!(shown.starts_with("LogKey { verifier: VerifierKey(a.example+"), "{shown}");
}

#[test]
fn another_implementation_opens_our_checkpoint() {
    let tree = Tree::of(1_000);
    let log = log_key(1);
    let note = Checkpoint::new("letters.example/log", 1_000, tree.root(1_000)).sign(&[&log]).unwrap();

    let theirs = signed_note::Note::from_bytes(note.to_string().as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&log.verifier().to_string()).unwrap();
    let (verified, unverified) = theirs.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0));
    let checkpoint = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
    assert_eq!(checkpoint.origin(), "letters.example/log");
    assert_eq!((checkpoint.size(), checkpoint.hash().0), (1_000, tree.root(1_000).0));
}

#[test]
fn our_implementation_opens_a_note_of_another_one() {
    // The signing key of Go's example, which is public.
    let skey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let signer = signed_note::StandardSigner::new(skey).unwrap();
    let text = "a text\n\nwith an empty line\n";
    let mut theirs = signed_note::Note::new(text.as_bytes(), &[]).unwrap();
    theirs.add_sigs(&[&signer]).unwrap();
    let note = Note::parse(&theirs.to_bytes()).unwrap();
    assert_eq!(note.text(), text);
    assert_eq!(note.open(&[key(PETER_KEY)]).unwrap().len(), 1);
}

#[test]
fn the_example_of_a_checkpoint_reads_back() {
    let checkpoint: Checkpoint = CHECKPOINT.parse().unwrap();
    assert_eq!((checkpoint.origin.as_str(), checkpoint.size), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.to_string(), CHECKPOINT);
    let extended: Checkpoint = format!("{CHECKPOINT}one\ntwo\n").parse().unwrap();
    assert_eq!(extended.extensions, ["one", "two"]);
}

#[test]
fn what_is_not_a_checkpoint_is_refused() {
    let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
    for (text, line) in [
        ("".to_owned(), 1),
        ("\n".to_owned(), 1),
        (CHECKPOINT.trim_end().to_owned(), 1),
        (format!("\n1\n{root}\n"), 1),
        (format!("o\n01\n{root}\n"), 2),
        (format!("o\n+1\n{root}\n"), 2),
        (format!("o\n-1\n{root}\n"), 2),
        (format!("o\n 1\n{root}\n"), 2),
        (format!("o\n\u{661}\n{root}\n"), 2),
        (format!("o\n1e3\n{root}\n"), 2),
        (format!("o\n9223372036854775808\n{root}\n"), 2),
        (format!("o\n18446744073709551616\n{root}\n"), 2),
        ("o\n1\n".to_owned(), 3),
        ("o\n1\nAAAA\n".to_owned(), 3),
        (format!("o\n1\n{root} \n"), 3),
        (format!("o\n0\n{root}\n"), 3),
        (format!("o\n1\n{root}\n\n"), 4),
        (format!("o\n1\n{root}\nx\n\n"), 5),
    ] {
        assert_eq!(text.parse::<Checkpoint>(), Err(CheckpointError::Line(line)), "{text:?}");
    }
    let empty = format!("o\n0\n{}\n", TreeHash::empty());
    assert!(empty.parse::<Checkpoint>().is_ok());
}

#[test]
fn a_checkpoint_that_would_not_read_back_is_not_signed() {
    let log = log_key(1);
    let good = Checkpoint::new("letters.example/log", 1, TreeHash::leaf(b""));
    for bad in [
        Checkpoint { origin: String::new(), ..good.clone() },
        Checkpoint { origin: "a\nb".into(), ..good.clone() },
        Checkpoint { size: 0, ..good.clone() },
        Checkpoint { size: u64::MAX, ..good.clone() },
        Checkpoint { extensions: vec![String::new()], ..good.clone() },
        Checkpoint { extensions: vec!["a\nb".into()], ..good.clone() },
    ] {
        assert_eq!(bad.sign(&[&log]), Err(NoteError::Shape), "{bad:?}");
    }
    assert!(good.sign(&[&log]).is_ok());
}

#[test]
fn a_checkpoint_is_of_one_log_and_counts_known_witnesses() {
    let (log, old) = (log_key(1), log_key(2));
    let witnesses = [Witness::new("w1.example", 11), Witness::new("w2.example", 12)];
    let keys = witnesses.each_ref().map(|witness| witness.1.clone());
    let checkpoint = Checkpoint::new("letters.example/log", 9, TreeHash::leaf(b"root"));
    let note = checkpoint.sign(&[&log, &old]).unwrap();
    let cosigned =
        with(&note, &[witnesses[0].line(&note, 1_700_000_000), witnesses[1].line(&note, 1_700_000_007)]);

    // Readers of the key before a rotation and after it both open it.
    for key in [&log, &old] {
        let opened = open_checkpoint(&cosigned, key.verifier(), &keys).unwrap();
        assert_eq!(opened.checkpoint, checkpoint);
        let said: Vec<_> = opened.cosigned.iter().map(|seen| (seen.witness.as_str(), seen.at.0)).collect();
        assert_eq!(said, [("w1.example", 1_700_000_000), ("w2.example", 1_700_000_007)]);
    }
    assert_eq!(open_checkpoint(&cosigned, log.verifier(), &keys[..1]).unwrap().cosigned.len(), 1);
    assert_eq!(open_checkpoint(&cosigned, log.verifier(), &[]).unwrap().cosigned, []);
    // One key under two names is one witness, and a witness that is listed twice is one.
    let double = [Witness::new("w1.example", 11), Witness::new("w3.example", 11)];
    let twice = with(&note, &[double[0].line(&note, 5), double[1].line(&note, 6), double[0].line(&note, 7)]);
    let listed = [double[0].1.clone(), double[1].1.clone(), double[0].1.clone()];
    let opened = open_checkpoint(&twice, log.verifier(), &listed).unwrap();
    assert_eq!(opened.cosigned.iter().map(|seen| seen.at.0).collect::<Vec<_>>(), [5]);
    // The log's own key is not a witness.
    let own = open_checkpoint(&cosigned, log.verifier(), std::slice::from_ref(log.verifier())).unwrap();
    assert_eq!(own.cosigned, []);

    let stranger = log_key(3);
    assert_eq!(
        open_checkpoint(&note, stranger.verifier(), &[]),
        Err(CheckpointError::Open(OpenError::Unsigned))
    );
    let other = LogKey::derive(&SiteKey::new(Kid(1), [1; 32], None), "other.example").unwrap();
    assert_eq!(open_checkpoint(&note, other.verifier(), &[]), Err(CheckpointError::Origin));
    // A witness's word for another tree, or at another time, is not its word for this one.
    let elsewhere =
        Checkpoint::new("letters.example/log", 10, TreeHash::leaf(b"root")).sign(&[&log]).unwrap();
    let false_word = with(&note, &[witnesses[0].line(&elsewhere, 1_700_000_000)]);
    assert_eq!(
        open_checkpoint(&false_word, log.verifier(), &keys),
        Err(CheckpointError::Open(OpenError::Invalid("w1.example".into())))
    );
}

#[test]
fn a_cosignature_signs_the_message_of_the_specification() {
    // The example of C2SP tlog-cosignature, section "Ed25519 signed message".
    let message = format!("cosignature/v1\ntime 1679315147\n{CHECKPOINT}");
    assert_eq!(cosigned_message(UnixSeconds(1_679_315_147), CHECKPOINT), message);
    let witness = Witness::new("w.example", 1);
    let note = Note::new(CHECKPOINT).unwrap();
    for at in [0, 1_679_315_147, (1 << 63) - 1] {
        let opened = with(&note, &[witness.line(&note, at)]);
        assert_eq!(opened.open(std::slice::from_ref(&witness.1)).unwrap()[0].at, Some(UnixSeconds(at)));
    }
    let late = with(&note, &[witness.line(&note, 1 << 63)]);
    let refused = late.open(std::slice::from_ref(&witness.1));
    assert_eq!(refused, Err(OpenError::Invalid("w.example".into())));
}

#[test]
fn a_witness_is_asked_as_the_specification_says() {
    let tree = Tree::of(20);
    let log = log_key(1);
    let note = Checkpoint::new("letters.example/log", 20, tree.root(20)).sign(&[&log]).unwrap();
    let proof = tree.consistency(14, 20);
    let body = add_checkpoint_request(14, &proof, &note);
    let (head, checkpoint) = body.split_once("\n\n").unwrap();
    assert_eq!(checkpoint, note.to_string());
    let lines: Vec<_> = head.split('\n').collect();
    assert_eq!(lines[0], "old 14");
    assert_eq!(lines[1..], proof.iter().map(TreeHash::to_string).collect::<Vec<_>>());
    let first = add_checkpoint_request(0, &[], &note);
    assert_eq!(first, format!("old 0\n\n{note}"));

    let witness = Witness::new("w.example", 5);
    let line = witness.line(&note, 1_700_000_000);
    let stranger = Witness::new("x.example", 6).line(&note, 1);
    let answer = read_answer(200, format!("{stranger}{line}").as_bytes(), &note, &witness.1).unwrap();
    let WitnessAnswer::Cosigned(lines) = answer else { panic!() };
    let mut cosigned = note.clone();
    for line in lines {
        cosigned.add(line.clone()).unwrap();
        cosigned.add(line).unwrap();
    }
    assert_eq!(cosigned.to_string(), format!("{note}{line}"));
    assert_eq!(
        open_checkpoint(&cosigned, log.verifier(), std::slice::from_ref(&witness.1)).unwrap().cosigned.len(),
        1
    );

    let read = |status, body: &str| read_answer(status, body.as_bytes(), &note, &witness.1);
    assert_eq!(read(409, "20852163\n"), Ok(WitnessAnswer::Conflict { size: 20_852_163 }));
    for (status, body, error) in [
        (200, "", WitnessError::Malformed),
        (200, "\n", WitnessError::Malformed),
        (200, "<html>\n", WitnessError::Malformed),
        (200, stranger.as_str(), WitnessError::NotCosigned),
        (409, "12", WitnessError::Malformed),
        (409, "012\n", WitnessError::Malformed),
        (403, "", WitnessError::UnknownKey),
        (404, "", WitnessError::UnknownLog),
        (422, "", WitnessError::Inconsistent),
        (500, "", WitnessError::Status(500)),
    ] {
        assert_eq!(read(status, body), Err(error), "{status} {body}");
    }
    let elsewhere = Checkpoint::new("letters.example/log", 19, tree.root(19)).sign(&[&log]).unwrap();
    assert_eq!(read(200, &witness.line(&elsewhere, 1)), Err(WitnessError::NotCosigned));
}

#[test]
fn a_newer_checkpoint_follows_from_an_older_one_or_the_difference_is_named() {
    let tree = Tree::of(40);
    let at = |size| Checkpoint::new("letters.example/log", size, tree.root(size));
    assert_eq!(follows(&at(13), &at(40), &tree.consistency(13, 40)), Ok(()));
    assert_eq!(follows(&at(40), &at(40), &[]), Ok(()));
    assert_eq!(follows(&at(0), &at(40), &[]), Ok(()));
    let shrunk = follows(&at(40), &at(13), &[]);
    assert_eq!(shrunk, Err(FollowError::Shrunk { from: 40, to: 13 }));
    assert_eq!(shrunk.unwrap_err().code(), "log_shrunk");
    let rewritten = Checkpoint { root: TreeHash::leaf(b"another"), ..at(40) };
    let split = follows(&at(40), &rewritten, &[]).unwrap_err();
    assert_eq!((split, split.code()), (FollowError::Split(40), "log_forked"));
    let forked = follows(&at(13), &rewritten, &tree.consistency(13, 40)).unwrap_err();
    assert_eq!(forked.code(), "proof_forked");
    let other = Checkpoint { origin: "other.example".into(), ..at(40) };
    let other = follows(&at(13), &other, &tree.consistency(13, 40)).unwrap_err();
    assert_eq!((other, other.code()), (FollowError::Origin, "log_other"));
}

#[test]
fn a_proof_in_a_file_has_the_form_of_the_specification() {
    let tree = Tree::of(20);
    let note = Checkpoint::new("letters.example/log", 20, tree.root(20)).sign(&[&log_key(1)]).unwrap();
    let proof = TlogProof { extra: None, index: 5, hashes: tree.inclusion(5, 20), checkpoint: note.clone() };
    let text = proof.to_string();
    let (head, checkpoint) = text.split_once("\n\n").unwrap();
    assert_eq!(checkpoint, note.to_string());
    assert!(head.starts_with("c2sp.org/tlog-proof@v1\nindex 5\n"), "{head}");
    assert_eq!(head.lines().count(), 2 + proof.hashes.len());
    assert_eq!(text.parse(), Ok(proof.clone()));
    let extra = TlogProof { extra: Some(b"more".to_vec()), ..proof };
    assert!(extra.to_string().starts_with("c2sp.org/tlog-proof@v1\nextra bW9yZQ==\nindex 5\n"));
    assert_eq!(extra.to_string().parse(), Ok(extra));

    for (from, to, error) in [
        ("proof@v1", "proof@v2", ParseProofError::Line(1)),
        ("index 5", "index 05", ParseProofError::Line(2)),
        ("index 5", "extra ?\nindex 5", ParseProofError::Line(2)),
        ("index 5", "extra bW9yZQ==", ParseProofError::Line(3)),
        ("index 5\n", "index 5\nAAAA\n", ParseProofError::Line(3)),
        ("\n\nletters", "\nletters", ParseProofError::Line(8)),
        ("\u{2014}", "-", ParseProofError::Checkpoint(NoteError::Signature(1))),
    ] {
        assert_eq!(text.replacen(from, to, 1).parse::<TlogProof>(), Err(error), "{to}");
    }
    let long =
        text.replacen("index 5\n", &format!("index 5\n{}", format!("{}\n", tree.root(1)).repeat(64)), 1);
    assert_eq!(long.parse::<TlogProof>(), Err(ParseProofError::TooLong));
    assert_eq!("x".repeat(600_000).parse::<TlogProof>(), Err(ParseProofError::TooLong));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn one_changed_bit_of_a_checkpoint_is_noticed(bit in any::<usize>()) {
        let log = log_key(1);
        let note = Checkpoint::new("letters.example/log", 7, TreeHash::leaf(b"r")).sign(&[&log]).unwrap();
        let mut bytes = note.to_string().into_bytes();
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let opened = Note::parse(&bytes).map_err(CheckpointError::from);
        prop_assert!(opened.and_then(|note| open_checkpoint(&note, log.verifier(), &[])).is_err());
    }

    #[test]
    fn no_text_makes_them_panic(text in "(c2sp.org/tlog-proof@v1\n)?(index 1\n)?[a-z0-9+=/\n\u{2014} -]{0,80}") {
        if let Ok(note) = Note::parse(text.as_bytes()) {
            prop_assert_eq!(note.to_string(), text.clone());
        }
        if let Ok(checkpoint) = text.parse::<Checkpoint>() {
            prop_assert_eq!(checkpoint.to_string(), text.clone());
        }
        if let Ok(key) = text.parse::<VerifierKey>() {
            prop_assert_eq!(key.to_string(), text.clone());
        }
        if let Ok(proof) = text.parse::<TlogProof>() {
            prop_assert_eq!(proof.to_string(), text);
        }
    }
}
