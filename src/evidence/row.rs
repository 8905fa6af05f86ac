//! A stored event as a line of JSON. One event has one line: a line that we would write differently is refused, so that
//! nothing can be hidden beside the fields.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::ledger::StoredEvent;

/// An event's columns; blobs in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    seq: u64,
    id: String,
    kind: String,
    at: u64,
    actor: String,
    terms: Option<String>,
    sealed: String,
    prev: String,
    hash: String,
}

impl From<&StoredEvent> for Row {
    fn from(event: &StoredEvent) -> Self {
        Self {
            seq: event.seq,
            id: HEXLOWER.encode(&event.id),
            kind: event.kind.clone(),
            at: event.at,
            actor: event.actor.clone(),
            terms: event.terms.as_deref().map(|terms| HEXLOWER.encode(terms)),
            sealed: HEXLOWER.encode(&event.sealed),
            prev: HEXLOWER.encode(&event.prev),
            hash: HEXLOWER.encode(&event.hash),
        }
    }
}

impl Row {
    /// The stored event, if the blobs are hexadecimal.
    pub fn event(&self) -> Option<StoredEvent> {
        let bytes = |text: &str| HEXLOWER.decode(text.as_bytes()).ok();
        Some(StoredEvent {
            seq: self.seq,
            id: bytes(&self.id)?,
            kind: self.kind.clone(),
            at: self.at,
            actor: self.actor.clone(),
            terms: match &self.terms {
                Some(terms) => Some(bytes(terms)?),
                None => None,
            },
            sealed: bytes(&self.sealed)?,
            prev: bytes(&self.prev)?,
            hash: bytes(&self.hash)?,
        })
    }

    /// The line without its end.
    pub(super) fn line(&self) -> String {
        // Strings and numbers always have a JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line without its end.
    pub(super) fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok().filter(|row: &Self| row.line() == line && row.event().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_spelling() {
        let event = StoredEvent {
            seq: 1,
            id: vec![1; 16],
            kind: "sealed".into(),
            at: 5,
            actor: "sender".into(),
            terms: None,
            sealed: vec![0xab],
            prev: vec![0; 32],
            hash: vec![2; 32],
        };
        let line = Row::from(&event).line();
        assert_eq!(Row::parse(&line).and_then(|row| row.event()), Some(event));
        for (from, to) in [
            ("\"seq\":1", "\"seq\": 1"),
            ("\"seq\":1", "\"seq\":1.0"),
            ("\"seq\":1", "\"more\":1,\"seq\":1"),
            ("\"seq\":1", "\"seq\":1,\"seq\":1"),
            ("sealed\",", "\\u0073ealed\","),
            ("\"ab\"", "\"AB\""),
            ("\"ab\"", "\"a\""),
            ("\"terms\":null,", ""),
        ] {
            let other = line.replacen(from, to, 1);
            assert_ne!(other, line);
            assert_eq!(Row::parse(&other), None, "{other}");
        }
    }
}
