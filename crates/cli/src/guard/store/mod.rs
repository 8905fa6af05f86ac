//! The key-value store that holds the rules: wrangler's local one, or Cloudflare's API. Neither is told anything but
//! keys and values.

mod cloud;
mod local;

use std::path::PathBuf;

use serde::Deserialize;

use self::cloud::{Cloud, CloudError};
use self::local::{Local, LocalError};
use crate::error::Coded;

/// What ops write.
pub(crate) const RULES: &str = "guard/rules";
/// What the publisher says of it.
pub(crate) const STATUS: &str = "guard/status";
/// Accepted rules, followed by their number in eight digits.
pub(crate) const HISTORY: &str = "guard/history/";

/// Where the store is.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// wrangler's local store, whatever is said of Cloudflare's. DIR is what `wrangler dev --persist-to` was given, for the demo .waxseal/demo/state;
    /// without DIR it is .wrangler/state beside wrangler.toml. Put it after FILE, or write --local=DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1, value_parser = local::folder)]
    local: Option<Option<PathBuf>>,
    /// The wrangler.toml with the binding GUARD, for the local store
    #[arg(long, value_name = "FILE", default_value = "wrangler.toml")]
    config: PathBuf,
    /// The ID of the Cloudflare account. The token comes from the variable CLOUDFLARE_API_TOKEN
    #[arg(long, value_name = "ID", env = "CLOUDFLARE_ACCOUNT_ID", hide_env_values = true)]
    account: Option<String>,
    /// The ID of the KV namespace that the binding GUARD names
    #[arg(long, value_name = "ID", env = "WAXSEAL_GUARD_NAMESPACE", hide_env_values = true)]
    namespace: Option<String>,
    /// How often a failed call is tried again
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=20))]
    retries: u32,
}

/// Why the store could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// wrangler's.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// Cloudflare's.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

impl Coded for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Local(error) => error.code(),
            Self::Cloud(error) => error.code(),
        }
    }

    fn exit(&self) -> u8 {
        match self {
            Self::Local(error) => error.exit(),
            Self::Cloud(error) => error.exit(),
        }
    }
}

/// A key with what is noted beside its value.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Listed {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) metadata: Option<serde_json::Value>,
}

/// One of the two.
pub(crate) enum Store {
    Local(Local),
    Cloud(Cloud),
}

impl Store {
    /// Finds it; no call is made. `--local` is stronger than variables that name an account.
    pub(crate) fn open(args: &StoreArgs) -> Result<Self, StoreError> {
        Ok(match &args.local {
            Some(folder) => Self::Local(Local::open(folder.as_deref(), &args.config, args.retries)?),
            None => {
                Self::Cloud(Cloud::open(args.account.as_deref(), args.namespace.as_deref(), args.retries)?)
            }
        })
    }

    /// The values of some keys, in their order; `None` for a key that is not there.
    pub(crate) async fn get<const N: usize>(
        &self,
        keys: [&str; N],
    ) -> Result<[Option<String>; N], StoreError> {
        let mut values = match self {
            Self::Local(local) => local.get(&keys).await?,
            Self::Cloud(cloud) => cloud.get(&keys).await?,
        }
        .into_iter();
        Ok(keys.map(|_| values.next().flatten()))
    }

    /// Puts a value.
    pub(crate) async fn put(&self, key: &str, value: &str) -> Result<(), StoreError> {
        match self {
            Self::Local(local) => local.put(key, value).await?,
            Self::Cloud(cloud) => cloud.put(key, value).await?,
        }
        Ok(())
    }

    /// The keys that begin with `prefix`, in order.
    pub(crate) async fn list(&self, prefix: &str) -> Result<Vec<Listed>, StoreError> {
        let mut keys = match self {
            Self::Local(local) => local.list(prefix).await?,
            Self::Cloud(cloud) => cloud.list(prefix).await?,
        };
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(keys)
    }

    /// What to call it in a sentence.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Local(local) => local.name(),
            Self::Cloud(cloud) => cloud.name(),
        }
    }
}
