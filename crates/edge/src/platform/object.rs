//! The one protocol between the worker and its Durable Objects: a request names its object's class and its reply.

use std::time::Duration;

use js_sys::Uint8Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use worker::{Env, Method, ObjectNamespace, Request, RequestInit, Response};

use super::error::{BindingError, Fault};
use super::{clock, log, settings};
use waxseal::site::Jurisdiction;

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

/// Of messages. Fields may be added without another one; a message of another version is refused.
const VERSION: u8 = 1;

/// A class of Durable Objects.
pub(crate) struct ObjectClass {
    pub(crate) binding: &'static str,
}

/// What is asked of an object of [`Self::CLASS`]. What it replies is on disk.
pub(crate) trait ObjectRequest: Serialize + DeserializeOwned {
    const CLASS: ObjectClass;
    /// Tells it from the other requests of its class.
    const NAME: &str;
    type Reply: Serialize + DeserializeOwned;
}

/// Declares requests: a struct for each, with its reply.
macro_rules! requests {
    ($class:expr; $(
        $(#[$doc:meta])*
        $name:ident { $($(#[$about:meta])* $field:ident: $type:ty),* $(,)? } -> $reply:ty;
    )+) => {$(
        $(#[$doc])*
        #[derive(serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name { $($(#[$about])* pub(crate) $field: $type),* }

        impl $crate::platform::object::ObjectRequest for $name {
            const CLASS: $crate::platform::object::ObjectClass = $class;
            const NAME: &str = stringify!($name);
            type Reply = $reply;
        }
    )+};
}
pub(crate) use requests;

/// Serves a call: the method of that request makes the reply.
macro_rules! serve {
    ($object:expr, $call:expr, $($request:ident => $method:ident),+ $(,)?) => {{
        use $crate::platform::object::{self, ObjectRequest};
        let reply = async {
            let (name, body) = object::read(&mut $call).await?;
            match name.as_str() {
                $(<$request>::NAME => {
                    let request: $request = object::decode(&body)?;
                    let reply: <$request as ObjectRequest>::Reply = $object.$method(request).await?;
                    object::encode(&reply)
                })+
                _ => Err($crate::platform::error::Fault::new("object_request", "not one of this class")),
            }
        };
        object::respond(reply.await)
    }};
}
pub(crate) use serve;

/// Which request came, and its message.
pub(crate) async fn read(call: &mut Request) -> Result<(String, Vec<u8>), Fault> {
    Ok((call.path().trim_start_matches('/').to_owned(), call.bytes().await?))
}

/// A message: its version, then JSON.
pub(crate) fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, Fault> {
    Ok([[VERSION].as_slice(), serde_json::to_string(message)?.as_bytes()].concat())
}

/// The message. Where reading fails it says no more than that: what stands there may be an address.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    match bytes.split_first() {
        Some((&VERSION, message)) => serde_json::from_str(core::str::from_utf8(message).unwrap_or_default())
            .map_err(|_| Fault::new("object_message", "not what this version writes")),
        Some((version, _)) => {
            Err(Fault::new("object_version", format_args!("version {version} is not known here")))
        }
        None => Err(Fault::new("object_message", "empty")),
    }
}

pub(crate) fn respond(reply: Result<Vec<u8>, Fault>) -> worker::Result<Response> {
    match reply {
        Ok(reply) => Response::from_bytes(reply),
        Err(fault) => {
            log::fault("object", &fault);
            Response::error(fault.code, 500)
        }
    }
}

/// Calls the object of that name. A fault means that nothing is known of the outcome: ask again later.
pub(crate) async fn call<R: ObjectRequest>(env: &Env, name: &str, request: &R) -> Result<R::Reply, Fault> {
    decode(&exchange(env, R::CLASS, name, R::NAME, encode(request)?).await?)
}

async fn exchange(
    env: &Env,
    class: ObjectClass,
    name: &str,
    request: &str,
    message: Vec<u8>,
) -> Result<Vec<u8>, Fault> {
    let fault = |code, why: worker::Error| Fault::new(code, format_args!("{}: {why}", class.binding));
    let namespace = namespace(env, &class)?;
    let stub = match settings::jurisdiction(env)?.map_or_else(|| settings::location(env), |_| None) {
        None => namespace.get_by_name(name),
        // Where an object that is not there yet is created. Within a jurisdiction the platform chooses.
        Some(location) => namespace.get_by_name_with_location_hint(name, location.code()),
    };
    let stub = stub.map_err(|e| fault("object_name", e))?;
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(Uint8Array::from(message.as_slice()).into()));
    let message = Request::new_with_init(&format!("https://object/{request}"), &init)?;
    let reply = async {
        let mut response = stub.fetch_with_request(message).await.map_err(|e| fault("object_down", e))?;
        match response.status_code() {
            200 => Ok(response.bytes().await?),
            status => {
                // Read, because an answer that nobody reads holds its connection, and this request's with it.
                drop(response.bytes().await);
                Err(Fault::new("object_failed", format_args!("{}: {status}", class.binding)))
            }
        }
    };
    let silent = || Err(Fault::new("object_silent", format_args!("{}: no answer in time", class.binding)));
    clock::within(PATIENCE, reply).await.unwrap_or_else(silent)
}

/// The objects of a class, where the settings keep them.
pub(crate) fn namespace(env: &Env, class: &ObjectClass) -> Result<ObjectNamespace, BindingError> {
    let unbound = |e| Fault::new("object_binding", format_args!("{}: {e}", class.binding));
    let namespace = env.durable_object(class.binding).map_err(unbound)?;
    match settings::jurisdiction(env).map_err(BindingError::Settings)? {
        None => Ok(namespace),
        Some(jurisdiction) => within(&namespace, jurisdiction).map_err(BindingError::Jurisdiction),
    }
}

/// The part of a namespace that is kept in a jurisdiction. Never the whole one instead: its objects are others.
fn within(namespace: &ObjectNamespace, jurisdiction: Jurisdiction) -> Result<ObjectNamespace, Fault> {
    let raw: &JsValue = namespace.as_ref();
    let part = raw.unchecked_ref::<RawNamespace>().jurisdiction(jurisdiction.code()).map_err(|error| {
        let why = worker::Error::from(error);
        Fault::new(
            "jurisdiction",
            format_args!(
                "SITE.jurisdiction is \"{}\", but this runtime cannot keep Durable Objects there ({why}). \
                 Take the setting out to try Waxseal on one machine",
                jurisdiction.code()
            ),
        )
    })?;
    Ok(part.unchecked_into())
}
