//! The Durable Object of one endpoint of webhooks: what is still to be sent there, what became of what was, and its secrets. The index
//! tells it of the feed, entry by entry; what it has acknowledged it sends, however often it dies in between.

mod object;
mod send;
mod store;

use serde::{Deserialize, Serialize};

use crate::platform::object::{ObjectClass, requests};
use waxseal::api::{
    DeliveryPage, FeedEntry, ReplayRequest, Replayed, WebhookRequest, WebhookSecret, WebhookView,
};
use waxseal::ledger::EventId;
use waxseal::webhook::WebhookId;

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "WEBHOOK" };

/// Why an endpoint does not do what it is asked.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Refused {
    /// There is no such endpoint.
    Missing,
    /// Nothing is sent there.
    Disabled,
    /// There is no such message.
    NoSuchDelivery,
}

requests! { CLASS;
    /// Be this endpoint; replies the secret.
    MakeEndpoint { webhook: WebhookId, about: WebhookRequest } -> String;
    /// Be another one in its place, with the same secret.
    ChangeEndpoint { about: WebhookRequest } -> Result<WebhookView, Refused>;
    /// What it is, and how it does.
    ShowEndpoint {} -> Result<WebhookView, Refused>;
    /// Forget everything.
    DeleteEndpoint {} -> Result<(), Refused>;
    /// Take another secret.
    RotateSecret {} -> Result<WebhookSecret, Refused>;
    /// What happened, in the order of the feed; once more changes nothing. Whether there was room; nobody needs to say
    /// more where there is no such endpoint.
    Hear { entries: Vec<FeedEntry> } -> Result<bool, Refused>;
    /// Send a message that says nothing.
    SendTest {} -> Result<EventId, Refused>;
    /// At most `limit` messages in this state below this number, the newest first.
    ListDeliveries { state: Option<String>, after: Option<u64>, limit: u64 } -> Result<DeliveryPage, Refused>;
    /// Send once more what is over.
    Replay { ask: ReplayRequest } -> Result<Replayed, Refused>;
}
