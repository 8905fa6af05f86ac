//! What holds for every token and every text, not only for the vectors.

// Tests may be blunt, their helper functions too.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use waxseal::token::{
    Class, Damage, Keyring, SiteKey, TOKEN_CHARS, Token, Verified, classify, crockford, mint, repair,
};
use waxseal::types::{Kid, LetterId, UnixSeconds};

const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";
const FRAGMENT: &str = "5ksm0rcx9dy1w7a3nbz2q8v4eg";

fn keyring_of(kid: u8, secret: [u8; 32]) -> Keyring {
    Keyring::from_keys(Kid(kid), vec![SiteKey::new(Kid(kid), secret, None)]).unwrap()
}

prop_compose! {
    fn minted()(kid: u8, secret: [u8; 32], letter: [u8; 16], not_after in 1..=u32::MAX)
        -> (Keyring, String, Verified)
    {
        let keyring = keyring_of(kid, secret);
        let verified =
            Verified { kid: Kid(kid), letter: LetterId(letter), not_after: UnixSeconds(not_after.into()) };
        let text = mint(keyring.active(), verified.letter, verified.not_after).unwrap().to_string();
        (keyring, text, verified)
    }
}

/// A text that a repair turns back into the token: every kind of damage at once, as chance has it.
fn mangled(text: &str, fragment: Option<&str>, dice: &[u8]) -> String {
    const ANYWHERE: [&str; 8] = ["%20", "=%0D%0A", "\r\n", "%E2%80%8B", "%C2%AD", "-", "%2520", "="];
    const AROUND: [&str; 10] = [".", ",", ")", "%22", "%3E", ">", "'", "!", "%2529", "%E2%80%9D"];
    let mut dice = dice.iter().copied().cycle();
    let mut roll = || usize::from(dice.next().unwrap_or(0));
    let mut out = String::from(AROUND[roll() % 10]);
    for (at, part) in [Some(text), fragment].into_iter().flatten().enumerate() {
        if at == 1 {
            out.push_str(if roll() % 2 == 0 { "%23" } else { "#" });
        }
        for c in part.chars() {
            match (c, roll()) {
                ('0', 0..64) => out.push('O'),
                ('1', 0..32) => out.push('l'),
                ('1', 32..64) => out.push('I'),
                (c, 64..128) => out.push(c.to_ascii_uppercase()),
                (c, 128..136) => out.push_str(&format!("%{:02X}", c as u32)),
                (c, 136..144) => out.push_str(&format!("{}{c}", ANYWHERE[roll() % 8])),
                (c, _) => out.push(c),
            }
        }
        out.push_str(AROUND[roll() % 10]);
    }
    out
}

proptest! {
    #[test]
    fn a_minted_token_is_valid_until_its_second(given in minted()) {
        let (keyring, text, verified) = given;
        prop_assert_eq!(text.len(), TOKEN_CHARS);
        prop_assert!(text.chars().all(|c| ALPHABET.contains(c)));
        let end = verified.not_after.0;
        prop_assert_eq!(classify(&text, &keyring, UnixSeconds(0)), Class::Valid(verified));
        prop_assert_eq!(classify(&text, &keyring, UnixSeconds(end - 1)), Class::Valid(verified));
        prop_assert_eq!(classify(&text, &keyring, UnixSeconds(end)), Class::Closed { verified, clean: None });
        prop_assert_eq!(classify(&text, &keyring, UnixSeconds(u64::MAX)), Class::Closed { verified, clean: None });
    }

    #[test]
    fn what_the_way_does_is_mended(given in minted(), fragment: bool, dice in prop::collection::vec(any::<u8>(), 200)) {
        let (keyring, text, verified) = given;
        let segment = mangled(&text, fragment.then_some(FRAGMENT), &dice);
        prop_assume!(segment.len() <= 512);
        let Class::Repairable { verified: found, clean } = classify(&segment, &keyring, UnixSeconds(0)) else {
            panic!("{segment}");
        };
        prop_assert_eq!(found, verified);
        prop_assert_eq!(clean.token().as_str(), &text);
        prop_assert_eq!(clean.fragment(), fragment.then_some(FRAGMENT));
        let shown = if fragment { format!("/{text}#{FRAGMENT}") } else { format!("/{text}") };
        prop_assert_eq!(clean.to_string(), shown);
        // Over as well, it is known how it is spelled.
        let over = classify(&segment, &keyring, UnixSeconds(u64::MAX));
        prop_assert_eq!(over, Class::Closed { verified, clean: Some(clean) });
        // The redirect ends: the clean path needs no repair.
        prop_assert_eq!(classify(clean.token().as_str(), &keyring, UnixSeconds(0)), Class::Valid(verified));
    }

    #[test]
    fn another_secret_never_verifies(given in minted(), other: [u8; 32]) {
        let (keyring, text, verified) = given;
        let stranger = keyring_of(verified.kid.0, other);
        prop_assume!(stranger.to_json() != keyring.to_json());
        prop_assert_eq!(classify(&text, &stranger, UnixSeconds(0)).code(), "forged");
        prop_assert_eq!(classify(&text.to_uppercase(), &stranger, UnixSeconds(0)).code(), "forged");
    }

    #[test]
    fn any_text_is_classified_and_none_is_valid(text in any::<String>(), now: u64) {
        let class = classify(&text, &keyring_of(1, [7; 32]), UnixSeconds(now));
        prop_assert_eq!(class.code(), "damaged");
    }

    #[test]
    fn hostile_text_is_classified(text in "[%0-9a-zA-Z#=.<>\\-\u{200b}\u{e9}\r\n]{0,600}", now: u64) {
        let class = classify(&text, &keyring_of(1, [7; 32]), UnixSeconds(now));
        prop_assert!(matches!(class, Class::Damaged(_) | Class::Forged(_)));
    }

    #[test]
    fn any_66_characters_are_damaged_or_forged(text in "[0-9a-hjkmnp-tv-z]{66}") {
        let class = classify(&text, &keyring_of(1, [7; 32]), UnixSeconds(0));
        prop_assert!(matches!(class, Class::Damaged(_) | Class::Forged(_)));
    }

    #[test]
    fn any_bytes_with_a_check_read_back_to_one_spelling(kid: u8, letter: [u8; 16], end: u32, secret: [u8; 32]) {
        let key = SiteKey::new(Kid(kid), secret, None);
        let text = mint(&key, LetterId(letter), UnixSeconds(end.into())).unwrap();
        let again = mint(&key, LetterId(letter), UnixSeconds(end.into())).unwrap();
        prop_assert_eq!(text, again);
        prop_assert_eq!(Token::parse(text.as_str()).unwrap().text(), text);
        let raw = crockford::decode_exact::<41>(text.as_str()).unwrap();
        prop_assert_eq!(crockford::encode(&raw), text.as_str());
    }

    #[test]
    fn a_restored_fragment_is_26_characters_or_nothing(text in any::<String>(), tail in "[0-9A-Za-z%=. ]{0,40}") {
        for after in [&text, &tail] {
            if let Ok(clean) = repair(&format!("{}%23{after}", "0".repeat(66)))
                && let Some(fragment) = clean.fragment()
            {
                prop_assert_eq!(fragment.len(), 26);
                prop_assert!(fragment.chars().all(|c| ALPHABET.contains(c)));
            }
        }
    }
}

/// Reads like the character in the token's alphabet, or `None`.
fn reads_as(c: char) -> Option<char> {
    match c.to_ascii_lowercase() {
        'o' => Some('0'),
        'i' | 'l' => Some('1'),
        lower => ALPHABET.contains(lower).then_some(lower),
    }
}

#[test]
fn every_single_character_substitution_is_damaged() {
    let keyring = keyring_of(7, [7; 32]);
    let letter = LetterId([0x5a; 16]);
    let text = mint(keyring.active(), letter, UnixSeconds(2_000_000_000)).unwrap().to_string();
    let mut damaged = 0;
    for at in 0..TOKEN_CHARS {
        let original = text.as_bytes()[at] as char;
        for c in (0..=0x7f_u8).map(char::from).chain(['\u{e9}', '\u{200b}', '\u{1d7d8}']) {
            let mut segment = text.clone();
            segment.replace_range(at..=at, c.encode_utf8(&mut [0; 4]));
            let class = classify(&segment, &keyring, UnixSeconds(0));
            if c == original {
                assert_eq!(class.code(), "valid");
            } else if reads_as(c) == Some(original) {
                assert_eq!(class.code(), "repairable", "{c:?} at {at}");
            } else {
                // One in 2^24 of these would be forged instead; for this token none is.
                assert!(matches!(class, Class::Damaged(_)), "{c:?} at {at}: {class:?}");
                damaged += 1;
            }
        }
    }
    assert!(damaged > 66 * 120);
}

#[test]
fn every_single_character_lost_added_or_doubled_is_damaged() {
    let keyring = keyring_of(7, [7; 32]);
    let text = mint(keyring.active(), LetterId([0xa5; 16]), UnixSeconds(2_000_000_000)).unwrap().to_string();
    for at in 0..TOKEN_CHARS {
        let lost = format!("{}{}", &text[..at], &text[at + 1..]);
        assert_eq!(classify(&lost, &keyring, UnixSeconds(0)), Class::Damaged(Damage::Length));
        for c in ALPHABET.chars() {
            let added = format!("{}{c}{}", &text[..at], &text[at..]);
            assert_eq!(classify(&added, &keyring, UnixSeconds(0)), Class::Damaged(Damage::Length));
        }
        let cut = classify(&text[..at], &keyring, UnixSeconds(0));
        assert_eq!(cut, Class::Damaged(Damage::Length));
    }
}

#[test]
fn every_flipped_bit_before_the_check_is_forged_once_the_check_is_made_again() {
    use sha2::{Digest, Sha256};
    let keyring = keyring_of(7, [7; 32]);
    let text = mint(keyring.active(), LetterId([0xa5; 16]), UnixSeconds(2_000_000_000)).unwrap().to_string();
    let raw = crockford::decode_exact::<41>(&text).unwrap();
    for bit in 0..38 * 8 {
        let mut forged = raw;
        forged[bit / 8] ^= 0x80 >> (bit % 8);
        let check = Sha256::digest(&forged[..38]);
        forged[38..].copy_from_slice(&check[..3]);
        let class = classify(&crockford::encode(&forged), &keyring, UnixSeconds(0));
        assert_eq!(class.code(), "forged", "bit {bit}");
    }
}

#[test]
fn nothing_that_is_printed_for_a_log_holds_the_token() {
    let keyring = keyring_of(7, [7; 32]);
    let text = mint(keyring.active(), LetterId([0xa5; 16]), UnixSeconds(2_000_000_000)).unwrap().to_string();
    let class = classify(&format!("{text}%23{FRAGMENT}"), &keyring, UnixSeconds(0));
    assert_eq!(class.code(), "repairable");
    let shown = format!("{class:?} {:?} {keyring:?}", Token::parse(&text).unwrap()).to_lowercase();
    assert!(!shown.contains(&text[..20]) && !shown.contains(&text[40..]) && !shown.contains(FRAGMENT));
}

/// The promise that classifying allocates nothing cannot be measured without unsafe code, which this package
/// forbids; so the files on that path name nothing that allocates.
#[test]
fn the_path_of_a_request_names_nothing_that_allocates() {
    for file in ["classify.rs", "parse.rs", "repair.rs", "faults.rs", "mint.rs", "site_key.rs"] {
        let source =
            std::fs::read_to_string(format!("{}/src/token/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let product = source.split("#[cfg(test)]").next().unwrap();
        for name in
            ["String", "Vec<", "vec!", "format!", "Box", "to_string", "to_owned", "collect()", "alloc::"]
        {
            assert!(!product.contains(name), "{file} names {name}");
        }
    }
}
