//! The examples of RFC 8188, section 3.

use data_encoding::BASE64URL_NOPAD;
use waxseal::seal::{Framing, HeaderError, OpenError, Opener, RecordKeys, Sealer};

const WALRUS: &[u8] = b"I am the walrus";

fn base64(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
}

fn open(mut opener: Opener, body: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut out = Vec::new();
    opener.push(body, &mut out)?;
    opener.finish(&mut out)?;
    Ok(out)
}

#[test]
fn example_3_1_one_record() {
    let ikm = base64("yqdlZ-tYemfogSmv7Ws5PQ");
    let body = base64("I1BsxtFttlv3u_Oo94xnmwAAEAAA-NAVub2qFgBEuQKRapoZu-IxkIva3MEB1PD-ly8Thjg");

    let salt: [u8; 16] = base64("I1BsxtFttlv3u_Oo94xnmw").try_into().unwrap();
    let keys = RecordKeys::derive(&ikm, &salt);
    assert_eq!(keys.cek()[..], base64("_wniytB-ofscZDh4tbSjHw"));
    assert_eq!(keys.nonce(0)[..], base64("Bcs8gkIRKLI8GeI8"));

    let framing = Framing::new(15, 4_096).unwrap();
    // A record size of 4,096 and no key id: a letter could look like this, so we write it byte for byte.
    assert_eq!(open(Opener::new(&ikm, framing), &body).unwrap(), WALRUS);
    let mut sealer = Sealer::new(&ikm, salt, framing.record_size()).unwrap();
    let mut out = Vec::new();
    sealer.push(WALRUS, &mut out).unwrap();
    assert_eq!(sealer.finish(&mut out), Ok(15));
    assert_eq!(out, body);
}

#[test]
fn example_3_2_two_padded_records_and_a_key_id() {
    let ikm = base64("BO3ZVPxUlnLORbVGMpbT1Q");
    let body = base64(
        "uNCkWiNYzKTnBN9ji3-qWAAAABkCYTHOG8chz_gnvgOqdGYovxyjuqRyJFjEDyoF1Fvkj6hQPdPHI51OEUKEpgz3SsLWIqS_uA",
    );
    assert_eq!(open(Opener::any_message(&ikm), &body).unwrap(), WALRUS);
    let framing = Framing::new(15, 4_096).unwrap();
    // It is not a letter: those have no key id, no padding and larger records.
    assert_eq!(open(Opener::new(&ikm, framing), &body), Err(OpenError::Header(HeaderError::KeyId)));

    // Byte by byte, so that the key id and both records arrive in pieces.
    let mut opener = Opener::any_message(&ikm);
    let mut out = Vec::new();
    for byte in &body {
        opener.push(&[*byte], &mut out).unwrap();
    }
    assert_eq!(out, b"I am th", "the last record is held back until the end is known");
    assert_eq!(opener.finish(&mut out), Ok(15));
    assert_eq!(out, WALRUS);
}
