//! The signed token in a link: mint, find in any text, classify; and the keyring everything is derived from.
//!
//! A token says which letter a link opens and until when, and proves that a holder of the site secret made
//! it. It is 41 bytes, spelled as 66 characters of lower-case Crockford base32, and has exactly one
//! spelling. The specification, with a worked example, is `docs/TOKEN.md`; the public test vectors are
//! `tests/vectors/token.json` and `tests/vectors/links.json`.
//!
//! What this folder promises: [`classify()`] never panics and allocates nothing; it does the same work for a
//! wrong tag and for an unknown key; the tag is compared in constant time; nothing here prints a secret, a
//! token's text or a fragment through `Debug`.

mod api_key;
mod classify;
mod creation;
pub mod crockford;
mod customer;
mod error;
mod find;
mod keyring;
mod mint;
mod parse;
mod reader;
mod site_key;

pub use api_key::{ApiKeyError, ApiKeyId, IssuedKey, bearer, hashes_match};
pub use classify::{Class, CleanPath, LinkAction, PATH_BYTES_MAX, Verified, action, classify};
pub use creation::{Creation, CreationKey};
pub use customer::{Nfc, customer_reference};
pub use error::{Damage, Forgery};
pub use find::{FoundLink, find_link, find_link_in_target};
pub use keyring::{Keyring, KeyringError, RotateError};
pub use mint::{MintError, mint};
pub use parse::{TOKEN_BYTES, TOKEN_CHARS, Token, TokenText};
pub use reader::FRAGMENT_CHARS;
pub use site_key::{Purpose, SiteKey};
