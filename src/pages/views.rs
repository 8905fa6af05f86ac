//! The envelope, the closed pages and the page for preview robots.

use askama::Template;

use super::Page;
use super::Scripts;
use super::shell::{Shell, page};
use super::style::Look;
use super::subject::Length;
use super::who::{By, by_another};
use crate::lang::Lang;
use crate::site::Site;

/// What the envelope shows. Texts are plain; they are escaped here.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// `/TOKEN`.
    pub path: &'a str,
    /// Scheme and host, such as `https://letters.example`.
    pub origin: &'a str,
    /// The subject of the letter.
    pub subject: &'a str,
    /// The expiry in the reader's language, such as "22 December 2026 at 23:59".
    pub expires_text: &'a str,
    /// The expiry as RFC 3339, for machines.
    pub expires_iso: &'a str,
    /// The exact terms: [`Terms::text`](crate::site::Terms::text) of this language.
    pub terms_text: &'a str,
    /// Their hash: [`Terms::hex`](crate::site::Terms::hex).
    pub terms_hash_hex: &'a str,
    /// The signed nonce of the forms.
    pub nonce: &'a str,
    /// How many days after the letter expires the details of the reader's visit are deleted.
    pub retention_days: u16,
    /// The letter's UUID.
    pub letter: &'a str,
    /// Whether the key is in the fragment, which the page then keeps.
    pub end_to_end: bool,
    /// What the key in the fragment is told by ([`KeyCheck`](crate::seal::KeyCheck)).
    pub key_check: Option<&'a str>,
    /// Why the form that was sent is shown again.
    pub error: Option<FormError>,
    /// Where the browser code is.
    pub scripts: &'a Scripts,
    /// Whether the browser may fetch the viewer while the terms are read. It is the same viewer for every letter.
    pub ahead: bool,
}

/// Why the envelope is shown again instead of an answer. The status is then 422.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// The box was not ticked.
    Unticked,
    /// The nonce was older than an hour, or the form did not come from this page.
    Expired,
    /// The form arrived empty.
    Lost,
}

/// What happened to a letter that is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Past its not-after. 410.
    Expired,
    /// Taken back by the sender. 410.
    Cancelled,
    /// Somebody said no before any yes. 200: it is what they asked for.
    Refused(By),
    /// A yes was taken back. 200, as above.
    Withdrawn(By),
    /// Deleted at the end of retention or on request. 410.
    Erased,
    /// No letter in the bucket. 404.
    Missing,
    /// What is in the bucket is not what was sealed. 410: trying again will not help.
    Damaged,
    /// The letter took all the consents it takes. 403.
    Full,
    /// The report was asked for by somebody who has not consented, or whose right to fetch it is over. 403.
    NoRight,
    /// Ledger or bucket do not answer. 503.
    Unavailable {
        /// For `Retry-After`, in seconds.
        retry_after_s: u32,
    },
    /// The log cannot prove what a receipt says yet. 503.
    ReceiptLater {
        /// For `Retry-After`, in seconds.
        retry_after_s: u32,
    },
    /// Too many requests from a known person. 429.
    Busy {
        /// For `Retry-After`, in seconds.
        retry_after_s: u32,
    },
    /// Suspected robots answered wrongly too often. 429.
    Suspected {
        /// For `Retry-After`, in seconds.
        retry_after_s: u32,
    },
    /// It was to be taken back too late, or by another browser. 409.
    UndoLate,
    /// A form came more than an hour after its page. 400.
    FormExpired,
    /// A form was incomplete or not ours. 400.
    FormInvalid,
}

/// What a closed page may add. All of it is optional.
#[derive(Clone, Copy, Debug, Default)]
pub struct Detail<'a> {
    /// `/TOKEN`, for the language switch and for links back.
    pub path: Option<&'a str>,
    /// Scheme and host, such as `https://letters.example`, for the preview of its link.
    pub origin: Option<&'a str>,
    /// When it happened (for [`Closed::Expired`]: until when it could be opened), in the reader's language.
    pub when_text: Option<&'a str>,
    /// The same as RFC 3339, for machines.
    pub when_iso: Option<&'a str>,
    /// The letter's subject, where the ledger knows it. Whoever holds the link could read it on the envelope.
    pub subject: Option<&'a str>,
    /// For [`Closed::Refused`] and [`Closed::Withdrawn`]: the nonce of the form that takes it back, where this browser may.
    pub undo_nonce: Option<&'a str>,
    /// Whether the key is in the fragment, or may be: every way back to the letter then keeps it.
    pub end_to_end: bool,
}

#[derive(Template)]
#[template(path = "envelope.html", whitespace = "minimize")]
struct EnvelopePage<'a> {
    s: Shell<'a>,
    e: &'a Envelope<'a>,
    paragraphs: Vec<&'a str>,
    /// Whether the terms are not those that come with the software, which the page sums up.
    own_terms: bool,
    length: Length,
    refuse_nonce: &'a str,
}

/// The envelope: who wrote, about what, until when, and the terms; nothing of the letter itself.
pub fn envelope(site: &Site, envelope: &Envelope<'_>) -> Page {
    let m = envelope.lang.messages();
    let title = m.envelope.title(&site.name);
    let title = if envelope.error.is_some() { m.envelope.error_title(title) } else { title };
    let s = Shell::new(site, envelope.lang, Some(envelope.path), title, Look::Envelope, envelope.end_to_end)
        .about(Some(envelope.subject))
        .previewed(Some(envelope.origin));
    let csp = s.style.csp.clone();
    let paragraphs = envelope.terms_text.split("\n\n").collect();
    let status = if envelope.error.is_some() { 422 } else { 200 };
    let own_terms = !site.brings_terms(envelope.terms_text);
    let (length, refuse_nonce) = (Length::of(envelope.subject), envelope.nonce);
    page(status, &csp, &EnvelopePage { s, e: envelope, paragraphs, own_terms, length, refuse_nonce })
}

#[derive(Template)]
#[template(path = "closed.html", whitespace = "minimize")]
struct ClosedPage<'a> {
    s: Shell<'a>,
    look: &'static str,
    text: String,
    when: Option<(&'static str, &'a str, Option<&'a str>)>,
    next: Option<String>,
    /// Whether there is a receipt of what was answered.
    receipt: bool,
    undo_nonce: Option<&'a str>,
    /// What the link back to the letter says.
    link: Option<&'static str>,
    /// A mail to the sender, what its button says, and whether it is what helps most.
    mail: Option<(String, &'static str, bool)>,
}

/// A page that says what happened to which letter, and what helps: a mail to the sender with its subject filled in, or another
/// try. Of a letter that was erased, and of one that is not there, it has no subject.
pub fn closed(site: &Site, lang: Lang, closed: Closed, detail: &Detail<'_>) -> Page {
    let m = lang.messages();
    let (c, sender) = (&m.closed, &site.name);
    let (status, look, title, text, next) = match closed {
        Closed::Expired => (410, "faded", c.expired_title(), c.expired_text().into(), c.expired_next(sender)),
        Closed::Cancelled => {
            (410, "faded", c.cancelled_title(), c.cancelled_text(sender), c.cancelled_next(sender))
        }
        Closed::Refused(by) => match by_another(lang, by, false, sender) {
            None => (200, "sealed", c.refused_title(), c.refused_text(sender), c.refused_next(sender)),
            Some(text) => (200, "sealed", m.acts.no_title(), text, m.acts.next(sender)),
        },
        Closed::Withdrawn(by) => match by_another(lang, by, true, sender) {
            None => (200, "sealed", c.withdrawn_title(), c.withdrawn_text(sender), c.withdrawn_next(sender)),
            Some(text) => (200, "sealed", m.acts.withdrawn_title(), text, m.acts.next(sender)),
        },
        Closed::Erased => (410, "faded", c.erased_title(), c.erased_text().into(), c.erased_next(sender)),
        Closed::Missing => (404, "faded", c.missing_title(), c.missing_text().into(), c.missing_next(sender)),
        Closed::Damaged => (410, "broken", c.damaged_title(), c.damaged_text(sender), c.damaged_next(sender)),
        Closed::Full => (403, "sealed", c.full_title(), c.full_text().into(), c.full_next(sender)),
        Closed::NoRight => {
            (403, "sealed", c.no_right_title(), c.no_right_text().into(), c.no_right_next().into())
        }
        Closed::Unavailable { retry_after_s } => {
            (503, "sealed", c.unavailable_title(), c.unavailable_text().into(), retry(lang, retry_after_s))
        }
        Closed::ReceiptLater { retry_after_s } => (
            503,
            "sealed",
            c.receipt_later_title(),
            c.receipt_later_text().into(),
            retry(lang, retry_after_s),
        ),
        Closed::Busy { retry_after_s } => {
            (429, "sealed", c.busy_title(), c.busy_text().into(), retry(lang, retry_after_s))
        }
        Closed::Suspected { retry_after_s } => {
            (429, "sealed", c.doubted_title(), c.doubted_text().into(), retry(lang, retry_after_s))
        }
        Closed::UndoLate => {
            (409, "sealed", c.undo_late_title(), c.undo_late_text().into(), c.refused_next(sender))
        }
        Closed::FormExpired => {
            (400, "sealed", c.form_expired_title(), c.form_expired_text().into(), c.form_next().into())
        }
        Closed::FormInvalid => {
            (400, "sealed", c.form_invalid_title(), c.form_invalid_text().into(), c.form_next().into())
        }
    };
    let label = if closed == Closed::Expired { c.expired_when() } else { c.when() };
    let link_text = match closed {
        Closed::Missing | Closed::Unavailable { .. } | Closed::Busy { .. } => Some(c.retry()),
        Closed::ReceiptLater { .. } | Closed::Suspected { .. } | Closed::NoRight => Some(c.back()),
        Closed::FormExpired | Closed::FormInvalid | Closed::UndoLate => Some(c.back()),
        _ => None,
    };
    let retry_after_s = match closed {
        Closed::Unavailable { retry_after_s }
        | Closed::ReceiptLater { retry_after_s }
        | Closed::Busy { retry_after_s }
        | Closed::Suspected { retry_after_s } => Some(retry_after_s),
        _ => None,
    };
    let receipt = matches!(closed, Closed::Refused(_) | Closed::Withdrawn(_)) && detail.path.is_some();
    let undo_nonce = detail.undo_nonce.filter(|_| receipt);
    // Who can take a no back by a button is not sent to ask for a new letter.
    let next = Some(next).filter(|_| undo_nonce.is_none() || closed != Closed::Refused(By::Reader));
    let link = link_text.filter(|_| detail.path.is_some());
    let leads_back = undo_nonce.is_some() || receipt || link.is_some();
    let subject = detail.subject.filter(|_| !matches!(closed, Closed::Erased | Closed::Missing));
    let s =
        Shell::new(site, lang, detail.path, title.to_owned(), Look::Closed, detail.end_to_end && leads_back)
            .about(subject)
            .previewed(detail.origin);
    let csp = s.style.csp.clone();
    let when = detail.when_text.map(|text| (label, text, detail.when_iso));
    let answered = matches!(closed, Closed::Refused(_) | Closed::Withdrawn(_));
    let helps =
        undo_nonce.is_none() && (link.is_none() || closed == Closed::UndoLate) && retry_after_s.is_none();
    let mail = match closed {
        Closed::Expired => {
            s.mail_about(|subject| c.expired_mail_subject(subject)).zip(Some(c.expired_mail()))
        }
        _ => s.mail().zip(Some(m.common.mail())),
    };
    let mail = mail.filter(|_| helps).map(|(url, text)| (url, text, link.is_none() && !answered));
    let page = page(status, &csp, &ClosedPage { s, look, text, when, next, receipt, undo_nonce, link, mail });
    Page { retry_after_s, ..page }
}

/// When to try again, in words a person would use.
fn retry(lang: Lang, seconds: u32) -> String {
    let c = &lang.messages().closed;
    match seconds {
        0..=9 => c.retry_soon().into(),
        10..=45 => c.retry_seconds(seconds),
        46..=90 => c.retry_minute().into(),
        _ => c.retry_minutes(seconds.div_ceil(60)),
    }
}

#[derive(Template)]
#[template(path = "withdraw.html", whitespace = "minimize")]
struct WithdrawPage<'a> {
    s: Shell<'a>,
    nonce: &'a str,
}

/// Asks with one button whether the letter is to be closed. It shows nothing of the letter, and not whether anybody
/// has answered: whoever comes here came by a button of their mail program, or by a copied address.
pub fn withdraw(site: &Site, lang: Lang, path: &str, nonce: &str) -> Page {
    let title = lang.messages().withdraw.title().to_owned();
    // The link may have a key, which a no that is undone needs again.
    let s = Shell::new(site, lang, Some(path), title, Look::Closed, true);
    let csp = s.style.csp.clone();
    page(200, &csp, &WithdrawPage { s, nonce })
}

#[derive(Template)]
#[template(path = "preview.html", whitespace = "minimize")]
struct PreviewPage<'a> {
    s: Shell<'a>,
}

/// What a preview robot gets: the sender's name and nothing of the letter, not even its path.
pub fn preview(site: &Site, lang: Lang, origin: &str) -> Page {
    let s = Shell::new(site, lang, None, site.name.clone(), Look::Plain, false).previewed(Some(origin));
    let csp = s.style.csp.clone();
    page(200, &csp, &PreviewPage { s })
}
