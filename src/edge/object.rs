//! The call from the worker to one of its Durable Objects: a text there, a text back.

use std::time::Duration;

use worker::{Env, Method, ObjectNamespace, Request, RequestInit};

use super::clock;
use super::error::Fault;

/// Far longer than a healthy object takes. A Durable Object that crashed leaves its caller without any answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A class of Durable Objects: its binding, and the stable codes of what goes wrong with it.
pub(super) struct Class {
    pub(super) binding: &'static str,
    /// The binding is missing.
    pub(super) unbound: &'static str,
    /// The platform has no object of that name.
    pub(super) stub: &'static str,
    /// The call did not get through.
    pub(super) down: &'static str,
    /// The object answered with a failure.
    pub(super) failed: &'static str,
    /// It did not answer in time.
    pub(super) silent: &'static str,
}

/// The objects of a class.
pub(super) struct Objects {
    namespace: ObjectNamespace,
    class: &'static Class,
}

impl Objects {
    pub(super) fn open(env: &Env, class: &'static Class) -> Result<Self, Fault> {
        let namespace = env.durable_object(class.binding).map_err(|e| Fault::new(class.unbound, e))?;
        Ok(Self { namespace, class })
    }

    /// Asks the object of that name. A fault means that nothing is known of the outcome.
    pub(super) async fn ask(&self, name: &str, ask: String) -> Result<String, Fault> {
        let class = self.class;
        let stub = self.namespace.get_by_name(name).map_err(|e| Fault::new(class.stub, e))?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(ask.into()));
        let request = Request::new_with_init("https://object/", &init)?;
        let reply = async {
            let mut response =
                stub.fetch_with_request(request).await.map_err(|e| Fault::new(class.down, e))?;
            match response.status_code() {
                200 => Ok(response.text().await?),
                status => Err(Fault::new(class.failed, status)),
            }
        };
        clock::within(PATIENCE, reply)
            .await
            .unwrap_or_else(|| Err(Fault::new(class.silent, "no answer in time")))
    }
}
