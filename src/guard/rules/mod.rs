//! The rules that operators write: one TOML file, checked as a whole. Every diagnostic is reported at once, with line, column
//! and what to write instead. Unknown keys are diagnostics, so that a typing error never switches a rule off silently.

mod diagnostic;
mod entries;
mod parse;
mod reader;

use serde::{Deserialize, Serialize};

use super::address::Network;
use super::settings::Settings;
use crate::types::UnixSeconds;

pub use diagnostic::{Diagnostic, RulesError};

/// The longest rules file, in bytes. Long lists belong in arrays, some 200,000 addresses fit.
pub const MAX_RULES_BYTES: usize = 4 * 1024 * 1024;

/// The most entries (`[[allow]]`, `[[deny]]`, `[[honeypot]]`) in a file.
pub const MAX_ENTRIES: usize = 10_000;

/// The most agent patterns, and the most honeypot paths with `*` or `?`: each is tried for each request.
pub const MAX_PATTERNS: usize = 512;

/// The honeypot paths that are shipped.
const SHIPPED_HONEYPOTS: &str = include_str!("../honeypots.txt");

/// A country as the platform names it: two upper-case letters or digits (ISO 3166-1, and `T1` for Tor).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(pub [u8; 2]);

impl Country {
    /// Reads a country code of any case; `None` when it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphanumeric() => {
                Some(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => None,
        }
    }
}

impl core::fmt::Display for Country {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{}", char::from(*byte)))
    }
}

/// What an entry does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Action {
    /// Never refused, never banned.
    Allow,
    /// Always the silent answer.
    Deny,
    /// Whoever asks for it is banned.
    Honeypot,
}

codes!(Action);

/// What an entry is about. Any item of the list will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matcher {
    /// Addresses and networks.
    Networks(Vec<Network>),
    /// AS numbers.
    Asns(Vec<u32>),
    /// Countries.
    Countries(Vec<Country>),
    /// User agents (see [`super::pattern`]).
    Agents(Vec<String>),
    /// Paths in their plain spelling; only in honeypots.
    Paths(Vec<String>),
}

impl Matcher {
    /// The key of the file that says it; single addresses are networks too.
    pub const fn subject(&self) -> &'static str {
        match self {
            Self::Networks(_) => "network",
            Self::Asns(_) => "asn",
            Self::Countries(_) => "country",
            Self::Agents(_) => "agent",
            Self::Paths(_) => "path",
        }
    }

    /// How many items the list has.
    pub const fn len(&self) -> usize {
        match self {
            Self::Networks(all) => all.len(),
            Self::Asns(all) => all.len(),
            Self::Countries(all) => all.len(),
            Self::Agents(all) | Self::Paths(all) => all.len(),
        }
    }

    /// Whether the list is empty; that of a checked file never is.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One item as text, by its place in the list; empty when there is none.
    pub fn item(&self, place: usize) -> String {
        let text = match self {
            Self::Networks(all) => all.get(place).map(ToString::to_string),
            Self::Asns(all) => all.get(place).map(ToString::to_string),
            Self::Countries(all) => all.get(place).map(ToString::to_string),
            Self::Agents(all) | Self::Paths(all) => all.get(place).cloned(),
        };
        text.unwrap_or_default()
    }

    /// Each item as text, in the order of the file.
    pub fn items(&self) -> impl Iterator<Item = String> + '_ {
        (0..self.len()).map(|place| self.item(place))
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it does.
    pub action: Action,
    /// What it is about.
    pub matcher: Matcher,
    /// Why it is there, in the words of operators.
    pub note: String,
    /// It counts while now < `expires`.
    pub expires: Option<UnixSeconds>,
    /// It changes nothing and is counted.
    pub dry_run: bool,
    /// The line it begins in; 0 for what is shipped.
    pub line: u32,
}

/// A checked rules file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Profile, thresholds and robots.
    pub settings: Settings,
    /// All entries: those of the file in its order, then the shipped honeypots.
    pub entries: Vec<Entry>,
}

impl Rules {
    /// Reads and checks a rules file. An empty file is the default.
    ///
    /// # Errors
    /// [`RulesError`] with every diagnostic found, in the order of the file.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        parse::parse(text)
    }
}

impl Default for Rules {
    /// What an empty file says.
    fn default() -> Self {
        Self { settings: Settings::default(), entries: vec![shipped_honeypots()] }
    }
}

fn shipped_honeypots() -> Entry {
    let lines = SHIPPED_HONEYPOTS.lines().map(str::trim);
    let paths = lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(plain).collect();
    Entry {
        action: Action::Honeypot,
        matcher: Matcher::Paths(paths),
        note: "shipped list".to_owned(),
        expires: None,
        dry_run: false,
        line: 0,
    }
}

/// A path pattern in the spelling it is compared in. `?` and `*` keep their meaning.
fn plain(path: &str) -> String {
    path.to_ascii_lowercase()
}
