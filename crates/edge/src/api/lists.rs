//! `/api/v1/letters` and `/api/v1/events`: which letters there are, and what happens to them, as the index knows it.

use super::{Answered, ApiError, ApiRequest};
use crate::objects::index::{self, ListEvents, ListLetters};
use crate::platform::object::{self, ObjectRequest};
use crate::platform::{intl, residency};
use waxseal::api::{Code, CustomerLookUp, op};
use waxseal::ledger::{EndReason, State};
use waxseal::types::UnixSeconds;

/// Most letters, or entries of the feed, in one answer.
const PAGE: u64 = 1_000;
/// Without a limit.
const USUAL: u64 = 100;
/// A reference of at most 200 characters, each of at most twelve bytes in JSON, and what is around it.
const MAX_BODY: u32 = 4 * 1024;
/// So long a request may wait for what happens.
const MAX_WAIT_SECONDS: u64 = 15;

impl ApiRequest<'_> {
    pub(super) fn limit(&self) -> Result<u64, Code> {
        let limit = self.query("limit", Code::Limit)?.unwrap_or(USUAL);
        Some(limit).filter(|limit| (1..=PAGE).contains(limit)).ok_or(Code::Limit)
    }

    /// Asks the index. Elsewhere it is another one, and would say that there is nothing.
    async fn index<R: ObjectRequest>(&self, ask: &R) -> Result<R::Reply, ApiError> {
        residency::check(self.env).await?;
        Ok(object::call(self.env, index::NAME, ask).await?)
    }
}

pub(super) async fn letters(request: &mut ApiRequest<'_>) -> Answered<op::ListLetters> {
    let state: Option<String> = request.call.query("state");
    let is_state = |word: &String| word.parse::<State>().is_ok() || word.parse::<EndReason>().is_ok();
    if state.as_ref().is_some_and(|word| !is_state(word)) {
        return Err(Code::LetterState.into());
    }
    let ask = ListLetters {
        state,
        customer: None,
        since: UnixSeconds(request.query("since", Code::Seconds)?.unwrap_or(0)),
        until: request.query("until", Code::Seconds)?.map(UnixSeconds),
        after: request.query("after", Code::Cursor)?,
        limit: request.limit()?,
    };
    request.index(&ask).await
}

/// The reference travels in a body, as everywhere: it is in no URL.
pub(super) async fn of_customer(request: &mut ApiRequest<'_>) -> Answered<op::ListCustomerLetters> {
    let expected = Code::CustomerRequest.into();
    let CustomerLookUp { customer, after } =
        request.body::<op::ListCustomerLetters>(MAX_BODY, &expected).await?;
    let names = request.settings.keyring.customer_names(&customer, intl::nfc);
    let (customer, since) = (Some(names), UnixSeconds(0));
    let ask = ListLetters { state: None, customer, since, until: None, after, limit: USUAL };
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
