//! Endpoints of webhooks, and what became of what was sent to them.

use crate::api::schema::messages;
use crate::ledger::EventId;
use crate::types::{LetterId, UnixMillis};
use crate::webhook::{EventType, WebhookId};

messages! {
    /// What an endpoint is to be.
    #[serde(deny_unknown_fields)]
    WebhookRequest {
        /// Where messages go: `https://`, a public name, port 443.
        url: String,
        /// Which kinds; all of them, if it is not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kinds: Option<Vec<EventType>>,
        /// For people: at most 200 characters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
        /// Whether messages are sent; they are, if it is not said. What happens meanwhile is not sent later.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        enabled: Option<bool>,
    }
    /// An endpoint that was made.
    WebhookMade {
        /// Its id.
        webhook: WebhookId,
        /// What messages are signed with, `whsec_` and base64: said here, once.
        secret: String,
        /// Where messages go.
        url: String,
        /// Which kinds; null: all of them.
        kinds: Option<Vec<EventType>>,
    }
    /// The endpoints.
    Webhooks {
        /// Each, the oldest first.
        webhooks: Vec<WebhookView>,
    }
    /// An endpoint.
    WebhookView {
        /// Its id.
        webhook: WebhookId,
        /// Where messages go.
        url: String,
        /// Which kinds; null: all of them.
        kinds: Option<Vec<EventType>>,
        /// For people.
        description: String,
        /// When it was made.
        created_at: UnixMillis,
        /// Whether messages are sent.
        enabled: bool,
        /// Why none are: `gone`, the receiver answered 410; `off`, somebody said so.
        disabled: Option<String>,
        /// How many messages wait to be sent, or to be sent again.
        waiting: u64,
        /// Failures since a message arrived.
        failures: u64,
        /// When the first of them was.
        failing_since: Option<UnixMillis>,
        /// Until when the secret before the last rotation signs, too.
        old_secret_until: Option<UnixMillis>,
    }
    /// A secret that took the place of another.
    WebhookSecret {
        /// What messages are signed with from now on: said here, once.
        secret: String,
        /// Until when the one before signs, too.
        old_secret_until: UnixMillis,
    }
    /// A message that shows whether messages arrive.
    WebhookTested {
        /// Its id, the header `webhook-id`.
        delivery: EventId,
    }
    /// A page of messages, the newest first.
    DeliveryPage {
        /// Each.
        deliveries: Vec<Delivery>,
        /// What the next question says in `after`.
        next: Option<u64>,
    }
    /// A message to an endpoint.
    Delivery {
        /// Its id, the header `webhook-id`, whenever it is sent.
        delivery: EventId,
        /// Its place in the order of this endpoint.
        number: u64,
        /// What it tells.
        kind: EventType,
        /// Of which letter; null: of the site.
        letter: Option<LetterId>,
        /// `waiting`, `delivered` or `given_up`.
        state: String,
        /// When the endpoint heard of it.
        created_at: UnixMillis,
        /// When it is sent next, where it waits: other messages may have to go first.
        due: Option<UnixMillis>,
        /// The attempts so far, the oldest first; of many the last.
        attempts: Vec<Attempt>,
    }
    /// An attempt to send a message.
    Attempt {
        /// When.
        at: UnixMillis,
        /// How long it took, in milliseconds.
        took_ms: u64,
        /// Of the answer; null: there was none.
        status: Option<u16>,
        /// Why there was none: `timeout`, `unreachable`, `target`, `secret`.
        error: Option<String>,
    }
    /// What is to be sent once more.
    #[serde(deny_unknown_fields)]
    ReplayRequest {
        /// One message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery: Option<EventId>,
        /// Or all from this moment on,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<UnixMillis>,
        /// up to this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<UnixMillis>,
    }
    /// What is sent once more.
    Replayed {
        /// How many messages.
        deliveries: u64,
        /// There are more within that time: ask again, from `since` on.
        more: bool,
        /// What the next question says in `since`.
        since: Option<UnixMillis>,
    }
}
