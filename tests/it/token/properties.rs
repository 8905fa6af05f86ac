//! What holds for every token and every text, not only for the vectors.

use proptest::prelude::*;
use waxseal::token::{
    Class, Keyring, LinkAction, SiteKey, TOKEN_CHARS, Token, Verified, action, classify, crockford,
    find_link, mint,
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

/// Any character, percent signs, escapes and what belongs to tokens among them more often than chance has it.
fn junk(most: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[0-9a-hjkmnp-tv-zA-Z]{1,8}",
        3 => "%{1,3}[0-9a-fA-F]{0,3}",
        1 => Just("%25".to_owned()),
        1 => Just("04".to_owned()),
        2 => any::<u8>().prop_map(|byte| format!("%{byte:02X}")),
        2 => any::<char>().prop_map(String::from),
        1 => "[ -~]",
    ];
    prop::collection::vec(piece, 0..=most / 8)
        .prop_map(|pieces| pieces.concat())
        .prop_filter("too long", move |text| text.len() <= most)
}

/// What stands inside a link without being of the alphabet: as it is, or percent-encoded up to three times.
fn foreign(escaped: bool) -> BoxedStrategy<String> {
    let is_foreign = |c: &char| reads_as(*c).is_none() && !('\u{ff00}'..='\u{ff7f}').contains(c);
    if !escaped {
        let piece = any::<char>().prop_filter("of the alphabet", move |c| is_foreign(c) && *c != '?');
        return prop_oneof![3 => piece.prop_map(String::from), 1 => Just("%".to_owned())].boxed();
    }
    // Not a percent sign, which would make another escape of what follows; nor 0xef, with which a full-width form begins.
    let byte = any::<u8>().prop_filter("of the alphabet", move |byte| {
        !matches!(byte, 0xef | b'%') && (*byte > 0x7f || is_foreign(&char::from(*byte)))
    });
    (byte, 0..3_usize).prop_map(|(byte, times)| format!("%{}{byte:02x}", "25".repeat(times))).boxed()
}

/// The token with these pieces put in at these places, never at its ends, and its characters spelled as the dice say.
fn with_inside(text: &str, pieces: &[(usize, String)], dice: &[u8], escaped: bool) -> String {
    let mut out = String::new();
    for (at, c) in text.char_indices() {
        let here = pieces.iter().filter(|(place, _)| at > 0 && place % (text.len() - 1) + 1 == at);
        here.for_each(|(_, piece)| out.push_str(piece));
        match (c, dice[at % dice.len()]) {
            ('0', 0..64) => out.push('O'),
            ('1', 0..32) => out.push('l'),
            (c, 64..128) => out.push(c.to_ascii_uppercase()),
            (c, 128..136) if escaped => out.push_str(&format!("%{:02X}", c as u32)),
            (c, 136..140) if escaped => out.push_str(&format!("%25{:02x}", c as u32)),
            (c, 140..144) => out.push(char::from_u32(c as u32 + 0xfee0).unwrap()),
            (c, _) => out.push(c),
        }
    }
    out
}

/// What the class says of the token, however it came.
fn known(class: &Class) -> Option<Verified> {
    class.verified().copied()
}

fn key_text(key: [u8; 16]) -> String {
    crockford::encode(&key)
}

proptest! {
    #[test]
    fn a_minted_token_is_valid_until_its_second(given in minted()) {
        let (keyring, text, verified) = given;
        prop_assert_eq!(text.len(), TOKEN_CHARS);
        prop_assert!(text.chars().all(|c| ALPHABET.contains(c)));
        let end = verified.not_after.0;
        for path in [format!("/{text}"), format!("/{text}/report?lang=nl"), text] {
            prop_assert_eq!(classify(&path, &keyring, UnixSeconds(0)), Class::Valid(verified));
            prop_assert_eq!(classify(&path, &keyring, UnixSeconds(end - 1)), Class::Valid(verified));
            let closed = Class::Closed { verified, clean: None };
            prop_assert_eq!(classify(&path, &keyring, UnixSeconds(end)), closed.clone());
            prop_assert_eq!(classify(&path, &keyring, UnixSeconds(u64::MAX)), closed);
        }
    }

    #[test]
    fn a_genuine_token_resolves_whatever_stands_around_it(given in minted(), before in junk(440), after in junk(900)) {
        let (keyring, text, verified) = given;
        let class = classify(&format!("/{before}{text}{after}"), &keyring, UnixSeconds(0));
        prop_assert_eq!(known(&class), Some(verified));
        let found = find_link(&format!("{before}{text}{after}"), |token| token.verify(&keyring, UnixSeconds(0)).is_ok());
        prop_assert_eq!(found.ok().map(|found| found.clean.token().to_string()), Some(text));
    }

    #[test]
    fn and_whatever_stands_inside_it_that_is_not_of_the_alphabet(
        given in minted(),
        before in junk(40),
        after in junk(300),
        (escaped, pieces) in any::<bool>().prop_flat_map(|escaped| {
            (Just(escaped), prop::collection::vec((any::<usize>(), foreign(escaped)), 0..24))
        }),
        dice in prop::collection::vec(any::<u8>(), 66),
    ) {
        let (keyring, text, verified) = given;
        // A lone percent sign is one of the raw characters: then nothing is an escape.
        let path = format!("/{before}{}{after}", with_inside(&text, &pieces, &dice, escaped));
        let end = path.len() - after.len();
        prop_assume!(end <= 1_024);
        prop_assert_eq!(known(&classify(&path, &keyring, UnixSeconds(0))), Some(verified), "{}", path);
    }

    #[test]
    fn and_one_lone_percent_sign_among_escapes(
        given in minted(),
        lone: usize,
        pieces in prop::collection::vec((any::<usize>(), foreign(true)), 0..8),
        dice in prop::collection::vec(any::<u8>(), 66),
    ) {
        let (keyring, text, verified) = given;
        let pieces: Vec<_> = pieces.into_iter().chain([(lone, "%".to_owned())]).collect();
        let path = format!("/{}", with_inside(&text, &pieces, &dice, true));
        prop_assume!(path.len() <= 1_024);
        prop_assert_eq!(known(&classify(&path, &keyring, UnixSeconds(0))), Some(verified), "{}", path);
    }

    #[test]
    fn the_key_behind_a_token_comes_through_whatever_follows_it(
        given in minted(), key: [u8; 16], between in "[^#%&?\u{ff03}]{0,60}", mark in 0..5_usize, after in junk(200),
    ) {
        let (keyring, text, verified) = given;
        let mark = ["#", "%23", "%2523", "&#35;", "%26%23x23%3B"][mark];
        let key = key_text(key);
        for text in [text.clone(), text.to_uppercase()] {
            let path = format!("/{text}{between}{mark}{key}{after}");
            let Class::Repairable { verified: found, clean } = classify(&path, &keyring, UnixSeconds(0)) else {
                panic!("{path}");
            };
            prop_assert_eq!(found, verified);
            prop_assert_eq!(clean.to_string(), format!("/{}#{key}", text.to_lowercase()));
        }
    }

    #[test]
    fn a_redirect_ends_and_leads_nowhere_else(given in minted(), before in junk(400), after in junk(300)) {
        let (keyring, text, verified) = given;
        let path = format!("//{before}{text}{after}");
        let Class::Repairable { clean, .. } = classify(&path, &keyring, UnixSeconds(0)) else { panic!("{path}") };
        let location = clean.to_string();
        let (token, key) = location[1..].split_once('#').unwrap_or((&location[1..], "00000000000000000000000000"));
        prop_assert!(location.starts_with('/') && token == text);
        prop_assert!(key.len() == 26 && key.chars().all(|c| ALPHABET.contains(c)));
        prop_assert_eq!(classify(&format!("/{token}"), &keyring, UnixSeconds(0)), Class::Valid(verified));
        // Over as well, it is known how it is spelled.
        let over = classify(&path, &keyring, UnixSeconds(u64::MAX));
        prop_assert_eq!(over, Class::Closed { verified, clean: Some(clean) });
    }

    #[test]
    fn another_secret_never_verifies(given in minted(), other: [u8; 32], before in junk(100), after in junk(100)) {
        let (keyring, text, verified) = given;
        let stranger = keyring_of(verified.kid.0, other);
        prop_assume!(stranger.to_json() != keyring.to_json());
        for path in [format!("/{text}"), text.to_uppercase(), format!("/{before}{text}{after}")] {
            prop_assert_eq!(classify(&path, &stranger, UnixSeconds(0)).code(), "forged");
        }
    }

    #[test]
    fn no_text_without_a_genuine_token_resolves(text in any::<String>(), more in junk(900), now: u64) {
        for text in [text, more] {
            let class = classify(&text, &keyring_of(1, [7; 32]), UnixSeconds(now));
            prop_assert_eq!(class.code(), "damaged");
            prop_assert!(find_link(&text, |_| true).is_err());
        }
    }

    #[test]
    fn nor_one_with_a_character_changed_lost_or_added_inside(
        given in minted(), at in 20..46_usize, other in "[0-9a-hjkmnp-tv-z]", before in junk(100), after in junk(100),
    ) {
        let (keyring, text, _) = given;
        let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        let added = format!("{}{other}{}", &text[..at], &text[at..]);
        let lost = format!("{}{}", &text[..at], &text[at + 1..]);
        for damaged in [changed, added, lost] {
            let path = format!("/{before}{damaged}{after}");
            // The other character may be the same. Nearer to the ends what stands around could make it whole again.
            if !path.contains(&text) {
                prop_assert_eq!(known(&classify(&path, &keyring, UnixSeconds(0))), None, "{}", path);
            }
        }
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
fn every_single_character_lost_or_added_is_damaged() {
    let keyring = keyring_of(7, [7; 32]);
    let text = mint(keyring.active(), LetterId([0xa5; 16]), UnixSeconds(2_000_000_000)).unwrap().to_string();
    for at in 0..TOKEN_CHARS {
        let lost = format!("{}{}", &text[..at], &text[at + 1..]);
        assert_eq!(classify(&lost, &keyring, UnixSeconds(0)).code(), "damaged");
        for c in ALPHABET.chars() {
            let added = format!("{}{c}{}", &text[..at], &text[at..]);
            let expected = if added.contains(&text) { "repairable" } else { "damaged" };
            assert_eq!(classify(&added, &keyring, UnixSeconds(0)).code(), expected);
        }
        assert_eq!(classify(&text[..at], &keyring, UnixSeconds(0)).code(), "damaged");
    }
}

#[test]
fn what_a_path_asks_for_is_its_last_segment() {
    for (path, expected) in [
        ("/T/consent", Some("consent")),
        ("/T./consent", Some("consent")),
        ("/T/withdraw/", Some("withdraw")),
        ("/T//withdraw//", Some("withdraw")),
        ("//x/T%2Frefuse", Some("refuse")),
        ("/T%2frefuse.", Some("refuse")),
        ("/T%23KEY/report", Some("report")),
        ("/T/receipt.json", Some("receipt.json")),
        ("/T/receipt).", Some("receipt")),
        ("/T/withdraw%3E", Some("withdraw")),
        ("/T/withdraw&gt;", Some("withdraw")),
        ("/T/withdraw%20", Some("withdraw")),
        ("/T/withdraw+", Some("withdraw")),
        ("/T/withdraw%2520Regards", Some("withdraw")),
        ("/T/withdraw/%3E", Some("withdraw")),
        ("/T/withdraw%2F%2f.", Some("withdraw")),
        ("/T/%22withdraw%22", Some("withdraw")),
        ("/T/(consent)", Some("consent")),
        ("/T/%%3Cconsent", Some("consent")),
        ("/T/consent\u{3002}", Some("consent")),
        ("/T/receipt%2C", Some("receipt")),
        ("/T/receipt.%20Regards", Some("receipt")),
        ("/T/receipt.Regards", Some("receipt")),
        ("/T/receipt.json%3E", Some("receipt.json")),
        ("/T/receipt.json.", Some("receipt.json")),
        ("/T/receiptx", None),
        ("/T/xreceipt", None),
        ("/T/1receipt", None),
        ("/report/T", None),
        ("/T/%", None),
        ("/T/Report", None),
        ("/T/reports", None),
        ("/T/report/x", None),
        ("/T", None),
        ("/", None),
        ("", None),
    ] {
        assert_eq!(action(path).as_ref().map(LinkAction::code), expected, "{path}");
    }
}

/// `cargo test --test it -- --ignored --nocapture worst`
#[test]
#[ignore = "measures, asserts nothing"]
#[allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn the_worst_path_in_nanoseconds() {
    let keyring = keyring_of(7, [7; 32]);
    let stranger = keyring_of(7, [8; 32]);
    let [good, foreign] = [&keyring, &stranger].map(|keyring| {
        mint(keyring.active(), LetterId([0xa5; 16]), UnixSeconds(2_000_000_000)).unwrap().to_string()
    });
    let fill = |unit: &str| unit.repeat(1_023)[..1_023].to_owned();
    let mut paths: Vec<String> =
        ["04", "%04", "%2504", "04%20", "0404%aa", "%30%34", "0%34", "%", "%25", "0", "x", "#", "%23"]
            .map(fill)
            .into();
    for every in [4, 8, 16, 32, 60] {
        paths.push(fill(&format!("{}%20", "04".repeat(every))));
        paths.push(format!("{}{}", "04".repeat(every), fill("%20")));
        paths.push(format!("{}{}", "04".repeat(every), fill("%2520")));
    }
    paths.push(format!("{}{}{}", "04".repeat(33), "%20".repeat(297), "04".repeat(33)));
    paths.push(foreign.repeat(8));
    paths.push(format!("{good}{}", "#".repeat(958)));
    paths.push(format!("{good}{}", "%23a".repeat(240)));
    let mut measured: Vec<_> =
        paths.iter().map(|path| (time(&format!("/{path}?{path}"), &keyring), path)).collect();
    measured.sort();
    println!("{:>9} ns clean", time(&format!("/{good}"), &keyring));
    println!("{:>9} ns /wp-login.php", time("/wp-login.php", &keyring));
    for (nanoseconds, path) in measured.iter().rev().take(6) {
        println!("{nanoseconds:>9} ns {}…", &path[..40]);
    }
}

#[allow(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn time(path: &str, keyring: &Keyring) -> u128 {
    // The quickest of some runs: what else the machine does is none of it.
    let run = || {
        let start = std::time::Instant::now();
        std::hint::black_box(classify(std::hint::black_box(path), keyring, UnixSeconds(0)));
        start.elapsed().as_nanos()
    };
    (0..25).map(|_| run()).min().unwrap_or_default()
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
        // Another version is no token of ours.
        assert_eq!(class.code(), if bit < 8 { "damaged" } else { "forged" }, "bit {bit}");
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
    // Comments, and attributes: what `strum` is told to call a word allocates nothing.
    let is_aside = |line: &&str| ["//", "#["].iter().any(|begin| line.trim_start().starts_with(begin));
    for file in ["classify.rs", "parse.rs", "reader.rs", "error.rs", "mint.rs", "site_key.rs"] {
        let source = std::fs::read_to_string(format!("src/token/{file}")).unwrap();
        let product = source.split("#[cfg(test)]").next().unwrap();
        let code: Vec<_> = product.lines().filter(|line| !is_aside(line)).collect();
        let product = code.join("\n");
        for name in
            ["String", "Vec<", "vec!", "format!", "Box", "to_string", "to_owned", "collect()", "alloc::"]
        {
            assert!(!product.contains(name), "{file} names {name}");
        }
    }
}
