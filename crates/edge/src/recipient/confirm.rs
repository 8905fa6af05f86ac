//! Suspected robots: their answer is recorded, and they are asked once more, in another way.

use serde_json::json;

use super::fields::{Fields, Posted, read};
use super::forms::{PROGRAM, form_problem, is_cross_origin, shown_terms};
use super::{Reply, Visit, manifest_of, signals};
use crate::objects::ledger::{Decided, call as call_ledger};
use crate::platform::error::Fault;
use crate::platform::http::{Call, Response};
use crate::platform::{random, response};
use waxseal::api::Code;
use waxseal::bots::challenge::{self, ChallengeResponse, ChallengeState, Verdict};
use waxseal::bots::{Suspicion, is_unbound, score};
use waxseal::ledger::{self, Binding, Command, Form, FormId, FormPurpose};
use waxseal::pages::{self, Closed, Confirm, ConfirmError, FormError};
use waxseal::seal::Mode;
use waxseal::types::UnixMillis;

/// How long wrong answers count, in seconds.
const LATER_S: u32 = (ledger::WRONG_MILLIS / 1000) as u32;

impl Visit<'_> {
    /// What speaks against a person, in the post of a form that was shown at this time in this browser.
    pub(super) fn suspicion(&self, call: &Call, shown: UnixMillis, browser: Binding) -> Suspicion {
        signals::of(call, self.now.0.checked_sub(shown.0), self.is_bound(call, browser), score)
    }

    /// Records the answer that looks like a robot's, and asks.
    pub(super) async fn suspected(
        &self,
        call: &Call,
        form: &Form,
        suspicion: &Suspicion,
        decline: bool,
    ) -> Result<Response, Fault> {
        let state = self.challenge_state(call, form, suspicion, decline)?;
        let signs = suspicion.in_words();
        let reply = self.record_suspicion(call, &state, form.issued_at, signs).await?;
        self.ask_once_more(call, &reply, &state, None).await
    }

    /// The answer to the question.
    pub(super) async fn confirm(&self, call: &mut Call) -> Result<Response, Fault> {
        let fields = match read(call).await? {
            Posted::Fields(fields) => fields,
            Posted::Lost => return self.again(call, FormError::Lost).await,
            Posted::TooLong => return Ok(self.too_long(call)),
        };
        if is_cross_origin(call) {
            return self.again(call, FormError::Expired).await;
        }
        let ChallengeResponse { id, asked_at, state, verdict } = match self.answered(&fields) {
            Ok(answered) => answered,
            Err(ledger::FormError::Forged) => return Ok(self.invalid(call)),
            Err(ledger::FormError::Expired | ledger::FormError::OtherTerms) => {
                return self.again(call, FormError::Expired).await;
            }
        };
        // By a link that is over a no is heard, and nothing else.
        if self.expired && !state.decline {
            return Ok(self.closed(call, self.manifest().await.as_ref(), Closed::Expired));
        }
        let next = self.next(call, &state)?;
        let (error, sign) = match verdict {
            // Another site's page may have sent it, with an answer that somebody else read.
            _ if signals::of(call, None, self.is_bound(call, state.browser), is_unbound) => {
                (ConfirmError::Unbound, "unbound_form")
            }
            Verdict::Early => (ConfirmError::Early, "early_answer"),
            Verdict::Nothing => (ConfirmError::Nothing, "no_answer"),
            Verdict::Right | Verdict::Wrong => return self.decide(call, id, asked_at, &state, verdict).await,
        };
        let reply = self.record_suspicion(call, &state, asked_at, sign.to_owned()).await?;
        self.ask_once_more(call, &reply, &next, Some(error)).await
    }

    /// The next question about the same form.
    fn next(&self, call: &Call, state: &ChallengeState) -> Result<ChallengeState, Fault> {
        Ok(ChallengeState { round: state.round.saturating_add(1), browser: self.binding(call)?, ..*state })
    }

    /// A suspected form came once more.
    pub(super) async fn suspected_again(
        &self,
        call: &Call,
        form: &Form,
        suspicion: &Suspicion,
        reply: &Reply,
        decline: bool,
    ) -> Result<Response, Fault> {
        let state = self.challenge_state(call, form, suspicion, decline)?;
        self.ask_once_more(call, reply, &state, None).await
    }

    fn challenge_state(
        &self,
        call: &Call,
        form: &Form,
        suspicion: &Suspicion,
        decline: bool,
    ) -> Result<ChallengeState, Fault> {
        let browser = self.binding(call)?;
        let (form, terms, points) = (form.id, form.terms, suspicion.points);
        Ok(ChallengeState { form, terms, points, round: 1, decline, browser })
    }

    fn answered(&self, fields: &Fields) -> Result<ChallengeResponse, ledger::FormError> {
        let nonce = fields.nonce.as_deref().unwrap_or_default();
        let choice = fields.choice.as_deref();
        challenge::check(nonce, choice, &self.settings.keyring, self.link.letter, self.now)
    }

    /// Right or wrong: the ledger knows whether the question still takes an answer.
    async fn decide(
        &self,
        call: &Call,
        question: FormId,
        asked_at: UnixMillis,
        state: &ChallengeState,
        verdict: Verdict,
    ) -> Result<Response, Fault> {
        let right = verdict == Verdict::Right;
        let command = if state.decline {
            let browser = self.form_cookie(call).map(|cookie| cookie.binding());
            Command::ConfirmDecline { terms: shown_terms(&state.terms), question, right, browser }
        } else {
            Command::Confirm { terms: state.terms, question, right, browser: self.consent_of(call) }
        };
        let by = self.who(call);
        let mut ask = self.question(call, command, by, Some(asked_at.seconds()));
        ask.details.suspicion = Some(state.points);
        // A program that can read the question is one all the same, and says so.
        let program = self.suspicion(call, asked_at, state.browser).program;
        if right {
            ask.details.confirmed = Some(format!("word, question {}", state.round));
            if program {
                ask.details.robot.get_or_insert_with(|| PROGRAM.to_owned());
            }
        } else {
            ask.details.robot = Some("wrong_answer".to_owned());
        }
        let reply = call_ledger(self.env, &ask).await?;
        match reply {
            Ok(Decided { answer: ledger::Answer::Suspected | ledger::Answer::Limit, .. }) => {
                let next = self.next(call, state)?;
                self.ask_once_more(call, &reply, &next, Some(ConfirmError::Wrong)).await
            }
            _ if state.decline => self.declined(call, &reply).await,
            _ => self.consented(call, &reply).await,
        }
    }

    /// Records an answer that is none.
    async fn record_suspicion(
        &self,
        call: &Call,
        state: &ChallengeState,
        shown: UnixMillis,
        signs: String,
    ) -> Result<Reply, Fault> {
        let command = if state.decline {
            Command::SuspectDecline { terms: shown_terms(&state.terms), form: state.form }
        } else {
            Command::Suspect { terms: state.terms, form: state.form }
        };
        let mut ask = self.question(call, command, self.who(call), Some(shown.seconds()));
        ask.details.robot = Some(signs);
        ask.details.suspicion = Some(state.points);
        call_ledger(self.env, &ask).await
    }

    /// The question; or, where the ledger takes no answers for now, when to come back.
    async fn ask_once_more(
        &self,
        call: &Call,
        reply: &Reply,
        state: &ChallengeState,
        error: Option<ConfirmError>,
    ) -> Result<Response, Fault> {
        match reply {
            Ok(Decided { answer: ledger::Answer::Suspected, .. }) => {}
            Ok(Decided { answer: ledger::Answer::Limit, .. }) => return Ok(self.later(call, reply)),
            _ if state.decline => return self.declined(call, reply).await,
            _ => return self.instead(call, reply).await,
        }
        let lang = self.lang(call, manifest_of(reply));
        let id = FormId(random::bytes()?);
        let asked = challenge::ask(self.settings.keyring.active(), self.link.letter, state, self.now, id);
        if call.wants_json() {
            let (words, sentence) = pages::question(lang, &asked.words, asked.right);
            let code = match error {
                None => Code::Confirm,
                Some(ConfirmError::Wrong) => Code::ConfirmWrong,
                Some(ConfirmError::Early) => Code::ConfirmEarly,
                Some(ConfirmError::Nothing) => Code::ConfirmNothing,
                Some(ConfirmError::Unbound) => Code::ConfirmUnbound,
            };
            let said = error.map_or(code.sentence(), |error| error.message(lang, state.decline));
            return Ok(response::json(
                code.status(),
                &json!({
                    "error": { "code": code, "message": said },
                    "confirm": { "question": sentence, "choices": words, "nonce": asked.nonce },
                }),
            ));
        }
        let page = pages::confirm(
            &self.settings.site,
            &Confirm {
                lang,
                path: &self.path,
                nonce: &asked.nonce,
                refuse_nonce: &self.nonce(call, FormPurpose::Decline, &state.terms)?,
                choices: &asked.words,
                right: asked.right,
                decline: state.decline,
                end_to_end: manifest_of(reply).is_some_and(|manifest| manifest.mode == Mode::EndToEnd),
                error,
            },
        );
        Ok(response::page(page))
    }

    fn later(&self, call: &Call, reply: &Reply) -> Response {
        if call.wants_json() {
            return form_problem(Code::ConfirmLater).header("Retry-After", LATER_S.to_string());
        }
        self.closed(call, manifest_of(reply), Closed::Suspected { retry_after_s: LATER_S })
    }
}
