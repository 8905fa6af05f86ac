//! What a report is, where nobody says: by the ending of its name, else by its first bytes.

/// The media type of what nobody knows (RFC 2046, section 4.5.1).
pub const UNKNOWN_MEDIA_TYPE: &str = "application/octet-stream";

/// So many of a report's first bytes tell what it is.
pub const HEAD_BYTES: usize = 16;

/// What reports mostly are. The command line knows many more; here they would be in a module that every request loads.
const ENDINGS: [(&str, &str); 19] = [
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("txt", "text/plain"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("xml", "text/xml"),
    ("json", "application/json"),
    ("zip", "application/zip"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("doc", "application/msword"),
    ("xls", "application/vnd.ms-excel"),
];

/// First bytes, from which byte on, and the ending of what begins so.
const SIGNATURES: [(&[u8], usize, &str); 6] = [
    (b"%PDF-", 0, "pdf"),
    (b"\x89PNG\r\n\x1a\n", 0, "png"),
    (b"\xff\xd8\xff", 0, "jpg"),
    (b"GIF8", 0, "gif"),
    (b"WEBP", 8, "webp"),
    (b"ftypavif", 4, "avif"),
];

/// The media type of a report with this name and these first bytes ([`HEAD_BYTES`] are enough).
pub fn media_type_of(name: &str, head: &[u8]) -> &'static str {
    let named = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let by_name = named.and_then(|ending| type_of(&ending));
    by_name.or_else(|| type_of(ending_of(head)?)).unwrap_or(UNKNOWN_MEDIA_TYPE)
}

/// The ending for a name that has none.
pub fn ending_of(head: &[u8]) -> Option<&'static str> {
    let found =
        SIGNATURES.iter().find(|(bytes, from, _)| head.get(*from..).is_some_and(|at| at.starts_with(bytes)));
    found.map(|(_, _, ending)| *ending)
}

fn type_of(ending: &str) -> Option<&'static str> {
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, media_type)| *media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_known_by_its_ending_or_its_first_bytes() {
        let avif = b"\0\0\0\x20ftypavif\0\0\0\0";
        for (name, head, expected) in [
            ("report.pdf", &b"\x07\x01"[..], "application/pdf"),
            ("REPORT.PDF", b"", "application/pdf"),
            ("scan.png", b"%PDF-1.7", "image/png"),
            ("report", b"%PDF-1.7", "application/pdf"),
            ("drawing.dwg", b"%PDF-1.7", "application/pdf"),
            ("Report v1.2", b"\x89PNG\r\n\x1a\n\0\0\0\r", "image/png"),
            ("", b"\xff\xd8\xff\xe0", "image/jpeg"),
            ("", b"GIF89a", "image/gif"),
            ("", b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
            ("", avif, "image/avif"),
            ("drawing.dwg", b"AC1032", UNKNOWN_MEDIA_TYPE),
            ("pdf", b"", UNKNOWN_MEDIA_TYPE),
            ("", b"", UNKNOWN_MEDIA_TYPE),
        ] {
            assert_eq!(media_type_of(name, head), expected, "{name:?} {head:?}");
        }
        for (_, _, ending) in SIGNATURES {
            assert!(type_of(ending).is_some(), "{ending}");
        }
    }
}
