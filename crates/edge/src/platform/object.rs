//! The call from the worker to one of its Durable Objects: a text there, a text back.

use std::time::Duration;

use wasm_bindgen::prelude::*;
use worker::{Env, Method, ObjectNamespace, Request, RequestInit};

use super::error::Fault;
use super::{clock, settings};
use waxseal::site::{Jurisdiction, Location};

#[wasm_bindgen]
extern "C" {
    /// The raw namespace; `worker` does not bind its `jurisdiction`.
    type RawNamespace;

    /// The objects of this namespace that only run, and are only kept, in that part of the world.
    #[wasm_bindgen(method, catch)]
    fn jurisdiction(this: &RawNamespace, code: &str) -> Result<JsValue, JsValue>;
}

/// Far longer than a healthy object takes. A Durable Object that crashed leaves its caller without any answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Code of the fault of a runtime that cannot keep objects where the settings say.
pub(crate) const JURISDICTION: &str = "jurisdiction";

/// A class of Durable Objects: its binding, and the stable codes of what goes wrong with it.
pub(crate) struct Class {
    pub(crate) binding: &'static str,
    /// The binding is missing.
    pub(crate) unbound: &'static str,
    /// The platform has no object of that name.
    pub(crate) stub: &'static str,
    /// The call did not get through.
    pub(crate) down: &'static str,
    /// The object answered with a failure.
    pub(crate) failed: &'static str,
    /// It did not answer in time.
    pub(crate) silent: &'static str,
}

/// The objects of a class.
pub(crate) struct Objects {
    namespace: ObjectNamespace,
    class: &'static Class,
    /// Where an object that is not there yet is created. Within a jurisdiction the platform chooses.
    location: Option<Location>,
}

impl Objects {
    pub(crate) fn open(env: &Env, class: &'static Class) -> Result<Self, Fault> {
        let namespace = env.durable_object(class.binding).map_err(|e| Fault::new(class.unbound, e))?;
        let (namespace, location) = match settings::jurisdiction(env)? {
            None => (namespace, settings::location(env)),
            Some(jurisdiction) => (within(&namespace, jurisdiction)?, None),
        };
        Ok(Self { namespace, class, location })
    }

    /// Asks the object of that name. A fault means that nothing is known of the outcome.
    pub(crate) async fn ask(&self, name: &str, ask: String) -> Result<String, Fault> {
        let class = self.class;
        let stub = match self.location {
            None => self.namespace.get_by_name(name),
            Some(location) => self.namespace.get_by_name_with_location_hint(name, location.code()),
        };
        let stub = stub.map_err(|e| Fault::new(class.stub, e))?;
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_body(Some(ask.into()));
        let request = Request::new_with_init("https://object/", &init)?;
        let reply = async {
            let mut response =
                stub.fetch_with_request(request).await.map_err(|e| Fault::new(class.down, e))?;
            match response.status_code() {
                200 => Ok(response.text().await?),
                status => {
                    // Read, because an answer that nobody reads holds its connection, and this request's with it.
                    drop(response.text().await);
                    Err(Fault::new(class.failed, status))
                }
            }
        };
        clock::within(PATIENCE, reply)
            .await
            .unwrap_or_else(|| Err(Fault::new(class.silent, "no answer in time")))
    }
}

/// The part of a namespace that is kept in a jurisdiction. Never the whole one instead: its objects are others.
fn within(namespace: &ObjectNamespace, jurisdiction: Jurisdiction) -> Result<ObjectNamespace, Fault> {
    let raw: &JsValue = namespace.as_ref();
    let part = raw.unchecked_ref::<RawNamespace>().jurisdiction(jurisdiction.code()).map_err(|error| {
        let why = worker::Error::from(error);
        Fault::new(
            JURISDICTION,
            format_args!(
                "SITE.jurisdiction is \"{}\", but this runtime cannot keep Durable Objects there ({why}). \
                 Take the setting out to try Waxseal on one machine",
                jurisdiction.code()
            ),
        )
    })?;
    Ok(part.unchecked_into())
}
