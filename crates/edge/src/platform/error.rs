//! What goes wrong in the shell: a stable code for the log and for operators, and a detail that only the log sees.

use core::fmt;

/// A failure of the platform or of a setting. Never holds a token, a key or a person's data.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Stable, snake case; what operators search for.
    pub(crate) code: &'static str,
    /// For the log only.
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(code: &'static str, detail: impl fmt::Display) -> Self {
        Self { code, detail: detail.to_string() }
    }
}

/// Why a binding cannot be used.
pub(crate) enum BindingError {
    /// The settings do not say where its objects are. Whoever reads them all says what is wrong with them.
    Settings(Fault),
    /// This runtime cannot keep objects where the settings say. The same for every class of them.
    Jurisdiction(Fault),
    /// It is missing, or something else.
    Unbound(Fault),
}

impl From<Fault> for BindingError {
    fn from(fault: Fault) -> Self {
        Self::Unbound(fault)
    }
}

impl From<BindingError> for Fault {
    fn from(error: BindingError) -> Self {
        let (BindingError::Settings(fault)
        | BindingError::Jurisdiction(fault)
        | BindingError::Unbound(fault)) = error;
        fault
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
