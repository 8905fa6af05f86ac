//! `/api/v1/letters` and `/api/v1/events`: which letters there are, and what happens to them, as the index knows it.

use super::{Answered, ApiError, ApiRequest};
use crate::objects::index::{self, ListEvents, ListLetters};
use crate::platform::object::{self, ObjectRequest};
use crate::platform::{intl, residency};
use waxseal::api::{Code, op};
use waxseal::ledger::{EndReason, State};
use waxseal::types::UnixSeconds;

/// Most letters, or entries of the feed, in one answer.
const PAGE: u64 = 1_000;
/// Without a limit.
const USUAL: u64 = 100;
/// Two references of at most 200 characters, each of at most twelve bytes in JSON, and what is around them.
const MAX_BODY: u32 = 8 * 1024;
/// So long a request may wait for what happens.
const MAX_WAIT_SECONDS: u64 = 15;

/// What a page has.
fn limit(asked: Option<u64>) -> Result<u64, Code> {
    Some(asked.unwrap_or(USUAL)).filter(|limit| (1..=PAGE).contains(limit)).ok_or(Code::Limit)
}

fn state(asked: Option<String>) -> Result<Option<String>, Code> {
    let is_state = |word: &String| word.parse::<State>().is_ok() || word.parse::<EndReason>().is_ok();
    if asked.as_ref().is_none_or(is_state) { Ok(asked) } else { Err(Code::LetterState) }
}

impl ApiRequest<'_> {
    pub(super) fn limit(&self) -> Result<u64, Code> {
        limit(self.query("limit", Code::Limit)?)
    }

    /// Asks the index. Elsewhere it is another one, and would say that there is nothing.
    async fn index<R: ObjectRequest>(&self, ask: &R) -> Result<R::Reply, ApiError> {
        residency::check(self.env).await?;
        Ok(object::call(self.env, index::NAME, ask).await?)
    }
}

pub(super) async fn letters(request: &mut ApiRequest<'_>) -> Answered<op::ListLetters> {
    let ask = ListLetters {
        state: state(request.call.query("state"))?,
        customer: None,
        reference: None,
        since: UnixSeconds(request.query("since", Code::Seconds)?.unwrap_or(0)),
        until: request.query("until", Code::Seconds)?.map(UnixSeconds),
        after: request.query("after", Code::Cursor)?,
        limit: request.limit()?,
    };
    request.index(&ask).await
}

pub(super) async fn search(request: &mut ApiRequest<'_>) -> Answered<op::SearchLetters> {
    let asked = request.body::<op::SearchLetters>(MAX_BODY, &Code::LetterSearch.into()).await?;
    if asked.customer.is_none() && asked.reference.is_none() {
        return Err(Code::LetterSearch.into());
    }
    let keyring = &request.settings.keyring;
    let ask = ListLetters {
        state: state(asked.state)?,
        customer: asked.customer.map(|customer| keyring.customer_names(&customer, intl::nfc)),
        reference: asked.reference.map(|reference| keyring.letter_names(&reference, intl::nfc)),
        since: asked.since.unwrap_or(UnixSeconds(0)),
        until: asked.until,
        after: asked.after,
        limit: limit(asked.limit)?,
    };
    request.index(&ask).await
}

pub(super) async fn events(request: &mut ApiRequest<'_>) -> Answered<op::ListEvents> {
    let wait: u64 = request.query("wait", Code::Wait)?.unwrap_or(0);
    if wait > MAX_WAIT_SECONDS {
        return Err(Code::Wait.into());
    }
    let after = request.query("after", Code::Cursor)?.unwrap_or(0);
    let ask = ListEvents { after, limit: request.limit()?, wait_ms: wait.saturating_mul(1_000) };
    request.index(&ask).await
}
