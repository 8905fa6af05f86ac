//! Which encoding a text is in, found out while it is sealed: every byte of it counts, and none is kept.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding as Label, UTF_8};
use waxseal::seal::{charset, essence};

/// What says that nobody knows (RFC 1428): such a text is only ever downloaded.
pub(super) const UNKNOWN: &str = "unknown-8bit";

/// Texts that say themselves what they are in.
const SELF_DECLARED: [&str; 3] = ["text/html", "text/xml", "text/rtf"];

/// Reads along.
pub(crate) struct Encoding {
    domain: Option<&'static [u8]>,
    /// The first bytes; a byte order mark has no more.
    head: Vec<u8>,
    length: u64,
    /// Zero bytes at even and at odd places.
    zeros: [u64; 2],
    seen: [bool; 256],
    detector: EncodingDetector,
}

impl Encoding {
    /// For a text that does not say yet what it is in; `None` for everything else. `language` is the letter's, if it has one.
    pub(super) fn of(media_type: &str, language: Option<&str>) -> Option<Self> {
        let essence = essence(media_type);
        let open = essence.starts_with("text/") && !SELF_DECLARED.contains(&essence.as_str());
        (open && charset(media_type).is_none()).then(|| Self {
            domain: domain(language),
            head: Vec::new(),
            length: 0,
            zeros: [0; 2],
            seen: [false; 256],
            detector: EncodingDetector::new(Iso2022JpDetection::Deny),
        })
    }

    /// Takes the next bytes.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        let missing = 4usize.saturating_sub(self.head.len());
        self.head.extend(bytes.iter().take(missing));
        for byte in bytes {
            if let Some(seen) = self.seen.get_mut(usize::from(*byte)) {
                *seen = true;
            }
            if let Some(zeros) = self.zeros.get_mut((self.length % 2) as usize).filter(|_| *byte == 0) {
                *zeros += 1;
            }
            self.length += 1;
        }
        self.detector.feed(bytes, false);
    }

    /// The label.
    pub(super) fn label(&self) -> String {
        if let Some(wide) = self.wide() {
            return wide.to_owned();
        }
        let guess = self.detector.guess(self.domain, Utf8Detection::Allow);
        if guess == UTF_8 {
            return "utf-8".to_owned();
        }
        if self.is_plain_in(guess) { guess.name().to_ascii_lowercase() } else { UNKNOWN.to_owned() }
    }

    /// UTF-16, by its mark or by where the zero bytes of its ASCII characters are.
    fn wide(&self) -> Option<&'static str> {
        let [even, odd] = self.zeros;
        let (little, big) = (self.head.starts_with(&[0xff, 0xfe]), self.head.starts_with(&[0xfe, 0xff]));
        let longer = self.head.starts_with(&[0xff, 0xfe, 0, 0]) || self.head.starts_with(&[0, 0]);
        if !little && !big && even + odd == 0 {
            return None;
        }
        // Zeros on both sides are binary data, but for the rare characters whose low byte is one.
        let (little, big) = (little || (!big && odd > 16 * even), big || (!little && even > 16 * odd));
        Some(match (self.length.is_multiple_of(2) && !longer, little, big) {
            (true, true, _) => "utf-16le",
            (true, _, true) => "utf-16be",
            _ => UNKNOWN,
        })
    }

    /// Whether every byte is a character of text in this encoding. DOS ended files with 26, and terminals colour with 27.
    fn is_plain_in(&self, encoding: &'static Label) -> bool {
        let mut seen = self.seen.iter().zip(0u8..=255).filter_map(|(seen, byte)| seen.then_some(byte));
        seen.all(|byte| match byte {
            0..=8 | 11 | 14..=25 | 28..=31 | 127 => false,
            ..=127 => true,
            _ if encoding.is_single_byte() => {
                let one = [byte];
                let (text, faulty) = encoding.decode_without_bom_handling(&one);
                !faulty && !text.chars().any(char::is_control)
            }
            // A letter in one of our languages is not written in an encoding of the Far East.
            _ => self.domain.is_none(),
        })
    }
}

/// Where a text in this language mostly comes from, as the detector wants to know it.
fn domain(language: Option<&str>) -> Option<&'static [u8]> {
    match language {
        Some("de") => Some(b"de"),
        Some("fr") => Some(b"fr"),
        Some("nl") => Some(b"nl"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8], language: Option<&str>) -> String {
        let mut encoding = Encoding::of("text/plain", language).unwrap();
        // In pieces that cut characters and marks.
        bytes.chunks(3).for_each(|piece| encoding.see(piece));
        encoding.label()
    }

    fn utf16(text: &str, bytes: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    const REPORT: &str = "Prüfbericht für Müller: Bremsen in Ordnung.\n";

    #[test]
    fn a_text_is_known_by_its_bytes() {
        for (bytes, label) in [
            (REPORT.as_bytes().to_vec(), "utf-8"),
            (b"Dear Ms Smith,\r\n".to_vec(), "utf-8"),
            (b"\xef\xbb\xbfDear Ms Smith".to_vec(), "utf-8"),
            ("日本語のレポート".as_bytes().to_vec(), "utf-8"),
            (utf16(&format!("\u{feff}{REPORT}"), u16::to_le_bytes), "utf-16le"),
            (utf16(&format!("\u{feff}{REPORT}"), u16::to_be_bytes), "utf-16be"),
            (utf16(REPORT, u16::to_le_bytes), "utf-16le"),
            (utf16(REPORT, u16::to_be_bytes), "utf-16be"),
            (utf16("\u{feff}Отчёт", u16::to_le_bytes), "utf-16le"),
            (utf16("Отчёт о проверке 1\n", u16::to_le_bytes), "utf-16le"),
            (b"Pr\xfcfbericht f\xfcr M\xfcller: Bremsen in Ordnung.\n".to_vec(), "windows-1252"),
            (b"Rapport v\xe9rifi\xe9 \x96 tout est en r\xe8gle, 80 \x80.\r\n".to_vec(), "windows-1252"),
            (b"caf\xe9\x1a".to_vec(), "windows-1252"),
        ] {
            assert_eq!(found(&bytes, None), label, "{bytes:?}");
        }
    }

    #[test]
    fn the_letters_language_helps() {
        for language in [None, Some("en"), Some("de"), Some("nl"), Some("fr")] {
            assert_eq!(found(b"f\xfcr", language), "windows-1252", "{language:?}");
            assert_eq!(found(b"d\xe9j\xe0 vu", language), "windows-1252", "{language:?}");
        }
    }

    #[test]
    fn what_is_no_text_is_not_called_one() {
        for bytes in [
            &b"\xfc\x01\x02\xff\x05"[..],
            b"a\0b\0\0\0\0c\0\0d",
            b"\xff\xfe\0\0P\0\0\0",
            b"\0\0\xfe\xff\0\0\0P",
            // Half a character.
            b"\xff\xfeP\0r",
            // The code page of DOS, in which 0x81 is a letter; no browser knows it.
            b"Pr\x81fbericht f\x81r M\x81ller",
        ] {
            assert_eq!(found(bytes, Some("de")), UNKNOWN, "{bytes:?}");
        }
    }

    #[test]
    fn what_says_its_encoding_is_left_alone() {
        for media_type in [
            "text/plain; charset=iso-8859-1",
            "TEXT/PLAIN;Charset=x",
            "text/html",
            "application/pdf",
            "image/png",
        ] {
            assert!(Encoding::of(media_type, None).is_none(), "{media_type}");
        }
        for media_type in ["text/plain", "Text/CSV", "text/plain; format=flowed"] {
            assert!(Encoding::of(media_type, None).is_some(), "{media_type}");
        }
    }
}
