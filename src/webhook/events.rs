//! What a receiver may be told, in which words, and the message itself.

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::WebhookId;
use crate::guard::Network;
use crate::ledger::{Actor, EventId, Kind, words};
use crate::types::{LetterId, UnixMillis, UnixSeconds};

words! {
    /// The kind of a message: what the sender's program acts on. Stable.
    EventType, "type of a webhook's event" {
        /// There is a letter.
        LetterSealed = "letter.sealed",
        /// A person opened the link, as far as anybody can tell.
        LetterOpenedByPerson = "letter.opened_by_person",
        /// A scanner, a preview or another program fetched the link. No person has seen anything.
        LetterFetchedByRobot = "letter.fetched_by_robot",
        /// The terms were put before a reader.
        LetterNoticeShown = "letter.notice_shown",
        /// An answer came that does not look like a person's, and was not taken.
        LetterRobotSuspected = "letter.robot_suspected",
        /// The reader agreed to the terms.
        LetterConsented = "letter.consented",
        /// The reader said no.
        LetterRefused = "letter.refused",
        /// Bytes of the report were sent under a consent.
        LetterReportStreamed = "letter.report_streamed",
        /// The reader took the consent back.
        LetterWithdrawn = "letter.withdrawn",
        /// The reader took the refusal back.
        LetterRefusalRevoked = "letter.refusal_revoked",
        /// The reader took the withdrawal back: the consent stands again.
        LetterWithdrawalRevoked = "letter.withdrawal_revoked",
        /// The reader accepted the offer in the letter.
        LetterAccepted = "letter.accepted",
        /// The sender cancelled the letter.
        LetterCancelled = "letter.cancelled",
        /// The sender gave the letter a new end and its reader a new link.
        LetterReissued = "letter.reissued",
        /// The letter's end is near, and it is still open.
        LetterEndsSoon = "letter.ends_soon",
        /// The letter's time ran out.
        LetterExpired = "letter.expired",
        /// The letter's time ran out and nobody had said yes or no.
        LetterIgnored = "letter.ignored",
        /// Somebody came with the link after its time had run out.
        LetterExpiredOpenAttempt = "letter.expired_open_attempt",
        /// A message between reader and sender.
        LetterMessage = "letter.message",
        /// A wrong PIN.
        LetterPinFailed = "letter.pin_failed",
        /// Report and personal details were destroyed.
        LetterErased = "letter.erased",
        /// The evidence was handed out.
        LetterEvidenceExported = "letter.evidence_exported",
        /// The guard banned a network, not only one client.
        GuardNetworkBanned = "guard.network_banned",
        /// An endpoint has not answered for a day.
        WebhookFailing = "webhook.failing",
        /// Somebody wants to see that a message arrives.
        WebhookTest = "webhook.test",
    }
}

impl EventType {
    /// What an event on a letter's record is called. A fetch by a program is never an opening, whatever was recorded.
    pub const fn of(kind: Kind, actor: Actor) -> Self {
        match (kind, actor) {
            (Kind::Opened, Actor::Recipient) => Self::LetterOpenedByPerson,
            (Kind::Opened | Kind::Fetched, _) => Self::LetterFetchedByRobot,
            (Kind::Sealed, _) => Self::LetterSealed,
            (Kind::NoticeShown, _) => Self::LetterNoticeShown,
            (Kind::RobotSuspected, _) => Self::LetterRobotSuspected,
            (Kind::ConsentGiven, _) => Self::LetterConsented,
            (Kind::ConsentRefused, _) => Self::LetterRefused,
            (Kind::ReportStreamed, _) => Self::LetterReportStreamed,
            (Kind::ConsentWithdrawn, _) => Self::LetterWithdrawn,
            (Kind::RefusalRevoked, _) => Self::LetterRefusalRevoked,
            (Kind::WithdrawalRevoked, _) => Self::LetterWithdrawalRevoked,
            (Kind::Accepted, _) => Self::LetterAccepted,
            (Kind::Cancelled, _) => Self::LetterCancelled,
            (Kind::Reissued, _) => Self::LetterReissued,
            (Kind::EndsSoon, _) => Self::LetterEndsSoon,
            (Kind::Expired, _) => Self::LetterExpired,
            (Kind::Ignored, _) => Self::LetterIgnored,
            (Kind::ExpiredOpenAttempt, _) => Self::LetterExpiredOpenAttempt,
            (Kind::Message, _) => Self::LetterMessage,
            (Kind::PinFailed, _) => Self::LetterPinFailed,
            (Kind::Erased, _) => Self::LetterErased,
            (Kind::EvidenceExported, _) => Self::LetterEvidenceExported,
        }
    }
}

/// Something that happened to the site and to no letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteEvent {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub kind: EventType,
    /// When.
    pub at: UnixMillis,
    /// The network that was banned; absent where it may be one household's line, an IPv6 network narrower than a /48.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Until when it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<UnixSeconds>,
    /// The endpoint that does not answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookId>,
}

impl SiteEvent {
    /// The guard banned a network until then.
    pub fn network_banned(id: EventId, at: UnixMillis, network: Network, until: UnixSeconds) -> Self {
        let shared = network.prefix() <= if network.first().is_v4() { 24 } else { 48 };
        let (kind, network) = (EventType::GuardNetworkBanned, shared.then_some(network));
        Self { id, kind, at, network, until: Some(until), webhook: None }
    }
}

/// What is sent, byte for byte the same at each attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Of the event, and so of every attempt to send it and of each replay: the header `webhook-id`.
    pub id: EventId,
    /// Its kind.
    pub kind: EventType,
    /// The letter whose messages keep their order.
    pub letter: Option<LetterId>,
    /// JSON.
    pub body: String,
}

impl Message {
    /// Of event number `seq` on the record of a letter.
    pub fn of_letter(
        letter: LetterId,
        seq: u64,
        id: EventId,
        kind: Kind,
        at: UnixMillis,
        actor: Actor,
    ) -> Self {
        let data = json!({ "letter": letter, "event": id, "seq": seq, "actor": actor });
        Self::new(id, EventType::of(kind, actor), at, Some(letter), data)
    }

    /// Of an event of the site.
    pub fn of_site(event: &SiteEvent) -> Self {
        let mut data = json!({ "event": event.id });
        let facts = [
            ("network", event.network.map(|network| json!(network))),
            ("until", event.until.map(|until| json!(until))),
            ("webhook", event.webhook.map(|webhook| json!(webhook))),
        ];
        if let Some(data) = data.as_object_mut() {
            data.extend(facts.into_iter().filter_map(|(name, fact)| Some((name.to_owned(), fact?))));
        }
        Self::new(event.id, event.kind, event.at, None, data)
    }

    fn new(id: EventId, kind: EventType, at: UnixMillis, letter: Option<LetterId>, data: Value) -> Self {
        let timestamp = i64::try_from(at.0)
            .ok()
            .and_then(DateTime::from_timestamp_millis)
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
        let body = json!({ "type": kind, "timestamp": timestamp, "data": data }).to_string();
        Self { id, kind, letter, body }
    }
}
