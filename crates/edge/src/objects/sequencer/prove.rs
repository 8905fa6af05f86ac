//! Proofs that entries are in the log, for whoever exports evidence and waits for it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::files::LogFiles;
use super::grow::root_of;
use super::messages::{MAX_LEAVES, Proven};
use super::object::Log;
use super::store::{self, Standing};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::settings::Settings;
use waxseal::evidence::merkle::{TreeHash, verify_inclusion};
use waxseal::evidence::tile::ProofPlan;

/// How long an export waits for witnesses. One that is known to fail is not asked.
const WITNESSES: Duration = Duration::from_secs(4);

impl Log {
    /// Proofs for these entries under one checkpoint that covers them all.
    pub(super) async fn prove(&self, settings: &Settings, entries: &[u64]) -> Result<Proven, Fault> {
        if entries.len() > MAX_LEAVES {
            return Err(Fault::new("too_many_entries", entries.len()));
        }
        let size = entries.iter().max().map_or(1, |last| last.saturating_add(1));
        let standing = {
            let _turn = self.writing.lock().await;
            self.noted(self.grown_to(settings, size).await)?
        };
        let asked = self.cosigned(settings, &standing);
        let checkpoint = match clock::within(WITNESSES, asked).await {
            Some(note) => note?,
            None => self.composed(settings, &standing)?,
        };
        // The alarm publishes what was signed and cosigned here.
        self.fire_by(self.due(settings)?).await?;
        let proofs = self.proofs(&standing, entries).await;
        Ok(Proven { checkpoint, proofs: self.noted(proofs)? })
    }

    /// The log once it has so many entries in its tree.
    async fn grown_to(&self, settings: &Settings, size: u64) -> Result<Standing, Fault> {
        loop {
            let before = store::load(&self.db)?.map_or(0, |standing| standing.size);
            self.integrate(settings).await?;
            let Some(standing) = store::load(&self.db)? else {
                return Err(Fault::new("log_empty", "it has no entries"));
            };
            if standing.size >= size {
                return Ok(standing);
            }
            if standing.size == before {
                return Err(Fault::new("no_such_entry", size.saturating_sub(1)));
            }
        }
    }

    /// The proofs, verified: a tile that was changed in the bucket gives none.
    async fn proofs(&self, standing: &Standing, entries: &[u64]) -> Result<Vec<Vec<TreeHash>>, Fault> {
        let plans = entries
            .iter()
            .map(|index| ProofPlan::inclusion(*index, standing.size).map_err(|e| Fault::new(e.code(), e)))
            .collect::<Result<Vec<_>, _>>()?;
        let wanted: BTreeSet<_> = plans.iter().flat_map(ProofPlan::tiles).collect();
        let tiles = LogFiles::open(&self.env)?.tiles(wanted).await?;
        let root = root_of(standing)?;
        let mut proofs = Vec::with_capacity(plans.len());
        for (index, plan) in entries.iter().zip(plans) {
            let proof = plan.build(&tiles).map_err(|e| Fault::new(e.code(), e))?;
            let leaf = store::leaves(&self.db, *index, 1)?;
            let leaf = leaf.first().ok_or_else(|| Fault::new("no_such_entry", index))?.tree_hash();
            verify_inclusion(*index, standing.size, &leaf, &proof, &root)
                .map_err(|e| Fault::new(e.code(), e))?;
            proofs.push(proof);
        }
        Ok(proofs)
    }
}
