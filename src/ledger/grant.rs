//! The right to fetch the report without a cookie, for ten minutes: a letter page's download link carries it, for the
//! download manager of a view inside an app, which has the link and nothing else.
//!
//! Bytes: key id (1) | good until, unix milliseconds, big endian (6) | consent event id (16) | tag (16), in base64url without
//! padding: 52 characters. The tag is the first 16 bytes of HMAC-SHA256 under `derive(Cookie, salt = letter)` over
//! `"waxseal/v1/grant\0"`, the letter and all bytes before it. As with the cookie, the consent must still stand on the ledger.

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use super::consent::{TAG, decode, mac};
use super::events::{ConsentId, EventId};
use crate::token::{Keyring, Purpose, SiteKey};
use crate::types::{Kid, LetterId, UnixMillis};

/// A grant begins a download for this many seconds after its page was made: ten minutes.
pub const GRANT_SECONDS: u64 = 600;

/// For so many seconds more a download that was broken off may be resumed by it: an hour. Whoever resumes names the entity
/// tag of the report, which came with its first bytes.
pub const RESUME_SECONDS: u64 = 3600;

const DOMAIN: &[u8] = b"waxseal/v1/grant\0";
const BODY: usize = 1 + 6 + 16;
const BYTES: usize = BODY + TAG;

/// What a grant is still good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// The report, from any byte.
    Whole(ConsentId),
    /// The rest of a report whose beginning was fetched.
    Rest(ConsentId),
}

/// The grant for this letter under this consent. `site` is the active key.
pub fn mint_grant(site: &SiteKey, letter: LetterId, consent: ConsentId, now: UnixMillis) -> String {
    let [_, _, until @ ..] = now.0.saturating_add(GRANT_SECONDS * 1000).to_be_bytes();
    let body = [[site.kid().0].as_slice(), &until, consent.as_bytes()].concat();
    let tag = tag(site, letter, &body);
    BASE64URL_NOPAD.encode(&[body.as_slice(), &tag].concat())
}

/// What this text grants for this letter at `now`, compared in constant time. `None` for anything else.
pub fn check_grant(text: &str, keyring: &Keyring, letter: LetterId, now: UnixMillis) -> Option<Granted> {
    let bytes = decode::<BYTES>(text)?;
    let (body, theirs) = bytes.split_first_chunk::<BODY>()?;
    let [kid, u0, u1, u2, u3, u4, u5, id @ ..] = *body;
    let site = keyring.verifying(Kid(kid), now.seconds())?;
    if !bool::from(tag(site, letter, body).as_slice().ct_eq(theirs)) {
        return None;
    }
    let until = u64::from_be_bytes([0, 0, u0, u1, u2, u3, u4, u5]);
    let consent = ConsentId(EventId(id));
    if now.0 < until {
        return Some(Granted::Whole(consent));
    }
    (now.0 < until.saturating_add(RESUME_SECONDS * 1000)).then_some(Granted::Rest(consent))
}

fn tag(site: &SiteKey, letter: LetterId, body: &[u8]) -> [u8; TAG] {
    mac(&site.derive(Purpose::Cookie, letter.as_bytes()), &[DOMAIN, letter.as_bytes(), body])
}
