//! Media types (RFC 9110, section 8.3.1): which may stand in a header, and which may be shown in the page.

/// Types every browser shows without running anything that the file brings along.
const INLINE: [&str; 7] =
    ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain"];

/// The longest media type a manifest may carry, in bytes.
pub const MAX_MEDIA_TYPE: usize = 255;

/// Whether a letter of this type is shown in the page; everything else is only ever downloaded.
///
/// HTML, SVG and XML are not on the list: they carry script. Parameters do not matter.
pub fn inline_media_type(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
    INLINE.iter().any(|known| known.eq_ignore_ascii_case(essence))
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
        for shown in ["application/pdf", "IMAGE/PNG", "text/plain; charset=utf-8", "image/avif ;q=1"] {
            assert!(inline_media_type(shown), "{shown}");
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
        ] {
            assert!(!inline_media_type(kept), "{kept}");
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
