//! Makes the vectors. What a case expects is written down here by hand, never taken from `classify`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};
use waxseal::token::{Purpose, SiteKey, crockford, mint};
use waxseal::types::{Kid, LetterId, UnixSeconds};

use super::expected::{ApiKey, Derive, Links, Mint, Tokens};

#[path = "cases.rs"]
mod cases;

/// The time of most cases.
pub(crate) const NOW: u64 = 1_770_000_000;
/// The not-after of most tokens: 30 days later.
pub(crate) const END: u64 = NOW + 30 * 86_400;
/// The not-after of key 3.
pub(crate) const KEY_3_END: u64 = NOW + 90 * 86_400;
pub(crate) const LETTER: &str = "01890a5d-ac96-774b-bcce-b302099a8057";
pub(crate) const FRAGMENT: &str = "5ksm0rcx9dy1w7a3nbz2q8v4eg";

/// A secret anyone can make again.
pub(crate) fn secret(name: &str) -> [u8; 32] {
    Sha256::digest(format!("waxseal test secret {name}")).into()
}

pub(crate) fn letter() -> LetterId {
    LETTER.parse().unwrap()
}

/// A token for [`LETTER`] made with the secret of this name.
pub(crate) fn token(kid: u8, secret_name: &str, not_after: u64) -> String {
    let key = SiteKey::new(Kid(kid), secret(secret_name), None);
    mint(&key, letter(), UnixSeconds(not_after)).unwrap().to_string()
}

/// The usual good token.
pub(crate) fn good() -> String {
    token(7, "7", END)
}

/// The token with some of its 38 bytes before the check changed, and the check made again to fit.
pub(crate) fn rechecked(text: &str, change: impl FnOnce(&mut [u8])) -> String {
    let mut raw = crockford::decode_exact::<41>(text).unwrap();
    change(&mut raw[..38]);
    let check = Sha256::digest(&raw[..38]);
    raw[38..].copy_from_slice(&check[..3]);
    crockford::encode(&raw)
}

fn base64(bytes: [u8; 32]) -> String {
    STANDARD.encode(bytes)
}

fn keyrings() -> BTreeMap<String, serde_json::Value> {
    let main = json!({ "active": 7, "keys": [
        { "id": 7, "secret": base64(secret("7")) },
        { "id": 3, "secret": base64(secret("3")), "not_after": KEY_3_END },
        { "id": 2, "secret": base64(secret("2")), "not_after": NOW },
    ]});
    let edges = json!({ "active": 0, "keys": [
        { "id": 0, "secret": base64(secret("0")) },
        { "id": 255, "secret": base64(secret("255")), "not_after": u64::from(u32::MAX) },
    ]});
    [("main".to_owned(), main), ("edges".to_owned(), edges)].into()
}

fn mints() -> Vec<Mint> {
    let vector = |name: &str, kid: u8, secret: [u8; 32], letter: &str, not_after: u64| {
        let letter: LetterId = letter.parse().unwrap();
        let key = SiteKey::new(Kid(kid), secret, None);
        let token = mint(&key, letter, UnixSeconds(not_after)).unwrap().to_string();
        Mint { name: name.into(), kid, secret: base64(secret), letter, not_after, token }
    };
    let nil = "00000000-0000-0000-0000-000000000000";
    let max = "ffffffff-ffff-ffff-ffff-ffffffffffff";
    let counting: [u8; 32] = core::array::from_fn(|i| u8::try_from(i).unwrap());
    let mut vectors = vec![
        vector("the worked example of docs/TOKEN.md", 7, counting, LETTER, 1_893_456_000),
        vector("everything zero", 0, [0; 32], nil, 0),
        vector("everything ones", 255, [255; 32], max, u32::MAX.into()),
        vector("nil letter", 1, secret("1"), nil, END),
        vector("largest letter", 1, secret("1"), max, END),
        vector("version 4 letter", 1, secret("1"), "f47ac10b-58cc-4372-a567-0e02b2c3d479", END),
        vector("one letter, key 7", 7, secret("7"), LETTER, END),
        vector("the same letter, key 3", 3, secret("3"), LETTER, END),
        vector("the same secret under another number", 8, secret("7"), LETTER, END),
        vector("a second later", 7, secret("7"), LETTER, END + 1),
        vector("the last second of 31 bits", 7, secret("7"), LETTER, 0x7fff_ffff),
        vector("the first second beyond 31 bits", 7, secret("7"), LETTER, 0x8000_0000),
        vector("the last second of 32 bits", 7, secret("7"), LETTER, 0xffff_ffff),
    ];
    for i in 0..12u8 {
        let bytes = secret(&format!("letter {i}"));
        let letter = LetterId(bytes[..16].try_into().unwrap()).to_string();
        let not_after = u64::from(u32::from_be_bytes(bytes[16..20].try_into().unwrap()));
        vectors.push(vector(
            &format!("random {i}"),
            bytes[20],
            secret(&format!("key {i}")),
            &letter,
            not_after,
        ));
    }
    vectors
}

fn derives() -> Vec<Derive> {
    let secret = secret("7");
    let key = SiteKey::new(Kid(7), secret, None);
    let mut vectors = Vec::new();
    for purpose in Purpose::ALL {
        for salt in [&[][..], letter().as_bytes()] {
            vectors.push(Derive {
                secret: base64(secret),
                info: purpose.info().into(),
                salt: HEXLOWER.encode(salt),
                key: HEXLOWER.encode(key.derive(*purpose, salt).as_ref()),
            });
        }
    }
    vectors
}

fn api_keys() -> Vec<ApiKey> {
    [0u8, 7, 255]
        .map(|kid| {
            let secret = secret(&kid.to_string());
            let api_key = SiteKey::new(Kid(kid), secret, None).api_key().to_string();
            ApiKey { kid, secret: base64(secret), api_key }
        })
        .into()
}

/// The whole of `token.json`.
pub(crate) fn tokens() -> String {
    let about = [
        "Test vectors of Waxseal tokens, version 1; docs/TOKEN.md is the specification.",
        "mint: the secret (base64), its number, the letter and not_after give exactly this token.",
        "derive: HKDF-SHA256 of the secret (base64) with info (ASCII) and salt (hex) gives key (hex, 32 bytes).",
    ];
    let about = about.map(Into::into).into();
    json(&Tokens { about, mint: mints(), derive: derives(), api_keys: api_keys() })
}

/// The whole of `links.json`.
pub(crate) fn links() -> String {
    let about = [
        "Test vectors of the reader of Waxseal links; docs/TOKEN.md is the specification.",
        "text is a path with its query as received or, where pasted is true, what somebody pasted. With the keyring of \
         that name at now (Unix seconds) it is of this class. clean is how the token is spelled where the text spells \
         it otherwise, and key the end-to-end key behind it. reason is this implementation's word, not part of the \
         specification.",
        "token: what a browser knows from the address of its page. Without any keyring it finds the same key behind \
         clean, and it finds no key behind token in what is damaged or forged.",
    ];
    let cases = [cases::rows(), cases::valid(), cases::closed(), cases::damaged(), cases::forged()].concat();
    json(&Links { about: about.map(Into::into).into(), keyrings: keyrings(), token: good(), cases })
}

fn json(vectors: &impl serde::Serialize) -> String {
    let mut json = serde_json::to_string_pretty(vectors).unwrap();
    json.push('\n');
    json
}
