//! Requests under `/TOKEN`: classify, ask the ledger, answer with a page, a stream or silence.

pub(crate) mod assets;
mod confirm;
mod fields;
mod forms;
mod history;
pub(crate) mod log_files;
mod receipt;
mod report;
mod signals;
mod view;

use std::cell::OnceCell;
use std::rc::Rc;

use worker::{Context, Env};

use crate::guard::Ruling;
use crate::objects::ledger::{Decide, Decided, NoLetter, Offer, Summarise, call as call_ledger};
use crate::objects::terms;
use crate::platform::error::Fault;
use crate::platform::http::{Call, Method, Response};
use crate::platform::log::Line;
use crate::platform::settings::Settings;
use crate::platform::{client, response};
use waxseal::bots;
use waxseal::guard;
use waxseal::lang::Lang;
use waxseal::ledger::cookie::{FormCookie, consent_of};
use waxseal::ledger::{self, Actor, ClosedReason, Command, ConsentId, Details, TermsHash};
use waxseal::pages::{Closed, preview};
use waxseal::seal::Manifest;
use waxseal::token::{Class, CleanPath, LinkAction, TOKEN_CHARS, TokenText, Verified, action, mint};
use waxseal::types::{UnixMillis, UnixSeconds};

/// The rate limits count by the minute.
const BUSY_S: u32 = 60;

/// What came of a command, where there is a letter.
type Reply = Result<Decided, NoLetter>;

/// What the sender said of the letter, where the reply has it.
fn manifest_of(reply: &Reply) -> Option<&Manifest> {
    reply.as_ref().ok()?.manifest()
}

/// What is asked for below a link.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Below {
    Front,
    Action(LinkAction),
    Other,
}

impl Below {
    /// For the log. Anything may stand there, so nothing of it is repeated.
    fn name(&self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Action(action) => action.code(),
            Self::Other => "other",
        }
    }
}

/// Somebody at a path that may be a link, and how the guard rules.
pub(super) struct Arrival<'a> {
    pub(super) env: &'a Env,
    pub(super) context: &'a Context,
    pub(super) settings: &'a Settings,
    pub(super) now: UnixMillis,
    pub(super) ruling: Ruling,
}

/// A person with a genuine link, and what they came with.
struct Visit<'a> {
    env: &'a Env,
    context: &'a Context,
    settings: &'a Settings,
    now: UnixMillis,
    robot: Option<&'static str>,
    /// The time zone that the reader is in, where it is known.
    time_zone: Option<String>,
    link: Verified,
    /// `/TOKEN`, clean.
    path: String,
    /// The key of the letter, where it came in the path of a link that was changed on its way. It goes into no page.
    fragment: Option<String>,
    /// The link's own time is over; the letter's may not be.
    expired: bool,
    /// The terms now shown, the same from the first question to the answer.
    terms: OnceCell<Rc<terms::Current>>,
    /// The form cookie that goes out with the answer, where a form is in it and the browser had none.
    fresh_cookie: OnceCell<FormCookie>,
}

impl<'a> Arrival<'a> {
    /// Answers a request of this class.
    pub(super) async fn answer(self, call: &mut Call, class: Class) -> Response {
        let line = self.ruling.on(Line::new("visit"));
        let expired = matches!(class, Class::Closed { .. });
        let (link, clean) = match class {
            Class::Damaged(damage) => return self.stranger(damage.code()),
            Class::Forged(forgery) => return self.stranger(forgery.code()),
            _ if self.ruling.answer == guard::Response::Silent => {
                return response::silent().logged(line.with("client", client::keyed(call, self.settings)));
            }
            Class::Repairable { verified, clean } if self.is_plain_get(call) => {
                let line = line.with("route", "repaired").with("letter", verified.letter.to_string());
                return repaired(call, &clean)
                    .logged(line.with("client", client::keyed(call, self.settings)));
            }
            Class::Repairable { verified, clean } | Class::Closed { verified, clean: Some(clean) } => {
                (verified, Some(clean))
            }
            Class::Valid(verified) | Class::Closed { verified, clean: None } => (verified, None),
        };
        let fragment = clean.as_ref().and_then(|clean| clean.fragment().map(str::to_owned));
        let (path, rest) = match clean {
            // The path as it came may have the key of the letter in it, which goes into no page.
            Some(clean) => (format!("/{}", clean.token()), ""),
            None => {
                let (path, rest) = call.path.split_at_checked(1 + TOKEN_CHARS).unwrap_or((&call.path, ""));
                (path.to_owned(), rest)
            }
        };
        let below = match action(&call.path) {
            Some(action) => Below::Action(action),
            None if rest.starts_with('/') => Below::Other,
            None => Below::Front,
        };
        let visit = self.visit(call, link, path, fragment, expired);
        let answer = match self.ruling.answer {
            guard::Response::Neutral => {
                let page =
                    response::page(preview(&self.settings.site, visit.lang(call, None), &call.origin()));
                // A page is never the report.
                if below == Below::Action(LinkAction::Report) { page.with_status(403) } else { page }
            }
            guard::Response::Busy => visit.closed(call, None, Closed::Busy { retry_after_s: BUSY_S }),
            // Whoever says no by a link that is over gets the proof of it.
            _ if visit.expired && !is_receipt(call, below) => visit.after_the_end(call, below).await,
            _ => visit.route(call, below).await.unwrap_or_else(|fault| {
                crate::platform::log::fault("visit", &fault);
                visit.closed(call, None, Closed::Unavailable { retry_after_s: 30 })
            }),
        };
        let answer = match visit.fresh_cookie.get() {
            Some(cookie) => answer.header("set-cookie", cookie.set(link.letter)),
            None => answer,
        };
        visit.logged(call, line.with("route", below.name()), answer)
    }

    fn is_plain_get(&self, call: &Call) -> bool {
        self.ruling.answer == guard::Response::Serve && matches!(call.method, Method::Get | Method::Head)
    }

    /// Strangers are counted, not logged one by one.
    fn stranger(&self, reason: &str) -> Response {
        self.ruling.on(Line::new("stranger")).with("reason", reason).counted();
        response::silent()
    }

    fn visit(
        &self,
        call: &Call,
        link: Verified,
        path: String,
        fragment: Option<String>,
        expired: bool,
    ) -> Visit<'a> {
        let Self { env, context, settings, now, ruling } = *self;
        let (terms, fresh_cookie) = (OnceCell::new(), OnceCell::new());
        let (robot, time_zone) = (ruling.robot, client::time_zone(call));
        Visit {
            env,
            context,
            settings,
            now,
            robot,
            time_zone,
            link,
            path,
            fragment,
            expired,
            terms,
            fresh_cookie,
        }
    }
}

/// The redirect to the clean spelling of a link that was changed on its way. What it asks for and the language are
/// kept; whatever else stood around the token is not ours.
fn repaired(call: &Call, clean: &CleanPath) -> Response {
    let action = action(&call.path).map(|action| format!("/{}", action.code())).unwrap_or_default();
    let fragment = clean.fragment().map(|fragment| format!("#{fragment}")).unwrap_or_default();
    response::redirect(302, format!("/{}{action}{}{fragment}", clean.token(), language_query(call)))
}

/// The query with the language chosen so far.
fn language_query(call: &Call) -> String {
    let lang = call.query("lang").as_deref().and_then(Lang::from_tag);
    lang.map(|lang| format!("?lang={lang}")).unwrap_or_default()
}

fn is_receipt(call: &Call, below: Below) -> bool {
    let is_receipt = matches!(below, Below::Action(LinkAction::Receipt | LinkAction::ReceiptJson));
    is_receipt && matches!(call.method, Method::Get | Method::Head)
}

impl Visit<'_> {
    fn logged(&self, call: &Call, line: Line, answer: Response) -> Response {
        let line = line.with("letter", self.link.letter.to_string());
        answer.logged(line.with("client", client::keyed(call, self.settings)))
    }

    async fn route(&self, call: &mut Call, below: Below) -> Result<Response, Fault> {
        use LinkAction as A;
        match (call.method, below) {
            (Method::Get | Method::Head, Below::Front) => self.front(call).await,
            (Method::Get | Method::Head, Below::Other) => Ok(self.to_front(call)),
            (Method::Get | Method::Head, Below::Action(action)) => match action {
                A::Report => self.report(call).await,
                A::History => self.history(call).await,
                A::Receipt => self.receipt(call, false).await,
                A::ReceiptJson => self.receipt(call, true).await,
                A::Withdraw => self.ask_to_withdraw(call),
                A::Confirm | A::Consent | A::Refuse | A::Undo => Ok(self.to_front(call)),
            },
            (Method::Post, Below::Action(action)) => match action {
                A::Consent => self.consent(call).await,
                A::Confirm => self.confirm(call).await,
                A::Refuse => self.refuse(call).await,
                A::Withdraw => self.withdraw(call).await,
                A::Undo => self.undo(call).await,
                A::History | A::Receipt | A::ReceiptJson | A::Report => Ok(self.no_such_method(call)),
            },
            _ => Ok(self.no_such_method(call)),
        }
    }

    fn no_such_method(&self, call: &Call) -> Response {
        let page = self.closed(call, None, Closed::FormInvalid);
        page.with_status(405).header("Allow", "GET, HEAD, POST")
    }

    /// The envelope, the letter, or what became of it.
    async fn front(&self, call: &Call) -> Result<Response, Fault> {
        let browser = self.consent_of(call);
        let reply = self.come(call, Command::Open { browser, terms: None }).await?;
        self.show(call, &reply, None).await
    }

    /// The link's own time is over. Consent can still be taken back: that must stay as easy as giving it. Otherwise the
    /// ledger hears of the attempt; its failure changes nothing for the reader.
    async fn after_the_end(&self, call: &mut Call, below: Below) -> Response {
        let no = match (call.method, below) {
            (Method::Post, Below::Action(LinkAction::Withdraw)) => Some(self.withdraw(call).await),
            (Method::Post, Below::Action(LinkAction::Refuse)) => Some(self.refuse(call).await),
            (Method::Post, Below::Action(LinkAction::Confirm)) => Some(self.confirm(call).await),
            (Method::Get | Method::Head, Below::Action(LinkAction::Withdraw)) => {
                Some(self.ask_to_withdraw(call))
            }
            _ => None,
        };
        if let Some(answer) = no {
            return match answer {
                Ok(answer) => answer,
                Err(fault) => {
                    crate::platform::log::fault("expired_withdrawal", &fault);
                    self.closed(call, None, Closed::Unavailable { retry_after_s: 30 })
                }
            };
        }
        let (reason, declined_by, manifest) = match self.come(call, Command::ExpiredOpen).await {
            Ok(Ok(Decided { answer: ledger::Answer::Closed(reason), declined_by, letter, .. })) => {
                (reason, declined_by, letter.map(|letter| letter.manifest))
            }
            Ok(Ok(Decided { answer: ledger::Answer::Reissued(not_after), .. })) => {
                match mint(self.settings.keyring.active(), self.link.letter, not_after) {
                    Ok(token) => return self.reissued(call, below, &token),
                    Err(error) => {
                        crate::platform::log::fault("reissued", &Fault::new(error.code(), error));
                        (ClosedReason::Expired, None, None)
                    }
                }
            }
            Ok(_) => (ClosedReason::Expired, None, None),
            Err(fault) => {
                crate::platform::log::fault("expired_visit", &fault);
                (ClosedReason::Expired, None, None)
            }
        };
        let answer = self.closed(call, manifest.as_ref(), view::closed_of(reason, declined_by));
        // As for the letter itself: a download would keep the page as the report.
        let is_download = below == Below::Action(LinkAction::Report) && answer.status == 200;
        if is_download { answer.with_status(410) } else { answer }
    }

    /// On to the link with the letter's new end. A browser takes the key of an end-to-end link along, behind the `#` (RFC 9110, section
    /// 10.2.2). A form that was posted is not posted again.
    fn reissued(&self, call: &Call, below: Below, token: &TokenText) -> Response {
        let reads = matches!(call.method, Method::Get | Method::Head);
        let action = match below {
            Below::Action(action) if reads => format!("/{}", action.code()),
            _ => String::new(),
        };
        let status = if reads { 302 } else { 303 };
        let fragment = self.fragment.as_ref().map(|fragment| format!("#{fragment}")).unwrap_or_default();
        response::redirect(status, format!("/{token}{action}{}{fragment}", language_query(call)))
    }

    async fn ask(&self, call: &Call, command: Command) -> Result<Reply, Fault> {
        self.ask_as(call, command, self.who(call)).await
    }

    /// Who this is, by its own word: a program that does not pretend to be a browser, a scanner, or else the recipient.
    fn who(&self, call: &Call) -> Actor {
        let robot = self.robot.is_some() || signals::of(call, None, false, bots::says_robot);
        if robot { Actor::Robot } else { Actor::Recipient }
    }

    /// Somebody, or something, comes by the link: what speaks against a person goes into the record.
    async fn come(&self, call: &Call, command: Command) -> Result<Reply, Fault> {
        if !matches!(call.method, Method::Get | Method::Head) {
            return self.ask(call, command).await;
        }
        let suspicion = signals::of_opening(call);
        let robot = self.robot.is_some() || suspicion.is_suspected();
        let by = if robot { Actor::Robot } else { Actor::Recipient };
        self.fetch_terms(&command).await?;
        let mut ask = self.question(call, command, by, None);
        if suspicion.is_suspected() {
            ask.details.robot = Some(suspicion.in_words());
            ask.details.suspicion = Some(suspicion.points);
        }
        call_ledger(self.env, &ask).await
    }

    async fn ask_as(&self, call: &Call, command: Command, by: Actor) -> Result<Reply, Fault> {
        self.fetch_terms(&command).await?;
        call_ledger(self.env, &self.question(call, command, by, None)).await
    }

    /// What the ledger knows of the letter, where nothing else is asked of it. A page says less without it, and is shown all the same.
    async fn manifest(&self) -> Option<Manifest> {
        let summary = call_ledger(self.env, &Summarise { letter: self.link.letter }).await;
        let summary = summary.inspect_err(|fault| crate::platform::log::fault("manifest", fault)).ok()?;
        summary.ok().map(|summary| summary.manifest)
    }

    /// The terms now shown, for what is asked about them.
    async fn fetch_terms(&self, command: &Command) -> Result<(), Fault> {
        match command {
            // An envelope is nothing without its terms.
            Command::Open { .. } => drop(self.terms().await?),
            // The report shows none.
            Command::Report { .. } => {}
            // A yes names its terms itself, and a no must be heard also while the store is down.
            _ => {
                if let Err(fault) = self.terms().await {
                    crate::platform::log::fault("terms", &fault);
                }
            }
        }
        Ok(())
    }

    /// The terms now shown.
    async fn terms(&self) -> Result<Rc<terms::Current>, Fault> {
        let current = match self.terms.get() {
            Some(current) => Rc::clone(current),
            None => terms::current(self.env, self.settings).await?,
        };
        Ok(Rc::clone(self.terms.get_or_init(|| current)))
    }

    /// What is asked of the ledger, and all that goes with it.
    fn question(
        &self,
        call: &Call,
        command: Command,
        by: Actor,
        form_issued_at: Option<UnixSeconds>,
    ) -> Decide {
        let robot = self.robot.map(str::to_owned);
        let details = Details { form_issued_at, robot, ..client::details(call, self.lang(call, None)) };
        // For HEAD nothing is shown.
        let shown = self.terms.get().filter(|_| call.method != Method::Head);
        let offer = shown.map(|shown| Offer {
            lang: call.query("lang"),
            terms: Lang::ALL.map(|lang| TermsHash(*shown.of(lang).sha256())),
        });
        Decide { letter: self.link.letter, command, by, details, offer }
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
    fn to_front(&self, call: &Call) -> Response {
        response::redirect(303, format!("{}{}", self.path, language_query(call)))
    }
}
