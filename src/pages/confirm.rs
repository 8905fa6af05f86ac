//! The page that asks a suspected robot once more: a sentence names a word, and the reader chooses it among some.

use askama::Template;

use super::Page;
use super::shell::{Shell, page};
use super::style::Look;
use crate::lang::Lang;
use crate::site::Site;

/// What the page asks.
#[derive(Clone, Copy, Debug)]
pub struct Confirm<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// `/TOKEN`.
    pub path: &'a str,
    /// The question's nonce.
    pub nonce: &'a str,
    /// The nonce of the form that says no.
    pub refuse_nonce: &'a str,
    /// Places in [`words`] of those to choose among.
    pub choices: &'a [usize],
    /// Place in `choices` of the one that the sentence names.
    pub right: usize,
    /// Whether a refusal or withdrawal is asked about, and not a consent.
    pub decline: bool,
    /// Whether the key is in the fragment, which the page then keeps.
    pub end_to_end: bool,
    /// Why the reader is asked again.
    pub error: Option<ConfirmError>,
}

/// What became of the answer before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmError {
    /// Another word.
    Wrong,
    /// Sooner than anybody reads.
    Early,
    /// No word.
    Nothing,
    /// Nothing shows that it came from this page in this browser.
    Unbound,
}

impl ConfirmError {
    /// What to tell the reader. `decline`: the answer was about a refusal or withdrawal.
    pub fn message(self, lang: Lang, decline: bool) -> &'static str {
        let m = &lang.messages().confirm;
        match self {
            Self::Wrong if decline => m.decline_error_wrong(),
            Self::Wrong => m.error_wrong(),
            Self::Early => m.error_early(),
            Self::Nothing => m.error_nothing(),
            Self::Unbound => m.error_unbound(),
        }
    }
}

/// The language's list of words, always in the same order.
pub fn words(lang: Lang) -> Vec<&'static str> {
    lang.messages().confirm.words().split(", ").collect()
}

/// The words of the question, and the sentence that names one of them.
pub fn question(lang: Lang, choices: &[usize], right: usize) -> (Vec<&'static str>, String) {
    let all = words(lang);
    let shown: Vec<_> = choices.iter().map(|place| all.get(*place).copied().unwrap_or_default()).collect();
    let sentence = lang.messages().confirm.question(shown.get(right).copied().unwrap_or_default());
    (shown, sentence)
}

#[derive(Template)]
#[template(path = "confirm.html", whitespace = "minimize")]
struct ConfirmPage<'a> {
    s: Shell<'a>,
    c: &'a Confirm<'a>,
    words: Vec<&'static str>,
    question: String,
    error: Option<&'static str>,
    refuse_nonce: &'a str,
}

/// The question. 422: what was sent before is not what is needed.
pub fn confirm(site: &Site, confirm: &Confirm<'_>) -> Page {
    let m = confirm.lang.messages();
    let title = m.confirm.title().to_owned();
    let title = if confirm.error.is_some() { m.envelope.error_title(title) } else { title };
    let s = Shell::new(site, confirm.lang, Some(confirm.path), title, Look::Question, confirm.end_to_end);
    let csp = s.style.csp.clone();
    let (words, question) = question(confirm.lang, confirm.choices, confirm.right);
    let error = confirm.error.map(|error| error.message(confirm.lang, confirm.decline));
    page(
        422,
        &csp,
        &ConfirmPage { s, c: confirm, words, question, error, refuse_nonce: confirm.refuse_nonce },
    )
}
