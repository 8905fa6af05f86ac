//! The log's files (C2SP tlog-tiles) in the bucket.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use worker::{Bucket, Conditional, Data, Env};

use crate::platform::bucket::BINDING;
use crate::platform::error::Fault;
use crate::platform::{clock, tasks};
use waxseal::evidence::tile::{CHECKPOINT_PATH, TILE_WIDTH, Tile, TileSet, decode_entries};

/// Where they lie in the bucket, and below `/` for everybody.
const PREFIX: &str = "log/";
/// And the tiles of the entries.
const ENTRIES: &str = "tile/entries/";

/// Longer than any file of ours: 256 entries of 67 bytes, or a checkpoint with its signatures.
const MAX_BYTES: u64 = 64 * 1024;

/// Keys that the platform deletes in one call.
const MAX_DELETED: usize = 1_000;

/// Longer than a healthy store takes, and shorter than whoever asked waits.
const PATIENCE: Duration = Duration::from_secs(8);

/// Code of the fault of a file that is larger than any of ours.
const TOO_LARGE: &str = "log_file_too_large";

/// The files of one site's log.
pub(crate) struct LogFiles(Bucket);

impl LogFiles {
    pub(crate) fn open(env: &Env) -> Result<Self, Fault> {
        Ok(Self(env.bucket(BINDING).map_err(|e| Fault::new("binding_letters", e))?))
    }

    /// Those of these tiles that there are. One that is missing is noticed by whoever needs it.
    pub(crate) async fn tiles(&self, wanted: impl IntoIterator<Item = Tile>) -> Result<TileSet, Fault> {
        let read =
            wanted.into_iter().map(|tile| async move { Ok::<_, Fault>((tile, self.tile(tile).await?)) });
        let mut tiles = TileSet::new();
        for found in tasks::all(read).await {
            if let (tile, Some(bytes)) = found? {
                tiles.insert(tile, bytes).map_err(|e| Fault::new(e.code(), e))?;
            }
        }
        Ok(tiles)
    }

    /// A tile; a partial one that is gone is the beginning of the full one.
    pub(crate) async fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Fault> {
        let found = self.read(&tile.to_string()).await?;
        if found.is_some() || tile.is_full() {
            return Ok(found);
        }
        let Some(full) = self.read(&tile.filled().to_string()).await? else { return Ok(None) };
        let cut = tile.cut(&full).ok_or_else(|| Fault::new("tile_length", tile.filled()))?;
        Ok(Some(cut.to_vec()))
    }

    /// Deletes tiles. Those that are not there are none.
    pub(crate) async fn delete(&self, tiles: &BTreeSet<Tile>) -> Result<(), Fault> {
        let keys: Vec<String> = tiles.iter().map(|tile| format!("{PREFIX}{tile}")).collect();
        for some in keys.chunks(MAX_DELETED) {
            let deleted = self.0.delete_multiple(some.to_vec());
            patiently(async { deleted.await.map_err(|e| Fault::new("log_delete", e)) }).await?;
        }
        Ok(())
    }

    /// Writes tiles. The same name always has the same content, so what was written before a fault does no harm.
    pub(crate) async fn put_tiles(&self, tiles: Vec<(Tile, Vec<u8>)>) -> Result<(), Fault> {
        let put = tiles.into_iter().map(|(tile, bytes)| self.put(tile.to_string(), bytes));
        tasks::all(put).await.into_iter().collect()
    }

    pub(crate) async fn checkpoint(&self) -> Result<Option<Vec<u8>>, Fault> {
        self.read(CHECKPOINT_PATH).await
    }

    /// Puts the checkpoint in the place of the one that is there. A write that took so long that it was given up may land
    /// after this one: it finds another checkpoint than it was meant to replace, and does nothing.
    pub(crate) async fn put_checkpoint(&self, note: &str) -> Result<(), Fault> {
        let key = format!("{PREFIX}{CHECKPOINT_PATH}");
        patiently(async {
            let there = self.0.head(&key).await.map_err(|e| Fault::new("log_get", e))?;
            let same = match there {
                Some(there) => Conditional { etag_matches: Some(there.etag()), ..Conditional::default() },
                None => Conditional { etag_does_not_match: Some("*".to_owned()), ..Conditional::default() },
            };
            let put = self.0.put(&key, Data::Bytes(note.as_bytes().to_vec())).only_if(same).execute().await;
            match put.map_err(|e| Fault::new("log_put", e))? {
                Some(_) => Ok(()),
                None => Err(Fault::new("log_checkpoint_raced", "another write came in between")),
            }
        })
        .await
    }

    /// The first entry that lies in the bucket, and its number: nothing in a log that has not begun, and no bytes for what is no
    /// tile. After a first attempt that failed half way it may be that of any tile.
    pub(crate) async fn first_entry(&self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let first = patiently(async {
            let list = self.0.list().prefix(format!("{PREFIX}{ENTRIES}")).limit(1).execute().await;
            let list = list.map_err(|e| Fault::new("log_list", e))?;
            Ok(list.objects().first().map(worker::Object::key))
        });
        let Some(key) = first.await? else { return Ok(None) };
        let path = key.strip_prefix(PREFIX).unwrap_or_default();
        let number =
            path.parse::<Tile>().map_or(0, |tile| tile.index().saturating_mul(u64::from(TILE_WIDTH)));
        let bytes = self.read(path).await?.unwrap_or_default();
        let first =
            decode_entries(&bytes).ok().and_then(|entries| entries.first().map(|entry| entry.to_vec()));
        Ok(Some((number, first.unwrap_or_default())))
    }

    async fn read(&self, path: &str) -> Result<Option<Vec<u8>>, Fault> {
        patiently(async {
            let object = self.0.get(format!("{PREFIX}{path}")).execute().await;
            let Some(object) = object.map_err(|e| Fault::new("log_get", e))? else { return Ok(None) };
            if object.size() > MAX_BYTES {
                return Err(Fault::new(TOO_LARGE, format!("{path} has {} bytes", object.size())));
            }
            let Some(body) = object.body() else { return Ok(None) };
            Ok(Some(body.bytes().await.map_err(|e| Fault::new("log_get", e))?))
        })
        .await
    }

    async fn put(&self, path: String, bytes: Vec<u8>) -> Result<(), Fault> {
        patiently(async {
            let put = self.0.put(format!("{PREFIX}{path}"), Data::Bytes(bytes)).execute().await;
            put.map(|_| ()).map_err(|e| Fault::new("log_put", e))
        })
        .await
    }
}

async fn patiently<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let silent = || Err(Fault::new("log_bucket_silent", "no answer in time"));
    clock::within(PATIENCE, work).await.unwrap_or_else(silent)
}
