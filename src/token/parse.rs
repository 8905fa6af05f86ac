//! The 41 bytes of a token and their one spelling.

use core::fmt;

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::classify::Verified;
use super::error::{Damage, Forgery};
use super::keyring::Keyring;
use super::{crockford, site_key::SiteKey};
use crate::types::{Kid, LetterId, UnixSeconds};

/// The length of a token in bytes.
pub const TOKEN_BYTES: usize = 41;
/// The length of a token's text in characters, all of them ASCII.
pub const TOKEN_CHARS: usize = 66;

pub(super) const VERSION: u8 = 1;
const HEAD_BYTES: usize = 22;

/// A token whose form and check hold. Its tag has not been looked at: trust nothing in it before
/// [`Token::verify`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token {
    kid: Kid,
    letter: LetterId,
    not_after: UnixSeconds,
    head: [u8; HEAD_BYTES],
    tag: [u8; 16],
}

impl Token {
    /// Reads the one spelling of a token, and nothing else. Allocates nothing. A version other than 1 is no token: a
    /// reader that knows it must be there before the first is minted.
    ///
    /// # Errors
    /// A wrong length, alphabet, spare bits or check, in this order; [`Damage::Absent`] for another version.
    pub fn parse(text: &str) -> Result<Self, Damage> {
        let raw = crockford::decode_exact::<TOKEN_BYTES>(text)?;
        let (body, check) = raw.split_last_chunk::<3>().ok_or(Damage::Length)?;
        if check_of(body) != *check {
            return Err(Damage::Check);
        }
        let (head, tag) = body.split_first_chunk::<HEAD_BYTES>().ok_or(Damage::Length)?;
        let [VERSION, kid, rest @ ..] = head else { return Err(Damage::Absent) };
        let (letter, not_after) = rest.split_first_chunk::<16>().ok_or(Damage::Length)?;
        Ok(Self {
            kid: Kid(*kid),
            letter: LetterId(*letter),
            not_after: UnixSeconds(
                u32::from_be_bytes(*not_after.first_chunk().ok_or(Damage::Length)?).into(),
            ),
            head: *head,
            tag: *tag.first_chunk().ok_or(Damage::Length)?,
        })
    }

    /// Makes and signs a token.
    pub(super) fn sign(key: &SiteKey, letter: LetterId, not_after: u32) -> Self {
        let mut head = [VERSION; HEAD_BYTES];
        let fields = [VERSION, key.kid().0].into_iter().chain(letter.0).chain(not_after.to_be_bytes());
        head.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        let tag = key.token_tag(&head);
        Self { kid: key.kid(), letter, not_after: UnixSeconds(not_after.into()), head, tag }
    }

    /// The number of the key the token claims to be made with.
    pub const fn kid(&self) -> Kid {
        self.kid
    }

    /// The letter the token claims to open.
    pub const fn letter(&self) -> LetterId {
        self.letter
    }

    /// The first second in which the token no longer opens its letter.
    pub const fn not_after(&self) -> UnixSeconds {
        self.not_after
    }

    /// The token's one spelling.
    pub fn text(&self) -> TokenText {
        let mut raw = [0u8; TOKEN_BYTES];
        raw.iter_mut().zip(self.head.into_iter().chain(self.tag)).for_each(|(slot, byte)| *slot = byte);
        if let Some((body, check)) = raw.split_last_chunk_mut::<3>() {
            *check = check_of(body);
        }
        let mut text = [b'0'; TOKEN_CHARS];
        crockford::encode_into(&raw, &mut text);
        TokenText(text)
    }

    /// Verifies the tag with the key the token names, at `now`. Expiry of the token itself is not looked at.
    ///
    /// The tag is compared in constant time, and a token of an unknown key costs as much as one with a wrong
    /// tag, so the time taken does not tell which key numbers exist.
    ///
    /// # Errors
    /// [`Forgery`]: unknown key, wrong tag, or a tag that holds under a key that is retired.
    pub fn verify(&self, keyring: &Keyring, now: UnixSeconds) -> Result<Verified, Forgery> {
        let found = keyring.get(self.kid);
        let key = found.unwrap_or_else(|| keyring.active());
        let known = Choice::from(u8::from(found.is_some()));
        let holds = key.token_tag(&self.head).ct_eq(&self.tag) & known;
        if found.is_none() {
            return Err(Forgery::UnknownKey(self.kid));
        }
        if !bool::from(holds) {
            return Err(Forgery::Tag(self.kid));
        }
        if !key.verifies_at(now) {
            return Err(Forgery::RetiredKey(self.kid));
        }
        Ok(Verified { kid: self.kid, letter: self.letter, not_after: self.not_after })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("kid", &self.kid)
            .field("letter", &self.letter)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

/// The first three bytes of SHA-256: tells damage from forgery, and is no secret.
fn check_of(body: &[u8]) -> [u8; 3] {
    let mut check = [0u8; 3];
    check.iter_mut().zip(Sha256::digest(body)).for_each(|(slot, byte)| *slot = byte);
    check
}

/// A token's text: 66 characters on the stack. `Debug` does not show it, since whoever reads it can open the
/// letter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TokenText([u8; TOKEN_CHARS]);

impl TokenText {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Always ASCII, so the default is never taken.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(super) const fn from_symbols(symbols: [u8; TOKEN_CHARS]) -> Self {
        Self(symbols)
    }
}

impl AsRef<str> for TokenText {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenText(..)")
    }
}
