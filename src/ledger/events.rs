//! Events and the words they are stored in. The words are stable: they are hashed into the chain.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::types::{LetterId, UnixMillis};

/// A stored word that this version does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a known {0}")]
pub struct UnknownWord(pub &'static str);

codes!(UnknownWord = "unknown_word");

/// An enum whose variants are stored as fixed words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident, $what:literal { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable word that is stored, hashed and shown in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::ledger::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::ledger::UnknownWord($what)),
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::types::from_text(deserializer, |word| word.parse().ok())
            }
        }
    };
}
pub(crate) use words;

words! {
    /// What happened.
    Kind, "kind of event" {
        /// The ledger took the letter on: its manifest was read for the first time.
        Sealed = "sealed",
        /// The link was opened, and nothing speaks against a person.
        Opened = "opened",
        /// The link was fetched by a program: a scanner, a preview, a browser that fetches ahead.
        Fetched = "fetched",
        /// The terms were put before a reader.
        NoticeShown = "notice_shown",
        /// An answer came that does not look like a person's.
        RobotSuspected = "robot_suspected",
        /// The reader agreed to the terms named in the event.
        ConsentGiven = "consent_given",
        /// The reader said no without having agreed before.
        ConsentRefused = "consent_refused",
        /// Bytes of the letter were sent under a consent.
        ReportStreamed = "report_streamed",
        /// The reader took an earlier consent back.
        ConsentWithdrawn = "consent_withdrawn",
        /// The reader took a refusal back, soon after it.
        RefusalRevoked = "refusal_revoked",
        /// The reader took a withdrawal back, soon after it: the consents before it stand again.
        WithdrawalRevoked = "withdrawal_revoked",
        /// The reader accepted the offer in the letter.
        Accepted = "accepted",
        /// The sender cancelled the letter.
        Cancelled = "cancelled",
        /// The sender gave the letter a new end and its reader a new link; what was over is open again.
        Reissued = "reissued",
        /// The letter's end is near, and it is still open.
        EndsSoon = "ends_soon",
        /// The letter's time ran out.
        Expired = "expired",
        /// The letter's time ran out and nobody had said yes or no.
        Ignored = "ignored",
        /// Someone came with the link after its time had run out.
        ExpiredOpenAttempt = "expired_open_attempt",
        /// A message between reader and sender.
        Message = "message",
        /// A wrong PIN.
        PinFailed = "pin_failed",
        /// The personal details were destroyed.
        Erased = "erased",
        /// The evidence was handed out.
        EvidenceExported = "evidence_exported",
    }
}

words! {
    /// Who did it. In the clear and hashed, so that it can be read without any key and after an erasure.
    Actor, "actor" {
        /// Somebody who holds the link, in a browser, and nothing speaks against a person.
        Recipient = "recipient",
        /// The recipient's mail program, by its unsubscribe button (RFC 8058).
        MailProgram = "mail-program",
        /// A program that holds the link: by its own word, or by the signs in the details.
        Robot = "robot",
        /// The business that sealed the letter.
        Sender = "sender",
        /// The sender, who passed on what the recipient had told it.
        SenderForRecipient = "sender-for-recipient",
        /// Waxseal itself: the clock, the sweep.
        System = "system",
    }
}

/// The UUID (version 7, RFC 9562 section 5.7) of an event.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// An id from the event's time and ten random bytes.
    pub fn v7(at: UnixMillis, random: [u8; 10]) -> Self {
        Self(LetterId::v7(at, random).0)
    }

    /// The 16 bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The event's time, which the first 48 bits of the id hold.
    pub const fn at(&self) -> UnixMillis {
        let [t0, t1, t2, t3, t4, t5, ..] = self.0;
        UnixMillis(u64::from_be_bytes([0, 0, t0, t1, t2, t3, t4, t5]))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LetterId(self.0).fmt(f)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        LetterId(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LetterId::deserialize(deserializer).map(|id| Self(id.0))
    }
}

/// A consent, named by the id of its `consent_given` event. The browser's cookie carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsentId(pub EventId);

impl ConsentId {
    /// The 16 bytes of the event's id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for ConsentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Facts that the command itself brought and that belong in the event's sealed details.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of the letter sent since the last `report_streamed`.
    pub bytes: Option<u64>,
    /// Whether that answer was sent to its end.
    pub complete: Option<bool>,
    /// The consent that they were sent under.
    pub consent: Option<ConsentId>,
}

/// An event that was decided but not yet chained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub kind: Kind,
    /// When: never before the event ahead of it.
    pub at: UnixMillis,
    /// Who did it.
    pub actor: Actor,
    /// SHA-256 of the terms it is about, if any; of `sealed` the commitment to the letter's names.
    pub terms: Option<[u8; 32]>,
    /// What the command said, for the sealed details.
    pub facts: Facts,
    /// The AES-GCM nonce for its details: random, used once under the letter's key.
    pub nonce: [u8; 12],
}

/// An event as it is stored: sealed, numbered and chained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Position in the letter's chain, from 1 without gaps.
    pub seq: u64,
    /// Its id.
    pub id: EventId,
    /// What happened.
    pub kind: Kind,
    /// When, in milliseconds since the Unix epoch.
    pub at: UnixMillis,
    /// Who did it.
    pub actor: Actor,
    /// SHA-256 of the terms it is about, if any; of `sealed` the commitment to the letter's names.
    pub terms: Option<[u8; 32]>,
    /// Nonce (12) and AES-256-GCM ciphertext of the details, or empty when there are none.
    pub sealed: Vec<u8>,
    /// The hash of the event before it; zeros for the first.
    pub prev: [u8; 32],
    /// SHA-256 over everything above and the letter's id.
    pub hash: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_gives_back_the_time_it_was_made_with() {
        for at in [0, 1_795_336_660_008, (1 << 48) - 1] {
            assert_eq!(EventId::v7(UnixMillis(at), [0xff; 10]).at(), UnixMillis(at));
        }
    }
}
