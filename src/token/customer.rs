//! The names under which a site keeps what belongs to one customer, and a letter: keyed hashes of the sender's references, so
//! that no list of names shows a reference, and nobody without the site secret can look one up.

use std::borrow::Cow;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::keyring::Keyring;
use super::site_key::{Purpose, SiteKey};
use crate::types::Kid;

/// What programs write where they have nothing to write. Were one of these taken for a person, all customers without a
/// reference would be one.
const NOBODY: [&str; 11] =
    ["n/a", "na", "nan", "nil", "none", "null", "undefined", "unknown", "anonymous", "(null)", "(none)"];

/// The salt by which the key of letters' references is another than that of customers', which has none (RFC 5869, section 3.1).
const LETTER_SALT: &[u8] = b"waxseal/v1/letter";

/// Brings a text into Unicode's Normalization Form C. A shell hands it in: the platform and the command line each have the
/// tables already, and they would make the module a twentieth larger.
pub type Nfc = fn(&str) -> String;

/// The reference as it counts: without white space around it, in Normalization Form C, so that two ways to write one
/// character are one. `None` for one that stands for nobody: empty, without any letter or digit, only zeros, or a word such
/// as `null`.
///
/// Nothing else is changed: upper and lower case are different references.
pub fn customer_reference(given: &str, nfc: Nfc) -> Option<Cow<'_, str>> {
    let given = given.trim();
    let says_something = given.chars().any(|c| c.is_alphanumeric() && c != '0');
    let nobody = NOBODY.iter().any(|word| given.eq_ignore_ascii_case(word));
    let composed = || if given.is_ascii() { Cow::Borrowed(given) } else { Cow::Owned(nfc(given)) };
    (says_something && !nobody).then(composed)
}

impl SiteKey {
    /// The name of the customer with this reference: HMAC-SHA256 in 64 lower-case hexadecimal digits. `None` for a
    /// reference that stands for nobody.
    pub fn customer_name(&self, reference: &str, nfc: Nfc) -> Option<String> {
        self.reference_name(&[], reference, nfc)
    }

    /// The name of the letters with this reference, which is another than that of a customer with the same one. `None` as above.
    pub fn letter_name(&self, reference: &str, nfc: Nfc) -> Option<String> {
        self.reference_name(LETTER_SALT, reference, nfc)
    }

    fn reference_name(&self, salt: &[u8], reference: &str, nfc: Nfc) -> Option<String> {
        let reference = customer_reference(reference, nfc)?;
        let key = self.derive(Purpose::Customer, salt);
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).ok()?;
        mac.update(reference.as_bytes());
        Some(HEXLOWER.encode(&mac.finalize().into_bytes()))
    }
}

impl Keyring {
    /// The name under which a letter that was sealed with this key is kept. `None` when its reference stands for nobody,
    /// or the key is gone.
    pub fn customer_name(&self, kid: Kid, reference: &str, nfc: Nfc) -> Option<String> {
        self.get(kid)?.customer_name(reference, nfc)
    }

    /// Every name of this customer: one for each key, since letters stay under the name of the key that sealed them.
    pub fn customer_names(&self, reference: &str, nfc: Nfc) -> Vec<String> {
        self.keys().filter_map(|key| key.customer_name(reference, nfc)).collect()
    }

    /// As [`Self::customer_name`], for the letter's own reference.
    pub fn letter_name(&self, kid: Kid, reference: &str, nfc: Nfc) -> Option<String> {
        self.get(kid)?.letter_name(reference, nfc)
    }

    /// Every name of letters with this reference.
    pub fn letter_names(&self, reference: &str, nfc: Nfc) -> Vec<String> {
        self.keys().filter_map(|key| key.letter_name(reference, nfc)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UnixSeconds;

    fn nfc(text: &str) -> String {
        icu_normalizer::ComposingNormalizer::new_nfc().normalize(text).into_owned()
    }

    fn key(kid: u8) -> SiteKey {
        SiteKey::new(Kid(kid), [kid; 32], None)
    }

    #[test]
    fn white_space_around_a_reference_does_not_count_and_nothing_else_is_changed() {
        let name = |reference: &str| key(1).customer_name(reference, nfc).unwrap_or_default();
        assert_eq!(name("K-1042"), name(" \tK-1042\u{a0}\n"));
        for other in ["k-1042", "K-1042\u{200b}", "K 1042", "K-01042", "K-1042."] {
            assert_ne!(name("K-1042"), name(other), "{other:?}");
        }
    }

    #[test]
    fn two_ways_to_write_a_character_are_one_reference() {
        let name = |reference: &str| key(1).customer_name(reference, nfc).unwrap_or_default();
        for (one, other) in [
            ("M\u{fc}ller", "Mu\u{308}ller"),
            ("\u{c5}ngstr\u{f6}m", "\u{212b}ngstro\u{308}m"),
            ("a\u{323}\u{307}", "a\u{307}\u{323}"),
            ("\u{d55c}\u{ad6d}-7", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{116e}\u{11a8}-7"),
            (" \u{1ebf}\n", "e\u{302}\u{301}"),
        ] {
            assert_eq!(name(one), name(other), "{one:?}");
            assert_eq!(customer_reference(one, nfc), customer_reference(other, nfc), "{one:?}");
        }
        // Compatibility is another matter: these look alike and are not the same character.
        for (one, other) in [("\u{ff21}1", "A1"), ("\u{fb01}n", "fin"), ("x\u{b2}", "x2")] {
            assert_ne!(name(one), name(other), "{one:?}");
        }
    }

    #[test]
    fn a_reference_for_nobody_has_no_name() {
        for nobody in [
            "",
            "   ",
            "-",
            "?",
            "---",
            "0",
            "000-000",
            "null",
            "NULL",
            " None ",
            "n/a",
            "undefined",
            "\u{200b}",
        ] {
            assert_eq!(key(1).customer_name(nobody, nfc), None, "{nobody:?}");
        }
        for somebody in ["7", "0042", "Nil Yalter", "客戶", "é"] {
            assert!(key(1).customer_name(somebody, nfc).is_some(), "{somebody:?}");
        }
    }

    #[test]
    fn each_key_gives_another_name_and_look_ups_know_them_all() {
        let keyring =
            Keyring::from_keys(Kid(2), vec![SiteKey::new(Kid(1), [1; 32], Some(UnixSeconds(5))), key(2)]);
        let keyring = keyring.unwrap_or_else(|error| unreachable!("{error}"));
        let names = keyring.customer_names("K-1042", nfc);
        assert_eq!(names.len(), 2);
        assert_eq!(keyring.customer_name(Kid(2), "K-1042", nfc).as_ref(), names.first());
        assert_eq!(keyring.customer_name(Kid(1), "K-1042", nfc).as_ref(), names.last());
        assert_ne!(names.first(), names.last());
        assert_eq!(keyring.customer_name(Kid(3), "K-1042", nfc), None);
        assert!(names.iter().all(|name| name.len() == 64 && !name.contains("1042")));
        let letters = keyring.letter_names("K-1042", nfc);
        assert_eq!(letters.len(), 2);
        assert!(letters.iter().all(|name| !names.contains(name)), "a letter is no customer");
    }
}
