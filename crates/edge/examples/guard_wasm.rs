//! The guard's look-up as wasm, for `./scripts/bench guard-wasm`: `tests/bench/guard-wasm.mjs` calls it in Node and keeps
//! the time. Here nothing reads a clock. Empty on other targets.

#![allow(unreachable_pub, reason = "wasm-bindgen exports it")]

#[cfg(target_arch = "wasm32")]
mod wasm {
    use wasm_bindgen::prelude::wasm_bindgen;
    use waxseal::guard::snapshot::{Kind, Source, Stamp};
    use waxseal::guard::strikes::Caps;
    use waxseal::guard::{
        Ban, ClientFacts, ClientKey, Dynamic, Network, Offence, Reason, Rules, SentinelState, Settings,
        Snapshot, Standing, Stored, Strike, StrikeKind, compile,
    };
    use waxseal::types::{UnixMillis, UnixSeconds};

    /// A fixed sequence that looks random (SplitMix64).
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }

        fn client(&mut self, six: bool) -> ClientKey {
            if six { ClientKey::V6(self.next()) } else { ClientKey::V4(self.next() as u32) }
        }
    }

    /// The bytes of a snapshot with so many bans of single scattered addresses.
    #[wasm_bindgen]
    pub fn snapshot(bans: u32, six: bool) -> Vec<u8> {
        let mut random = Random(7);
        let ban = |_| Ban {
            target: Network::single(random.client(six)),
            since: UnixSeconds(0),
            until: UnixSeconds(100),
            reason: Reason::Forged,
            dry_run: false,
        };
        let dynamic = Dynamic { bans: (0..bans).map(ban).collect(), ..Dynamic::default() };
        let rules = "[[allow]]\nnetwork = \"10.0.0.0/8\"\n[[deny]]\nasn = 64500\n";
        let Ok(rules) = Rules::parse(rules) else { return Vec::new() };
        let stamp = Stamp { kind: Kind::Base, generation: 1, made_at: UnixSeconds(0) };
        let source = Source { rules: &rules, dynamic: &dynamic, max_bans: 2_000_000 };
        compile(&source, &stamp).map(|compiled| compiled.bytes).unwrap_or_default()
    }

    /// A snapshot as an isolate holds it.
    #[wasm_bindgen]
    pub struct Held(Stored);

    #[wasm_bindgen]
    impl Held {
        /// Takes the bytes in; `undefined` when they are not sound.
        pub fn of(bytes: Vec<u8>) -> Option<Held> {
            Stored::new(bytes).ok().map(Held)
        }

        /// Looks `rounds` clients up, `hits` per cent of them banned. Answers how many were.
        pub fn look_up(&self, rounds: u32, hits: u32, six: bool, bans: u32, seed: u32) -> u32 {
            let mut random = Random(u64::from(seed));
            let mut banned = 0;
            for _ in 0..rounds {
                let client = if random.next() % 100 < u64::from(hits) {
                    // Client n of the snapshot: the sequence has no memory, so it can be entered anywhere.
                    let number = random.next().checked_rem(u64::from(bans)).unwrap_or(0);
                    Random(7u64.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).client(six)
                } else {
                    random.client(six)
                };
                let Some(overlay) = self.0.view().and_then(|base| base.with_delta(None).ok()) else {
                    return 0;
                };
                let agent =
                    Some("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15");
                let facts = ClientFacts { client, asn: Some(64_501), country: None, agent };
                banned +=
                    u32::from(overlay.lookup(&facts, UnixSeconds(5)).standing == Standing::AddressBanned);
            }
            banned
        }
    }

    /// Bytes of memory that the module has taken so far. It never gives any back.
    #[wasm_bindgen]
    pub fn memory_bytes() -> u32 {
        u32::try_from(core::arch::wasm32::memory_size(0) * 65_536).unwrap_or(u32::MAX)
    }

    /// Whether the bytes are a sound snapshot.
    #[wasm_bindgen]
    pub fn validate(bytes: &[u8]) -> bool {
        Snapshot::validate(bytes).is_ok()
    }

    /// So many addresses with one strike each, a quarter of them on a honeypot. Answers the most rows there were.
    #[wasm_bindgen]
    pub fn strikes(addresses: u32) -> u32 {
        let mut state = SentinelState::new(Caps::default());
        let settings = Settings::default();
        let mut random = Random(9);
        let mut most = 0;
        for number in 0..u64::from(addresses) {
            let kind = if number % 4 == 0 { StrikeKind::Honeypot } else { StrikeKind::Damaged };
            let strike = Strike {
                client: random.client(false),
                asn: u32::try_from(number % 500).ok(),
                offence: Offence { kind, strict: false },
                about: number,
            };
            let now = UnixMillis(1_800_000_000_000 + number);
            state.strike(&strike, &settings, now, UnixSeconds(1_800_040_000));
            most = most.max(state.rows());
        }
        u32::try_from(most).unwrap_or(u32::MAX)
    }
}
