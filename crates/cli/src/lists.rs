//! `waxseal letters` and `waxseal events`: which letters a site has, how one stands, and what happens to all of them.

use std::time::Duration;

use clap::Subcommand;
use serde_json::json;
use waxseal::api::{FeedEntry, LetterPage, LetterRecord, LetterSearch, op};
use waxseal::types::{LetterId, UnixMillis};
use waxseal::webhook::SiteEvent;

use crate::api::{Api, ApiError};
use crate::error::{Error, INTERRUPTED};
use crate::letter::{self, EdgeArgs};
use crate::output::{Output, line};
use crate::when;

pub(crate) const LETTERS: &str = "\
Examples:
  waxseal letters list --state opened --url https://letters.example
  waxseal letters list --customer - < reference.txt
  waxseal letters list --reference INV-2026-0117
  waxseal letters show https://letters.example/TOKEN
  waxseal letters list --all --json | jq -r '.letters[].letter'

The list is what the site's index has heard, a moment behind the letters themselves. Looking at it
is no visit: nothing is recorded.";

pub(crate) const EVENTS: &str = "\
Examples:
  waxseal events tail --url https://letters.example
  waxseal events tail --json | jq -r 'select(.events[].kind == \"consent_given\") | .letter'

Each line is what happened to a letter at a time, in the order in which the site heard of it. The
number in front is what --after takes. Ends with Ctrl-C.";

/// So long the edge may hold a request until something happens.
const WAIT_SECONDS: &str = "10";
/// Between two requests when the edge is away.
const PAUSE: Duration = Duration::from_secs(5);

#[derive(Subcommand)]
pub(crate) enum Letters {
    /// List letters, the newest first
    #[command(after_help = LETTERS)]
    List {
        /// Only those that stand so: sealed, opened, consented, refused, withdrawn, accepted, cancelled, expired, erased
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Only those of this customer, by your reference; `-` reads it from standard input
        #[arg(long, value_name = "REF")]
        customer: Option<String>,
        /// Only those with this reference of yours for the letter; `-` reads it from standard input
        #[arg(long, value_name = "REF", conflicts_with = "customer")]
        reference: Option<String>,
        /// All of them, and not only the newest 100
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        edge: EdgeArgs,
    },
    /// Create a letter of a plain report: the edge seals it. Needs no keyring, only an API key with the scope create
    #[command(after_help = crate::create::EXAMPLES)]
    Create(Box<crate::create::Create>),
    /// Show how a letter stands, and what is on its record
    #[command(after_help = LETTERS)]
    Show {
        /// Its UUID, or its link
        #[arg(value_name = "LETTER")]
        letter: String,
        #[command(flatten)]
        edge: EdgeArgs,
    },
}

#[derive(Subcommand)]
pub(crate) enum Events {
    /// Follow what happens to all letters
    #[command(after_help = EVENTS)]
    Tail {
        /// Begin behind this number; without it, from the first
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: u64,
        /// Do not wait for more: end where the feed ends
        #[arg(long)]
        once: bool,
        #[command(flatten)]
        edge: EdgeArgs,
    },
}

pub(crate) async fn letters(command: &Letters, output: Output, now: UnixMillis) -> Result<(), Error> {
    match command {
        Letters::List { state, customer, reference, all, edge } => {
            let customer = customer.as_deref().map(crate::erase::reference).transpose()?;
            let reference = reference.as_deref().map(crate::erase::reference).transpose()?;
            let api = edge.api(output)?;
            let mut found = LetterPage { letters: Vec::new(), next: None };
            loop {
                let page =
                    page(&api, state.as_deref(), (customer.clone(), reference.clone()), found.next).await?;
                found.letters.extend(page.letters);
                found.next = page.next;
                if !all || found.next.is_none() {
                    break;
                }
            }
            let mut lines: Vec<_> = found
                .letters
                .iter()
                .map(|row| {
                    format!("{}  {:<9}  issued {}", row.letter, line(&row.state), when::words(row.issued_at))
                })
                .collect();
            if lines.is_empty() {
                lines.push("There is no such letter.".to_owned());
            }
            output.answer(&json!(found), &lines.join("\n"))?;
            if found.next.is_some() {
                output.note("There are more: --all lists them.");
            }
        }
        Letters::Create(args) => crate::create::run(args, output, now.seconds()).await?,
        Letters::Show { letter, edge } => {
            let (letter, api) = letter::find(letter, edge, output, now.seconds())?;
            let record = api.call::<op::ShowLetter>(&[&letter.to_string()], ()).await;
            let record = record.map_err(|error| letter::unknown(error, api.origin(), letter))?;
            output.answer(&json!(record), &words(&record))?;
        }
    }
    Ok(())
}

async fn page(
    api: &Api,
    state: Option<&str>,
    (customer, reference): (Option<String>, Option<String>),
    after: Option<LetterId>,
) -> Result<LetterPage, ApiError> {
    if customer.is_some() || reference.is_some() {
        let state = state.map(str::to_owned);
        let ask = LetterSearch { customer, reference, state, after, since: None, until: None, limit: None };
        return api.call::<op::SearchLetters>(&[], ask).await;
    }
    let after = after.map(|after| after.to_string());
    let query: Vec<_> = [("state", state), ("after", after.as_deref())]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    api.call_with::<op::ListLetters>(&[], &query, ()).await
}

fn words(record: &LetterRecord) -> String {
    let over = record.over.map(|over| format!("{over}, ")).unwrap_or_default();
    let mut lines = vec![format!("Letter {}: {over}{}", record.letter, record.state)];
    lines.extend(record.events.iter().map(|event| {
        let at = when::words(event.at.seconds());
        format!("{at}  {:<20}  {}", line(&event.kind), line(&event.actor))
    }));
    lines.join("\n")
}

pub(crate) async fn events(command: &Events, output: Output) -> Result<(), Error> {
    let Events::Tail { after, once, edge } = command;
    let api = edge.api(output)?;
    tokio::select! {
        ended = tail(&api, *after, *once, output) => ended,
        _ = tokio::signal::ctrl_c() => {
            let message = "interrupted".to_owned();
            Err(Error { code: "interrupted", message, exit: INTERRUPTED })
        }
    }
}

async fn tail(api: &Api, mut after: u64, once: bool, output: Output) -> Result<(), Error> {
    let wait = if once { "0" } else { WAIT_SECONDS };
    let mut away = false;
    loop {
        let cursor = after.to_string();
        let page = match api.call_with::<op::ListEvents>(&[], &[("after", &cursor), ("wait", wait)], ()).await
        {
            Ok(page) => page,
            // From the second request on the address is known to be right.
            Err(error @ ApiError::Unreachable { .. }) if after > 0 && !once => {
                if !away {
                    output.warn(&format!("{error}. Trying again until it answers."));
                }
                away = true;
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        away = false;
        for entry in &page.entries {
            match output.answer(&json!(entry), &told(entry)) {
                Ok(()) => {}
                Err(gone) if gone.is_gone() => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        if once && page.entries.is_empty() {
            return Ok(());
        }
        after = page.next;
    }
}

fn told(entry: &FeedEntry) -> String {
    let last = entry.events.last().map(|event| event.at).or(entry.site.as_ref().map(|event| event.at));
    let at = last.map(|at| when::words(at.seconds())).unwrap_or_default();
    let kinds = entry.events.iter().map(|event| event.kind.as_str());
    let kinds: Vec<_> = kinds.chain(entry.site.iter().map(|event| event.kind.as_str())).collect();
    let about = match (entry.letter, &entry.site) {
        (Some(letter), _) => letter.to_string(),
        (None, Some(SiteEvent { network: Some(network), .. })) => network.to_string(),
        (None, Some(SiteEvent { webhook: Some(webhook), .. })) => webhook.to_string(),
        (None, _) => "the site".to_owned(),
    };
    format!("{:>7}  {at}  {about}  {}", entry.number, kinds.join(", "))
}
