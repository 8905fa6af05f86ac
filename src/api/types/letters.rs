//! Letters: uploads, where they stand, what proves it.

use std::collections::BTreeMap;

use crate::api::schema::messages;
use crate::evidence::Row;
use crate::ledger::{Actor, Details, EndReason, EventId, Kind, Names, State};
use crate::types::{LetterId, UnixMillis, UnixSeconds};
use crate::webhook::SiteEvent;

messages! {
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
    /// Which letters are asked for: those of which all holds that is said.
    #[serde(deny_unknown_fields)]
    LetterSearch {
        /// The sender's reference for the customer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        customer: Option<String>,
        /// The sender's reference for the letter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// What ended it, or else how far the recipient is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        state: Option<String>,
        /// Issued then or later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<UnixSeconds>,
        /// Issued before then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixSeconds>,
        /// The `next` of an earlier answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<LetterId>,
        /// How many at most, 1 to 1,000; 100 when absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
    }
    /// A page of the letters, newest first.
    LetterPage {
        /// Each.
        letters: Vec<LetterRow>,
        /// What the next question says in `after`.
        next: Option<LetterId>,
    }
    /// How a letter stands, as far as the index has heard.
    LetterRow {
        /// Which.
        letter: LetterId,
        /// What ended it, or else how far the recipient is.
        state: String,
        /// When it was issued.
        issued_at: UnixSeconds,
        /// When the clock does something to it next; nothing once it is erased.
        due: Option<UnixMillis>,
        /// How many events its record has.
        events: u64,
    }
    /// What happened, in the order in which the index heard of it.
    EventPage {
        /// Each.
        entries: Vec<FeedEntry>,
        /// What the next question says in `after`.
        next: u64,
    }
    /// What happened to a letter at a time, or to the site.
    FeedEntry {
        /// Its number in the feed; some are left out.
        number: u64,
        /// Which; absent where it happened to the site.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        letter: Option<LetterId>,
        /// In the order of the letter's record.
        events: Vec<FeedEvent>,
        /// What happened to the site; absent where it happened to a letter.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        site: Option<SiteEvent>,
    }
    /// An event of a letter, without what is personal.
    FeedEvent {
        /// Its number in the letter's record.
        seq: u64,
        /// Its id.
        id: EventId,
        /// What happened.
        kind: Kind,
        /// When.
        at: UnixMillis,
        /// Who did it.
        actor: Actor,
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
    /// All that is on record of a letter.
    LetterRecord {
        /// Which.
        letter: LetterId,
        /// What its recipient did so far.
        state: State,
        /// What ended it.
        over: Option<EndReason>,
        /// What happened, the oldest first.
        events: Vec<LetterEvent>,
        /// Whether that is as it was written.
        chain: ChainStatus,
    }
    /// One event, as the sender may see it.
    LetterEvent {
        /// From 0.
        seq: u64,
        /// A UUID; empty where the stored one is none.
        id: String,
        /// What happened, as it is stored.
        kind: String,
        /// When.
        at: UnixMillis,
        /// Who did it, as it is stored.
        actor: String,
        /// The SHA-256 of the terms that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<String>,
        /// Of `sealed`: the commitment to the letter's names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        names: Option<String>,
        /// Hash of the event before, hexadecimal.
        prev: String,
        /// Its own.
        hash: String,
        /// The number of its entry in the log; absent until it is there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        entry: Option<u64>,
        /// Absent when there are none or they were erased.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<Details>,
    }
    /// Whether the stored chain holds.
    ChainStatus {
        /// It does.
        verified: bool,
        /// Hash of the last event, hexadecimal.
        head: String,
        /// How many events there are.
        length: u64,
        /// The first broken line, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        broken: Option<String>,
    }
    /// Everything about one letter that proves what happened to it: what a bundle is made from.
    Evidence {
        /// Which.
        letter: LetterId,
        /// The log's name.
        origin: String,
        /// The key that signs the log.
        vkey: String,
        /// The events as they are stored.
        events: Vec<Row>,
        /// Of each its number in the log.
        entries: Vec<u64>,
        /// Of each the hashes from its neighbour to the root, in base64.
        proofs: Vec<Vec<String>>,
        /// The signed checkpoint.
        checkpoint: String,
        /// The key of the details, hexadecimal; null once it is destroyed.
        key: Option<String>,
        /// What the letter is called; null once that is erased.
        names: Option<Names>,
        /// The texts that the events name, by their SHA-256.
        terms: BTreeMap<String, String>,
        /// One for each answer that stands.
        receipts: Vec<EvidenceReceipt>,
        /// When it was handed out.
        exported_at: UnixMillis,
        /// The sender's name.
        sender: String,
        /// The IANA name of the zone that pages show times in.
        time_zone: String,
    }
    /// A receipt.
    EvidenceReceipt {
        /// The id of its first event.
        event: String,
        /// The receipt itself.
        json: String,
    }
}
