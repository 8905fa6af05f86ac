//! How fast bodies are written and read, by record size. Reports; asserts nothing about time.
//!
//! `cargo bench --bench seal`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::time::{Duration, Instant};

use waxseal::seal::{Framing, Opener, Sealer};

const IKM: &[u8] = &[42; 32];

/// Plaintext pushed in all for each record size; 1 GiB when `WAXSEAL_BENCH_GIB` is set.
fn total() -> u64 {
    if std::env::var_os("WAXSEAL_BENCH_GIB").is_some() { 1 << 30 } else { 256 << 20 }
}

/// The pieces a file or socket gives.
const PIECE: usize = 128 * 1024;

fn rate(bytes: u64, took: Duration) -> u64 {
    (bytes as f64 / took.as_secs_f64() / 1e6) as u64
}

fn main() {
    println!("record size    seal MB/s    open MB/s    overhead");
    let piece: Vec<u8> = (0..PIECE).map(|i| (i % 251) as u8).collect();
    let total = total();
    for record_size in [4_096, 16_384, 65_536, 262_144, 1_048_576u32] {
        let mut sealer = Sealer::new(IKM, [1; 16], record_size).unwrap();
        let mut opener = Opener::new(IKM, Framing::new(total, record_size).unwrap());
        let (mut sealed, mut opened) = (Vec::new(), Vec::new());
        let (mut sealing, mut opening) = (Duration::ZERO, Duration::ZERO);
        let mut body = 0u64;
        // Both buffers are emptied and used again, as the command line does.
        for _ in 0..total / PIECE as u64 {
            sealed.clear();
            opened.clear();
            let start = Instant::now();
            sealer.push(&piece, &mut sealed).unwrap();
            let between = Instant::now();
            opener.push(&sealed, &mut opened).unwrap();
            opening += between.elapsed();
            sealing += between - start;
            body += sealed.len() as u64;
        }
        sealed.clear();
        sealer.finish(&mut sealed).unwrap();
        body += sealed.len() as u64;
        opener.push(&sealed, &mut opened).unwrap();
        assert_eq!(opener.finish(&mut opened), Ok(total));
        println!(
            "{record_size:>11}    {:>9}    {:>9}    {:>7.3}%",
            rate(total, sealing),
            rate(total, opening),
            (body - total) as f64 * 100.0 / total as f64
        );
    }
}
