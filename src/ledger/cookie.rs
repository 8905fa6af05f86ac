//! The cookies of a letter. They say nothing about the person and nothing to other sites.
//!
//! - *Consent*, `__Host-waxseal-`: the browser consented. Bound to the letter and to the consent event. Value: key id (1) |
//!   consent event id (16) | tag (16) in base64url without padding, 44 characters. The tag is the first 16 bytes of
//!   HMAC-SHA256 under `derive(Cookie, salt = letter)` over `"waxseal/v1/cookie\0"`, the letter, the key id and the event
//!   id. A genuine cookie is not enough for the letter: the consent must still stand on the ledger.
//! - *Form*, `__Host-waxseal-form-`: the browser got a page of this letter with a form on it. Value: 16 random bytes, 22
//!   characters. The form's nonce holds a hash of it ([`Binding`]), so it needs no tag. Ends with the browser's session.
//!
//! Behind the prefix come the first 8 hexadecimal digits of SHA-256 over `"waxseal/v1/cookie-name\0"` and the letter, so that
//! letters do not share one.

use core::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::consent::{Binding, TAG, decode, mac};
use super::events::{ConsentId, EventId};
use crate::token::{Keyring, Purpose, SiteKey};
use crate::types::{Kid, LetterId, UnixSeconds};

/// Length in characters of the value that proves a consent.
pub const COOKIE_CHARS: usize = 44;

/// A longer `Cookie` header is not searched. Browsers keep far below it.
pub const MAX_COOKIE_HEADER: usize = 16 * 1024;

/// A header may repeat a name; this many values are tried.
const MAX_TRIES: usize = 4;

const BYTES: usize = 1 + 16 + TAG;

/// The name of one of a letter's cookies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieName(String);

impl CookieName {
    /// The name of this letter's consent cookie.
    pub fn of(letter: LetterId) -> Self {
        Self::new("__Host-waxseal-", letter)
    }

    /// The name of the cookie that comes with this letter's forms.
    pub fn form(letter: LetterId) -> Self {
        Self::new("__Host-waxseal-form-", letter)
    }

    fn new(prefix: &str, letter: LetterId) -> Self {
        let digest = Sha256::new().chain_update(b"waxseal/v1/cookie-name\0").chain_update(letter.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = digest.finalize().into();
        Self(format!("{prefix}{}", HEXLOWER.encode(&[a, b, c, d])))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The values of this name in a `Cookie` header (RFC 6265, section 4.2). Takes any input, in one pass.
    fn values<'a>(&'a self, header: &'a str) -> impl Iterator<Item = &'a str> {
        let header = if header.len() > MAX_COOKIE_HEADER { "" } else { header };
        header
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(key, _)| key.trim_matches([' ', '\t']) == self.as_str())
            .take(MAX_TRIES)
            .map(|(_, value)| value.trim_matches([' ', '\t']))
    }
}

impl fmt::Display for CookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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

/// Finds this letter's consent in a `Cookie` header and checks it.
pub fn consent_of(header: &str, keyring: &Keyring, letter: LetterId, now: UnixSeconds) -> Option<ConsentId> {
    CookieName::of(letter).values(header).find_map(|value| check_cookie(value, keyring, letter, now))
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

/// What a browser that got a form is known by, until its session ends: 16 random bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FormCookie(pub [u8; 16]);

impl FormCookie {
    /// Finds this letter's form cookie in a `Cookie` header.
    pub fn find(header: &str, letter: LetterId) -> Option<Self> {
        CookieName::form(letter).values(header).find_map(decode).map(Self)
    }

    /// The `Set-Cookie` header. `Lax`, so that whoever comes by the link of a mail again keeps it, and the form that lies
    /// open in another tab stays good.
    pub fn set(&self, letter: LetterId) -> String {
        let (name, value) = (CookieName::form(letter), BASE64URL_NOPAD.encode(&self.0));
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax")
    }

    /// What a nonce holds of it: the first 8 bytes of SHA-256 over `"waxseal/v1/form-cookie\0"` and the value.
    pub fn binding(&self) -> Binding {
        let digest = Sha256::new().chain_update(b"waxseal/v1/form-cookie\0").chain_update(self.0);
        let [a, b, c, d, e, f, g, h, ..]: [u8; 32] = digest.finalize().into();
        Binding([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for FormCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormCookie(..)")
    }
}

fn tag(site: &SiteKey, letter: LetterId, kid: Kid, consent: ConsentId) -> [u8; TAG] {
    let key = site.derive(Purpose::Cookie, letter.as_bytes());
    mac(&key, &[b"waxseal/v1/cookie\0", letter.as_bytes(), &[kid.0], consent.as_bytes()])
}
