//! What is asked of a customer's object, and what it answers. What is answered is on disk.

use serde::{Deserialize, Serialize};

use crate::platform::object::{ObjectClass, requests};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

/// The binding. An object's name is `SiteKey::customer_name` under the key that sealed the letter
/// (`Keyring::customer_name`), so that a letter stays under one name for as long as it is kept, rotations or not.
pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "CUSTOMER" };

requests! { CLASS;
    /// This letter is theirs; once more changes nothing. Where the reply says so the letter has to be erased.
    Register { letter: LetterId, issued_at: UnixSeconds } -> Registered;
    /// This letter was erased; once more changes nothing.
    Forget { letter: LetterId } -> ();
    /// The newest letters issued at `since` or later; those that are to be erased are not among them.
    ListLetters { since: UnixSeconds } -> Letters;
    /// Every letter issued before this moment is to be erased, registered by now or later. Some are before the reply; the
    /// object goes on by itself.
    EraseAll { before: UnixMillis } -> Erasing;
}

/// The letter is on the customer's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Registered {
    /// The customer asked to be erased after this letter was issued: erase it.
    pub(crate) erase: bool,
}

/// A letter on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) letter: LetterId,
    pub(crate) issued_at: UnixSeconds,
}

/// A customer's letters, newest first.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Letters {
    pub(crate) letters: Vec<Listed>,
    /// There are older ones that the list does not hold.
    pub(crate) more: bool,
}

/// How far an erasure is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erasing {
    /// Letters that were to be erased when this was asked.
    pub(crate) letters: u64,
    /// Those of them that were erased before the answer.
    pub(crate) erased: u64,
    /// What is left; the object goes on with it by itself.
    pub(crate) left: u64,
    /// Those that were erased on earlier requests.
    #[serde(default)]
    pub(crate) earlier: u64,
}
