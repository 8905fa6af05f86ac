//! The languages of the pages: which one a reader gets, its texts (`locales/`), and how it writes days and times.

#[cfg(feature = "pages")]
mod dates;
mod messages;

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

pub(crate) use messages::fill;
#[cfg(feature = "pages")]
pub use messages::{KEYS, Messages};

macro_rules! languages {
    ($($(#[$doc:meta])* $variant:ident $tag:literal $locale:literal $name:literal)*) => {
        /// A language the pages speak. Written as its BCP 47 tag.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Lang { $($(#[$doc])* $variant),* }

        impl Lang {
            /// How many languages there are.
            pub const COUNT: usize = [$($tag),*].len();

            /// Every language, in the order of the language switch.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$variant),*];

            /// The BCP 47 tag, such as `nl`.
            pub const fn tag(self) -> &'static str {
                match self { $(Self::$variant => $tag),* }
            }

            /// The locale for dates, a BCP 47 tag with a region.
            pub const fn locale(self) -> &'static str {
                match self { $(Self::$variant => $locale),* }
            }

            /// The name in the language itself.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The terms text that the project ships, with `{sender}` and `{contact}` still in it.
            pub const fn default_terms(self) -> &'static str {
                match self { $(Self::$variant => include_str!(concat!("../../locales/terms/", $tag, ".txt"))),* }
            }
        }
    };
}

// A row for each language: variant, tag, locale, own name. What else a new one needs: docs/TRANSLATING.md.
languages! {
    /// English. A date in British English is day, month, year, as in the other languages.
    En "en" "en-GB" "English"
    /// Dutch.
    Nl "nl" "nl-NL" "Nederlands"
    /// French.
    Fr "fr" "fr-FR" "Français"
    /// German.
    De "de" "de-DE" "Deutsch"
}

/// The text is not the tag of a language the pages speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language of the pages: expected one of {}", Lang::tags())]
pub struct UnknownLang;

codes!(UnknownLang = "unknown_language");

/// No more of an Accept-Language header is read than this many bytes.
const HEADER_BYTES: usize = 1024;

impl Lang {
    /// What an array in the order of [`Lang::ALL`] has for this language.
    pub fn of<T>(self, each: &[T; Self::COUNT]) -> &T {
        let [first, ..] = each;
        each.get(self as usize).unwrap_or(first)
    }

    /// Every tag, for a sentence: `en, nl`.
    pub fn tags() -> String {
        Self::ALL.map(Self::tag).join(", ")
    }

    /// The language of a tag or range such as `nl`, `NL` or `nl-BE`: its primary subtag decides.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.tag().eq_ignore_ascii_case(primary))
    }

    /// The language a reader gets: what they chose with the switch (`?lang=`), else the letter's, which its sender
    /// chose for them, else the best match of their browser's Accept-Language (RFC 9110, section 12.5.4), else the
    /// site's. Never fails: what cannot be read is passed over.
    pub fn choose(
        query_lang: Option<&str>,
        letter_lang: Option<Self>,
        accept_language: Option<&str>,
        site_default: Self,
    ) -> Self {
        query_lang
            .and_then(Self::from_tag)
            .or(letter_lang)
            .or_else(|| accept_language.and_then(|header| Self::accepted(header, site_default)))
            .unwrap_or(site_default)
    }

    /// The best match of the header. `*` stands for every language that it does not name, and then
    /// `fallback` goes first.
    fn accepted(header: &str, fallback: Self) -> Option<Self> {
        let mut named: [Option<u16>; Self::COUNT] = [None; Self::COUNT];
        let mut any = None;
        let mut order = [usize::MAX; Self::COUNT];
        // A cut inside a character would not be a language list anyway.
        let header = if header.len() > HEADER_BYTES { header.get(..HEADER_BYTES)? } else { header };
        for (position, item) in header.split(',').enumerate() {
            let (range, weight) = match item.split_once(';') {
                Some((range, parameter)) => (range.trim(), weight(parameter)),
                None => (item.trim(), Some(1000)),
            };
            let Some(weight) = weight else { continue };
            if range == "*" {
                any = Some(any.unwrap_or(0).max(weight));
                continue;
            }
            let Some(lang) = Self::from_tag(range) else { continue };
            let (Some(slot), Some(first)) = (named.get_mut(lang as usize), order.get_mut(lang as usize))
            else {
                continue;
            };
            if slot.is_none_or(|known| weight > known) {
                (*slot, *first) = (Some(weight), position);
            }
        }
        Self::ALL
            .into_iter()
            .filter_map(|lang| {
                let named = named.get(lang as usize).copied().flatten();
                let weight = named.or(any).filter(|weight| *weight > 0)?;
                let position = order.get(lang as usize).copied().unwrap_or(usize::MAX);
                // The highest weight; then the first in the header; then the fallback.
                Some((core::cmp::Reverse(weight), position, lang != fallback, lang))
            })
            .min_by_key(|(weight, position, other, _)| (*weight, *position, *other))
            .map(|(.., lang)| lang)
    }
}

/// A weight (RFC 9110, section 12.4.2) in thousandths; `None` when it is malformed.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.trim().split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut thousandths = 0u16;
    for digit in fraction.bytes().chain([b'0'; 3]).take(3) {
        thousandths = thousandths * 10 + u16::from(digit - b'0');
    }
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl FromStr for Lang {
    type Err = UnknownLang;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|lang| lang.tag() == text).ok_or(UnknownLang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn accept(header: &str) -> Lang {
        Lang::choose(None, None, Some(header), Lang::De)
    }

    #[test]
    fn the_switch_goes_before_the_letter_before_the_browser_before_the_site() {
        assert_eq!(Lang::choose(Some("fr"), Some(Lang::De), Some("nl"), Lang::En), Lang::Fr);
        assert_eq!(Lang::choose(Some("xx"), Some(Lang::De), Some("nl"), Lang::En), Lang::De);
        assert_eq!(Lang::choose(None, Some(Lang::De), Some("nl, fr;q=0.5"), Lang::En), Lang::De);
        assert_eq!(Lang::choose(None, None, Some("nl"), Lang::En), Lang::Nl);
        assert_eq!(Lang::choose(None, None, Some("xx, yy;q=0.5"), Lang::Fr), Lang::Fr);
        assert_eq!(Lang::choose(None, None, None, Lang::Nl), Lang::Nl);
    }

    #[test]
    fn weights_order_and_regions_count() {
        assert_eq!(accept("nl-BE, fr;q=0.9, en;q=0.8"), Lang::Nl);
        assert_eq!(accept("en;q=0.8, fr;q=0.9"), Lang::Fr);
        assert_eq!(accept("EN_us;q=0.3,nl ; Q=0.25"), Lang::En);
        assert_eq!(accept("fr;q=0.5, nl;q=0.5"), Lang::Fr);
        assert_eq!(accept("nl;q=0.2, en;q=0.3, nl-NL;q=1.000"), Lang::Nl);
    }

    #[test]
    fn a_weight_of_nought_excludes_and_a_star_stands_for_the_rest() {
        assert_eq!(accept("nl;q=0, fr;q=0.001"), Lang::Fr);
        assert_eq!(accept("*"), Lang::De);
        assert_eq!(accept("de;q=0, *;q=0.5"), Lang::En);
        assert_eq!(accept("fr;q=0.4, *;q=0.5"), Lang::De);
        assert_eq!(accept("pl, *;q=0.1"), Lang::De);
    }

    #[test]
    fn malformed_parts_are_passed_over() {
        for header in [
            "",
            ",,,",
            ";q=1",
            "nl;q=1.001",
            "nl;q=2",
            "nl;q=-1",
            "nl;q=0.1234",
            "nl;q=",
            "nl;x=1",
            "nl;q=0.٣",
        ] {
            assert_eq!(accept(header), Lang::De, "{header}");
        }
        assert_eq!(accept("nl;q=9, fr;q=0.1"), Lang::Fr);
        assert_eq!(accept(&"é".repeat(100_000)), Lang::De);
        assert_eq!(accept(&format!("nl,{}", "x,".repeat(100_000))), Lang::Nl);
    }

    proptest! {
        #[test]
        fn any_header_gets_an_answer(header in "\\PC{0,64}", query in "\\PC{0,8}") {
            Lang::choose(Some(&query), None, Some(&header), Lang::Nl);
            Lang::choose(None, Some(Lang::Fr), Some(&header), Lang::Nl);
        }
    }
}
