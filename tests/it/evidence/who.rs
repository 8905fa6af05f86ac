//! Who did it: certificate, readable copy and receipt name the one who did, and never the reader for what another did.

use waxseal::certificate::{Origins, certificate};
use waxseal::evidence::bundle::{Files, verify};
use waxseal::lang::Lang;
use waxseal::ledger::{Actor, Kind};

use super::letters::{Site, chain_by, letter_key, log_key, trust};

/// Words that name the reader, in each language of the certificate.
const READER: [(Lang, &str); Lang::COUNT] =
    [(Lang::En, "A reader"), (Lang::Nl, "Een lezer"), (Lang::Fr, "Un lecteur"), (Lang::De, "Ein Leser")];

/// Words that name the others: the sender on the recipient's word, the mail program, a program.
const OTHERS: [(Lang, [&str; 3]); Lang::COUNT] = [
    (
        Lang::En,
        [
            "by the sender, on the recipient’s word",
            "by the recipient’s mail program",
            "by a program that holds",
        ],
    ),
    (Lang::Nl, ["door de afzender, op aangeven", "door het mailprogramma", "door een programma dat"]),
    (Lang::Fr, ["par l’expéditeur, à la demande", "par le logiciel de messagerie", "par un programme qui"]),
    (Lang::De, ["durch den Absender, auf Veranlassung", "durch das E-Mail-Programm", "durch ein Programm"]),
];

fn page(files: &Files, lang: Lang) -> String {
    let origins =
        Origins { sender: Some("Fietsen".into()), zone: None, key: log_key(1).verifier().to_string() };
    certificate(files, &origins, lang, &|_| None).unwrap()
}

/// What the certificate says happened: what is in short, and the timeline.
fn told(files: &Files, lang: Lang) -> String {
    let page = page(files, lang);
    let from = page.find("<section").unwrap();
    page[from..page.find("id=\"terms").unwrap_or(page.len())].to_owned()
}

#[test]
fn nobody_is_named_for_what_somebody_else_did() {
    let actors = [Actor::SenderForRecipient, Actor::MailProgram, Actor::Robot];
    for (nth, by) in actors.into_iter().enumerate() {
        for (kind, before) in [
            (Kind::ConsentRefused, vec![]),
            (Kind::ConsentRefused, vec![(Kind::Fetched, Actor::Robot)]),
            (Kind::ConsentWithdrawn, vec![(Kind::ConsentGiven, Actor::Robot)]),
        ] {
            let events = [vec![(Kind::Sealed, Actor::Sender)], before, vec![(kind, by)]].concat();
            let site = Site::with(chain_by(&events), 1);
            // With the readers' details, and without them.
            for key in [Some(letter_key()), None] {
                let files = site.bundle(key.as_ref());
                let report = verify(&files, &trust());
                assert!(report.holds, "{report}");
                assert_eq!(report.events.last().unwrap().actor, by.as_str());
                for (lang, reader) in READER {
                    let told = told(&files, lang);
                    assert!(!told.contains(reader), "{lang} {kind} by {by}: {told}");
                    let named = OTHERS.iter().find(|(other, _)| *other == lang).unwrap().1[nth];
                    assert!(told.contains(named), "{lang} {kind} by {by}: {named}");
                }
                let copy = String::from_utf8(files["readable.txt"].clone()).unwrap();
                assert!(
                    !copy.contains("A reader") && copy.contains(&format!("   by        {by}\n")),
                    "{copy}"
                );
                let receipt = files.iter().find(|(name, _)| name.starts_with("receipts/")).unwrap();
                let receipt: serde_json::Value = serde_json::from_slice(receipt.1).unwrap();
                let statuses = &receipt["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"];
                let status = statuses.as_array().unwrap().last().unwrap();
                let indicated =
                    if by == Actor::SenderForRecipient { "dpv:DataController" } else { "dpv:Entity" };
                assert_eq!(status["dpv:isIndicatedBy"], indicated);
                assert!(!status["dpv:hasIndicationMethod"].as_str().unwrap().contains("button"), "{status}");
            }
        }
    }
}

#[test]
fn a_reader_is_named_for_what_a_reader_did() {
    let reader = Actor::Recipient;
    let events =
        [(Kind::Sealed, Actor::Sender), (Kind::ConsentGiven, reader), (Kind::ConsentWithdrawn, reader)];
    let files = Site::with(chain_by(&events), 1).bundle(None);
    for (lang, words) in READER {
        // In short, and in the timeline: the consent and its withdrawal.
        assert_eq!(told(&files, lang).matches(words).count(), 4, "{lang}");
    }
}

#[test]
fn the_summary_has_the_no_that_stands() {
    let (reader, sender) = (Actor::Recipient, Actor::SenderForRecipient);
    let words = [
        (Lang::En, "A reader ", "was undone", "The sender recorded"),
        (Lang::Nl, "Een lezer ", "ongedaan gemaakt", "De afzender legde"),
        (Lang::Fr, "Un lecteur ", "annulé", "L’expéditeur a"),
        (Lang::De, "Ein Leser ", "rückgängig gemacht", "Der Absender hielt"),
    ];
    for (no, undone, given) in [
        (Kind::ConsentWithdrawn, Kind::WithdrawalRevoked, true),
        (Kind::ConsentRefused, Kind::RefusalRevoked, false),
    ] {
        let sealed = [(Kind::Sealed, Actor::Sender), (Kind::ConsentGiven, reader)];
        let sealed = if given { &sealed[..] } else { &sealed[..1] };
        let events =
            [sealed, &[(no, reader), (undone, reader), (no, reader), (undone, reader), (no, sender)]];
        let files = Site::with(chain_by(&events.concat()), 1).bundle(None);
        for (lang, theirs, taken_back, senders) in words {
            let page = page(&files, lang);
            let from = page.find("<section").unwrap();
            let short = &page[from..from + page[from..].find("</section>").unwrap()];
            let nos = |text: &str| short.matches(text).count();
            assert_eq!(nos(taken_back), 2, "{lang} {no}: {short}");
            assert_eq!(nos(senders), 1, "{lang} {no}: {short}");
            assert_eq!(nos(theirs), 2 + usize::from(given), "{lang} {no}: {short}");
            assert!(short.rfind(senders) > short.rfind(taken_back), "{lang} {no}: in their order");
        }
    }
}

#[test]
fn consents_by_programs_are_counted_apart() {
    let (reader, robot) = (Actor::Recipient, Actor::Robot);
    let events = [
        (Kind::Sealed, Actor::Sender),
        (Kind::ConsentGiven, robot),
        (Kind::ConsentGiven, reader),
        (Kind::ConsentGiven, robot),
    ];
    let files = Site::with(chain_by(&events), 1).bundle(None);
    let told = told(&files, Lang::En);
    for words in
        ["A reader agreed to the terms.", "Programs that hold the link agreed to the terms, 2 times."]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
#[ignore = "writes certificates of a sender's withdrawal into the folder $CERTIFICATES, for their picture"]
fn regenerate_pictures() {
    let folder = std::path::PathBuf::from(std::env::var("CERTIFICATES").unwrap());
    let events = [
        (Kind::Sealed, Actor::Sender),
        (Kind::Fetched, Actor::Robot),
        (Kind::ConsentRefused, Actor::SenderForRecipient),
        (Kind::EvidenceExported, Actor::Sender),
    ];
    let files = Site::with(chain_by(&events), 1).bundle(None);
    for lang in Lang::ALL {
        std::fs::write(folder.join(format!("{lang}.html")), page(&files, lang)).unwrap();
    }
}
