//! The texts of messages: those of the project, and a sender's own before them.

use core::fmt::Display;
use std::collections::BTreeMap;

use toml::de::DeTable;

use crate::lang::{Lang, fill};

/// In the order of [`Lang::ALL`].
const SHIPPED: [&str; Lang::COUNT] = [
    include_str!("../../locales/message/en.toml"),
    include_str!("../../locales/message/nl.toml"),
    include_str!("../../locales/message/fr.toml"),
    include_str!("../../locales/message/de.toml"),
];

/// The texts of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts(BTreeMap<String, String>);

/// Why a sender's own texts cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "texts_")]
pub enum TextsError {
    /// Not TOML, or not a text for each key. The message names line and column.
    #[error("the texts are not a list of `key = \"text\"`: {0}")]
    Malformed(String),
    /// There is no such text.
    #[error("there is no text `{key}`; there are {known}")]
    Unknown {
        /// What was given.
        key: String,
        /// The keys that there are.
        known: String,
    },
    /// The text has another set of placeholders than the one it replaces.
    #[error("the text `{key}` must have {wanted}, each once, and no other placeholder")]
    Placeholders {
        /// The text.
        key: String,
        /// What it must have.
        wanted: String,
    },
    /// The text is empty.
    #[error("the text `{0}` is empty")]
    Empty(String),
    /// The text has a line break, or another character that nobody sees.
    #[error("the text `{0}` is more than one line, or has characters that nobody sees")]
    Lines(String),
    /// `months` is not twelve names.
    #[error("`months` is the twelve names of the months with commas between them")]
    Months,
}

codes!(TextsError);

impl Texts {
    /// Those of the project.
    pub fn of(lang: Lang) -> Self {
        // A test reads all of them, and that each language has every key.
        Self(table(lang.of::<&str>(&SHIPPED)).unwrap_or_default())
    }

    /// These, and a sender's own, in TOML, in place of some of them.
    ///
    /// # Errors
    /// What is wrong with the sender's own.
    pub fn with(mut self, own: &str) -> Result<Self, TextsError> {
        for (key, text) in table(own)? {
            let Some(shipped) = self.0.get(&key) else {
                let known = self.0.keys().cloned().collect::<Vec<_>>().join(", ");
                return Err(TextsError::Unknown { key, known });
            };
            if text.trim().is_empty() {
                return Err(TextsError::Empty(key));
            }
            if text.chars().any(char::is_control) {
                return Err(TextsError::Lines(key));
            }
            if key == "months" && text.split(',').filter(|month| !month.trim().is_empty()).count() != 12 {
                return Err(TextsError::Months);
            }
            let wanted = placeholders(shipped);
            if placeholders(&text) != wanted {
                let wanted =
                    if wanted.is_empty() { "no placeholder".to_owned() } else { wanted.join(" and ") };
                return Err(TextsError::Placeholders { key, wanted });
            }
            self.0.insert(key, text);
        }
        Ok(self)
    }

    /// A text as it stands.
    pub(super) fn get(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    /// A text with its placeholders filled.
    pub(super) fn fill(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        fill(self.get(key), values)
    }
}

fn table(text: &str) -> Result<BTreeMap<String, String>, TextsError> {
    let table = DeTable::parse(text).map_err(|error| TextsError::Malformed(error.to_string()))?;
    let mut texts = BTreeMap::new();
    for (key, value) in table.get_ref() {
        let Some(found) = value.get_ref().as_str() else {
            let line = text.get(..value.span().start).unwrap_or_default().lines().count().max(1);
            return Err(TextsError::Malformed(format!("`{}` in line {line} is no text", key.get_ref())));
        };
        texts.insert(key.get_ref().to_string(), found.to_owned());
    }
    Ok(texts)
}

/// What stands in braces, in alphabetical order.
fn placeholders(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| format!("{{{name}}}"))
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_text_with_the_same_placeholders() {
        let english = Texts::of(Lang::En);
        assert!(english.0.len() > 10);
        for lang in Lang::ALL {
            // As if it were a sender's own: nothing unknown, empty, or filled otherwise.
            let texts = english.clone().with(lang.of::<&str>(&SHIPPED)).unwrap();
            assert_eq!(texts, Texts::of(lang), "{lang} has all of them");
        }
    }

    #[test]
    fn a_senders_own_go_before_and_are_checked() {
        let texts = Texts::of(Lang::En);
        let own = texts.clone().with("open = \"Read it\"").unwrap();
        assert_eq!((own.get("open"), own.get("about")), ("Read it", "Subject"));
        let error = |own: &str| texts.clone().with(own).unwrap_err().to_string();
        assert!(error("open = 1").contains("line 1"), "{}", error("open = 1"));
        assert!(error("opne = \"x\"").contains("there is no text `opne`; there are about, choice"));
        assert_eq!(error("open = \" \""), "the text `open` is empty");
        let lines = "the text `subject` is more than one line, or has characters that nobody sees";
        assert_eq!(error("subject = \"{sender}\\nBcc: x {subject}\""), lines);
        let placeholders =
            "the text `sms` must have {link} and {sender} and {subject}, each once, and no other placeholder";
        assert_eq!(error("sms = \"{sender}: {subject}\""), placeholders);
        assert_eq!(error("sms = \"{sender}: {subject} {link} {link}\""), placeholders);
        assert!(error("months = \"a,b\"").contains("twelve"));
    }
}
