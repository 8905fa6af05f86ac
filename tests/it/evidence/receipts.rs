//! Receipts: their shape, and that they say what their events say.

use waxseal::evidence::receipt::{Facts, ReceiptError, issue, verify};
use waxseal::evidence::report::Trust;
use waxseal::ledger::Kind;

use super::letters::{Site, chain, log_key, terms, trust};

/// Every term of the Data Privacy Vocabulary that a receipt uses, looked up in version 2.3 of `dpv`, `pd`, `eu-gdpr`.
const TERMS: [&str; 39] = [
    "dpv:Collect",
    "dpv:ConsentGiven",
    "dpv:ConsentNotice",
    "dpv:ConsentReceipt",
    "dpv:ConsentRecord",
    "dpv:ConsentRefused",
    "dpv:ConsentWithdrawn",
    "dpv:DataController",
    "dpv:DataSubject",
    "dpv:DataSubjectRight",
    "dpv:ExpressedConsent",
    "dpv:MakeAvailable",
    "dpv:Process",
    "dpv:Purpose",
    "dpv:RecordManagement",
    "dpv:RequestedServiceProvision",
    "dpv:StorageDuration",
    "dpv:StorageLocation",
    "dpv:Store",
    "dpv:WithdrawConsent",
    "dpv:hasConsentControl",
    "dpv:hasConsentStatus",
    "dpv:hasContact",
    "dpv:hasDataController",
    "dpv:hasDataSubject",
    "dpv:hasDuration",
    "dpv:hasIndicationMethod",
    "dpv:hasJurisdiction",
    "dpv:hasLegalBasis",
    "dpv:hasLocation",
    "dpv:hasNotice",
    "dpv:hasPersonalData",
    "dpv:hasProcess",
    "dpv:hasProcessing",
    "dpv:hasPurpose",
    "dpv:hasRecipient",
    "dpv:hasRecordOfActivity",
    "dpv:hasRight",
    "dpv:hasStorageCondition",
];
const MORE_TERMS: [&str; 4] =
    ["dpv:Entity", "dpv:isExercisedAt", "dpv:isIndicatedAtTime", "dpv:isIndicatedBy"];
const OTHER_TERMS: [&str; 6] =
    ["eu-gdpr:A6-1-a", "eu-gdpr:A7-3", "pd:Country", "pd:IPAddress", "pd:Language", "pd:UserAgent"];

fn receipt(events: &[usize]) -> String {
    Site::usual().receipt(events)
}

#[test]
fn a_receipt_has_the_fields_of_the_specification() {
    let json: serde_json::Value = serde_json::from_str(&receipt(&[2, 4])).unwrap();
    let site = Site::usual();
    let given = &site.events[2];
    assert_eq!(json["@type"], "dpv:ConsentReceipt");
    assert_eq!(json["dct:conformsTo"], "https://w3id.org/dpv/schema/dpv-27560#receipt");
    assert_eq!(json["dct:identifier"], format!("receipt-{}", site.events[4].id));
    assert_eq!(json["dct:created"], "2023-11-14T22:15:00.000Z");
    let record = &json["dpv:hasRecordOfActivity"][0];
    assert_eq!(record["@type"], "dpv:ConsentRecord");
    assert_eq!(record["dct:identifier"], given.id.to_string());
    assert_eq!(record["dpv:hasDataController"][0]["schema:name"], "Fietsen & Zonen");
    assert_eq!(record["dpv:hasLegalBasis"], "eu-gdpr:A6-1-a");
    assert_eq!(record["dpv:hasJurisdiction"], "loc:BE");
    let notice = format!("urn:sha256:{}", data_encoding::HEXLOWER.encode(&terms()));
    assert_eq!(record["dpv:hasNotice"][0]["@id"], notice);
    assert_eq!(record["dpv:hasNotice"][0]["dct:language"], "nl");
    assert_eq!(record["dpv:hasProcess"][0]["dpv:hasStorageCondition"][0]["dpv:hasDuration"], "P366D");
    let status = &record["dpv:hasConsentStatus"];
    assert_eq!(status[0]["@type"], serde_json::json!(["dpv:ConsentGiven", "dpv:ExpressedConsent"]));
    assert_eq!(status[0]["dpv:isIndicatedAtTime"], "2023-11-14T22:13:23.000Z");
    assert_eq!(status[1]["@type"], serde_json::json!(["dpv:ConsentWithdrawn"]));
    assert_eq!(status[2], serde_json::Value::Null);
}

#[test]
fn every_term_was_looked_up() {
    let known: Vec<&str> = TERMS.iter().chain(&MORE_TERMS).chain(&OTHER_TERMS).copied().collect();
    let refused = Site::with(chain(&[Kind::Sealed, Kind::ConsentRefused]), 1);
    for json in [receipt(&[2, 4]), refused.receipt(&[1])] {
        for prefix in ["dpv:", "pd:", "eu-gdpr:"] {
            for (at, _) in json.match_indices(&format!("\"{prefix}")) {
                let term = json[at + 1..].split('"').next().unwrap();
                assert!(known.contains(&term), "{term} was not looked up");
            }
        }
    }
}

#[test]
fn a_receipt_shows_no_link_and_no_details() {
    let json = receipt(&[2, 4]);
    for secret in ["203.0.113.9", "Mozilla"] {
        assert!(!json.contains(secret), "{secret}");
    }
}

#[test]
fn a_receipt_verifies_alone() {
    for events in [&[2][..], &[2, 4]] {
        let report = verify(receipt(events).as_bytes(), &trust());
        assert!(report.holds, "{report}");
        assert_eq!(report.events.len(), events.len());
        assert_eq!(report.log.unwrap().size, 506);
    }
    let refused = Site::with(chain(&[Kind::Sealed, Kind::ConsentRefused]), 1);
    let json = refused.receipt(&[1]);
    assert!(json.contains("dpv:ConsentRefused") && !json.contains("dpv:ConsentGiven"));
    assert!(verify(json.as_bytes(), &trust()).holds);
}

#[test]
fn a_receipt_that_says_more_or_less_than_its_events_does_not_hold() {
    let json = receipt(&[2, 4]);
    let site = Site::usual();
    let id = site.events[2].id.to_string();
    let lines = json.lines().count();
    for (from, to, code) in [
        ("dpv:ConsentWithdrawn", "dpv:ConsentGiven", "receipt_differs"),
        ("22:13:23", "22:13:24", "receipt_differs"),
        ("22:15:00", "22:15:01", "receipt_differs"),
        (id.as_str(), "018bcfe5-6be8-7101-8101-010101010101", "receipt_differs"),
        ("urn:sha256:", "urn:sha256:0", "receipt_differs"),
        ("eu-gdpr:A6-1-a", "eu-gdpr:A6-1-f", "receipt_differs"),
        ("\"waxseal:letter\": \"07", "\"waxseal:letter\": \"08", "receipt_differs"),
        ("\"kind\": \"consent_withdrawn\"", "\"kind\": \"accepted\"", "receipt_events"),
        ("\"at\": 1700000003000", "\"at\": 1700000003001", "receipt_differs"),
        ("\"@type\"", "\"@tipe\"", "receipt_malformed"),
        ("{", "[", "receipt_malformed"),
        ("Fietsen & Zonen", "Fietsen & Zoon", "receipt_differs"),
        ("hallo@", "hello@", "signature_false"),
        ("signature\": \"\u{2014}", "signature\": \"-", "receipt_malformed"),
        ("signature\": \"\u{2014} letters", "signature\": \"\u{2014} litters", "signature_missing"),
        ("index 302", "index 301", "signature_false"),
    ] {
        let other = json.replacen(from, to, 1);
        assert_ne!(other, json, "{from}");
        let report = verify(other.as_bytes(), &trust());
        let fault = report.broken.unwrap();
        assert_eq!(fault.code, code, "{from}: {fault}");
        assert!(fault.line.is_none_or(|line| line <= lines as u64), "{fault}");
    }
    // A receipt that the site signed, though it is false.
    let forged = |change: fn(&mut Facts)| {
        let mut facts = site.facts(&[2, 4]);
        change(&mut facts);
        let report = verify(issue(&facts, &log_key(1)).unwrap().as_bytes(), &trust());
        report.broken.unwrap().code
    };
    assert_eq!(forged(|facts| facts.events[0].at += 1_000), "altered");
    assert_eq!(forged(|facts| facts.letter.0[0] ^= 1), "altered");
    assert_eq!(forged(|facts| facts.proofs.swap(0, 1)), "proof_wrong_root");
    assert_eq!(forged(|facts| facts.proofs[0] = facts.proofs[0].replace("@v1", "@v2")), "proof_malformed");
    assert_eq!(
        forged(|facts| facts.proofs[1] = facts.proofs[1].replace("\n506\n", "\n505\n")),
        "signature_false"
    );
    let stranger = Trust::log(log_key(2).verifier().clone());
    assert_eq!(verify(json.as_bytes(), &stranger).broken.unwrap().code, "signature_missing");
    let called = Trust { quorum: 1, ..trust() };
    assert_eq!(verify(json.as_bytes(), &called).broken.unwrap().code, "witnesses_missing");
    assert_eq!(verify(&vec![b' '; (1 << 20) + 1], &trust()).broken.unwrap().code, "receipt_malformed");
}

#[test]
fn a_receipt_names_the_letter_as_it_was_sealed_and_one_without_names_holds_too() {
    let site = Site::usual();
    let json = issue(&site.named(&[2, 4]), &log_key(1)).unwrap();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let about = &value["schema:about"];
    assert_eq!(about["dct:title"], "Your inspection");
    assert_eq!(about["dct:identifier"], "R-2026/17");
    assert_eq!(about["schema:name"], "inspection.pdf");
    assert_eq!(about["schema:sha256"], "ab".repeat(32));
    let report = verify(json.as_bytes(), &trust());
    assert!(report.holds && report.checked.iter().any(|said| said.contains("commits to")), "{report}");
    assert_eq!(report.events.iter().map(|line| line.seq).collect::<Vec<_>>(), [1, 3, 5]);
    // The record itself tells nobody what the letter was called: not even who guesses all of it but the salt.
    let row = serde_json::to_string(&value["waxseal:event"][0]).unwrap();
    assert!(!row.contains("inspection"));
    let other = waxseal::ledger::Names { salt: [0; 32], ..super::letters::names() };
    assert_ne!(Some(other.commitment(super::letters::LETTER)), site.events[0].terms);
    // After an erasure there is a receipt without names, and it holds.
    let report = verify(site.receipt(&[2, 4]).as_bytes(), &trust());
    assert!(report.holds && report.not_checked.iter().any(|said| said.contains("called")), "{report}");
    // A site cannot name it otherwise later.
    let forged = |change: fn(&mut Facts)| {
        let mut facts = site.named(&[2]);
        change(&mut facts);
        issue(&facts, &log_key(1))
    };
    assert!(forged(|_| ()).is_ok());
    assert_eq!(forged(|facts| facts.names.as_mut().unwrap().subject.push('!')), Err(ReceiptError::Events));
    assert_eq!(forged(|facts| facts.names.as_mut().unwrap().reference = None), Err(ReceiptError::Events));
    assert_eq!(forged(|facts| facts.names.as_mut().unwrap().sha256[0] ^= 1), Err(ReceiptError::Events));
    assert_eq!(forged(|facts| facts.names = None), Err(ReceiptError::Events));
    for (from, to) in
        [("Your inspection", "My inspection"), ("R-2026/17", "R-2026/18"), ("inspection.pdf", "x.pdf")]
    {
        let report = verify(json.replacen(from, to, 1).as_bytes(), &trust());
        assert!(!report.holds, "{from}");
    }
}

#[test]
fn what_is_no_consent_gets_no_receipt() {
    let site = Site::usual();
    for events in [&[][..], &[0], &[4], &[4, 2], &[2, 3], &[2, 4, 4]] {
        assert_eq!(issue(&site.facts(events), &log_key(1)), Err(ReceiptError::Events), "{events:?}");
    }
    let mut facts = site.facts(&[2, 4]);
    facts.proofs.pop();
    assert_eq!(issue(&facts, &log_key(1)), Err(ReceiptError::Proofs));
}
