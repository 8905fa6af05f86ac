//! The call to the publisher.

use serde_json::Value;
use worker::Env;

use super::messages::Tell;
use crate::platform::error::Fault;
use crate::platform::object::{Class, Objects};

const CLASS: Class = Class {
    binding: "PUBLISHER",
    unbound: "binding_publisher",
    stub: "publisher_stub",
    down: "publisher_down",
    failed: "publisher_failed",
    silent: "publisher_silent",
};

/// The one object of this class.
const NAME: &str = "publisher";

pub(crate) struct PublisherClient(Objects);

impl PublisherClient {
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        Objects::open(env, &CLASS).map(Self)
    }

    /// Its [`Status`](super::messages::Status), to be shown.
    pub(crate) async fn status(&self) -> Result<Value, Fault> {
        Ok(serde_json::from_str(&self.call(&Tell::Nothing).await?)?)
    }

    pub(crate) async fn tell(&self, tell: &Tell) -> Result<(), Fault> {
        self.call(tell).await.map(|_| ())
    }

    async fn call(&self, tell: &Tell) -> Result<String, Fault> {
        self.0.ask(NAME, serde_json::to_string(tell)?).await
    }
}
