//! How fast a snapshot is compiled, checked and searched, and ten million addresses. Reports; asserts nothing about time.
//!
//! `cargo bench --bench guard`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may be blunt")]
#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use std::time::Instant;

use waxseal::guard::snapshot::{Kind, Source, Stamp};
use waxseal::guard::strikes::Caps;
use waxseal::guard::{
    Ban, ClientFacts, ClientKey, Dynamic, Network, Offence, Reason, Rules, SentinelState, Settings, Snapshot,
    Standing, Stored, Strike, StrikeKind, compile,
};
use waxseal::types::{UnixMillis, UnixSeconds};

/// A fixed sequence that looks random (SplitMix64).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn look_up() {
    println!("     bans    blocks       bytes   compile ms   validate ms   look-up ns   banned");
    for count in [1_000u64, 100_000, 1_000_000] {
        let mut seed = 7;
        let bans = (0..count).map(|_| Ban {
            target: Network::single(ClientKey::V4(next(&mut seed) as u32)),
            since: UnixSeconds(0),
            until: UnixSeconds(100),
            reason: Reason::Forged,
            dry_run: false,
        });
        let dynamic = Dynamic { bans: bans.collect(), ..Dynamic::default() };
        let rules = Rules::parse("[[allow]]\nnetwork = \"10.0.0.0/8\"\n[[deny]]\nasn = 64500\n").unwrap();
        let stamp = Stamp { kind: Kind::Base, generation: 1, made_at: UnixSeconds(0) };
        let start = Instant::now();
        let compiled =
            compile(&Source { rules: &rules, dynamic: &dynamic, max_bans: 2_000_000 }, &stamp).unwrap();
        let compiling = start.elapsed();
        let start = Instant::now();
        for _ in 0..5 {
            Snapshot::validate(&compiled.bytes).unwrap();
        }
        let validating = start.elapsed() / 5;
        let (blocks, bytes) = (compiled.blocks, compiled.bytes.len());
        let stored = Stored::new(compiled.bytes).unwrap();
        let (mut banned, rounds) = (0u32, 2_000_000u32);
        let start = Instant::now();
        for round in 0..rounds {
            // Every other one is on the list.
            let client = match round % 2 {
                0 => dynamic.bans[next(&mut seed) as usize % dynamic.bans.len()].target.first(),
                _ => ClientKey::V4(next(&mut seed) as u32),
            };
            let overlay = stored.view().unwrap().with_delta(None).unwrap();
            let facts = ClientFacts { client, asn: Some(64_501), country: None, agent: Some("Mozilla/5.0") };
            banned += u32::from(overlay.lookup(&facts, UnixSeconds(5)).standing == Standing::AddressBanned);
        }
        let looking = start.elapsed().as_nanos() / u128::from(rounds);
        println!(
            "{count:>9} {blocks:>9} {bytes:>11} {:>12} {:>13.2} {looking:>12} {banned:>8}",
            compiling.as_millis(),
            validating.as_secs_f64() * 1e3
        );
    }
}

fn ten_million_addresses() {
    let mut state = SentinelState::new(Caps::default());
    let settings = Settings::default();
    let mut seed = 9;
    let (start, mut changes) = (Instant::now(), 0usize);
    let mut most = 0;
    for n in 0..10_000_000u64 {
        let kind = if n % 4 == 0 { StrikeKind::Honeypot } else { StrikeKind::Damaged };
        let strike = Strike {
            client: ClientKey::V4(next(&mut seed) as u32),
            asn: Some((n % 500) as u32),
            offence: Offence { kind, strict: false },
            path_hash: n,
        };
        let now = UnixMillis(1_800_000_000_000 + n);
        changes += state.strike(&strike, &settings, now, UnixSeconds(1_800_040_000)).changes.len();
        most = most.max(state.rows());
    }
    println!("ten million addresses: {:?}, at most {most} rows, {changes} changes", start.elapsed());
}

fn main() {
    look_up();
    ten_million_addresses();
}
