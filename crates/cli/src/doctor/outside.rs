//! What everybody can see.

use std::time::Duration;

use bytes::Bytes;
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, LOCATION, SERVER, STRICT_TRANSPORT_SECURITY};
use reqwest::{Client, Method, StatusCode};
use url::Url;
use waxseal::api::op;
use waxseal::guard::Profile;
use waxseal::types::UnixSeconds;

use super::Findings;
use crate::api::{Api, is_silent_answer};
use crate::clock;
use crate::error::{Error, chain};
use crate::http::client;
use crate::origin::Origin;
use crate::output::count;
use crate::secret::random;
use crate::when;

/// What an edge says to crawlers.
const ROBOTS_TXT: &str = "User-agent: *\nDisallow: /\n";

/// A request may take so long.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
/// Clocks that differ by more seconds than a request explains are worth a word.
const SKEW_WORTH_A_WORD: u64 = 5;
/// By more than this, links end early or late, and times on record are wrong.
const SKEW_TOO_MUCH: u64 = 60;
/// HSTS for less is forgotten between two letters: a year.
const MIN_HSTS_SECONDS: u64 = 31_536_000;

/// Headers that the platform or the connection adds, to each answer others.
const OF_THE_WAY: [&str; 9] = [
    "date",
    "cf-ray",
    "server-timing",
    "nel",
    "report-to",
    "alt-svc",
    "connection",
    "keep-alive",
    "transfer-encoding",
];

/// What the silent answer carries, and how each begins.
const HEADERS: [(&str, &str); 7] = [
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-robots-tag", "noindex"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Whether somebody is served at this address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Served {
    Everybody,
    /// The silent answer on every path.
    Nobody,
    /// It is no edge, or none that answers.
    NoEdge,
}

/// An answer.
pub(super) struct Seen {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    fn header(&self, name: impl reqwest::header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn is_silent(&self) -> bool {
        is_silent_answer(self.status, &self.body)
    }

    /// What must be the same for every stranger.
    fn shape(&self) -> Vec<(String, Vec<u8>)> {
        let headers = self.headers.iter().filter(|(name, _)| !OF_THE_WAY.contains(&name.as_str()));
        let mut shape: Vec<_> =
            headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect();
        shape.sort();
        shape.push(("the status".to_owned(), self.status.as_str().into()));
        shape.push(("the page".to_owned(), self.body.to_vec()));
        shape
    }
}

pub(super) async fn ask(client: &Client, method: Method, url: Url) -> Result<Seen, String> {
    let answer = async {
        let response = client.request(method, url).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        Ok::<_, reqwest::Error>(Seen { status, headers, body: response.bytes().await? })
    };
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(|error| chain(&error.without_url())),
        Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
    }
}

/// Looks, and says whom the edge serves. `api` is asked how the guard judges strangers, unless `strangers` says to be one whatever
/// that costs.
pub(super) async fn look(
    origin: &Origin,
    api: Option<&Api>,
    strangers: bool,
    findings: &mut Findings,
) -> Result<Served, Error> {
    let client = client(PATIENCE, origin)?;
    let look = Look { origin, client: &client, api, strangers, findings };
    look.at().await
}

struct Look<'a> {
    origin: &'a Origin,
    client: &'a Client,
    api: Option<&'a Api>,
    strangers: bool,
    findings: &'a mut Findings,
}

impl Look<'_> {
    async fn at(mut self) -> Result<Served, Error> {
        let began = clock::now().seconds();
        let robots = match self.get("/robots.txt").await {
            Ok(robots) => robots,
            Err(reason) => {
                let cure = "check the address, its entry in the DNS and the network; where the reason is the certificate, whose it is";
                self.findings.failure(
                    "address",
                    format!("{} could not be reached: {reason}", self.origin),
                    cure,
                );
                return Ok(Served::NoEdge);
            }
        };
        let ended = clock::now().seconds();
        let served = self.served(&robots);
        self.tls();
        if served != Served::NoEdge {
            self.silence(served).await?;
        }
        self.plain_http().await?;
        self.clock(&robots, began, ended);
        let mut domain = None;
        if served == Served::Everybody {
            domain = self.security_txt().await;
            self.log_name().await;
        }
        self.mail(domain.as_deref());
        Ok(served)
    }

    async fn get(&self, path: &str) -> Result<Seen, String> {
        ask(self.client, Method::GET, self.origin.at(path)).await
    }

    fn served(&mut self, robots: &Seen) -> Served {
        if robots.status == StatusCode::OK && robots.body == ROBOTS_TXT.as_bytes() {
            self.findings
                .ok("address", "an edge of Waxseal answers, and its robots.txt refuses all crawling");
            return Served::Everybody;
        }
        if robots.is_silent() {
            let seen = "an edge of Waxseal is here and serves nobody: it gives the silent answer for /robots.txt, too";
            let cure = "its settings, its keyring or a binding is missing or wrong, or placeholders are left in wrangler.toml; \
                        `./scripts/wrangler tail` shows the line that names each while you open /robots.txt (docs/DEPLOY.md, steps 3 \
                        and 6)";
            self.findings.failure("address", seen, cure);
            return Served::Nobody;
        }
        let what = [robots.status.as_str(), robots.header(LOCATION), robots.header(SERVER)];
        let what: Vec<_> = what.into_iter().filter(|text| !text.is_empty()).collect();
        let cure = "check the address in --url, and that the domain's route leads to the worker (docs/DEPLOY.md, step 4)";
        self.findings.failure(
            "address",
            format!("what answers is no edge of Waxseal ({})", what.join(", ")),
            cure,
        );
        Served::NoEdge
    }

    fn tls(&mut self) {
        match self.origin.is_local() {
            false => self.findings.ok("tls", "the certificate is valid and of this name"),
            true => self.findings.unknown(
                "tls",
                "this machine: nothing crosses a network",
                "look at the site's public address",
            ),
        }
    }

    /// Why nothing may be asked for that costs points, and what to do about it. Two of the three profiles ban at the first such path:
    /// whoever looks, with the network, which may be the sender's own office.
    async fn spared(&self, served: Served) -> Option<(String, &'static str)> {
        const ANYWAY: &str = "from an address whose ban until midnight hurts nobody: --strangers";
        if self.strangers {
            return None;
        }
        let Some(api) = self.api.filter(|_| served == Served::Everybody) else {
            return Some(("without a key nobody knows whether the first one bans".to_owned(), ANYWAY));
        };
        match api.call::<op::Guard>(&[], ()).await {
            Ok(guard) => {
                let own = guard.isolate.profile;
                let bans =
                    [Some(guard.profile), own].into_iter().flatten().find(|it| *it != Profile::Balanced);
                bans.map(|it| {
                    (format!("in the profile {} the first one bans this address", it.code()), ANYWAY)
                })
            }
            Err(_) => Some((
                "this key does not learn whether the first one bans".to_owned(),
                "use a key with the scope guard, or the keyring's",
            )),
        }
    }

    /// One answer for whatever does not exist, with its headers.
    async fn silence(&mut self, served: Served) -> Result<(), Error> {
        let word = HEXLOWER.encode(&random::<6>()?);
        // These cost nothing: browsers and phones ask for their like by themselves.
        let mut paths = vec![
            (Method::GET, format!("/.well-known/{word}")),
            (Method::GET, format!("/apple-touch-icon-{word}.png")),
        ];
        let spared = self.spared(served).await;
        if spared.is_none() {
            paths.extend([
                (Method::GET, format!("/{word}")),
                (Method::GET, format!("/{word}/{}", "0".repeat(66))),
                (Method::POST, format!("/api/{word}")),
            ]);
        }
        let mut answers = Vec::new();
        for (method, path) in paths {
            match ask(self.client, method, self.origin.at(&path)).await {
                Ok(answer) => answers.push(answer),
                Err(reason) => {
                    self.findings.failure(
                        "silent_answer",
                        format!("{path}: {reason}"),
                        "try again; then look at the edge's log lines",
                    );
                    return Ok(());
                }
            }
        }
        let Some((first, others)) = answers.split_first() else { return Ok(()) };
        let shape = first.shape();
        let differs = others.iter().find_map(|other| {
            let other = other.shape();
            let odd = shape
                .iter()
                .find(|it| !other.contains(it))
                .or_else(|| other.iter().find(|it| !shape.contains(it)));
            odd.map(|(name, _)| name.clone())
        });
        let cure = "something in front of the edge answers in its place, or adds to its answers: look for error pages, redirects, \
                    transform rules and other workers of the zone";
        let other = answers.iter().find(|answer| !answer.is_silent());
        match (differs, spared) {
            _ if other.is_some() => self.findings.failure(
                "silent_answer",
                format!(
                    "a path that does not exist gets another answer ({})",
                    other.map_or(first.status, |other| other.status)
                ),
                cure,
            ),
            (Some(name), _) => self.findings.failure(
                "silent_answer",
                format!("paths that do not exist get answers that differ: {name}"),
                cure,
            ),
            (None, None) => self.findings.ok(
                "silent_answer",
                format!("{} requests for what does not exist got the same answer", answers.len()),
            ),
            (None, Some((why, cure))) => self.findings.unknown(
                "silent_answer",
                format!("only paths that cost no points were asked for, and got it: {why}"),
                cure,
            ),
        }
        let missing: Vec<_> = HEADERS
            .into_iter()
            .filter(|(name, begins)| {
                !first.header(*name).to_ascii_lowercase().starts_with(&begins.to_ascii_lowercase())
            })
            .map(|(name, _)| name)
            .collect();
        match missing.is_empty() {
            true => self.findings.ok("security_headers", format!("all {} are there", HEADERS.len())),
            false => self.findings.failure(
                "security_headers",
                format!("missing or changed: {}", missing.join(", ")),
                "the edge sends them: something in front of it changes them",
            ),
        }
        self.hsts(first);
        Ok(())
    }

    fn hsts(&mut self, answer: &Seen) {
        let said = answer.header(STRICT_TRANSPORT_SECURITY);
        let seconds =
            said.split(';').find_map(|part| part.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
        match seconds {
            Some(seconds) if seconds >= MIN_HSTS_SECONDS => {
                self.findings.ok(
                    "hsts",
                    format!("browsers come back over https only for {}", count(seconds / 86_400, "day")),
                );
            }
            _ => {
                let seen = if said.is_empty() { "there is none".to_owned() } else { said.to_owned() };
                self.findings.failure("hsts", seen, "the edge says max-age=63072000: take out what changes it (SSL/TLS, Edge Certificates, HSTS)");
            }
        }
    }

    async fn plain_http(&mut self) -> Result<(), Error> {
        let name = "plain_http";
        let https = self.origin.at("/");
        let mut http = https.clone();
        if self.origin.is_local() || https.port().is_some() || http.set_scheme("http").is_err() {
            let cure = "look at the site's public address, on the usual port";
            self.findings.unknown(name, "only an address on port 443 has a plain one beside it", cure);
            return Ok(());
        }
        let mut answers = Vec::new();
        for path in ["/robots.txt".to_owned(), format!("/{}", HEXLOWER.encode(&random::<6>()?))] {
            http.set_path(&path);
            match ask(self.client, Method::GET, http.clone()).await {
                Ok(answer) => answers.push((path, answer)),
                Err(reason) => {
                    self.findings.ok(name, format!("nobody answers over plain HTTP ({reason})"));
                    return Ok(());
                }
            }
        }
        let switch = "switch on Always Use HTTPS for the zone (SSL/TLS, Edge Certificates)";
        let safe = |(path, answer): &(String, Seen)| {
            answer.status.is_redirection() && answer.header(LOCATION) == self.origin.at(path).as_str()
        };
        let refused = |(_, answer): &(String, Seen)| answer.status == StatusCode::FORBIDDEN;
        let statuses: Vec<_> = answers.iter().map(|(_, answer)| answer.status.as_str()).collect();
        if answers.iter().all(safe) {
            self.findings.ok(name, "every path is redirected to https");
        } else if answers.iter().all(refused)
            && answers.windows(2).all(|two| matches!(two, [(_, a), (_, b)] if a.shape() == b.shape()))
        {
            let seen = "every path gets the same page and 403: nothing is told, but nobody is led to https, and a link was read by everybody on the way";
            self.findings.warning(name, seen, switch);
        } else {
            self.findings.failure(
                name,
                format!("it is answered, and not alike: {}", statuses.join(", ")),
                switch,
            );
        }
        Ok(())
    }

    /// `began` and `ended` are of the answer's own request: its date lies between, if both clocks are right.
    fn clock(&mut self, answer: &Seen, began: UnixSeconds, ended: UnixSeconds) {
        let date = jiff::fmt::rfc2822::parse(answer.header(DATE)).ok();
        let Some(there) = date.and_then(|date| u64::try_from(date.timestamp().as_second()).ok()) else {
            self.findings.unknown(
                "clock",
                "the answer has no date",
                "compare this machine's clock with another",
            );
            return;
        };
        let (ahead, behind) = (began.0.saturating_sub(there), there.saturating_sub(ended.0));
        let by = ahead.max(behind);
        let seen = format!(
            "this machine's clock is {} {} the edge's",
            count(by, "second"),
            if ahead > 0 { "ahead of" } else { "behind" }
        );
        let cure = "set this machine's clock (on Linux `timedatectl set-ntp true`): by it links are given their end, and signatures are made and checked";
        if by <= SKEW_WORTH_A_WORD {
            self.findings.ok("clock", "this machine's clock and the edge's agree");
        } else if by <= SKEW_TOO_MUCH {
            self.findings.warning("clock", seen, cure);
        } else {
            self.findings.failure("clock", seen, cure);
        }
    }

    /// RFC 9116. Answers the domain of the contact, if it is a mail address.
    async fn security_txt(&mut self) -> Option<String> {
        let name = "security_txt";
        let cure = "the edge makes it of SITE.security_contact, good for half a year: take out what answers in its place";
        let text = match self.get("/.well-known/security.txt").await {
            Ok(answer) if answer.status == StatusCode::OK => {
                String::from_utf8_lossy(&answer.body).into_owned()
            }
            Ok(answer) => {
                self.findings.failure(name, format!("it is not there ({})", answer.status), cure);
                return None;
            }
            Err(reason) => {
                self.findings.failure(name, reason, cure);
                return None;
            }
        };
        let field = |wanted: &str| text.lines().find_map(|line| line.strip_prefix(wanted)).map(str::trim);
        let expires = field("Expires:").and_then(|text| text.parse::<Timestamp>().ok());
        let expires =
            expires.and_then(|at| u64::try_from(at.as_second()).ok()).map(waxseal::types::UnixSeconds);
        let now = clock::now().seconds();
        match (field("Contact:"), expires) {
            (Some(contact), Some(at)) if now < at => {
                self.findings
                    .ok(name, format!("reports go to {contact}; it is good until {}", when::words(at)));
            }
            (Some(_), Some(at)) => {
                self.findings.failure(name, format!("it expired {}", when::distance(at, now)), cure)
            }
            _ => self.findings.failure(name, "it says no Contact, or no Expires", cure),
        }
        let address = field("Contact:")?.strip_prefix("mailto:")?;
        address.rsplit_once('@').map(|(_, domain)| domain.to_owned())
    }

    /// The log is found by its name: the URL of its files without a scheme.
    async fn log_name(&mut self) {
        let name = "log_name";
        let url = self.origin.at("/log");
        let here = url.as_str().split_once("://").map_or("", |(_, here)| here).to_owned();
        let cure = format!(
            "set SITE.log.origin to {here} before the first letter; a log that has entries keeps its name, and whoever verifies them has to be told where \
             it is"
        );
        match self.get("/log/checkpoint").await {
            Ok(answer) if answer.status == StatusCode::OK => {
                let text = String::from_utf8_lossy(&answer.body).into_owned();
                let origin = text.lines().next().unwrap_or_default();
                match origin == here {
                    true => self.findings.ok(name, format!("the log at this address is called {origin}")),
                    false if self.origin.is_local() => self.findings.unknown(
                        name,
                        format!("the log is called {origin}"),
                        "look at the site's public address",
                    ),
                    false => self.findings.failure(
                        name,
                        format!("the log is called {origin}, and is at {here}"),
                        cure,
                    ),
                }
            }
            Ok(answer) if answer.is_silent() => {
                self.findings.unknown(
                    name,
                    "the log has no entry yet",
                    format!("see that SITE.log.origin is {here} before the first letter"),
                );
            }
            Ok(answer) => self.findings.failure(
                name,
                format!("the log cannot be read ({})", answer.status),
                "look at `waxseal evidence status`",
            ),
            Err(reason) => self.findings.failure(
                name,
                format!("the log cannot be read: {reason}"),
                "look at `waxseal evidence status`",
            ),
        }
    }

    /// No name server is asked from here: the sender's may be another one than this machine's.
    fn mail(&mut self, domain: Option<&str>) {
        let domain = domain.unwrap_or("YOUR-DOMAIN");
        let cure = format!(
            "`dig +short TXT {domain}` has to show v=spf1, `dig +short TXT _dmarc.{domain}` v=DMARC1; DKIM signs List-Unsubscribe and \
             List-Unsubscribe-Post (docs/MESSAGE.md)"
        );
        self.findings.unknown("mail", "whether mail from your domain is trusted is not seen from here", cure);
    }
}
