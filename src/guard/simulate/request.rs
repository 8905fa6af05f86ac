//! What a logged request asked for, as the edge would see it.

use crate::guard::policy::{RequestClass, class_of_call, class_on};
use crate::guard::snapshot::{Honeypot, Overlay};
use crate::token::{Keyring, action, classify, find_link_in_target};
use crate::types::UnixSeconds;

use super::log::LogLine;

/// A classified request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) class: RequestClass,
    /// The class if no honeypot were in dry run.
    pub(super) class_without_dry_run: RequestClass,
    /// The honeypot that the path is.
    pub(super) honeypot: Honeypot,
    /// A form that was answered as a completed consent is.
    pub(super) consents: bool,
    /// Whole, but neither a keyring nor the status says whether it is genuine.
    pub(super) unproven: bool,
}

/// Whether everybody gets the same answer, banned or not: the guard is not asked.
pub(super) fn is_for_all(line: &LogLine<'_>) -> bool {
    let path = line.path();
    let reads = matches!(line.method.as_ref(), "GET" | "HEAD");
    let is_there = was_answered(line.status) != Some(false);
    (reads && is_there && path.starts_with("/assets/"))
        || (reads && matches!(path, "/robots.txt" | "/.well-known/security.txt"))
}

impl Asked {
    pub(super) fn of(
        line: &LogLine<'_>,
        keyring: Option<&Keyring>,
        rules: &Overlay<'_>,
        now: UnixSeconds,
    ) -> Self {
        let path = line.path();
        // `None`: whole, and nothing says whose.
        let at = line.at.seconds();
        let class = match keyring {
            Some(keyring) => Some(RequestClass::of(&classify(&line.target, keyring, at))),
            None => class_without_keys(&line.target, line.status, at),
        };
        let class = match class {
            Some(class) if class.is_known() => Some(class),
            Some(class) if path.starts_with("/api/v1/") => {
                api_class(line.status).map(|key| class_of_call(key, class))
            }
            None if path.starts_with("/api/v1/") => api_class(line.status),
            other => other.map(|class| class_on(path, class)),
        };
        let unproven = class.is_none();
        let class = class.unwrap_or(RequestClass::Valid);
        let mut asked = Self {
            class,
            class_without_dry_run: class,
            honeypot: Honeypot::default(),
            consents: false,
            unproven,
        };
        if class.is_known() {
            asked.consents = class != RequestClass::Closed && !unproven && is_consent(line);
            return asked;
        }
        let found = rules.honeypot(path, now);
        if found.cause.is_some() {
            asked.class = RequestClass::Honeypot;
        }
        if found.cause.is_some() || found.would.is_some() {
            asked.class_without_dry_run = RequestClass::Honeypot;
        }
        asked.honeypot = found;
        asked
    }
}

/// The form of a consent, not answered with an error.
fn is_consent(line: &LogLine<'_>) -> bool {
    let answered = line.status.is_none_or(|status| (200..400).contains(&status));
    line.method == "POST" && action(line.path()) == Some("consent") && answered
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

/// Logs hold no bearer key, but without one the edge is silent.
fn api_class(status: Option<u16>) -> Option<RequestClass> {
    Some(if was_answered(status)? { RequestClass::Api } else { RequestClass::ApiKey })
}

/// Without a keyring the token's own check tells damage from a whole token, and the answer's status a genuine one from
/// a forged one.
fn class_without_keys(target: &str, status: Option<u16>, now: UnixSeconds) -> Option<RequestClass> {
    let found = match find_link_in_target(target, |_| true) {
        Err(_) => return Some(RequestClass::Damaged),
        Ok(found) => found,
    };
    let clean = found.start == 1
        && target.get(1..).is_some_and(|text| text.starts_with(found.clean.token().as_str()));
    Some(match was_answered(status)? {
        false => RequestClass::Forged,
        true if now >= found.token.not_after() => RequestClass::Closed,
        true if clean => RequestClass::Valid,
        true => RequestClass::Repairable,
    })
}
