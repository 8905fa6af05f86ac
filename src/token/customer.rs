//! The name under which a site keeps what belongs to one customer: a keyed hash of the sender's reference, so that no
//! list of names shows a reference, and nobody without the site secret can look one up.

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

/// The reference as it counts: without white space around it. `None` for one that stands for nobody: empty, without any
/// letter or digit, only zeros, or a word such as `null`.
///
/// Nothing else is changed: upper and lower case, and two ways to write one character, are different references.
pub fn customer_reference(given: &str) -> Option<&str> {
    let reference = given.trim();
    let says_something = reference.chars().any(|c| c.is_alphanumeric() && c != '0');
    let nobody = NOBODY.iter().any(|word| reference.eq_ignore_ascii_case(word));
    (says_something && !nobody).then_some(reference)
}

impl SiteKey {
    /// The name of the customer with this reference: HMAC-SHA256 in 64 lower-case hexadecimal digits. `None` for a
    /// reference that stands for nobody.
    pub fn customer_name(&self, reference: &str) -> Option<String> {
        let reference = customer_reference(reference)?;
        let key = self.derive(Purpose::Customer, &[]);
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_slice()).ok()?;
        mac.update(reference.as_bytes());
        Some(HEXLOWER.encode(&mac.finalize().into_bytes()))
    }
}

impl Keyring {
    /// The name under which a letter that was sealed with this key is kept. `None` when its reference stands for nobody,
    /// or the key is gone.
    pub fn customer_name(&self, kid: Kid, reference: &str) -> Option<String> {
        self.get(kid)?.customer_name(reference)
    }

    /// Every name of this customer: one for each key, since letters stay under the name of the key that sealed them.
    pub fn customer_names(&self, reference: &str) -> Vec<String> {
        self.keys().filter_map(|key| key.customer_name(reference)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::UnixSeconds;

    fn key(kid: u8) -> SiteKey {
        SiteKey::new(Kid(kid), [kid; 32], None)
    }

    #[test]
    fn white_space_around_a_reference_does_not_count_and_nothing_else_is_changed() {
        let name = |reference: &str| key(1).customer_name(reference).unwrap_or_default();
        assert_eq!(name("K-1042"), name(" \tK-1042\u{a0}\n"));
        for other in ["k-1042", "K-1042\u{200b}", "K 1042", "K-01042", "K-1042."] {
            assert_ne!(name("K-1042"), name(other), "{other:?}");
        }
        // Composed and decomposed: the sender's systems decide how they write a name.
        assert_ne!(name("M\u{fc}ller"), name("Mu\u{308}ller"));
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
            assert_eq!(key(1).customer_name(nobody), None, "{nobody:?}");
        }
        for somebody in ["7", "0042", "Nil Yalter", "客戶", "é"] {
            assert!(key(1).customer_name(somebody).is_some(), "{somebody:?}");
        }
    }

    #[test]
    fn each_key_gives_another_name_and_look_ups_know_them_all() {
        let keyring =
            Keyring::from_keys(Kid(2), vec![SiteKey::new(Kid(1), [1; 32], Some(UnixSeconds(5))), key(2)]);
        let keyring = keyring.unwrap_or_else(|error| unreachable!("{error}"));
        let names = keyring.customer_names("K-1042");
        assert_eq!(names.len(), 2);
        assert_eq!(keyring.customer_name(Kid(2), "K-1042").as_ref(), names.first());
        assert_eq!(keyring.customer_name(Kid(1), "K-1042").as_ref(), names.last());
        assert_ne!(names.first(), names.last());
        assert_eq!(keyring.customer_name(Kid(3), "K-1042"), None);
        assert!(names.iter().all(|name| name.len() == 64 && !name.contains("1042")));
    }
}
