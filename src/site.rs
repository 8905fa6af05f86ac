//! The settings of one site: who the sender is, how the pages look, whom a recipient asks. Read once from
//! JSON; everything wrong is reported at once, in sentences.

mod log;

use core::fmt;

use base64::Engine as _;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use log::{LogSettings, WitnessSettings};

use crate::guard::{Profile, SiteGuard};
use crate::pages::colour::{Palette, Rgb};
use crate::pages::{Lang, fill};

/// The settings of a site, checked.
#[derive(Clone, Debug)]
pub struct Site {
    /// The sender's name as recipients know it.
    pub name: String,
    /// A picture of the name: a `data:image/...;base64,` URL or a path under `/assets/`.
    pub logo: Option<String>,
    /// The sender's colour, as given. The pages use the tones of [`Site::palette`].
    pub accent: Rgb,
    /// Whom a recipient asks.
    pub contact: Contact,
    /// The IANA name of the time zone that dates are shown in.
    pub time_zone: String,
    /// The language when neither the reader nor the letter has one.
    pub default_language: Lang,
    /// The sender's privacy statement.
    pub privacy_url: Option<String>,
    /// Where to report a security problem (RFC 9116): a `mailto:`, `https:` or `tel:` URL.
    pub security_contact: String,
    /// What this site does otherwise than the rules of its guard.
    pub guard: SiteGuard,
    /// The name of its evidence log, and who witnesses it.
    pub log: LogSettings,
    palette: Palette,
    terms: [Terms; 4],
}

/// Ways to reach the sender; at least one is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// Email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number, as people write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// An `https:` page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Postal address, in lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// The exact text that a recipient agrees to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    text: String,
    sha256: [u8; 32],
}

/// One fault in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFault {
    /// The setting, such as `contact.email`; empty when it is about the whole.
    pub setting: String,
    /// What is wrong and what is expected, in a sentence.
    pub message: String,
}

/// The settings cannot be used. Holds every fault, not only the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SiteErrors(Vec<SiteFault>);

impl SiteErrors {
    /// The stable code of this error.
    pub const fn code(&self) -> &'static str {
        "site_invalid"
    }

    /// Every fault, in the order of the settings.
    pub fn faults(&self) -> &[SiteFault] {
        &self.0
    }
}

impl fmt::Display for SiteErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the site settings cannot be used:")?;
        for fault in &self.0 {
            write!(f, "\n- {}", fault.message)?;
        }
        Ok(())
    }
}

impl Terms {
    /// The longest terms text, in characters. It must be read on a phone.
    pub const MAX_CHARS: usize = 8_000;

    fn new(text: String) -> Self {
        let sha256 = Sha256::digest(text.as_bytes()).into();
        Self { text, sha256 }
    }

    /// The text, as shown: lines end with a line feed, paragraphs are parted by an empty line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 over the UTF-8 bytes of [`Terms::text`].
    pub const fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The hash as 64 lower-case hex digits.
    pub fn hex(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.sha256)
    }
}

impl Contact {
    /// The first way that is given, in one line, for use inside a sentence.
    pub fn line(&self) -> String {
        let address = self.address.as_ref().map(|lines| lines.replace('\n', ", "));
        [self.email.clone(), self.phone.clone(), self.url.clone(), address]
            .into_iter()
            .flatten()
            .next()
            .unwrap_or_default()
    }

    /// The telephone number as a `tel:` URL takes it.
    pub fn phone_digits(&self) -> Option<String> {
        let phone = self.phone.as_ref()?;
        Some(phone.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect())
    }

    /// The web page without its scheme, as people read it.
    pub fn url_shown(&self) -> Option<&str> {
        let url = self.url.as_deref()?;
        Some(url.trim_start_matches("https://").trim_end_matches('/'))
    }
}

impl Site {
    /// The settings from JSON.
    ///
    /// # Errors
    /// Every fault at once: text that is not a JSON object, unknown settings, missing or unusable values.
    pub fn from_json(json: &str) -> Result<Self, SiteErrors> {
        let whole = |message: String| SiteErrors(vec![SiteFault { setting: String::new(), message }]);
        match serde_json::from_str(json) {
            Ok(Value::Object(map)) => Self::from_map(&map),
            Ok(_) => Err(whole("SITE must be a JSON object.".into())),
            Err(error) => Err(whole(format!("SITE is not JSON: {error}."))),
        }
    }

    fn from_map(map: &Map<String, Value>) -> Result<Self, SiteErrors> {
        let mut read = Reader { faults: Vec::new() };
        read.unknown("", map, &SETTINGS);
        let name = read.text(map, "", "name", 80, false).unwrap_or_default();
        if name.is_empty() && map.get("name").is_none_or(Value::is_null) {
            read.fault("name", "is needed: the sender's name as recipients know it.");
        }
        let logo = read.checked(map, "", "logo", 40_000, logo, LOGO_RULE);
        let accent = read.checked(map, "", "accent", 7, |text| Rgb::parse(text).is_some(), COLOUR_RULE);
        let contact = read.contact(map);
        let time_zone = read.checked(map, "", "time_zone", 64, time_zone, ZONE_RULE);
        let language = read.checked(map, "", "default_language", 2, is_lang, LANG_RULE);
        let privacy_url = read.checked(map, "", "privacy_url", 500, https, HTTPS_RULE);
        let security = read.checked(map, "", "security_contact", 500, security_url, SECURITY_RULE);
        let security = security.or_else(|| contact.email.as_ref().map(|email| format!("mailto:{email}")));
        let security = security.or_else(|| contact.url.clone());
        let security = security.or_else(|| contact.phone_digits().map(|digits| format!("tel:{digits}")));
        let terms = read.terms(map, &name, &contact);
        let guard = read.guard(map);
        let log = read.log(map);
        if !read.faults.is_empty() {
            return Err(SiteErrors(read.faults));
        }
        let Some(security_contact) = security else {
            read.fault("security_contact", "is needed when `contact` has no email, url or phone.");
            return Err(SiteErrors(read.faults));
        };
        let accent = accent.as_deref().and_then(Rgb::parse).unwrap_or(DEFAULT_ACCENT);
        Ok(Self {
            name,
            logo,
            accent,
            contact,
            time_zone: time_zone.unwrap_or_else(|| "UTC".into()),
            default_language: language.and_then(|tag| tag.parse().ok()).unwrap_or(Lang::En),
            privacy_url,
            security_contact,
            guard,
            log,
            palette: Palette::of(accent),
            terms,
        })
    }

    /// The terms shown in this language.
    pub fn terms(&self, lang: Lang) -> &Terms {
        let [en, nl, fr, de] = &self.terms;
        match lang {
            Lang::En => en,
            Lang::Nl => nl,
            Lang::Fr => fr,
            Lang::De => de,
        }
    }

    /// The terms with this hash, and their language: what a form names. `None` when the terms have changed
    /// since, or never were ours.
    pub fn terms_by_hash(&self, hex: &str) -> Option<(Lang, &Terms)> {
        Lang::ALL.into_iter().map(|lang| (lang, self.terms(lang))).find(|(_, terms)| terms.hex() == hex)
    }

    /// The readable tones of the accent colour.
    pub const fn palette(&self) -> &Palette {
        &self.palette
    }

    /// The letter that is pressed into the wax: the first letter or digit of the name, in upper case.
    pub fn initial(&self) -> char {
        let first = self.name.chars().find(|c| c.is_alphanumeric()).unwrap_or('W');
        let mut upper = first.to_uppercase();
        // A letter such as "ß" grows in upper case; then it stays as it is.
        upper.next().filter(|_| upper.next().is_none()).unwrap_or(first)
    }
}

/// Wax red.
const DEFAULT_ACCENT: Rgb = Rgb(0x9b, 0x22, 0x26);

const SETTINGS: [&str; 11] = [
    "name",
    "logo",
    "accent",
    "contact",
    "time_zone",
    "default_language",
    "privacy_url",
    "terms",
    "security_contact",
    "guard",
    "log",
];
const LOGO_RULE: &str = "must be a path under /assets/ or data:image/{png,jpeg,gif,webp,avif,svg+xml};base64,... of at most 40,000 characters.";
const COLOUR_RULE: &str = "must be a colour such as #9b2226.";
const ZONE_RULE: &str = "must be an IANA time zone such as Europe/Amsterdam.";
const LANG_RULE: &str = "must be en, nl, fr or de.";
const HTTPS_RULE: &str = "must be an https:// address.";
const SECURITY_RULE: &str = "must be a mailto:, https: or tel: address.";
const PROFILE_RULE: &str = "must be balanced, strict or honeypot.";
const REFRESH_RULE: &str = "must be a whole number of seconds, 1 to 300.";
const EMAIL_RULE: &str = "must be an email address.";
const PHONE_RULE: &str = "must be a telephone number.";

/// Reads settings and gathers what is wrong with them.
struct Reader {
    faults: Vec<SiteFault>,
}

impl Reader {
    fn fault(&mut self, setting: &str, what: &str) {
        self.faults.push(SiteFault { setting: setting.to_owned(), message: format!("`{setting}` {what}") });
    }

    fn unknown(&mut self, prefix: &str, map: &Map<String, Value>, known: &[&str]) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.fault(&format!("{prefix}{key}"), "is not a setting; is it misspelt?");
        }
    }

    /// A text without surrounding white space, without control and direction characters, of at most `max`
    /// characters. A JSON null counts as absent.
    fn text(
        &mut self,
        map: &Map<String, Value>,
        prefix: &str,
        key: &str,
        max: usize,
        lines: bool,
    ) -> Option<String> {
        let setting = format!("{prefix}{key}");
        let text = match map.get(key)? {
            Value::Null => return None,
            Value::String(text) => text.replace("\r\n", "\n").trim().to_owned(),
            _ => {
                self.fault(&setting, "must be a text.");
                return None;
            }
        };
        if text.is_empty() {
            self.fault(&setting, "is empty.");
        } else if text.chars().count() > max {
            self.fault(&setting, &format!("is longer than {max} characters."));
        } else if text.chars().any(|c| hidden(c) && !(lines && c == '\n')) {
            self.fault(&setting, "holds control characters or invisible direction marks.");
        } else {
            return Some(text);
        }
        None
    }

    fn checked(
        &mut self,
        map: &Map<String, Value>,
        prefix: &str,
        key: &str,
        max: usize,
        good: impl Fn(&str) -> bool,
        rule: &str,
    ) -> Option<String> {
        let text = self.text(map, prefix, key, max, false)?;
        if good(&text) {
            return Some(text);
        }
        self.fault(&format!("{prefix}{key}"), rule);
        None
    }

    fn contact(&mut self, map: &Map<String, Value>) -> Contact {
        let before = self.faults.len();
        let contact = match map.get("contact") {
            Some(Value::Object(map)) => {
                self.unknown("contact.", map, &["email", "phone", "url", "address"]);
                Contact {
                    email: self.checked(map, "contact.", "email", 254, email, EMAIL_RULE),
                    phone: self.checked(map, "contact.", "phone", 40, phone, PHONE_RULE),
                    url: self.checked(map, "contact.", "url", 500, https, HTTPS_RULE),
                    address: self.text(map, "contact.", "address", 300, true),
                }
            }
            None | Some(Value::Null) => Contact::default(),
            Some(_) => {
                self.fault("contact", "must be an object.");
                Contact::default()
            }
        };
        if contact == Contact::default() && self.faults.len() == before {
            self.fault(
                "contact",
                "is needed: at least one of email, phone, url and address, so that a recipient can ask.",
            );
        }
        contact
    }

    fn guard(&mut self, map: &Map<String, Value>) -> SiteGuard {
        let mut guard = SiteGuard::default();
        let own = match map.get("guard") {
            None | Some(Value::Null) => return guard,
            Some(Value::Object(own)) => own,
            Some(_) => {
                self.fault("guard", "must be an object.");
                return guard;
            }
        };
        self.unknown("guard.", own, &["profile", "refresh_seconds"]);
        let known = |text: &str| Profile::from_code(text).is_some();
        guard.profile = self
            .checked(own, "guard.", "profile", 8, known, PROFILE_RULE)
            .and_then(|code| Profile::from_code(&code));
        match own.get("refresh_seconds").map(|value| value.as_u64().and_then(|n| u32::try_from(n).ok())) {
            None => {}
            Some(Some(seconds @ 1..=300)) => guard.refresh_seconds = seconds,
            Some(_) => self.fault("guard.refresh_seconds", REFRESH_RULE),
        }
        guard
    }

    fn terms(&mut self, map: &Map<String, Value>, name: &str, contact: &Contact) -> [Terms; 4] {
        let own = match map.get("terms") {
            None | Some(Value::Null) => None,
            Some(Value::Object(own)) => Some(own),
            Some(_) => {
                self.fault(
                    "terms",
                    "must be an object with a text for each language, such as {\"en\": \"...\"}.",
                );
                None
            }
        };
        if let Some(own) = own {
            self.unknown("terms.", own, &Lang::ALL.map(Lang::tag));
        }
        let contact = contact.line();
        Lang::ALL.map(|lang| {
            let text = own.and_then(|own| self.text(own, "terms.", lang.tag(), Terms::MAX_CHARS, true));
            let text = text.unwrap_or_else(|| lang.default_terms().trim().to_owned());
            let text = fill(&text, &[("sender", &name), ("contact", &contact)]);
            if !name.is_empty() && !text.contains(name) {
                let setting = format!("terms.{lang}");
                self.fault(&setting, "must name the sender: write {sender} where the name goes.");
            }
            Terms::new(text)
        })
    }
}

/// Characters that nobody sees but that change what a text seems to say.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn is_lang(text: &str) -> bool {
    text.parse::<Lang>().is_ok()
}

fn logo(text: &str) -> bool {
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
fn time_zone(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.split('/').all(|part| {
            !part.is_empty()
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'+'))
        })
}

fn url_text(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| !c.is_whitespace() && !matches!(c, '"' | '\'' | '<' | '>' | '\\' | '`'))
}

fn https(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && url_text(rest)
    })
}

fn security_url(text: &str) -> bool {
    https(text)
        || text.strip_prefix("mailto:").is_some_and(email)
        || text.strip_prefix("tel:").is_some_and(|rest| phone(rest) && url_text(rest))
}

fn email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && !host.is_empty()
            && !host.contains('@')
            && host.split('.').all(|label| !label.is_empty())
            && url_text(text)
            && !text.contains(['?', '&', '%', ',', ';', ':'])
    })
}

fn phone(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() >= 3
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b' ' | b'(' | b')' | b'-' | b'.' | b'/'))
}
