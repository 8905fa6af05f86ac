//! The table.

use std::collections::BTreeMap;

use super::body::{Document, FormData, Octets, Page, Text};
use super::schema::Described;
use super::types::*;
use super::{Body, Code, Endpoint, Scope};

/// What a row of the table takes and answers. A handler and a caller that say which operation they mean can say nothing else.
pub trait Operation {
    /// Its row.
    const ROUTE: Route;
    /// The body of the request.
    type Request: Body;
    /// The body of the answer.
    type Response: Body;
}

/// What a key must be allowed; `Any` for what every key may.
macro_rules! scope {
    (Any) => {
        None
    };
    ($scope:ident) => {
        Some(Scope::$scope)
    };
}

macro_rules! routes {
    ($($name:ident $method:ident $path:literal $([$($query:literal),*])? $scope:ident
        ($request:ty) => $status:literal ($response:ty) { $($problem:ident)* $(+ $group:ident)? } $summary:literal)*) => {
        const ROWS: usize = [$(stringify!($name)),*].len();

        /// A row of the table.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Route { $(#[doc = $summary] $name),* }

        impl Route {
            /// Its row.
            pub fn endpoint(self) -> &'static Endpoint {
                #[expect(non_snake_case, reason = "named as the rows")]
                let [$($name),*] = Self::table();
                match self { $(Self::$name => $name),* }
            }

            /// Every row.
            pub const fn table() -> &'static [Endpoint; ROWS] {
                &[$(Endpoint {
                    route: Self::$name,
                    method: stringify!($method),
                    path: $path,
                    query: &[$($($query),*)?],
                    scope: scope!($scope),
                    summary: $summary,
                    problems: &[&[$(Code::$problem),*], $(Code::$group)?],
                    status: $status,
                }),*]
            }

            /// The bodies of request and answer. Not in the table, or the module for Workers would carry every schema.
            pub(super) fn contents(self) -> (Content, Content) {
                match self { $(Self::$name => (content::<$request>(), content::<$response>())),* }
            }
        }

        /// The operation of each row, named as the row is.
        pub mod op {
            $(#[doc = $summary] pub enum $name {})*
        }

        $(impl Operation for op::$name {
            const ROUTE: Route = Route::$name;
            type Request = $request;
            type Response = $response;
        })*
    };
}

/// Media type and JSON Schema of a body, if there is one.
pub(super) type Content = Option<(&'static str, serde_json::Value)>;

fn content<T: Body + Described>() -> Content {
    Some((T::MEDIA_TYPE?, T::schema()))
}

routes! {
    Site GET "site" Watch (()) => 200 (SiteView) {} "The sender's name, time zone, colour and language, and the version of the edge."
    OpenApi GET "openapi.json" Any (()) => 200 (Document) {} "This document."
    Reference GET "reference" Any (()) => 200 (Page) {} "This document as a page. The type of a problem leads to its place there."
    Health GET "health" Watch (()) => 200 (SiteHealth) {} "What the settings say, and whether every binding answers."
    ListKeys GET "keys" Admin (()) => 200 (Keys) {} "The keys that were issued and not revoked."
    IssueKey POST "keys" Admin (KeyRequest) => 201 (KeyIssued) { TooLarge KeyRequest TooManyKeys }
        "Issues a key. The answer shows it, and nobody can see it again."
    RevokeKey DELETE "keys/{id}" Admin (()) => 204 (()) { NoSuchKey }
        "Revokes a key: from the answer on it is a wrong one."
    ListLetters GET "letters" ["state", "since", "until", "after", "limit"] Watch (()) => 200 (LetterPage)
        { LetterState Seconds Limit Cursor }
        "A page of the letters, newest first: by state, and when they were issued."
    CreateLetter POST "letters" Create (FormData) => 201 (LetterCreated)
        { FormData LetterFields IdempotencyKey IdempotencyKeyForm TooLarge Empty Erased UnknownTerms }
        "Creates a letter of a plain report: a form of two parts, letter (its fields) and report (the file). With an Idempotency-Key the same request answers the same letter, with 200."
    SearchLetters POST "letters/search" Watch (LetterSearch) => 200 (LetterPage) { TooLarge LetterSearch LetterState Limit }
        "A page of the letters with a reference, a customer's, or of both, newest first. References travel in the body, for addresses are kept in logs."
    ListEvents GET "events" ["after", "limit", "wait"] Watch (()) => 200 (EventPage) { Limit Cursor Wait }
        "What happened to all letters since the cursor, in one order. Waits so many seconds for it, if there is nothing."
    ShowLetter GET "letters/{letter}" Watch (()) => 200 (LetterRecord) { NotAUuid NoSuchLetter + OF_LETTER }
        "Where a letter stands, and what happened to it."
    PutBody PUT "letters/{letter}/body" Create (Octets) => 201 (Stored) { NotAUuid LengthRequired TooLarge Empty SealedAlready }
        "Uploads the sealed report in one request."
    DeleteBody DELETE "letters/{letter}/body" Create (()) => 204 (()) { NotAUuid SealedAlready }
        "Takes back a body that never got its manifest."
    PutManifest PUT "letters/{letter}/manifest" Create (Octets) => 201 (Sealed)
        { NotAUuid LengthRequired Erased SealedAlready BodyChanged + OF_LETTER }
        "Uploads the sealed manifest: from then on there is a letter. 200 when it was there already."
    BeginUpload POST "letters/{letter}/uploads" Create (()) => 201 (Upload) { NotAUuid SealedAlready }
        "Begins an upload of the sealed report in parts."
    PutPart PUT "letters/{letter}/uploads/{upload}/{part}" Create (Octets) => 200 (PartStored)
        { NotAUuid PartNumber LengthRequired TooLarge Empty NoSuchUpload }
        "Uploads a part."
    CompleteUpload POST "letters/{letter}/uploads/{upload}/complete" Create (PartList) => 201 (Stored)
        { NotAUuid LengthRequired TooLarge PartList SealedAlready NoSuchUpload BadParts }
        "Makes the body of the parts."
    AbortUpload DELETE "letters/{letter}/uploads/{upload}" Create (()) => 204 (()) { NotAUuid NoSuchUpload }
        "Gives up an upload in parts."
    CancelLetter POST "letters/{letter}/cancel" Cancel (()) => 200 (LetterState) { NotAUuid NoSuchLetter + OF_LETTER }
        "Cancels a letter: nobody can read it from then on."
    ReissueLetter POST "letters/{letter}/reissue" Admin (ReissueRequest) => 200 (LetterReissued)
        { NotAUuid NoSuchLetter TooLarge LetterFields NotReissued + OF_LETTER }
        "Gives a letter a later end and a new link; what expired or was cancelled is open again. Links that ended lead on to the new one."
    WithdrawLetter POST "letters/{letter}/withdraw" Cancel (()) => 200 (LetterState) { NotAUuid NoSuchLetter + OF_LETTER }
        "Passes on that the recipient refuses or withdraws."
    EraseLetter POST "letters/{letter}/erase" Admin (()) => 200 (LetterState) { NotAUuid NoSuchLetter }
        "Destroys the report and everything personal in the record of a letter."
    ExportEvidence POST "letters/{letter}/evidence" Evidence (()) => 200 (Evidence)
        { NotAUuid NoSuchLetter RecordBroken EvidenceTermsMissing + OF_LETTER }
        "Everything about one letter that proves what happened to it."
    Log GET "log" Watch (()) => 200 (LogStatus) {} "How the site's log stands."
    EraseCustomer POST "customers/erase" Admin (CustomerErase) => 200 (CustomerErasing) { TooLarge CustomerRequest CustomerNobody }
        "Erases all letters of one customer; ask again to see how far it is."
    CountCustomers POST "customers/count" Watch (CustomerCount) => 200 (CustomerCounts) { TooLarge CustomerRequest }
        "How many letters each of some references has."
    SweepStatus GET "sweep" Watch (()) => 200 (SweepStatus) {} "What the last sweep found."
    BeginSweep POST "sweep" ["rebuild"] Admin (()) => 202 (SweepBegun) { Rebuild }
        "Begins a sweep. With rebuild=true every ledger is asked, and the index is as they say at its end."
    ListTerms GET "terms" Watch (()) => 200 (TermsList) {} "Every version of the terms, and which are current."
    ChooseTerms PUT "terms/current" Admin (BTreeMap<String, String>) => 200 (TermsChanged) { TooLarge TermsChoice NoSuchTerms TermsBusy }
        "Makes texts current, all languages of a push at once."
    ShowTerms GET "terms/{sha256}" Watch (()) => 200 (TermsText) { NotAHash NoSuchTerms } "A text of the terms."
    PutTerms PUT "terms/{sha256}" ["language"] Admin (Text) => 201 (TermsStored)
        { NotAHash TermsLanguage TermsHash + OF_TERMS }
        "Stores a text of the terms. 200 when it was there already."
    Guard GET "guard" Guard (()) => 200 (GuardStatus) {} "Which rules hold, what dry runs counted, and how much the guard holds."
    ListBans GET "guard/bans" ["limit", "after"] Guard (()) => 200 (Bans) { Limit Cursor } "A page of the bans."
    Ban POST "guard/bans" Guard (BanRequest) => 201 (BanMade) { TooLarge Ban Target Until } "Bans an address or network."
    LiftBan DELETE "guard/bans/{target...}" Guard (()) => 200 (BansLifted) { Target }
        "Lifts the bans of an address or network. The slash of a network may stand as it is."
    Explain GET "guard/explain" ["address", "asn", "country", "agent", "path"] Guard (()) => 200 (Explanation)
        { Address Asn Country }
        "What the guard knows of a client, and how it answers it."
    ShowRules GET "guard/rules" ["version"] Guard (()) => 200 (RulesText) { NoSuchRules }
        "The rules in force, or those of an earlier version. The header ETag has the version for If-Match."
    PutRules PUT "guard/rules" ["dry_run"] Guard (Text) => 200 (RulesPut)
        { DryRun TooLarge RulesInvalid RulesChanged RulesOfAnother }
        "Puts rules in force, in TOML. With If-Match only in place of that version; with dry_run=true nothing changes."
    RulesHistory GET "guard/rules/history" Guard (()) => 200 (RulesHistory) {} "The versions that can be put back, newest first."
    RollBackRules POST "guard/rules/rollback" Guard (RulesRollback) => 200 (RulesPut)
        { TooLarge RulesRollback NoSuchRules RulesInvalid RulesChanged RulesOfAnother }
        "Puts the rules of an earlier version back in force, as a new version. With If-Match only in place of that version."
    ListWebhooks GET "webhooks" Admin (()) => 200 (Webhooks) {} "The endpoints that are told what happens."
    MakeWebhook POST "webhooks" Admin (WebhookRequest) => 201 (WebhookMade) { TooLarge WebhookRequest WebhookTarget TooManyWebhooks }
        "Makes an endpoint, which hears what happens from now on. The answer shows its secret, and nobody can see it again."
    ShowWebhook GET "webhooks/{webhook}" Admin (()) => 200 (WebhookView) { NoSuchWebhook } "An endpoint, and how it does."
    ChangeWebhook PUT "webhooks/{webhook}" Admin (WebhookRequest) => 200 (WebhookView)
        { TooLarge WebhookRequest WebhookTarget NoSuchWebhook }
        "Changes an endpoint: what is not said is as for a new one."
    DeleteWebhook DELETE "webhooks/{webhook}" Admin (()) => 204 (()) { NoSuchWebhook }
        "Deletes an endpoint, and what was still to be sent to it."
    RotateWebhook POST "webhooks/{webhook}/secret" Admin (()) => 200 (WebhookSecret) { NoSuchWebhook }
        "Gives an endpoint another secret. For a day messages have two signatures, the second with the one before."
    TestWebhook POST "webhooks/{webhook}/test" Admin (()) => 202 (WebhookTested) { NoSuchWebhook WebhookDisabled }
        "Sends a message that only shows that messages arrive."
    ListDeliveries GET "webhooks/{webhook}/deliveries" ["state", "after", "limit"] Admin (()) => 200 (DeliveryPage)
        { NoSuchWebhook DeliveryState Limit Cursor }
        "A page of an endpoint's messages with their attempts, newest first: those that wait, or those of the last days that are over."
    ReplayWebhook POST "webhooks/{webhook}/replay" Admin (ReplayRequest) => 200 (Replayed)
        { TooLarge ReplayRequest NoSuchWebhook NoSuchDelivery WebhookDisabled }
        "Sends messages once more under the ids that they had: one, or those of a time."
    GuardEvents GET "guard/events" ["after"] Guard (()) => 200 (GuardEvents) { Cursor }
        "What happened at the guard since the cursor, oldest first."
}
