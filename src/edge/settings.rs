//! Bindings, secrets and site settings: read once for an isolate, typed, and every fault reported at once.

use std::cell::OnceCell;
use std::rc::Rc;

use worker::Env;

use super::bucket::Letters;
use super::error::Fault;
use super::guard::{Limits, Namespace, PublisherClient, SentinelClient};
use super::intl;
use super::ledger::LedgerClient;
use super::sweep::SweeperClient;
use crate::seal::Manifest;
use crate::site::Site;
use crate::token::Keyring;
use crate::types::UnixSeconds;

/// Name of the secret that holds the keyring.
const KEYS: &str = "WAXSEAL_KEYS";
/// Name of the variable that holds what the pages say of the sender.
const SITE: &str = "SITE";
/// Name of the static assets binding.
pub(super) const ASSETS: &str = "ASSETS";

/// What a deployment is configured with.
pub(super) struct Settings {
    pub(super) keyring: Keyring,
    pub(super) site: Site,
}

thread_local! {
    /// Settings cannot change within an isolate: a new deployment or secret starts new ones. Faulty settings are not
    /// kept, so that the log repeats what is wrong.
    static LOADED: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

impl Settings {
    /// The settings, or one fault that names everything that is missing or wrong.
    pub(super) fn load(env: &Env) -> Result<Rc<Self>, Fault> {
        if let Some(settings) = LOADED.with(|loaded| loaded.get().cloned()) {
            return Ok(settings);
        }
        let settings = Rc::new(Self::read(env)?);
        // Two requests may both get here; they read the same, so either may win.
        LOADED.with(|loaded| loaded.set(Rc::clone(&settings)).unwrap_or_default());
        Ok(settings)
    }

    /// Why this site cannot do what a manifest asks: a code and a sentence. Such a letter stays shut, for the sender
    /// relied on it.
    pub(super) fn cannot_honour(&self, manifest: &Manifest) -> Option<(&'static str, &'static str)> {
        if manifest.pin.is_some() {
            return Some((
                "pin_not_supported",
                "this version does not ask for a PIN; seal the letter without one",
            ));
        }
        let hash = manifest.terms?;
        match self.site.terms_by_hash(&hash.to_string()) {
            Some(_) => None,
            None => Some((
                "unknown_terms",
                "no terms of this site have that SHA-256; see SITE.terms in wrangler.toml",
            )),
        }
    }

    fn read(env: &Env) -> Result<Self, Fault> {
        let mut wrong = Vec::new();
        let keyring = match env.secret(KEYS) {
            Ok(json) => {
                Keyring::from_json(&json.to_string()).map_err(|e| wrong.push(format!("{KEYS}: {e}"))).ok()
            }
            Err(_) => {
                wrong.push(format!("{KEYS}: the secret is not set; `waxseal keys show --env` prints it"));
                None
            }
        };
        let site = match env.object_var::<serde_json::Value>(SITE) {
            Ok(json) => {
                Site::from_json(&json.to_string()).map_err(|e| wrong.push(format!("{SITE}: {e}"))).ok()
            }
            Err(_) => {
                wrong.push(format!("{SITE}: the variable is not set; see wrangler.toml"));
                None
            }
        };
        if let Some(site) = &site
            && intl::moment(UnixSeconds(0), site.default_language.locale(), &site.time_zone).is_err()
        {
            wrong.push(format!("{SITE}: time_zone: {} is not a time zone of the IANA list", site.time_zone));
        }
        if let Err(fault) = Letters::open(env) {
            wrong.push(format!("{}: {}", super::bucket::BINDING, fault.detail));
        }
        if let Err(fault) = LedgerClient::open(env) {
            wrong.push(format!("{}: {}", super::ledger::CLASS.binding, fault.detail));
        }
        if let Err(fault) = SweeperClient::open(env) {
            wrong.push(fault.to_string());
        }
        let guard = [
            Namespace::open(env).map(|_| ()),
            SentinelClient::open(env).map(|_| ()),
            PublisherClient::open(env).map(|_| ()),
            Limits::check(env),
        ];
        wrong.extend(guard.into_iter().filter_map(Result::err).map(|fault| fault.to_string()));
        if let Err(error) = env.assets(ASSETS) {
            wrong.push(format!("{ASSETS}: {error}"));
        }
        match (keyring, site) {
            (Some(keyring), Some(site)) if wrong.is_empty() => Ok(Self { keyring, site }),
            _ => Err(Fault::new("settings", wrong.join("; "))),
        }
    }
}
