//! What travels: requests and responses.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Scopes;
use super::body::{Described, json_body};
use crate::guard::Profile;
use crate::guard::diff::RulesDiff;
use crate::guard::review::Warning;
use crate::guard::rules::Diagnostic;
use crate::token::ApiKeyId;
use crate::types::{LetterId, UnixMillis, UnixSeconds};

macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident $(if $new:ident)? $(tag $tag:ident)? { $($(#[$field_meta:meta])* $field:ident: $ty:ty),* $(,)? })*) => {$(
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        $(#[$meta])*
        pub struct $name { $($(#[$field_meta])* pub $field: $ty),* }

        json_body!($name $(, if $new)? $(, tag $tag)?);

        impl Described for $name {
            fn schema() -> Value {
                let fields: &[(&str, Value, bool)] =
                    &[$((stringify!($field), <$ty>::schema(), <$ty>::REQUIRED)),*];
                let required: Vec<_> = fields.iter().filter(|it| it.2).map(|it| it.0).collect();
                let properties: Map<_, _> =
                    fields.iter().map(|(name, schema, _)| ((*name).to_owned(), schema.clone())).collect();
                json!({ "type": "object", "title": stringify!($name), "properties": properties, "required": required })
            }
        }
    )*};
}

messages! {
    /// The site.
    SiteView {
        /// The sender's name.
        name: String,
        /// Of the IANA database.
        time_zone: String,
        /// Of the edge.
        version: String,
    }
    /// A key to issue.
    #[serde(deny_unknown_fields)]
    KeyRequest {
        /// Whose it is, for people: at most 80 characters.
        name: String,
        /// What it may do: something, and nothing that the key of this request may not.
        scopes: Scopes,
    }
    /// A key that was issued.
    KeyIssued {
        /// What a request shows: said here, once.
        key: String,
        /// By which it is revoked.
        id: ApiKeyId,
    }
    /// The keys that were issued and not revoked.
    Keys {
        /// Each, the oldest first.
        keys: Vec<KeyView>,
    }
    /// A key that was issued.
    KeyView {
        /// By which it is revoked.
        id: ApiKeyId,
        /// Whose it is.
        name: String,
        /// What it may do.
        scopes: Scopes,
        /// When it was issued.
        created_at: UnixSeconds,
        /// When it was used last, to the hour.
        used_at: Option<UnixSeconds>,
    }
    /// What became of a letter.
    LetterState {
        /// Which.
        letter: LetterId,
        /// Where it stands now.
        state: String,
        /// Whether this request did it.
        changed: bool,
    }
    /// A letter's manifest was taken.
    Sealed if new {
        /// Which.
        letter: LetterId,
        /// Whether it was not there before.
        new: bool,
    }
    /// An object that was stored.
    Stored {
        /// Of the bucket.
        etag: String,
        /// In bytes.
        size: u64,
    }
    /// An upload in parts that was begun.
    Upload {
        /// Its id.
        upload: String,
    }
    /// A part that was stored.
    PartStored {
        /// Of the bucket.
        etag: String,
    }
    /// The parts of an upload, in order.
    PartList {
        /// Each.
        parts: Vec<Part>,
    }
    /// A part of an upload.
    Part {
        /// From 1.
        part: u16,
        /// As it was answered.
        etag: String,
    }
    /// Whose letters are to go.
    CustomerErase {
        /// Letters issued up to then; now, if it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<UnixMillis>,
        /// The sender's reference.
        customer: String,
    }
    /// How far the erasure of a customer's letters is.
    CustomerErasing {
        /// How many there are.
        letters: u64,
        /// How many are erased.
        erased: u64,
        /// How many are left.
        left: u64,
        /// What the next question names, to ask about the same letters.
        before: UnixMillis,
        /// How many were erased by earlier requests.
        earlier: u64,
    }
    /// Whose letters are to be counted.
    CustomerCount {
        /// One to 24 references.
        customers: Vec<String>,
    }
    /// How many letters each of them has.
    CustomerCounts {
        /// In the order of the question.
        letters: Vec<usize>,
    }
    /// A sweep was begun.
    SweepBegun {
        /// Its number.
        run: u64,
    }
    /// A text of the terms.
    TermsText {
        /// Of the text.
        sha256: String,
        /// Of the text, if it is known.
        language: Option<String>,
        /// Byte for byte.
        text: String,
    }
    /// A text of the terms that was stored.
    TermsStored if new {
        /// Of the text.
        sha256: String,
        /// Of the text.
        language: String,
        /// Whether it was not there before.
        new: bool,
    }
    /// Which languages have another current text.
    TermsChanged {
        /// Their tags.
        changed: Vec<String>,
    }
    /// A page of the bans.
    Bans {
        /// Those of this page.
        bans: Vec<Value>,
        /// What the next question says in `after`.
        next: Option<String>,
    }
    /// A ban to make.
    #[serde(deny_unknown_fields)]
    BanRequest {
        /// An address or network.
        target: String,
        /// Until when; the end of the day, if it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixSeconds>,
    }
    /// A ban that was made.
    BanMade {
        /// An address or network.
        target: String,
        /// Until when.
        until: UnixSeconds,
    }
    /// Bans that were lifted.
    BansLifted {
        /// An address or network.
        target: String,
        /// How many.
        lifted: u32,
    }
    /// Rules that were put in force.
    #[derive(Eq)]
    RulesVersion {
        /// From 1.
        version: u64,
        /// Of the text.
        sha256: String,
        /// Since when they hold, or held.
        accepted_at: UnixSeconds,
        /// How many entries the text has.
        entries: usize,
    }
    /// Rules in KV that are refused; those before them stay in force.
    #[derive(Eq)]
    RulesRefused {
        /// Of the text.
        sha256: String,
        /// Since when.
        at: UnixSeconds,
        /// Why.
        diagnostics: Vec<Diagnostic>,
    }
    /// A text of rules.
    RulesText tag version {
        /// 0 when there are none, and the defaults hold.
        version: u64,
        /// Byte for byte.
        text: String,
    }
    /// What became of rules that were put, or would have.
    RulesPut tag version {
        /// In force now; 0 for the defaults.
        version: u64,
        /// Of the version.
        rules: Option<RulesVersion>,
        /// In force now.
        profile: Profile,
        /// They were in force already.
        unchanged: bool,
        /// What they change against those that were in force.
        diff: RulesDiff,
        /// What cannot be meant.
        warnings: Vec<Warning>,
    }
    /// Versions of the rules.
    RulesHistory {
        /// In force now; 0 for the defaults.
        version: u64,
        /// At most 20, newest first.
        history: Vec<RulesVersion>,
    }
    /// Which rules to put back.
    #[serde(deny_unknown_fields)]
    RulesRollback {
        /// As the history has it.
        version: u64,
    }
    /// What happened at the guard, oldest first.
    GuardEvents {
        /// Each.
        events: Vec<Value>,
        /// What the next question says in `after`.
        next: String,
    }
}
