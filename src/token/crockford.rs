//! Crockford's base32 in lower case without padding, most significant bit first.
//!
//! The alphabet `0123456789abcdefghjkmnpqrstvwxyz` leaves out `i`, `l`, `o` and `u`, so that mail, scanners
//! and people who retype it have less to get wrong. Tokens, end-to-end keys and API keys are spelled in it.
//! Decoding looks up a table, so its time may depend on the text: do not decode a secret that is not
//! already in the hands of whoever sent it.

use data_encoding::{DecodeKind, DecodePartial, Encoding};
use data_encoding_macro::new_encoding;

const EXACT: Encoding = new_encoding! {
    symbols: "0123456789abcdefghjkmnpqrstvwxyz",
};

const LENIENT: Encoding = new_encoding! {
    symbols: "0123456789abcdefghjkmnpqrstvwxyz",
    translate_from: "ABCDEFGHJKMNPQRSTVWXYZOoIiLl",
    translate_to: "abcdefghjkmnpqrstvwxyz001111",
};

/// Why a text is not the base32 of a value of the wanted length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum CrockfordError {
    /// The text has not as many characters as the value needs.
    #[error("the text has the wrong number of characters")]
    Length,
    /// A character is not of the alphabet.
    #[error("the text has a character that is not of the alphabet")]
    Alphabet,
    /// The unused low bits of the last character are not zero, so this is a second spelling of a value.
    #[error("the unused bits of the last character are not zero")]
    SpareBits,
}

codes!(CrockfordError);

/// The number of characters that spell `bytes` bytes.
pub const fn encoded_len(bytes: usize) -> usize {
    (bytes * 8).div_ceil(5)
}

/// The one spelling of `bytes`.
pub fn encode(bytes: &[u8]) -> String {
    EXACT.encode(bytes)
}

/// Spells `bytes` into `text` without allocating. Characters of `text` beyond the spelling stay as they are;
/// what does not fit is left out. The callers in this crate pass arrays of [`encoded_len`].
pub(crate) fn encode_into(bytes: &[u8], text: &mut [u8]) {
    if let Some(text) = text.get_mut(..encoded_len(bytes.len())) {
        EXACT.encode_mut(bytes, text);
    }
}

/// Decodes `N` bytes from their one spelling.
///
/// # Errors
/// Refuses another length, another alphabet (upper case too) and spare bits that are not zero.
pub fn decode_exact<const N: usize>(text: &str) -> Result<[u8; N], CrockfordError> {
    decode(&EXACT, text.as_bytes())
}

/// Decodes `N` bytes from text that a person may have typed: upper case counts as lower case, `o` as `0`,
/// `i` and `l` as `1`.
///
/// # Errors
/// Refuses another length, other characters and spare bits that are not zero.
pub fn decode_lenient<const N: usize>(text: &str) -> Result<[u8; N], CrockfordError> {
    decode(&LENIENT, text.as_bytes())
}

fn decode<const N: usize>(encoding: &Encoding, text: &[u8]) -> Result<[u8; N], CrockfordError> {
    if text.len() != encoded_len(N) {
        return Err(CrockfordError::Length);
    }
    let mut bytes = [0u8; N];
    match encoding.decode_mut(text, &mut bytes) {
        Ok(_) => Ok(bytes),
        Err(DecodePartial { error, .. }) => Err(match error.kind {
            DecodeKind::Trailing => CrockfordError::SpareBits,
            DecodeKind::Length => CrockfordError::Length,
            DecodeKind::Symbol | DecodeKind::Padding => CrockfordError::Alphabet,
        }),
    }
}

/// The alphabet's character for what someone wrote: the character itself, its lower case, or the digit it
/// looks like. `None` for everything else, `u` among it.
pub(crate) const fn fold(c: char) -> Option<u8> {
    match c {
        '0'..='9' | 'a'..='h' | 'j' | 'k' | 'm' | 'n' | 'p'..='t' | 'v'..='z' => Some(c as u8),
        'A'..='H' | 'J' | 'K' | 'M' | 'N' | 'P'..='T' | 'V'..='Z' => Some((c as u8).to_ascii_lowercase()),
        'o' | 'O' => Some(b'0'),
        'i' | 'I' | 'l' | 'L' => Some(b'1'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_spelling() {
        assert_eq!(encode(&[0xff]), "zw");
        assert_eq!(decode_exact::<1>("zw"), Ok([0xff]));
        assert_eq!(decode_exact::<1>("zx"), Err(CrockfordError::SpareBits));
        assert_eq!(decode_exact::<1>("ZW"), Err(CrockfordError::Alphabet));
        assert_eq!(decode_exact::<1>("z"), Err(CrockfordError::Length));
        assert_eq!(decode_exact::<1>("zw0"), Err(CrockfordError::Length));
        assert_eq!(decode_lenient::<1>("ZW"), Ok([0xff]));
        assert_eq!(decode_lenient::<1>("ZX"), Err(CrockfordError::SpareBits));
    }

    #[test]
    fn look_alikes_are_read_and_u_is_not() {
        assert_eq!(decode_lenient::<5>("oOiIlL00"), decode_exact::<5>("00111100"));
        assert_eq!(decode_lenient::<5>("u0000000"), Err(CrockfordError::Alphabet));
        assert_eq!(decode_lenient::<5>("-0000000"), Err(CrockfordError::Alphabet));
    }

    #[test]
    fn fold_agrees_with_the_lenient_decoder() {
        for byte in 0..=127u8 {
            let c = char::from(byte);
            let text: String = [c; 8].iter().collect();
            let lenient = decode_lenient::<5>(&text).ok();
            let folded = fold(c).map(|f| decode_exact::<5>(&String::from_utf8(vec![f; 8]).unwrap()).unwrap());
            assert_eq!(lenient, folded, "{c:?}");
        }
    }

    #[test]
    fn lengths_are_those_of_the_specification() {
        assert_eq!(encoded_len(41), 66);
        assert_eq!(encoded_len(16), 26);
        assert_eq!(encoded_len(32), 52);
    }
}
