//! The site: its keys, its log, its sweep, its terms, its customers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::api::Scopes;
use crate::api::body::json_body;
use crate::api::schema::{Described, messages};
use crate::lang::Lang;
use crate::seal::Sha256Sum;
use crate::token::ApiKeyId;
use crate::types::{UnixMillis, UnixSeconds};

messages! {
    /// The site.
    SiteView {
        /// The sender's name.
        name: String,
        /// Of the IANA database.
        time_zone: String,
        /// The sender's colour, `#rrggbb`.
        accent: String,
        /// The site's language where neither reader nor letter has one.
        language: String,
        /// Of the edge.
        version: String,
    }
    /// How the site's parts do.
    SiteHealth {
        /// Of the edge.
        version: String,
        /// By the edge's clock.
        now: UnixMillis,
        /// Settings that are still those that the software comes with.
        placeholders: Vec<String>,
        /// Where Durable Objects are kept by the settings.
        jurisdiction: Option<String>,
        /// Where they are created by the settings, as a hint.
        location: Option<String>,
        /// Where the ledgers are: `none`, or a jurisdiction; null before the first letter.
        ledgers: Option<String>,
        /// The name of the evidence log by the settings.
        log_origin: String,
        /// The number of the active key of the keyring.
        active: u16,
        /// The numbers of all its keys.
        kids: Vec<u16>,
        /// What the key of this request may do.
        scopes: Scopes,
        /// Each that was asked.
        bindings: Vec<BindingHealth>,
    }
    /// How a binding does.
    BindingHealth {
        /// As in the settings.
        name: String,
        /// Why it did not answer; a stable code.
        fault: Option<String>,
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
    /// How the site's log stands.
    LogStatus {
        /// Its name.
        origin: String,
        /// The keys that sign, the active one first.
        vkey: Vec<String>,
        /// Entries in the tree that was signed last.
        size: u64,
        /// When that was.
        signed: Option<UnixMillis>,
        /// What was signed, with the cosignatures there are.
        checkpoint: Option<String>,
        /// Entries that are not in the tree yet.
        pending: u64,
        /// Those that the log asks.
        witnesses: Vec<WitnessStatus>,
        /// What keeps the log from growing.
        fault: Option<LastFault>,
    }
    /// How a witness stands.
    WitnessStatus {
        /// Its name.
        name: String,
        /// Entries of the newest tree that it cosigned; 0 before the first.
        size: u64,
        /// When it did.
        at: Option<UnixSeconds>,
        /// What came of asking it last, where that failed.
        fault: Option<String>,
    }
    /// What went wrong last.
    LastFault {
        /// Stable.
        code: String,
        /// When.
        at: UnixMillis,
    }
    /// A sweep was begun.
    SweepBegun {
        /// Its number.
        run: u64,
    }
    /// A run of the sweep.
    #[derive(Default)]
    #[serde(default)]
    SweepRun {
        /// Its number; 0 when there was none yet.
        run: u64,
        /// `running`, `done`, or `never` when there was none yet.
        state: String,
        /// When it began.
        started_at: Option<UnixMillis>,
        /// When it ended.
        ended_at: Option<UnixMillis>,
        /// How long it took, or takes by now.
        seconds: f64,
        /// Whether every ledger is asked, and the index made anew from that.
        rebuild: bool,
        /// Letters that the bucket has something of.
        listed: u64,
        /// Letters that the index did not know when it began.
        taken_on: u64,
        /// Letters that were overdue and asked to do what is due.
        rung: u64,
        /// Bodies without a manifest that were deleted.
        orphans: u64,
        /// Letters that are erased, or damaged beyond their time, and whose objects were deleted.
        deleted: u64,
        /// Letters that no ledger can take on.
        damaged: u64,
        /// Letters in the index that lack an object before their time.
        vanished: u64,
        /// Keys in the bucket that are not Waxseal's.
        foreign: u64,
        /// Letters whose ledger or objects could not be reached.
        failed: u64,
        /// Letters in the index that had something due at its end.
        register: Option<u64>,
        /// What held it up last.
        fault: Option<LastFault>,
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
    /// Every version of the terms.
    TermsList {
        /// What envelopes show now, by language.
        current: BTreeMap<String, TermsCurrent>,
        /// What became current, the oldest first.
        history: Vec<TermsPushed>,
    }
    /// A text that envelopes show now.
    TermsCurrent {
        /// Of the text.
        sha256: Sha256Sum,
        /// `pushed`, or `site`: of the settings.
        source: String,
        /// Since when, where it was pushed.
        since: Option<UnixMillis>,
    }
    /// A text that became current.
    #[derive(Copy)]
    TermsPushed {
        /// For which language.
        language: Lang,
        /// Of the text.
        sha256: Sha256Sum,
        /// When.
        at: UnixMillis,
    }
}

/// The last run of the sweep, and the one before it for comparison.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SweepStatus {
    /// The last one.
    #[serde(flatten)]
    pub last: SweepRun,
    /// The one before it.
    pub before: Option<SweepRun>,
}

json_body!(SweepStatus);

impl Described for SweepStatus {
    fn schema() -> Value {
        let mut schema = SweepRun::schema();
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.insert("before".to_owned(), Option::<SweepRun>::schema());
        }
        schema
    }
}
