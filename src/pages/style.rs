//! The style of the pages: inline, so that a slow phone needs one round trip, and named by its hash in the
//! content security policy, so that no other style applies.

use base64::Engine as _;
use sha2::{Digest, Sha256};

use crate::site::Site;
use crate::site::colour::{GROUND_DARK, GROUND_LIGHT, INK, PAPER_DARK, PAPER_LIGHT, Tones};

const BASE: &str = include_str!(concat!(env!("OUT_DIR"), "/base.css"));
const ENVELOPE: &str = include_str!(concat!(env!("OUT_DIR"), "/envelope.css"));
const RECEIPT: &str = include_str!(concat!(env!("OUT_DIR"), "/receipt.css"));
const LETTER: &str = include_str!(concat!(env!("OUT_DIR"), "/letter.css"));
const VIEWER: &str = include_str!(concat!(env!("OUT_DIR"), "/viewer.css"));
const CLOSED: &str = include_str!(concat!(env!("OUT_DIR"), "/closed.css"));
const QUESTION: &str = include_str!(concat!(env!("OUT_DIR"), "/question.css"));
const HISTORY: &str = include_str!(concat!(env!("OUT_DIR"), "/history.css"));

/// How a page looks, and what it needs from the browser for that; more is never allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// No style of its own.
    Plain,
    /// A page that offers one thing.
    Closed,
    /// The same for the question, which looks like an envelope's card.
    Question,
    Envelope,
    List,
    Receipt,
    /// The viewer: it fetches the report, decodes PDF in a worker and draws.
    Viewer,
}

/// A style sheet and the policy that allows it.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) css: String,
    pub(crate) csp: String,
}

/// The style and policy of a page of this site; with `script`, the script that keeps the fragment may run.
pub(crate) fn style(site: &Site, look: Look, script: bool) -> Style {
    let palette = site.palette();
    let [part, more] = match look {
        Look::Viewer => [LETTER, VIEWER],
        Look::Envelope => [ENVELOPE, ""],
        Look::List => [HISTORY, ""],
        Look::Receipt => [RECEIPT, ""],
        Look::Closed => [CLOSED, ""],
        Look::Question => [ENVELOPE, QUESTION],
        Look::Plain => [""; 2],
    };
    let css = format!(
        ":root{{--ink:{INK};--paper:{PAPER_LIGHT};--ground:{GROUND_LIGHT};{}}}\
         @media(prefers-color-scheme:dark){{:root{{--ink:#f3ede3;--paper:{PAPER_DARK};--ground:{GROUND_DARK};{}}}}}{BASE}{part}{more}",
        tones(&palette.light),
        tones(&palette.dark),
    );
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(css.as_bytes()));
    let style = format!("'sha256-{hash}'");
    let rest = match look {
        _ if look != Look::Viewer && !script => format!("style-src {style}; img-src 'self' data:"),
        // PDF.js hands fonts to the FontFace constructor as bytes, which no directive covers, and the viewer's
        // own rules are a constructed style sheet, which none covers either. Images, decrypted, are blobs.
        Look::Viewer => format!(
            "script-src 'self'; worker-src 'self'; connect-src 'self'; style-src {style}; \
             img-src 'self' data: blob:; font-src 'self'"
        ),
        _ => format!("script-src 'self'; style-src {style}; img-src 'self' data:"),
    };
    let csp =
        format!("default-src 'none'; {rest}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    Style { css, csp }
}

fn tones(tones: &Tones) -> String {
    let [high, body, low, mark] = tones.wax;
    format!(
        "--fill:{};--on-fill:{};--edge:{};--link:{};--wax-high:{high};--wax:{body};--wax-low:{low};--wax-mark:{mark}",
        tones.fill, tones.on_fill, tones.edge, tones.text
    )
}
