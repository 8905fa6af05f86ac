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

/// What a page needs from the browser; more is never allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// No script at all.
    Nothing,
    /// The style of a page that offers one thing, and perhaps the script that keeps the fragment.
    Closed {
        /// Whether the link has a fragment.
        script: bool,
    },
    /// The same for the question, which looks like an envelope's card.
    Question {
        /// Whether the link has a fragment.
        script: bool,
    },
    /// The envelope's own style, and perhaps the script that keeps the fragment and looks at the key in it.
    Envelope {
        /// Whether the link has a fragment.
        script: bool,
    },
    /// The style of a list, and where `script` says so the script that keeps the fragment.
    List {
        /// Whether there is a fragment to keep.
        script: bool,
    },
    /// The receipt's own style, and perhaps the script that keeps the fragment.
    Receipt {
        /// Whether the link has a fragment.
        script: bool,
    },
    /// The viewer: it fetches the report, decodes PDF in a worker and draws.
    Viewer,
}

/// A style sheet and the policy that allows it.
#[derive(Clone, Debug)]
pub(crate) struct Style {
    pub(crate) css: String,
    pub(crate) csp: String,
}

/// The style and policy of a page of this site.
pub(crate) fn style(site: &Site, needs: Needs) -> Style {
    let palette = site.palette();
    let [part, more] = match needs {
        Needs::Viewer => [LETTER, VIEWER],
        Needs::Envelope { .. } => [ENVELOPE, ""],
        Needs::List { .. } => [HISTORY, ""],
        Needs::Receipt { .. } => [RECEIPT, ""],
        Needs::Closed { .. } => [CLOSED, ""],
        Needs::Question { .. } => [ENVELOPE, QUESTION],
        Needs::Nothing => [""; 2],
    };
    let css = format!(
        ":root{{--ink:{INK};--paper:{PAPER_LIGHT};--ground:{GROUND_LIGHT};{}}}\
         @media(prefers-color-scheme:dark){{:root{{--ink:#f3ede3;--paper:{PAPER_DARK};--ground:{GROUND_DARK};{}}}}}{BASE}{part}{more}",
        tones(&palette.light),
        tones(&palette.dark),
    );
    let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(css.as_bytes()));
    let style = format!("'sha256-{hash}'");
    let rest = match needs {
        Needs::Nothing
        | Needs::Closed { script: false }
        | Needs::Question { script: false }
        | Needs::Envelope { script: false }
        | Needs::List { script: false }
        | Needs::Receipt { script: false } => {
            format!("style-src {style}; img-src 'self' data:")
        }
        Needs::Closed { script: true }
        | Needs::Question { script: true }
        | Needs::Envelope { script: true }
        | Needs::List { script: true }
        | Needs::Receipt { script: true } => {
            format!("script-src 'self'; style-src {style}; img-src 'self' data:")
        }
        // PDF.js hands fonts to the FontFace constructor as bytes, which no directive covers, and the viewer's
        // own rules are a constructed style sheet, which none covers either. Images, decrypted, are blobs.
        Needs::Viewer => format!(
            "script-src 'self'; worker-src 'self'; connect-src 'self'; style-src {style}; \
             img-src 'self' data: blob:; font-src 'self'"
        ),
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
