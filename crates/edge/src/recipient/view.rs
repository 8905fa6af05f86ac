//! What a person with a genuine link is shown: as a page, or as JSON for the command line.

use std::rc::Rc;

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use super::assets;
use super::forms::NO_TERMS;
use super::{Reply, Visit, signals};
use crate::objects::ledger::{Decided, NoLetter, Sealed};
use crate::objects::terms;
use crate::platform::error::Fault;
use crate::platform::http::{Call, Response};
use crate::platform::{intl, log, response};
use waxseal::lang::Lang;
use waxseal::ledger::grant::mint_grant;
use waxseal::ledger::{self, Actor, ClosedReason, ConsentId, FormPurpose};
use waxseal::pages::{self, By, Closed, Detail, Envelope, FormError, Letter};
use waxseal::seal::{Manifest, Mode, safe_file_name, shown_media_type};
use waxseal::types::UnixSeconds;

/// Who it was, as pages say it.
pub(super) fn by_of(actor: Option<Actor>) -> By {
    match actor {
        Some(Actor::Recipient) => By::Reader,
        Some(Actor::MailProgram) => By::MailProgram,
        Some(Actor::Robot) => By::Program,
        Some(Actor::SenderForRecipient | Actor::Sender) => By::Sender,
        // What is not on record is not said of the reader.
        None | Some(Actor::System) => By::Unknown,
    }
}

/// `declined_by`: who said no, once somebody has.
pub(super) fn closed_of(reason: ClosedReason, declined_by: Option<Actor>) -> Closed {
    match reason {
        ClosedReason::Missing => Closed::Missing,
        ClosedReason::Expired => Closed::Expired,
        ClosedReason::Cancelled => Closed::Cancelled,
        ClosedReason::Erased => Closed::Erased,
        ClosedReason::Refused => Closed::Refused(by_of(declined_by)),
        ClosedReason::Withdrawn => Closed::Withdrawn(by_of(declined_by)),
    }
}

/// The word for a closed page in JSON.
fn code(closed: Closed) -> &'static str {
    match closed {
        Closed::Expired => "expired",
        Closed::Cancelled => "cancelled",
        Closed::Refused(_) => "refused",
        Closed::Withdrawn(_) => "withdrawn",
        Closed::Erased => "erased",
        Closed::Missing => "missing",
        Closed::Damaged => "damaged",
        Closed::Unavailable { .. } => "unavailable",
        Closed::ReceiptLater { .. } => "receipt_later",
        Closed::Busy { .. } => "busy",
        Closed::Suspected { .. } => "doubted",
        Closed::Full => "full",
        Closed::NoRight => "no_consent",
        Closed::UndoLate => "undo_late",
        Closed::FormExpired => "form_expired",
        Closed::FormInvalid => "form_invalid",
    }
}

/// What browsers say, in GiB, who have no more than one. Reading them as numbers would cost the module 15 kB.
const LITTLE_MEMORY: [&str; 3] = ["0.25", "0.5", "1"];

/// Whether the browser asks for no more than is needed, or says that its line or its memory (in GiB) is small. Most say nothing.
fn spares_data(call: &Call) -> bool {
    let says = |name, values: &[&str]| {
        call.header(name).is_some_and(|value| values.contains(&value.trim().to_ascii_lowercase().as_str()))
    };
    says("save-data", &["on"])
        || says("ect", &["slow-2g", "2g"])
        || says("sec-ch-prefers-reduced-data", &["reduce", "\"reduce\""])
        || says("sec-ch-device-memory", &LITTLE_MEMORY)
        || says("device-memory", &LITTLE_MEMORY)
}

impl Visit<'_> {
    /// The page or JSON for the ledger's reply.
    pub(super) async fn show(
        &self,
        call: &Call,
        reply: &Reply,
        error: Option<FormError>,
    ) -> Result<Response, Fault> {
        let decided = match reply {
            Ok(decided) => decided,
            Err(NoLetter::Missing) => return Ok(self.closed(call, None, Closed::Missing)),
            Err(NoLetter::Damaged { code }) => return Ok(self.damaged(call, None, code.as_str())),
        };
        if let Decided { answer: ledger::Answer::Closed(reason), declined_by, .. } = decided {
            let undo = match self.may_undo(call, decided) {
                true => Some(self.nonce(call, FormPurpose::Undo, &NO_TERMS)?),
                false => None,
            };
            let closed = closed_of(*reason, *declined_by);
            return Ok(self.closed_with(call, decided.manifest(), closed, undo.as_deref()));
        }
        let Some(letter) = &decided.letter else {
            return Err(Fault::new("ledger_reply", "no letter in it"));
        };
        let manifest = &letter.manifest;
        match &decided.answer {
            ledger::Answer::Envelope => self.envelope(call, manifest, error).await,
            ledger::Answer::Letter(_) if call.wants_json() => self.letter_json(call, letter),
            ledger::Answer::Letter(consent) => self.letter(call, manifest, *consent, false).await,
            _ => Err(Fault::new("ledger_reply", "neither envelope nor letter")),
        }
    }

    /// The object is not what was sealed: the reader learns that, the log and (later) the sender learn why.
    pub(super) fn damaged(&self, call: &Call, manifest: Option<&Manifest>, code: &str) -> Response {
        let letter = self.link.letter.to_string();
        log::Line::new("letter_damaged").with("letter", letter).with("code", code).error();
        self.closed(call, manifest, Closed::Damaged)
    }

    /// A closed page.
    pub(super) fn closed(&self, call: &Call, manifest: Option<&Manifest>, closed: Closed) -> Response {
        self.closed_with(call, manifest, closed, None)
    }

    /// As [`Self::closed`], with the nonce of the form that takes a no back.
    fn closed_with(
        &self,
        call: &Call,
        manifest: Option<&Manifest>,
        closed: Closed,
        undo_nonce: Option<&str>,
    ) -> Response {
        let lang = self.lang(call, manifest);
        let site = &self.settings.site;
        let ended = (closed == Closed::Expired)
            .then(|| manifest.map_or(self.link.not_after, |manifest| self.until(manifest)));
        let when_iso = ended.map(intl::rfc3339);
        let when_text = ended.and_then(|at| self.moment(at, lang).ok());
        // A link that is over leads back to nothing but the proof of a no.
        let leads = !self.expired || matches!(closed, Closed::Refused(_) | Closed::Withdrawn(_));
        let path = leads.then_some(self.path.as_str());
        let origin = call.origin();
        let detail = Detail {
            path,
            origin: Some(&origin),
            when_text: when_text.as_deref(),
            when_iso: when_iso.as_deref(),
            undo_nonce,
            subject: manifest.map(|manifest| manifest.subject.as_str()),
            // Where the letter was not asked for, its link may have a key all the same.
            end_to_end: manifest.is_none_or(|manifest| manifest.mode == Mode::EndToEnd),
        };
        let page = pages::closed(site, lang, closed, &detail);
        if !call.wants_json() {
            return response::page(page).because(code(closed));
        }
        let retry = page.retry_after_s;
        let body = json!({ "state": "closed", "closed": code(closed), "sender": self.sender(), "language": lang.tag() });
        let answer = response::json(page.status, &body).because(code(closed));
        match retry {
            Some(seconds) => answer.header("Retry-After", seconds.to_string()),
            None => answer,
        }
    }

    fn sender(&self) -> Value {
        let site = &self.settings.site;
        json!({ "name": site.name, "contact": site.contact })
    }

    async fn envelope(
        &self,
        call: &Call,
        manifest: &Manifest,
        error: Option<FormError>,
    ) -> Result<Response, Fault> {
        let site = &self.settings.site;
        let lang = self.lang(call, Some(manifest));
        let terms = match manifest.terms {
            None => Rc::clone(self.terms().await?.of(lang)),
            // The sender asked for one text, whatever language the rest of the page has.
            Some(hash) => match terms::text(self.env, self.settings, &hash.0).await? {
                Some(terms) => terms,
                None => return Ok(self.damaged(call, Some(manifest), "unknown_terms")),
            },
        };
        let nonce = self.nonce(call, FormPurpose::Consent, terms.sha256())?;
        let until = self.until(manifest);
        if call.wants_json() {
            let mut body = json!({
                "state": "envelope", "sender": self.sender(), "subject": manifest.subject,
                "expires_at": until, "language": lang.tag(), "nonce": nonce, "mode": manifest.mode,
                "terms": { "sha256": terms.hex(), "text": terms.text() },
            });
            if let (Some(check), Some(body)) = (manifest.key_check, body.as_object_mut()) {
                body.insert("key_check".to_owned(), json!(check));
            }
            return Ok(response::json(if error.is_some() { 422 } else { 200 }, &body));
        }
        let page = pages::envelope(
            site,
            &Envelope {
                lang,
                path: &self.path,
                origin: &call.origin(),
                subject: &manifest.subject,
                expires_text: &self.moment(until, lang)?,
                expires_iso: &intl::rfc3339(until),
                terms_text: terms.text(),
                terms_hash_hex: &terms.hex(),
                nonce: &nonce,
                retention_days: manifest.retention_days,
                letter: &manifest.letter.to_string(),
                end_to_end: manifest.mode == Mode::EndToEnd,
                key_check: manifest.key_check.map(|check| check.to_string()).as_deref(),
                error,
                scripts: &*assets::scripts(self.env).await,
                ahead: !spares_data(call)
                    && self.robot.is_none()
                    && !signals::of_opening(call).is_suspected(),
            },
        );
        Ok(response::page(page))
    }

    /// The letter for the command line: what to expect of the report, its entity tag included.
    fn letter_json(&self, call: &Call, letter: &Sealed) -> Result<Response, Fault> {
        let manifest = &letter.manifest;
        let lang = self.lang(call, Some(manifest));
        let framing = manifest.framing().map_err(|e| Fault::new(e.code(), e))?;
        Ok(response::json(
            200,
            &json!({
                "state": "letter", "sender": self.sender(), "subject": manifest.subject,
                "expires_at": self.until(manifest), "language": lang.tag(),
                "nonce": self.nonce(call, FormPurpose::Decline, &NO_TERMS)?,
                "letter": {
                    "mode": manifest.mode, "media_type": manifest.media_type,
                    "file_name": safe_file_name(&manifest.file_name),
                    "length": manifest.length, "body_length": framing.body_length(),
                    "record_size": manifest.record_size, "sha256": HEXLOWER.encode(&manifest.sha256.0),
                    "etag": letter.body_etag,
                },
            }),
        ))
    }

    /// The link's end or the letter's, whichever comes first.
    pub(super) fn until(&self, manifest: &Manifest) -> UnixSeconds {
        self.link.not_after.min(manifest.not_after)
    }

    /// The letter page. `by_grant`: this browser keeps no cookies, as far as can be told, so that the viewer fetches the report
    /// by the grant.
    pub(super) async fn letter(
        &self,
        call: &Call,
        manifest: &Manifest,
        consent: ConsentId,
        by_grant: bool,
    ) -> Result<Response, Fault> {
        let lang = self.lang(call, Some(manifest));
        let nonce = self.nonce(call, FormPurpose::Decline, &NO_TERMS)?;
        let grant = mint_grant(self.settings.keyring.active(), self.link.letter, consent, self.now);
        let until = self.until(manifest);
        let consented = consent.0.at().seconds();
        let framing = manifest.framing().map_err(|e| Fault::new(e.code(), e))?;
        let sha256 = HEXLOWER.encode(&manifest.sha256.0);
        let file_name = safe_file_name(&manifest.file_name);
        let page = pages::letter(
            &self.settings.site,
            &Letter {
                lang,
                path: &self.path,
                subject: &manifest.subject,
                expires_text: &self.moment(until, lang)?,
                expires_iso: &intl::rfc3339(until),
                consented_text: Some(&self.moment(consented, lang)?),
                consented_iso: Some(&intl::rfc3339(consented)),
                end_to_end: manifest.mode == Mode::EndToEnd,
                length: manifest.length,
                body_length: framing.body_length(),
                record_size: manifest.record_size,
                sha256_hex: &sha256,
                media_type: &manifest.media_type,
                file_name: &file_name,
                inline: shown_media_type(&manifest.media_type).is_some(),
                history: self.customer(manifest).is_some(),
                nonce: &nonce,
                grant: &grant,
                by_grant,
                native_first: spares_data(call),
                scripts: &*assets::scripts(self.env).await,
            },
        );
        Ok(response::page(page))
    }

    /// Dates as this reader's pages write them.
    pub(super) fn dates(&self, lang: Lang) -> Result<intl::Dates, Fault> {
        intl::Dates::new(lang, &self.settings.site.time_zone, self.time_zone.as_deref())
    }

    pub(super) fn moment(&self, at: UnixSeconds, lang: Lang) -> Result<String, Fault> {
        self.dates(lang)?.moment(at)
    }
}
