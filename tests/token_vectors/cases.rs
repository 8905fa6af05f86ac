//! The cases of the `classify` section.

use super::super::expected::Case;
use super::{END, FRAGMENT, KEY_3_END, LETTER, NOW, good, letter, rechecked, token};

fn case(name: &str, segment: impl Into<String>, class: &str) -> Case {
    Case {
        name: name.into(),
        keyring: "main".into(),
        now: NOW,
        segment: segment.into(),
        class: class.into(),
        ..Case::default()
    }
}

fn known(name: &str, segment: impl Into<String>, class: &str, kid: u8, not_after: u64) -> Case {
    let letter = Some(letter());
    Case { kid: Some(kid), letter, not_after: Some(not_after), ..case(name, segment, class) }
}

fn bad(class: &str, reason: &str, name: &str, segment: impl Into<String>) -> Case {
    Case { reason: Some(reason.into()), ..case(name, segment, class) }
}

pub(crate) fn valid() -> Vec<Case> {
    let edges = |case: Case| Case { keyring: "edges".into(), ..case };
    vec![
        known("a good token", good(), "valid", 7, END),
        known("made with the older key", token(3, "3", END), "valid", 3, END),
        known("one second before expiry", token(7, "7", NOW + 1), "valid", 7, NOW + 1),
        Case {
            now: KEY_3_END - 1,
            ..known(
                "the older key, a second before it retires",
                token(3, "3", KEY_3_END),
                "valid",
                3,
                KEY_3_END,
            )
        },
        edges(known("key 0", token(0, "0", END), "valid", 0, END)),
        edges(known("key 255", token(255, "255", END), "valid", 255, END)),
        Case {
            now: 0xffff_fffe,
            ..known("a second before the end of 32 bits", token(7, "7", 0xffff_ffff), "valid", 7, 0xffff_ffff)
        },
        Case { now: 0, ..known("the clock at zero", good(), "valid", 7, END) },
    ]
}

pub(crate) fn closed() -> Vec<Case> {
    let closed = |name: &str, segment: String, end: u64| known(name, segment, "closed", 7, end);
    let at = |now: u64, case: Case| Case { now, ..case };
    vec![
        closed("at the second of expiry", token(7, "7", NOW), NOW),
        closed("one second after expiry", token(7, "7", NOW - 1), NOW - 1),
        closed("not-after zero", token(7, "7", 0), 0),
        at(0xffff_ffff, closed("the end of 32 bits", token(7, "7", 0xffff_ffff), 0xffff_ffff)),
        at(u64::MAX >> 11, closed("a clock far beyond 32 bits", good(), END)),
        closed("expired and in upper case", token(7, "7", NOW).to_uppercase(), NOW),
        closed("expired with a full stop", format!("{}.", token(7, "7", NOW)), NOW),
        closed("expired with a fragment in the path", format!("{}%23{FRAGMENT}", token(7, "7", NOW)), NOW),
    ]
}

/// The good token with a soft break of this kind after 30 characters.
fn wrapped(with: &str) -> String {
    let good = good();
    let (front, back) = good.split_at(30);
    format!("{front}{with}{back}")
}

/// The good token with its zeros and ones spelled as letters they look like.
fn look_alikes(zero: char, one: char) -> String {
    good()
        .chars()
        .map(|c| {
            if c == '0' {
                zero
            } else if c == '1' {
                one
            } else {
                c
            }
        })
        .collect()
}

pub(crate) fn repairable() -> Vec<Case> {
    let good = good();
    let upper = good.to_uppercase();
    let mixed: String =
        good.chars().enumerate().map(|(i, c)| if i % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect();
    let mut cases = Vec::new();
    let mut add = |name: &str, segment: String, repairs: &[&str], fragment: Option<&str>| {
        cases.push(Case {
            clean: Some(good.clone()),
            fragment: fragment.map(Into::into),
            repairs: repairs.iter().map(|&repair| repair.into()).collect(),
            ..known(name, segment, "repairable", 7, END)
        });
    };
    add("upper case", upper.clone(), &["case"], None);
    add("mixed case", mixed, &["case"], None);
    add("o for 0 and l for 1", look_alikes('o', 'l'), &["look_alike"], None);
    add("O for 0 and I for 1", look_alikes('O', 'I'), &["look_alike"], None);
    add("o for 0 and i for 1", look_alikes('o', 'i'), &["look_alike"], None);
    add("o for 0 and L for 1", look_alikes('o', 'L'), &["look_alike"], None);
    for mark in ['.', ',', ';', ':', '!', '?', ')', '>', '\'', '"', ']', '*', '_', '`', '|'] {
        add(&format!("trailing {mark}"), format!("{good}{mark}"), &["punctuation"], None);
    }
    add("trailing =", format!("{good}="), &["white_space"], None);
    add("trailing ).\" together", format!("{good}).\""), &["punctuation"], None);
    for (name, escape) in [
        ("quote", "%22"),
        ("apostrophe", "%27"),
        ("bracket", "%29"),
        ("full stop", "%2E"),
        ("lower case full stop", "%2e"),
        ("greater-than", "%3E"),
        ("question mark", "%3F"),
        ("curly quote", "%E2%80%9D"),
        ("ellipsis", "%E2%80%A6"),
    ] {
        let segment = format!("{good}{escape}");
        add(&format!("trailing {name} percent-encoded"), segment, &["punctuation", "percent_encoding"], None);
    }
    add("trailing curly quote", format!("{good}\u{201d}"), &["punctuation"], None);
    add("trailing space", format!("{good} "), &["white_space"], None);
    for (name, escape) in [
        ("space", "%20"),
        ("tab", "%09"),
        ("line feed", "%0A"),
        ("line break", "%0D%0A"),
        ("no-break space", "%C2%A0"),
        ("zero-width space", "%E2%80%8B"),
        ("left-to-right mark", "%E2%80%8E"),
        ("byte order mark", "%EF%BB%BF"),
    ] {
        let repairs = &["white_space", "percent_encoding"];
        add(&format!("trailing {name} percent-encoded"), format!("{good}{escape}"), repairs, None);
        add(&format!("leading {name} percent-encoded"), format!("{escape}{good}"), repairs, None);
        add(&format!("wrapped at a {name} percent-encoded"), wrapped(escape), repairs, None);
    }
    add("wrapped at a line break", wrapped("\r\n"), &["white_space"], None);
    add("wrapped at a line feed", wrapped("\n"), &["white_space"], None);
    add("wrapped by quoted-printable", wrapped("=\r\n"), &["white_space"], None);
    let encoded = &["white_space", "percent_encoding"];
    add("wrapped by quoted-printable, percent-encoded", wrapped("=%0D%0A"), encoded, None);
    add("wrapped by quoted-printable, the break lost", wrapped("="), &["white_space"], None);
    add("wrapped and indented", wrapped("%0D%0A%20%20%20"), encoded, None);
    add("broken at a hyphen", wrapped("-%0A"), encoded, None);
    add(
        "in groups",
        good.as_bytes().chunks(6).map(|c| core::str::from_utf8(c).unwrap()).collect::<Vec<_>>().join("-"),
        &["white_space"],
        None,
    );
    add("leading <", format!("<{good}"), &["punctuation"], None);
    add(
        "in pointed brackets, percent-encoded",
        format!("%3C{good}%3E"),
        &["punctuation", "percent_encoding"],
        None,
    );
    add("in stars, as in marked-up text", format!("**{good}**"), &["punctuation"], None);
    let first = good.as_bytes()[0];
    add("a character percent-encoded", format!("%{first:02X}{}", &good[1..]), &["percent_encoding"], None);
    add(
        "a full stop percent-encoded twice",
        format!("{good}%252E"),
        &["punctuation", "percent_encoding"],
        None,
    );
    add(
        "a full stop percent-encoded three times",
        format!("{good}%25252E"),
        &["punctuation", "percent_encoding"],
        None,
    );
    let escaped = &["percent_encoding", "fragment"];
    add("%23 and a key", format!("{good}%23{FRAGMENT}"), escaped, Some(FRAGMENT));
    add("%2523 and a key", format!("{good}%2523{FRAGMENT}"), escaped, Some(FRAGMENT));
    add("# and a key", format!("{good}#{FRAGMENT}"), &["fragment"], Some(FRAGMENT));
    add("%23 and a key with a full stop", format!("{good}%23{FRAGMENT}."), escaped, Some(FRAGMENT));
    let shouted = format!("{upper}%23{}", FRAGMENT.to_uppercase());
    add("%23, all in upper case", shouted, &["case", "percent_encoding", "fragment"], Some(FRAGMENT));
    let wrapped_key = format!("{good}%23{}=%0D%0A{}", &FRAGMENT[..9], &FRAGMENT[9..]);
    add("%23 and a wrapped key", wrapped_key, escaped, Some(FRAGMENT));
    add("%23 and nothing", format!("{good}%23"), escaped, None);
    add("# and nothing", format!("{good}#"), &["fragment"], None);
    add("%23 and a key cut short", format!("{good}%23{}", &FRAGMENT[..25]), escaped, None);
    add("%23 and a key too long", format!("{good}%23{FRAGMENT}0"), escaped, None);
    add("%23 and markup", format!("{good}%23%3Cscript%3E"), escaped, None);
    add("%23 and a header", format!("{good}%23%0D%0ASet-Cookie:x=y"), escaped, None);
    add("%23 twice", format!("{good}%23%23{FRAGMENT}"), escaped, None);
    let full_stop = &["punctuation", "percent_encoding", "fragment"];
    add("a full stop, %23 and a key", format!("{good}.%23{FRAGMENT}"), full_stop, Some(FRAGMENT));
    add("512 bytes", format!("{good}{}", ".".repeat(512 - 66)), &["punctuation"], None);
    cases
}

pub(crate) fn damaged() -> Vec<Case> {
    let good = good();
    let replace = |at: usize, with: &str| format!("{}{with}{}", &good[..at], &good[at + 1..]);
    // Another character of the alphabet, in the same place of the next ten.
    let other = |at: usize| {
        let alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
        let here = alphabet.find(&good[at..=at]).unwrap();
        alphabet[(here + 11) % 32..].chars().next().unwrap().to_string()
    };
    let mut cases = Vec::new();
    let mut add =
        |reason: &str, name: &str, segment: String| cases.push(bad("damaged", reason, name, segment));
    for (name, at) in [
        ("version", 0),
        ("key id", 2),
        ("start of the letter", 4),
        ("middle of the letter", 15),
        ("end of the letter", 28),
        ("not-after", 31),
        ("start of the tag", 36),
        ("end of the tag", 59),
        ("start of the check", 61),
    ] {
        add("check", &format!("another character in the {name}"), replace(at, &other(at)));
    }
    // The last character holds three bits and two spare ones.
    let last = "0123456789abcdefghjkmnpqrstvwxyz".find(&good[65..]).unwrap();
    let symbol = |value: usize| "0123456789abcdefghjkmnpqrstvwxyz"[value..=value].to_owned();
    add("check", "another last character", replace(65, &symbol((last + 4) % 32)));
    for spare in 1..4 {
        add("spare_bits", &format!("spare bits {spare}"), replace(65, &symbol(last + spare)));
    }
    let upper_spare = replace(65, &symbol(last + 1)).to_uppercase();
    add("spare_bits", "spare bits in upper case", upper_spare);
    add("alphabet", "u in the middle", replace(40, "u"));
    add("alphabet", "U in the middle", replace(40, "U"));
    add("alphabet", "@ in the middle", replace(40, "@"));
    add("alphabet", "a full stop in the middle", replace(40, "."));
    add("alphabet", "a letter of another script", replace(40, "\u{430}"));
    add("alphabet", "a full-width digit", replace(40, "\u{ff11}"));
    add("alphabet", "a NUL percent-encoded", replace(40, "%00"));
    add("alphabet", "a slash percent-encoded", replace(40, "%2F"));
    add("alphabet", "bytes that are not UTF-8", replace(40, "%FF"));
    add("alphabet", "a percent sign that escapes nothing", format!("{}%x{}", &good[..40], &good[42..]));
    add("alphabet", "a percent sign at the end", format!("{good}%"));
    add("alphabet", "half an escape at the end", format!("{good}%2"));
    add("alphabet", "an escape that is not hexadecimal", format!("{good}%+1"));
    add("length", "a space in place of a character", replace(40, "%20"));
    add("length", "a hyphen in place of a character", replace(40, "-"));
    add("length", "one character lost in the middle", replace(40, ""));
    add("length", "the first character lost", good[1..].to_owned());
    add("length", "the last character lost", good[..65].to_owned());
    add("length", "cut in half", good[..33].to_owned());
    add("length", "cut to one character", good[..1].to_owned());
    add("length", "nothing", String::new());
    add("length", "one character doubled", format!("{}{}", &good[..41], &good[40..]));
    add("length", "one character more", format!("{good}0"));
    add("length", "the token twice", format!("{good}{good}"));
    let mut swapped = good.clone().into_bytes();
    let at = (20..60).find(|&at| swapped[at] != swapped[at + 1]).unwrap();
    swapped.swap(at, at + 1);
    add("check", "two neighbours swapped", String::from_utf8(swapped).unwrap());
    add("spare_bits", "66 ones", "1".repeat(66));
    add("check", "66 zeros", "0".repeat(66));
    add("spare_bits", "66 times z", "z".repeat(66));
    add("alphabet", "words after the token", format!("{good}.%20Kind"));
    add("alphabet", "markup after the token", format!("{good}%3C%2Fa%3E"));
    add("length", "%23 before everything", format!("%23{good}"));
    add("length", "%23 in the middle", replace(40, "%23"));
    add("alphabet", "a UUID alone with junk", format!("{LETTER}@"));
    add("length", "a UUID alone", LETTER.to_owned());
    add("alphabet", "a well-known file", "wp-login.php".to_owned());
    add("alphabet", "robots.txt", "robots.txt".to_owned());
    add("alphabet", "dots that climb", "..%2f..%2fetc%2fpasswd".to_owned());
    add("path_too_long", "513 bytes", format!("{good}{}", ".".repeat(513 - 66)));
    add("path_too_long", "10 kB of junk", "Qz7-".repeat(2500));
    add("path_too_long", "10 kB of percent signs", "%25".repeat(3400));
    cases
}

pub(crate) fn forged() -> Vec<Case> {
    let good = good();
    let mut cases = Vec::new();
    let mut add =
        |reason: &str, name: &str, segment: String| cases.push(bad("forged", reason, name, segment));
    add("tag", "made with another secret", token(7, "somebody else", END));
    add("tag", "made with the secret of another number", token(7, "3", END));
    add("tag", "one bit of the tag", rechecked(&good, |raw| raw[37] ^= 1));
    add("tag", "the first bit of the tag", rechecked(&good, |raw| raw[22] ^= 0x80));
    add("tag", "another letter, checked again", rechecked(&good, |raw| raw[17] ^= 1));
    add("tag", "a later not-after, checked again", rechecked(&good, |raw| raw[18..22].fill(0xff)));
    add("tag", "another key id, checked again", rechecked(&good, |raw| raw[1] = 3));
    add("tag", "a tag of zeros", rechecked(&good, |raw| raw[22..38].fill(0)));
    add("tag", "a retired key id, the tag wrong", rechecked(&good, |raw| raw[1] = 2));
    add("tag", "expired and forged", token(7, "somebody else", NOW - 1));
    add("tag", "forged in upper case", token(7, "somebody else", END).to_uppercase());
    add("tag", "forged with a full stop", format!("{}.", token(7, "somebody else", END)));
    add("tag", "forged with %23 and a key", format!("{}%23{FRAGMENT}", token(7, "somebody else", END)));
    add("unknown_key", "no such key", token(9, "7", END));
    add("unknown_key", "no such key, checked again", rechecked(&good, |raw| raw[1] = 0));
    add("retired_key", "made with a retired key", token(2, "2", END));
    add("retired_key", "made with a retired key and expired", token(2, "2", NOW - 1));
    add("retired_key", "made with a retired key, in upper case", token(2, "2", END).to_uppercase());
    add("version", "version 0", rechecked(&good, |raw| raw[0] = 0));
    add("version", "version 2", rechecked(&good, |raw| raw[0] = 2));
    add("version", "version 255", rechecked(&good, |raw| raw[0] = 255));
    add("version", "version 2 in upper case", rechecked(&good, |raw| raw[0] = 2).to_uppercase());
    let at_key_end = token(3, "3", KEY_3_END + 1);
    cases.push(Case {
        now: KEY_3_END,
        ..bad("forged", "retired_key", "the older key, at the second it retires", at_key_end)
    });
    cases
}
