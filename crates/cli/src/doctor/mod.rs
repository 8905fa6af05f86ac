//! `waxseal doctor`: is a deployment as it should be? Looked at as strangers see it, and with a key from inside. What cannot be told
//! from where this program stands is called unknown, with the way to look.

mod bucket;
mod inside;
mod outside;

use serde::Serialize;
use serde_json::json;
use waxseal::types::UnixMillis;

use crate::api::{Api, issued_key};
use crate::error::{Error, coded};
use crate::keyring;
use crate::letter::{EdgeArgs, LetterError};
use crate::origin::Origin;
use crate::output::{Output, count, line};

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal doctor --url https://letters.example
  waxseal doctor --url https://letters.example --keys keyring.json
  waxseal doctor --url https://letters.example --bucket-url https://pub-1a2b3c.r2.dev --json

Changes nothing. Without a key it sees what strangers see; the keyring's key, or one with the scopes
watch, guard and admin, sees the rest. If the guard's profile is balanced, it asks for three paths
that cost strangers points: three of the twenty that ban an address. In the other profiles the first
one bans this address, maybe with its network, until midnight, so none is asked for. Without a key
that learns the profile none is either, unless with --strangers.

Exit status: 0 no failure, 1 at least one.";

/// A deployment is tried again less patiently than a letter: what does not answer is what is asked about.
const MAX_RETRIES: u32 = 1;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// An address at which the bucket may be public: its r2.dev address, or a domain of its own
    #[arg(long, value_name = "URL")]
    bucket_url: Option<Origin>,
    /// Ask for three paths that cost points whatever the guard's profile is: in strict and honeypot
    /// the first one bans this address, maybe with its network, until midnight
    #[arg(long)]
    strangers: bool,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// What a look came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
enum State {
    Ok,
    Warning,
    Failure,
    /// It cannot be told from here.
    Unknown,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    seen: String,
    /// What to do, or where to look.
    cure: Option<String>,
}

/// What was found so far.
#[derive(Default)]
struct Findings(Vec<Check>);

impl Findings {
    fn ok(&mut self, name: &'static str, seen: impl AsRef<str>) {
        self.add(name, State::Ok, seen, None);
    }

    fn warning(&mut self, name: &'static str, seen: impl AsRef<str>, cure: impl Into<String>) {
        self.add(name, State::Warning, seen, Some(cure.into()));
    }

    fn failure(&mut self, name: &'static str, seen: impl AsRef<str>, cure: impl Into<String>) {
        self.add(name, State::Failure, seen, Some(cure.into()));
    }

    fn unknown(&mut self, name: &'static str, seen: impl AsRef<str>, cure: impl Into<String>) {
        self.add(name, State::Unknown, seen, Some(cure.into()));
    }

    fn add(&mut self, name: &'static str, state: State, seen: impl AsRef<str>, cure: Option<String>) {
        // Some of it others said.
        self.0.push(Check { name, state, seen: line(seen.as_ref()), cure });
    }

    fn count(&self, state: State) -> u64 {
        self.0.iter().filter(|check| check.state == state).count() as u64
    }

    fn words(&self) -> String {
        let mut lines = Vec::new();
        for Check { name, state, seen, cure } in &self.0 {
            let state: &str = state.into();
            lines.push(format!("{state:<8} {name:<17} {seen}"));
            lines.extend(cure.iter().map(|cure| format!("{:26} -> {cure}", "")));
        }
        let (failures, warnings) = (self.count(State::Failure), self.count(State::Warning));
        lines.push(format!(
            "{}, {}, {} unknown",
            count(failures, "failure"),
            count(warnings, "warning"),
            self.count(State::Unknown)
        ));
        lines.join("\n")
    }
}

/// They are already on standard output.
#[derive(Debug, thiserror::Error)]
#[error("{origin} is not as it should be: {}; each has its cure above", count(*.failures, "failure"))]
struct Unwell {
    origin: Origin,
    failures: u64,
}

coded!(Unwell = "doctor_failures");

pub(crate) async fn run(args: &Args, output: Output, now: UnixMillis) -> Result<(), Error> {
    let origin = args.edge.edge.url.clone().ok_or(LetterError::NoUrl)?;
    let keyring = keyring::find(&args.edge.keys, output)?;
    let retries = args.edge.edge.retries.min(MAX_RETRIES);
    let api = match (issued_key()?, &keyring) {
        (Some(key), _) => Some(Api::issued(origin.clone(), &key, retries)?),
        (None, Some(keyring)) => Some(Api::new(origin.clone(), keyring.active(), retries)?),
        (None, None) => None,
    };
    let mut findings = Findings::default();
    let spinner = output.spinner("Looking");
    let served = outside::look(&origin, api.as_ref(), args.strangers, &mut findings).await?;
    let entries = match api {
        Some(api) if served != outside::Served::NoEdge => {
            let file = args.edge.keys.keys.as_deref();
            inside::Look { api: &api, keyring: keyring.as_ref(), file, served, now }.at(&mut findings).await
        }
        Some(_) => None,
        None => {
            findings.unknown(
                "key",
                "there is no key, so only what strangers see was looked at",
                "give --keys FILE, or set WAXSEAL_API_KEY to a key with the scope watch",
            );
            None
        }
    };
    bucket::look(args.bucket_url.as_ref(), entries, &mut findings).await?;
    spinner.finish_and_clear();
    let failures = findings.count(State::Failure);
    let answer = json!({ "url": origin.to_string(), "failures": failures, "checks": findings.0 });
    output.answer(&answer, &findings.words())?;
    if failures > 0 { Err(Unwell { origin, failures }.into()) } else { Ok(()) }
}
