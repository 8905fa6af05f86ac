//! The second confirmation: a sentence names one word, and the reader chooses it among six.
//!
//! Nothing is kept between asking and answering. The page carries a nonce: key id (1) | asked at, unix milliseconds, big
//! endian (6) | random (8) | the suspected form (8) | SHA-256 of its terms (32) | points against it (2) | number of
//! the question (1) | what was answered (1: 0 consent, 1 a refusal or withdrawal) | browser (8) | tag (16), in base64url
//! without padding: 111 characters. The tag is the first 16 bytes of HMAC-SHA256 under `derive(Nonce, salt = letter)` over
//! `"waxseal/v1/confirm\0"`, the letter and all bytes before it. Which six words there are, in which order, and which is
//! right follow from a second HMAC over the same bytes (`"waxseal/v1/confirm-words\0"`): whoever lacks the key has to read
//! the page.

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;

use crate::ledger::consent::{TAG, decode, is_fresh, mac};
use crate::ledger::{Binding, FormError, FormId};
use crate::token::{Keyring, Purpose, SiteKey};
use crate::types::{Kid, LetterId, UnixMillis};

/// Words in each language's list.
pub const WORDS: usize = 12;

/// Words to choose among.
pub const CHOICES: usize = 6;

/// Nobody reads a sentence, finds a word and presses a button sooner.
pub const MIN_ANSWER_MILLIS: u64 = 2_000;

const BODY: usize = 67;
const BYTES: usize = BODY + TAG;

/// What a challenge is about: the suspected answer, and how often it was challenged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChallengeState {
    /// The form that was sent.
    pub form: FormId,
    /// SHA-256 of the terms that were shown with it; zeros where none were.
    pub terms: [u8; 32],
    /// Points against it.
    pub points: u16,
    /// The number of the question about it, from 1. Stops at 255.
    pub round: u8,
    /// Whether it refused or withdrew, and did not consent.
    pub decline: bool,
    /// The browser that the question is asked in.
    pub browser: Binding,
}

/// A question, ready for the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The nonce, for a hidden field.
    pub nonce: String,
    /// Places in the language's list of words, in the order of the page.
    pub words: [usize; CHOICES],
    /// Place in `words` of the one that the sentence names.
    pub right: usize,
}

/// A question that came back, ours and no older than an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChallengeResponse {
    /// The question's own id. Takes one answer.
    pub id: FormId,
    /// When it was asked.
    pub asked_at: UnixMillis,
    /// What it was about.
    pub state: ChallengeState,
    /// How it was answered.
    pub verdict: Verdict,
}

/// How a question was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The word that the sentence names.
    Right,
    /// Another word.
    Wrong,
    /// Sooner than anybody reads. Whether it was right is not told.
    Early,
    /// No word was chosen.
    Nothing,
}

/// Makes a question. `id` is eight fresh random bytes; `site` is the active key.
pub fn ask(
    site: &SiteKey,
    letter: LetterId,
    state: &ChallengeState,
    now: UnixMillis,
    id: FormId,
) -> Challenge {
    let [_, _, asked @ ..] = now.0.to_be_bytes();
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.push(site.kid().0);
    bytes.extend_from_slice(&asked);
    bytes.extend_from_slice(&id.0);
    bytes.extend_from_slice(&state.form.0);
    bytes.extend_from_slice(&state.terms);
    bytes.extend_from_slice(&state.points.to_be_bytes());
    bytes.push(state.round);
    bytes.push(u8::from(state.decline));
    bytes.extend_from_slice(&state.browser.0);
    let key = site.derive(Purpose::Nonce, letter.as_bytes());
    let (words, right) = choices(&key, letter, &bytes);
    let tag = mac(&key, &[b"waxseal/v1/confirm\0", letter.as_bytes(), &bytes]);
    bytes.extend_from_slice(&tag);
    Challenge { nonce: BASE64URL_NOPAD.encode(&bytes), words, right }
}

/// Checks what came back: the nonce, and the place of the chosen word on the page. Tags are compared in constant time.
pub fn check(
    nonce: &str,
    choice: Option<&str>,
    keyring: &Keyring,
    letter: LetterId,
    now: UnixMillis,
) -> Result<ChallengeResponse, FormError> {
    let bytes: [u8; BYTES] = decode(nonce).ok_or(FormError::Forged)?;
    let (body, theirs) = bytes.split_first_chunk::<BODY>().ok_or(FormError::Forged)?;
    let [kid, a0, a1, a2, a3, a4, a5, rest @ ..] = *body;
    let (id, rest) = rest.split_first_chunk::<8>().ok_or(FormError::Forged)?;
    let (form, rest) = rest.split_first_chunk::<8>().ok_or(FormError::Forged)?;
    let (terms, rest) = rest.split_first_chunk::<32>().ok_or(FormError::Forged)?;
    let &[p0, p1, round, decline, b0, b1, b2, b3, b4, b5, b6, b7] = rest else {
        return Err(FormError::Forged);
    };
    let site = keyring.verifying(Kid(kid), now.seconds()).ok_or(FormError::Forged)?;
    let key = site.derive(Purpose::Nonce, letter.as_bytes());
    let tag = mac(&key, &[b"waxseal/v1/confirm\0", letter.as_bytes(), body]);
    if !bool::from(tag.as_slice().ct_eq(theirs)) {
        return Err(FormError::Forged);
    }
    let asked_at = UnixMillis(u64::from_be_bytes([0, 0, a0, a1, a2, a3, a4, a5]));
    if !is_fresh(asked_at, now) {
        return Err(FormError::Expired);
    }
    let (_, right) = choices(&key, letter, body);
    let chosen = choice.filter(|choice| choice.len() == 1).and_then(|choice| choice.parse::<usize>().ok());
    let verdict = match chosen {
        None if choice.is_none_or(str::is_empty) => Verdict::Nothing,
        _ if now.0.saturating_sub(asked_at.0) < MIN_ANSWER_MILLIS => Verdict::Early,
        Some(chosen) if chosen == right => Verdict::Right,
        _ => Verdict::Wrong,
    };
    let state = ChallengeState {
        form: FormId(*form),
        terms: *terms,
        points: u16::from_be_bytes([p0, p1]),
        round,
        decline: decline != 0,
        browser: Binding([b0, b1, b2, b3, b4, b5, b6, b7]),
    };
    Ok(ChallengeResponse { id: FormId(*id), asked_at, state, verdict })
}

/// Which words, in which order, and which of them.
fn choices(key: &[u8; 32], letter: LetterId, body: &[u8]) -> ([usize; CHOICES], usize) {
    let drawn = mac(key, &[b"waxseal/v1/confirm-words\0", letter.as_bytes(), body]);
    let mut pairs = drawn.chunks_exact(2).map(|pair| match *pair {
        [high, low] => usize::from(u16::from_be_bytes([high, low])),
        _ => 0,
    });
    let mut draw = |below: usize| pairs.next().unwrap_or_default().checked_rem(below).unwrap_or_default();
    // Each draw takes one of the words that are left.
    let mut left: Vec<usize> = (0..WORDS).collect();
    let words = core::array::from_fn(|_| {
        let at = draw(left.len());
        if at < left.len() { left.swap_remove(at) } else { 0 }
    });
    (words, draw(CHOICES))
}
