//! Protection of the forms: a nonce that only we can issue, for this letter, these terms and the next hour.
//!
//! Bytes: key id (1) | issued at, unix milliseconds, big endian (6) | random (8) | browser (8) | SHA-256 of the terms shown
//! (32) | tag (16), in base64url without padding: 95 characters. The tag is the first 16 bytes of HMAC-SHA256 under
//! `derive(Nonce, salt = letter)` over the purpose's domain ([`FormPurpose`]), the letter and all bytes before it. The terms
//! travel in the nonce so that a refusal, whose form names none, records which terms were refused. *Browser* is a hash of
//! the cookie that the browser got with the page ([`FormCookie`](super::cookie::FormCookie)): a nonce that somebody got for
//! themselves does not fit the cookie of the person in whose name they send it.

use core::fmt;

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::token::{Keyring, Purpose, SiteKey};
use crate::types::{Kid, LetterId, UnixMillis};

/// A form may be sent back for this many seconds after it was shown: an hour.
pub const FORM_SECONDS: u64 = 3600;

/// Length of the nonce in characters.
pub const FORM_CHARS: usize = 95;

/// Isolates' clocks may differ by this many seconds.
const SKEW_SECONDS: u64 = 300;

const BODY: usize = 55;
const BYTES: usize = BODY + TAG;
pub(crate) const TAG: usize = 16;

/// The random part of a nonce. Two posts of the same form are one consent; two forms are two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FormId(#[serde(with = "crate::types::hex")] pub [u8; 8]);

/// A nonce as text, ready for a hidden form field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FormText([u8; FORM_CHARS]);

impl FormText {
    /// The 95 characters.
    pub fn as_str(&self) -> &str {
        // Base64 is ASCII, so the fallback is never taken.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for FormText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for FormText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FormText(..)")
    }
}

/// What a form is for. A nonce issued for one purpose is worth nothing for another: the letter page's never buys a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormPurpose {
    /// The envelope's: consent to the terms beside it, or refuse.
    Consent,
    /// Withdraw, or refuse, where no terms are shown.
    Decline,
    /// Take that back.
    Undo,
}

impl FormPurpose {
    /// The domain that the tag is made under.
    const fn domain(self) -> &'static [u8] {
        match self {
            Self::Consent => b"waxseal/v1/form\0",
            Self::Decline => b"waxseal/v1/decline\0",
            Self::Undo => b"waxseal/v1/undo\0",
        }
    }
}

/// A form whose nonce is ours and fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Which form.
    pub id: FormId,
    /// When it was shown.
    pub issued_at: UnixMillis,
    /// The browser that it was shown in.
    pub browser: Binding,
    /// SHA-256 of the terms that were shown with it.
    pub terms: [u8; 32],
}

/// A hash of the cookie that a browser got with a page; zeros where there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Binding(#[serde(with = "crate::types::hex")] pub [u8; 8]);

impl Binding {
    /// Whether the browser that sends this cookie's hash is the one that the page was made for.
    pub fn is(self, browser: Option<Self>) -> bool {
        browser.is_some_and(|browser| bool::from(self.0.ct_eq(&browser.0)))
    }
}

/// Why a form is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "form_")]
pub enum FormError {
    /// Not a nonce at all, or one of another letter, or tampered with. Show the page again.
    #[error("the form was not issued by this site for this letter")]
    Forged,
    /// Ours, but shown more than an hour ago. Show the page again and say so kindly.
    #[error("the form was shown more than an hour ago")]
    Expired,
    /// Ours and fresh, but the terms sent back are not the ones that were shown.
    #[error("the terms agreed to are not the terms that were shown")]
    OtherTerms,
}

codes!(FormError);

impl Form {
    /// Whether the posted terms are the ones this form showed.
    pub fn check_terms(&self, posted: &[u8; 32]) -> Result<(), FormError> {
        if bool::from(self.terms.ct_eq(posted)) { Ok(()) } else { Err(FormError::OtherTerms) }
    }
}

/// Issues a nonce for the forms on one page. `form.id` is eight fresh random bytes; `site` is the active key.
pub fn mint_form(site: &SiteKey, letter: LetterId, purpose: FormPurpose, form: &Form) -> FormText {
    let [_, _, issued @ ..] = form.issued_at.0.to_be_bytes();
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.push(site.kid().0);
    bytes.extend_from_slice(&issued);
    bytes.extend_from_slice(&form.id.0);
    bytes.extend_from_slice(&form.browser.0);
    bytes.extend_from_slice(&form.terms);
    let tag = tag(site, letter, purpose, &bytes);
    bytes.extend_from_slice(&tag);
    let mut text = [b'A'; FORM_CHARS];
    BASE64URL_NOPAD.encode_mut(&bytes, &mut text);
    FormText(text)
}

/// Checks a nonce that came back. Tags are compared in constant time.
pub fn check_form(
    text: &str,
    keyring: &Keyring,
    letter: LetterId,
    purpose: FormPurpose,
    now: UnixMillis,
) -> Result<Form, FormError> {
    let bytes: [u8; BYTES] = decode(text).ok_or(FormError::Forged)?;
    let (body, theirs) = bytes.split_first_chunk::<BODY>().ok_or(FormError::Forged)?;
    let [kid, i0, i1, i2, i3, i4, i5, rest @ ..] = *body;
    let (form, rest) = rest.split_first_chunk::<8>().ok_or(FormError::Forged)?;
    let (browser, terms) = rest.split_first_chunk::<8>().ok_or(FormError::Forged)?;
    let site = keyring.verifying(Kid(kid), now.seconds()).ok_or(FormError::Forged)?;
    if !bool::from(tag(site, letter, purpose, body).as_slice().ct_eq(theirs)) {
        return Err(FormError::Forged);
    }
    let issued_at = UnixMillis(u64::from_be_bytes([0, 0, i0, i1, i2, i3, i4, i5]));
    if !is_fresh(issued_at, now) {
        return Err(FormError::Expired);
    }
    let terms = terms.try_into().map_err(|_| FormError::Forged)?;
    Ok(Form { id: FormId(*form), issued_at, browser: Binding(*browser), terms })
}

/// Whether what was shown at `issued_at` may still be answered.
pub(crate) fn is_fresh(issued_at: UnixMillis, now: UnixMillis) -> bool {
    now.0 < issued_at.0.saturating_add(FORM_SECONDS * 1000)
        && issued_at.0 <= now.0.saturating_add(SKEW_SECONDS * 1000)
}

/// Decodes base64url of exactly N bytes without allocating; spare bits must be zero.
pub(crate) fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut room = [0u8; 96];
    let length = BASE64URL_NOPAD.decode_len(text.len()).ok().filter(|length| *length == N)?;
    let room = room.get_mut(..length)?;
    BASE64URL_NOPAD.decode_mut(text.as_bytes(), room).ok()?;
    (&*room).try_into().ok()
}

fn tag(site: &SiteKey, letter: LetterId, purpose: FormPurpose, body: &[u8]) -> [u8; TAG] {
    mac(&site.derive(Purpose::Nonce, letter.as_bytes()), &[purpose.domain(), letter.as_bytes(), body])
}

/// The first 16 bytes of HMAC-SHA256 over the parts. Every part but the last has a fixed length, or ends with a zero that it
/// does not hold otherwise.
pub(crate) fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; TAG] {
    // HMAC fills short keys up with zeros (RFC 2104); doing it here leaves nothing that could fail.
    let mut block = Zeroizing::new([0u8; 64]);
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
    for part in parts {
        mac.update(part);
    }
    let full: [u8; 32] = mac.finalize().into_bytes().into();
    let mut tag = [0; TAG];
    tag.iter_mut().zip(full).for_each(|(to, from)| *to = from);
    tag
}
