//! Unicode's normalization forms, for the customer references of the library.

use icu_normalizer::ComposingNormalizer;

/// Normalization Form C: two ways to write one character are one.
pub(crate) fn nfc(text: &str) -> String {
    ComposingNormalizer::new_nfc().normalize(text).into_owned()
}

/// Normalization Form KC: full-width and other look-alikes become the plain characters.
pub(crate) fn nfkc(text: &str) -> String {
    ComposingNormalizer::new_nfkc().normalize(text).into_owned()
}
