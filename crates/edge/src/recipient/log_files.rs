//! How everybody reads the log's files.

use worker::Env;

use crate::guard;
use crate::objects::sequencer::LogFiles;
use crate::platform::http::{Body, Call, Response};
use crate::platform::{log, response};
use waxseal::evidence::tile::{CHECKPOINT_PATH, Tile};
use waxseal::pages::headers::Kind;

/// Answers a read of `/log/` followed by `path`, the same for everybody. `None`: it is not the path of a file that a log
/// could have.
pub(crate) async fn answer(call: &Call, env: &Env, path: &str) -> Option<Response> {
    let tile: Option<Tile> = if path == CHECKPOINT_PATH { None } else { Some(path.parse().ok()?) };
    let kind = match tile {
        None => Kind::LogCheckpoint,
        Some(tile) if tile.is_full() => Kind::LogTile,
        Some(_) => Kind::LogPartialTile,
    };
    if guard::is_flood(call, env).await {
        let later = [("retry-after", "60")];
        return Some(Response::new(429, &later, Body::Empty).headers_of(Kind::Silent));
    }
    let file = match (LogFiles::open(env), tile) {
        (Ok(files), Some(tile)) => files.tile(tile).await,
        (Ok(files), None) => files.checkpoint().await,
        (Err(fault), _) => Err(fault),
    };
    Some(match file {
        Ok(Some(bytes)) => Response::new(200, &[], Body::Bytes(bytes)).headers_of(kind),
        Ok(None) => response::silent(),
        // Not silence: who watches the log would take it for a file that was taken away.
        Err(fault) => {
            log::fault("log_files", &fault);
            Response::new(503, &[("retry-after", "5")], Body::Empty).headers_of(Kind::Silent)
        }
    })
}
