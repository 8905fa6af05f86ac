//! What every page shares: the head, the sender's name, the language switch, whom to ask.

use askama::Template;

use super::Page;
use super::mail::mailto;
use super::style::{Look, Style, style};
use crate::lang::{Lang, Messages};
use crate::site::Site;
use crate::site::colour::{GROUND_DARK, GROUND_LIGHT};

/// The frame around a page's content.
pub(crate) struct Shell<'a> {
    pub(crate) site: &'a Site,
    pub(crate) lang: Lang,
    pub(crate) m: &'static Messages,
    pub(crate) title: String,
    /// The path of the letter, for links back to it; none where it is not known.
    pub(crate) path: Option<&'a str>,
    /// What stands behind that path in the address of this very page, such as `/receipt`.
    pub(crate) below: &'static str,
    /// Whether the script that keeps the fragment is on the page.
    pub(crate) keeps_fragment: bool,
    pub(crate) style: Style,
    /// What the letter is about, where whoever sees the page may know it: a mail to the sender says it.
    pub(crate) subject: Option<&'a str>,
    /// Scheme and host that were asked, for the picture of a link preview, on pages that a preview may be drawn of.
    pub(crate) origin: Option<&'a str>,
}

impl<'a> Shell<'a> {
    pub(crate) fn new(
        site: &'a Site,
        lang: Lang,
        path: Option<&'a str>,
        title: String,
        look: Look,
        keeps_fragment: bool,
    ) -> Self {
        Self {
            site,
            lang,
            m: lang.messages(),
            title,
            path,
            below: "",
            keeps_fragment,
            style: style(site, look, keeps_fragment),
            subject: None,
            origin: None,
        }
    }

    /// The page of a letter whose subject its reader may know.
    pub(crate) fn about(self, subject: Option<&'a str>) -> Self {
        Self { subject, ..self }
    }

    /// A page that a messenger may draw a preview of, by its own robot or as the reader's phone: it says the same of every letter.
    pub(crate) fn previewed(self, origin: Option<&'a str>) -> Self {
        Self { origin, ..self }
    }

    /// A mail to the sender about this letter, where they take mail.
    pub(crate) fn mail(&self) -> Option<String> {
        self.mail_about(|subject| self.m.common.mail_subject(subject))
    }

    /// The same with a subject of its own, made of the letter's.
    pub(crate) fn mail_about(&self, about: impl Fn(&str) -> String) -> Option<String> {
        let subject = self.subject.map(about);
        self.site.contact.email.as_deref().map(|address| mailto(address, subject.as_deref()))
    }

    /// The favicon: a drop of the sender's wax.
    pub(crate) fn icon(&self) -> String {
        let colour = self.site.palette().light.fill.to_string();
        format!(
            "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'%3E%3Ccircle cx='16' \
             cy='16' r='15' fill='%23{0}'/%3E%3Ccircle cx='16' cy='16' r='9.5' fill='none' stroke='%23fff' \
             stroke-opacity='.55' stroke-width='2'/%3E%3C/svg%3E",
            colour.trim_start_matches('#')
        )
    }

    /// The two states that ask for the link: name, heading, text.
    pub(crate) fn key_states(&self) -> [(&'static str, &'static str, &'static str); 2] {
        let l = &self.m.letter;
        [
            ("missing-key", l.missing_heading(), l.missing_text()),
            ("wrong-key", l.wrong_heading(), l.wrong_text()),
        ]
    }

    pub(crate) fn ground_light(&self) -> String {
        GROUND_LIGHT.to_string()
    }

    pub(crate) fn ground_dark(&self) -> String {
        GROUND_DARK.to_string()
    }

    /// The link of a language in the switch.
    pub(crate) fn lang_link(&self, lang: &Lang) -> String {
        format!("{}{}?lang={lang}", self.path.unwrap_or_default(), self.below)
    }

    /// Back to the letter, in the language of this page.
    pub(crate) fn front(&self) -> String {
        format!("{}?lang={}", self.path.unwrap_or_default(), self.lang)
    }

    /// Where a form of the letter goes; the language goes with it, so that the answer speaks it too.
    pub(crate) fn action(&self, name: &str) -> String {
        format!("{}/{name}?lang={}", self.path.unwrap_or_default(), self.lang)
    }
}

/// The page of a template.
pub(crate) fn page(status: u16, csp: &str, template: &impl Template) -> Page {
    // Rendering writes to a String and every value displays, so it cannot fail; if it ever did, an empty
    // page with an error status is the honest answer.
    let (status, html) = template.render().map_or((500, String::new()), |html| (status, html));
    Page { status, html, csp: csp.to_owned(), retry_after_s: None }
}
