//! The customer's letters of the last year: what, when, and how each of them stands.

use askama::Template;

use super::Page;
use super::shell::{Shell, page};
use super::style::Look;
use super::who::By;
use crate::lang::Lang;
use crate::site::Site;

/// The list. Texts are plain; they are escaped here.
#[derive(Clone, Copy, Debug)]
pub struct History<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// `/TOKEN` of the letter that the reader came from.
    pub path: &'a str,
    /// `/TOKEN/history`.
    pub own_path: &'a str,
    /// Whether that letter's key is in the fragment, which the page then keeps.
    pub end_to_end: bool,
    /// The letters, newest first.
    pub rows: &'a [HistoryRow],
    /// There are more than the list holds.
    pub more: bool,
    /// Something did not answer, so that letters may be missing.
    pub incomplete: bool,
}

/// How a letter stands, in a word or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Standing {
    /// Nobody opened it.
    New,
    /// The envelope was opened, the letter was not.
    Opened,
    /// Somebody agreed and could read it.
    Read,
    /// The offer in it was accepted.
    Accepted,
    /// Somebody said no.
    Refused(By),
    /// The consent was withdrawn.
    Withdrawn,
    /// The sender took it back.
    Cancelled,
    /// Its time is over.
    Expired,
    /// Its ledger did not answer.
    Unavailable,
}

codes!(Standing);

/// A letter on the list.
#[derive(Clone, Debug)]
pub struct HistoryRow {
    /// Its subject; nothing where it is not known.
    pub subject: Option<String>,
    /// The day it was sent, in the reader's language.
    pub date_text: String,
    /// The same as RFC 3339.
    pub date_iso: String,
    /// How it stands.
    pub standing: Standing,
    /// Until when it can be opened, in the reader's language and as RFC 3339.
    pub until: Option<(String, String)>,
    /// Where it can be opened.
    pub link: Option<String>,
    /// It can be opened, but only with the link it was sent with: the key is nowhere else.
    pub own_link_only: bool,
    /// The reader came from this letter.
    pub here: bool,
}

#[derive(Template)]
#[template(path = "history.html", whitespace = "minimize")]
struct HistoryPage<'a> {
    s: Shell<'a>,
    h: &'a History<'a>,
}

impl HistoryPage<'_> {
    fn word(&self, standing: &Standing) -> &'static str {
        let m = &self.s.m.history;
        match standing {
            Standing::New => m.state_new(),
            Standing::Opened => m.state_opened(),
            Standing::Read => m.state_read(),
            Standing::Accepted => m.state_accepted(),
            Standing::Refused(By::Reader) => m.state_refused(),
            Standing::Refused(_) => self.s.m.acts.no_short(),
            Standing::Withdrawn => m.state_withdrawn(),
            Standing::Cancelled => m.state_cancelled(),
            Standing::Expired => m.state_expired(),
            Standing::Unavailable => m.state_unavailable(),
        }
    }

    /// Back to the letter, in the language of this page.
    fn back(&self) -> String {
        format!("{}?lang={}", self.h.path, self.h.lang)
    }
}

/// The page with the list.
pub fn history(site: &Site, history: &History<'_>) -> Page {
    let title = history.lang.messages().history.title(&site.name);
    let s = Shell::new(site, history.lang, Some(history.own_path), title, Look::List, history.end_to_end);
    let csp = s.style.csp.clone();
    page(200, &csp, &HistoryPage { s, h: history })
}
