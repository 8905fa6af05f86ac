//! What keeps a repeated request from making a second letter: names and digests for the `Idempotency-Key` of a caller.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::site_key::{Purpose, SiteKey};
use crate::types::{LetterId, UnixSeconds};

/// The salt by which this key is another than the API's bearer key, which has none. HKDF gives independent keys for
/// different salts of one secret (RFC 5869, section 3.1), as it does for the UUIDs that the keys of letters are salted with;
/// no UUID has this length, and none of their purposes is this one.
const SALT: &[u8] = b"waxseal/v1/creation";

/// A key of a site that names what its callers create.
pub struct CreationKey(Zeroizing<[u8; 32]>);

impl SiteKey {
    /// The key for what is created.
    pub fn creations(&self) -> CreationKey {
        CreationKey(self.derive(Purpose::Api, SALT))
    }
}

impl CreationKey {
    /// The name of what `caller` asked for under its `Idempotency-Key`: 64 hexadecimal digits. Nobody without the site's secret
    /// can tell which key it was.
    pub fn name(&self, caller: &str, key: &str) -> String {
        HEXLOWER.encode(&self.mac(&[b"name", caller.as_bytes(), key.as_bytes()]))
    }

    /// A digest of what was asked for: the fields as they were read, and the SHA-256 of the report. Nobody without the site's
    /// secret can try fields.
    pub fn digest(&self, fields: &[u8], report: &[u8; 32]) -> [u8; 32] {
        self.mac(&[b"request", fields, report])
    }

    /// HMAC-SHA256 over the parts, each with its length before it, so that no two lists are one text.
    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        // HMAC pads a short key with zeros to the block of 64 bytes; doing it here keeps this infallible.
        let mut block = Zeroizing::new([0u8; 64]);
        block.iter_mut().zip(self.0.iter()).for_each(|(slot, byte)| *slot = *byte);
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// What is kept of a request that created a letter: nothing personal, and nothing that tells the key or the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The letter.
    pub letter: LetterId,
    /// As its manifest has it.
    pub issued_at: UnixSeconds,
    /// As its manifest has it.
    pub not_after: UnixSeconds,
    /// Of what was asked for.
    pub digest: [u8; 32],
}

impl Creation {
    /// Begins the key of every such object in the bucket; the day and the name follow.
    pub const PREFIX: &str = "creations/";

    /// After two days the sweep takes it away.
    pub const LIFE_MILLIS: u64 = 2 * 86_400_000;

    /// How many bytes it has.
    pub const BYTES: usize = 64;

    /// For storage.
    pub fn to_bytes(self) -> Vec<u8> {
        let times = [self.issued_at, self.not_after].map(|at| at.0.to_be_bytes());
        [self.letter.as_bytes(), times.as_flattened(), &self.digest].concat()
    }

    /// As [`Self::to_bytes`] gave them; `None` for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (letter, rest) = bytes.split_first_chunk()?;
        let (issued_at, rest) = rest.split_first_chunk()?;
        let (not_after, digest) = rest.split_first_chunk()?;
        Some(Self {
            letter: LetterId(*letter),
            issued_at: UnixSeconds(u64::from_be_bytes(*issued_at)),
            not_after: UnixSeconds(u64::from_be_bytes(*not_after)),
            digest: digest.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Kid;

    #[test]
    fn every_caller_key_site_and_request_has_another() {
        let (one, other) = (SiteKey::new(Kid(1), [7; 32], None), SiteKey::new(Kid(1), [8; 32], None));
        let names = [
            one.creations().name("a", "bc"),
            one.creations().name("ab", "c"),
            one.creations().name("abc", ""),
            one.creations().name("a", "bd"),
            other.creations().name("a", "bc"),
            HEXLOWER.encode(&one.creations().digest(b"bc", &[0; 32])),
            HEXLOWER.encode(&one.creations().digest(b"bd", &[0; 32])),
            HEXLOWER.encode(&one.creations().digest(b"bc", &[1; 32])),
        ];
        let distinct: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert_eq!(names[0], one.creations().name("a", "bc"));
        assert_ne!(*one.creations().0, *one.derive(Purpose::Api, &[]), "not the bearer key");
    }

    #[test]
    fn what_is_kept_comes_back() {
        let kept = Creation {
            letter: LetterId([1; 16]),
            issued_at: UnixSeconds(2),
            not_after: UnixSeconds(3),
            digest: [4; 32],
        };
        let bytes = kept.to_bytes();
        assert_eq!((bytes.len(), Creation::from_bytes(&bytes)), (Creation::BYTES, Some(kept)));
        for wrong in [&bytes[..63], &[&bytes[..], b"x"].concat(), b""] {
            assert_eq!(Creation::from_bytes(wrong), None);
        }
    }
}
