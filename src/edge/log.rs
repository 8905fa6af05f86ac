//! Structured log lines for ops: one JSON object a line. Never a token, a fragment, a PIN, a subject or an address.

use serde_json::{Map, Value};
use worker::{console_error, console_log};

use super::error::Fault;

/// A line that is being filled in.
pub(super) struct Line(Map<String, Value>);

impl Line {
    /// `event` is a stable snake_case name.
    pub(super) fn new(event: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("event".to_owned(), event.into());
        Self(fields)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn info(self) {
        console_log!("{}", Value::Object(self.0));
    }

    pub(super) fn error(self) {
        console_error!("{}", Value::Object(self.0));
    }
}

/// A failure of platform or settings, for ops.
pub(super) fn fault(place: &str, fault: &Fault) {
    Line::new("fault")
        .with("place", place)
        .with("code", fault.code)
        .with("detail", fault.detail.as_str())
        .error();
}
