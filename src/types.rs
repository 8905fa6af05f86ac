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
        let [_, _, t2, t3, t4, t5, t6, t7] = now.0.to_be_bytes();
        let [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9] = random;
        Self([t2, t3, t4, t5, t6, t7, 0x70 | (r0 & 0x0f), r1, 0x80 | (r2 & 0x3f), r3, r4, r5, r6, r7, r8, r9])
    }

    /// The 16 bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
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
        let mut id = [0u8; 16];
        let mut nibbles = 0usize;
        for (i, c) in text.bytes().enumerate() {
            if matches!(i, 8 | 13 | 18 | 23) {
                if c != b'-' {
                    return Err(ParseLetterIdError);
                }
                continue;
            }
            let nibble = match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                b'A'..=b'F' => c - b'A' + 10,
                _ => return Err(ParseLetterIdError),
            };
            let slot = id.get_mut(nibbles / 2).ok_or(ParseLetterIdError)?;
            *slot = (*slot << 4) | nibble;
            nibbles += 1;
        }
        if nibbles == 32 && text.len() == 36 { Ok(Self(id)) } else { Err(ParseLetterIdError) }
    }
}

impl Serialize for LetterId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LetterId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// For serde: reads a text and what it stands for. Smaller code than what is derived for an enum, several times over.
pub(crate) fn from_text<'de, D: serde::Deserializer<'de>, T>(
    deserializer: D,
    meaning: impl FnOnce(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
    meaning(&text).ok_or_else(|| serde::de::Error::custom("not a known word"))
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
