//! Who is asking: what the platform knows of a connection. Never a header that a client can forge, except where the
//! record says that the client said so.

use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use js_sys::Reflect;
use sha2::Sha256;

use super::http::Call;
use super::settings::Settings;
use waxseal::guard::rules::Country;
use waxseal::guard::{ClientFacts, ClientKey};
use waxseal::lang::Lang;
use waxseal::ledger::Details;
use waxseal::token::Purpose;

/// The connecting address as the platform saw it; only the platform sets this header in production.
fn address(call: &Call) -> Option<String> {
    call.header("cf-connecting-ip")
}

/// The client as the guard counts it. `None` without a connecting address.
pub(crate) fn key(call: &Call) -> Option<ClientKey> {
    address(call)?.trim().parse().ok().map(ClientKey::of)
}

/// What the platform knows of the client, for the guard.
pub(crate) fn facts<'a>(call: &Call, client: ClientKey, agent: Option<&'a str>) -> ClientFacts<'a> {
    let cf = call.request.cf();
    let country = cf.and_then(|cf| cf.country());
    ClientFacts {
        client,
        asn: cf.and_then(|cf| cf.asn()),
        country: country.as_deref().and_then(Country::parse),
        agent,
    }
}

/// The time zone that the platform places the reader in. A reader on this very machine comes from nowhere: locally the
/// platform is played, and knows no places.
pub(crate) fn time_zone(call: &Call) -> Option<String> {
    address(call)?.trim().parse::<IpAddr>().ok().filter(|address| !address.is_loopback())?;
    let cf = Reflect::get(call.request.inner(), &"cf".into()).ok()?;
    Reflect::get(&cf, &"timezone".into()).ok()?.as_string()
}

/// The address as a keyed hash for the log: the same client can be followed, nobody can be named.
pub(crate) fn keyed(call: &Call, settings: &Settings) -> String {
    let key = settings.keyring.active().derive(Purpose::Log, &[]);
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_slice()) else { return String::new() };
    // The client as the guard counts it, so that one that wanders within its /64 stays the same.
    let client = self::key(call).map(|client| client.to_string());
    mac.update(client.or_else(|| address(call)).unwrap_or_default().as_bytes());
    let tag = mac.finalize().into_bytes();
    data_encoding::HEXLOWER.encode(tag.get(..8).unwrap_or_default())
}

/// What goes, sealed, into the record of a person's act.
pub(crate) fn details(call: &Call, lang: Lang) -> Details {
    let cf = call.request.cf();
    Details {
        ip: address(call),
        user_agent: call.header("user-agent"),
        asn: cf.and_then(|cf| cf.asn()),
        as_name: cf.and_then(|cf| cf.as_organization()),
        country: cf.and_then(|cf| cf.country()),
        accept_language: call.header("accept-language"),
        referrer_present: Some(call.header("referer").is_some()),
        sec_fetch_site: call.header("sec-fetch-site"),
        sec_fetch_mode: call.header("sec-fetch-mode"),
        sec_fetch_dest: call.header("sec-fetch-dest"),
        sec_fetch_user: call.header("sec-fetch-user"),
        language: Some(lang.tag().to_owned()),
        ..Details::default()
    }
}
