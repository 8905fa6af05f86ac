use proptest::prelude::*;
use waxseal::types::UnixSeconds;
use waxseal::webhook::{Secret, SecretError, TOLERANCE_SECONDS, VerifyError, verify};

/// The example that the libraries of standardwebhooks.com test themselves with.
const OFFICIAL: (&str, &str, u64, &str, &str) = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "msg_p5jXN8AQM9LWM0D4loKWxJek",
    1_614_265_330,
    r#"{"test": 2432232314}"#,
    "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
);

#[test]
fn the_official_example_is_signed_so_and_verified() {
    let (secret, id, at, body, signature) = OFFICIAL;
    let secret: Secret = secret.parse().unwrap();
    assert_eq!(secret.sign(id, UnixSeconds(at), body.as_bytes()), signature);
    assert_eq!(secret.text().as_str(), OFFICIAL.0);
    let check = |headers, now| verify(&[&secret], headers, body.as_bytes(), UnixSeconds(now));
    let time = at.to_string();
    assert_eq!(check((id, &time, signature), at), Ok(()));
    for now in [at - TOLERANCE_SECONDS, at + TOLERANCE_SECONDS] {
        assert_eq!(check((id, &time, signature), now), Ok(()));
    }
    for now in [at - TOLERANCE_SECONDS - 1, at + TOLERANCE_SECONDS + 1, 0] {
        assert_eq!(check((id, &time, signature), now), Err(VerifyError::Stale));
    }
    assert_eq!(check((id, "soon", signature), at), Err(VerifyError::Timestamp));
    let wrong = [
        String::new(),
        "v1,".to_owned(),
        "v1".to_owned(),
        signature[3..].to_owned(),
        signature.replace("v1,", "v1a,"),
        signature.replace('g', "h"),
    ];
    for wrong in &wrong {
        assert_eq!(check((id, &time, wrong.as_str()), at), Err(VerifyError::Signature), "{wrong}");
    }
    let one_of_several = format!("v1a,xxxx v2,{} {signature}", &signature[3..]);
    assert_eq!(check((id, &time, &one_of_several), at), Ok(()));
}

#[test]
fn a_secret_has_24_to_64_bytes_and_shows_itself_to_nobody() {
    let of = |bytes: usize| format!("whsec_{}", data_encoding::BASE64.encode(&vec![7; bytes]));
    for (bytes, good) in [(0, false), (23, false), (24, true), (64, true), (65, false)] {
        assert_eq!(of(bytes).parse::<Secret>().is_ok(), good, "{bytes}");
    }
    for text in ["", "whsec_", &of(32)[6..], &of(32).replace("whsec_", "whsk_"), "whsec_!"] {
        assert_eq!(text.parse::<Secret>().unwrap_err(), SecretError);
    }
    assert_eq!(format!("{:?}", Secret::from([7; 32])), "Secret(..)");
}

proptest! {
    #[test]
    fn what_is_altered_is_refused(id in "[a-z0-9-]{1,40}", body in "[ -~]{0,80}", at in 1_000u64..4_000_000_000, key: [u8; 32], flip in 0usize..200) {
        let secret = Secret::from(key);
        let other = Secret::from(key.map(|byte| byte ^ 1));
        let signature = secret.sign(&id, UnixSeconds(at), body.as_bytes());
        let both = format!("{} {signature}", other.sign(&id, UnixSeconds(at), body.as_bytes()));
        let time = at.to_string();
        let check = |secret: &Secret, id: &str, time: &str, body: &[u8]| verify(&[secret], (id, time, &signature), body, UnixSeconds(at));
        prop_assert_eq!(check(&secret, &id, &time, body.as_bytes()), Ok(()));
        // While a secret is rotated either verifies.
        for one in [&secret, &other] {
            prop_assert_eq!(verify(&[one], (&id, &time, &both), body.as_bytes(), UnixSeconds(at)), Ok(()));
        }
        prop_assert_eq!(verify(&[&other, &secret], (&id, &time, &signature), body.as_bytes(), UnixSeconds(at)), Ok(()));
        prop_assert!(check(&other, &id, &time, body.as_bytes()).is_err());
        let longer = id.clone() + "x";
        prop_assert!(check(&secret, &longer, &time, body.as_bytes()).is_err());
        prop_assert!(check(&secret, &id, &(at + 1).to_string(), body.as_bytes()).is_err());
        let mut altered = body.into_bytes();
        altered.push(b'.');
        let at_byte = flip % altered.len();
        altered[at_byte] ^= 1;
        prop_assert!(check(&secret, &id, &time, &altered).is_err());
    }
}
