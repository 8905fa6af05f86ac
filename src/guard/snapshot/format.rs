//! Where the bytes of a snapshot lie. Compiler and reader both use this file and nothing else.

use crate::guard::reason::Reason;
use crate::guard::settings::{CrawlerPolicy, PreviewPolicy, Profile, Settings, Thresholds};
use crate::types::UnixSeconds;

/// No snapshot is larger than this many bytes.
pub const MAX_SNAPSHOT_BYTES: usize = 10_000_000;

pub(super) const MAGIC: [u8; 8] = *b"WAXGUARD";
/// Of the bytes, and of the pointer to them: raise it with either.
pub const VERSION: u16 = 2;
/// The checksum covers everything from here on.
pub(super) const CHECKED_FROM: usize = 24;
const SETTINGS_AT: usize = 56;
const COUNTS_AT: usize = 112;
pub(super) const HEADER_BYTES: usize = COUNTS_AT + 4 * SECTIONS.len();

/// Never expires.
pub(super) const FOREVER: UnixSeconds = UnixSeconds(u64::MAX);
/// A row of the AS table without a stack.
pub(super) const NO_STACK: u32 = u32::MAX;
/// A block's meta: how many bits it spans in the upper 7, its stack in the lower 25.
pub(super) const STACK_BITS: u32 = 25;
pub(super) const MAX_STACKS: usize = (1 << STACK_BITS) - 1;

/// The sections, in their order in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Entries,
    StackStarts,
    StackItems,
    V4Starts,
    V4Metas,
    V6Starts,
    V6Metas,
    Asns,
    Countries,
    Agents,
    Paths,
    Globs,
    Text,
}

/// Each section with the bytes of its rows.
pub(super) const SECTIONS: [(Section, usize); 13] = [
    (Section::Entries, ENTRY_BYTES),
    (Section::StackStarts, 4),
    (Section::StackItems, 4),
    (Section::V4Starts, 4),
    (Section::V4Metas, 4),
    (Section::V6Starts, 8),
    (Section::V6Metas, 4),
    (Section::Asns, ASN_BYTES),
    (Section::Countries, COUNTRY_BYTES),
    (Section::Agents, TEXT_ROW_BYTES),
    (Section::Paths, TEXT_ROW_BYTES),
    (Section::Globs, TEXT_ROW_BYTES),
    (Section::Text, 1),
];

pub(super) const ENTRY_BYTES: usize = 32;
pub(super) const ASN_BYTES: usize = 12;
pub(super) const COUNTRY_BYTES: usize = 8;
pub(super) const TEXT_ROW_BYTES: usize = 12;

/// What an entry does, strongest first. Entries are sorted by it, so a lower entry number is the stronger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Allow = 0,
    Deny = 1,
    AddressBan = 2,
    NetworkBan = 3,
    AgentAllow = 4,
    Honeypot = 5,
}

impl Rank {
    const fn from_u8(byte: u8) -> Option<Self> {
        Some(match byte {
            0 => Self::Allow,
            1 => Self::Deny,
            2 => Self::AddressBan,
            3 => Self::NetworkBan,
            4 => Self::AgentAllow,
            5 => Self::Honeypot,
            _ => return None,
        })
    }
}

/// One entry: rank, dry run, reason, line of the rules file, until, and its note in the text section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct EntryRow {
    pub(super) rank: Rank,
    pub(super) dry_run: bool,
    pub(super) reason: Reason,
    pub(super) line: u32,
    pub(super) until: UnixSeconds,
    pub(super) note: TextRef,
}

/// A piece of the text section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TextRef {
    pub(super) start: u32,
    pub(super) length: u32,
}

impl EntryRow {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.rank as u8, u8::from(self.dry_run), self.reason as u8, 0]);
        out.extend(self.line.to_le_bytes());
        out.extend(self.until.0.to_le_bytes());
        out.extend(self.note.start.to_le_bytes());
        out.extend(self.note.length.to_le_bytes());
        out.extend([0; 8]);
    }

    pub(super) fn read(row: &[u8; ENTRY_BYTES]) -> Option<Self> {
        let [rank, dry_run, reason, _, l0, l1, l2, l3, rest @ ..] = *row;
        let [u0, u1, u2, u3, u4, u5, u6, u7, s0, s1, s2, s3, n0, n1, n2, n3, ..] = rest;
        Some(Self {
            rank: Rank::from_u8(rank)?,
            dry_run: match dry_run {
                0 => false,
                1 => true,
                _ => return None,
            },
            reason: Reason::from_u8(reason)?,
            line: u32::from_le_bytes([l0, l1, l2, l3]),
            until: UnixSeconds(u64::from_le_bytes([u0, u1, u2, u3, u4, u5, u6, u7])),
            note: TextRef {
                start: u32::from_le_bytes([s0, s1, s2, s3]),
                length: u32::from_le_bytes([n0, n1, n2, n3]),
            },
        })
    }

    pub(super) fn is_live(&self, now: UnixSeconds) -> bool {
        now < self.until
    }
}

/// The three numbers of an AS or text row.
pub(super) fn three(row: &[u8; 12]) -> [u32; 3] {
    let [a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3] = *row;
    [
        u32::from_le_bytes([a0, a1, a2, a3]),
        u32::from_le_bytes([b0, b1, b2, b3]),
        u32::from_le_bytes([c0, c1, c2, c3]),
    ]
}

/// The head of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) is_delta: bool,
    pub(super) generation: u64,
    pub(super) base: u64,
    pub(super) made_at: UnixSeconds,
    pub(super) settings: Settings,
    pub(super) counts: [u32; SECTIONS.len()],
}

impl Head {
    /// Head and sections as one block.
    pub(super) fn write(&self, body: &[u8]) -> Vec<u8> {
        let total = HEADER_BYTES + body.len();
        let mut out = Vec::with_capacity(total);
        out.extend(MAGIC);
        out.extend(VERSION.to_le_bytes());
        out.extend([0; 2]);
        out.extend(u32::try_from(total).unwrap_or(u32::MAX).to_le_bytes());
        out.extend([0; 8]);
        out.push(u8::from(self.is_delta));
        out.extend([0; 7]);
        out.extend(self.generation.to_le_bytes());
        out.extend(self.base.to_le_bytes());
        out.extend(self.made_at.0.to_le_bytes());
        write_settings(&self.settings, &mut out);
        self.counts.iter().for_each(|count| out.extend(count.to_le_bytes()));
        out.extend(body);
        let sum = checksum(&out).to_le_bytes();
        if let Some(slot) = out.get_mut(16..CHECKED_FROM) {
            slot.copy_from_slice(&sum);
        }
        out
    }

    /// Reads what stands behind the checksum; `None` when a value has no meaning.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut counts = [0u32; SECTIONS.len()];
        for (count, at) in counts.iter_mut().zip((COUNTS_AT..).step_by(4)) {
            *count = u32_at(bytes, at)?;
        }
        Some(Self {
            is_delta: match bytes.get(CHECKED_FROM)? {
                0 => false,
                1 => true,
                _ => return None,
            },
            generation: u64_at(bytes, 32)?,
            base: u64_at(bytes, 40)?,
            made_at: UnixSeconds(u64_at(bytes, 48)?),
            settings: read_settings(bytes.get(SETTINGS_AT..COUNTS_AT)?)?,
            counts,
        })
    }
}

pub(super) fn checksum(bytes: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(u64::from(VERSION), bytes.get(CHECKED_FROM..).unwrap_or_default())
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|eight| u64::from_le_bytes(*eight))
}

/// 4 bytes of choices, then 8 thresholds, then nothing up to 56 bytes.
fn write_settings(settings: &Settings, out: &mut Vec<u8>) {
    let t = &settings.thresholds;
    let flags = u8::from(settings.robots_dry_run) | (u8::from(t.dry_run) << 1);
    out.extend([settings.profile as u8, settings.crawlers as u8, settings.previews as u8, flags]);
    let numbers = [
        t.allowance,
        t.damaged,
        t.forged,
        t.api_key,
        t.fade_seconds,
        t.network_after,
        t.system_after,
        t.strict_factor,
    ];
    numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
    out.extend([0; 20]);
}

fn read_settings(bytes: &[u8]) -> Option<Settings> {
    let [profile, crawlers, previews, flags] = *bytes.first_chunk()?;
    if flags > 3 {
        return None;
    }
    let number = |index: usize| u32_at(bytes, 4 + 4 * index);
    Some(Settings {
        profile: Profile::from_u8(profile)?,
        crawlers: CrawlerPolicy::from_u8(crawlers)?,
        previews: PreviewPolicy::from_u8(previews)?,
        robots_dry_run: flags & 1 != 0,
        thresholds: Thresholds {
            allowance: number(0)?,
            damaged: number(1)?,
            forged: number(2)?,
            api_key: number(3)?,
            fade_seconds: number(4)?,
            network_after: number(5)?,
            system_after: number(6)?,
            strict_factor: number(7)?,
            dry_run: flags & 2 != 0,
        },
    })
}
