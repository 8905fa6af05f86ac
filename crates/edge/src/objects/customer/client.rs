//! The calls to a customer's object. Its name is `SiteKey::customer_name` under the key that sealed the letter
//! (`Keyring::customer_name`), so that a letter stays under one name for as long as it is kept, rotations or not.

use serde::de::DeserializeOwned;
use worker::Env;

use super::messages::{Ask, Erasing, Letters, Registered};
use crate::platform::error::Fault;
use crate::platform::object::{Class, Objects};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

const CLASS: Class = Class {
    binding: "CUSTOMER",
    unbound: "binding_customer",
    stub: "customer_stub",
    down: "customer_down",
    failed: "customer_failed",
    silent: "customer_silent",
};

/// The customers of a site.
pub(crate) struct CustomerClient(Objects);

impl CustomerClient {
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        Objects::open(env, &CLASS).map(Self)
    }

    /// Puts a letter on the customer's list; once more changes nothing. When the customer asked to be erased after the
    /// letter was issued, the answer says so, and the letter has to be erased. A fault means that nothing is known of
    /// the outcome: ask again later.
    pub(crate) async fn register(
        &self,
        name: &str,
        letter: LetterId,
        issued_at: UnixSeconds,
    ) -> Result<Registered, Fault> {
        self.ask(name, &Ask::Register { letter, issued_at }).await
    }

    /// Takes a letter that was erased off the list; once more changes nothing.
    pub(crate) async fn forget(&self, name: &str, letter: LetterId) -> Result<(), Fault> {
        self.ask::<Registered>(name, &Ask::Forget { letter }).await.map(|_| ())
    }

    /// The customer's letters issued at `since` or later, newest first; those that are to be erased are not among them.
    pub(crate) async fn letters(&self, name: &str, since: UnixSeconds) -> Result<Letters, Fault> {
        self.ask(name, &Ask::Letters { since }).await
    }

    /// Has every letter erased that was issued before this moment, registered by now or later. Erases some of them before
    /// it answers; the object goes on by itself.
    pub(crate) async fn erase(&self, name: &str, before: UnixMillis) -> Result<Erasing, Fault> {
        self.ask(name, &Ask::Erase { before }).await
    }

    async fn ask<T: DeserializeOwned>(&self, name: &str, ask: &Ask) -> Result<T, Fault> {
        Ok(serde_json::from_str(&self.0.ask(name, serde_json::to_string(ask)?).await?)?)
    }
}
