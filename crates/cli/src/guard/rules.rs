//! The rules at the edge, in words: what `push`, `rollback`, `status` and `diff` share.

use serde_json::Value;
use waxseal::api::{RulesPut, RulesVersion};
use waxseal::guard::Profile;
use waxseal::guard::rules::Diagnostic;
use waxseal::types::UnixSeconds;

use super::rules_file::short;
use crate::error::Error;
use crate::output::{Output, line};
use crate::when;

/// Tells that rules of this name are in force.
pub(super) fn tell(name: &str, (put, value): &(RulesPut, Value), output: Output) -> Result<(), Error> {
    let already = if put.unchanged { " already; nothing was changed" } else { "" };
    let holds = in_force(put.rules.as_ref(), put.profile, crate::clock::now().seconds());
    output.answer(value, &format!("{name} is in force{already}.\n{holds}"))?;
    Ok(())
}

/// What is in force, in a line or two.
pub(super) fn in_force(rules: Option<&RulesVersion>, profile: Profile, now: UnixSeconds) -> String {
    let profile = profile.code();
    match rules {
        None => format!("In force: the defaults, profile {profile}."),
        Some(RulesVersion { version, sha256, accepted_at, entries }) => format!(
            "In force: {entries} {}, profile {profile}, since {}.\n  version {version}, sha256 {}",
            if *entries == 1 { "entry" } else { "entries" },
            ago(*accepted_at, now),
            short(sha256),
        ),
    }
}

/// Each on a line.
pub(super) fn lines(diagnostics: &[Diagnostic]) -> String {
    let each = diagnostics.iter();
    each.map(|it| format!("\n  line {}, column {}: {}", it.line, it.column, line(&it.message))).collect()
}

/// `2026-12-31 00:00:00 UTC (2 hours ago)`.
pub(super) fn ago(at: UnixSeconds, now: UnixSeconds) -> String {
    format!("{} ({})", when::words(at), when::distance(at, now))
}
