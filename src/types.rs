//! The small types everything else speaks in. They carry the units, so no bare number or string travels.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// Seconds since the Unix epoch, as in a token's not-after and a manifest's times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

/// Milliseconds since the Unix epoch, as in a ledger event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// The whole second this instant lies in.
    pub const fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.0 / 1000)
    }
}

impl UnixSeconds {
    /// The first millisecond of this second; saturates far beyond any date.
    pub const fn millis(self) -> UnixMillis {
        UnixMillis(self.0.saturating_mul(1000))
    }
}

/// The number of a site secret in the keyring: the second byte of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kid(pub u8);

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A letter's UUID (RFC 9562). Version 7 when we make it; any version is taken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId(pub [u8; 16]);

/// The text was not a UUID in its hyphenated form of 36 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID: expected 36 characters such as 01890a5d-ac96-774b-bcce-b302099a8057")]
pub struct ParseLetterIdError;

impl LetterId {
    /// A version 7 UUID (RFC 9562, section 5.7) from the time and ten random bytes.
    pub fn v7(now: UnixMillis, random: [u8; 10]) -> Self {
        Self(uuid::Builder::from_unix_timestamp_millis(now.0, &random).into_uuid().into_bytes())
    }

    /// The 16 bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        uuid::Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LetterId({self})")
    }
}

impl FromStr for LetterId {
    type Err = ParseLetterIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Of the spellings that the crate takes, the one of 36 characters.
        let id = uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36);
        id.map(|id| Self(id.into_bytes())).ok_or(ParseLetterIdError)
    }
}

as_text!(LetterId);

/// For serde: reads a text and what it stands for. Smaller code than what is derived for an enum, several times over.
pub(crate) fn from_text<'de, D: serde::Deserializer<'de>, T>(
    deserializer: D,
    meaning: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    meaning(&text).ok_or_else(|| serde::de::Error::custom("not a known word"))
}

/// For serde: bytes as lower-case hexadecimal digits.
pub(crate) mod hex {
    use std::borrow::Cow;

    use data_encoding::HEXLOWER;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<const N: usize, S: Serializer>(
        bytes: &[u8; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&HEXLOWER.encode(bytes))
    }

    pub(crate) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; N], D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(Error::custom)?;
        bytes.try_into().map_err(|_| Error::custom("another number of hexadecimal digits than expected"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_7_id_shows_its_time_and_round_trips() {
        // The example of RFC 9562, appendix A.6.
        let id = LetterId::v7(
            UnixMillis(0x017F_22E2_79B0),
            [0x0C, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F],
        );
        assert_eq!(id.to_string(), "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn text_that_is_not_a_uuid_is_refused() {
        for text in [
            "",
            "017f22e2",
            "017f22e279b07cc398c4dc0c0c07398f",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        ] {
            assert_eq!(text.parse::<LetterId>(), Err(ParseLetterIdError), "{text}");
        }
    }
}
