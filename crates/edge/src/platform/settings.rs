//! Bindings, secrets and site settings: read once for an isolate, typed, and every fault reported at once.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use worker::Env;

use super::bucket::Letters;
use super::error::{BindingError, Fault};
use super::http::Call;
use super::{intl, log};
use waxseal::site::{Jurisdiction, Location, Site};
use waxseal::token::Keyring;

/// Name of the secret that holds the keyring.
const KEYS: &str = "WAXSEAL_KEYS";
/// Name of the variable that holds what the pages say of the sender.
const SITE: &str = "SITE";
/// Name of the static assets binding.
pub(crate) const ASSETS: &str = "ASSETS";

/// Code of the fault of settings that are missing or wrong.
const SETTINGS: &str = "settings";

/// What a deployment is configured with.
pub(crate) struct Settings {
    pub(crate) keyring: Keyring,
    pub(crate) site: Site,
}

thread_local! {
    /// Settings cannot change within an isolate: a new deployment or secret starts new ones. Faulty settings are not
    /// kept, so that the log repeats what is wrong.
    static LOADED: OnceCell<Rc<Settings>> = const { OnceCell::new() };

    /// Whether the bindings were found to be there, too. The alarm of an object may load the settings first, and does not look.
    static BOUND: Cell<bool> = const { Cell::new(false) };

    /// Where the Durable Objects are.
    static JURISDICTION: OnceCell<Option<Jurisdiction>> = const { OnceCell::new() };

    /// Where they are created, as a hint.
    static LOCATION: OnceCell<Option<Location>> = const { OnceCell::new() };
}

/// Where the Durable Objects are, by the settings. Asked for by whoever calls one, so that none is ever looked for elsewhere;
/// a Durable Object may be woken in an isolate that has read nothing else yet.
pub(crate) fn jurisdiction(env: &Env) -> Result<Option<Jurisdiction>, Fault> {
    if let Some(known) = JURISDICTION.with(|known| known.get().copied()) {
        return Ok(known);
    }
    let site = env.object_var::<serde_json::Value>(SITE).map_err(|e| Fault::new(SETTINGS, e))?;
    let read = match site.get("jurisdiction") {
        None | Some(serde_json::Value::Null) => None,
        Some(code) => {
            let known = code.as_str().and_then(|code| Jurisdiction::from_code(code.trim()));
            Some(known.ok_or_else(|| Fault::new(SETTINGS, "SITE: jurisdiction: not one that is known"))?)
        }
    };
    JURISDICTION.with(|known| known.set(read)).unwrap_or_default();
    Ok(read)
}

/// Where Durable Objects are to be created. As it only is a hint, a word that is not known is none; [`Settings::load`] says so.
pub(crate) fn location(env: &Env) -> Option<Location> {
    if let Some(known) = LOCATION.with(|known| known.get().copied()) {
        return known;
    }
    let site = env.object_var::<serde_json::Value>(SITE).ok()?;
    let read = site.get("location").and_then(|code| Location::from_code(code.as_str()?.trim()));
    LOCATION.with(|known| known.set(read)).unwrap_or_default();
    read
}

impl Settings {
    /// The settings, or one fault that names everything that is missing or wrong.
    pub(crate) fn load(env: &Env) -> Result<Rc<Self>, Fault> {
        if let Some(settings) = LOADED.with(|loaded| loaded.get().cloned()) {
            return Ok(settings);
        }
        Self::read_and_keep(env, Vec::new())
    }

    /// The same; among what is missing or wrong is what `bindings` finds.
    pub(crate) fn load_with(
        env: &Env,
        bindings: impl FnOnce(&Env) -> Vec<BindingError>,
    ) -> Result<Rc<Self>, Fault> {
        if BOUND.get() {
            return Self::load(env);
        }
        let settings = Self::read_and_keep(env, bindings(env))?;
        BOUND.set(true);
        Ok(settings)
    }

    fn read_and_keep(env: &Env, others: Vec<BindingError>) -> Result<Rc<Self>, Fault> {
        let settings = Rc::new(Self::read(env, others)?);
        // Two requests may both get here; they read the same, so either may win.
        LOADED.with(|loaded| loaded.set(Rc::clone(&settings)).unwrap_or_default());
        Ok(settings)
    }

    /// These settings, unless placeholders are left in them: with those only this machine is served.
    pub(crate) fn for_host(self: Rc<Self>, call: &Call) -> Result<Rc<Self>, Fault> {
        let left = self.site.placeholders();
        if left.is_empty() || call.is_on_loopback() {
            return Ok(self);
        }
        Err(Fault::new(
            "placeholders",
            format_args!(
                "nothing is served, because these settings are still the placeholders of wrangler.toml or missing: {}",
                left.join(", ")
            ),
        ))
    }

    fn read(env: &Env, others: Vec<BindingError>) -> Result<Self, Fault> {
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
            && intl::Dates::new(site.default_language, &site.time_zone, None).is_err()
        {
            wrong.push(format!("{SITE}: time_zone: {} is not a time zone of the IANA list", site.time_zone));
        }
        if let Err(fault) = Letters::open(env) {
            wrong.push(format!("{}: {}", crate::platform::bucket::BINDING, fault.detail));
        }
        for error in others {
            match error {
                // What is wrong with the settings themselves is in the list already.
                BindingError::Settings(_) => {}
                // One sentence is enough.
                BindingError::Jurisdiction(fault) if wrong.contains(&fault.detail) => {}
                BindingError::Jurisdiction(fault) => wrong.push(fault.detail),
                BindingError::Unbound(fault) => wrong.push(fault.to_string()),
            }
        }
        if let Err(error) = env.durable_object(log::RELAY) {
            wrong.push(format!("{}: {error}", log::RELAY));
        }
        if let Err(error) = env.assets(ASSETS) {
            wrong.push(format!("{ASSETS}: {error}"));
        }
        match (keyring, site) {
            (Some(keyring), Some(site)) if wrong.is_empty() => Ok(Self { keyring, site }),
            _ => Err(Fault::new(SETTINGS, wrong.join("; "))),
        }
    }
}
