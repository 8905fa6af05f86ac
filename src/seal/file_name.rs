//! File names from strangers: made safe for a disk, and written into Content-Disposition.

/// What a name becomes when nothing of it is usable.
const FALLBACK: &str = "letter";

/// The longest safe file name in bytes of UTF-8: what common file systems take.
pub const MAX_FILE_NAME: usize = 255;

/// Names that Windows gives to devices, whatever extension follows.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// How a browser should treat the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// Show it in the page if possible.
    Inline,
    /// Save it.
    Attachment,
}

/// A file name that is safe on every common file system and cannot lie about itself.
///
/// Takes the last part of a path; drops control, format and bidirectional characters; replaces what Windows
/// forbids by `_`; removes leading dots and trailing dots and spaces; marks device names; cuts to
/// [`MAX_FILE_NAME`] bytes but keeps a short extension. Never empty, never `.` or `..`.
pub fn safe_file_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let cleaned: String = base.chars().filter_map(safe_char).collect();
    let trimmed = trim_tail(cleaned.trim_start_matches(is_edge));
    if trimmed.is_empty() {
        return FALLBACK.to_owned();
    }
    let marked = if is_device(trimmed) { format!("_{trimmed}") } else { trimmed.to_owned() };
    shorten(&marked, MAX_FILE_NAME)
}

/// A Content-Disposition header (RFC 6266) for a name nobody vouches for.
///
/// `filename` carries an ASCII rendering as a quoted string without any escape, since readers disagree about
/// those; `filename*` (RFC 8187) follows when the name is not plain ASCII.
pub fn content_disposition(name: &str, disposition: Disposition) -> String {
    let name = safe_file_name(name);
    let kind = match disposition {
        Disposition::Inline => "inline",
        Disposition::Attachment => "attachment",
    };
    let ascii: String = name.chars().map(ascii_char).collect();
    if ascii == name {
        return format!("{kind}; filename=\"{ascii}\"");
    }
    let mut header = format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        push_ext_byte(&mut header, byte);
    }
    header
}

/// What stays of one character of a file name.
fn safe_char(c: char) -> Option<char> {
    match c {
        '\t' | '\u{a0}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Some(' '),
        // Joiners inside emoji and scripts that need them are harmless; without them words change.
        '\u{200c}' | '\u{200d}' => Some(c),
        _ if c.is_control() || is_format(c) => None,
        '<' | '>' | ':' | '"' | '/' | '\\' | '|' | '?' | '*' => Some('_'),
        _ => Some(c),
    }
}

/// Characters that show nothing but change how their neighbours are shown, line breaks, and code points
/// that are no characters at all.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..='\u{10ffff}')
        || (u32::from(c) & 0xfffe) == 0xfffe
}

/// Windows drops trailing dots and spaces, so that two names would be one.
fn trim_tail(name: &str) -> &str {
    name.trim_end_matches(is_edge)
}

/// What no name may start or end with: dots hide files, the rest cannot be seen.
fn is_edge(c: char) -> bool {
    c == '.' || c.is_whitespace() || matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    if DEVICES.contains(&stem.as_str()) {
        return true;
    }
    let number = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    number.is_some_and(|rest| {
        let mut digits = rest.chars();
        // Windows takes the superscript digits for digits.
        let one = digits.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
        one && digits.next().is_none()
    })
}

/// Cuts at a character boundary and keeps an extension of up to 16 bytes.
fn shorten(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
    let extension = if extension.len() <= 16 { extension } else { "" };
    let dot = usize::from(!extension.is_empty());
    let room = limit.saturating_sub(extension.len() + dot);
    let stem = trim_tail(name.get(..name.floor_char_boundary(room)).unwrap_or_default());
    if dot == 1 { format!("{stem}.{extension}") } else { stem.to_owned() }
}

/// Percent signs are replaced too: some browsers decode them inside `filename`.
fn ascii_char(c: char) -> char {
    if matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%') { c } else { '_' }
}

/// One byte of an RFC 8187 ext-value: as it is when it is an attr-char, else percent-encoded.
fn push_ext_byte(header: &mut String, byte: u8) {
    if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
        header.push(char::from(byte));
    } else {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase();
        header.push('%');
        header.push(digit(byte >> 4));
        header.push(digit(byte & 15));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["report.pdf", "Prüfbericht 2025.pdf", "rapport (1).tar.gz", "報告書.pdf", "a", "com.pdf"]
        {
            assert_eq!(safe_file_name(name), name);
        }
    }

    #[test]
    fn paths_controls_and_direction_tricks_are_taken_out() {
        for (hostile, safe) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\system32\\cmd.exe", "cmd.exe"),
            ("/", "letter"),
            ("", "letter"),
            (".", "letter"),
            ("..", "letter"),
            ("...", "letter"),
            ("dir/", "dir"),
            (".bashrc", "bashrc"),
            (" . .ssh", "ssh"),
            ("a\r\nSet-Cookie: x=y.pdf", "aSet-Cookie_ x=y.pdf"),
            ("a\0b.pdf", "ab.pdf"),
            ("invoice\u{202e}fdp.exe", "invoicefdp.exe"),
            ("\u{2066}x\u{2069}.pdf", "x.pdf"),
            ("\u{feff}\u{200b}\u{200f}", "letter"),
            ("say \"hi\".pdf", "say _hi_.pdf"),
            ("a<b>c|d?e*f.pdf", "a_b_c_d_e_f.pdf"),
            ("name.pdf. . .", "name.pdf"),
            ("a.txt::$DATA", "a.txt__$DATA"),
            ("CON", "_CON"),
            ("nul.txt", "_nul.txt"),
            ("Com1.tar.gz", "_Com1.tar.gz"),
            ("LPT³.pdf", "_LPT³.pdf"),
            ("aux .pdf", "_aux .pdf"),
            ("com10.pdf", "com10.pdf"),
        ] {
            assert_eq!(safe_file_name(hostile), safe, "{hostile:?}");
        }
    }

    #[test]
    fn long_names_are_cut_at_a_character_and_keep_their_extension() {
        let name = safe_file_name(&format!("{}.pdf", "é".repeat(300)));
        assert!(name.len() <= MAX_FILE_NAME && name.len() > MAX_FILE_NAME - 3);
        assert!(name.ends_with("é.pdf"));
        let name = safe_file_name(&"🦀".repeat(300));
        assert_eq!(name.chars().count(), 63);
        let name = safe_file_name(&format!("a.{}", "b".repeat(400)));
        assert_eq!(name.len(), MAX_FILE_NAME);
        assert_eq!(safe_file_name(&format!("{}.com", "CON.".repeat(200))).get(..4), Some("_CON"));
    }

    #[test]
    fn content_disposition_of_rfc_6266() {
        use Disposition::{Attachment, Inline};
        assert_eq!(content_disposition("a b.pdf", Inline), "inline; filename=\"a b.pdf\"");
        assert_eq!(
            content_disposition("€ rates.pdf", Attachment),
            "attachment; filename=\"_ rates.pdf\"; filename*=UTF-8''%E2%82%AC%20rates.pdf"
        );
        assert_eq!(
            content_disposition("100%41.pdf", Attachment),
            "attachment; filename=\"100_41.pdf\"; filename*=UTF-8''100%2541.pdf"
        );
        assert_eq!(
            content_disposition("\"; filename=\"evil.exe", Attachment),
            "attachment; filename=\"_; filename=_evil.exe\""
        );
    }
}
