//! The cookie by which a browser proves that it consented: bound to the letter and to the consent event.
//!
//! Name: `__Host-waxseal-` and the first 8 hexadecimal digits of SHA-256 over `"waxseal/v1/cookie-name\0"` and the
//! letter, so that letters do not share one. Value: key id (1) | consent event id (16) | tag (16) in base64url without
//! padding, 44 characters. The tag is the first 16 bytes of HMAC-SHA256 under `derive(Cookie, salt = letter)` over
//! `"waxseal/v1/cookie\0"`, the letter, the key id and the event id. It says nothing about the person and nothing to
//! other sites. A genuine cookie is not enough for the letter: the consent must still stand on the ledger.

use core::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::consent::{TAG, decode, mac};
use super::events::{ConsentId, EventId};
use crate::token::{Keyring, Purpose, SiteKey};
use crate::types::{Kid, LetterId, UnixSeconds};

/// Length of the value in characters.
pub const COOKIE_CHARS: usize = 44;

/// A longer `Cookie` header is not searched. Browsers keep far below it.
pub const MAX_COOKIE_HEADER: usize = 16 * 1024;

/// A header may repeat a name; this many values are tried.
const MAX_TRIES: usize = 4;

const PREFIX: &str = "__Host-waxseal-";
const NAME_CHARS: usize = PREFIX.len() + 8;
const BYTES: usize = 1 + 16 + TAG;

/// The name of a letter's cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CookieName([u8; NAME_CHARS]);

impl CookieName {
    /// The name for this letter.
    pub fn of(letter: LetterId) -> Self {
        let digest = Sha256::new().chain_update(b"waxseal/v1/cookie-name\0").chain_update(letter.as_bytes());
        let digits = digest.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit);
        let mut name = [0; NAME_CHARS];
        name.iter_mut().zip(PREFIX.bytes().chain(digits)).for_each(|(to, from)| *to = from);
        Self(name)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII goes in, so the fallback is never taken.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

const fn hex_digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// The value that proves this consent. `site` is the active key.
pub fn cookie_value(site: &SiteKey, letter: LetterId, consent: ConsentId) -> String {
    let kid = site.kid();
    let tag = tag(site, letter, kid, consent);
    BASE64URL_NOPAD.encode(&[[kid.0].as_slice(), consent.as_bytes(), &tag].concat())
}

/// The consent that a value proves for this letter, compared in constant time. `None` for anything else.
pub fn check_cookie(value: &str, keyring: &Keyring, letter: LetterId, now: UnixSeconds) -> Option<ConsentId> {
    let [kid, rest @ ..] = decode::<BYTES>(value)?;
    let (id, theirs) = rest.split_first_chunk::<16>()?;
    let consent = ConsentId(EventId(*id));
    let site = keyring.verifying(Kid(kid), now)?;
    bool::from(tag(site, letter, Kid(kid), consent).as_slice().ct_eq(theirs)).then_some(consent)
}

/// Finds this letter's cookie in a `Cookie` header (RFC 6265, section 4.2) and checks it. Takes any input, in one
/// pass, without allocating.
pub fn consent_of(header: &str, keyring: &Keyring, letter: LetterId, now: UnixSeconds) -> Option<ConsentId> {
    if header.len() > MAX_COOKIE_HEADER {
        return None;
    }
    let name = CookieName::of(letter);
    header
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| key.trim_matches([' ', '\t']) == name.as_str())
        .take(MAX_TRIES)
        .find_map(|(_, value)| check_cookie(value.trim_matches([' ', '\t']), keyring, letter, now))
}

/// The `Set-Cookie` header that gives a browser its consent, for `max_age` seconds. `Lax`, so that the link in a mail
/// program finds it again.
pub fn set_cookie(site: &SiteKey, letter: LetterId, consent: ConsentId, max_age: u64) -> String {
    let name = CookieName::of(letter);
    let value = cookie_value(site, letter, consent);
    format!("{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax")
}

/// The `Set-Cookie` header that takes it away again, after a withdrawal.
pub fn clear_cookie(letter: LetterId) -> String {
    format!("{}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax", CookieName::of(letter))
}

fn tag(site: &SiteKey, letter: LetterId, kid: Kid, consent: ConsentId) -> [u8; TAG] {
    let key = site.derive(Purpose::Cookie, letter.as_bytes());
    mac(&key, &[b"waxseal/v1/cookie\0", letter.as_bytes(), &[kid.0], consent.as_bytes()])
}
