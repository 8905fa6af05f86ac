//! Cloudflare's API of a KV namespace: values by key, and the list of keys.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use super::Listed;
use crate::error::{Coded, FAILED, USAGE, chain};
use crate::http::{ClientError, Retry, client, retry_after, worth_retrying};
use crate::origin::Origin;
use crate::output::line;

const TOKEN: &str = "CLOUDFLARE_API_TOKEN";
/// wrangler's own variable.
const BASE: &str = "CLOUDFLARE_API_BASE_URL";
const DEFAULT_BASE: &str = "https://api.cloudflare.com/client/v4";

/// Rules may have 4 MiB: some 70 kB a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the API calls a key that is not there. Its other 404s mean that the account or the namespace is not.
const KEY_NOT_FOUND: u64 = 10_009;
const NAMESPACE_NOT_FOUND: u64 = 10_013;
const NO_ROUTE: [u64; 2] = [7_000, 7_003];
/// The header with the token is of the wrong form; with status 400.
const BAD_HEADERS: [u64; 2] = [6_003, 6_111];

/// Why Cloudflare's store could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CloudError {
    /// Neither of the two stores was named.
    #[error(
        "say where the rules are kept: --local for wrangler's store on this machine, or --account ID and --namespace ID \
         for Cloudflare's (or the variables CLOUDFLARE_ACCOUNT_ID and WAXSEAL_GUARD_NAMESPACE)"
    )]
    NoStore,
    /// One of the two numbers is missing.
    #[error("--{0} is missing: give --{0} ID (or the variable {1}); {2}")]
    Missing(&'static str, &'static str, &'static str),
    /// Not an ID.
    #[error("--{name} {value} is not an ID of Cloudflare's: it has 32 characters from 0 to 9 and a to f")]
    BadId {
        /// The option.
        name: &'static str,
        /// What it was given.
        value: String,
    },
    /// No token.
    #[error(
        "the variable {TOKEN} is empty: put an API token with the permission Workers KV Storage (Edit, or Read to look \
         only) into it; it is never taken as an argument"
    )]
    NoToken,
    /// A token that no header can carry.
    #[error(
        "the variable {TOKEN} holds characters that no token has: copy the token again, without quotes or blanks"
    )]
    BadToken,
    /// The variable for tests and proxies.
    #[error("the variable {BASE} is not an address to call: {0}")]
    BadBase(String),
    /// The HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No answer.
    #[error("{host} could not be reached: {reason}. Check the network, then try again")]
    Unreachable {
        /// Of the API.
        host: String,
        /// The last try's reason.
        reason: String,
    },
    /// 401, 403.
    #[error(
        "Cloudflare did not accept the API token ({0}): the token in {TOKEN} must be valid and have the permission \
         Workers KV Storage (Edit, or Read to look only) for this account"
    )]
    NotAccepted(String),
    /// 404 of the namespace or the account.
    #[error(
        "Cloudflare has no KV namespace {namespace} in account {account} ({said}): `./scripts/wrangler kv namespace list` shows \
         the namespaces, `./scripts/wrangler whoami` the accounts"
    )]
    NoNamespace {
        /// As given.
        namespace: String,
        /// As given.
        account: String,
        /// By the API.
        said: String,
    },
    /// 429.
    #[error("Cloudflare was asked too often ({0}): wait five minutes, then try again")]
    TooOften(String),
    /// 5xx.
    #[error("Cloudflare has trouble at the moment ({0}): nothing is wrong here, try again later")]
    Trouble(String),
    /// Any other refusal.
    #[error("Cloudflare refused the call: {0}")]
    Refused(String),
    /// Not the API's form.
    #[error("{host} answered in a way this version does not understand ({reason}): is it Cloudflare's API?")]
    Unexpected {
        /// Of the API.
        host: String,
        /// What was odd.
        reason: String,
    },
}

impl Coded for CloudError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoStore | Self::Missing(..) => "store_missing",
            Self::BadId { .. } => "store_bad_id",
            Self::NoToken => "token_missing",
            Self::BadToken => "token_malformed",
            Self::BadBase(_) => "store_bad_url",
            Self::Client(error) => error.code(),
            Self::Unreachable { .. } => "store_unreachable",
            Self::NotAccepted(_) => "token_not_accepted",
            Self::NoNamespace { .. } => "namespace_unknown",
            Self::TooOften(_) => "store_too_often",
            Self::Trouble(_) => "store_trouble",
            Self::Refused(_) => "store_refused",
            Self::Unexpected { .. } => "store_unexpected",
        }
    }

    fn exit(&self) -> u8 {
        match self {
            Self::NoStore
            | Self::Missing(..)
            | Self::BadId { .. }
            | Self::NoToken
            | Self::BadToken
            | Self::BadBase(_) => USAGE,
            _ => FAILED,
        }
    }
}

/// One namespace of one account.
pub(crate) struct Cloud {
    client: Client,
    /// Up to and without the key or list.
    base: Url,
    bearer: HeaderValue,
    account: String,
    namespace: String,
    retries: u32,
}

/// What every answer but a value looks like.
#[derive(Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
struct Envelope<T> {
    #[serde(default)]
    success: bool,
    #[serde(default = "none")]
    result: Option<T>,
    #[serde(default)]
    errors: Vec<Complaint>,
    #[serde(default)]
    result_info: Option<Page>,
}

fn none<T>() -> Option<T> {
    None
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    code: u64,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    cursor: Option<String>,
}

struct Reply {
    status: StatusCode,
    body: bytes::Bytes,
}

impl Cloud {
    pub(super) fn open(
        account: Option<&str>,
        namespace: Option<&str>,
        retries: u32,
    ) -> Result<Self, CloudError> {
        let (account, namespace) = match (account, namespace) {
            (None, None) => return Err(CloudError::NoStore),
            (Some(_), None) => {
                let where_it_is = "`./scripts/wrangler kv namespace list` shows it";
                return Err(CloudError::Missing("namespace", "WAXSEAL_GUARD_NAMESPACE", where_it_is));
            }
            (None, Some(_)) => {
                return Err(CloudError::Missing(
                    "account",
                    "CLOUDFLARE_ACCOUNT_ID",
                    "`./scripts/wrangler whoami` shows it",
                ));
            }
            (Some(account), Some(namespace)) => (id("account", account)?, id("namespace", namespace)?),
        };
        let (origin, base) = base(&account, &namespace)?;
        Ok(Self { client: client(PATIENCE, &origin)?, base, bearer: bearer()?, account, namespace, retries })
    }

    pub(super) fn name(&self) -> String {
        format!("KV namespace {}", self.namespace)
    }

    pub(super) async fn get(&self, keys: &[&str]) -> Result<Vec<Option<String>>, CloudError> {
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            let reply = self.call(Method::GET, self.value(key), None).await?;
            let missing = || complaints(&reply.body).iter().any(|complaint| complaint.code == KEY_NOT_FOUND);
            values.push(if reply.status.is_success() {
                Some(String::from_utf8_lossy(&reply.body).into_owned())
            } else if reply.status == StatusCode::NOT_FOUND && missing() {
                None
            } else {
                return Err(self.refusal(&reply));
            });
        }
        Ok(values)
    }

    pub(super) async fn put(&self, key: &str, value: &str) -> Result<(), CloudError> {
        let reply = self.call(Method::PUT, self.value(key), Some(value)).await?;
        self.read::<serde_json::Value>(&reply).map(drop)
    }

    pub(super) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, CloudError> {
        let mut keys = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut url = self.url("keys");
            url.query_pairs_mut().append_pair("prefix", prefix);
            if !cursor.is_empty() {
                url.query_pairs_mut().append_pair("cursor", &cursor);
            }
            let reply = self.call(Method::GET, url, None).await?;
            let page: Envelope<Vec<Listed>> = self.read(&reply)?;
            keys.extend(page.result.unwrap_or_default());
            let next = page.result_info.and_then(|info| info.cursor).unwrap_or_default();
            // An answer that names its own page again would go on for ever.
            if next.is_empty() || next == cursor {
                return Ok(keys);
            }
            cursor = next;
        }
    }

    fn url(&self, last: &str) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.push(last);
        }
        url
    }

    fn value(&self, key: &str) -> Url {
        let mut url = self.url("values");
        if let Ok(mut path) = url.path_segments_mut() {
            // With its slashes encoded: the key is one segment.
            path.push(key);
        }
        url
    }

    /// One call. What may go better is tried again; putting the same value twice is putting it once.
    async fn call(&self, method: Method, url: Url, body: Option<&str>) -> Result<Reply, CloudError> {
        let mut retry = Retry::new(self.retries);
        loop {
            let mut request =
                self.client.request(method.clone(), url.clone()).header(AUTHORIZATION, self.bearer.clone());
            if let Some(text) = body {
                request = request.header(CONTENT_TYPE, "text/plain; charset=utf-8").body(text.to_owned());
            }
            let outcome = match request.send().await {
                Ok(response) => {
                    let (status, pause) = (response.status(), retry_after(response.headers()));
                    if worth_retrying(status) && retry.pause(pause).await {
                        continue;
                    }
                    response.bytes().await.map(|body| Reply { status, body })
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(reply) => return Ok(reply),
                Err(error) if retry.pause(None).await => drop(error),
                Err(error) => {
                    return Err(CloudError::Unreachable {
                        host: self.host(),
                        reason: chain(&error.without_url()),
                    });
                }
            }
        }
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }

    fn read<T: DeserializeOwned>(&self, reply: &Reply) -> Result<Envelope<T>, CloudError> {
        if !reply.status.is_success() {
            return Err(self.refusal(reply));
        }
        let envelope: Envelope<T> = serde_json::from_slice(&reply.body)
            .map_err(|error| CloudError::Unexpected { host: self.host(), reason: error.to_string() })?;
        if envelope.success { Ok(envelope) } else { Err(self.refusal(reply)) }
    }

    /// What a refusal means and what to do.
    fn refusal(&self, reply: &Reply) -> CloudError {
        let complaints = complaints(&reply.body);
        let has = |codes: &[u64]| complaints.iter().any(|complaint| codes.contains(&complaint.code));
        let status = reply.status.as_u16();
        let mut said = status.to_string();
        for complaint in complaints.iter().filter(|complaint| !complaint.message.is_empty()).take(3) {
            said.push_str(&format!(", {}", line(&complaint.message)));
        }
        match reply.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => CloudError::NotAccepted(said),
            StatusCode::BAD_REQUEST if has(&BAD_HEADERS) => CloudError::NotAccepted(said),
            StatusCode::TOO_MANY_REQUESTS => CloudError::TooOften(said),
            status if status.is_server_error() => CloudError::Trouble(said),
            status if status == StatusCode::NOT_FOUND || has(&[NAMESPACE_NOT_FOUND]) || has(&NO_ROUTE) => {
                CloudError::NoNamespace {
                    namespace: self.namespace.clone(),
                    account: self.account.clone(),
                    said,
                }
            }
            _ => CloudError::Refused(said),
        }
    }
}

fn complaints(body: &[u8]) -> Vec<Complaint> {
    serde_json::from_slice::<Envelope<serde_json::Value>>(body).map(|it| it.errors).unwrap_or_default()
}

fn id(name: &'static str, value: &str) -> Result<String, CloudError> {
    let hex = value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if value.len() == 32 && hex {
        Ok(value.to_owned())
    } else {
        Err(CloudError::BadId { name, value: line(value) })
    }
}

fn bearer() -> Result<HeaderValue, CloudError> {
    let token = Zeroizing::new(std::env::var(TOKEN).unwrap_or_default());
    match token.trim() {
        "" => Err(CloudError::NoToken),
        token if token.bytes().all(|b| b.is_ascii_graphic()) => {
            let text = Zeroizing::new(format!("Bearer {token}"));
            let mut value = HeaderValue::from_str(&text).map_err(|_| CloudError::BadToken)?;
            value.set_sensitive(true);
            Ok(value)
        }
        _ => Err(CloudError::BadToken),
    }
}

fn base(account: &str, namespace: &str) -> Result<(Origin, Url), CloudError> {
    let text = std::env::var(BASE).ok().filter(|text| !text.is_empty());
    let text = text.as_deref().unwrap_or(DEFAULT_BASE);
    let mut url = Url::parse(text).map_err(|error| CloudError::BadBase(error.to_string()))?;
    let origin = url.origin().ascii_serialization();
    let origin: Origin = origin.parse().map_err(|error| CloudError::BadBase(format!("{error}")))?;
    match url.path_segments_mut() {
        Ok(mut path) => {
            path.pop_if_empty().extend(["accounts", account, "storage", "kv", "namespaces", namespace]);
        }
        Err(()) => return Err(CloudError::BadBase("it has no path".to_owned())),
    }
    url.set_query(None);
    url.set_fragment(None);
    Ok((origin, url))
}
