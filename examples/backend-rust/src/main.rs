//! A garage's backend: seals a report and mints its link, without a call to the edge.
//!
//! ```sh
//! WAXSEAL_KEYS='{"active":1,"keys":[...]}' cargo run -- https://letters.example inspection.pdf bucket
//! ```
//!
//! Writes both objects below `bucket`, under their keys; copy them to R2, the manifest last. Prints the link.

use std::error::Error;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use waxseal::seal::{
    Format, Manifest, Mode, RECORD_SIZE, RETENTION_DAYS, Sealer, Sha256Sum, body_key, edge_key, manifest_key,
};
use waxseal::token::{Keyring, mint};
use waxseal::types::{LetterId, UnixMillis, UnixSeconds};

const DAYS: u64 = 30;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [origin, report, bucket] = arguments.as_slice() else {
        return Err("give the site's address, the report and a folder".into());
    };
    let keyring = Keyring::from_json(&env::var("WAXSEAL_KEYS")?)?;
    let key = keyring.active();
    let plaintext = fs::read(report)?;

    let now = UnixMillis(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?);
    let not_after = UnixSeconds(now.seconds().0 + DAYS * 86_400);
    let letter = LetterId::v7(now, random()?);

    let mut body = Vec::new();
    let mut sealer = Sealer::new(&*edge_key(key, letter), random()?, RECORD_SIZE)?;
    sealer.push(&plaintext, &mut body)?;
    let length = sealer.finish(&mut body)?;

    let manifest = Manifest {
        v: Manifest::VERSION,
        letter,
        format: Format::Aes128Gcm,
        mode: Mode::EdgeOpened,
        record_size: RECORD_SIZE,
        length,
        sha256: Sha256Sum::of(&plaintext),
        media_type: "application/pdf".to_owned(),
        file_name: "inspection.pdf".to_owned(),
        subject: "The inspection of your car".to_owned(),
        customer: Some("C-1042".to_owned()),
        reference: Some("2026-0417".to_owned()),
        language: Some("en".to_owned()),
        terms: None,
        issued_at: now.seconds(),
        not_after,
        retention_days: RETENTION_DAYS,
        actions: Vec::new(),
        pin: None,
        key_check: None,
    };

    write(bucket, &body_key(letter), &body)?;
    write(bucket, &manifest_key(letter), &manifest.encrypt(key, random()?)?)?;
    println!("{origin}/{}", mint(key, letter, not_after)?);
    Ok(())
}

/// Fresh bytes from the system's generator.
fn random<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes)
}

fn write(bucket: &str, key: &str, object: &[u8]) -> Result<(), Box<dyn Error>> {
    let path = Path::new(bucket).join(key);
    fs::create_dir_all(path.parent().ok_or("a key has a folder")?)?;
    Ok(fs::write(path, object)?)
}
