//! `GET /TOKEN/receipt`: what was agreed to, with its proof, for the browser that agreed; and as a file. After a refusal or
//! a withdrawal whoever has the link may see it: there is nothing personal in it.

use super::Visit;
use super::view::by_of;
use crate::objects::evidence::{Issued, hex, issue};
use crate::objects::ledger::{self, GetReceipt, Logged, ReceiptFacts};
use crate::objects::sequencer::{self, Proven};
use crate::objects::terms;
use crate::platform::error::Fault;
use crate::platform::http::{Call, Response};
use crate::platform::{intl, log, response};
use waxseal::evidence::merkle::TreeHash;
use waxseal::ledger::{Event, Kind};
use waxseal::pages::{self, Choice, Closed, Receipt};
use waxseal::seal::Mode;
use waxseal::types::LetterId;

/// The log takes in what waits within a second or two.
const RETRY_S: u32 = 60;

impl Visit<'_> {
    /// The page, or with `file` the receipt itself.
    pub(super) async fn receipt(&self, call: &Call, file: bool) -> Result<Response, Fault> {
        let consent = self.consent_of(call);
        let facts = match ledger::call(self.env, &GetReceipt { letter: self.link.letter, consent }).await {
            Ok(Ok(Some(facts))) => facts,
            Ok(_) => return Ok(self.to_front(call)),
            Err(fault) => return Ok(self.receipt_later(call, &fault)),
        };
        let entries: Vec<u64> = all_of(&facts).map(|event| event.entry).collect();
        let proven = match sequencer::prove(self.env, &entries).await {
            Ok(proven) => proven,
            Err(fault) => return Ok(self.receipt_later(call, &fault)),
        };
        if file || call.wants_json() {
            return self.receipt_file(call, &facts, &proven);
        }
        self.receipt_page(call, &facts).await
    }

    /// Nobody gets a receipt without its proof.
    fn receipt_later(&self, call: &Call, fault: &Fault) -> Response {
        log::fault("receipt", fault);
        self.closed(call, None, Closed::ReceiptLater { retry_after_s: RETRY_S })
    }

    fn receipt_file(&self, call: &Call, facts: &ReceiptFacts, proven: &Proven) -> Result<Response, Fault> {
        let events: Vec<&Logged> = all_of(facts).collect();
        let proofs: Vec<&[TreeHash]> = proven.proofs.iter().map(Vec::as_slice).collect();
        let issued = Issued {
            letter: self.link.letter,
            names: facts.named.as_ref().map(|(_, names)| names),
            events: &events,
            proofs: &proofs,
            checkpoint: &proven.checkpoint,
            language: facts.language.as_deref(),
            retention_days: facts.retention_days,
        };
        let kind = |event: &Logged| event.row.event().map(|row| row.kind);
        let given = facts.events.iter().filter_map(kind).any(|kind| kind == Kind::ConsentGiven.as_str());
        let stem = pages::receipt_file(self.lang(call, facts.manifest.as_ref()), given);
        let name = format!("attachment; filename=\"{stem}-{}.json\"", short(self.link.letter));
        Ok(response::json_text(200, issue(self.settings, &issued)?).header("content-disposition", name))
    }

    async fn receipt_page(&self, call: &Call, facts: &ReceiptFacts) -> Result<Response, Fault> {
        let lang = self.lang(call, facts.manifest.as_ref());
        let mut events = Vec::new();
        for logged in &facts.events {
            let event = logged.row.event().and_then(|row| Event::try_from(&row).ok());
            let event = event.ok_or_else(|| Fault::new("event_malformed", "a row that cannot be read"))?;
            events.push((event, logged.entry));
        }
        let answered = events.first().ok_or_else(|| Fault::new("receipt_events", "none"))?;
        let terms = match &answered.0.terms {
            Some(hash) => terms::text(self.env, self.settings, hash).await?,
            None => None,
        };
        let mut lines = Vec::new();
        for (event, entry) in &events {
            let at = event.at.seconds();
            let choice = match event.kind {
                Kind::ConsentGiven => Choice::Given,
                Kind::ConsentRefused => Choice::Refused,
                _ => Choice::Withdrawn,
            };
            lines.push(pages::ReceiptEvent {
                choice,
                by: by_of(Some(event.actor)),
                when_text: self.moment(at, lang)?,
                when_iso: intl::rfc3339(at),
                id: event.id.to_string(),
                entry: *entry,
                hash: hex(&event.hash),
            });
        }
        let names = facts.named.as_ref().map(|(_, names)| pages::LetterNames {
            reference: names.reference.as_deref(),
            file_name: &names.file_name,
            sha256_hex: hex(&names.sha256),
        });
        let page = pages::receipt(
            &self.settings.site,
            &Receipt {
                lang,
                path: &self.path,
                events: &lines,
                subject: facts.manifest.as_ref().map(|manifest| manifest.subject.as_str()),
                names: names.as_ref(),
                terms_text: terms.as_ref().map(|terms| terms.text()),
                terms_hash_hex: &answered.0.terms.map(|hash| hex(&hash)).unwrap_or_default(),
                retention_days: facts.retention_days,
                open: events.iter().all(|(event, _)| event.kind == Kind::ConsentGiven)
                    && facts.manifest.is_some()
                    && !facts.ended
                    && !self.expired,
                end_to_end: facts.manifest.as_ref().is_some_and(|manifest| manifest.mode == Mode::EndToEnd),
            },
        );
        Ok(response::page(page))
    }
}

/// The event that names the letter, where it is, and those that the receipt is of.
fn all_of(facts: &ReceiptFacts) -> impl Iterator<Item = &Logged> {
    facts.named.iter().map(|(sealed, _)| sealed).chain(&facts.events)
}

/// Enough of the letter's id to tell files apart.
fn short(letter: LetterId) -> String {
    letter.to_string().chars().take(13).collect()
}
