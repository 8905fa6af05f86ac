//! The forms: consent, refusal, withdrawal. Each is recorded before it is answered, and answered with a redirect.

use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::json;
use worker::FormEntry;

use super::{OPENED, Visit};
use crate::edge::answer;
use crate::edge::error::Fault;
use crate::edge::http::{Answer, Body, Call, pairs};
use crate::edge::ledger::{LedgerClient, Outcome, Reply};
use crate::ledger::cookie::{clear_cookie, set_cookie};
use crate::ledger::{self, Actor, Command, Form, check_form};
use crate::pages::headers::Kind;
use crate::pages::{Closed, FormError};

/// More than any form of ours needs.
const MAX_FORM: u64 = 8 * 1024;

/// What the record says of a client that does not pretend to be a browser.
pub(super) const PROGRAM: &str = "program";

/// The fields we know, as they came.
#[derive(Default)]
pub(super) struct Fields {
    terms: Option<String>,
    pub(super) nonce: Option<String>,
    agree: bool,
    one_click: bool,
    pub(super) choice: Option<String>,
}

impl Fields {
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "terms" => self.terms = Some(value.to_owned()),
            "nonce" => self.nonce = Some(value.to_owned()),
            "agree" => self.agree = value == "yes",
            "choice" => self.choice = Some(value.to_owned()),
            "List-Unsubscribe" => self.one_click = value == "One-Click",
            _ => {}
        }
    }
}

/// Reads a form in either encoding (RFC 8058 allows both). `None` when it is none, or too long.
pub(super) async fn read(call: &mut Call) -> Result<Option<Fields>, Fault> {
    let mut fields = Fields::default();
    let kind = call.header("content-type").unwrap_or_default().to_ascii_lowercase();
    if kind.starts_with("multipart/form-data") {
        if call.content_length().is_none_or(|length| length > MAX_FORM) {
            return Ok(None);
        }
        // A body that is no form is the client's mistake, not ours.
        let Ok(form) = call.request.form_data().await else { return Ok(None) };
        for name in ["terms", "nonce", "agree", "choice", "List-Unsubscribe"] {
            if let Some(FormEntry::Field(value)) = form.get(name) {
                fields.set(name, &value);
            }
        }
        return Ok(Some(fields));
    }
    let Some(body) = call.small_body(MAX_FORM).await? else { return Ok(None) };
    let Ok(body) = String::from_utf8(body) else { return Ok(None) };
    for (name, value) in pairs(&body) {
        fields.set(&name, &value);
    }
    Ok(Some(fields))
}

impl Visit<'_> {
    /// Checks the nonce. `Err` holds the answer to give instead.
    async fn checked(&self, call: &Call, fields: &Fields) -> Result<Result<Form, Answer>, Fault> {
        let nonce = fields.nonce.as_deref().unwrap_or_default();
        match check_form(nonce, &self.settings.keyring, self.link.letter, self.now) {
            Ok(form) => Ok(Ok(form)),
            Err(ledger::FormError::Forged) => Ok(Err(self.invalid(call))),
            Err(ledger::FormError::Expired | ledger::FormError::OtherTerms) => {
                Ok(Err(self.again(call, FormError::Expired).await?))
            }
        }
    }

    pub(super) fn invalid(&self, call: &Call) -> Answer {
        if call.wants_json() {
            return form_problem(
                400,
                "form_invalid",
                "the form is incomplete or was not issued for this letter",
            );
        }
        self.closed(call, None, Closed::FormInvalid)
    }

    /// The page once more, saying what was missing.
    pub(super) async fn again(&self, call: &Call, error: FormError) -> Result<Answer, Fault> {
        if call.wants_json() {
            return Ok(match error {
                FormError::NoCookie => form_problem(422, "no_cookie", "send the cookie of the consent back"),
                FormError::Unticked => form_problem(422, "not_agreed", "the field agree must be yes"),
                FormError::Expired => form_problem(
                    422,
                    "form_expired",
                    "the nonce is older than an hour; get the envelope again",
                ),
            });
        }
        let reply = self.ask(call, Command::Open { browser: self.consent_of(call), terms: None }).await?;
        self.show(call, &reply, Some(error)).await
    }

    /// What is left to say when a form could not do what it asked: the letter is closed, gone or damaged.
    pub(super) async fn instead(&self, call: &Call, reply: &Reply) -> Result<Answer, Fault> {
        match &reply.outcome {
            Outcome::Decided { answer: ledger::Answer::ConsentLimit, .. } => {
                Ok(self.closed(call, reply.manifest(), Closed::Full))
            }
            _ => self.show(call, reply, None).await,
        }
    }

    pub(super) async fn consent(&self, call: &mut Call) -> Result<Answer, Fault> {
        let Some(fields) = read(call).await? else { return Ok(self.invalid(call)) };
        if planted(call) {
            return self.again(call, FormError::Expired).await;
        }
        let form = match self.checked(call, &fields).await? {
            Ok(form) => form,
            Err(answer) => return Ok(answer),
        };
        let posted = fields.terms.as_deref().and_then(|hex| HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).ok());
        let posted: Option<[u8; 32]> = posted.and_then(|bytes| bytes.try_into().ok());
        if posted.is_none_or(|terms| form.check_terms(&terms).is_err()) {
            return Ok(self.invalid(call));
        }
        if !fields.agree {
            return self.again(call, FormError::Unticked).await;
        }
        let suspicion = self.suspicion(call, form.issued_at);
        if suspicion.is_suspected() {
            return self.suspected(call, &form, &suspicion).await;
        }
        let browser = self.consent_of(call);
        let command = Command::Consent { terms: form.terms, form: form.id, browser };
        let by = self.who(call);
        let mut ask = self.question(call, command, by, Some(form.issued_at.seconds()));
        if suspicion.program {
            ask.details.robot.get_or_insert_with(|| PROGRAM.to_owned());
        }
        let reply = LedgerClient::open(self.env)?.ask(&ask).await?;
        if let Outcome::Decided { answer: ledger::Answer::Suspected | ledger::Answer::Limit, .. } =
            reply.outcome
        {
            return self.doubted_before(call, &form, &suspicion, &reply).await;
        }
        self.consented(call, &reply).await
    }

    /// The answer to a consent: the letter opens for this browser.
    pub(super) async fn consented(&self, call: &Call, reply: &Reply) -> Result<Answer, Fault> {
        let Outcome::Decided { answer: ledger::Answer::Consented(consent), .. } = reply.outcome else {
            return self.instead(call, reply).await;
        };
        let until = self.link.not_after.0.saturating_sub(self.now.seconds().0);
        let cookie = set_cookie(self.settings.keyring.active(), self.link.letter, consent, until);
        Ok(self.to_front(call, Some(OPENED)).header("set-cookie", cookie))
    }

    pub(super) async fn refuse(&self, call: &mut Call) -> Result<Answer, Fault> {
        let Some(fields) = read(call).await? else { return Ok(self.invalid(call)) };
        match self.no(&fields) {
            Some(form) => {
                let terms = form.map(|form| form.terms);
                self.say_no(call, Command::Refuse { terms }).await
            }
            None => Ok(self.invalid(call)),
        }
    }

    pub(super) async fn withdraw(&self, call: &mut Call) -> Result<Answer, Fault> {
        let Some(fields) = read(call).await? else { return Ok(self.invalid(call)) };
        if fields.one_click {
            // RFC 8058, section 3.1: the mail program has neither cookie nor nonce, and wants no redirect.
            let reply = self.ask_as(call, Command::Withdraw, Actor::MailProgram).await?;
            return match reply.outcome {
                Outcome::Decided { answer: ledger::Answer::Refused | ledger::Answer::Withdrawn, .. } => {
                    Ok(Answer::new(200, &[], Body::Empty).headers_of(Kind::Redirect))
                }
                _ => self.instead(call, &reply).await,
            };
        }
        match self.no(&fields) {
            Some(_) => self.say_no(call, Command::Withdraw).await,
            None => Ok(self.invalid(call)),
        }
    }

    /// A no is heard however long the page lay open: its form only has to be ours. `None` for a forged one; the form
    /// itself where it is fresh.
    fn no(&self, fields: &Fields) -> Option<Option<Form>> {
        let nonce = fields.nonce.as_deref().unwrap_or_default();
        match check_form(nonce, &self.settings.keyring, self.link.letter, self.now) {
            Ok(form) => Some(Some(form)),
            Err(ledger::FormError::Expired | ledger::FormError::OtherTerms) => Some(None),
            Err(ledger::FormError::Forged) => None,
        }
    }

    async fn say_no(&self, call: &Call, command: Command) -> Result<Answer, Fault> {
        let reply = self.ask(call, command).await?;
        match &reply.outcome {
            // An expired link has no front to go back to.
            Outcome::Decided { answer: ledger::Answer::Withdrawn, .. } if self.over => {
                Ok(self.closed(call, reply.manifest(), Closed::Withdrawn))
            }
            Outcome::Decided { answer: ledger::Answer::Refused, .. } if self.over => {
                Ok(self.closed(call, reply.manifest(), Closed::Refused))
            }
            Outcome::Decided { answer: ledger::Answer::Refused | ledger::Answer::Withdrawn, .. } => {
                Ok(self.to_front(call, None).header("set-cookie", clear_cookie(self.link.letter)))
            }
            _ => self.instead(call, &reply).await,
        }
    }
}

/// A page of somebody else can send a form, with a nonce it got for itself, in this person's name. Browsers say where a
/// form comes from; those that do not say are old and are believed.
pub(super) fn planted(call: &Call) -> bool {
    call.header("sec-fetch-site").is_some_and(|site| site != "same-origin")
}

/// The same, and by what older browsers say. Not of the first form: there another origin is a sign among others.
pub(super) fn foreign(call: &Call) -> bool {
    planted(call) || call.header("origin").is_some_and(|origin| origin != "null" && origin != call.origin())
}

pub(super) fn form_problem(status: u16, code: &str, message: &str) -> Answer {
    answer::json(status, &json!({ "error": { "code": code, "message": message } }))
}
