//! What is asked of a customer's object, and what it answers. What is answered is on disk.

use serde::{Deserialize, Serialize};

use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

/// A question to the object of one customer. Each names the type of its answer.
#[derive(Serialize, Deserialize)]
pub(super) enum Ask {
    /// This letter is theirs. [`Registered`].
    Register { letter: LetterId, issued_at: UnixSeconds },
    /// This letter was erased. [`Registered`], which says nothing.
    Forget { letter: LetterId },
    /// The newest letters issued at `since` or later. [`Letters`].
    Letters { since: UnixSeconds },
    /// Every letter issued before this moment is to be erased. [`Erasing`].
    Erase { before: UnixMillis },
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
