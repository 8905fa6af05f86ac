//! `waxseal webhooks`: the endpoints that a site tells what happens, and what became of what they were told.

use clap::{Args, Subcommand};
use serde_json::json;
use waxseal::api::{Attempt, Code, Delivery, ReplayRequest, WebhookRequest, WebhookView, op};
use waxseal::types::{LetterId, UnixMillis};
use waxseal::webhook::{EventType, WebhookId};

use crate::api::ApiError;
use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, count, line};
use crate::when::{self, When};

pub(crate) const EXAMPLES: &str = "\
Examples:
  waxseal webhooks add https://hooks.garage.nl/waxseal --kind letter.consented --kind letter.refused
  waxseal webhooks list --url https://letters.example
  waxseal webhooks test WEBHOOK
  waxseal webhooks deliveries WEBHOOK --state waiting
  waxseal webhooks replay WEBHOOK --since 2d

A receiver verifies each message with the secret that `add` prints once, and answers 2xx.
docs/WEBHOOKS.md has that in ten lines of Python, Node and PHP.";

/// What an endpoint is to be.
#[derive(Args)]
pub(crate) struct About {
    /// Where messages go: https, a public name
    #[arg(value_name = "ADDRESS")]
    target: String,
    /// Only this kind, such as letter.consented; may be given several times. Without it, every kind
    #[arg(long = "kind", value_name = "KIND", value_delimiter = ',', value_parser = kind)]
    kinds: Vec<EventType>,
    /// What it is for, for people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// What to do with endpoints of webhooks.
#[derive(Subcommand)]
pub(crate) enum Webhooks {
    /// List the endpoints, and how each does
    #[command(after_help = EXAMPLES)]
    List {
        #[command(flatten)]
        edge: EdgeArgs,
    },
    /// Make an endpoint, and print its secret: nobody can see it again
    #[command(after_help = EXAMPLES)]
    Add {
        #[command(flatten)]
        about: About,
        #[command(flatten)]
        edge: EdgeArgs,
    },
    /// Show an endpoint, and how it does
    #[command(after_help = EXAMPLES)]
    Show(Of),
    /// Change an endpoint: what is not said is as for a new one
    #[command(after_help = EXAMPLES)]
    Set {
        /// Its UUID
        #[arg(value_name = "WEBHOOK")]
        webhook: WebhookId,
        #[command(flatten)]
        about: About,
        /// Send nothing there until it is set again
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        edge: EdgeArgs,
    },
    /// Delete an endpoint, and what was still to be sent to it
    #[command(after_help = EXAMPLES)]
    Remove(Of),
    /// Give an endpoint another secret, and print it; for a day the one before signs, too
    #[command(after_help = EXAMPLES)]
    Rotate(Of),
    /// Send a message that only shows that messages arrive
    #[command(after_help = EXAMPLES)]
    Test(Of),
    /// List an endpoint's messages with their attempts, the newest first
    #[command(after_help = EXAMPLES)]
    Deliveries {
        /// Its UUID
        #[arg(value_name = "WEBHOOK")]
        webhook: WebhookId,
        /// Only those that stand so: waiting, delivered, given_up
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        #[command(flatten)]
        edge: EdgeArgs,
    },
    /// Send once more what is over, under the ids that it had: one message, or those of a time
    #[command(after_help = EXAMPLES)]
    Replay {
        /// Its UUID
        #[arg(value_name = "WEBHOOK")]
        webhook: WebhookId,
        /// The message of this id (the header webhook-id)
        #[arg(long, value_name = "ID", required_unless_present = "since", conflicts_with_all = ["since", "until"])]
        delivery: Option<LetterId>,
        /// Those from this time on, such as 2d (ago) or 2026-11-30
        #[arg(long, value_name = "WHEN", value_parser = when::parse)]
        since: Option<When>,
        /// up to this one; now, if it is not said
        #[arg(long, value_name = "WHEN", value_parser = when::parse)]
        until: Option<When>,
        #[command(flatten)]
        edge: EdgeArgs,
    },
}

/// One endpoint.
#[derive(Args)]
pub(crate) struct Of {
    /// Its UUID
    #[arg(value_name = "WEBHOOK")]
    webhook: WebhookId,
    #[command(flatten)]
    edge: EdgeArgs,
}

pub(crate) async fn run(command: &Webhooks, output: Output, now: UnixMillis) -> Result<(), Error> {
    match command {
        Webhooks::List { edge } => {
            let found = edge.api(output)?.call::<op::ListWebhooks>(&[], ()).await?;
            let mut lines: Vec<_> = found.webhooks.iter().map(|it| words(it, now)).collect();
            if lines.is_empty() {
                lines.push("There is no endpoint; `waxseal webhooks add` makes one.".to_owned());
            }
            output.answer(&json!(found), &lines.join("\n"))?;
        }
        Webhooks::Add { about, edge } => {
            let made = edge.api(output)?.call::<op::MakeWebhook>(&[], about.request(None)).await?;
            output.note(&format!(
                "Endpoint {}. Its secret is shown this once: keep it where the receiver keeps its own.",
                made.webhook
            ));
            output.answer(&json!(made), &line(&made.secret))?;
        }
        Webhooks::Show(Of { webhook, edge }) => {
            let found = edge.api(output)?.call::<op::ShowWebhook>(&[&webhook.to_string()], ()).await;
            let found = known(found, *webhook)?;
            output.answer(&json!(found), &words(&found, now))?;
        }
        Webhooks::Set { webhook, about, off, edge } => {
            let request = about.request(off.then_some(false));
            let found = edge.api(output)?.call::<op::ChangeWebhook>(&[&webhook.to_string()], request).await;
            let found = known(found, *webhook)?;
            output.answer(&json!(found), &words(&found, now))?;
        }
        Webhooks::Remove(Of { webhook, edge }) => {
            let gone = edge.api(output)?.call::<op::DeleteWebhook>(&[&webhook.to_string()], ()).await;
            known(gone, *webhook)?;
            let answer = json!({ "webhook": webhook, "deleted": true });
            output.answer(&answer, &format!("Endpoint {webhook} is deleted."))?;
        }
        Webhooks::Rotate(Of { webhook, edge }) => {
            let made = edge.api(output)?.call::<op::RotateWebhook>(&[&webhook.to_string()], ()).await;
            let made = known(made, *webhook)?;
            let until = when::words(made.old_secret_until.seconds());
            output.note(&format!(
                "The secret before signs, too, until {until}: give the receiver this one by then."
            ));
            output.answer(&json!(made), &line(&made.secret))?;
        }
        Webhooks::Test(Of { webhook, edge }) => {
            let sent = edge.api(output)?.call::<op::TestWebhook>(&[&webhook.to_string()], ()).await;
            let sent = known(sent, *webhook)?;
            let text = format!(
                "Message {} is on its way; `waxseal webhooks deliveries {webhook}` shows what came of it.",
                sent.delivery
            );
            output.answer(&json!(sent), &text)?;
        }
        Webhooks::Deliveries { webhook, state, edge } => {
            let query: Vec<_> = state.as_deref().map(|state| ("state", state)).into_iter().collect();
            let page =
                edge.api(output)?.call_with::<op::ListDeliveries>(&[&webhook.to_string()], &query, ()).await;
            let page = known(page, *webhook)?;
            let mut lines: Vec<_> = page.deliveries.iter().map(delivery).collect();
            if lines.is_empty() {
                lines.push("There is no such message.".to_owned());
            }
            output.answer(&json!(page), &lines.join("\n"))?;
        }
        Webhooks::Replay { webhook, delivery, since, until, edge } => {
            let delivery = delivery.map(|LetterId(bytes)| waxseal::ledger::EventId(bytes));
            let moment = |when: &Option<When>| when.map(|when| ago(when, now));
            let ask = ReplayRequest { delivery, since: moment(since), until: moment(until) };
            let done = edge.api(output)?.call::<op::ReplayWebhook>(&[&webhook.to_string()], ask).await;
            let done = known(done, *webhook)?;
            output.answer(
                &json!(done),
                &format!("{} on their way once more.", count(done.deliveries, "message")),
            )?;
            if done.more {
                output.note("There was no room for all of them: run this again once these have arrived.");
            }
        }
    }
    Ok(())
}

impl About {
    fn request(&self, enabled: Option<bool>) -> WebhookRequest {
        WebhookRequest {
            url: self.target.clone(),
            kinds: Some(self.kinds.clone()).filter(|kinds| !kinds.is_empty()),
            description: self.description.clone(),
            enabled,
        }
    }
}

fn kind(text: &str) -> Result<EventType, String> {
    text.parse().map_err(|_| {
        let all: Vec<_> = EventType::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("a kind is one of {}", all.join(", "))
    })
}

/// A duration is one that has passed.
fn ago(when: When, now: UnixMillis) -> UnixMillis {
    match when {
        When::In(seconds) => UnixMillis(now.0.saturating_sub(seconds.saturating_mul(1_000))),
        when => when.from(now.seconds()).millis(),
    }
}

fn known<T>(answer: Result<T, ApiError>, webhook: WebhookId) -> Result<T, Error> {
    answer.map_err(|error| match error.is(Code::NoSuchWebhook) {
        true => Error::failed(
            "no_such_webhook",
            format!("there is no endpoint {webhook}: `waxseal webhooks list` shows those there are"),
        ),
        false => error.into(),
    })
}

fn words(view: &WebhookView, now: UnixMillis) -> String {
    let does = match (view.disabled.as_deref(), view.failing_since) {
        (Some("gone"), _) => "off, because it answered 410".to_owned(),
        (Some(_), _) => "off".to_owned(),
        (None, Some(since)) => {
            format!(
                "failing since {}, {}",
                when::distance(since.seconds(), now.seconds()),
                count(view.failures, "attempt")
            )
        }
        (None, None) => "well".to_owned(),
    };
    let kinds = view.kinds.as_ref().map_or("every kind".to_owned(), |kinds| {
        kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(",")
    });
    let text = format!(
        "{}  {}  {kinds}  {does}, {} waiting  {}",
        view.webhook,
        line(&view.url),
        view.waiting,
        line(&view.description)
    );
    text.trim_end().to_owned()
}

fn delivery(it: &Delivery) -> String {
    let last = it.attempts.last().map(|Attempt { at, status, error, .. }| {
        let came =
            status.map_or_else(|| line(error.as_deref().unwrap_or("nothing")), |status| status.to_string());
        format!("  {} at {}: {came}", count(it.attempts.len() as u64, "attempt"), when::words(at.seconds()))
    });
    let letter = it.letter.map_or("the site".to_owned(), |letter| letter.to_string());
    format!(
        "{:>7}  {}  {}  {}  {letter}{}",
        it.number,
        it.delivery,
        line(&it.state),
        it.kind,
        last.unwrap_or_default()
    )
}
