//! The Durable Object of the keys that were issued for the API: one for a site, asked for each request that shows such a key, so
//! that a key which is revoked is a wrong one from that moment on. The site's own key, of the keyring, needs it not.

mod object;

use crate::platform::object::{ObjectClass, requests};
use waxseal::api::{KeyView, Scopes};
use waxseal::token::ApiKeyId;

pub(crate) const CLASS: ObjectClass = ObjectClass { binding: "API_KEYS" };
/// The one object of this class.
pub(crate) const NAME: &str = "keys";

requests! { CLASS;
    /// Somebody shows the key of this id, whose hash is this: replies what it may do, unless it is wrong.
    UseKey { id: ApiKeyId, hash: [u8; 32] } -> Option<Scopes>;
    /// Keep this key; replies whether there was room.
    AddKey { id: ApiKeyId, hash: [u8; 32], name: String, scopes: Scopes } -> bool;
    /// Every key that is kept, the oldest first.
    ListKeys {} -> Vec<KeyView>;
    /// Forget this key; replies whether there was such a one.
    RemoveKey { id: ApiKeyId } -> bool;
}
