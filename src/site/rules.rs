//! What a setting must be like: the rule as a sentence, and the check of it.

use base64::Engine as _;

use crate::lang::Lang;

pub(super) const LOGO_RULE: &str = "must be a path under /assets/ or data:image/{png,jpeg,gif,webp,avif,svg+xml};base64,... of at most 40,000 characters.";
pub(super) const COLOUR_RULE: &str = "must be a colour such as #9b2226.";
pub(super) const ZONE_RULE: &str = "must be an IANA time zone such as Europe/Amsterdam.";
pub(super) const LANG_RULE: &str = "must be en, nl, fr or de.";
pub(super) const HTTPS_RULE: &str = "must be an https:// address.";
pub(super) const SECURITY_RULE: &str = "must be a mailto:, https: or tel: address.";
pub(super) const PROFILE_RULE: &str = "must be balanced, strict or honeypot.";
pub(super) const REFRESH_RULE: &str = "must be a whole number of seconds, 1 to 300.";
pub(super) const JURISDICTION_RULE: &str = "must be eu, us or fedramp.";
pub(super) const LOCATION_RULE: &str = "must be wnam, enam, sam, weur, eeur, apac, oc, afr or me.";
pub(super) const GOVERNING_LAW_RULE: &str = "must be a country of ISO 3166-1, such as BE.";
pub(super) const EMAIL_RULE: &str = "must be an email address.";
pub(super) const PHONE_RULE: &str = "must be a telephone number.";

/// Characters that nobody sees but that change what a text seems to say.
pub(super) fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Marks of direction, separators, joiners.
            '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            // Letters without a shape, and tags.
            | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}' | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The form of a country's code. Which codes are given out changes, so that is not checked.
pub(super) fn country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

pub(super) fn is_lang(text: &str) -> bool {
    text.parse::<Lang>().is_ok()
}

pub(super) fn logo(text: &str) -> bool {
    if let Some(path) = text.strip_prefix("/assets/") {
        let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'));
        return plain
            && !path.is_empty()
            && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
    }
    let Some((kind, data)) = text.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"))
    else {
        return false;
    };
    matches!(kind, "png" | "jpeg" | "gif" | "webp" | "avif" | "svg+xml")
        && !data.is_empty()
        && base64::engine::general_purpose::STANDARD.decode(data).is_ok()
}

/// The form of an IANA name. Whether the runtime knows it only the runtime can say.
pub(super) fn time_zone(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.split('/').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
        })
}

pub(super) fn url_text(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '<' | '>' | '\\' | '`'))
}

pub(super) fn https(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && url_text(rest)
    })
}

pub(super) fn security_url(text: &str) -> bool {
    https(text)
        || text.strip_prefix("mailto:").is_some_and(email)
        || text.strip_prefix("tel:").is_some_and(|rest| phone(rest) && url_text(rest))
}

pub(super) fn email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && host.split('.').all(|label| !label.is_empty())
            && url_text(text)
            && !text.contains(['?', '&', '%', ',', ';', ':'])
    })
}

pub(super) fn phone(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 3
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b' ' | b'(' | b')' | b'-' | b'.' | b'/'))
}
