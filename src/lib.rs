//! Waxseal: a sealed letter for the web.
//!
//! A backend mints links and seals reports with this crate alone. Everything in it is pure: no I/O, no clock, no
//! randomness; the time and random bytes are arguments. Two shells load facts, call one function and carry out what it
//! decided: `crates/edge` (Cloudflare Workers) and `crates/cli` (the command line).
//!
//! | to | see |
//! |---|---|
//! | mint a link, find and classify one | [`token`] |
//! | seal and open a report and its manifest | [`seal`] |
//! | decide what an event does to a letter | [`ledger`] |
//! | decide who gets an answer | [`guard`], [`bots`] |
//! | log, prove and verify what happened | [`evidence`], [`certificate`] |
//! | write pages | [`pages`], [`lang`], [`site`] |
//! | tell receivers, and verify what they are told | [`webhook`] |
//!
//! A link, valid until `end`:
//!
//! ```
//! use waxseal::token::{Keyring, mint};
//! use waxseal::types::{LetterId, UnixMillis, UnixSeconds};
//!
//! // The keyring is the edge's secret WAXSEAL_KEYS.
//! let json = r#"{"active":1,"keys":[{"id":1,"secret":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}]}"#;
//! let keyring = Keyring::from_json(json)?;
//! let (now, random) = (UnixMillis(1_770_000_000_000), [0; 10]); // from the clock and the system's generator
//! let end = UnixSeconds(now.seconds().0 + 30 * 86_400);
//! let link = format!("https://letters.example/{}", mint(keyring.active(), LetterId::v7(now, random), end)?);
//! # assert_eq!(link.len(), 24 + 66);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

/// `code()`, the stable name for logs, reports and problem documents: what `strum` derives from the variant, a field's, or
/// the one given here.
macro_rules! codes {
    ($name:ident) => {
        impl $name {
            /// The stable name, for logs, reports and problem documents.
            pub fn code(&self) -> &'static str {
                self.into()
            }
        }
    };
    ($name:ident: $field:ident) => {
        codes!(@ $name, error => error.$field.code());
    };
    ($name:ident = $code:literal) => {
        codes!(@ $name, _error => $code);
    };
    (@ $name:ident, $error:ident => $code:expr) => {
        codes!($name);
        impl From<$name> for &'static str {
            fn from(error: $name) -> Self {
                error.code()
            }
        }
        impl From<&$name> for &'static str {
            fn from($error: &$name) -> Self {
                $code
            }
        }
    };
}

/// For serde: a text, as it displays and parses.
macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

pub mod api;
pub mod bots;
pub mod certificate;
pub mod evidence;
pub mod guard;
pub mod lang;
pub mod ledger;
pub mod message;
#[cfg(feature = "pages")]
pub mod pages;
pub mod seal;
pub mod site;
pub mod token;
pub mod types;
pub mod webhook;
