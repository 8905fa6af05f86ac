//! The cases of `tests/vectors/links.json`: every row of `links.tsv`, and what needs another time or keyring.

use super::super::expected::Case;
use super::{END, FRAGMENT, KEY_3_END, NOW, good, letter, rechecked, token};

const ROWS: &str = include_str!("../../../vectors/links.tsv");
const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";

fn case(name: &str, text: impl Into<String>, class: &str) -> Case {
    let (name, class) = (name.into(), class.into());
    Case { name, keyring: "main".into(), now: NOW, text: text.into(), class, ..Case::default() }
}

fn known(name: &str, text: impl Into<String>, class: &str, kid: u8, not_after: u64) -> Case {
    let letter = Some(letter());
    Case { kid: Some(kid), letter, not_after: Some(not_after), ..case(name, text, class) }
}

fn bad(class: &str, reason: &str, name: &str, text: impl Into<String>) -> Case {
    Case { reason: Some(reason.into()), ..case(name, text, class) }
}

fn replaced(at: usize, with: &str) -> String {
    let good = good();
    format!("{}{with}{}", &good[..at], &good[at + 1..])
}

/// Another character of the alphabet than the one that stands there.
fn other(at: usize) -> String {
    let here = ALPHABET.find(&good()[at..=at]).unwrap();
    ALPHABET[(here + 11) % 32..].chars().next().unwrap().to_string()
}

/// The character's full-width form, percent-encoded.
fn wide(c: char) -> String {
    let wide = char::from_u32(c as u32 + 0xfee0).unwrap().to_string();
    wide.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn each(spell: impl Fn(usize, char) -> String) -> String {
    good().chars().enumerate().map(|(at, c)| spell(at, c)).collect()
}

/// A text of `links.tsv` with everything put in that it names.
fn filled(text: &str) -> String {
    let good = good();
    let words = [
        ("CHANGED", replaced(39, &other(39))),
        ("SHORT", replaced(11, "")),
        ("FOREIGN", token(7, "somebody else", END)),
        ("DIGITS", each(|_, c| if c.is_ascii_digit() { wide(c) } else { c.into() })),
        ("FULL", each(|_, c| wide(c))),
        ("HALF", FRAGMENT[..13].to_owned()),
        ("REST", FRAGMENT[13..].to_owned()),
        ("DASHES", "-".repeat(480)),
        ("WIDE", each(|at, c| if at % 2 == 0 { wide(c) } else { c.into() })),
        ("ESCAPED", each(|_, c| format!("%{:02x}", c as u32))),
        ("TWICE", each(|_, c| format!("%25{:02X}", c as u32))),
        ("LOOKS", good.replace('0', "o").replace('1', "l")),
        ("NULLS", each(|_, c| format!("{c}%00"))),
        ("GROUPS", each(|at, c| if at % 6 == 5 { format!("{c}-") } else { c.into() })),
        ("LONG", "x".repeat(600)),
        ("UPPER", good.to_uppercase()),
        ("TOKEN", good.clone()),
        ("TOK", good[..30].to_owned()),
        ("EN", good[30..].to_owned()),
        ("KEY", FRAGMENT.to_owned()),
        ("HOST", "letters.example".to_owned()),
    ];
    // One after the other from the left: what was put in holds no word.
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = words.iter().find(|(word, _)| rest.starts_with(word));
        let end = word.map_or(first.len_utf8(), |(word, _)| word.len());
        out.push_str(word.map_or(&rest[..end], |(_, spelled)| spelled));
        rest = &rest[end..];
    }
    out
}

/// The rows of `links.tsv`.
pub(crate) fn rows() -> Vec<Case> {
    let rows = ROWS.lines().filter(|row| !row.starts_with('#'));
    rows.map(|row| {
        let [name, text, expected] = row.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let pasted = text.strip_prefix("paste:");
        let unescaped =
            pasted.map(|text| text.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t"));
        let text = filled(unescaped.as_deref().unwrap_or(text));
        let key = (expected == "open+key").then(|| FRAGMENT.to_owned());
        let below = text.strip_prefix('/').and_then(|path| path.strip_prefix(good().as_str()));
        let is_clean =
            key.is_none() && below.is_some_and(|below| below.is_empty() || below.starts_with(['/', '?']));
        let found = match (expected, is_clean) {
            ("open" | "open+key", true) => known(name, text, "valid", 7, END),
            ("open" | "open+key", false) => {
                Case { clean: Some(good()), key, ..known(name, text, "repairable", 7, END) }
            }
            ("silent", _) if row.contains("FOREIGN") => bad("forged", "tag", name, text),
            ("silent", _) => case(name, text, "damaged"),
            (other, _) => panic!("{name}: {other}"),
        };
        Case { pasted: pasted.is_some(), ..found }
    })
    .collect()
}

pub(crate) fn valid() -> Vec<Case> {
    let edges = |case: Case| Case { keyring: "edges".into(), ..case };
    let path = |kid: u8, secret: &str, end: u64| format!("/{}", token(kid, secret, end));
    vec![
        known("without the slash", good(), "valid", 7, END),
        known("below it", format!("/{}/receipt?lang=nl", good()), "valid", 7, END),
        known("made with the older key", path(3, "3", END), "valid", 3, END),
        known("one second before expiry", path(7, "7", NOW + 1), "valid", 7, NOW + 1),
        Case {
            now: KEY_3_END - 1,
            ..known(
                "the older key, a second before it retires",
                path(3, "3", KEY_3_END),
                "valid",
                3,
                KEY_3_END,
            )
        },
        edges(known("key 0", path(0, "0", END), "valid", 0, END)),
        edges(known("key 255", path(255, "255", END), "valid", 255, END)),
        Case {
            now: 0xffff_fffe,
            ..known("a second before the end of 32 bits", path(7, "7", 0xffff_ffff), "valid", 7, 0xffff_ffff)
        },
        Case { now: 0, ..known("the clock at zero", format!("/{}", good()), "valid", 7, END) },
    ]
}

pub(crate) fn closed() -> Vec<Case> {
    let closed = |name: &str, text: String, end: u64| known(name, text, "closed", 7, end);
    let at = |now: u64, case: Case| Case { now, ..case };
    let over = token(7, "7", NOW);
    let otherwise = |name: &str, text: String, key: Option<&str>| Case {
        clean: Some(over.clone()),
        key: key.map(Into::into),
        ..known(name, text, "closed", 7, NOW)
    };
    vec![
        closed("at the second of expiry", format!("/{over}"), NOW),
        closed("one second after expiry", format!("/{}", token(7, "7", NOW - 1)), NOW - 1),
        closed("not-after zero", format!("/{}", token(7, "7", 0)), 0),
        at(
            0xffff_ffff,
            closed("the end of 32 bits", format!("/{}", token(7, "7", 0xffff_ffff)), 0xffff_ffff),
        ),
        at(u64::MAX >> 11, closed("a clock far beyond 32 bits", format!("/{}", good()), END)),
        otherwise("expired and in upper case", format!("/{}", over.to_uppercase()), None),
        otherwise("expired with a full stop", format!("/{over}."), None),
        otherwise("expired with a key in the path", format!("/{over}%23{FRAGMENT}"), Some(FRAGMENT)),
        closed("the first genuine one decides", format!("/{over}/{}", good()), NOW),
    ]
}

pub(crate) fn damaged() -> Vec<Case> {
    let good = good();
    let mut cases = Vec::new();
    let mut add = |reason: &str, name: &str, text: String| {
        cases.push(bad("damaged", reason, name, format!("/{text}")));
    };
    for (name, at) in [
        ("key id", 2),
        ("start of the letter", 4),
        ("middle of the letter", 15),
        ("end of the letter", 28),
        ("not-after", 31),
        ("start of the tag", 36),
        ("end of the tag", 59),
        ("start of the check", 61),
    ] {
        add("check", &format!("another character in the {name}"), replaced(at, &other(at)));
    }
    // The last character holds three bits and two spare ones.
    let last = ALPHABET.find(&good[65..]).unwrap();
    let symbol = |value: usize| ALPHABET[value..=value].to_owned();
    add("check", "another last character", replaced(65, &symbol((last + 4) % 32)));
    for spare in 1..4 {
        add("spare_bits", &format!("spare bits {spare}"), replaced(65, &symbol(last + spare)));
    }
    add("spare_bits", "spare bits in upper case", replaced(65, &symbol(last + 1)).to_uppercase());
    for (name, with) in [
        ("u", "u"),
        ("@", "@"),
        ("a full stop", "."),
        ("a letter of another script", "\u{430}"),
        ("a NUL", "%00"),
        ("a slash", "%2F"),
        ("a space", "%20"),
        ("a number sign", "%23"),
    ] {
        add("length", &format!("{name} in place of a character"), replaced(40, with));
    }
    add("length", "one character lost in the middle", replaced(40, ""));
    add("length", "the last character lost", good[..65].to_owned());
    add("length", "cut in half", good[..33].to_owned());
    let mut swapped = good.clone().into_bytes();
    let at = (20..60).find(|&at| swapped[at] != swapped[at + 1]).unwrap();
    swapped.swap(at, at + 1);
    add("check", "two neighbours swapped", String::from_utf8(swapped).unwrap());
    add("absent", "nothing", String::new());
    add("absent", "66 ones", "1".repeat(66));
    add("absent", "66 times z", "z".repeat(66));
    add("absent", "a well-known file", "wp-login.php".to_owned());
    add("absent", "dots that climb", "..%2f..%2fetc%2fpasswd".to_owned());
    add("absent", "10 kB of junk", "Qz7-".repeat(2500));
    add("absent", "10 kB of percent signs", "%25".repeat(3400));
    cases.push(case("one character doubled", format!("/{}{}", &good[..41], &good[40..]), "damaged"));
    cases.push(case("another version byte", format!("/{}", replaced(0, &other(0))), "damaged"));
    for version in [0, 2, 255] {
        let other = rechecked(&good, |raw| raw[0] = version);
        cases.push(case(&format!("version {version}, checked again"), format!("/{other}"), "damaged"));
    }
    cases
}

pub(crate) fn forged() -> Vec<Case> {
    let good = good();
    let mut cases = Vec::new();
    let mut add = |reason: &str, name: &str, text: String| {
        cases.push(bad("forged", reason, name, format!("/{text}")));
    };
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
    add("tag", "forged, and one of no key", format!("{}/{}", token(7, "3", END), token(9, "7", END)));
    add("unknown_key", "no such key", token(9, "7", END));
    add("unknown_key", "no such key, checked again", rechecked(&good, |raw| raw[1] = 0));
    add("retired_key", "made with a retired key", token(2, "2", END));
    add("retired_key", "made with a retired key and expired", token(2, "2", NOW - 1));
    add("retired_key", "made with a retired key, in upper case", token(2, "2", END).to_uppercase());
    add("retired_key", "made with a retired key, behind a forged one", {
        format!("{}/{}", token(7, "3", END), token(2, "2", END))
    });
    let at_key_end = format!("/{}", token(3, "3", KEY_3_END + 1));
    cases.push(Case {
        now: KEY_3_END,
        ..bad("forged", "retired_key", "the older key, at the second it retires", at_key_end)
    });
    cases
}
