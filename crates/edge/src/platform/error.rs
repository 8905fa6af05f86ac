//! What goes wrong in the shell: a stable code for the log and for ops, and a detail that only the log sees.

use core::fmt;

/// A failure of the platform or of a setting. Never holds a token, a key or a person's data.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Stable, snake case; what ops search for.
    pub(crate) code: &'static str,
    /// For the log only.
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(code: &'static str, detail: impl fmt::Display) -> Self {
        Self { code, detail: detail.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

impl From<worker::Error> for Fault {
    fn from(error: worker::Error) -> Self {
        Self::new("runtime", error)
    }
}

impl From<wasm_bindgen::JsValue> for Fault {
    fn from(value: wasm_bindgen::JsValue) -> Self {
        Self::new("runtime", worker::Error::from(value))
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::new("json", error)
    }
}
