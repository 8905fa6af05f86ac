//! What a site says of its evidence log: the log's name, and who witnesses it.

use serde_json::{Map, Value};

use super::reader::Reader;
use super::rules::https;
use crate::evidence::key::{Algorithm, VerifierKey, is_key_name};

/// The log of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Its name in every checkpoint: the URL that its files are found below, without scheme. Never changes once the log
    /// has an entry.
    pub origin: String,
    /// Who is asked to cosign each checkpoint.
    pub witnesses: Vec<WitnessSettings>,
}

/// A witness (C2SP tlog-witness).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessSettings {
    /// The key that it cosigns with.
    pub key: VerifierKey,
    /// Its submission prefix, without a slash at the end.
    pub url: String,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { origin: "localhost/log".into(), witnesses: Vec::new() }
    }
}

/// More witnesses than anybody asks; each is a request for each checkpoint.
const MAX_WITNESSES: usize = 8;

const ORIGIN_RULE: &str =
    "must be the log's name such as letters.example/log: no scheme, no spaces, no plus, no slash at the end.";
const SHAPE_RULE: &str = "must be a list of tables with `key` and `url`, at most 8.";
const KEY_RULE: &str = "must be the verifier key of a witness (Ed25519, tlog-cosignature), such as example.com/witness+1a2b3c4d+BAb...";
const TWICE_RULE: &str = "names a witness that is in the list already.";
const URL_RULE: &str = "must be an https:// address.";

impl Reader {
    pub(super) fn log(&mut self, map: &Map<String, Value>) -> LogSettings {
        let mut log = LogSettings::default();
        let own = match map.get("log") {
            None | Some(Value::Null) => return log,
            Some(Value::Object(own)) => own,
            Some(_) => {
                self.error("log", "must be an object.");
                return log;
            }
        };
        self.unknown("log.", own, &["origin", "witnesses"]);
        if let Some(origin) = self.checked(own, "log.", "origin", 200, is_origin, ORIGIN_RULE) {
            log.origin = origin;
        }
        match own.get("witnesses") {
            None | Some(Value::Null) => {}
            Some(Value::Array(list)) if list.len() <= MAX_WITNESSES => {
                for (number, entry) in list.iter().enumerate() {
                    let prefix = format!("log.witnesses.{number}.");
                    let Value::Object(entry) = entry else {
                        self.error("log.witnesses", SHAPE_RULE);
                        continue;
                    };
                    if let Some(witness) = self.witness(entry, &prefix, &log.witnesses) {
                        log.witnesses.push(witness);
                    }
                }
            }
            Some(_) => self.error("log.witnesses", SHAPE_RULE),
        }
        log
    }

    fn witness(
        &mut self,
        map: &Map<String, Value>,
        prefix: &str,
        others: &[WitnessSettings],
    ) -> Option<WitnessSettings> {
        self.unknown(prefix, map, &["key", "url"]);
        for needed in ["key", "url"].into_iter().filter(|key| !map.contains_key(*key)) {
            self.error(&format!("{prefix}{needed}"), "is needed.");
        }
        let is_witness = |text: &str| witness_key(text).is_some();
        let key = self.checked(map, prefix, "key", 400, is_witness, KEY_RULE);
        let url = self.checked(map, prefix, "url", 500, is_reachable, URL_RULE);
        let (key, url) = (witness_key(&key?)?, url?);
        // A name of its own for each, as it is what operators read; and one key is one witness.
        if others.iter().any(|other| other.key.name() == key.name() || other.key.public() == key.public()) {
            self.error(&format!("{prefix}key"), TWICE_RULE);
            return None;
        }
        Some(WitnessSettings { key, url: url.trim_end_matches('/').to_owned() })
    }
}

fn witness_key(text: &str) -> Option<VerifierKey> {
    text.parse().ok().filter(|key: &VerifierKey| key.algorithm() == Algorithm::CosignatureV1)
}

fn is_origin(text: &str) -> bool {
    is_key_name(text) && !text.contains("://") && !text.starts_with('/') && !text.ends_with('/')
}

/// Plain `http:` reaches this machine only; for trying a witness.
fn is_reachable(url: &str) -> bool {
    let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    let plain = !url.contains(['?', '#']);
    plain && (https(url) || local.iter().any(|prefix| url.starts_with(prefix) && !url.contains('@')))
}
