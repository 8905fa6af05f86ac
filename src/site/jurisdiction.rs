//! Where letters are kept, and under whose law (docs/DATA_RESIDENCY.md).

use super::Site;

/// A part of the world that the platform can keep Durable Objects in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Jurisdiction {
    /// The European Union.
    Eu,
    /// The United States.
    Us,
    /// Data centres with FedRAMP authorisation, in the United States.
    #[strum(to_string = "fedramp")]
    FedRamp,
}

codes!(Jurisdiction);

impl Jurisdiction {
    /// The jurisdiction that the setting and the platform name so.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Eu, Self::Us, Self::FedRamp].into_iter().find(|known| known.code() == code)
    }

    /// The place as receipts name it, in the locations of the Data Privacy Vocabulary.
    pub const fn location(self) -> &'static str {
        match self {
            Self::Eu => "loc:EU",
            Self::Us | Self::FedRamp => "loc:US",
        }
    }
}

/// A region that the platform is asked to create Durable Objects in. A hint: it may choose another one nearby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location(&'static str);

impl Location {
    /// The platform's names, and what they stand for: western and eastern North America, South America, western and eastern
    /// Europe, Asia-Pacific, Oceania, Africa, the Middle East.
    pub const CODES: [&'static str; 9] = ["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"];

    /// The region that the setting and the platform name so.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::CODES.into_iter().find(|known| *known == code).map(Self)
    }

    /// Its name in the settings and for the platform.
    pub const fn code(self) -> &'static str {
        self.0
    }
}

impl Site {
    /// Where personal details are kept, as receipts name it; `None` when the settings bind them to no place.
    pub fn storage_location(&self) -> Option<&'static str> {
        self.jurisdiction.map(Jurisdiction::location)
    }

    /// Whose law the sender is under, as receipts name it (ISO/IEC TS 27560), such as `loc:BE`.
    pub fn governing_law_location(&self) -> Option<String> {
        self.governing_law.as_ref().map(|country| format!("loc:{country}"))
    }
}
