//! Who calls, by the key that is shown, and `/api/v1/keys`: keys that are issued by name.

use std::cell::RefCell;
use std::collections::BTreeSet;

use worker::Env;

use super::{Answered, ApiRequest};
use crate::guard::{Limit, Limits};
use crate::objects::keys::{AddKey, ListKeys, NAME, RemoveKey, UseKey};
use crate::platform::error::Fault;
use crate::platform::http::Call;
use crate::platform::settings::Settings;
use crate::platform::{client, log, object, random};
use waxseal::api::{Code, KeyIssued, KeyRequest, Keys, Scopes, op};
use waxseal::guard::RequestClass;
use waxseal::token::{ApiKeyId, IssuedKey, bearer};
use waxseal::types::UnixSeconds;

/// A name and six scopes.
const MAX_BODY: u32 = 4 * 1024;

/// Of a name, in characters.
const MAX_NAME: usize = 80;

/// Ids that an isolate remembers.
const MAX_SEEN: usize = 1_000;

thread_local! {
    /// Ids of keys that were right once, here. Whether one still is, the object says.
    static SEEN: RefCell<BTreeSet<[u8; 5]>> = const { RefCell::new(BTreeSet::new()) };
}

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
        let id = key.id();
        let seen = SEEN.with_borrow(|seen| seen.contains(&id.0));
        // Whoever makes keys up, each with a right check, asks the object no oftener than the flood gate lets a stranger.
        if !seen
            && let Some(client) = client::key(call)
            && Limits::is_over(env, Limit::Api, &client.to_string()).await
        {
            return Ok(Self::Wrong);
        }
        let Some(scopes) = object::call(env, NAME, &UseKey { id, hash: key.hash() }).await? else {
            return Ok(Self::Wrong);
        };
        SEEN.with_borrow_mut(|seen| {
            if seen.len() < MAX_SEEN {
                seen.insert(id.0);
            }
        });
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
    if !request.scopes.hold(scopes) {
        return Err(Code::Scope.because("a key issues no key that may do more than itself").into());
    }
    let key = IssuedKey::new(random::bytes()?, random::bytes()?);
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
