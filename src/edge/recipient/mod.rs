//! Requests under `/TOKEN`: classify, ask the ledger, answer with a page, a stream or silence.

mod forms;
mod report;
mod view;

use worker::{Context, Env};

use super::error::Fault;
use super::http::{Answer, Call, Method};
use super::ledger::{Ask, LedgerClient, Outcome, Reply, What};
use super::log::Line;
use super::settings::Settings;
use super::{answer, client};
use crate::ledger::cookie::consent_of;
use crate::ledger::{ClosedReason, Command, ConsentId, Details};
use crate::pages::{Closed, FormError, Lang};
use crate::seal::Manifest;
use crate::token::{Class, Verified, classify};
use crate::types::{UnixMillis, UnixSeconds};

/// The query parameter that the redirect after a consent carries.
const OPENED: &str = "opened";

/// A person with a genuine link, and what they came with.
pub(super) struct Visit<'a> {
    pub(super) env: &'a Env,
    pub(super) context: &'a Context,
    pub(super) settings: &'a Settings,
    pub(super) now: UnixMillis,
    pub(super) link: Verified,
    /// `/TOKEN`, clean.
    pub(super) path: String,
}

/// Answers a request whose first path segment is `segment`, with `rest` after the next slash.
pub(super) async fn answer_visit(
    call: &mut Call,
    env: &Env,
    context: &Context,
    settings: &Settings,
    now: UnixMillis,
    segment: &str,
    rest: Option<&str>,
) -> Answer {
    let class = classify(segment, &settings.keyring, now.seconds());
    let line = Line::new("visit").with("class", class.code());
    let (link, clean) = match class {
        Class::Damaged(damage) => {
            line.with("reason", damage.code()).with("client", client::keyed(call, settings)).info();
            return answer::silent();
        }
        Class::Forged(forgery) => {
            line.with("reason", forgery.code()).with("client", client::keyed(call, settings)).info();
            return answer::silent();
        }
        Class::Repairable { clean, .. } if matches!(call.method, Method::Get | Method::Head) => {
            line.info();
            let rest =
                rest.filter(|rest| !rest.is_empty()).map(|rest| format!("/{rest}")).unwrap_or_default();
            let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
            let fragment = clean.fragment().map(|fragment| format!("#{fragment}")).unwrap_or_default();
            return answer::redirect(302, format!("/{}{rest}{query}{fragment}", clean.token()));
        }
        Class::Repairable { verified, clean } => (verified, clean.token().to_string()),
        Class::Valid(verified) => (verified, segment.to_owned()),
        Class::Closed(verified) => {
            let visit = Visit { env, context, settings, now, link: verified, path: String::new() };
            let answer = visit.after_the_end(call, rest).await;
            return visit.logged(call, line, answer);
        }
    };
    let visit = Visit { env, context, settings, now, link, path: format!("/{clean}") };
    let answer = match visit.route(call, rest).await {
        Ok(answer) => answer,
        Err(fault) => {
            super::log::fault("visit", &fault);
            visit.closed(call, None, Closed::Unavailable { retry_after_s: 30 })
        }
    };
    visit.logged(call, line, answer)
}

impl Visit<'_> {
    fn logged(&self, call: &Call, line: Line, answer: Answer) -> Answer {
        line.with("letter", self.link.letter.to_string())
            .with("status", answer.status)
            .with("client", client::keyed(call, self.settings))
            .info();
        answer
    }

    async fn route(&self, call: &mut Call, rest: Option<&str>) -> Result<Answer, Fault> {
        match (call.method, rest) {
            (Method::Get | Method::Head, None) => self.front(call).await,
            (Method::Get | Method::Head, Some("report")) => self.report(call).await,
            (Method::Post, Some("consent")) => self.consent(call).await,
            (Method::Post, Some("refuse")) => self.refuse(call).await,
            (Method::Post, Some("withdraw")) => self.withdraw(call).await,
            (Method::Get | Method::Head, Some(_)) => Ok(self.to_front(call, None)),
            _ => Ok(self
                .closed(call, None, Closed::FormInvalid)
                .with_status(405)
                .header("Allow", "GET, HEAD, POST")),
        }
    }

    /// The envelope, the letter, or what became of it.
    async fn front(&self, call: &Call) -> Result<Answer, Fault> {
        let browser = self.consent_of(call);
        let reply = self.ask(call, Command::Open { browser }).await?;
        // Who comes from the consent without its cookie has a browser that keeps none, and would go round in circles.
        let lost = browser.is_none() && call.query(OPENED).is_some();
        self.show(call, &reply, lost.then_some(FormError::NoCookie))
    }

    /// The link's own time is over. Consent can still be taken back: that must stay as easy as giving it. Otherwise the
    /// ledger hears of the attempt; its failure changes nothing for the reader.
    async fn after_the_end(&self, call: &mut Call, rest: Option<&str>) -> Answer {
        let no = match (call.method, rest) {
            (Method::Post, Some("withdraw")) => Some(self.withdraw(call).await),
            (Method::Post, Some("refuse")) => Some(self.refuse(call).await),
            _ => None,
        };
        if let Some(answer) = no {
            return match answer {
                Ok(answer) => answer,
                Err(fault) => {
                    super::log::fault("expired_withdrawal", &fault);
                    self.closed(call, None, Closed::Unavailable { retry_after_s: 30 })
                }
            };
        }
        let (reason, manifest) = match self.ask(call, Command::ExpiredOpen).await {
            Ok(Reply {
                outcome: Outcome::Decided { answer: crate::ledger::Answer::Closed(reason), .. },
                letter,
            }) => (reason, letter.map(|letter| letter.manifest)),
            Ok(_) => (ClosedReason::Expired, None),
            Err(fault) => {
                super::log::fault("expired_visit", &fault);
                (ClosedReason::Expired, None)
            }
        };
        self.closed(call, manifest.as_ref(), view::closed_of(reason))
    }

    async fn ask(&self, call: &Call, command: Command) -> Result<Reply, Fault> {
        self.ask_about(call, command, None).await
    }

    /// As [`Self::ask`], for the answer to a form that was shown at `form_issued_at`.
    async fn ask_about(
        &self,
        call: &Call,
        command: Command,
        form_issued_at: Option<UnixSeconds>,
    ) -> Result<Reply, Fault> {
        let details = Details { form_issued_at, ..client::details(call, self.lang(call, None)) };
        let ask = Ask { letter: self.link.letter, what: What::Do(command), details };
        LedgerClient::open(self.env)?.ask(&ask).await
    }

    /// The consent that this browser's cookie proves.
    fn consent_of(&self, call: &Call) -> Option<ConsentId> {
        let header = call.header("cookie")?;
        consent_of(&header, &self.settings.keyring, self.link.letter, self.now.seconds())
    }

    fn lang(&self, call: &Call, manifest: Option<&Manifest>) -> Lang {
        let letter = manifest.and_then(|manifest| manifest.language.as_deref()).and_then(Lang::from_tag);
        Lang::choose(
            call.query("lang").as_deref(),
            letter,
            call.header("accept-language").as_deref(),
            self.settings.site.default_language,
        )
    }

    /// Back to `/TOKEN`, in the language chosen so far.
    fn to_front(&self, call: &Call, mark: Option<&str>) -> Answer {
        let lang = call.query("lang").as_deref().and_then(Lang::from_tag).map(|lang| format!("lang={lang}"));
        let query: Vec<_> = lang.into_iter().chain(mark.map(str::to_owned)).collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        answer::redirect(303, format!("{}{query}", self.path))
    }
}
