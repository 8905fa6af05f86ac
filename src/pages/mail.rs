//! A mail to the sender that a page begins: its address and subject.

use core::fmt::Write as _;

/// Some mail programs cut an address off after two thousand characters, and a subject in Chinese takes nine for each of its own.
const MAX_SUBJECT_BYTES: usize = 1_500;

/// The `mailto:` URL (RFC 6068) of a mail to `address` with this subject and no body.
pub(crate) fn mailto(address: &str, subject: Option<&str>) -> String {
    let mut url = String::from("mailto:");
    for c in address.chars() {
        // What separates addresses from each other or from the rest would begin another mail.
        escape(&mut url, c, |c| matches!(c, '@' | '+'));
    }
    let Some(subject) = subject else { return url };
    url.push_str("?subject=");
    let begin = url.len();
    for c in subject.chars().filter_map(plain) {
        if url.len() - begin > MAX_SUBJECT_BYTES {
            escape(&mut url, '…', |_| false);
            break;
        }
        escape(&mut url, c, |_| false);
    }
    url
}

/// A subject is one line, written in one direction.
fn plain(c: char) -> Option<char> {
    match c {
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => None,
        '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() => Some(' '),
        c => Some(c),
    }
}

/// Percent-encoded, but for what never needs it and what `also` lets through.
fn escape(url: &mut String, c: char, also: impl Fn(char) -> bool) {
    if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') || also(c) {
        return url.push(c);
    }
    for byte in c.encode_utf8(&mut [0; 4]).bytes() {
        // Writing to a String does not fail.
        let _ = write!(url, "%{byte:02X}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_subject_stays_one_subject() {
        for (subject, encoded) in [
            ("Your letter: M.O.T.", "Your%20letter%3A%20M.O.T."),
            ("a&body=b?c#d=e", "a%26body%3Db%3Fc%23d%3De"),
            ("50% off + more", "50%25%20off%20%2B%20more"),
            ("a\r\nBcc: x@y.example", "a%20%20Bcc%3A%20x%40y.example"),
            ("a\u{2028}b\0c\u{85}d", "a%20b%20c%20d"),
            ("\u{202e}gnp\u{202c}.\u{2067}x\u{200f}", "gnp.x"),
            ("Café « 日 »", "Caf%C3%A9%20%C2%AB%20%E6%97%A5%20%C2%BB"),
            ("\"'<script>", "%22%27%3Cscript%3E"),
            ("", ""),
        ] {
            assert_eq!(mailto("a@b.example", Some(subject)), format!("mailto:a@b.example?subject={encoded}"));
        }
        assert_eq!(mailto("a@b.example", None), "mailto:a@b.example");
    }

    #[test]
    fn an_address_stays_one_address() {
        assert_eq!(mailto("a+b.c_d@e-f.example", None), "mailto:a+b.c_d@e-f.example");
        assert_eq!(mailto("a?cc=b&c,d%41@e.example", None), "mailto:a%3Fcc%3Db%26c%2Cd%2541@e.example");
    }

    #[test]
    fn a_long_subject_is_cut_between_characters() {
        let url = mailto("a@b.example", Some(&"漢".repeat(200)));
        assert!(url.len() < 1_600 && url.ends_with("%E6%BC%A2%E2%80%A6"), "{url}");
        let whole = mailto("a@b.example", Some(&"x".repeat(200)));
        assert!(whole.ends_with("xx"), "{whole}");
    }

    proptest! {
        #[test]
        fn nothing_but_the_one_field_ever_comes_out(subject in "\\PC{0,300}|[\\x00-\\x7f]{0,300}") {
            let url = mailto("a@b.example", Some(&subject));
            let (_, field) = url.split_once("?subject=").unwrap();
            let harmless = |b: u8| b.is_ascii_alphanumeric() || b"-._~%".contains(&b);
            prop_assert!(field.bytes().all(harmless));
            prop_assert!(!["%0A", "%0D", "%00", "%E2%80%AE"].iter().any(|bad| field.contains(bad)));
        }
    }
}
