//! The JSON of a receipt: the profile of ISO/IEC TS 27560 that the W3C Data Privacy Vocabularies group gives in its guide
//! "Consent Records and Receipts", in terms of DPV 2.

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::super::row::Row;
use super::{Facts, Sender};
use crate::evidence::readable::time;
use crate::ledger::{Actor, Event, Kind, Names};
use crate::types::UnixMillis;

/// Prefixes of the names in a receipt.
const CONTEXT: [(&str, &str); 6] = [
    ("dct", "http://purl.org/dc/terms/"),
    ("dpv", "https://w3id.org/dpv#"),
    ("eu-gdpr", "https://w3id.org/dpv/legal/eu/gdpr#"),
    ("pd", "https://w3id.org/dpv/pd#"),
    ("schema", "https://schema.org/"),
    ("skos", "http://www.w3.org/2004/02/skos/core#"),
];

/// What is recorded about a reader, in the words of DPV's extension for personal data.
const RECORDED: [&str; 4] = ["pd:IPAddress", "pd:UserAgent", "pd:Country", "pd:Language"];

/// True of a person, and of one who was asked once more.
const HOW_YES: &str = "sent the form under the terms, its box ticked";
const HOW_NO: &str = "pressed the button";
/// Of others than a person in a browser.
const HOW_MAIL: &str = "the recipient's mail program sent its one-click unsubscription (RFC 8058)";
const HOW_ROBOT: &str = "a program that holds the link sent the form";
const HOW_SENDER: &str = "the sender recorded what the recipient had told it";

/// What stands under `@context` for our own part.
const OWN: &str = "urn:waxseal:evidence:1:";

macro_rules! json {
    ($($(#[$meta:meta])* struct $name:ident { $($key:literal $field:ident: $type:ty,)* })*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(#[serde(rename = $key, default, skip_serializing_if = "Absent::absent")] pub(super) $field: $type,)*
        }
    )* };
}

/// Which values leave their key out.
trait Absent {
    fn absent(&self) -> bool {
        false
    }
}
impl<T> Absent for Option<T> {
    fn absent(&self) -> bool {
        self.is_none()
    }
}
impl Absent for String {}
impl<T> Absent for Vec<T> {}
impl<K, V> Absent for BTreeMap<K, V> {}

json! {
    #[derive(Default)]
    struct Receipt {
        "@context" context: BTreeMap<String, String>,
        "@id" id: String,
        "@type" kind: String,
        "dct:identifier" identifier: String,
        "dct:conformsTo" conforms_to: String,
        "dct:created" created: String,
        "dct:publisher" publisher: String,
        "schema:recipient" recipient: String,
        "schema:about" about: Option<About>,
        "dpv:hasRecordOfActivity" record: Vec<Record>,
        "waxseal:created" created_millis: Option<UnixMillis>,
        "waxseal:letter" letter: String,
        "waxseal:event" events: Vec<Row>,
        "waxseal:proof" proofs: Vec<String>,
        "waxseal:signature" signature: String,
    }

    #[derive(Default)]
    struct About {
        "@type" kind: String,
        "dct:title" subject: String,
        "dct:identifier" reference: Option<String>,
        "schema:name" file_name: String,
        "schema:sha256" sha256: String,
        "waxseal:salt" salt: String,
    }

    #[derive(Default)]
    struct Record {
        "@id" id: String,
        "@type" kind: String,
        "dct:identifier" identifier: String,
        "dct:conformsTo" conforms_to: String,
        "dpv:hasDataSubject" subject: Vec<Entity>,
        "dpv:hasDataController" controller: Vec<Entity>,
        "dpv:hasJurisdiction" jurisdiction: Option<String>,
        "dpv:hasLegalBasis" legal_basis: String,
        "dpv:hasProcess" process: Vec<Process>,
        "dpv:hasConsentControl" control: Vec<Exercise>,
        "dpv:hasRight" right: Vec<Exercise>,
        "dpv:hasNotice" notice: Vec<Notice>,
        "dpv:hasConsentStatus" status: Vec<Status>,
    }

    #[derive(Default)]
    struct Entity {
        "@type" kind: String,
        "dct:identifier" identifier: Option<String>,
        "schema:name" name: Option<String>,
        "dpv:hasContact" contact: Option<Vec<String>>,
        "dpv:hasNotice" privacy_url: Option<String>,
    }

    #[derive(Default)]
    struct Process {
        "@type" kind: String,
        "dpv:hasPurpose" purpose: Vec<Purpose>,
        "dpv:hasProcessing" processing: Vec<String>,
        "dpv:hasPersonalData" personal_data: Vec<String>,
        "dpv:hasRecipient" recipient: Vec<String>,
        "dpv:hasStorageCondition" storage: Vec<Storage>,
    }

    #[derive(Default)]
    struct Purpose {
        "@type" kind: String,
        "skos:broader" broader: String,
        "dct:description" description: String,
    }

    #[derive(Default)]
    struct Storage {
        "@type" kind: String,
        "dpv:hasDuration" duration: Option<String>,
        "dpv:hasLocation" location: Option<String>,
    }

    #[derive(Default)]
    struct Exercise {
        "@type" kind: Vec<String>,
        "dct:title" title: String,
        "dpv:isExercisedAt" at: String,
    }

    #[derive(Default)]
    struct Notice {
        "@id" id: String,
        "@type" kind: String,
        "dct:language" language: String,
    }

    #[derive(Default)]
    struct Status {
        "@type" kind: Vec<String>,
        "dpv:isIndicatedBy" by: String,
        "dpv:hasIndicationMethod" method: String,
        "dpv:isIndicatedAtTime" at: String,
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Receipt {
    /// The receipt of these facts, not signed yet. `events` are those of the facts, read; `given` is the first of them.
    pub(super) fn of(facts: &Facts, given: &Event, events: &[Event]) -> Self {
        let last = events.last().unwrap_or(given);
        let identifier = format!("receipt-{}", last.id);
        let mut context: BTreeMap<_, _> =
            CONTEXT.iter().map(|(prefix, iri)| ((*prefix).to_owned(), (*iri).to_owned())).collect();
        context.insert("waxseal".into(), OWN.into());
        Self {
            context,
            id: format!("urn:waxseal:{identifier}"),
            kind: "dpv:ConsentReceipt".into(),
            identifier,
            conforms_to: "https://w3id.org/dpv/schema/dpv-27560#receipt".into(),
            created: time(facts.created_at),
            publisher: facts.sender.name.clone(),
            recipient: "dpv:DataSubject".into(),
            about: facts.names.as_ref().map(About::of),
            record: vec![Record::of(facts, given, events)],
            created_millis: Some(facts.created_at),
            letter: facts.letter.to_string(),
            events: facts.events.iter().map(Row::from).collect(),
            proofs: facts.proofs.clone(),
            signature: String::new(),
        }
    }

    /// The receipt's text; one receipt has one.
    pub(super) fn json(&self) -> String {
        // Strings, numbers and lists of them always have a JSON.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// What a receipt says that does not follow from its events.
    pub(super) fn facts(&self) -> Option<Facts> {
        let record = self.record.first()?;
        let controller = record.controller.first()?;
        let process = record.process.first()?;
        let days = process.storage.iter().find_map(|storage| storage.duration.as_deref())?;
        Some(Facts {
            letter: self.letter.parse().ok()?,
            names: match &self.about {
                Some(about) => Some(about.names()?),
                None => None,
            },
            created_at: self.created_millis?,
            language: record.notice.first()?.language.clone(),
            sender: Sender {
                name: controller.name.clone()?,
                contact: controller.contact.clone()?,
                privacy_url: controller.privacy_url.clone(),
                jurisdiction: record.jurisdiction.clone(),
                storage_location: process.storage.iter().find_map(|storage| storage.location.clone()),
            },
            retention_days: days.strip_prefix('P')?.strip_suffix('D')?.parse().ok()?,
            withdraw_at: record.control.first()?.at.clone(),
            events: self.events.iter().map(Row::event).collect::<Option<_>>()?,
            proofs: self.proofs.clone(),
        })
    }
}

impl About {
    fn of(names: &Names) -> Self {
        Self {
            kind: "schema:MediaObject".into(),
            subject: names.subject.clone(),
            reference: names.reference.clone(),
            file_name: names.file_name.clone(),
            sha256: HEXLOWER.encode(&names.sha256),
            salt: HEXLOWER.encode(&names.salt),
        }
    }

    fn names(&self) -> Option<Names> {
        let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        Some(Names {
            subject: self.subject.clone(),
            reference: self.reference.clone(),
            file_name: self.file_name.clone(),
            sha256: bytes(&self.sha256)?,
            salt: bytes(&self.salt)?,
        })
    }
}

impl Record {
    fn of(facts: &Facts, given: &Event, events: &[Event]) -> Self {
        let sender = &facts.sender;
        let terms = given.terms.map(|terms| HEXLOWER.encode(&terms)).unwrap_or_default();
        let purpose = |broader: &str, description: &str| Purpose {
            kind: "dpv:Purpose".into(),
            broader: broader.into(),
            description: description.into(),
        };
        let duration = Storage {
            kind: "dpv:StorageDuration".into(),
            duration: Some(format!("P{}D", facts.retention_days)),
            location: None,
        };
        let location = sender.storage_location.as_ref().map(|location| Storage {
            kind: "dpv:StorageLocation".into(),
            duration: None,
            location: Some(location.clone()),
        });
        Self {
            id: format!("urn:uuid:{}", given.id),
            kind: "dpv:ConsentRecord".into(),
            identifier: given.id.to_string(),
            conforms_to: "https://w3id.org/dpv/schema/dpv-27560#record".into(),
            subject: vec![Entity {
                kind: "dpv:DataSubject".into(),
                identifier: Some(format!("urn:uuid:{}", facts.letter)),
                ..Entity::default()
            }],
            controller: vec![Entity {
                kind: "dpv:DataController".into(),
                identifier: None,
                name: Some(sender.name.clone()),
                contact: Some(sender.contact.clone()),
                privacy_url: sender.privacy_url.clone(),
            }],
            jurisdiction: sender.jurisdiction.clone(),
            legal_basis: "eu-gdpr:A6-1-a".into(),
            process: vec![Process {
                kind: "dpv:Process".into(),
                purpose: vec![
                    purpose(
                        "dpv:RequestedServiceProvision",
                        "Handing out the letter, under the terms named below",
                    ),
                    purpose("dpv:RecordManagement", "Keeping proof of what was agreed to, and when"),
                ],
                processing: owned(&["dpv:Collect", "dpv:Store", "dpv:MakeAvailable"]),
                personal_data: owned(&RECORDED),
                recipient: vec![sender.name.clone()],
                storage: [Some(duration), location].into_iter().flatten().collect(),
            }],
            control: vec![Exercise {
                kind: owned(&["dpv:WithdrawConsent"]),
                title: "Withdraw consent".into(),
                at: facts.withdraw_at.clone(),
            }],
            right: vec![Exercise {
                kind: owned(&["dpv:DataSubjectRight", "eu-gdpr:A7-3"]),
                title: "Right to withdraw consent".into(),
                at: facts.withdraw_at.clone(),
            }],
            notice: vec![Notice {
                id: format!("urn:sha256:{terms}"),
                kind: "dpv:ConsentNotice".into(),
                language: facts.language.clone(),
            }],
            status: events.iter().filter_map(Status::of).collect(),
        }
    }
}

impl Status {
    /// What an event says about the consent; `None` for an event that says nothing.
    fn of(event: &Event) -> Option<Self> {
        let (kind, method) = match event.kind {
            Kind::ConsentGiven => (owned(&["dpv:ConsentGiven", "dpv:ExpressedConsent"]), HOW_YES),
            Kind::ConsentRefused => (owned(&["dpv:ConsentRefused"]), HOW_NO),
            Kind::ConsentWithdrawn => (owned(&["dpv:ConsentWithdrawn"]), HOW_NO),
            _ => return None,
        };
        let (by, method) = match event.actor {
            Actor::Recipient => ("dpv:DataSubject", method),
            Actor::MailProgram => ("dpv:Entity", HOW_MAIL),
            Actor::Robot => ("dpv:Entity", HOW_ROBOT),
            Actor::Sender | Actor::SenderForRecipient | Actor::System => ("dpv:DataController", HOW_SENDER),
        };
        Some(Self { kind, by: by.into(), method: method.into(), at: time(event.at) })
    }
}
