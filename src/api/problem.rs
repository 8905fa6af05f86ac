//! Problem documents (RFC 9457), from one table: status, code and sentence of everything that is answered instead of what was
//! asked for, by the API and to programs at a link.

use serde::{Deserialize, Serialize};

use super::form::FormError;
use crate::guard::rules::Diagnostic;
use crate::seal::{BodyLengthError, ManifestError};
use crate::site::TermsError;

/// Begins the `type` of every problem; its code follows. A reference relative to the edge that answers (RFC 9457, section 3.1.1): each
/// edge has the page of its own version, and shows it to whoever has a key.
const TYPE: &str = "/api/v1/reference#";

/// What is answered instead of what was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// A URI reference that names the kind of problem and leads to its documentation.
    pub r#type: String,
    /// The status of the answer, again.
    pub status: u16,
    /// The kind of problem, for programs.
    pub code: String,
    /// What is wrong, for people.
    pub detail: String,
    /// What is wrong in rules, and where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        code.because(code.sentence())
    }
}

impl Code {
    /// The problem, told more exactly than in the table.
    pub fn because(self, detail: &str) -> Problem {
        let code = self.as_str();
        Problem {
            r#type: format!("{TYPE}{code}"),
            status: self.status(),
            code: code.to_owned(),
            detail: detail.to_owned(),
            diagnostics: Vec::new(),
        }
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::types::from_text(deserializer, |text| {
            Self::ALL.iter().copied().find(|code| code.as_str() == text)
        })
    }
}

macro_rules! problems {
    ($($name:ident = $status:literal $code:literal $sentence:literal)*) => {
        /// The kinds of problems.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Code { $(#[doc = $sentence] $name),* }

        impl Code {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// For programs: stable.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// The status of the answer.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),* }
            }

            /// For people.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence),* }
            }
        }
    };
}

problems! {
    Address = 400 "address" "this is not an IP address such as 192.0.2.7 or 2001:db8::1"
    Asn = 400 "asn" "asn is a number such as 64500"
    Ban = 400 "ban" "expected {\"target\": \"192.0.2.0/24\", \"until\": SECONDS}"
    Country = 400 "country" "country is two letters such as NL"
    Cursor = 400 "cursor" "after is the `next` of an earlier answer"
    CustomerRequest = 400 "customer_request" "expected {\"customer\":\"your reference\"}"
    DeliveryState = 400 "delivery_state" "state is waiting, delivered or given_up"
    DryRun = 400 "dry_run" "dry_run is true or false"
    Empty = 400 "empty" "the body of a letter, or a part of it, is never empty"
    FormData = 400 "form_data" "send multipart/form-data with two parts in this order: letter, its fields in JSON, and report, the file"
    FormInvalid = 400 "form_invalid" "the form is incomplete or was not issued for this letter"
    IdempotencyKeyForm = 400 "idempotency_key_form" "Idempotency-Key has 1 to 255 visible ASCII characters"
    KeyRequest = 400 "key_request" "expected {\"name\":\"kiosk\",\"scopes\":[\"create\"]}: a name of 1 to 80 characters, and one or more scopes"
    LetterSearch = 400 "letter_search" "expected {\"customer\":\"your reference\"} or {\"reference\":\"your reference\"}, with state, since, until, after and limit where they are wanted"
    LetterState = 400 "letter_state" "state is sealed, opened, consented, refused, withdrawn, accepted, cancelled, expired or erased"
    Limit = 400 "limit" "limit is a number from 1 to 1,000"
    NotAHash = 400 "not_a_hash" "name terms by 64 lower-case hexadecimal digits"
    NotAUuid = 400 "not_a_uuid" "the letter must be a UUID of 36 characters"
    PartList = 400 "part_list" "expected {\"parts\":[{\"part\":1,\"etag\":\"...\"}]}"
    PartNumber = 400 "part_number" "a part's number is 1 to 10,000"
    Rebuild = 400 "rebuild" "rebuild is true or false"
    ReplayRequest = 400 "replay_request" "expected {\"delivery\": UUID}, or {\"since\": MILLISECONDS, \"until\": MILLISECONDS}"
    RulesRollback = 400 "rules_rollback" "expected {\"version\": NUMBER}"
    Seconds = 400 "seconds" "since and until are seconds since 1970"
    TermsChoice = 400 "terms_choice" "expected {\"nl\":\"SHA-256\"} with one or more of en, nl, fr, de"
    TermsLanguage = 400 "terms_language" "say ?language=en, nl, fr or de"
    Wait = 400 "wait" "wait is a number of seconds up to 15"
    WebhookRequest = 400 "webhook_request" "expected {\"url\":\"https://...\"}, and if you like kinds, a list such as [\"letter.consented\"], a description of at most 200 characters, enabled"
    NoConsent = 403 "no_consent" "this browser has not consented; send the cookie of the consent"
    Scope = 403 "scope" "this key may not do that"
    NoSuchDelivery = 404 "no_such_delivery" "this endpoint has no message of this id, or has it no longer"
    NoSuchKey = 404 "no_such_key" "there is no key of this id: it was revoked, or never issued"
    NoSuchLetter = 404 "no_such_letter" "there is no letter of this id in the bucket"
    NoSuchRoute = 404 "no_such_route" "this is a Waxseal edge, and its API has no such path: paths begin with /api/v1/, such as /api/v1/letters/UUID"
    NoSuchRules = 404 "no_such_rules" "rules of this version were never in force, or are no longer kept: the history names those that are"
    NoSuchTerms = 404 "no_such_terms" "no terms of this site have this SHA-256; push them first"
    NoSuchUpload = 404 "no_such_upload" "there is no such upload: it was never begun, or it was completed or aborted"
    NoSuchWebhook = 404 "no_such_webhook" "there is no endpoint of this id: it was deleted, or never made"
    MethodNotAllowed = 405 "method_not_allowed" "this path has other methods; the header Allow names them"
    BodyChanged = 409 "body_changed" "the body was replaced meanwhile; upload it once, then the manifest"
    NotReissued = 409 "not_reissued" "this letter cannot be re-issued; seal a new letter instead"
    RulesOfAnother = 409 "guard_of_another" "the KV namespace belongs to the guard of another worker: bind SENTINEL and PUBLISHER to that one"
    SealedAlready = 409 "sealed_already" "this letter has a manifest; seal a new letter instead"
    TermsBusy = 409 "terms_busy" "somebody else pushes terms at the same time; try again"
    TooManyKeys = 409 "too_many_keys" "there are 500 keys already; revoke those that nobody uses"
    TooManyWebhooks = 409 "too_many_webhooks" "there are 20 endpoints already; delete those that nobody needs"
    WebhookDisabled = 409 "webhook_disabled" "nothing is sent to this endpoint; enable it first"
    Erased = 410 "erased" "this letter was erased; seal a new letter instead"
    LengthRequired = 411 "length_required" "send Content-Length"
    RulesChanged = 412 "rules_changed" "other rules came into force meanwhile: look at them, then push again"
    ManifestTooLarge = 413 "manifest_too_large" "a manifest has at most 65,536 bytes"
    TermsTooLong = 413 "terms_too_long" "send at most 32,000 bytes"
    TooLarge = 413 "too_large" "the body of this request is too long"
    BodyLength = 422 "body_length" "the body has another length than its manifest says"
    BodyMissing = 422 "body_missing" "upload the body before the manifest"
    Confirm = 422 "confirm" "this looks like a robot; answer the question, or open the link in a browser"
    ConfirmEarly = 422 "confirm_early" "the answer came sooner than anybody reads the question"
    ConfirmNothing = 422 "confirm_nothing" "there is no answer"
    ConfirmUnbound = 422 "confirm_unbound" "the answer comes from another browser than the question went to"
    ConfirmWrong = 422 "confirm_wrong" "this is not the answer"
    CustomerNobody = 422 "customer_nobody" "this reference stands for nobody: it is empty, or what programs write for nothing"
    EvidenceTermsMissing = 422 "evidence_terms_missing" "the text of the terms is neither in the store nor in the settings"
    FormExpired = 422 "form_expired" "the nonce is older than an hour; get the envelope again"
    FormLost = 422 "form_lost" "the form arrived empty"
    IdempotencyKey = 422 "idempotency_key" "this Idempotency-Key was used for another letter: take a new key for each letter, and send the same fields and report with it"
    LetterFields = 422 "letter_fields" "a field of the letter is missing, unknown, or holds what it may not; detail names it"
    ManifestCharacters = 422 "manifest_characters" "a field of the manifest holds characters that nobody sees, or that turn the direction of writing around"
    ManifestField = 422 "manifest_field" "a field of the manifest holds what it may not"
    ManifestFraming = 422 "manifest_framing" "length and record size in the manifest cannot describe a letter"
    ManifestMalformed = 422 "manifest_malformed" "the manifest is not JSON, or a field is missing or of the wrong type"
    ManifestNotAuthentic = 422 "manifest_not_authentic" "the manifest does not authenticate: it was altered or belongs to another letter"
    ManifestOtherLetter = 422 "manifest_other_letter" "the manifest is of another letter"
    ManifestTruncated = 422 "manifest_truncated" "the manifest object is cut short"
    ManifestUnknownFormat = 422 "manifest_unknown_format" "the body format is unknown"
    ManifestUnknownKey = 422 "manifest_unknown_key" "the keyring does not have the key that the manifest was sealed with"
    ManifestUnknownMode = 422 "manifest_unknown_mode" "the mode is unknown"
    ManifestUnknownVersion = 422 "manifest_unknown_version" "the manifest's version is unknown"
    NotAgreed = 422 "not_agreed" "the field agree must be yes"
    BadParts = 422 "parts" "the parts do not make an object: one is missing, too small, or of another size"
    PinNotSupported = 422 "pin_not_supported" "this version does not ask for a PIN; seal the letter without one"
    RecordBroken = 422 "record_broken" "the record of this letter was altered"
    RulesInvalid = 422 "rules_invalid" "these rules have errors; diagnostics has each with its line and column"
    Target = 422 "target" "this is not an address or network"
    TermsCarriageReturn = 422 "terms_carriage_return" "lines end with CR LF; save the text with LF alone"
    TermsEmpty = 422 "terms_empty" "the text is empty"
    TermsHash = 422 "terms_hash" "the text that arrived has another SHA-256: it was changed on its way"
    TermsHidden = 422 "terms_hidden" "the text holds control characters, a byte order mark or invisible direction marks"
    TermsNotUtf8 = 422 "terms_not_utf8" "the text is not UTF-8"
    TermsPlaceholder = 422 "terms_placeholder" "the text holds {sender} or {contact}; a pushed text is shown as it is"
    TermsSender = 422 "terms_sender" "the text must name the sender as SITE.name in wrangler.toml does"
    UnknownTerms = 422 "unknown_terms" "no terms of this site have that SHA-256; `waxseal terms push` brings them"
    Until = 422 "until" "give a time in seconds since 1970 that lies ahead, at most ten years; a rule may last for ever"
    WebhookTarget = 422 "webhook_target" "messages are not sent to this address"
    ConfirmLater = 429 "confirm_later" "too many wrong answers; try again in an hour"
    ProgramLimit = 429 "program_limit" "programs have opened this letter too often within an hour; try again in an hour"
    TooManyRequests = 429 "too_many_requests" "this client asks too often; try again in a minute"
    Unavailable = 503 "unavailable" "a service of the platform did not answer; try again"
}

/// The codes of errors of those who read what was sent, and all of them under a name.
macro_rules! of_errors {
    ($($error:ident, $(#[$doc:meta])* $group:ident { $($variant:ident => $code:ident)* } $($more:ident)*;)*) => {$(
        impl Code {
            $(#[$doc])*
            pub const $group: &[Self] = &[$(Self::$code,)* $(Self::$more,)*];
        }

        impl From<&$error> for Code {
            fn from(error: &$error) -> Self {
                match error { $($error::$variant { .. } => Self::$code),* }
            }
        }

        impl From<$error> for Problem {
            fn from(error: $error) -> Self {
                Code::from(&error).because(&error.to_string())
            }
        }
    )*};
}

of_errors! {
    ManifestError,
    /// What may be wrong with a letter in the bucket.
    OF_LETTER {
        TooLarge => ManifestTooLarge Truncated => ManifestTruncated UnknownVersion => ManifestUnknownVersion
        UnknownKey => ManifestUnknownKey NotAuthentic => ManifestNotAuthentic OtherLetter => ManifestOtherLetter
        UnknownFormat => ManifestUnknownFormat UnknownMode => ManifestUnknownMode Malformed => ManifestMalformed
        Framing => ManifestFraming Characters => ManifestCharacters Field => ManifestField
    } BodyMissing BodyLength PinNotSupported UnknownTerms;
    TermsError,
    /// What may be wrong with a text of the terms.
    OF_TERMS {
        NotUtf8 => TermsNotUtf8 Empty => TermsEmpty TooLong => TermsTooLong CarriageReturn => TermsCarriageReturn
        Hidden => TermsHidden Placeholder => TermsPlaceholder Sender => TermsSender
    };
}

impl From<FormError> for Problem {
    fn from(error: FormError) -> Self {
        Code::FormData.because(&error.to_string())
    }
}

impl From<BodyLengthError> for Problem {
    fn from(error: BodyLengthError) -> Self {
        Code::BodyLength.because(&error.to_string())
    }
}
