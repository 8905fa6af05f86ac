//! Who calls, by the key that is shown, and `/api/v1/keys`: keys that are issued by name.

use worker::Env;

use super::{Answered, ApiRequest};
use crate::objects::keys::{AddKey, ListKeys, NAME, RemoveKey, UseKey};
use crate::platform::error::Fault;
use crate::platform::http::Call;
use crate::platform::settings::Settings;
use crate::platform::{log, object, random};
use waxseal::api::{Code, KeyIssued, KeyRequest, Keys, Scopes, op};
use waxseal::guard::RequestClass;
use waxseal::token::{ApiKeyId, IssuedKey, bearer};
use waxseal::types::UnixSeconds;

/// A name and six scopes.
const MAX_BODY: u32 = 4 * 1024;

/// Of a name, in characters.
const MAX_NAME: usize = 80;

/// What a request shows.
pub(crate) enum Caller {
    /// No key.
    Nobody,
    /// A wrong key.
    Wrong,
    /// A right key that may do this; the id of an issued one.
    Key(Scopes, Option<ApiKeyId>),
}

impl Caller {
    pub(crate) async fn of(
        call: &Call,
        env: &Env,
        settings: &Settings,
        now: UnixSeconds,
    ) -> Result<Self, Fault> {
        let Some(header) = call.header("authorization") else { return Ok(Self::Nobody) };
        let Some(shown) = bearer(&header) else { return Ok(Self::Wrong) };
        if settings.keyring.verify_api_key(shown, now).is_some() {
            return Ok(Self::Key(Scopes::ALL, None));
        }
        let Ok(key) = shown.parse::<IssuedKey>() else { return Ok(Self::Wrong) };
        // Whoever makes keys up never reaches the object: a stranger could keep it busy, and see that somebody was asked.
        if !key.is_of(&settings.keyring) {
            return Ok(Self::Wrong);
        }
        let id = key.id();
        let Some(scopes) = object::call(env, NAME, &UseKey { id, hash: key.hash() }).await? else {
            return Ok(Self::Wrong);
        };
        Ok(Self::Key(scopes, Some(id)))
    }

    pub(crate) const fn class(&self) -> RequestClass {
        match self {
            Self::Nobody => RequestClass::Damaged,
            Self::Wrong => RequestClass::ApiKey,
            Self::Key(..) => RequestClass::Api,
        }
    }

    pub(super) const fn scopes(&self) -> Scopes {
        match self {
            Self::Key(scopes, _) => *scopes,
            _ => Scopes::from_bits(0),
        }
    }

    /// Tells callers apart, for as long as their key is theirs.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Key(_, Some(id)) => id.to_string(),
            _ => "site".to_owned(),
        }
    }

    /// Adds to a log line which issued key it was.
    pub(super) fn on(&self, line: log::Line) -> log::Line {
        match self {
            Self::Key(_, Some(id)) => line.with("key", id.to_string()),
            _ => line,
        }
    }
}

pub(super) async fn list(request: &mut ApiRequest<'_>) -> Answered<op::ListKeys> {
    Ok(Keys { keys: object::call(request.env, NAME, &ListKeys {}).await? })
}

pub(super) async fn issue(request: &mut ApiRequest<'_>) -> Answered<op::IssueKey> {
    let expected = Code::KeyRequest.into();
    let KeyRequest { name, scopes } = request.body::<op::IssueKey>(MAX_BODY, &expected).await?;
    let well_named = (1..=MAX_NAME).contains(&name.chars().count()) && !name.contains(char::is_control);
    if !well_named || name.trim().is_empty() || scopes.is_empty() {
        return Err(expected.into());
    }
    if !request.caller.scopes().hold(scopes) {
        return Err(Code::Scope.because("a key issues no key that may do more than itself").into());
    }
    let key = IssuedKey::issue(request.settings.keyring.active(), random::bytes()?, random::bytes()?);
    let id = key.id();
    if !object::call(request.env, NAME, &AddKey { id, hash: key.hash(), name, scopes }).await? {
        return Err(Code::TooManyKeys.into());
    }
    log::Line::new("api_key_issued").with("key", id.to_string()).info();
    Ok(KeyIssued { key: key.text().to_string(), id })
}

pub(super) async fn revoke(request: &mut ApiRequest<'_>) -> Answered<op::RevokeKey> {
    let id: ApiKeyId = request.part(0).parse().map_err(|_| Code::NoSuchKey)?;
    if !object::call(request.env, NAME, &RemoveKey { id }).await? {
        return Err(Code::NoSuchKey.into());
    }
    log::Line::new("api_key_revoked").with("key", id.to_string()).info();
    Ok(())
}
