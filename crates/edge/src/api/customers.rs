//! `/api/v1/customers`: everything about one customer goes. The reference travels in bodies alone.

use super::{Answered, ApiRequest};
use crate::objects::index::{self, CountLetters, EraseCustomer, Erasing};
use crate::platform::{intl, object, residency};
use waxseal::api::{Code, CustomerCounts, CustomerErase, CustomerErasing, op};

/// A reference of at most 200 characters, each of at most twelve bytes in JSON, and what is around it.
const MAX_BODY: u32 = 4 * 1024;

/// The most references in one question.
const MAX_COUNTED: usize = 24;
const MAX_COUNT_BODY: u32 = 64 * 1024;

/// Erases the letters that were issued up to now, or up to `before`: whoever asks again to see how far it is names the
/// same moment.
pub(super) async fn erase(request: &mut ApiRequest<'_>) -> Answered<op::EraseCustomer> {
    let expected = Code::CustomerRequest.into();
    let CustomerErase { customer, before } = request.body::<op::EraseCustomer>(MAX_BODY, &expected).await?;
    let ApiRequest { env, settings, now, .. } = *request;
    let before = before.map_or(now, |before| before.min(now));
    let names = settings.keyring.customer_names(&customer, intl::nfc);
    if names.is_empty() {
        return Err(Code::CustomerNobody.into());
    }
    // Elsewhere the index is another one, and would say that there is nothing to erase.
    residency::check(env).await?;
    let ask = EraseCustomer { names, before };
    let Erasing { letters, erased, left, earlier } = object::call(env, index::NAME, &ask).await?;
    Ok(CustomerErasing { letters, erased, left, before, earlier })
}

/// How many letters each of some references has, up to the length of a customer's list. Whoever mistyped a reference finds
/// the right one; nothing is written.
pub(super) async fn count(request: &mut ApiRequest<'_>) -> Answered<op::CountCustomers> {
    let detail = "expected {\"customers\":[\"your reference\", ...]} with 1 to 24 of them";
    let expected = Code::CustomerRequest.because(detail);
    let customers = request.body::<op::CountCustomers>(MAX_COUNT_BODY, &expected).await?.customers;
    if !(1..=MAX_COUNTED).contains(&customers.len()) {
        return Err(expected.into());
    }
    let ApiRequest { env, settings, .. } = *request;
    residency::check(env).await?;
    let names = |reference: &String| settings.keyring.customer_names(reference, intl::nfc);
    let ask = CountLetters { customers: customers.iter().map(names).collect() };
    let letters = object::call(env, index::NAME, &ask).await?;
    Ok(CustomerCounts { letters })
}
