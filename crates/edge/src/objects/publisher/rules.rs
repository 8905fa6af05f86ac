//! The rules: which hold, which held, and what operators put into KV past the API.

use worker::{Env, Storage};

use super::kv::{self, Mark, Namespace};
use super::messages::{NewRules, RulesOutcome};
use super::publish::{ANOTHER, loaded, own, settle};
use super::store::{self, State};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::log::Line;
use crate::platform::sql::Database;
use waxseal::api::{RulesPut, RulesRefused, RulesText, RulesVersion};
use waxseal::guard::diff::diff;
use waxseal::guard::review::review;
use waxseal::guard::rules::Diagnostic;
use waxseal::guard::{Checked, Rules};

/// For so long KV may answer what stood there before the publisher put rules. Until then that is no news.
const STALE_SECONDS: u64 = 120;

/// Puts rules in force. What was decided is on disk before anything is published, and the alarm finishes what a crash cuts
/// short; asked again, the same rules are in force already, whatever `if_match` says.
pub(super) async fn put(
    env: &Env,
    storage: &Storage,
    db: &Database,
    new: NewRules,
    if_match: Option<&str>,
    dry_run: bool,
) -> Result<RulesOutcome, Fault> {
    let kv = Namespace::open(env)?;
    let lost = match own(&kv, &loaded(db)?).await {
        Err(fault) if fault.code == ANOTHER => return Ok(RulesOutcome::OfAnother),
        lost => lost?,
    };
    // What operators put past the API and nobody saw yet counts as a change like every other.
    take_in(db, &kv).await?;
    let text = match new {
        NewRules::Text(text) => text,
        NewRules::Version(version) => match text(db, Some(version))? {
            Some(found) => found.text,
            None => return Ok(RulesOutcome::Unknown),
        },
    };
    let checked = match Checked::read(text.as_bytes()) {
        Ok(checked) => checked,
        Err(error) => return Ok(RulesOutcome::Invalid(error.diagnostics().to_vec())),
    };
    let before = in_force(db)?;
    let state = loaded(db)?;
    let sha256 = checked.sha256();
    let unchanged = state.rules.as_ref().is_some_and(|rules| rules.sha256 == sha256);
    if !unchanged && if_match.is_some_and(|tags| !names(tags, version(&state))) {
        return Ok(RulesOutcome::Changed);
    }
    let now = clock::now().seconds();
    if !dry_run {
        if !unchanged {
            hold(db, Some((&checked, sha256)))?;
        }
        store::update(db, |state| {
            // Else nothing is to be written: they stand there.
            if !unchanged || state.refused.take().is_some() {
                (state.unwritten, state.untold, state.put_at) = (true, true, now);
            }
        })?;
        settle(env, storage, db, &kv, lost).await?;
    }
    let state = loaded(db)?;
    Ok(RulesOutcome::InForce(RulesPut {
        version: version(&state),
        rules: state.rules,
        profile: state.profile,
        unchanged,
        diff: diff(&before, &checked.rules),
        warnings: review(&checked.rules, now).warnings,
    }))
}

/// Of the rules in force; 0 for the shipped ones.
pub(super) fn version(state: &State) -> u64 {
    state.rules.as_ref().map_or(0, |rules| rules.version)
}

/// Whether `If-Match` has this version, as an entity tag.
fn names(tags: &str, version: u64) -> bool {
    let tag = format!("\"{version}\"");
    // What compresses on the way makes the tag of an answer a weak one, and a client sends back what it got.
    tags.split(',').map(str::trim).any(|one| one.strip_prefix("W/").unwrap_or(one) == tag || one == "*")
}

/// The text of a version; without one, of the rules in force.
pub(super) fn text(db: &Database, wanted: Option<u64>) -> Result<Option<RulesText>, Fault> {
    let version = wanted.unwrap_or(version(&loaded(db)?));
    let is_kept = || Ok::<_, Fault>(store::versions(db)?.iter().any(|kept| kept.version == version));
    if wanted.is_some() && !is_kept()? {
        return Ok(None);
    }
    Ok(Some(RulesText { version, text: store::rules_text(db, version)? }))
}

/// Takes in what operators put into KV past the API. What cannot be used is refused, and the last good rules stay.
pub(super) async fn take_in(db: &Database, kv: &Namespace) -> Result<(), Fault> {
    let (found, mark) = kv.rules().await?;
    let state = loaded(db)?;
    let now = clock::now().seconds();
    if mark.is_some() {
        // The publisher's own, this version or an earlier one.
        return note_own(db, mark);
    }
    let sha256 = found.as_deref().map(kv::sha256);
    if state.unwritten || (state.seen == sha256 && now.0 < state.put_at.0.saturating_add(STALE_SECONDS)) {
        return Ok(());
    }
    if state.seen != sha256 {
        store::update(db, |state| state.seen.clone_from(&sha256))?;
    }
    let (Some(text), Some(sha256)) = (found, sha256) else {
        if state.rules.is_some() || state.refused.is_some() {
            Line::new("guard_rules_gone").info();
            hold(db, None)?;
        }
        return Ok(());
    };
    if state.refused.as_ref().is_some_and(|refused| refused.sha256 == sha256) {
        return Ok(());
    }
    if state.rules.as_ref().is_some_and(|rules| rules.sha256 == sha256) {
        // The good ones stand there again.
        return match state.refused {
            Some(_) => store::update(db, |state| (state.refused, state.untold) = (None, true)),
            None => Ok(()),
        };
    }
    match Checked::read(text.as_bytes()) {
        Ok(checked) => hold(db, Some((&checked, sha256))),
        Err(error) => refuse(db, sha256, error.diagnostics()),
    }
}

/// Puts the rules in force into KV, where operators look for them.
pub(super) async fn write(db: &Database, kv: &Namespace) -> Result<(), Fault> {
    let state = loaded(db)?;
    if !state.unwritten {
        return Ok(());
    }
    let version = version(&state);
    kv.put_rules(&store::rules_text(db, version)?, version).await?;
    store::update(db, |state| state.unwritten = false)?;
    note_own(db, kv.rules().await?.1)
}

/// Once the publisher reads what it put, what stood there before is gone. An earlier version of its own, put back or read late, is
/// written over.
fn note_own(db: &Database, mark: Option<Mark>) -> Result<(), Fault> {
    let state = loaded(db)?;
    let now = clock::now().seconds();
    match mark {
        Some(mark) if mark.version == version(&state) && state.put_at.0 > 0 => {
            store::update(db, |state| state.put_at.0 = 0)
        }
        Some(mark)
            if mark.version != version(&state) && now.0 >= state.put_at.0.saturating_add(STALE_SECONDS) =>
        {
            store::update(db, |state| (state.unwritten, state.put_at) = (true, now))
        }
        _ => Ok(()),
    }
}

fn refuse(db: &Database, sha256: String, diagnostics: &[Diagnostic]) -> Result<(), Fault> {
    // Where it fails, not what it says: that may be an address. The status has the words.
    Line::new("guard_rules_refused")
        .with("sha256", sha256.as_str())
        .with("errors", diagnostics.len())
        .with("line", diagnostics.first().map_or(0, |it| it.line))
        .error();
    let refused = RulesRefused { sha256, at: clock::now().seconds(), diagnostics: diagnostics.to_vec() };
    store::update(db, |state| (state.refused, state.untold) = (Some(refused.clone()), true))
}

/// The rules that hold. An earlier version of this program may have accepted what is none any more: then the shipped ones hold,
/// and the text counts as refused.
pub(super) fn in_force(db: &Database) -> Result<Rules, Fault> {
    let state = loaded(db)?;
    let Some(rules) = &state.rules else { return Ok(Rules::default()) };
    match Checked::read(store::rules_text(db, rules.version)?.as_bytes()) {
        Ok(checked) => Ok(checked.rules),
        Err(error) => {
            hold(db, None)?;
            refuse(db, rules.sha256.clone(), error.diagnostics())?;
            Ok(Rules::default())
        }
    }
}

/// From now on these hold; without any, the shipped ones.
fn hold(db: &Database, new: Option<(&Checked, String)>) -> Result<(), Fault> {
    let accepted_at = clock::now().seconds();
    db.transaction(|db| {
        let mut state = loaded(db)?;
        state.asked = state.asked.saturating_add(1);
        state.rebase = state.asked;
        (state.rules, state.refused, state.untold) = (None, None, true);
        state.profile = Rules::default().settings.profile;
        if let Some((checked, sha256)) = &new {
            state.version = state.version.saturating_add(1);
            let about = RulesVersion {
                version: state.version,
                sha256: sha256.clone(),
                accepted_at,
                entries: checked.entries(),
            };
            store::add_version(db, &about, &checked.text)?;
            Line::new("guard_rules_accepted")
                .with("sha256", sha256.as_str())
                .with("version", about.version)
                .info();
            state.profile = checked.rules.settings.profile;
            state.rules = Some(about);
        }
        // What was counted belongs to the earlier ones.
        store::forget_counts(db)?;
        store::save(db, &state)
    })
}
