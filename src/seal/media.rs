//! Media types (RFC 9110, section 8.3.1): which may stand in a header, and which may be shown in the page.

/// Types every browser shows without running anything that the file brings along; text, see below, is one more.
const INLINE: [&str; 6] =
    ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"];

/// Labels of character encodings (WHATWG Encoding, section 4.2) that every browser decodes. Left out are those in which a byte
/// of ASCII can mean something else, but for UTF-16.
const CHARSETS: [&str; 53] = [
    "utf-8",
    "utf8",
    "utf-16",
    "utf-16le",
    "utf-16be",
    "us-ascii",
    "ascii",
    "iso-8859-1",
    "latin1",
    "iso-8859-2",
    "latin2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-8-i",
    "iso-8859-9",
    "latin5",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "latin9",
    "iso-8859-16",
    "windows-1250",
    "cp1250",
    "windows-1251",
    "cp1251",
    "windows-1252",
    "cp1252",
    "windows-1253",
    "cp1253",
    "windows-1254",
    "cp1254",
    "windows-1255",
    "cp1255",
    "windows-1256",
    "cp1256",
    "windows-1257",
    "cp1257",
    "windows-1258",
    "cp1258",
    "windows-874",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "gbk",
    "gb18030",
    "big5",
    "euc-jp",
    "euc-kr",
];

/// What a text without a declared encoding is read as.
const DEFAULT_CHARSET: &str = "utf-8";

/// The longest media type a manifest may carry, in bytes.
pub const MAX_MEDIA_TYPE: usize = 255;

/// The type without its parameters, in lower case: `TEXT/Plain; charset=x` is `text/plain`.
pub fn essence(media_type: &str) -> String {
    let essence = media_type.split(';').next().unwrap_or_default();
    essence.trim_matches([' ', '\t']).to_ascii_lowercase()
}

/// The encoding that the type declares, in lower case and without quotes.
pub fn charset(media_type: &str) -> Option<String> {
    let parameters = media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut declared = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    let (_, value) = declared.next()?;
    Some(value.trim_matches([' ', '\t', '"']).to_ascii_lowercase())
}

/// The `Content-Type` under which a letter of this type is shown in the page; `None` for what is only ever downloaded.
///
/// HTML, SVG and XML are not on the list: they carry script. A text is shown when every browser knows its encoding. Parameters
/// of the other types do not matter and are left out.
pub fn shown_media_type(media_type: &str) -> Option<String> {
    let essence = essence(media_type);
    if essence == "text/plain" {
        let charset = charset(media_type).unwrap_or_else(|| DEFAULT_CHARSET.to_owned());
        return CHARSETS.contains(&charset.as_str()).then(|| format!("{essence}; charset={charset}"));
    }
    INLINE.contains(&essence.as_str()).then_some(essence)
}

/// Whether the text is a media type that is safe as a Content-Type header: `type/subtype` with parameters
/// of tokens or quoted strings, visible ASCII only, at most [`MAX_MEDIA_TYPE`] bytes.
pub fn is_media_type(text: &str) -> bool {
    if text.len() > MAX_MEDIA_TYPE {
        return false;
    }
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim_end_matches([' ', '\t']);
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    is_token(kind) && is_token(subtype) && parts.all(is_parameter)
}

/// `name=value`. A semicolon inside a quoted value is refused: no type in use needs one.
fn is_parameter(text: &str) -> bool {
    let Some((name, value)) = text.trim_matches([' ', '\t']).split_once('=') else { return false };
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let value_holds = match quoted {
        Some(inner) => inner.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')),
        None => is_token(value),
    };
    is_token(name) && value_holds
}

/// `token` of RFC 9110, section 5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_without_script_are_shown_in_the_page() {
        for (media_type, shown) in [
            ("application/pdf", "application/pdf"),
            ("IMAGE/PNG", "image/png"),
            ("image/avif ;q=1", "image/avif"),
            ("text/plain", "text/plain; charset=utf-8"),
            ("TEXT/PLAIN; Charset=\"utf-8\"", "text/plain; charset=utf-8"),
            ("Text/Plain ;format=flowed;\tCHARSET=Windows-1252", "text/plain; charset=windows-1252"),
            ("text/plain;charset=UTF-16LE", "text/plain; charset=utf-16le"),
            ("text/plain; charset=utf-8; charset=utf-7", "text/plain; charset=utf-8"),
        ] {
            assert_eq!(shown_media_type(media_type).as_deref(), Some(shown), "{media_type}");
        }
        for kept in [
            "text/html",
            "image/svg+xml",
            "application/xhtml+xml",
            "text/xml",
            "",
            "application/pdf2",
            "text/html;application/pdf",
            "application/octet-stream",
            "text/javascript",
            "text/plain; charset=utf-7",
            "text/plain; charset=iso-2022-jp",
            "text/plain; charset=unknown-8bit",
            "text/plain; charset=\"\"",
            "text/html; charset=utf-8",
        ] {
            assert_eq!(shown_media_type(kept), None, "{kept}");
        }
    }

    #[test]
    fn what_is_shown_is_safe_in_a_header() {
        for charset in CHARSETS {
            let shown = shown_media_type(&format!("text/plain;charset={charset}")).unwrap_or_default();
            assert!(is_media_type(&shown), "{shown}");
            assert_eq!(
                (essence(&shown).as_str(), super::charset(&shown).as_deref()),
                ("text/plain", Some(charset))
            );
        }
    }

    #[test]
    fn a_media_type_that_could_break_a_header_is_refused() {
        for good in [
            "application/pdf",
            "text/plain; charset=utf-8",
            "text/plain;charset=\"utf-8\"",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ] {
            assert!(is_media_type(good), "{good}");
        }
        let long = format!("a/{}", "b".repeat(MAX_MEDIA_TYPE));
        for bad in [
            "",
            "pdf",
            "/",
            "a/",
            "/b",
            "a/b/c",
            "a b/c",
            "a/b;",
            "a/b;x",
            "a/b;x=",
            "a/b;x=\"",
            "a/b;x=\"\"\"",
            "a/b\r\nX: y",
            "a/b;x=\"\r\n\"",
            "a/é",
            "a/b;x=\"é\"",
            "a/b\0",
            long.as_str(),
        ] {
            assert!(!is_media_type(bad), "{bad:?}");
        }
    }
}
