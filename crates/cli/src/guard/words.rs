//! The guard's codes in words. The edge may be newer than this program: a code that is not known here is shown as it is.

use crate::output::line;

/// Why somebody is allowed, refused or banned.
pub(super) fn reason(code: &str) -> String {
    match code {
        "network_rule" => "a rule about the address or network",
        "asn_rule" => "a rule about the AS",
        "country_rule" => "a rule about the country",
        "agent_rule" => "a rule about the agent",
        "path_rule" => "a honeypot",
        "damaged" => "too many damaged links",
        "forged" => "forged links",
        "honeypot" => "touched a honeypot",
        "api_key" => "wrong API keys",
        "neighbours" => "several of its clients are banned",
        "merged" => "many bans near by, merged because the list was full",
        "ops" => "banned by hand",
        "lifted" => "the ban was lifted by hand",
        other => return line(other),
    }
    .to_owned()
}

/// What the client gets.
pub(super) fn answer(code: &str) -> String {
    match code {
        "serve" => "is served",
        "busy" => "gets the page that asks to come back later",
        "neutral" => "gets a page with the sender's name and nothing else",
        "silent" => "gets the silent answer, as for a page that does not exist",
        other => return format!("gets the answer `{}`", line(other)),
    }
    .to_owned()
}

/// A note of operators, in quotes; nothing when there is none.
pub(super) fn note(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(", noted \"{}\"", line(text)) }
}
