//! The letter page: after consent. The server writes every text; the viewer only shows and hides sections.

use askama::Template;

use super::shell::{Shell, page};
use super::style::Look;
use super::{Page, Scripts};
use crate::lang::Lang;
use crate::site::Site;

/// What the letter page shows. Texts are plain; they are escaped here.
#[derive(Clone, Copy, Debug)]
pub struct Letter<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// `/TOKEN`.
    pub path: &'a str,
    /// The subject of the letter.
    pub subject: &'a str,
    /// The expiry in the reader's language.
    pub expires_text: &'a str,
    /// The expiry as RFC 3339.
    pub expires_iso: &'a str,
    /// When consent was given, in the reader's language; leave out when not known.
    pub consented_text: Option<&'a str>,
    /// The same as RFC 3339.
    pub consented_iso: Option<&'a str>,
    /// Whether the browser decrypts.
    pub end_to_end: bool,
    /// Plaintext bytes.
    pub length: u64,
    /// Bytes of the RFC 8188 body.
    pub body_length: u64,
    /// RFC 8188 record size, in bytes.
    pub record_size: u32,
    /// SHA-256 of the plaintext, in lower-case hex.
    pub sha256_hex: &'a str,
    /// The media type of the report.
    pub media_type: &'a str,
    /// The file name of the report, already made safe.
    pub file_name: &'a str,
    /// Whether a browser may show the type itself; otherwise it is only downloaded.
    pub inline: bool,
    /// Whether the letter's customer is known, so that there is a list of their letters.
    pub history: bool,
    /// The signed nonce of the withdraw form.
    pub nonce: &'a str,
    /// The signed right to download the report without a cookie.
    pub grant: &'a str,
    /// Whether the browser seems to keep no cookies, so that whatever reads the report needs the grant too.
    pub by_grant: bool,
    /// Whether the browser asks to spare its data, so that its own viewer is offered before ours is loaded.
    pub native_first: bool,
    /// Where the browser code is.
    pub scripts: &'a Scripts,
}

#[derive(Template)]
#[template(path = "letter.html", whitespace = "minimize")]
struct LetterPage<'a> {
    s: Shell<'a>,
    l: &'a Letter<'a>,
    mode: &'static str,
    size: String,
}

impl LetterPage<'_> {
    /// The address of the report for this browser.
    fn report(&self) -> String {
        let Letter { path, grant, by_grant, .. } = self.l;
        if *by_grant { format!("{path}/report?grant={grant}") } else { format!("{path}/report") }
    }

    /// Whether a state offers the browser's own viewer by a link.
    fn opens(&self, state: &str) -> bool {
        self.l.inline && !self.l.end_to_end && matches!(state, "choose" | "old-browser")
    }

    /// The states in which the report is there but not shown: name, heading, text.
    fn saved_states(&self) -> [(&'static str, &'static str, String); 6] {
        let (l, sender) = (&self.s.m.letter, &self.s.site.name);
        [
            ("choose", l.download_heading(), l.choose_text().to_owned()),
            ("download", l.download_heading(), l.download_text().to_owned()),
            ("large", l.download_heading(), l.large_text().to_owned()),
            ("password", l.password_heading(), l.password_text(sender)),
            ("broken", l.broken_heading(), l.broken_text(sender)),
            ("old-browser", l.old_heading(), l.old_text().to_owned()),
        ]
    }
}

/// The letter page.
pub fn letter(site: &Site, letter: &Letter<'_>) -> Page {
    let title = letter.lang.messages().letter.title(&site.name);
    let s = Shell::new(site, letter.lang, Some(letter.path), title, Look::Viewer, letter.end_to_end)
        .about(Some(letter.subject));
    let csp = s.style.csp.clone();
    let mode = if letter.end_to_end { "end-to-end" } else { "edge-opened" };
    page(200, &csp, &LetterPage { s, l: letter, mode, size: size(letter.lang, letter.length) })
}

/// A size as people read it: decimal units, one digit after the point while that says something.
fn size(lang: Lang, bytes: u64) -> String {
    let c = &lang.messages().common;
    let mut tenths = u128::from(bytes) * 10;
    if bytes < 1000 {
        return c.size_bytes(bytes);
    }
    for unit in c.units().split(", ") {
        tenths = (tenths + 500) / 1000;
        if tenths < 100 {
            return format!("{}{}{}\u{a0}{unit}", tenths / 10, c.decimal(), tenths % 10);
        }
        if tenths < 10_000 {
            return format!("{}\u{a0}{unit}", (tenths + 5) / 10);
        }
    }
    c.size_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1000, "1.0\u{a0}kB"),
            (65_536, "66\u{a0}kB"),
            (999_999, "1.0\u{a0}MB"),
            (2_345_678, "2.3\u{a0}MB"),
            (1_000_000_000, "1.0\u{a0}GB"),
            (u64::MAX, "18\u{a0}EB"),
        ] {
            assert_eq!(size(Lang::En, bytes), text, "{bytes}");
        }
        assert_eq!(size(Lang::Nl, 2_345_678), "2,3\u{a0}MB");
        assert_eq!(size(Lang::Fr, 2_345_678), "2,3\u{a0}Mo");
        assert_eq!(size(Lang::Fr, u64::MAX), "18\u{a0}Eo");
    }
}
