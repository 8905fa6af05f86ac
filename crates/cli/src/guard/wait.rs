//! Puts rules into the store and waits until the edge says what it made of them.

use std::time::Duration;

use serde_json::json;
use waxseal::types::UnixSeconds;

use super::rules_file::short;
use super::state::{State, Status};
use super::store::{RULES, Store};
use crate::clock;
use crate::error::{Coded, Error};
use crate::output::Output;

/// Between two looks at the status.
const STEP: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub(super) struct WaitArgs {
    /// Do not wait until the edge has looked at the rules
    #[arg(long)]
    pub(super) no_wait: bool,
    /// How long to wait. The edge looks every 30 seconds unless its setting refresh_seconds says otherwise, and what it
    /// sees may be a minute old
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600), conflicts_with = "no_wait")]
    pub(super) timeout: u64,
}

/// The rules are in the store and not in force.
#[derive(Debug, thiserror::Error)]
pub(super) enum WaitError {
    /// The edge cannot use them.
    #[error(
        "the edge refuses these rules, although this program can read them: is the edge older than this program?{faults}\n{holds}"
    )]
    Refused {
        /// As lines.
        faults: String,
        /// Instead.
        holds: String,
    },
    /// It has not looked.
    #[error(
        "the rules are in {store}, and the edge has not looked at them within {seconds} seconds. It may still do so: \
         `waxseal guard status` tells.{hint}"
    )]
    TimedOut {
        /// Where.
        store: String,
        /// How long.
        seconds: u64,
        /// What may be the matter.
        hint: &'static str,
    },
}

impl Coded for WaitError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "rules_refused",
            Self::TimedOut { .. } => "rules_not_taken_up",
        }
    }
}

/// What is put, and what to call it.
pub(super) struct Order<'a> {
    pub(super) text: &'a str,
    pub(super) sha256: &'a str,
    /// Such as `rules.toml`.
    pub(super) name: &'a str,
}

/// Puts `order` where `state` was found, unless it stands there already, and waits. Prints the answer.
pub(super) async fn put_in_force(
    store: &Store,
    state: &State,
    order: &Order<'_>,
    args: &WaitArgs,
    output: Output,
    now: UnixSeconds,
) -> Result<(), Error> {
    let Order { text, sha256, name } = order;
    let stands = state.sha256.as_deref() == Some(*sha256);
    let told = |status: Option<&Status>, outcome: &str| json!({ "sha256": sha256, "changed": !stands, "outcome": outcome, "status": status });
    if let Some(status) = state.status.as_ref().filter(|status| stands && status.accepts(sha256)) {
        let text = format!("{name} is in force already; nothing was changed.\n{}", status.in_force(now));
        output.answer(&told(Some(status), "accepted"), &text)?;
        return Ok(());
    }
    if !stands {
        store.put(RULES, text).await?;
    }
    if args.no_wait {
        let text = format!(
            "{name} is in {}, sha256 {}. `waxseal guard status` tells what the edge made of it.",
            store.name(),
            short(sha256)
        );
        output.answer(&told(None, "not_awaited"), &text)?;
        return Ok(());
    }
    let limit = Duration::from_secs(args.timeout);
    let spinner = output.spinner("Waiting for the edge to look at the rules");
    let found = tokio::time::timeout(limit, verdict(store, sha256)).await;
    spinner.finish_and_clear();
    match found {
        Ok(status) => {
            let status = status?;
            if let Some(refused) = status.refused.as_ref().filter(|_| status.refuses(sha256)) {
                return Err(
                    WaitError::Refused { faults: refused.lines(), holds: status.in_force(now) }.into()
                );
            }
            // By now it is later than at the start.
            let text = format!("{name} is in force.\n{}", status.in_force(clock::now().seconds()));
            output.answer(&told(Some(&status), "accepted"), &text)?;
            Ok(())
        }
        Err(_) => {
            let hint = if state.status.is_none() {
                " No edge with a guard has written into this store yet: is it the store that the edge's binding GUARD names?"
            } else {
                ""
            };
            Err(WaitError::TimedOut { store: store.name(), seconds: args.timeout, hint }.into())
        }
    }
}

/// Looks until the status names these rules.
async fn verdict(store: &Store, sum: &str) -> Result<Status, Error> {
    loop {
        if let Some(status) = State::status(store).await?.filter(|it| it.accepts(sum) || it.refuses(sum)) {
            return Ok(status);
        }
        tokio::time::sleep(STEP).await;
    }
}
