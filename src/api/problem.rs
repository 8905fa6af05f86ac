//! Problem documents (RFC 9457), from one table.

use serde::{Deserialize, Serialize};

use crate::guard::rules::Diagnostic;

/// Begins the `type` of every problem; its code follows.
const TYPE: &str = "urn:waxseal:problem:";

/// What is answered instead of what was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// A URI that names the kind of problem.
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

impl Problem {
    /// A problem that is not in the table: of an object or text that was sent, by the code of whoever read it.
    pub fn new(status: u16, code: &str, detail: &str) -> Self {
        Self {
            r#type: format!("{TYPE}{code}"),
            status,
            code: code.to_owned(),
            detail: detail.to_owned(),
            diagnostics: Vec::new(),
        }
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        code.because(code.sentence())
    }
}

impl Code {
    /// The problem, told more exactly than in the table.
    pub fn because(self, detail: &str) -> Problem {
        Problem::new(self.status(), self.as_str(), detail)
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
    DryRun = 400 "dry_run" "dry_run is true or false"
    Empty = 400 "empty" "the body of a letter, or a part of it, is never empty"
    KeyRequest = 400 "key_request" "expected {\"name\":\"kiosk\",\"scopes\":[\"create\"]}: a name of 1 to 80 characters, and one or more scopes"
    Limit = 400 "limit" "limit is a number from 1 to 1,000"
    NotAHash = 400 "not_a_hash" "name terms by 64 lower-case hexadecimal digits"
    NotAUuid = 400 "not_a_uuid" "the letter must be a UUID of 36 characters"
    PartList = 400 "part_list" "expected {\"parts\":[{\"part\":1,\"etag\":\"...\"}]}"
    PartNumber = 400 "part_number" "a part's number is 1 to 10,000"
    RulesRollback = 400 "rules_rollback" "expected {\"version\": NUMBER}"
    TermsChoice = 400 "terms_choice" "expected {\"nl\":\"SHA-256\"} with one or more of en, nl, fr, de"
    TermsLanguage = 400 "terms_language" "say ?language=en, nl, fr or de"
    NoConsent = 403 "no_consent" "this browser has not consented; send the cookie of the consent"
    Scope = 403 "scope" "this key may not do that"
    NoSuchKey = 404 "no_such_key" "there is no key of this id: it was revoked, or never issued"
    NoSuchLetter = 404 "no_such_letter" "there is no letter of this id in the bucket"
    NoSuchRules = 404 "no_such_rules" "rules of this version were never in force, or are no longer kept: the history names those that are"
    NoSuchRoute = 404 "no_such_route" "this is a Waxseal edge, and its API has no such path: paths begin with /api/v1/, such as /api/v1/letters/UUID"
    NoSuchTerms = 404 "no_such_terms" "no terms of this site have this SHA-256; push them first"
    NoSuchUpload = 404 "no_such_upload" "there is no such upload: it was never begun, or it was completed or aborted"
    MethodNotAllowed = 405 "method_not_allowed" "this path has other methods; the header Allow names them"
    BodyChanged = 409 "body_changed" "the body was replaced meanwhile; upload it once, then the manifest"
    RulesOfAnother = 409 "guard_of_another" "the KV namespace belongs to the guard of another worker: bind SENTINEL and PUBLISHER to that one"
    SealedAlready = 409 "sealed_already" "this letter has a manifest; seal a new letter instead"
    TooManyKeys = 409 "too_many_keys" "there are 500 keys already; revoke those that nobody uses"
    TermsBusy = 409 "terms_busy" "somebody else pushes terms at the same time; try again"
    Erased = 410 "erased" "this letter was erased; seal a new letter instead"
    RulesChanged = 412 "rules_changed" "other rules came into force meanwhile: look at them, then push again"
    LengthRequired = 411 "length_required" "send Content-Length"
    ManifestTooLarge = 413 "manifest_too_large" "a manifest has at most 65,536 bytes"
    TermsTooLong = 413 "terms_too_long" "send at most 32,000 bytes"
    TooLarge = 413 "too_large" "the body of this request is too long"
    BadParts = 422 "parts" "the parts do not make an object: one is missing, too small, or of another size"
    BodyMissing = 422 "body_missing" "upload the body before the manifest"
    CustomerNobody = 422 "customer_nobody" "this reference stands for nobody: it is empty, or what programs write for nothing"
    EvidenceTermsMissing = 422 "evidence_terms_missing" "the text of the terms is neither in the store nor in the settings"
    PinNotSupported = 422 "pin_not_supported" "this version does not ask for a PIN; seal the letter without one"
    RecordBroken = 422 "record_broken" "the record of this letter was altered"
    RulesInvalid = 422 "rules_invalid" "these rules have errors; diagnostics has each with its line and column"
    Target = 422 "target" "this is not an address or network"
    TermsHash = 422 "terms_hash" "the text that arrived has another SHA-256: it was changed on its way"
    UnknownTerms = 422 "unknown_terms" "no terms of this site have that SHA-256; `waxseal terms push` brings them"
    Until = 422 "until" "give a time in seconds since 1970 that lies ahead, at most ten years; a rule may last for ever"
    TooManyRequests = 429 "too_many_requests" "this client asks too often; try again in a minute"
    Unavailable = 503 "unavailable" "a service of the platform did not answer; try again"
}
