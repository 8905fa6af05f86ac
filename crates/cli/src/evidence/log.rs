//! The log as its site serves it to everybody: is it still the log of the bundle, and of a checkpoint that somebody kept, and
//! is there more in it about this letter?

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde::Serialize;
use tokio::task::JoinSet;
use waxseal::evidence::bundle::{Files, contents};
use waxseal::evidence::checkpoint::{Checkpoint, FollowError, Opened, follows, open_checkpoint};
use waxseal::evidence::leaf::{Leaf, Sighting, Watch};
use waxseal::evidence::merkle::{Frontier, TreeHash};
use waxseal::evidence::note::{MAX_NOTE_BYTES, Note};
use waxseal::evidence::report::{Report, Trust, VerifyError};
use waxseal::evidence::tile::{CHECKPOINT_PATH, ProofPlan, Row, Tile, TileSet, decode_entries};

use crate::error::{chain, coded};
use crate::http::{ClientError, Retry, client, retry_after, worth_retrying};
use crate::origin::Origin;
use crate::output::Output;

/// A tile has 17 kB; a slow line may take its time for it.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// So many tiles are asked for at once.
const CONCURRENCY: u64 = 8;
const MAX_RETRIES: u32 = 3;
/// A checkpoint is served this much later than it was signed, at the most often.
const LAG_CHECK_INTERVAL: Duration = Duration::from_secs(1);
const MAX_LAG_CHECKS: u32 = 5;
/// The longest tile that is read, in bytes: entries of our logs have 65 each, those of others may have more.
const MAX_TILE_BYTES: usize = 1 << 20;

/// What the look at the served log showed.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    /// Where.
    url: String,
    /// Entries of the log as it is served now.
    size: u64,
    /// Entries that were looked at; all of them, unless something was wrong before.
    looked_at: u64,
    /// Entries of the kept checkpoint, if it is this log's beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    older: Option<u64>,
    /// The first entry of this letter that was added after the bundle's checkpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    later: Option<u64>,
    #[serde(skip)]
    broken: Option<VerifyError>,
}

/// Why the served log could not be read.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", prefix = "log_")]
pub(super) enum LogError {
    #[error(transparent)]
    #[strum(transparent)]
    Client(#[from] ClientError),
    #[error("{0} could not be reached: {1}")]
    Unreachable(Origin, String),
    #[error("{origin} has no {file} of the log: it answered {status}")]
    #[strum(to_string = "file_missing")]
    Missing { origin: Origin, file: String, status: u16 },
}

// What could not be read says nothing about the evidence: it may be the network, or another site. A log whose checkpoint could
// be read is another matter; see [`Look::take`].
coded!(LogError: usage);

/// Why a look ended: the evidence does not hold, or the log could not be read.
enum End {
    Broken(VerifyError),
    Unread(LogError),
}

impl From<LogError> for End {
    fn from(error: LogError) -> Self {
        Self::Unread(error)
    }
}

impl Comparison {
    /// Says in the report what was found.
    pub(super) fn tell(&self, report: &mut Report) {
        let Self { url, size, .. } = self;
        if let Some(error) = &self.broken {
            report.holds = false;
            report.broken = Some(error.clone());
            return;
        }
        report.checked.push(format!(
            "The log that {url} serves now has {size} entries, and begins with the log of this bundle."
        ));
        if let Some(older) = self.older {
            report.checked.push(format!(
                "It begins with the log of the checkpoint that you kept, of {older} entries: nothing in that was changed."
            ));
        }
        report.checked.push(format!(
            "All of its {size} entries were looked at: none is a second history of this letter."
        ));
        // That sentence asks for what has just been done.
        report.not_checked.retain(|sentence| !sentence.starts_with("Whether the letter has later events"));
        report.not_checked.push(match self.later {
            Some(entry) => format!(
                "What happened to the letter since: it has later events, from entry {entry} on. Ask for a newer bundle."
            ),
            None => "What happens to the letter from now on: at this moment it has no later events.".to_owned(),
        });
    }
}

/// Looks at the log that `origin` serves. The bundle was verified before.
pub(super) async fn compare(
    origin: &Origin,
    files: &Files,
    trust: &Trust,
    older: Option<&Note>,
    output: Output,
) -> Result<Comparison, LogError> {
    let served = Served { client: client(READ_TIMEOUT, origin)?, origin: origin.clone() };
    let look = Look { served, files, trust, older, output };
    let mut found =
        Comparison { url: origin.to_string(), size: 0, looked_at: 0, older: None, later: None, broken: None };
    look.take(&mut found).await?;
    // A bundle may be a second or two newer than what is served: only a log that stays behind was put back.
    let shrunk = FollowError::Shrunk { from: 0, to: 0 }.code();
    for _ in 0..MAX_LAG_CHECKS {
        if found.broken.as_ref().is_none_or(|error| error.code != shrunk) {
            break;
        }
        tokio::time::sleep(LAG_CHECK_INTERVAL).await;
        look.take(&mut found).await?;
    }
    Ok(found)
}

/// A note of this log, or what is wrong with it.
fn opened(note: &Note, file: &str, trust: &Trust) -> Result<Opened, End> {
    open_checkpoint(note, &trust.log, &trust.witnesses).map_err(|error| broken(file, error.code(), error))
}

fn broken(file: &str, code: &'static str, words: impl ToString) -> End {
    End::Broken(VerifyError { file: file.to_owned(), line: None, code, words: words.to_string() })
}

/// What is compared with what.
struct Look<'a> {
    served: Served,
    files: &'a Files,
    trust: &'a Trust,
    older: Option<&'a Note>,
    output: Output,
}

impl Look<'_> {
    async fn take(&self, found: &mut Comparison) -> Result<(), LogError> {
        found.broken = None;
        match self.compare(found).await {
            Err(End::Unread(error)) => return Err(error),
            Err(End::Broken(error)) => found.broken = Some(error),
            Ok(()) => {}
        }
        Ok(())
    }

    async fn compare(&self, found: &mut Comparison) -> Result<(), End> {
        let file = format!("{}/log/{CHECKPOINT_PATH}", self.served.origin);
        let bytes = self.served.get(CHECKPOINT_PATH, MAX_NOTE_BYTES).await?;
        let note = Note::parse(&bytes).map_err(|error| broken(&file, error.code(), error))?;
        let now = opened(&note, &file, self.trust)?.checkpoint;
        found.size = now.size;
        let kept = self.files.get("checkpoint").and_then(|bytes| Note::parse(bytes).ok());
        let Some(ours) = kept.and_then(|note| opened(&note, "checkpoint", self.trust).ok()) else {
            return Ok(());
        };
        match self.grown(found, &now, &ours).await {
            // What a signed tree has cannot be at another site, or gone.
            Err(End::Unread(LogError::Missing { file: missing, status, .. })) if is_gone(status) => {
                let words =
                    format!("the log that was signed has it, and {} answered {status}", self.served.origin);
                Err(broken(&missing, "log_file_missing", words))
            }
            other => other,
        }
    }

    /// Whether the log of this checkpoint grew out of what is known of it, and what it has of the letter.
    async fn grown(&self, found: &mut Comparison, now: &Checkpoint, ours: &Opened) -> Result<(), End> {
        // Both were signed before now, so both have to be a beginning of what is served.
        let name = "the checkpoint that you kept";
        let kept = self.older.map(|note| opened(note, name, self.trust)).transpose()?;
        self.served.follows("the bundle's checkpoint", &ours.checkpoint, now).await?;
        if let Some(kept) = kept {
            self.served.follows(name, &kept.checkpoint, now).await?;
            found.older = Some(kept.checkpoint.size);
        }
        self.served.search(self.files, &ours.checkpoint, now, self.output, found).await
    }
}

/// Whether the answer is final, and not about the moment or who asks.
fn is_gone(status: u16) -> bool {
    matches!(status, 200 | 404 | 410)
}

struct Served {
    client: Client,
    origin: Origin,
}

impl Served {
    /// A file of the log.
    async fn get(&self, path: &str, limit: usize) -> Result<Vec<u8>, LogError> {
        let url = self.origin.at(&format!("/log/{path}"));
        let mut retry = Retry::new(MAX_RETRIES);
        let missing =
            |status| LogError::Missing { origin: self.origin.clone(), file: path.to_owned(), status };
        loop {
            let failed = match self.client.get(url.clone()).send().await {
                Ok(reply) if reply.status() == StatusCode::OK => match read(reply, limit).await {
                    Ok(Some(bytes)) => return Ok(bytes),
                    Ok(None) => return Err(missing(200)),
                    Err(error) => LogError::Unreachable(self.origin.clone(), chain(&error.without_url())),
                },
                Ok(reply) if worth_retrying(reply.status()) => {
                    if retry.pause(retry_after(reply.headers())).await {
                        continue;
                    }
                    return Err(missing(reply.status().as_u16()));
                }
                Ok(reply) => return Err(missing(reply.status().as_u16())),
                Err(error) => LogError::Unreachable(self.origin.clone(), chain(&error.without_url())),
            };
            if !retry.pause(None).await {
                return Err(failed);
            }
        }
    }

    /// A tile. A partial one may be gone once the full one is there (tlog-tiles, "Partial Tiles").
    async fn tile(&self, tile: Tile) -> Result<Vec<u8>, LogError> {
        match self.get(&tile.to_string(), MAX_TILE_BYTES).await {
            Err(missing @ LogError::Missing { status, .. }) if !tile.is_full() && is_gone(status) => {
                match self.get(&tile.filled().to_string(), MAX_TILE_BYTES).await {
                    Ok(full) => tile.cut(&full).map(<[u8]>::to_vec).ok_or(missing),
                    Err(LogError::Missing { .. }) => Err(missing),
                    Err(error) => Err(error),
                }
            }
            other => other,
        }
    }

    /// Whether the log as it is served grew out of an earlier one. The proof is made from the served tiles.
    async fn follows(&self, name: &str, before: &Checkpoint, now: &Checkpoint) -> Result<(), End> {
        let mut proof = Vec::new();
        if let Ok(plan) = ProofPlan::consistency(before.size, now.size) {
            let mut tiles = TileSet::new();
            for tile in plan.tiles() {
                let bytes = self.tile(tile).await?;
                let inserted = tiles.insert(tile, bytes);
                inserted.map_err(|error| broken(&tile.to_string(), error.code(), error))?;
            }
            // A proof that could not be made is too short, and refused for it.
            proof = plan.build(&tiles).unwrap_or_default();
        }
        let file = format!("{}/log", self.origin);
        follows(before, now, &proof).map_err(|error| {
            broken(&file, error.code(), format_args!("it does not begin with the log of {name}: {error}"))
        })
    }

    /// Goes through all entries.
    async fn search(
        &self,
        files: &Files,
        ours: &Checkpoint,
        now: &Checkpoint,
        output: Output,
        found: &mut Comparison,
    ) -> Result<(), End> {
        let Some(contents) = contents(files) else { return Ok(()) };
        let watch = Watch::new(contents.letter, &contents.rows);
        let mut frontier = Frontier::new();
        let waiting = output.spinner("looking through the log");
        let mut index = 0u64;
        let mut tile = 0u64;
        while let Some(batch) = self.batch(tile, now.size).await? {
            tile = tile.saturating_add(batch.len() as u64);
            for (tile, bytes) in batch {
                let entries = decode_entries(&bytes).unwrap_or_default();
                if entries.len() != usize::from(tile.width()) {
                    let words = "it has not as many entries as its name says";
                    return Err(broken(&tile.to_string(), "tile_length", words));
                }
                for entry in entries {
                    let leaf = Leaf::from_bytes(entry).ok();
                    match leaf.and_then(|leaf| watch.look(index, &leaf)) {
                        None => {}
                        Some(Sighting::Continued { .. }) if index >= ours.size => {
                            found.later = found.later.or(Some(index));
                        }
                        Some(sighting) => {
                            let when = match sighting {
                                Sighting::Continued { .. } => {
                                    ". It was there before the bundle's checkpoint was signed; if that is because it came while \
                                     the bundle was being made, a newer bundle has it"
                                }
                                Sighting::Fork { .. } => "",
                            };
                            let words = format_args!("{sighting}{when}");
                            return Err(broken(&tile.to_string(), sighting.code(), words));
                        }
                    }
                    // Sizes are below 2^63 everywhere here.
                    let _ = frontier.push(TreeHash::leaf(entry));
                    index = index.saturating_add(1);
                }
            }
        }
        waiting.finish_and_clear();
        found.looked_at = index;
        if frontier.root() != now.root {
            let file = format!("{}/log/tile/entries", self.origin);
            let words = "the entries are not those that the checkpoint stands for";
            return Err(broken(&file, "log_entries_differ", words));
        }
        Ok(())
    }

    /// Some tiles of entries, from number `from` on; `None` behind the last.
    async fn batch(&self, from: u64, size: u64) -> Result<Option<Vec<(Tile, Vec<u8>)>>, LogError> {
        let tiles = (from..from.saturating_add(CONCURRENCY)).map_while(|n| Tile::of(Row::Entries, n, size));
        let mut asked = JoinSet::new();
        for tile in tiles {
            let served = Self { client: self.client.clone(), origin: self.origin.clone() };
            asked.spawn(async move {
                let bytes = served.tile(tile).await;
                bytes.map(|bytes| (tile, bytes))
            });
        }
        let mut batch = Vec::new();
        while let Some(done) = asked.join_next().await {
            let done = done.map_err(|error| LogError::Unreachable(self.origin.clone(), error.to_string()))?;
            batch.push(done?);
        }
        batch.sort_unstable_by_key(|(tile, _)| *tile);
        Ok(Some(batch).filter(|batch| !batch.is_empty()))
    }
}

/// A body of at most `limit` bytes; `None` if there is more.
async fn read(mut reply: reqwest::Response, limit: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = reply.chunk().await? {
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}
