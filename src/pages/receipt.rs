//! The receipt: what somebody agreed to, or said no to, with its proof; made to be printed.

use askama::Template;

use super::Page;
use super::shell::{Shell, page};
use super::style::Look;
use super::who::{By, by_another};
use crate::lang::Lang;
use crate::site::Site;

/// What was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Yes.
    Given,
    /// No, before any yes.
    Refused,
    /// No, after a yes.
    Withdrawn,
}

/// An event of the receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptEvent {
    /// What was chosen.
    pub choice: Choice,
    /// By whom.
    pub by: By,
    /// When, in the reader's language.
    pub when_text: String,
    /// The same as RFC 3339.
    pub when_iso: String,
    /// The event's id.
    pub id: String,
    /// The number of its entry in the log.
    pub entry: u64,
    /// Its hash, in lower-case hex.
    pub hash: String,
}

/// What else the letter is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterNames<'a> {
    /// The sender's reference for it.
    pub reference: Option<&'a str>,
    /// The name of the report.
    pub file_name: &'a str,
    /// SHA-256 of the report, in lower-case hex.
    pub sha256_hex: String,
}

/// What the receipt shows. Texts are plain; they are escaped here.
#[derive(Clone, Copy, Debug)]
pub struct Receipt<'a> {
    /// The language of the page.
    pub lang: Lang,
    /// `/TOKEN`.
    pub path: &'a str,
    /// The consent, behind it its withdrawal; or the refusal.
    pub events: &'a [ReceiptEvent],
    /// The letter's subject; nothing once it is erased.
    pub subject: Option<&'a str>,
    /// What else it is called: for the browser that consented alone, as it tells of the report.
    pub names: Option<&'a LetterNames<'a>>,
    /// The terms; left out where nobody has the text any more.
    pub terms_text: Option<&'a str>,
    /// Their SHA-256, in lower-case hex.
    pub terms_hash_hex: &'a str,
    /// How many days after the letter's end the record's details are kept.
    pub retention_days: u16,
    /// Whether the letter can still be gone back to, and consent be withdrawn there.
    pub open: bool,
    /// Whether the key is in the fragment, which the page then keeps.
    pub end_to_end: bool,
}

#[derive(Template)]
#[template(path = "receipt.html", whitespace = "minimize")]
struct ReceiptPage<'a> {
    s: Shell<'a>,
    r: &'a Receipt<'a>,
    kicker: &'static str,
    heading: &'static str,
    lead: String,
    paragraphs: Vec<&'a str>,
    taken: bool,
    given: bool,
    /// Whether somebody else than the reader answered first.
    others: bool,
}

impl ReceiptPage<'_> {
    fn label(&self, event: &ReceiptEvent) -> &'static str {
        match event.choice {
            _ if event.by != By::Reader => self.s.m.closed.when(),
            Choice::Given => self.s.m.receipt.when_given(),
            Choice::Refused => self.s.m.receipt.when_refused(),
            Choice::Withdrawn => self.s.m.receipt.when_withdrawn(),
        }
    }
}

/// The receipt's page.
pub fn receipt(site: &Site, receipt: &Receipt<'_>) -> Page {
    let m = receipt.lang.messages();
    let last = receipt.events.last();
    let (last, by) = last.map_or((Choice::Given, By::Reader), |event| (event.choice, event.by));
    let given = receipt.events.iter().any(|event| event.choice == Choice::Given);
    let lang = receipt.lang;
    let others = receipt.events.first().is_some_and(|event| event.by != By::Reader);
    let other = match last {
        Choice::Given => {
            (by != By::Reader).then(|| (m.acts.receipt_given(), m.acts.given_program().to_owned()))
        }
        Choice::Refused => by_another(lang, by, false, &site.name).map(|text| (m.acts.receipt_no(), text)),
        Choice::Withdrawn => {
            by_another(lang, by, true, &site.name).map(|text| (m.acts.receipt_withdrawn(), text))
        }
    };
    let other = other.map(|(heading, text)| (heading, format!("{text} {}", m.acts.proof(&site.name))));
    let (heading, lead) = other.unwrap_or_else(|| match last {
        Choice::Given => (m.receipt.given_heading(), m.receipt.given_lead().to_owned()),
        Choice::Refused => (m.receipt.refused_heading(), m.receipt.refused_lead(&site.name)),
        // The reader withdrew what somebody else had agreed to.
        Choice::Withdrawn if others => {
            (m.acts.receipt_withdrawn(), m.receipt.withdrawn_others_lead(&site.name))
        }
        Choice::Withdrawn => (m.receipt.withdrawn_heading(), m.receipt.withdrawn_lead(&site.name)),
    });
    // Who only ever said no gave no consent, nor did those for whom somebody else agreed.
    let (title, kicker) = if given && !others {
        (m.receipt.title(&site.name), m.receipt.kicker())
    } else {
        (m.receipt.choice_title(&site.name), m.receipt.choice_kicker())
    };
    let mut s = Shell::new(site, receipt.lang, Some(receipt.path), title, Look::Receipt, receipt.end_to_end)
        .about(receipt.subject);
    s.below = "/receipt";
    let csp = s.style.csp.clone();
    let paragraphs = receipt.terms_text.map(|text| text.split("\n\n").collect()).unwrap_or_default();
    let taken = last != Choice::Given;
    page(200, &csp, &ReceiptPage { s, r: receipt, kicker, heading, lead, paragraphs, taken, given, others })
}

/// How the file of the proof is called, before its number: of a consent, or of another choice.
pub fn receipt_file(lang: Lang, given: bool) -> &'static str {
    let m = lang.messages();
    if given { m.receipt.file() } else { m.receipt.choice_file() }
}
