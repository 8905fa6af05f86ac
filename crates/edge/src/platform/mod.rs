//! What the rest of the shell needs of the runtime. Nothing here names a capability or its objects.

pub(crate) mod alarm;
pub(crate) mod bucket;
pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod error;
pub(crate) mod http;
pub(crate) mod intl;
pub(crate) mod kv;
pub(crate) mod log;
pub(crate) mod object;
pub(crate) mod outbox;
pub(crate) mod random;
pub(crate) mod residency;
pub(crate) mod response;
pub(crate) mod settings;
pub(crate) mod sql;
pub(crate) mod stream;
pub(crate) mod tasks;
pub(crate) mod upload;
pub(crate) mod webcrypto;
