//! The rules: which hold, which held, and what operators put into KV past the API.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use worker::{Env, Storage};

use super::messages::{NewRules, RulesOutcome};
use super::namespace::{self, Mark, RULES};
use super::publish::{Pointer, loaded, pointer, settle};
use super::store::{self, Found, State};
use crate::platform::clock;
use crate::platform::error::Fault;
use crate::platform::kv::Namespace;
use crate::platform::log::Line;
use crate::platform::sql::Database;
use waxseal::api::{RulesPut, RulesRefused, RulesText, RulesVersion};
use waxseal::guard::diff::diff;
use waxseal::guard::review::review;
use waxseal::guard::rules::Diagnostic;
use waxseal::guard::{Checked, Rules};

/// For so long and longer KV may answer, here and there, what stood there before. What stood there once is put there again when nothing
/// else was read for this time.
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
    let kv = namespace::open(env)?;
    let pointer = pointer(&kv, &loaded(db)?).await?;
    if pointer == Pointer::OfAnother {
        return Ok(RulesOutcome::OfAnother);
    }
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
                (state.unwritten, state.unreported) = (true, true);
            }
        })?;
        settle(env, storage, db, &kv, pointer).await?;
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
    let (text, metadata) = kv.text_with_metadata(RULES).await?;
    let sha256 = text.as_ref().map(sha256);
    let mark = metadata.and_then(|value| serde_json::from_value::<Mark>(value).ok());
    let mark = mark.filter(|mark| sha256.as_ref() == Some(&mark.sha256)).map(|mark| mark.version);
    let now = clock::now().seconds();
    let mut state = loaded(db)?;
    // What operators put there while ours waits to be written is newer than ours.
    let is_news = |text: &String| state.found.sha256.as_ref() != Some(text) && !state.seen.contains(text);
    if state.unwritten && !(mark.is_none() && sha256.as_ref().is_some_and(is_news)) {
        return Ok(());
    }
    if (&state.found.sha256, state.found.mark) != (&sha256, mark) {
        state.found = Found { sha256: sha256.clone(), mark, since: now };
        store::update(db, |stored| stored.found.clone_from(&state.found))?;
    }
    let is_held =
        mark == Some(version(&state)) || state.rules.as_ref().map(|rules| &rules.sha256) == sha256.as_ref();
    let is_settled = is_held && state.refused.is_none();
    let is_refused = sha256.is_some() && state.refused.as_ref().map(|it| &it.sha256) == sha256.as_ref();
    // Everything that stood there before may be read late: an earlier version of our own, no rules, a text that operators put.
    let stood = mark.is_some() || sha256.as_ref().is_none_or(|sha256| state.seen.contains(sha256));
    let lasts = now.0 >= state.found.since.0.saturating_add(STALE_SECONDS);
    if is_settled || is_refused || (stood && !lasts) {
        return Ok(());
    }
    if is_held {
        // The good ones stand there again.
        return store::update(db, |state| (state.refused, state.unreported) = (None, true));
    }
    if mark.is_some() && state.rules.is_some() {
        return store::update(db, |state| state.unwritten = true);
    }
    let (Some(text), Some(sha256)) = (text, sha256) else {
        Line::new("guard_rules_gone").info();
        return hold(db, None);
    };
    store::update(db, |state| {
        state.seen.retain(|seen| *seen != sha256);
        state.seen.push(sha256.clone());
        let older = state.seen.len().saturating_sub(store::MAX_VERSIONS);
        state.seen.drain(..older);
    })?;
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
    let text = store::rules_text(db, version)?;
    let sha256 = sha256(&text);
    kv.put_text_with_metadata(RULES, &text, Mark { version, sha256: sha256.clone() }).await?;
    let since = clock::now().seconds();
    store::update(db, |state| {
        state.unwritten = false;
        state.found = Found { sha256: Some(sha256.clone()), mark: Some(version), since };
    })
}

/// As the rules are named.
fn sha256(text: &String) -> String {
    HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
}

fn refuse(db: &Database, sha256: String, diagnostics: &[Diagnostic]) -> Result<(), Fault> {
    // Where it fails, not what it says: that may be an address. The status has the words.
    Line::new("guard_rules_refused")
        .with("sha256", sha256.as_str())
        .with("errors", diagnostics.len())
        .with("line", diagnostics.first().map_or(0, |it| it.line))
        .error();
    let refused = RulesRefused { sha256, at: clock::now().seconds(), diagnostics: diagnostics.to_vec() };
    store::update(db, |state| (state.refused, state.unreported) = (Some(refused.clone()), true))
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
        (state.rules, state.refused, state.unreported) = (None, None, true);
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
