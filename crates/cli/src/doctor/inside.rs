//! What the edge tells to a key.

use std::path::Path;
use std::time::UNIX_EPOCH;

use waxseal::api::{
    BindingHealth, Code, GuardStatus, Keys, LogStatus, Operation, Scope, SiteHealth, SweepStatus, op,
};
use waxseal::token::Keyring;
use waxseal::types::{UnixMillis, UnixSeconds};

use super::Findings;
use super::outside::Served;
use crate::api::{Api, ApiError};
use crate::output::count;
use crate::when;

const DAY: u64 = 86_400;
/// A keyring is rotated each year, with some weeks to think of it.
const KEYRING_DAYS: u64 = 400;
/// The daily sweep may be late by half a day.
const SWEEP_SECONDS: u64 = 36 * 3_600;
/// A key that nobody used for so long is nobody's.
const KEY_DAYS: u64 = 90;

/// Who looks, with what.
pub(super) struct Look<'a> {
    pub(super) api: &'a Api,
    pub(super) keyring: Option<&'a Keyring>,
    /// Of the keyring.
    pub(super) file: Option<&'a Path>,
    pub(super) served: Served,
    pub(super) now: UnixMillis,
}

impl Look<'_> {
    /// Looks; answers how many entries the log has, if that is known.
    pub(super) async fn at(&self, findings: &mut Findings) -> Option<u64> {
        let health = self.health(findings).await?;
        let scopes: Vec<_> = Vec::from(health.scopes).into_iter().map(Scope::as_str).collect();
        findings.ok("key", format!("the edge knows it, and it may {}", scopes.join(", ")));
        self.settings(&health, findings);
        bindings(&health.bindings, findings);
        residency(&health, findings);
        self.keyring(&health, findings);
        if health.version == env!("CARGO_PKG_VERSION") {
            findings.ok("version", format!("edge and program are {}", health.version));
        } else {
            let seen = format!("the edge is {}, this program {}", health.version, env!("CARGO_PKG_VERSION"));
            findings.warning("version", seen, "bring the older one to the version of the other");
        }
        if let Some(guard) = self.ask::<op::Guard>("guard_rules", findings).await {
            rules(&guard, findings);
        }
        if let Some(sweep) = self.ask::<op::SweepStatus>("sweep", findings).await {
            self.sweep(&sweep, findings);
        }
        if let Some(Keys { keys }) = self.ask::<op::ListKeys>("api_keys", findings).await {
            let unused = |used: UnixSeconds| self.now.seconds().0.saturating_sub(used.0) > KEY_DAYS * DAY;
            let idle: Vec<_> = keys
                .iter()
                .filter(|key| unused(key.used_at.unwrap_or(key.created_at)))
                .map(|key| key.name.as_str())
                .collect();
            match idle.is_empty() {
                true => findings.ok(
                    "api_keys",
                    format!("{} issued, none unused for {KEY_DAYS} days", count(keys.len() as u64, "key")),
                ),
                false => findings.warning(
                    "api_keys",
                    format!("unused for {KEY_DAYS} days: {}", idle.join(", ")),
                    "revoke keys that nobody needs: `waxseal keys api revoke ID`",
                ),
            }
        }
        let log = self.ask::<op::Log>("log", findings).await?;
        self.log(&log, findings);
        Some(log.size)
    }

    async fn health(&self, findings: &mut Findings) -> Option<SiteHealth> {
        match self.api.call::<op::Health>(&[], ()).await {
            Ok(health) => return Some(health),
            Err(ApiError::NotAccepted(_) | ApiError::KeyNotAccepted(_)) if self.served == Served::Nobody => {
                findings.unknown(
                    "key",
                    "while the edge serves nobody, it answers no key",
                    "mend what `address` says first",
                );
            }
            Err(ApiError::NotAccepted(_) | ApiError::KeyNotAccepted(_)) => {
                let cure = "a keyring: `waxseal keys show --env | ./scripts/wrangler secret put WAXSEAL_KEYS`; an issued key: issue another with \
                            `waxseal keys api create`";
                findings.failure(
                    "key",
                    "the edge does not know it: it was revoked or rotated away, or it is another site's",
                    cure,
                );
            }
            Err(error) if error.is(Code::Scope) => {
                findings.warning(
                    "key",
                    "it may not look at the site",
                    "use a key with the scope watch, or the keyring's",
                );
            }
            Err(error) if error.is(Code::NoSuchRoute) => {
                findings.warning(
                    "key",
                    "the edge knows it, and is too old to say how it does",
                    "deploy the version of this program",
                );
            }
            Err(error) => {
                findings.failure("key", error.to_string(), "try again; then look at the edge's log lines")
            }
        }
        None
    }

    /// An answer, if the key may have it.
    async fn ask<Op: Operation<Request = ()>>(
        &self,
        name: &'static str,
        findings: &mut Findings,
    ) -> Option<Op::Response> {
        match self.api.call::<Op>(&[], ()).await {
            Ok(answer) => return Some(answer),
            Err(error) if error.is(Code::Scope) => {
                let scope = Op::ROUTE.endpoint().scope.map_or("watch", Scope::as_str);
                findings.unknown(
                    name,
                    "this key may not look",
                    format!("use a key with the scope {scope}, or the keyring's"),
                );
            }
            Err(error) => {
                findings.failure(name, error.to_string(), "look at the edge's log lines (docs/OPERATE.md)")
            }
        }
        None
    }

    fn settings(&self, health: &SiteHealth, findings: &mut Findings) {
        match health.placeholders.as_slice() {
            [] => findings.ok("settings", "no placeholder is left"),
            left => findings.failure(
                "settings",
                format!(
                    "placeholders are left, so only the edge's own machine is served: {}",
                    left.join(", ")
                ),
                "write your own into [vars.SITE] of wrangler.toml, and deploy (docs/DEPLOY.md, step 3)",
            ),
        }
    }

    /// A keyring does not say when its keys were made. What is known is when its file was written.
    fn keyring(&self, health: &SiteHealth, findings: &mut Findings) {
        let name = "keyring";
        let keys = |who: &str, all: &[u16], active: u16| {
            format!("{who} has {}, of which number {active} is active", count(all.len() as u64, "key"))
        };
        let there = keys("the edge", &health.kids, health.active);
        let Some(keyring) = self.keyring else {
            findings.unknown(name, there, "give --keys FILE to compare, and to see how old the file is");
            return;
        };
        let (active, mut kids): (u16, Vec<u16>) =
            (keyring.active().kid().0.into(), keyring.keys().map(|key| key.kid().0.into()).collect());
        let mut known = health.kids.clone();
        kids.sort_unstable();
        known.sort_unstable();
        if active != health.active || kids != known {
            let seen = format!("{there}; {}", keys("this keyring", &kids, active));
            let cure = "one of them was rotated alone: `waxseal keys show --env | ./scripts/wrangler secret put WAXSEAL_KEYS` with the newer one, and give that to your backend";
            findings.warning(name, seen, cure);
            return;
        }
        let written = self.file.and_then(|file| std::fs::metadata(file).ok()?.modified().ok());
        let written = written.and_then(|at| Some(UnixSeconds(at.duration_since(UNIX_EPOCH).ok()?.as_secs())));
        match written {
            None => findings.unknown(
                name,
                format!("{there}; how old it is, a keyring does not say"),
                "rotate it each year (docs/OPERATE.md)",
            ),
            Some(at) => {
                let seen =
                    format!("{there}; its file was written {}", when::distance(at, self.now.seconds()));
                let old = self.now.seconds().0.saturating_sub(at.0) > KEYRING_DAYS * DAY;
                if old {
                    findings.warning(name, seen, "rotate it: `waxseal keys rotate` (docs/OPERATE.md)")
                } else {
                    findings.ok(name, seen)
                }
            }
        }
    }

    fn sweep(&self, SweepStatus { last, .. }: &SweepStatus, findings: &mut Findings) {
        let name = "sweep";
        let cure = "see that wrangler.toml has its [triggers] crons, deploy, and start one now: `waxseal sweep --wait`";
        let Some(begun) = last.started_at else {
            findings.warning(name, "there was none yet: after the first day there has to be one", cure);
            return;
        };
        let (now, at) = (self.now.seconds(), begun.seconds());
        let seen = format!("the last one began {}", when::distance(at, now));
        if now.0.saturating_sub(at.0) > SWEEP_SECONDS {
            findings.failure(name, seen, cure);
        } else if let Some(fault) = &last.fault {
            findings.warning(
                name,
                format!("{seen}, held up by {}", fault.code),
                "it goes on by itself; `waxseal sweep --status` says how far it is",
            );
        } else if last.failed > 0 {
            findings.warning(
                name,
                format!("{seen}; {} failed", count(last.failed, "letter")),
                "the next one tries again; sweep_failed in the edge's log says why",
            );
        } else {
            findings.ok(name, seen);
        }
    }

    fn log(&self, log: &LogStatus, findings: &mut Findings) {
        let ago = |at: UnixMillis| when::distance(at.seconds(), self.now.seconds());
        let failing: Vec<_> =
            log.witnesses.iter().filter(|it| it.fault.is_some()).map(|it| it.name.as_str()).collect();
        let seen = match log.signed {
            Some(at) => format!("{}, signed {}, {} waiting", count(log.size, "entry"), ago(at), log.pending),
            None => "no entry yet".to_owned(),
        };
        if let Some(fault) = &log.fault {
            findings.failure(
                "log",
                format!("it does not grow: {} since {}", fault.code, ago(fault.at)),
                "docs/OPERATE.md, *The evidence log*, says what to do for each",
            );
        } else if !failing.is_empty() {
            findings.warning(
                "log",
                format!("{seen}; witnesses that do not cosign: {}", failing.join(", ")),
                "`waxseal evidence status` says why",
            );
        } else {
            findings.ok("log", seen);
        }
    }
}

fn bindings(asked: &[BindingHealth], findings: &mut Findings) {
    let mut well = true;
    for BindingHealth { name, fault } in asked {
        let Some(fault) = fault else { continue };
        well = false;
        let cure = format!(
            "see that wrangler.toml binds {name} as the project's does, deploy, and look for `{fault}` in the edge's log lines; where it is the platform's, wait"
        );
        findings.failure("bindings", format!("{name} does not answer ({fault})"), cure);
    }
    if well {
        findings.ok("bindings", format!("all {} answer", asked.len()));
    }
}

fn residency(health: &SiteHealth, findings: &mut Findings) {
    let name = "jurisdiction";
    let here = health.jurisdiction.as_deref().unwrap_or("none");
    match (health.ledgers.as_deref(), health.jurisdiction.as_deref(), health.location.as_deref()) {
        (Some(noted), ..) if noted != here => findings.failure(
            name,
            format!("the ledgers are in jurisdiction {noted}, and the settings say {here}: no letter opens"),
            "set SITE.jurisdiction back (docs/DATA_RESIDENCY.md)",
        ),
        (_, Some(jurisdiction), _) => findings.ok(name, format!("Durable Objects are kept in {jurisdiction}")),
        (_, None, Some(location)) => findings.ok(name, format!("none; Durable Objects are created in {location}")),
        (_, None, None) => findings.warning(
            name,
            "none, and no location: a letter's ledger is created wherever its first caller is, often a mail scanner far away",
            "set SITE.jurisdiction before the first letter, or SITE.location at any time (docs/DATA_RESIDENCY.md)",
        ),
    }
}

fn rules(guard: &GuardStatus, findings: &mut Findings) {
    let name = "guard_rules";
    if guard.refused.is_some() {
        findings.failure(
            name,
            "the rules in KV cannot be used; those before them hold",
            "`waxseal guard status` names the errors; push rules anew",
        );
    } else if guard.generation == 0 {
        findings.warning(
            name,
            "no snapshot was published yet, so the shipped rules hold",
            "it is made with the first strike or push; look again",
        );
    } else {
        let version = guard
            .rules
            .as_ref()
            .map_or("the shipped rules".to_owned(), |rules| format!("version {}", rules.version));
        findings.ok(name, format!("{version} in force, profile {}", guard.profile.code()));
    }
}
