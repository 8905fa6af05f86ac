//! The response headers, in one place: which answer carries which. The content security policy of a page
//! depends on its style and comes with the [`Page`](super::Page); everything else is here.

/// Headers as name and value, ready to be set.
pub type Headers = &'static [(&'static str, &'static str)];

/// A kind of answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An HTML page. Its `Content-Security-Policy` comes with it.
    Page,
    /// JSON of a letter or of the API. A problem document (RFC 9457) sets its own `Content-Type` after.
    Json,
    /// The bytes of a report that a browser may show: images and plain text.
    Report,
    /// The bytes of a PDF report.
    ReportPdf,
    /// A script or style of ours whose name does not change with its content.
    Asset,
    /// A script or style of ours with a hash of the content in its name.
    AssetHashed,
    /// A picture of ours. A messenger's own page may show it, from wherever that is.
    Picture,
    /// `/robots.txt` and `/.well-known/security.txt`.
    Text,
    /// The newest checkpoint of the evidence log. It changes with every entry.
    LogCheckpoint,
    /// A full tile of the log. What is under its name never changes.
    LogTile,
    /// A partial tile of the log. Its content does not change either, but it goes once the tile is full.
    LogPartialTile,
    /// A redirect after a form or to a repaired link.
    Redirect,
    /// The silent answer.
    Silent,
}

/// Every answer carries these, whatever it is.
///
/// - HSTS without `includeSubDomains`: the sender decides about the names under theirs.
/// - `X-Frame-Options` repeats `frame-ancestors` for old in-app browsers.
/// - The permissions listed are those that today's browsers know; a page of ours uses none of them.
const COMMON: Headers = &[
    ("strict-transport-security", "max-age=63072000"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex, nofollow, noarchive, nosnippet, noimageindex"),
    (
        "permissions-policy",
        "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), \
         microphone=(), midi=(), payment=(), publickey-credentials-get=(), screen-wake-lock=(), usb=()",
    ),
];

/// Nothing of ours that names a letter is ever stored, by anyone.
const NO_STORE: (&str, &str) = ("cache-control", "no-store");

/// Nothing may run, load, or frame: for answers that are not pages.
const CLOSED_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The one style of the page for strangers, and the empty icon that keeps browsers from asking for another.
const STRANGERS_POLICY: &str = "default-src 'none'; style-src 'sha256-qmG/FRukItVWuYpspGjrW9EMHImx+dTU3zFs+JlGcGs='; img-src data:; base-uri 'none'; \
                                form-action 'none'; frame-ancestors 'none'";

/// The headers that every answer carries.
pub const fn common() -> Headers {
    COMMON
}

/// The headers of one kind of answer, besides [`common`].
pub const fn of(kind: Kind) -> Headers {
    match kind {
        Kind::Page => &[NO_STORE, ("content-type", "text/html; charset=utf-8")],
        Kind::Json => {
            &[NO_STORE, ("content-type", "application/json"), ("content-security-policy", CLOSED_POLICY)]
        }
        // A report is somebody's file. Sandboxed it has no origin: even a type that a browser would run
        // can reach neither the cookie nor the page.
        Kind::Report => {
            &[NO_STORE, ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'")]
        }
        // Not every browser's PDF viewer takes a sandboxed document or one without `object-src` and styles, so
        // a PDF only gets the directives that do not reach into the viewer. A PDF is not script of this
        // origin: its type is pinned by `nosniff`.
        Kind::ReportPdf => &[
            NO_STORE,
            ("content-security-policy", "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
        ],
        Kind::Asset => &[("cache-control", "public, no-cache"), ("content-security-policy", WORKER_POLICY)],
        Kind::AssetHashed => &[
            ("cache-control", "public, max-age=31536000, immutable"),
            ("content-security-policy", WORKER_POLICY),
        ],
        Kind::Picture => &[
            ("cache-control", "public, max-age=86400"),
            ("cross-origin-resource-policy", "cross-origin"),
            ("content-security-policy", CLOSED_POLICY),
        ],
        Kind::Text => &[
            ("cache-control", "public, max-age=3600"),
            ("content-type", "text/plain; charset=utf-8"),
            ("content-security-policy", CLOSED_POLICY),
        ],
        Kind::LogCheckpoint => &[
            ("cache-control", "public, no-cache"),
            ("content-type", "text/plain; charset=utf-8"),
            ("content-security-policy", CLOSED_POLICY),
        ],
        Kind::LogTile => &[
            ("cache-control", "public, max-age=31536000, immutable"),
            ("content-type", "application/octet-stream"),
            ("content-security-policy", CLOSED_POLICY),
        ],
        Kind::LogPartialTile => &[
            ("cache-control", "public, max-age=300"),
            ("content-type", "application/octet-stream"),
            ("content-security-policy", CLOSED_POLICY),
        ],
        Kind::Redirect => &[NO_STORE, ("content-security-policy", CLOSED_POLICY)],
        Kind::Silent => &[
            NO_STORE,
            ("content-type", "text/html; charset=utf-8"),
            ("content-security-policy", STRANGERS_POLICY),
        ],
    }
}

/// A worker takes the policy of its own response, so the decoder of PDF files needs to load what it decodes
/// with from here, and nothing from anywhere else.
const WORKER_POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; base-uri 'none'; \
                             form-action 'none'; frame-ancestors 'none'";

/// All headers of one kind of answer; its own go before the common ones.
pub fn all(kind: Kind) -> impl Iterator<Item = (&'static str, &'static str)> {
    let own = of(kind);
    common().iter().filter(move |(name, _)| own.iter().all(|(other, _)| other != name)).chain(own).copied()
}
