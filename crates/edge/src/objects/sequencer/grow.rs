//! From entries to a signed tree: entries on disk first, then tiles, then the signature, then the checkpoint in the bucket.
//! A crash between two of these leaves nothing that the next attempt would do otherwise.

use super::files::LogFiles;
use super::object::Log;
use super::store::{self, Standing};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::log::{self, Line};
use crate::platform::settings::Settings;
use waxseal::evidence::checkpoint::{Checkpoint, open_checkpoint};
use waxseal::evidence::key::LogKey;
use waxseal::evidence::merkle::TreeHash;
use waxseal::evidence::note::Note;
use waxseal::evidence::tile::Growth;
use waxseal::token::SiteKey;
use waxseal::types::UnixMillis;

/// Entries that go into the tree at once. 32 full tiles and a few more.
pub(super) const SLICE: u64 = 4_096;

/// Names of partial tiles that are kept in memory; a healthy bucket leaves a few hundred.
const MAX_PARTIALS: usize = 20_000;

/// The bucket takes one write a second for one name.
const PUT_MILLIS: u64 = 1_000;

/// Code of the fault: `SITE.log.origin` is not what it was when the log began.
const ORIGIN_CHANGED: &str = "log_origin_changed";
/// Code of the fault: the bucket has a log that is ahead of what this object knows.
const ROLLED_BACK: &str = "log_rolled_back";
/// Code of the fault: the bucket's checkpoint has the same size and another root.
const FORKED: &str = "log_forked";

/// The keys that sign, the active one first. Older ones as long as links made with them are good, so that readers who
/// have only the older one notice nothing of a rotation.
pub(super) fn keys(settings: &Settings) -> Result<Vec<LogKey>, Fault> {
    let now = clock::now().seconds();
    derived(settings, |key| key.verifies_at(now))
}

fn derived(settings: &Settings, wanted: impl Fn(&SiteKey) -> bool) -> Result<Vec<LogKey>, Fault> {
    let keys = settings.keyring.keys().filter(|key| wanted(key));
    let derived = keys.map(|key| LogKey::derive(key, &settings.site.log.origin));
    derived.map(|key| key.map_err(|e| Fault::new(e.code(), e))).collect()
}

/// A log is one name for ever: whoever has its key would take another name for another log.
pub(super) fn check_origin(settings: &Settings, standing: &Standing) -> Result<(), Fault> {
    let now = &settings.site.log.origin;
    if *now == standing.origin {
        return Ok(());
    }
    let detail =
        format!("the log's name is {}, and SITE.log.origin says {now}; set it back", standing.origin);
    Err(Fault::new(ORIGIN_CHANGED, detail))
}

/// Whether the checkpoint has the signatures that it would have now.
pub(super) fn signed_as_now(standing: &Standing, keys: &[LogKey]) -> bool {
    let Ok(note) = Note::parse(standing.note.as_bytes()) else { return false };
    note.signatures().iter().map(|line| line.id()).eq(keys.iter().map(|key| key.verifier().id()))
}

pub(super) fn root_of(standing: &Standing) -> Result<TreeHash, Fault> {
    if standing.size == 0 {
        return Ok(TreeHash::empty());
    }
    standing.root.parse().map_err(|e| Fault::new("log_row", e))
}

impl Log {
    /// Takes some of the pending entries into the tree, writes their tiles and signs. The caller has the turn.
    pub(super) async fn integrate(&self, settings: &Settings) -> Result<(), Fault> {
        let Some(standing) = store::load(&self.db)? else { return Ok(()) };
        check_origin(settings, &standing)?;
        let keys = keys(settings)?;
        let pending = store::leaves(&self.db, standing.size, SLICE)?;
        if pending.is_empty() {
            if standing.size > 0 && !signed_as_now(&standing, &keys) {
                self.sign(standing.size, root_of(&standing)?, &keys)?;
            }
            return Ok(());
        }
        let kept = self.growth.take().filter(|growth| growth.size() == standing.size);
        let mut growth = match kept {
            Some(growth) => growth,
            // A checkpoint from before a rotation was signed by a key that signs no more.
            None => self.resume(&standing, &derived(settings, |_| true)?).await?,
        };
        for leaf in &pending {
            growth.append(&leaf.to_bytes()).map_err(|e| Fault::new(e.code(), e))?;
        }
        // The order of the entries is on disk before anybody can read a tile.
        self.state.storage().sync().await?;
        let changes = growth.changes();
        self.partials
            .borrow_mut()
            .extend(changes.iter().map(|(tile, _)| *tile).filter(|tile| !tile.is_full()));
        LogFiles::open(&self.env)?.put_tiles(changes).await?;
        self.sign(growth.size(), growth.root(), &keys)?;
        // Only now: after a fault, what is in memory may be ahead of what is in the bucket.
        self.growth.replace(Some(growth));
        Ok(())
    }

    fn sign(&self, size: u64, root: TreeHash, keys: &[LogKey]) -> Result<(), Fault> {
        let origin = store::load(&self.db)?.map(|standing| standing.origin).unwrap_or_default();
        let signers: Vec<&LogKey> = keys.iter().collect();
        let note = Checkpoint::new(&origin, size, root).sign(&signers);
        let note = note.map_err(|e| Fault::new(e.code(), e))?.to_string();
        let now = clock::now();
        store::update(&self.db, |standing| {
            (standing.size, standing.root) = (size, root.to_string());
            standing.note.clone_from(&note);
            (standing.signed_at, standing.unpublished) = (Some(now), true);
        })
    }

    /// Takes the log up from the bucket. What lies there is checked against what was signed.
    async fn resume(&self, standing: &Standing, keys: &[LogKey]) -> Result<Growth, Fault> {
        let files = LogFiles::open(&self.env)?;
        self.compare(standing, keys, files.checkpoint().await?)?;
        if standing.size == 0 {
            self.begins(&files).await?;
        }
        let tiles = files.tiles(Growth::edge_tiles(standing.size)).await?;
        self.partials.borrow_mut().extend(Growth::partials(standing.size));
        Growth::resume(standing.size, &root_of(standing)?, &tiles).map_err(|e| Fault::new(e.code(), e))
    }

    /// Whether the tiles in the bucket can be those of a first attempt of ours. Others are a log that this object forgot,
    /// and that somebody took the checkpoint from.
    async fn begins(&self, files: &LogFiles) -> Result<(), Fault> {
        let Some((number, there)) = files.first_entry().await? else { return Ok(()) };
        match store::leaves(&self.db, number, 1)?.first() {
            Some(ours) if ours.to_bytes()[..] == there[..] => Ok(()),
            _ => Err(Fault::new(
                ROLLED_BACK,
                "the bucket has tiles of a log of which this object knows nothing, and no checkpoint of it",
            )),
        }
    }

    /// Whether the bucket's checkpoint can be one of ours from before. One that is ahead was signed by this log and
    /// forgotten: its storage was put back or lost, and to go on would be a second history.
    fn compare(&self, standing: &Standing, keys: &[LogKey], found: Option<Vec<u8>>) -> Result<(), Fault> {
        let genuine = found.as_deref().and_then(|bytes| {
            let note = Note::parse(bytes).ok()?;
            keys.iter().find_map(|key| open_checkpoint(&note, key.verifier(), &[]).ok())
        });
        let (size, ours) = (standing.size, standing.size);
        match genuine.map(|opened| opened.checkpoint) {
            Some(there) if there.size > ours => Err(Fault::new(
                ROLLED_BACK,
                format!("the bucket's checkpoint has {} entries, this object knows {ours}", there.size),
            )),
            Some(there) if there.size == size && size > 0 && there.root != root_of(standing)? => {
                Err(Fault::new(FORKED, format!("the bucket's checkpoint of {size} entries has another root")))
            }
            Some(there) if there.size == size => Ok(()),
            // An older one, none, or none of ours. That is so after a crash before it was published, too.
            _ if standing.unpublished || size == 0 => Ok(()),
            _ => {
                Line::new("log_checkpoint_replaced").with("size", size).error();
                store::update(&self.db, |standing| standing.unpublished = true)
            }
        }
    }

    /// Puts the newest checkpoint into the bucket, unless it is there or one was put just now. The caller has the turn.
    pub(super) async fn publish(&self, settings: &Settings) -> Result<(), Fault> {
        let Some(standing) = store::load(&self.db)?.filter(|standing| standing.unpublished) else {
            return Ok(());
        };
        if clock::now() < self.put_due() {
            return Ok(());
        }
        // The signature is on disk before anybody can read it.
        self.state.storage().sync().await?;
        let note = self.composed(settings, &standing)?;
        LogFiles::open(&self.env)?.put_checkpoint(&note).await?;
        self.put_at.set(clock::now());
        // A witness may have answered meanwhile.
        let done = store::load(&self.db)?.is_some_and(|now| {
            now.note == standing.note && self.composed(settings, &now).is_ok_and(|composed| composed == note)
        });
        self.published.set(standing.size);
        store::update(&self.db, |standing| standing.unpublished = !done)
    }

    /// Deletes the partial tiles in whose place everybody finds full ones: each event leaves two, and a year of events
    /// many more than the log itself takes. Whoever still asks for one gets it from the full one. Nobody writes them again, so it
    /// needs no turn. What a crash leaves of them stays, and does no harm.
    pub(super) async fn clear(&self) {
        let size = self.published.get();
        let mut outgrown = self.partials.borrow().clone();
        outgrown.retain(|tile| tile.is_outgrown(size));
        if outgrown.is_empty() {
            return;
        }
        let files = LogFiles::open(&self.env);
        let deleted = async { files?.delete(&outgrown).await };
        let outcome = deleted.await;
        let mut partials = self.partials.borrow_mut();
        match outcome {
            // As long as the bucket refuses, they are tried again; not for ever, for memory has an end.
            Err(fault) if partials.len() < MAX_PARTIALS => log::fault("log_clear", &fault),
            _ => partials.retain(|tile| !outgrown.contains(tile)),
        }
    }

    /// When the checkpoint may be put again. A clock that was ahead holds nothing up.
    pub(super) fn put_due(&self) -> UnixMillis {
        let last = self.put_at.get();
        let again = last.0.saturating_add(PUT_MILLIS);
        UnixMillis(if again > clock::now().0.saturating_add(2 * PUT_MILLIS) { 0 } else { again })
    }

    /// The checkpoint with the cosignatures that there are of it.
    pub(super) fn composed(&self, settings: &Settings, standing: &Standing) -> Result<String, Fault> {
        let mut note = standing.note.clone();
        for witness in &settings.site.log.witnesses {
            let seen = store::seen(&self.db, &witness.key.to_string())?;
            if seen.size == standing.size {
                note.push_str(&seen.lines);
            }
        }
        Ok(note)
    }
}
