//! The JSON Schema of what travels.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::LetterFields;
use super::body::{Document, FormData, Octets, Page, Text};
use crate::evidence::Row;
use crate::guard::diff::{EntryChange, Facts, RulesDiff, SettingChange};
use crate::guard::review::Warning;
use crate::guard::rules::{Action, Diagnostic};
use crate::guard::{Network, Profile};
use crate::lang::Lang;
use crate::ledger::{Actor, Details, EndReason, EventId, Kind, Names, State};
use crate::message::{Sms, SmsEncoding};
use crate::seal::{Action as LetterAction, Sha256Sum};
use crate::token::ApiKeyId;
use crate::types::{LetterId, UnixMillis, UnixSeconds};
use crate::webhook::{EventType, SiteEvent, WebhookId};

/// A value that a JSON Schema describes.
pub(super) trait Described {
    const REQUIRED: bool = true;
    fn schema() -> Value;
}

/// Declares types that travel. Each field has one line of documentation, which the schema repeats; `if` names the field
/// that says whether an answer is new, `tag` that of its version.
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident $(if $new:ident)? $(tag $tag:ident)? {
        $(#[doc = $about:literal] $(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)?
    })*) => {$(
        #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        $(#[$meta])*
        pub struct $name { $(#[doc = $about] $(#[$field_meta])* pub $field: $ty),* }

        $crate::api::body::json_body!($name $(, if $new)? $(, tag $tag)?);

        impl $crate::api::schema::Described for $name {
            fn schema() -> serde_json::Value {
                use $crate::api::schema::object;
                object(stringify!($name), &[$((stringify!($field), $about, <$ty>::schema(), <$ty>::REQUIRED)),*])
            }
        }
    )*};
}
pub(super) use messages;

/// The schema of an object: name, description, schema of each field, and whether it is always there.
pub(super) fn object(title: &str, fields: &[(&str, &str, Value, bool)]) -> Value {
    let properties: Map<_, _> = fields
        .iter()
        .map(|(name, about, schema, _)| ((*name).to_owned(), told(schema.clone(), about)))
        .collect();
    let required: Vec<_> = fields.iter().filter(|it| it.3).map(|it| it.0).collect();
    json!({ "type": "object", "title": title, "properties": properties, "required": required })
}

/// A schema with what the field means, before the unit that the type has.
fn told(mut schema: Value, about: &str) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        let about = about.trim();
        let text = match schema.get("description").and_then(Value::as_str) {
            Some(unit) => format!("{}, {unit}.", about.trim_end_matches('.')),
            None => about.to_owned(),
        };
        schema.insert("description".to_owned(), text.into());
    }
    schema
}

macro_rules! described {
    ($($ty:ty => $schema:tt),* $(,)?) => {
        $(impl Described for $ty { fn schema() -> Value { json!($schema) } })*
    };
}

/// Of types that are not the API's own.
macro_rules! objects {
    ($($name:ident { $($field:ident: $ty:ty = $about:literal),* $(,)? })*) => {
        $(impl Described for $name {
            fn schema() -> Value {
                object(stringify!($name), &[$((stringify!($field), $about, <$ty>::schema(), <$ty>::REQUIRED)),*])
            }
        })*
    };
}

macro_rules! words {
    ($($name:ident),*) => {
        $(impl Described for $name {
            fn schema() -> Value {
                json!({ "type": "string", "enum": Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>() })
            }
        })*
    };
}

described! {
    () => {},
    FormData => {
        "type": "object", "required": ["letter", "report"],
        "properties": { "letter": (LetterFields::schema()), "report": { "type": "string", "format": "binary" } },
    },
    Octets => {},
    Document => { "type": "object", "additionalProperties": {} },
    Page => {},
    Text => {},
    bool => { "type": "boolean" },
    f64 => { "type": "number" },
    u16 => { "type": "integer", "minimum": 0 },
    u32 => { "type": "integer", "minimum": 0 },
    u64 => { "type": "integer", "minimum": 0 },
    usize => { "type": "integer", "minimum": 0 },
    String => { "type": "string" },
    ApiKeyId => { "type": "string" },
    EventId => { "type": "string", "format": "uuid" },
    LetterId => { "type": "string", "format": "uuid" },
    WebhookId => { "type": "string", "format": "uuid" },
    Network => { "type": "string", "description": "an address such as 192.0.2.7, or a network such as 192.0.2.0/24" },
    Sha256Sum => { "type": "string", "pattern": "^[0-9a-f]{64}$" },
    UnixSeconds => { "type": "integer", "description": "in seconds since 1970" },
    UnixMillis => { "type": "integer", "description": "in milliseconds since 1970" },
    Profile => { "type": "string", "enum": ["balanced", "strict", "honeypot"] },
    LetterAction => { "type": "string", "enum": ["accept", "message"] },
    SmsEncoding => { "type": "string", "enum": ["GSM-7", "UCS-2"] },
    Action => { "type": "string", "enum": ["allow", "deny", "honeypot"] },
}

words! { State, EndReason, Kind, Actor, EventType }

impl Described for Lang {
    fn schema() -> Value {
        json!({ "type": "string", "enum": Self::ALL.map(Self::tag) })
    }
}

objects! {
    Diagnostic { line: u64 = "From 1.", column: u64 = "From 1.", code: String = "Stable.", message: String = "For people." }
    RulesDiff { settings: Vec<SettingChange> = "Those with another value.", entries: Vec<EntryChange> = "Removed, changed, added." }
    SettingChange { name: String = "As the file writes it.", old: String = "Before.", new: String = "After." }
    EntryChange {
        action: Action = "What the entry does.", subject: String = "What it is about.", items: Vec<String> = "Which ones.",
        old: Option<Facts> = "Before; null when they are added.", new: Option<Facts> = "After; null when they are removed.",
    }
    Facts {
        line: u64 = "Of its file.", note: String = "Why it is there.", expires: Option<UnixSeconds> = "Until when it counts.",
        dry_run: bool = "It changes nothing and is counted.",
    }
    Sms { text: String = "What it says.", encoding: SmsEncoding = "Its alphabet.", segments: u16 = "Messages that it is sent as." }
    SiteEvent {
        id: EventId = "Its id.", kind: EventType = "What happened.", at: UnixMillis = "When.",
        network: Option<Network> = "The network that was banned; absent where it may be one household's line.", until: Option<UnixSeconds> = "Until when it is.",
        webhook: Option<WebhookId> = "The endpoint that does not answer.",
    }
    Warning { line: u64 = "From 1.", code: String = "Stable.", message: String = "For people." }
    Row {
        seq: u64 = "From 0.", id: String = "A UUID, hexadecimal.", kind: String = "What happened.",
        at: UnixMillis = "When.", actor: String = "Who did it.", terms: Option<String> = "What the event is about: a SHA-256.",
        sealed: String = "The details, encrypted, hexadecimal.", prev: String = "Hash of the event before, hexadecimal.",
        hash: String = "Its own.",
    }
    Names {
        subject: String = "As the envelope shows it.", reference: Option<String> = "The sender's own.",
        file_name: String = "Of the report.", sha256: Sha256Sum = "Of the report.",
        salt: Sha256Sum = "Random, so that nobody can try names.",
    }
    Details {
        ip: Option<String> = "The connecting address.", user_agent: Option<String> = "The header.",
        asn: Option<u32> = "Number of the network (AS).", as_name: Option<String> = "Name of the network.",
        country: Option<String> = "ISO 3166-1 alpha-2.", accept_language: Option<String> = "The header.",
        referrer_present: Option<bool> = "Whether the header Referer came along.",
        sec_fetch_site: Option<String> = "The header.", sec_fetch_mode: Option<String> = "The header.",
        sec_fetch_dest: Option<String> = "The header.", sec_fetch_user: Option<String> = "The header.",
        robot: Option<String> = "Which robot it says it is, or the signs that gave it away.",
        suspicion: Option<u16> = "Points that speak against a person.",
        confirmed: Option<String> = "How a suspected answer was confirmed.",
        language: Option<String> = "Of the page that was shown.",
        form_issued_at: Option<UnixSeconds> = "When the form was shown.",
        names_salt: Option<String> = "Of `sealed`: the salt of the letter's names.",
        bytes: Option<u64> = "How many of the letter were sent.", complete: Option<bool> = "Whether that was all of it.",
        consent: Option<String> = "That the bytes were sent under.", sha256: Option<String> = "Of `sealed`: of the report.",
    }
}

impl<T: Described> Described for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

impl<T: Described> Described for BTreeMap<String, T> {
    fn schema() -> Value {
        json!({ "type": "object", "additionalProperties": T::schema() })
    }
}

impl<T: Described> Described for Option<T> {
    const REQUIRED: bool = false;
    fn schema() -> Value {
        json!({ "anyOf": [T::schema(), { "type": "null" }] })
    }
}
