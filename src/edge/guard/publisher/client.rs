//! The call to the publisher.

use std::time::Duration;

use worker::{Env, Method, ObjectNamespace, Request, RequestInit};

use super::messages::{Status, Tell};
use crate::edge::clock;
use crate::edge::error::Fault;

/// Name of the Durable Object binding.
const BINDING: &str = "PUBLISHER";

/// The one object of this class.
const NAME: &str = "publisher";

const PATIENCE: Duration = Duration::from_secs(20);

pub(in crate::edge) struct PublisherClient(ObjectNamespace);

impl PublisherClient {
    pub(in crate::edge) fn open(env: &Env) -> Result<Self, Fault> {
        Ok(Self(env.durable_object(BINDING).map_err(|e| Fault::new("binding_publisher", e))?))
    }

    pub(in crate::edge) async fn status(&self) -> Result<Status, Fault> {
        Ok(serde_json::from_str(&self.call(&Tell::Nothing).await?)?)
    }

    pub(in crate::edge) async fn tell(&self, tell: &Tell) -> Result<(), Fault> {
        self.call(tell).await.map(|_| ())
    }

    async fn call(&self, tell: &Tell) -> Result<String, Fault> {
        let stub = self.0.get_by_name(NAME).map_err(|e| Fault::new("publisher_stub", e))?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(serde_json::to_string(tell)?.into()));
        let request = Request::new_with_init("https://publisher/", &init)?;
        let reply = async {
            let mut response =
                stub.fetch_with_request(request).await.map_err(|e| Fault::new("publisher_down", e))?;
            match response.status_code() {
                200 => Ok(response.text().await?),
                status => Err(Fault::new("publisher_failed", status)),
            }
        };
        clock::within(PATIENCE, reply)
            .await
            .unwrap_or_else(|| Err(Fault::new("publisher_silent", "no answer in time")))
    }
}
