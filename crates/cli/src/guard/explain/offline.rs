//! What a rules file alone says of a client: the same compiled snapshot and look-up as at the edge, with no bans in it.

use std::path::Path;

use waxseal::api::Explanation;
use waxseal::guard::{ClientFacts, SnapshotError};
use waxseal::types::UnixSeconds;

use super::super::rules_file::{FileError, RulesFile};
use super::Args;

pub(super) fn explain(args: &Args, file: &Path, now: UnixSeconds) -> Result<Explanation, FileError> {
    let stored = RulesFile::read(file)?.stored()?;
    let overlay = stored.view().ok_or(SnapshotError::OtherBase)?.with_delta(None)?;
    let Args { address: client, asn: system, country, agent, path, .. } = args;
    let facts = ClientFacts { client: *client, system: *system, country: *country, agent: agent.as_deref() };
    let verdict = overlay.lookup(&facts, now);
    Ok(Explanation::of(&overlay, overlay.settings(), &facts, &verdict, path.as_deref(), now))
}
