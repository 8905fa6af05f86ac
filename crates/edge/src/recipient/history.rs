//! `/TOKEN/history`: the letters of the last year that were sent under the same reference for the customer. Only for a
//! browser that proves a consent of this very letter, and each of the others asks for its own.

use std::borrow::Cow;

use worker::Env;

use super::Visit;
use super::view::by_of;
use crate::objects::index::{self, ListCustomer, Listed};
use crate::objects::ledger::{Decided, NoLetter, Sealed, Summarise, Summary, call as call_ledger};
use crate::platform::error::Fault;
use crate::platform::http::{Call, Response};
use crate::platform::{intl, log, object, response, tasks};
use waxseal::lang::Lang;
use waxseal::ledger::{self, Command, EndReason, State};
use waxseal::pages::{self, History, HistoryRow, Standing};
use waxseal::seal::{Manifest, Mode};
use waxseal::token::{customer_reference, mint};
use waxseal::types::{LetterId, UnixSeconds};

/// How far the list reaches back.
const YEAR_SECONDS: u64 = 366 * 86_400;

/// The longest list. Each letter is a call to its ledger.
const MAX_ROWS: usize = 100;

/// What a ledger said of a letter on the list.
enum Found {
    Known(Box<Summary>),
    /// Erased, gone, or not this customer's: it does not show.
    Nothing,
    /// It did not answer, or not in a way that shows whose letter it is.
    Unknown,
}

impl Visit<'_> {
    /// The reference under which this letter's customer has a list.
    pub(super) fn customer<'a>(&self, manifest: &'a Manifest) -> Option<Cow<'a, str>> {
        let given = manifest.customer.as_deref().filter(|_| self.settings.site.history)?;
        customer_reference(given, intl::nfc)
    }

    pub(super) async fn history(&self, call: &Call) -> Result<Response, Fault> {
        let Some(consent) = self.consent_of(call) else { return Ok(self.to_front(call)) };
        // The question whether this consent stands, which leaves no trace of a report.
        let reply = self.ask(call, Command::Report { consent, begin: false }).await?;
        let Ok(Decided { answer: ledger::Answer::Letter(_), letter: Some(letter), .. }) = &reply else {
            return Ok(self.to_front(call));
        };
        let Some(reference) = self.customer(&letter.manifest) else { return Ok(self.to_front(call)) };
        let (listed, more, incomplete) = self.listed(&letter.manifest, &reference).await?;
        let found = self.found(&listed, &reference).await?;
        let lang = self.lang(call, Some(&letter.manifest));
        let rows = self.rows(&listed, found, letter, lang)?;
        let page = pages::history(
            &self.settings.site,
            &History {
                lang,
                path: &self.path,
                own_path: &format!("{}/history", self.path),
                end_to_end: letter.manifest.mode == Mode::EndToEnd,
                rows: &rows,
                more,
                incomplete,
            },
        );
        Ok(response::page(page))
    }

    /// The customer's letters, newest first; whether there are more, and whether some may be missing. After a rotation of
    /// keys older letters are listed under the older name.
    async fn listed(&self, manifest: &Manifest, reference: &str) -> Result<(Vec<Listed>, bool, bool), Fault> {
        let since = UnixSeconds(self.now.seconds().0.saturating_sub(YEAR_SECONDS));
        let names = self.settings.keyring.customer_names(reference, intl::nfc);
        let list = object::call(self.env, index::NAME, &ListCustomer { names, since }).await;
        let list = list.inspect_err(|fault| log::fault("history", fault));
        let incomplete = list.is_err();
        let list = list.unwrap_or_default();
        // This one belongs there, also while its ledger has not reported it yet.
        let mut listed = vec![Listed { letter: manifest.letter, issued_at: manifest.issued_at }];
        listed.extend(list.letters.into_iter().filter(|other| other.letter != manifest.letter));
        listed.sort_by_key(|one| core::cmp::Reverse((one.issued_at, one.letter)));
        let more = list.more || listed.len() > MAX_ROWS;
        listed.truncate(MAX_ROWS);
        Ok((listed, more, incomplete))
    }

    async fn found(&self, listed: &[Listed], reference: &str) -> Result<Vec<Found>, Fault> {
        let asks = listed.iter().map(|one| find(self.env, one.letter, reference));
        Ok(tasks::all(asks).await)
    }

    fn rows(
        &self,
        listed: &[Listed],
        found: Vec<Found>,
        own: &Sealed,
        lang: Lang,
    ) -> Result<Vec<HistoryRow>, Fault> {
        let dates = self.dates(lang)?;
        let mut rows = Vec::new();
        for (one, found) in listed.iter().zip(found) {
            let here = one.letter == own.manifest.letter;
            let mut row = HistoryRow {
                subject: None,
                date_text: dates.day(one.issued_at)?,
                date_iso: intl::rfc3339(one.issued_at),
                standing: Standing::Unavailable,
                until: None,
                link: here.then(|| format!("{}?lang={lang}", self.path)),
                own_link_only: false,
                here,
            };
            match found {
                Found::Nothing => continue,
                Found::Unknown if here => row.subject = Some(own.manifest.subject.clone()),
                Found::Unknown => {}
                Found::Known(summary) => {
                    row.standing = standing(&summary, self.now.seconds());
                    self.fill_in(&mut row, *summary, one.letter, lang, &dates)?;
                }
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// What is known of a letter that is not over: where and until when it opens.
    fn fill_in(
        &self,
        row: &mut HistoryRow,
        summary: Summary,
        letter: LetterId,
        lang: Lang,
        dates: &intl::Dates,
    ) -> Result<(), Fault> {
        let opens =
            matches!(row.standing, Standing::New | Standing::Opened | Standing::Read | Standing::Accepted);
        if opens {
            row.own_link_only = !row.here && summary.manifest.mode == Mode::EndToEnd;
            // No link leads to one that outlives it: a stolen one that ends tomorrow is worth nothing the day after.
            let linked = summary.not_after.min(self.link.not_after);
            let until = if row.own_link_only { summary.not_after } else { linked };
            row.until = Some((dates.moment(until)?, intl::rfc3339(until)));
            if !row.here && !row.own_link_only {
                // The key that is active now: the link it was sent with may be of an older one.
                let token = mint(self.settings.keyring.active(), letter, linked);
                row.link = token.ok().map(|token| format!("/{token}?lang={lang}"));
            }
        }
        row.subject = Some(summary.manifest.subject);
        Ok(())
    }
}

async fn find(env: &Env, letter: LetterId, reference: &str) -> Found {
    let summary = match call_ledger(env, &Summarise { letter }).await {
        Ok(Ok(summary)) => summary,
        Ok(Err(NoLetter::Missing)) => return Found::Nothing,
        Ok(Err(NoLetter::Damaged { .. })) => return Found::Unknown,
        Err(fault) => {
            log::fault("history", &fault);
            return Found::Unknown;
        }
    };
    // What the list says is checked against the letter itself: nothing of others ever shows.
    let theirs = summary.manifest.customer.as_deref().and_then(|given| customer_reference(given, intl::nfc));
    if theirs.as_deref() == Some(reference) { Found::Known(Box::new(summary)) } else { Found::Nothing }
}

/// What a person did comes first, for it is final; then what the sender did; then the clock.
fn standing(summary: &Summary, now: UnixSeconds) -> Standing {
    let expired = now >= summary.not_after;
    match (summary.state, summary.end_reason) {
        (State::Refused, _) => Standing::Refused(by_of(summary.declined_by)),
        (State::Withdrawn, _) => Standing::Withdrawn,
        (_, Some(EndReason::Cancelled)) => Standing::Cancelled,
        (_, Some(EndReason::Expired | EndReason::Erased)) => Standing::Expired,
        _ if expired => Standing::Expired,
        (State::Accepted, None) => Standing::Accepted,
        (State::Consented, None) => Standing::Read,
        (State::Opened, None) => Standing::Opened,
        (State::Sealed, None) => Standing::New,
    }
}
