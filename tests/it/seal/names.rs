//! File names and fragment keys from strangers.

use proptest::prelude::*;
use waxseal::seal::{
    Disposition, FragmentKey, FragmentKeyError, MAX_FILE_NAME, content_disposition, is_media_type,
    safe_file_name,
};

/// Names made of the pieces that cause trouble.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "",
        ".",
        "..",
        "/",
        "\\",
        " ",
        "\t",
        "\r\n",
        "\0",
        "\"",
        "'",
        ";",
        "%",
        "%2e",
        "%00",
        "CON",
        "nul",
        "com1",
        ".exe",
        ".pdf",
        "C:",
        "~",
        "-",
        "\u{202e}",
        "\u{200d}",
        "\u{feff}",
        "\u{2028}",
        "é",
        "報告",
        "👩‍👩‍👧",
        "🦀",
        "*",
        "=?utf-8?B?",
        "filename*=",
        "<script>",
        "\u{7f}",
        "\u{85}",
        "\u{ffff}",
        "\u{10ffff}",
    ]);
    prop_oneof![
        any::<String>(),
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        ("[a-z🦀é.]{1,8}", 1..200usize).prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

/// Reads the header as a strict client would: the quoted name and, if there is one, the extended name.
fn parse(header: &str) -> (String, Option<String>) {
    let rest = header.strip_prefix("attachment; filename=\"").unwrap();
    let (plain, rest) = rest.split_once('"').unwrap();
    if rest.is_empty() {
        return (plain.to_owned(), None);
    }
    let mut bytes = rest.strip_prefix("; filename*=UTF-8''").unwrap().bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
            decoded.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
        } else {
            assert!(byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte), "{header}");
            decoded.push(byte);
        }
    }
    (plain.to_owned(), Some(String::from_utf8(decoded).unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_name_becomes_safe(name in hostile()) {
        let safe = safe_file_name(&name);
        prop_assert!((1..=MAX_FILE_NAME).contains(&safe.len()), "{} bytes", safe.len());
        prop_assert!(!safe.starts_with(['.', ' ']) && !safe.ends_with(['.', ' ']), "{safe:?}");
        prop_assert!(!safe.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c)), "{safe:?}");
        prop_assert!(!safe.chars().any(|c| matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{feff}')), "{safe:?}");
        let stem = safe.split('.').next().unwrap().to_lowercase();
        prop_assert!(!["con", "prn", "aux", "nul", "com1", "lpt1"].contains(&stem.as_str()), "{safe:?}");
        prop_assert_eq!(safe_file_name(&safe), safe.clone(), "twice is once");
    }

    #[test]
    fn any_name_gives_one_well_formed_header(name in hostile()) {
        let header = content_disposition(&name, Disposition::Attachment);
        prop_assert!(header.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{header:?}");
        prop_assert!(header.len() < 1_200, "{}", header.len());
        let (plain, extended) = parse(&header);
        let safe = safe_file_name(&name);
        prop_assert!(!plain.contains(['%', '\\']));
        prop_assert_eq!(plain.chars().count(), safe.chars().count());
        prop_assert_eq!(extended.unwrap_or(plain), safe);
    }

    #[test]
    fn a_media_type_that_is_let_through_is_one_header_line(text in prop_oneof![any::<String>(), "[a-z/;= \"\r\n\\\\]{0,30}"]) {
        if is_media_type(&text) {
            prop_assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t')), "{text:?}");
            prop_assert!(text.contains('/'));
        }
    }

    #[test]
    fn fragment_keys_survive_what_people_do_to_links(random in any::<[u8; 16]>()) {
        let key = FragmentKey::new(random);
        let text = key.to_text();
        prop_assert_eq!(text.len(), 26);
        let upper = text.to_uppercase();
        let retyped = text.replace('0', "O").replace('1', "l");
        for spelling in [text.to_string(), upper, retyped, format!("#{}", *text), format!(" {}).\n", *text)] {
            let read: FragmentKey = spelling.parse().unwrap();
            prop_assert_eq!(read.as_bytes(), &random);
        }
    }

    #[test]
    fn other_fragments_never_panic(text in any::<String>()) {
        let _ = text.parse::<FragmentKey>();
    }
}

#[test]
fn a_fragment_that_is_no_key_is_refused() {
    let good = FragmentKey::new([0xff; 16]).to_text();
    // The last character carries three of its five bits, the other two must be zero.
    let spare = format!("{}z", &good[..25]);
    for text in ["", "#", &good[1..], &format!("0{}", *good), &good.replace('z', "u"), &spare, "##"] {
        assert_eq!(text.parse::<FragmentKey>().unwrap_err(), FragmentKeyError, "{text}");
    }
    assert_eq!(format!("{:?}", FragmentKey::new([1; 16])), "FragmentKey(..)");
}
