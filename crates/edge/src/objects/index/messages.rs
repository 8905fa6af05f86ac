//! What is asked of the index, and what it replies. What is replied is on disk.

use serde::{Deserialize, Serialize};

use super::runs::Runs;
use crate::platform::object::{ObjectClass, requests};
use waxseal::api::{EventPage, FeedEvent, LetterPage};
use waxseal::ledger::{EndReason, State};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};
use waxseal::webhook::{SiteEvent, WebhookId};

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "INDEX" };
/// The one object of this class.
pub(crate) const NAME: &str = "index";

requests! { CLASS;
    /// How a letter stands now, and what led there; once more changes nothing. Where the reply says so the letter has to be erased.
    UpdateLetter {
        letter: LetterId,
        /// `SiteKey::customer_name` of its customer under the key that sealed it (`Keyring::customer_name`), so that a letter stays
        /// under one name for as long as it is kept, rotations or not. Nothing once it is erased.
        customer: Option<String>,
        /// `SiteKey::letter_name` of the sender's reference for it; said with the first event, as long as the manifest can be read.
        reference: Option<String>,
        /// Said with the first event, as long as the manifest can be read.
        issued_at: Option<UnixSeconds>,
        state: State,
        over: Option<EndReason>,
        /// When the clock does something to it next; nothing once it is erased.
        due: Option<UnixMillis>,
        /// The number of its last event.
        seq: u64,
        /// The events up to that one that the index may not have.
        events: Vec<FeedEvent>,
    } -> Updated;
    /// The newest letters of a customer, given by each of their names, that were issued at `since` or later; those that are to be
    /// erased are not among them.
    ListCustomer { names: Vec<String>, since: UnixSeconds } -> CustomerLetters;
    /// How many letters each customer has, up to the length of such a list.
    CountLetters { customers: Vec<Vec<String>> } -> Vec<usize>;
    /// A page of at most `limit` letters, the newest first: those behind `after`, in this state, of a customer of these names, with a
    /// reference of these names, issued within this time.
    ListLetters {
        state: Option<String>,
        customer: Option<Vec<String>>,
        reference: Option<Vec<String>>,
        since: UnixSeconds,
        until: Option<UnixSeconds>,
        after: Option<LetterId>,
        limit: u64,
    } -> LetterPage;
    /// At most `limit` entries of the feed behind this one. Where there are none it waits for them so long.
    ListEvents { after: u64, limit: u64, wait_ms: u64 } -> EventPage;
    /// Something happened to the site, number `number` of what this source has to say; once more changes nothing.
    NoteEvent { source: String, number: u64, event: SiteEvent } -> ();
    /// There is an endpoint of webhooks, to be told what happens from now on; replies whether there is room. Once more changes nothing.
    AddWebhook { webhook: WebhookId } -> bool;
    /// There is none any more.
    RemoveWebhook { webhook: WebhookId } -> ();
    /// The endpoints, the oldest first.
    ListWebhooks {} -> Vec<WebhookId>;
    /// Every letter of this customer that was issued before this moment is to be erased, known by now or later. Some are before the
    /// reply; the index goes on by itself.
    EraseCustomer { names: Vec<String>, before: UnixMillis } -> Erasing;
    /// Begin a run of the sweep unless one is going on. It will come to its end. With `rebuild` every ledger is asked, and all that is
    /// known of letters is as they say at its end.
    BeginSweep { rebuild: bool } -> Runs;
    /// The last run of the sweep, and the one before it for comparison.
    SweepStatus {} -> Runs;
}

/// The index knows how the letter stands.
#[derive(Serialize, Deserialize)]
pub(crate) struct Updated {
    /// The customer asked to be erased after this letter was issued: erase it.
    pub(crate) erase: bool,
}

/// A letter on a customer's list.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) letter: LetterId,
    pub(crate) issued_at: UnixSeconds,
}

/// A customer's letters, newest first.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct CustomerLetters {
    pub(crate) letters: Vec<Listed>,
    /// There are older ones that the list does not hold.
    pub(crate) more: bool,
}

/// How far an erasure is.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Erasing {
    /// Letters that were to be erased when this was asked.
    pub(crate) letters: u64,
    /// Those of them that were erased before the answer.
    pub(crate) erased: u64,
    /// What is left; the index goes on with it by itself.
    pub(crate) left: u64,
    /// Those that were erased on earlier requests.
    pub(crate) earlier: u64,
}
