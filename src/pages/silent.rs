//! What somebody gets who has no genuine link. It says nothing of whose site this is or what it runs.

use core::fmt::Write as _;
use std::sync::LazyLock;

use super::headers::{self, Kind};
use crate::lang::Lang;

/// An answer as plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent {
    /// Always 404.
    pub status: u16,
    /// Every header, in a fixed order.
    pub headers: Vec<(&'static str, &'static str)>,
    /// The body; an answer to HEAD leaves it out.
    pub body: &'static str,
}

/// The silent answer: what a stranger, a robot, a forger and a blocked client get, and what a page that does not exist gets.
/// One function, no argument, so no two of them can differ. A reader whose link was cut short reads what helps in every
/// language of the pages, as nothing that they sent may change a byte.
pub fn silent() -> Silent {
    static BODY: LazyLock<String> = LazyLock::new(|| {
        document(|lang| (lang.messages().stranger.title(), lang.messages().stranger.text()))
    });
    Silent { status: 404, headers: headers::all(Kind::Silent).collect(), body: &BODY }
}

/// The page over plain HTTP, with the headers of [`Kind::Silent`], whatever was asked for.
pub fn plain_http() -> &'static str {
    static BODY: LazyLock<String> = LazyLock::new(|| {
        document(|lang| (lang.messages().stranger.secure_title(), lang.messages().stranger.secure_text()))
    });
    &BODY
}

/// The browser's own colours, light and dark. [`headers`] allows it by its hash.
const STYLE: &str = ":root{color-scheme:light dark}body{max-width:34rem;margin:0 auto;padding:.25rem 1.25rem;font:1rem/1.45 system-ui,sans-serif}\
                     h1,h2{margin:1.125rem 0 .125rem;font-size:1.125rem}p{margin:0;text-wrap:pretty}";

/// A heading and a sentence in every language.
fn document(said: impl Fn(Lang) -> (&'static str, &'static str)) -> String {
    let (title, _) = said(Lang::En);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>{STYLE}</style>\n<main>\n"
    );
    for lang in Lang::ALL {
        let (title, text) = said(lang);
        let heading = if lang == Lang::En { "h1" } else { "h2" };
        // Writing to a String does not fail; the texts are ours and hold no markup.
        let _ =
            writeln!(html, "<section lang=\"{lang}\"><{heading}>{title}</{heading}><p>{text}</p></section>");
    }
    html.push_str("</main>\n");
    html
}
