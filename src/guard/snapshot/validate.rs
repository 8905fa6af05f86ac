//! Whether bytes are a whole and sound snapshot. Checked once when an isolate loads them; look-ups then trust it.

use core::fmt;

use super::format::{
    ASN_BYTES, CHECKED_FROM, COUNTRY_BYTES, ENTRY_BYTES, EntryRow, HEADER_BYTES, Head, MAGIC,
    MAX_SNAPSHOT_BYTES, NO_STACK, Rank, SECTIONS, STACK_BITS, Section, TEXT_ROW_BYTES, VERSION, checksum,
    three, u32_at, u64_at,
};
use crate::guard::settings::Settings;
use crate::types::UnixSeconds;

/// Why bytes are not used as a snapshot. The last good one stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum SnapshotError {
    /// Not a snapshot at all.
    #[error("these bytes are not a snapshot of the guard")]
    #[strum(to_string = "not_a_snapshot")]
    NotASnapshot,
    /// Made by a newer program.
    #[error("version {0} of the snapshot is newer than this program: deploy first, then publish")]
    NewerVersion(u16),
    /// Shorter or longer than it says.
    #[error("the snapshot has {found} bytes and says {stated}")]
    #[strum(to_string = "wrong_length")]
    Length {
        /// What its head says.
        stated: u64,
        /// What is there.
        found: u64,
    },
    /// Larger than any snapshot.
    #[error("the snapshot is larger than {MAX_SNAPSHOT_BYTES} bytes")]
    TooLarge,
    /// Altered on the way.
    #[error("the checksum of the snapshot does not hold")]
    #[strum(to_string = "wrong_checksum")]
    Checksum,
    /// A value has no meaning, or a number points nowhere.
    #[error("the {0} of the snapshot make no sense")]
    Nonsense(&'static str),
    /// The rows of a table are not in order.
    #[error("the {0} of the snapshot are not sorted")]
    Unsorted(&'static str),
    /// A delta for another base.
    #[error("the delta belongs to another base")]
    OtherBase,
}

codes!(SnapshotError);

/// A validated snapshot, read in place. Two words for each table; `Copy`.
#[derive(Clone, Copy)]
pub struct Snapshot<'a> {
    pub(super) head: Head,
    pub(super) entries: &'a [[u8; ENTRY_BYTES]],
    pub(super) stack_starts: &'a [[u8; 4]],
    pub(super) stack_items: &'a [[u8; 4]],
    pub(super) v4_starts: &'a [[u8; 4]],
    pub(super) v4_metas: &'a [[u8; 4]],
    pub(super) v6_starts: &'a [[u8; 8]],
    pub(super) v6_metas: &'a [[u8; 4]],
    pub(super) asns: &'a [[u8; ASN_BYTES]],
    pub(super) countries: &'a [[u8; COUNTRY_BYTES]],
    pub(super) agents: &'a [[u8; TEXT_ROW_BYTES]],
    pub(super) paths: &'a [[u8; TEXT_ROW_BYTES]],
    pub(super) globs: &'a [[u8; TEXT_ROW_BYTES]],
    /// UTF-8, but not looked at as such until a piece is shown: a view must cost nothing.
    pub(super) text: &'a [u8],
}

impl fmt::Debug for Snapshot<'_> {
    /// The head only: the tables have up to a million rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("head", &self.head)
            .field("blocks", &self.blocks())
            .finish_non_exhaustive()
    }
}

/// A snapshot with its bytes: what an isolate keeps. Validated once.
#[derive(Clone)]
pub struct Stored {
    bytes: Vec<u8>,
    head: Head,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({} bytes)", self.bytes.len())
    }
}

impl Stored {
    /// Keeps bytes that are a sound snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`] otherwise.
    pub fn new(bytes: Vec<u8>) -> Result<Self, SnapshotError> {
        let head = Snapshot::validate(&bytes)?.head;
        Ok(Self { bytes, head })
    }

    /// The snapshot. Costs a few additions: the bytes were checked before and have not changed since.
    pub fn view(&self) -> Option<Snapshot<'_>> {
        Snapshot::lay_out(self.head, &self.bytes).ok()
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'a> Snapshot<'a> {
    /// Checks everything: length, version, checksum, order, and that no number points outside.
    ///
    /// # Errors
    /// [`SnapshotError`] for the first thing that is wrong. Never panics, whatever the bytes.
    pub fn validate(bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        use SnapshotError as E;
        if bytes.get(..8) != Some(MAGIC.as_slice()) {
            return Err(E::NotASnapshot);
        }
        let version = bytes.get(8..).and_then(|rest| rest.first_chunk()).map(|two| u16::from_le_bytes(*two));
        match version {
            Some(VERSION) => {}
            Some(newer) if newer > VERSION => return Err(E::NewerVersion(newer)),
            _ => return Err(E::NotASnapshot),
        }
        if bytes.len() > MAX_SNAPSHOT_BYTES {
            return Err(E::TooLarge);
        }
        let (stated, found) = (u32_at(bytes, 12).map_or(0, u64::from), bytes.len() as u64);
        if stated != found || bytes.len() < HEADER_BYTES {
            return Err(E::Length { stated, found });
        }
        if u64_at(bytes, 16) != Some(checksum(bytes)) || bytes.get(10..12) != Some(&[0, 0]) {
            return Err(E::Checksum);
        }
        let head = bytes.get(..HEADER_BYTES).and_then(Head::read).ok_or(E::Nonsense("settings"))?;
        let snapshot = Self::lay_out(head, bytes)?;
        snapshot.check()?;
        Ok(snapshot)
    }

    /// Finds the tables. Cheap, and safe on any bytes; says nothing about what is in them.
    fn lay_out(head: Head, bytes: &'a [u8]) -> Result<Self, SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Nonsense("counts");
        let mut tables =
            Tables { head: &head, rest: bytes.get(HEADER_BYTES..).unwrap_or_default(), section: 0 };
        let snapshot = Self {
            head,
            entries: tables.take(Section::Entries)?,
            stack_starts: tables.take(Section::StackStarts)?,
            stack_items: tables.take(Section::StackItems)?,
            v4_starts: tables.take(Section::V4Starts)?,
            v4_metas: tables.take(Section::V4Metas)?,
            v6_starts: tables.take(Section::V6Starts)?,
            v6_metas: tables.take(Section::V6Metas)?,
            asns: tables.take(Section::Asns)?,
            countries: tables.take(Section::Countries)?,
            agents: tables.take(Section::Agents)?,
            paths: tables.take(Section::Paths)?,
            globs: tables.take(Section::Globs)?,
            text: tables.text()?,
        };
        let pairs = snapshot.v4_starts.len() == snapshot.v4_metas.len()
            && snapshot.v6_starts.len() == snapshot.v6_metas.len();
        if pairs { Ok(snapshot) } else { Err(WRONG) }
    }

    fn check(&self) -> Result<(), SnapshotError> {
        use SnapshotError as E;
        core::str::from_utf8(self.text).map_err(|_| E::Nonsense("texts"))?;
        let mut strongest = Rank::Allow;
        for row in self.entries {
            let entry = EntryRow::read(row).ok_or(E::Nonsense("entries"))?;
            if entry.rank < strongest {
                return Err(E::Unsorted("entries"));
            }
            strongest = entry.rank;
            self.piece(entry.note.start, entry.note.length).ok_or(E::Nonsense("notes"))?;
        }
        self.check_stacks()?;
        let v4 = self.v4_starts.iter().map(|start| u64::from(u32::from_le_bytes(*start)));
        self.check_blocks(v4.zip(self.v4_metas), 32)?;
        let v6 = self.v6_starts.iter().map(|start| u64::from_le_bytes(*start));
        self.check_blocks(v6.zip(self.v6_metas), 64)?;

        let stacks = self.stack_starts.len() as u64;
        let asns = || self.asns.iter().map(three);
        let sound =
            |[_, stack, strict]: [u32; 3]| (stack == NO_STACK || u64::from(stack) < stacks) && strict <= 1;
        if !asns().all(sound) {
            return Err(E::Nonsense("asns"));
        }
        if !asns().is_sorted_by(|[a, ..], [b, ..]| a < b) {
            return Err(E::Unsorted("asns"));
        }
        if !self
            .countries
            .iter()
            .all(|[_, _, _, _, stack @ ..]| u64::from(u32::from_le_bytes(*stack)) < stacks)
        {
            return Err(E::Nonsense("countries"));
        }
        if !self.countries.is_sorted_by(|[a, b, ..], [c, d, ..]| (a, b) < (c, d)) {
            return Err(E::Unsorted("countries"));
        }
        for (table, name) in [(self.agents, "agents"), (self.paths, "paths"), (self.globs, "globs")] {
            let sound = |[start, length, entry]: [u32; 3]| {
                self.piece(start, length).is_some() && (entry as usize) < self.entries.len()
            };
            if !table.iter().map(three).all(sound) {
                return Err(E::Nonsense(name));
            }
        }
        let paths = self.paths.iter().map(three).map(|[start, length, _]| self.piece(start, length));
        if paths.is_sorted() { Ok(()) } else { Err(E::Unsorted("paths")) }
    }

    fn check_stacks(&self) -> Result<(), SnapshotError> {
        use SnapshotError as E;
        let mut starts = self.stack_starts.iter().map(|start| u32::from_le_bytes(*start));
        let items = self.stack_items.len();
        if !starts.clone().all(|start| start as usize <= items) {
            return Err(E::Nonsense("stacks"));
        }
        if !starts.clone().is_sorted() || starts.next().is_some_and(|first| first != 0) {
            return Err(E::Unsorted("stacks"));
        }
        let entries = self.entries.len();
        let mut items = self.stack_items.iter().map(|item| u32::from_le_bytes(*item) as usize);
        if items.all(|item| item < entries) { Ok(()) } else { Err(E::Nonsense("stacks")) }
    }

    /// Ascending, aligned, not overlapping, each with a stack. One pass.
    fn check_blocks<'b>(
        &self,
        blocks: impl Iterator<Item = (u64, &'b [u8; 4])>,
        max_bits: u32,
    ) -> Result<(), SnapshotError> {
        let stacks = self.stack_starts.len() as u32;
        // The lowest start that is still free; `None` once the last address is taken.
        let mut free = Some(0u64);
        let mut sound = true;
        let mut sorted = true;
        for (start, meta) in blocks {
            let (span, stack) = unpack(u32::from_le_bytes(*meta));
            let width_less_one = u64::MAX.checked_shr(64 - span.min(64)).unwrap_or(0);
            sound &= span <= max_bits && stack < stacks && start & width_less_one == 0;
            sorted &= free.is_some_and(|free| free <= start);
            free = start.checked_add(width_less_one).and_then(|last| last.checked_add(1));
        }
        match (sound, sorted) {
            (true, true) => Ok(()),
            (false, _) => Err(SnapshotError::Nonsense("blocks")),
            (true, false) => Err(SnapshotError::Unsorted("blocks")),
        }
    }

    /// A piece of the text section.
    pub(super) fn piece(&self, start: u32, length: u32) -> Option<&'a [u8]> {
        let start = start as usize;
        self.text.get(start..start.checked_add(length as usize)?)
    }

    /// Its number: higher is newer.
    pub const fn generation(&self) -> u64 {
        self.head.generation
    }

    /// The base that a delta belongs to; a base's own number.
    pub const fn base_generation(&self) -> u64 {
        self.head.base
    }

    /// Whether it is a delta.
    pub const fn is_delta(&self) -> bool {
        self.head.is_delta
    }

    /// When it was made.
    pub const fn made_at(&self) -> UnixSeconds {
        self.head.made_at
    }

    /// Profile, thresholds, robots.
    pub const fn settings(&self) -> &Settings {
        &self.head.settings
    }

    /// How many blocks of addresses it has.
    pub const fn blocks(&self) -> usize {
        self.v4_starts.len() + self.v6_starts.len()
    }
}

/// How many bits a block spans, and its stack.
pub(super) const fn unpack(meta: u32) -> (u32, u32) {
    (meta >> STACK_BITS, meta & ((1 << STACK_BITS) - 1))
}

/// Cuts the sections off one after the other.
struct Tables<'a, 'h> {
    head: &'h Head,
    rest: &'a [u8],
    section: usize,
}

impl<'a> Tables<'a, '_> {
    fn bytes(&mut self, wanted: Section) -> Result<&'a [u8], SnapshotError> {
        const WRONG: SnapshotError = SnapshotError::Nonsense("counts");
        let (section, row) = SECTIONS.get(self.section).ok_or(WRONG)?;
        debug_assert_eq!(*section, wanted);
        let count = *self.head.counts.get(self.section).ok_or(WRONG)?;
        let length = row.checked_mul(count as usize).ok_or(WRONG)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(WRONG)?;
        self.rest = rest;
        self.section += 1;
        Ok(bytes)
    }

    fn take<const N: usize>(&mut self, wanted: Section) -> Result<&'a [[u8; N]], SnapshotError> {
        let (rows, rest) = self.bytes(wanted)?.as_chunks();
        if rest.is_empty() { Ok(rows) } else { Err(SnapshotError::Nonsense("counts")) }
    }

    /// The last section, which must end where the bytes end.
    fn text(&mut self) -> Result<&'a [u8], SnapshotError> {
        let bytes = self.bytes(Section::Text)?;
        if !self.rest.is_empty() {
            return Err(SnapshotError::Nonsense("counts"));
        }
        Ok(bytes)
    }
}

const _: () = assert!(CHECKED_FROM < HEADER_BYTES);
