//! Reads settings from JSON and gathers what is wrong with them.

use serde_json::{Map, Value};

use super::rules::{
    EMAIL_RULE, HTTPS_RULE, PHONE_RULE, PROFILE_RULE, REFRESH_RULE, email, hidden, https, phone,
};
use super::terms::brought;
use super::{Contact, SettingError, Terms};
use crate::guard::{Profile, SiteGuard};
use crate::lang::{Lang, fill};

/// Reads settings and gathers what is wrong with them.
pub(super) struct Reader {
    pub(super) errors: Vec<SettingError>,
}

impl Reader {
    pub(super) fn error(&mut self, setting: &str, what: &str) {
        self.errors
            .push(SettingError { setting: setting.to_owned(), message: format!("`{setting}` {what}") });
    }

    pub(super) fn unknown(&mut self, prefix: &str, map: &Map<String, Value>, known: &[&str]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.error(&format!("{prefix}{key}"), "is not a setting; is it misspelt?");
        }
    }

    /// A text without surrounding white space, without control and direction characters, of at most `max`
    /// characters. A JSON null counts as absent.
    pub(super) fn text(
        &mut self,
        map: &Map<String, Value>,
        prefix: &str,
        key: &str,
        max: usize,
        lines: bool,
    ) -> Option<String> {
        let setting = format!("{prefix}{key}");
        let text = match map.get(key)? {
            Value::Null => return None,
            Value::String(text) => text.replace("\r\n", "\n").trim().to_owned(),
            _ => {
                self.error(&setting, "must be a text.");
                return None;
            }
        };
        if text.is_empty() {
            self.error(&setting, "is empty.");
        } else if text.chars().count() > max {
            self.error(&setting, &format!("is longer than {max} characters."));
        } else if text.chars().any(|c| hidden(c) && !(lines && c == '\n')) {
            self.error(&setting, "holds control characters or invisible direction marks.");
        } else {
            return Some(text);
        }
        None
    }

    pub(super) fn checked(
        &mut self,
        map: &Map<String, Value>,
        prefix: &str,
        key: &str,
        max: usize,
        good: impl Fn(&str) -> bool,
        rule: &str,
    ) -> Option<String> {
        let text = self.text(map, prefix, key, max, false)?;
        if good(&text) {
            return Some(text);
        }
        self.error(&format!("{prefix}{key}"), rule);
        None
    }

    pub(super) fn flag(&mut self, map: &Map<String, Value>, key: &str, default: bool) -> bool {
        match map.get(key) {
            None | Some(Value::Null) => default,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.error(key, "must be true or false.");
                default
            }
        }
    }

    pub(super) fn days(&mut self, map: &Map<String, Value>, key: &str, default: u16) -> u16 {
        match map.get(key).filter(|value| !value.is_null()) {
            None => default,
            Some(value) => {
                match value.as_u64().and_then(|days| u16::try_from(days).ok()).filter(|days| *days <= 365) {
                    Some(days) => days,
                    None => {
                        self.error(key, "must be a number of days from 0 to 365.");
                        default
                    }
                }
            }
        }
    }

    pub(super) fn contact(&mut self, map: &Map<String, Value>) -> Contact {
        let before = self.errors.len();
        let contact = match map.get("contact") {
            Some(Value::Object(map)) => {
                self.unknown("contact.", map, &["email", "phone", "url", "address"]);
                Contact {
                    email: self.checked(map, "contact.", "email", 254, email, EMAIL_RULE),
                    phone: self.checked(map, "contact.", "phone", 40, phone, PHONE_RULE),
                    url: self.checked(map, "contact.", "url", 500, https, HTTPS_RULE),
                    address: self.text(map, "contact.", "address", 300, true),
                }
            }
            None | Some(Value::Null) => Contact::default(),
            Some(_) => {
                self.error("contact", "must be an object.");
                Contact::default()
            }
        };
        if contact == Contact::default() && self.errors.len() == before {
            self.error(
                "contact",
                "is needed: at least one of email, phone, url and address, so that a recipient can ask.",
            );
        }
        contact
    }

    pub(super) fn guard(&mut self, map: &Map<String, Value>) -> SiteGuard {
        let mut guard = SiteGuard::default();
        let own = match map.get("guard") {
            None | Some(Value::Null) => return guard,
            Some(Value::Object(own)) => own,
            Some(_) => {
                self.error("guard", "must be an object.");
                return guard;
            }
        };
        self.unknown("guard.", own, &["profile", "refresh_seconds"]);
        let known = |text: &str| Profile::from_code(text).is_some();
        guard.profile = self
            .checked(own, "guard.", "profile", 8, known, PROFILE_RULE)
            .and_then(|code| Profile::from_code(&code));
        match own.get("refresh_seconds").map(|value| value.as_u64().and_then(|n| u32::try_from(n).ok())) {
            None => {}
            Some(Some(seconds @ 1..=300)) => guard.refresh_seconds = seconds,
            Some(_) => self.error("guard.refresh_seconds", REFRESH_RULE),
        }
        guard
    }

    pub(super) fn terms(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        contact: &Contact,
    ) -> [Terms; Lang::COUNT] {
        let own = match map.get("terms") {
            None | Some(Value::Null) => None,
            Some(Value::Object(own)) => Some(own),
            Some(_) => {
                self.error(
                    "terms",
                    "must be an object with a text for each language, such as {\"en\": \"...\"}.",
                );
                None
            }
        };
        if let Some(own) = own {
            self.unknown("terms.", own, &Lang::ALL.map(Lang::tag));
        }
        let contact = contact.line();
        Lang::ALL.map(|lang| {
            let text = own.and_then(|own| self.text(own, "terms.", lang.tag(), Terms::MAX_CHARS, true));
            let text = match text {
                Some(text) => fill(&text, &[("sender", &name), ("contact", &contact)]),
                None => brought(lang, name, &contact),
            };
            if !name.is_empty() && !text.contains(name) {
                let setting = format!("terms.{lang}");
                self.error(&setting, "must name the sender: write {sender} where the name goes.");
            }
            Terms::of(text)
        })
    }
}
