//! The key-value store that holds the rules: wrangler's local one, or Cloudflare's API.

use std::path::PathBuf;

/// Where the store is.
#[derive(Debug, clap::Args)]
pub(crate) struct StoreArgs {
    /// wrangler's local store: DIR is the folder that `wrangler dev --persist-to` was given; without DIR its own
    /// default beside wrangler.toml
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub(crate) local: Option<Option<PathBuf>>,
    /// The wrangler.toml whose binding GUARD names the local store
    #[arg(long, value_name = "FILE", default_value = "wrangler.toml")]
    pub(crate) config: PathBuf,
    /// The ID of the KV namespace at Cloudflare that the binding GUARD names
    #[arg(long, value_name = "ID", env = "WAXSEAL_GUARD_NAMESPACE", hide_env_values = true)]
    pub(crate) namespace: Option<String>,
    /// The ID of the Cloudflare account
    #[arg(long, value_name = "ID", env = "CLOUDFLARE_ACCOUNT_ID", hide_env_values = true)]
    pub(crate) account: Option<String>,
}
