//! The forms: consent, refusal, withdrawal. Each is recorded before it is answered, and answered with a redirect.

use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::json;

use super::fields::{Fields, Posted, read};
use super::view::by_of;
use super::{Reply, Visit, manifest_of, signals};
use crate::objects::ledger::{Decided, call as call_ledger};
use crate::platform::error::Fault;
use crate::platform::http::{Body, Call, Response};
use crate::platform::{random, response};
use waxseal::api::Code;
use waxseal::bots::score;
use waxseal::ledger::consent::FORM_SECONDS;
use waxseal::ledger::cookie::{FormCookie, clear_cookie, set_cookie};
use waxseal::ledger::{
    self, Actor, Binding, ClosedReason, Command, Form, FormId, FormPurpose, check_form, mint_form,
};
use waxseal::pages::headers::Kind;
use waxseal::pages::{self, Closed, FormError};

/// The hour that programs' consents are counted in, in seconds.
const PROGRAM_RETRY_S: u32 = (ledger::REPEAT_MILLIS / 1000) as u32;

/// What the record says of a client that does not pretend to be a browser.
pub(super) const PROGRAM: &str = "program";

/// What a form's nonce holds where no terms are shown with it.
pub(super) const NO_TERMS: [u8; 32] = [0; 32];

impl Visit<'_> {
    /// The cookie that this browser got with an earlier page of this letter.
    pub(super) fn form_cookie(&self, call: &Call) -> Option<FormCookie> {
        FormCookie::find(&call.header("cookie")?, self.link.letter)
    }

    /// What the nonces of this answer are bound to: the browser's form cookie, or a new one that goes out with the answer.
    pub(super) fn binding(&self, call: &Call) -> Result<Binding, Fault> {
        if let Some(cookie) = self.form_cookie(call) {
            return Ok(cookie.binding());
        }
        let fresh = match self.fresh_cookie.get() {
            Some(cookie) => *cookie,
            None => FormCookie(random::bytes()?),
        };
        Ok(self.fresh_cookie.get_or_init(|| fresh).binding())
    }

    /// Whether this is a browser that did not even send the form's cookie back.
    fn keeps_no_cookies(&self, call: &Call) -> bool {
        !call.wants_json() && self.who(call) == Actor::Recipient && self.form_cookie(call).is_none()
    }

    /// Whether a form came from the browser that its page was made for.
    pub(super) fn is_bound(&self, call: &Call, browser: Binding) -> bool {
        browser.is(self.form_cookie(call).map(|cookie| cookie.binding()))
    }

    /// A nonce for the forms of this page, signed over purpose, letter, browser, terms and time.
    pub(super) fn nonce(&self, call: &Call, purpose: FormPurpose, terms: &[u8; 32]) -> Result<String, Fault> {
        let (id, browser) = (FormId(random::bytes()?), self.binding(call)?);
        let form = Form { id, issued_at: self.now, browser, terms: *terms };
        Ok(mint_form(self.settings.keyring.active(), self.link.letter, purpose, &form).to_string())
    }

    /// Checks the nonce of a consent. `Err` holds the answer to give instead.
    async fn checked(&self, call: &Call, fields: &Fields) -> Result<Result<Form, Response>, Fault> {
        let nonce = fields.nonce.as_deref().unwrap_or_default();
        let (keyring, letter) = (&self.settings.keyring, self.link.letter);
        match check_form(nonce, keyring, letter, FormPurpose::Consent, self.now) {
            Ok(form) => Ok(Ok(form)),
            Err(ledger::FormError::Forged) => Ok(Err(self.invalid(call))),
            Err(ledger::FormError::Expired | ledger::FormError::OtherTerms) => {
                Ok(Err(self.again(call, FormError::Expired).await?))
            }
        }
    }

    pub(super) fn invalid(&self, call: &Call) -> Response {
        if call.wants_json() {
            return form_problem(Code::FormInvalid);
        }
        self.closed(call, None, Closed::FormInvalid)
    }

    /// A body that no form of ours has.
    pub(super) fn too_long(&self, call: &Call) -> Response {
        self.invalid(call).with_status(413)
    }

    /// The page once more, saying what was missing.
    pub(super) async fn again(&self, call: &Call, error: FormError) -> Result<Response, Fault> {
        if call.wants_json() {
            return Ok(form_problem(match error {
                FormError::Lost => Code::FormLost,
                FormError::Unticked => Code::NotAgreed,
                FormError::Expired => Code::FormExpired,
            }));
        }
        let reply = self.ask(call, Command::Open { browser: self.consent_of(call), terms: None }).await?;
        self.show(call, &reply, Some(error)).await
    }

    /// What is left to say when a form could not do what it asked: the letter is closed, gone or damaged.
    pub(super) async fn instead(&self, call: &Call, reply: &Reply) -> Result<Response, Fault> {
        match reply {
            Ok(Decided { answer: ledger::Answer::ConsentLimit, .. }) => {
                Ok(self.closed(call, manifest_of(reply), Closed::Full))
            }
            Ok(Decided { answer: ledger::Answer::ProgramLimit, .. }) => Ok(self.program_limit(call)),
            // Shown with another version, or so long ago that it is forgotten.
            Ok(Decided { answer: ledger::Answer::OtherTerms, .. }) => {
                self.again(call, FormError::Expired).await
            }
            _ => self.show(call, reply, None).await,
        }
    }

    /// Programs have an allowance of their own, and have used it up.
    fn program_limit(&self, call: &Call) -> Response {
        if call.wants_json() {
            return form_problem(Code::ProgramLimit).header("Retry-After", PROGRAM_RETRY_S.to_string());
        }
        self.closed(call, None, Closed::Busy { retry_after_s: PROGRAM_RETRY_S })
    }

    pub(super) async fn consent(&self, call: &mut Call) -> Result<Response, Fault> {
        let fields = match read(call).await? {
            Posted::Fields(fields) => fields,
            Posted::Lost => return self.again(call, FormError::Lost).await,
            Posted::TooLong => return Ok(self.too_long(call)),
        };
        if is_cross_origin(call) {
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
        let suspicion = self.suspicion(call, form.issued_at, form.browser);
        if suspicion.is_suspected() {
            return self.suspected(call, &form, &suspicion, false).await;
        }
        let browser = self.consent_of(call);
        let command = Command::Consent { terms: form.terms, form: form.id, browser };
        let by = self.who(call);
        let mut ask = self.question(call, command, by, Some(form.issued_at.seconds()));
        if suspicion.program {
            ask.details.robot.get_or_insert_with(|| PROGRAM.to_owned());
        }
        let reply = call_ledger(self.env, &ask).await?;
        if let Ok(Decided { answer: ledger::Answer::Suspected | ledger::Answer::Limit, .. }) = reply {
            return self.suspected_again(call, &form, &suspicion, &reply, false).await;
        }
        self.consented(call, &reply).await
    }

    /// The answer to a consent: the letter opens for this browser.
    pub(super) async fn consented(&self, call: &Call, reply: &Reply) -> Result<Response, Fault> {
        let Ok(Decided { answer: ledger::Answer::Consented(consent), .. }) = *reply else {
            return self.instead(call, reply).await;
        };
        let until = self.link.not_after.0.saturating_sub(self.now.seconds().0);
        let cookie = set_cookie(self.settings.keyring.active(), self.link.letter, consent, until);
        let answer = match manifest_of(reply) {
            // Sent to `/TOKEN` it would be asked for its consent again, and again; so the letter comes at once.
            Some(manifest) if self.keeps_no_cookies(call) => {
                self.letter(call, manifest, consent, true).await?
            }
            _ => self.to_front(call),
        };
        Ok(answer.header("set-cookie", cookie))
    }

    pub(super) async fn refuse(&self, call: &mut Call) -> Result<Response, Fault> {
        let fields = match read(call).await? {
            Posted::Fields(fields) => fields,
            Posted::Lost => return self.again(call, FormError::Lost).await,
            Posted::TooLong => return Ok(self.too_long(call)),
        };
        match self.no(&fields) {
            Some(form) => self.decline(call, form).await,
            None => Ok(self.invalid(call)),
        }
    }

    pub(super) async fn withdraw(&self, call: &mut Call) -> Result<Response, Fault> {
        let fields = match read(call).await? {
            Posted::Fields(fields) => fields,
            Posted::Lost => return self.ask_to_withdraw(call),
            Posted::TooLong => return Ok(self.too_long(call)),
        };
        if fields.one_click {
            // RFC 8058, section 3.1: the mail program has neither cookie nor nonce, and wants no redirect.
            let reply = self.ask_as(call, Command::Withdraw, Actor::MailProgram).await?;
            return match &reply {
                Ok(Decided { answer: ledger::Answer::Refused | ledger::Answer::Withdrawn, .. }) => {
                    Ok(Response::new(200, &[], Body::Empty).headers_of(Kind::Redirect))
                }
                _ => self.instead(call, &reply).await,
            };
        }
        match self.no(&fields) {
            Some(form) => self.decline(call, form).await,
            None => self.ask_to_withdraw(call),
        }
    }

    /// One button. For whoever comes by the address of a mail program's button with nothing in the body, or by a mere link:
    /// nothing is recorded yet, and nothing is said of the letter.
    pub(super) fn ask_to_withdraw(&self, call: &Call) -> Result<Response, Fault> {
        let nonce = self.nonce(call, FormPurpose::Decline, &NO_TERMS)?;
        if call.wants_json() {
            let (code, message) = (Code::FormLost, "nothing was recorded: send this nonce back to withdraw");
            let body = json!({ "error": { "code": code, "message": message }, "nonce": nonce });
            return Ok(response::json(code.status(), &body));
        }
        let lang = self.lang(call, None);
        Ok(response::page(pages::withdraw(&self.settings.site, lang, &self.path, &nonce)))
    }

    /// A no is heard however long the page lay open: its form only has to be ours, whichever page it came from. `None` for
    /// a forged one; else the form itself, where it is fresh.
    fn no(&self, fields: &Fields) -> Option<Option<Form>> {
        let nonce = fields.nonce.as_deref().unwrap_or_default();
        let check =
            |purpose| match check_form(nonce, &self.settings.keyring, self.link.letter, purpose, self.now) {
                Ok(form) => Some(Some(form)),
                Err(ledger::FormError::Expired | ledger::FormError::OtherTerms) => Some(None),
                Err(ledger::FormError::Forged) => None,
            };
        check(FormPurpose::Consent).or_else(|| check(FormPurpose::Decline))
    }

    /// Refuses or withdraws by a page. What looks like a robot's is asked about once more, as a consent is.
    async fn decline(&self, call: &Call, form: Option<Form>) -> Result<Response, Fault> {
        // Nothing is known of a form that lay open for long, but that nobody was in a hurry.
        let (bound, dwell) = match form {
            Some(form) => (self.is_bound(call, form.browser), self.now.0.checked_sub(form.issued_at.0)),
            None => (true, Some(FORM_SECONDS * 1000)),
        };
        let suspicion = signals::of(call, dwell, bound, score);
        let shown = form.unwrap_or(Form {
            id: FormId(random::bytes()?),
            issued_at: self.now,
            browser: Binding::default(),
            terms: NO_TERMS,
        });
        if suspicion.is_suspected() {
            return self.suspected(call, &shown, &suspicion, true).await;
        }
        let browser = self.form_cookie(call).map(|cookie| cookie.binding());
        let terms = shown_terms(&shown.terms);
        let command = Command::Decline { terms, form: form.map(|form| form.id), browser };
        let reply = self.ask(call, command).await?;
        if let Ok(Decided { answer: ledger::Answer::Suspected, .. }) = reply {
            return self.suspected_again(call, &shown, &suspicion, &reply, true).await;
        }
        self.declined(call, &reply).await
    }

    /// Takes a no back, in the browser that said it.
    pub(super) async fn undo(&self, call: &mut Call) -> Result<Response, Fault> {
        let fields = match read(call).await? {
            Posted::Fields(fields) => fields,
            Posted::Lost => return Ok(self.invalid(call)),
            Posted::TooLong => return Ok(self.too_long(call)),
        };
        let nonce = fields.nonce.as_deref().unwrap_or_default();
        let (keyring, letter) = (&self.settings.keyring, self.link.letter);
        let form = match check_form(nonce, keyring, letter, FormPurpose::Undo, self.now) {
            Ok(form) if self.is_bound(call, form.browser) && !is_cross_origin(call) => form,
            Ok(_) | Err(ledger::FormError::Expired | ledger::FormError::OtherTerms) => {
                return Ok(self.closed(call, self.manifest().await.as_ref(), Closed::UndoLate));
            }
            Err(ledger::FormError::Forged) => return Ok(self.invalid(call)),
        };
        let reply = self.ask(call, Command::Undo { browser: form.browser }).await?;
        match &reply {
            Ok(Decided { answer: ledger::Answer::Undone, .. }) => Ok(self.to_front(call)),
            Ok(Decided {
                answer: ledger::Answer::Closed(ClosedReason::Refused | ClosedReason::Withdrawn),
                ..
            }) => Ok(self.closed(call, manifest_of(&reply), Closed::UndoLate)),
            _ => self.instead(call, &reply).await,
        }
    }

    /// Whether this browser may take back the no that the letter is closed by.
    pub(super) fn may_undo(&self, call: &Call, decided: &Decided) -> bool {
        !self.expired && decided.undoable_by.is_some_and(|browser| self.is_bound(call, browser))
    }

    /// The answer to a no.
    pub(super) async fn declined(&self, call: &Call, reply: &Reply) -> Result<Response, Fault> {
        match reply {
            // An expired link has no letter page to go back to.
            Ok(Decided { answer: ledger::Answer::Withdrawn, declined_by, .. }) if self.expired => {
                Ok(self.closed(call, manifest_of(reply), Closed::Withdrawn(by_of(*declined_by))))
            }
            Ok(Decided { answer: ledger::Answer::Refused, declined_by, .. }) if self.expired => {
                Ok(self.closed(call, manifest_of(reply), Closed::Refused(by_of(*declined_by))))
            }
            Ok(decided @ Decided { answer: ledger::Answer::Refused | ledger::Answer::Withdrawn, .. }) => {
                let answer = self.to_front(call);
                // Taken back, the consent stands again, and the browser has to have its cookie still.
                let keeps = self.may_undo(call, decided);
                let clear = || clear_cookie(self.link.letter);
                Ok(if keeps { answer } else { answer.header("set-cookie", clear()) })
            }
            _ => self.instead(call, reply).await,
        }
    }
}

/// The terms that a nonce names, where it names any.
pub(super) fn shown_terms(terms: &[u8; 32]) -> Option<[u8; 32]> {
    Some(*terms).filter(|terms| *terms != NO_TERMS)
}

/// A page of somebody else can send a form, with a nonce it got for itself, in this person's name. Browsers say where a
/// form comes from: with Fetch Metadata, and before there was that, with the origin. Our own pages' is `null` for most, and
/// then the form's cookie has to tell ([`Reason::UnboundForm`](waxseal::bots::Reason::UnboundForm)).
pub(super) fn is_cross_origin(call: &Call) -> bool {
    match call.header("sec-fetch-site") {
        Some(site) => site != "same-origin",
        None => call.header("origin").is_some_and(|origin| origin != "null" && origin != call.origin()),
    }
}

/// A problem with a form, for a program.
pub(super) fn form_problem(code: Code) -> Response {
    response::json(code.status(), &json!({ "error": { "code": code, "message": code.sentence() } }))
}
