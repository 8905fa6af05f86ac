//! The settings of one site: who the sender is, how the pages look, whom a recipient asks. Read once from
//! JSON; everything wrong is reported at once, in sentences.

pub mod colour;
mod host;
mod jurisdiction;
mod log;
mod placeholder;
mod reader;
mod rules;
mod terms;

use core::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use self::colour::{Palette, Rgb};
use crate::guard::SiteGuard;
use crate::lang::Lang;
use crate::types::UnixSeconds;

pub use self::host::is_loopback;
pub use self::jurisdiction::{Jurisdiction, Location};
pub use self::log::{LogSettings, WitnessSettings};
use self::reader::Reader;
use self::rules::{
    COLOUR_RULE, GOVERNING_LAW_RULE, HTTPS_RULE, JURISDICTION_RULE, LANG_RULE, LOCATION_RULE, LOGO_RULE,
    SECURITY_RULE, ZONE_RULE, country, https, is_lang, logo, security_url, time_zone,
};
pub use self::terms::{Terms, TermsError};

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
    /// Where the platform may run and keep what belongs to letters; anywhere when absent.
    pub jurisdiction: Option<Jurisdiction>,
    /// Where Durable Objects are created, as a hint, when there is no jurisdiction; near their first caller when absent.
    pub location: Option<Location>,
    /// The country whose law the sender is under: ISO 3166-1 alpha-2, such as `BE`.
    pub governing_law: Option<String>,
    /// The name of its evidence log, and who witnesses it.
    pub log: LogSettings,
    /// Whether a customer may see, from any of their letters, the list of the others.
    pub history: bool,
    /// How many days before a letter's end that is recorded as near; 0 for never.
    pub ends_soon_days: u16,
    /// Whether webhooks may go to this machine, for whoever sets them up from this machine.
    pub loopback_webhooks: bool,
    palette: Palette,
    terms: [Terms; Lang::COUNT],
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

/// What is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The setting, such as `contact.email`; empty when it is about the whole.
    pub setting: String,
    /// What is wrong and what is expected, in a sentence.
    pub message: String,
}

/// The settings cannot be used. Holds every error, not only the first.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SiteErrors(Vec<SettingError>);

codes!(SiteErrors = "site_invalid");

impl SiteErrors {
    /// Every error, in the order of the settings.
    pub fn errors(&self) -> &[SettingError] {
        &self.0
    }
}

impl fmt::Display for SiteErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the site settings cannot be used:")?;
        for error in &self.0 {
            write!(f, "\n- {}", error.message)?;
        }
        Ok(())
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
    /// Every error at once: text that is not a JSON object, unknown settings, missing or unusable values.
    pub fn from_json(json: &str) -> Result<Self, SiteErrors> {
        let whole = |message: String| SiteErrors(vec![SettingError { setting: String::new(), message }]);
        match serde_json::from_str(json) {
            Ok(Value::Object(map)) => Self::from_map(&map),
            Ok(_) => Err(whole("SITE must be a JSON object.".into())),
            Err(error) => Err(whole(format!("SITE is not JSON: {error}."))),
        }
    }

    fn from_map(map: &Map<String, Value>) -> Result<Self, SiteErrors> {
        let mut read = Reader { errors: Vec::new() };
        read.unknown("", map, &SETTINGS);
        let name = read.text(map, "", "name", 80, false).unwrap_or_default();
        if name.is_empty() && map.get("name").is_none_or(Value::is_null) {
            read.error("name", "is needed: the sender's name as recipients know it.");
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
        let known = |text: &str| Jurisdiction::from_code(text).is_some();
        let jurisdiction = read.checked(map, "", "jurisdiction", 8, known, JURISDICTION_RULE);
        let known = |text: &str| Location::from_code(text).is_some();
        let location = read.checked(map, "", "location", 8, known, LOCATION_RULE);
        let governing_law = read.checked(map, "", "governing_law", 2, country, GOVERNING_LAW_RULE);
        let history = read.flag(map, "history", true);
        let ends_soon_days = read.days(map, "ends_soon_days", DEFAULT_ENDS_SOON_DAYS);
        let loopback_webhooks = read.flag(map, "loopback_webhooks", false);
        if !read.errors.is_empty() {
            return Err(SiteErrors(read.errors));
        }
        let Some(security_contact) = security else {
            read.error("security_contact", "is needed when `contact` has no email, url or phone.");
            return Err(SiteErrors(read.errors));
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
            jurisdiction: jurisdiction.and_then(|code| Jurisdiction::from_code(&code)),
            location: location.and_then(|code| Location::from_code(&code)),
            governing_law,
            history,
            ends_soon_days,
            loopback_webhooks,
            palette: Palette::of(accent),
            terms,
        })
    }

    /// When the end of a letter is near that ends then; nothing where that is never recorded.
    pub fn ends_soon(&self, not_after: UnixSeconds) -> Option<UnixSeconds> {
        let before = u64::from(self.ends_soon_days) * SECONDS_PER_DAY;
        (before > 0).then(|| UnixSeconds(not_after.0.saturating_sub(before)))
    }

    /// The terms shown in this language.
    pub fn terms(&self, lang: Lang) -> &Terms {
        lang.of(&self.terms)
    }

    /// Whether this is, word for word, a text that comes with the software: then the page knows what is in it.
    pub fn brings_terms(&self, text: &str) -> bool {
        let contact = self.contact.line();
        Lang::ALL.into_iter().any(|lang| terms::brought(lang, &self.name, &contact) == text)
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

const SECONDS_PER_DAY: u64 = 86_400;
const DEFAULT_ENDS_SOON_DAYS: u16 = 3;

const SETTINGS: [&str; 17] = [
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
    "jurisdiction",
    "location",
    "governing_law",
    "history",
    "ends_soon_days",
    "loopback_webhooks",
];
