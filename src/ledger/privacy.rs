//! Personal details: sealed under a key of that letter alone, so that destroying the key erases them.
//!
//! The letter's key is random and wrapped under a key derived from the site secret. Neither a stolen ledger nor a
//! stolen site secret shows a detail; and once the wrapped key is deleted, both together do not either.

use aes_gcm::Aes256Gcm;
use aes_gcm::aead::{Aead, KeyInit, Payload};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::events::{ConsentId, Event, EventId, Kind, NewEvent};
use crate::token::{Keyring, Purpose, SiteKey};
use crate::types::{Kid, LetterId, UnixSeconds};

const NONCE: usize = 12;
const TAG: usize = 16;
const KEY: usize = 32;

/// Length in bytes of a wrapped letter key: nonce, key, tag.
pub const WRAPPED_BYTES: usize = NONCE + KEY + TAG;

/// Longest text kept of a request header, in bytes. What comes in is the sender's choice; what we keep is ours.
pub const MAX_HEADER_BYTES: usize = 512;

/// Longest text kept of a short field such as a country or an address, in bytes.
pub const MAX_FIELD_BYTES: usize = 128;

/// Sealing or opening of details or of a letter's key failed. Nothing says why in detail: it would help an attacker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum PrivacyError {
    /// The details could not be written as JSON or encrypted.
    #[error("the details could not be encrypted")]
    #[strum(to_string = "details_not_sealed")]
    Seal,
    /// The details were not sealed by this key for this event.
    #[error("the details do not open with this letter's key")]
    #[strum(to_string = "details_not_opened")]
    Open,
    /// What was sealed is not JSON of the details.
    #[error("the details are not in a known format")]
    #[strum(to_string = "details_bad_format")]
    Format,
    /// The site key with this number is not in the keyring.
    #[error("the keyring has no key {0}")]
    #[strum(to_string = "letter_key_unknown_kid")]
    UnknownKey(Kid),
    /// The wrapped key is not one of this letter under that site key.
    #[error("the letter's key does not unwrap")]
    #[strum(to_string = "letter_key_not_unwrapped")]
    Unwrap,
}

codes!(PrivacyError);

/// What is known about the request behind an event. Every field may be missing; unknown fields are ignored, so that
/// later versions can add some.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Details {
    /// The connecting address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The `User-Agent` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// Number of the network (autonomous system).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asn: Option<u32>,
    /// Name of the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_name: Option<String>,
    /// Country, ISO 3166-1 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The `Accept-Language` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_language: Option<String>,
    /// Whether a `Referer` came along; its content is never kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer_present: Option<bool>,
    /// The `Sec-Fetch-Site` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sec_fetch_site: Option<String>,
    /// The `Sec-Fetch-Mode` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sec_fetch_mode: Option<String>,
    /// The `Sec-Fetch-Dest` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sec_fetch_dest: Option<String>,
    /// The `Sec-Fetch-User` header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sec_fetch_user: Option<String>,
    /// Which robot it says it is, when it says so; in `robot_suspected` the signs that gave it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub robot: Option<String>,
    /// Points of suspicion against the answer (see `robots`), when there were enough to ask once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspicion: Option<u16>,
    /// How a suspected answer was confirmed, or what became of the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<String>,
    /// Language of the page that was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// When the form was shown whose answer this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub form_issued_at: Option<UnixSeconds>,
    /// The salt of the letter's names ([`Names`](super::Names)), in the details of `sealed`: 64 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names_salt: Option<String>,
    /// Bytes of the letter sent. Set from the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether the answer was sent to its end. Set from the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complete: Option<bool>,
    /// The consent that the bytes were sent under. Set from the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<ConsentId>,
    /// SHA-256 of the letter's plaintext in hexadecimal, for `sealed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Details {
    /// These details with every text cut to what is kept.
    fn bounded(&self) -> Self {
        let mut kept = self.clone();
        for text in [&mut kept.user_agent, &mut kept.accept_language] {
            cut(text, MAX_HEADER_BYTES);
        }
        for text in [
            &mut kept.ip,
            &mut kept.as_name,
            &mut kept.country,
            &mut kept.sec_fetch_site,
            &mut kept.sec_fetch_mode,
            &mut kept.sec_fetch_dest,
            &mut kept.sec_fetch_user,
            &mut kept.robot,
            &mut kept.confirmed,
            &mut kept.language,
            &mut kept.sha256,
        ] {
            cut(text, MAX_FIELD_BYTES);
        }
        kept
    }
}

fn cut(text: &mut Option<String>, most: usize) {
    if let Some(text) = text {
        text.truncate(text.floor_char_boundary(most));
    }
}

/// The key of one letter's personal details. Never shown, wiped when dropped.
pub struct LetterKey(Zeroizing<[u8; KEY]>);

impl core::fmt::Debug for LetterKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("LetterKey(..)")
    }
}

impl LetterKey {
    /// A new key from 32 bytes of the system's random generator; the caller's copy is wiped.
    pub fn new(random: &mut [u8; KEY]) -> Self {
        let key = Self(Zeroizing::new(*random));
        random.zeroize();
        key
    }

    /// The key itself, to go into a bundle of evidence whose reader is to see this letter's details. It opens the
    /// details of this letter and nothing else.
    pub fn disclose(&self) -> Zeroizing<[u8; KEY]> {
        self.0.clone()
    }

    /// Wraps the key for storage. `site` is the active site key; `nonce` is random and used once.
    pub fn wrap(
        &self,
        site: &SiteKey,
        letter: LetterId,
        nonce: [u8; NONCE],
    ) -> Result<WrappedKey, PrivacyError> {
        let wrapping = site.derive(Purpose::Ledger, letter.as_bytes());
        let kid = site.kid();
        let sealed = seal(&wrapping, nonce, self.0.as_slice(), &wrap_context(letter, kid))?;
        let bytes = sealed.try_into().map_err(|_| PrivacyError::Seal)?;
        Ok(WrappedKey { kid, bytes })
    }

    /// Seals details for an event that is about to be number `seq`; the facts of the command win over the details.
    pub(super) fn seal(
        &self,
        letter: LetterId,
        seq: u64,
        new: &NewEvent,
        details: &Details,
    ) -> Result<Vec<u8>, PrivacyError> {
        let mut details = details.bounded();
        details.bytes = new.facts.bytes.or(details.bytes);
        details.complete = new.facts.complete.or(details.complete);
        details.consent = new.facts.consent.or(details.consent);
        if new.kind == Kind::RobotSuspected && details.confirmed.take().is_some() {
            // Right, but of a question that took no further answer.
            details.robot.get_or_insert_with(|| "used_question".to_owned());
        }
        let json = Zeroizing::new(serde_json::to_vec(&details).map_err(|_| PrivacyError::Seal)?);
        seal(&self.0, new.nonce, &json, &event_context(letter, seq, new.id, new.kind))
    }

    /// Opens an event's details. `None` when it has none.
    pub fn open(&self, letter: LetterId, event: &Event) -> Result<Option<Details>, PrivacyError> {
        if event.sealed.is_empty() {
            return Ok(None);
        }
        let context = event_context(letter, event.seq, event.id, event.kind);
        let json = open(&self.0, &event.sealed, &context).ok_or(PrivacyError::Open)?;
        let json = core::str::from_utf8(&json).map_err(|_| PrivacyError::Format)?;
        serde_json::from_str(json).map(Some).map_err(|_| PrivacyError::Format)
    }
}

/// A letter's key as it is stored. Deleting this, and every copy of it, is what erasure is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// The site key that wraps it.
    pub kid: Kid,
    /// Nonce, encrypted key, tag.
    pub bytes: [u8; WRAPPED_BYTES],
}

impl WrappedKey {
    /// From the stored number and bytes.
    pub fn from_stored(kid: Kid, bytes: &[u8]) -> Result<Self, PrivacyError> {
        Ok(Self { kid, bytes: bytes.try_into().map_err(|_| PrivacyError::Unwrap)? })
    }

    /// Unwraps the letter's key. A site key past its date still unwraps, as long as the keyring has it.
    pub fn unwrap(&self, keyring: &Keyring, letter: LetterId) -> Result<LetterKey, PrivacyError> {
        let site = keyring.get(self.kid).ok_or(PrivacyError::UnknownKey(self.kid))?;
        let wrapping = site.derive(Purpose::Ledger, letter.as_bytes());
        let key =
            open(&wrapping, &self.bytes, &wrap_context(letter, self.kid)).ok_or(PrivacyError::Unwrap)?;
        let key: [u8; KEY] = key.as_slice().try_into().map_err(|_| PrivacyError::Unwrap)?;
        Ok(LetterKey(Zeroizing::new(key)))
    }
}

fn wrap_context(letter: LetterId, kid: Kid) -> Vec<u8> {
    [b"waxseal/v1/letter-key\0".as_slice(), letter.as_bytes(), &[kid.0]].concat()
}

fn event_context(letter: LetterId, seq: u64, id: EventId, kind: Kind) -> Vec<u8> {
    let kind = kind.as_str().as_bytes();
    [b"waxseal/v1/details\0".as_slice(), letter.as_bytes(), &seq.to_be_bytes(), id.as_bytes(), kind].concat()
}

fn seal(key: &[u8; KEY], nonce: [u8; NONCE], plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, PrivacyError> {
    let cipher = Aes256Gcm::new(key.into());
    let sealed =
        cipher.encrypt(&nonce.into(), Payload { msg: plain, aad }).map_err(|_| PrivacyError::Seal)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

fn open(key: &[u8; KEY], sealed: &[u8], aad: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, msg) = sealed.split_first_chunk::<NONCE>()?;
    Aes256Gcm::new(key.into()).decrypt(nonce.into(), Payload { msg, aad }).ok().map(Zeroizing::new)
}
