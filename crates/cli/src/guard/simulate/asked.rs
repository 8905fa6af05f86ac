//! What a logged request asked for, as the edge would see it.

use waxseal::guard::policy::{RequestClass, class_of_call, class_on};
use waxseal::guard::snapshot::{Honeypot, Overlay};
use waxseal::token::{Keyring, classify, find_link_in_target};
use waxseal::types::UnixSeconds;

use super::log::LogLine;

/// A classified request.
pub(super) struct Asked {
    pub(super) class: RequestClass,
    /// The class if no honeypot were in dry run.
    pub(super) class_without_dry_run: RequestClass,
    /// The honeypot that the path is.
    pub(super) honeypot: Honeypot,
    /// Whole, but neither a keyring nor the status says whether it is genuine.
    pub(super) unproven: bool,
}

/// Whether everybody gets the same answer, banned or not: the guard is not asked.
pub(super) fn is_for_all(line: &LogLine) -> bool {
    let path = line.path();
    let is_there = was_answered(line.status) != Some(false);
    matches!(line.method.as_str(), "GET" | "HEAD")
        && ((is_there && path.starts_with("/assets/"))
            || matches!(path, "/robots.txt" | "/.well-known/security.txt"))
}

impl Asked {
    pub(super) fn of(
        line: &LogLine,
        keyring: Option<&Keyring>,
        rules: &Overlay<'_>,
        now: UnixSeconds,
    ) -> Self {
        let path = line.path();
        let at = line.at.seconds();
        // `None`: whole, and nothing says whose.
        let link = match keyring {
            Some(keyring) => Some(RequestClass::of(&classify(&line.target, keyring, at))),
            None => class_without_keys(&line.target, line.status, at),
        };
        // Logs hold no bearer key, but without one the edge is silent.
        let key = || Some(if was_answered(line.status)? { RequestClass::Api } else { RequestClass::ApiKey });
        let found = match link {
            Some(link) if link.is_known() => Some(link),
            Some(link) if path.starts_with("/api/v1/") => key().map(|key| class_of_call(key, link)),
            None if path.starts_with("/api/v1/") => key(),
            other => other.map(|link| class_on(path, link)),
        };
        let class = found.unwrap_or(RequestClass::Valid);
        let honeypot = if class.is_known() { Honeypot::default() } else { rules.honeypot(path, now) };
        let class_with = |is_honeypot| if is_honeypot { RequestClass::Honeypot } else { class };
        Self {
            class: class_with(honeypot.cause.is_some()),
            class_without_dry_run: class_with(honeypot.cause.or(honeypot.would).is_some()),
            honeypot,
            unproven: found.is_none(),
        }
    }
}

/// What the answer's status says of who asked: strangers only ever get 404, or one of its neighbours from whatever stands
/// before the edge. `None` when it says nothing, as after a lost connection or from the flood gate.
fn was_answered(status: Option<u16>) -> Option<bool> {
    match status? {
        100..400 | 405..=407 | 409..=428 => Some(true),
        400..405 => Some(false),
        _ => None,
    }
}

/// Without a keyring the token's own check tells damage from a whole token, and the answer's status a genuine one from
/// a forged one.
fn class_without_keys(target: &str, status: Option<u16>, now: UnixSeconds) -> Option<RequestClass> {
    let Ok(found) = find_link_in_target(target, |_| true) else { return Some(RequestClass::Damaged) };
    let clean = found.start == 1
        && target.get(1..).is_some_and(|text| text.starts_with(found.clean.token().as_str()));
    Some(match was_answered(status)? {
        false => RequestClass::Forged,
        true if now >= found.token.not_after() => RequestClass::Closed,
        true if clean => RequestClass::Valid,
        true => RequestClass::Repairable,
    })
}
