//! The call to the sweeper.

use serde_json::Value;
use worker::Env;

use super::object::{BEGIN, STATUS};
use crate::platform::error::Fault;
use crate::platform::object::{Class, Objects};

const CLASS: Class = Class {
    binding: "SWEEPER",
    unbound: "binding_sweeper",
    stub: "sweeper_stub",
    down: "sweeper_down",
    failed: "sweeper_failed",
    silent: "sweeper_silent",
};

/// The one object of this class.
const NAME: &str = "sweeper";

pub(crate) struct SweeperClient(Objects);

impl SweeperClient {
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        Objects::open(env, &CLASS).map(Self)
    }

    /// Begins a run unless one is going on, and answers its status. What is answered is on disk: it will come to its end.
    pub(crate) async fn begin(&self) -> Result<Value, Fault> {
        self.call(BEGIN).await
    }

    /// The status of the last run.
    pub(crate) async fn status(&self) -> Result<Value, Fault> {
        self.call(STATUS).await
    }

    async fn call(&self, ask: &str) -> Result<Value, Fault> {
        Ok(serde_json::from_str(&self.0.ask(NAME, ask.to_owned()).await?)?)
    }
}
