//! What is known of a request that tells people and programs apart.

use crate::platform::http::{Call, Method};
use waxseal::bots::{Signals, Suspicion, opening};

/// Hands the signals of this request to `with`. `dwell` is how long its form was open, in milliseconds; `bound`: whether the
/// form's cookie came along.
pub(super) fn of<T>(call: &Call, dwell: Option<u64>, bound: bool, with: impl FnOnce(&Signals<'_>) -> T) -> T {
    let header = |name| call.header(name);
    let (agent, brands) = (header("user-agent"), header("sec-ch-ua"));
    let [site, mode, dest, user] =
        ["sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user"].map(header);
    let [accept, language, origin, content_type] =
        ["accept", "accept-language", "origin", "content-type"].map(header);
    let cf = call.request.cf();
    let organisation = cf.and_then(|cf| cf.as_organization());
    with(&Signals {
        agent: agent.as_deref(),
        brands: brands.as_deref(),
        asn: cf.and_then(|cf| cf.asn()),
        organisation: organisation.as_deref(),
        site: site.as_deref(),
        mode: mode.as_deref(),
        dest: dest.as_deref(),
        user: user.as_deref(),
        accept: accept.as_deref(),
        language: language.as_deref(),
        origin: origin.as_deref(),
        own_origin: &call.origin(),
        referrer: header("referer").is_some(),
        content_type: content_type.as_deref(),
        dwell,
        bound,
    })
}

/// What speaks against a person who opens the link.
pub(super) fn of_opening(call: &Call) -> Suspicion {
    let purpose = ["sec-purpose", "purpose", "x-purpose", "x-moz"].map(|name| call.header(name));
    let purpose = purpose.into_iter().flatten().collect::<Vec<_>>().join(", ");
    of(call, None, false, |signals| opening(signals, Some(&purpose), call.method == Method::Head))
}
