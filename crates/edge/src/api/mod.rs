//! `/api/v1`: a handler for each row of `waxseal::api`, for whoever has a key. Without one: silence.

mod create;
mod customers;
mod evidence;
mod guard;
mod health;
mod keys;
mod letters;
mod lists;
mod repeat;
mod rules;
mod sealer;
mod terms;
mod uploads;
mod webhooks;

pub(crate) use keys::Caller;

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use worker::{Context, Env};

use crate::guard::Ruling;
use crate::objects::index::{self, BeginSweep, SweepStatus};
use crate::objects::ledger::NoLetter;
use crate::objects::sequencer::{self, GetLogStatus};
use crate::platform::bucket::{ReadError, UploadError};
use crate::platform::error::Fault;
use crate::platform::http::{self, Body, Call, Response};
use crate::platform::response::{self, problem};
use crate::platform::settings::Settings;
use crate::platform::{client, log, object};
use waxseal::api::{
    Body as _, Code, Document, Endpoint, HTML, JSON, Match, Operation, Page, Problem, Route, SiteView,
    SweepBegun, find, op,
};
use waxseal::guard::Response as Verdict;
use waxseal::pages::headers::Kind;
use waxseal::types::{LetterId, UnixMillis};

/// What this module is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The limit that holds for right keys at one address, at each place of the network apart, as draft-ietf-httpapi-ratelimit-headers has it
/// (section 3). How much of it is left the platform does not say, so there is no `RateLimit`.
const POLICY: &str = concat!("\"api\";q=", env!("API_LIMIT"), ";w=", env!("API_PERIOD_S"));

/// Somebody at a path below `/api/v1/`, or with a right key anywhere, and how the guard rules.
pub(super) struct Arrival<'a> {
    pub(super) env: &'a Env,
    pub(super) context: &'a Context,
    pub(super) settings: &'a Settings,
    pub(super) now: UnixMillis,
    pub(super) caller: &'a Caller,
}

/// Answers a request for `/api/v1/` followed by `path`, as the guard rules.
pub(super) async fn answer(arrival: Arrival<'_>, call: &mut Call, ruling: &Ruling, path: &str) -> Response {
    let (settings, caller) = (arrival.settings, arrival.caller);
    match ruling.answer {
        Verdict::Serve => {}
        Verdict::Busy => {
            let line = named(ruling.on(log::Line::new("api")), call, path);
            return problem(&Code::TooManyRequests.into())
                .header("retry-after", env!("API_PERIOD_S"))
                .header("ratelimit-policy", POLICY)
                .logged(line.with("client", client::keyed(call, settings)));
        }
        Verdict::Silent | Verdict::Neutral => {
            // Strangers are counted, not logged one by one.
            ruling.on(log::Line::new("stranger")).with("reason", "no_right_key").counted();
            return response::silent();
        }
    }
    // Only a right key gets this far: whoever has one may know whom they reached, and tell it from a wrong address.
    let answer = served(arrival, call, path).await;
    let line = caller.on(named(ruling.on(log::Line::new("api")), call, path));
    answer
        .header("waxseal-version", VERSION)
        .header("ratelimit-policy", POLICY)
        .logged(line.with("client", client::keyed(call, settings)))
}

/// Says in a line which route was asked for and which letter; nothing else of the path is repeated.
fn named(line: log::Line, call: &Call, path: &str) -> log::Line {
    let Match::Found(endpoint, parts) = find(call.method.name(), path) else {
        return line.with("route", "none");
    };
    let line = line.with("route", endpoint.label());
    let letter = parts.first().filter(|_| endpoint.path.starts_with("letters/"));
    match letter.and_then(|letter| letter.parse::<LetterId>().ok()) {
        Some(letter) => line.with("letter", letter.to_string()),
        None => line,
    }
}

/// A request with a right key, and what a handler needs to answer it.
struct ApiRequest<'a> {
    call: &'a mut Call,
    env: &'a Env,
    context: &'a Context,
    settings: &'a Settings,
    now: UnixMillis,
    caller: &'a Caller,
    /// What stands in the path for each name.
    parts: Vec<Cow<'a, str>>,
}

/// Why a request gets no answer of its row.
enum ApiError {
    /// It is told what is wrong.
    Problem(Problem),
    /// The platform's or ours; only the log sees more than the code.
    Fault(Fault),
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self::Problem(code.into())
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<UploadError> for ApiError {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::NoSuchUpload => Code::NoSuchUpload.into(),
            UploadError::BadParts => Code::BadParts.into(),
            UploadError::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl From<NoLetter> for ApiError {
    fn from(why: NoLetter) -> Self {
        match why {
            NoLetter::Missing => Code::NoSuchLetter.into(),
            NoLetter::Damaged { code } => {
                code.because("the object in the bucket is not a whole letter").into()
            }
        }
    }
}

/// What the handler of an operation answers.
type Answered<Op> = Result<<Op as Operation>::Response, ApiError>;

impl ApiRequest<'_> {
    fn part(&self, at: usize) -> &str {
        self.parts.get(at).map_or("", AsRef::as_ref)
    }

    fn letter(&self) -> Result<LetterId, ApiError> {
        self.part(0).parse().map_err(|_| Code::NotAUuid.into())
    }

    /// What the query says of this name, if it is as it has to be.
    fn query<T: core::str::FromStr>(&self, name: &str, wrong: Code) -> Result<Option<T>, Code> {
        self.call.query(name).map(|text| text.parse().map_err(|_| wrong)).transpose()
    }

    /// The body as the operation takes it, of at most `limit` bytes; what is something else is told what was expected.
    async fn body<Op: Operation>(&mut self, limit: u32, expected: &Problem) -> Result<Op::Request, ApiError> {
        let bytes = self.call.small_body(limit).await?.ok_or(Code::TooLarge)?;
        // What reads JSON takes a list of the values for an object, too.
        if Op::Request::MEDIA_TYPE == Some(JSON) && !bytes.trim_ascii_start().starts_with(b"{") {
            return Err(expected.clone().into());
        }
        Op::Request::decode(&bytes).map_err(|_| expected.clone().into())
    }
}

async fn served(arrival: Arrival<'_>, call: &mut Call, path: &str) -> Response {
    let Arrival { env, context, settings, now, caller } = arrival;
    let (endpoint, parts) = match find(call.method.name(), path) {
        Match::Found(endpoint, parts) => (endpoint, parts),
        Match::OtherMethod(methods) => {
            return problem(&Code::MethodNotAllowed.into()).header("allow", methods);
        }
        Match::None => return problem(&Code::NoSuchRoute.into()),
    };
    if let Some(scope) = endpoint.scope.filter(|scope| !caller.scopes().hold((*scope).into())) {
        let detail = format!("this key may not do that: it needs the scope {}", scope.as_str());
        return problem(&Code::Scope.because(&detail));
    }
    // An upload's id is R2's own and may hold any character, as may the text of a network.
    let parts = parts.iter().map(|part| percent_decode_str(part).decode_utf8_lossy()).collect();
    match dispatch(endpoint, &mut ApiRequest { call, env, context, settings, now, caller, parts }).await {
        Ok(answer) => answer,
        Err(ApiError::Problem(refusal)) => problem(&refusal),
        Err(ApiError::Fault(fault)) => unavailable(&fault),
    }
}

/// What is said where the platform, or an object, did not do its part.
pub(super) fn unavailable(fault: &Fault) -> Response {
    log::fault("api", fault);
    let detail = format!("{} ({})", Code::Unavailable.sentence(), fault.code);
    problem(&Code::Unavailable.because(&detail)).header("retry-after", "5")
}

/// Has each row's handler answer.
async fn dispatch(endpoint: &Endpoint, request: &mut ApiRequest<'_>) -> Result<Response, ApiError> {
    macro_rules! handlers {
        ($($name:ident => $handler:path,)*) => {
            match endpoint.route {
                $(Route::$name => sent::<op::$name>(endpoint, $handler(request).await?)?,)*
            }
        };
    }
    Ok(handlers! {
        Site => site,
        OpenApi => document,
        Reference => reference,
        Health => health::show,
        ListKeys => keys::list,
        IssueKey => keys::issue,
        RevokeKey => keys::revoke,
        ListLetters => lists::letters,
        CreateLetter => create::create,
        SearchLetters => lists::search,
        ListEvents => lists::events,
        ShowLetter => letters::show,
        PutBody => uploads::put_body,
        DeleteBody => uploads::delete_body,
        PutManifest => letters::put_manifest,
        BeginUpload => uploads::begin,
        PutPart => uploads::put_part,
        CompleteUpload => uploads::complete,
        AbortUpload => uploads::abort,
        CancelLetter => letters::cancel,
        ReissueLetter => letters::reissue,
        WithdrawLetter => letters::withdraw,
        EraseLetter => letters::erase,
        ExportEvidence => evidence::export,
        Log => log_status,
        EraseCustomer => customers::erase,
        CountCustomers => customers::count,
        SweepStatus => sweep_status,
        BeginSweep => begin_sweep,
        ListTerms => terms::list,
        ChooseTerms => terms::choose,
        ShowTerms => terms::show,
        PutTerms => terms::put,
        Guard => guard::status,
        ListBans => guard::bans,
        Ban => guard::ban,
        LiftBan => guard::lift,
        Explain => guard::explain,
        ShowRules => rules::show,
        PutRules => rules::put,
        RulesHistory => rules::history,
        RollBackRules => rules::roll_back,
        ListWebhooks => webhooks::list,
        MakeWebhook => webhooks::make,
        ShowWebhook => webhooks::show,
        ChangeWebhook => webhooks::change,
        DeleteWebhook => webhooks::delete,
        RotateWebhook => webhooks::rotate,
        TestWebhook => webhooks::test,
        ListDeliveries => webhooks::deliveries,
        ReplayWebhook => webhooks::replay,
        GuardEvents => guard::events,
    })
}

/// The answer of a row.
fn sent<Op: Operation>(endpoint: &Endpoint, response: Op::Response) -> Result<Response, Fault> {
    let tag = response.tag();
    let status = if response.is_new() { endpoint.status } else { 200 };
    let body = match Op::Response::MEDIA_TYPE {
        None => Body::Empty,
        Some(_) => Body::Bytes(response.encode()?),
    };
    let answer = Response::new(status, &[], body);
    let answer = match Op::Response::MEDIA_TYPE {
        Some(HTML) => answer.headers_of(Kind::Page).header("content-security-policy", PAGE_POLICY),
        _ => answer.headers_of(Kind::Json),
    };
    Ok(match tag {
        Some(version) => answer.header("etag", format!("\"{version}\"")),
        None => answer,
    })
}

/// A page of the assets has no script, and names its one style itself.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

async fn document(request: &mut ApiRequest<'_>) -> Answered<op::OpenApi> {
    Ok(Document(http::asset(request.env, "openapi.json").await?))
}

async fn reference(request: &mut ApiRequest<'_>) -> Answered<op::Reference> {
    Ok(Page(http::asset(request.env, "reference.html").await?))
}

async fn site(request: &mut ApiRequest<'_>) -> Answered<op::Site> {
    let site = &request.settings.site;
    Ok(SiteView {
        name: site.name.clone(),
        time_zone: site.time_zone.clone(),
        accent: site.accent.to_string(),
        language: site.default_language.tag().to_owned(),
        version: VERSION.to_owned(),
    })
}

async fn log_status(request: &mut ApiRequest<'_>) -> Answered<op::Log> {
    Ok(object::call(request.env, sequencer::NAME, &GetLogStatus {}).await?)
}

async fn sweep_status(request: &mut ApiRequest<'_>) -> Answered<op::SweepStatus> {
    let shown = object::call(request.env, index::NAME, &SweepStatus {}).await?.shown()?;
    Ok(serde_json::from_value(shown).map_err(Fault::from)?)
}

async fn begin_sweep(request: &mut ApiRequest<'_>) -> Answered<op::BeginSweep> {
    let rebuild = request.query("rebuild", Code::Rebuild)?.unwrap_or(false);
    Ok(SweepBegun { run: object::call(request.env, index::NAME, &BeginSweep { rebuild }).await?.last() })
}
