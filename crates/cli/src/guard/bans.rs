//! `waxseal guard bans list`, `ban` and `unban`.

use clap::Subcommand;
use serde_json::json;
use waxseal::api::{BanRequest, BanView, op};
use waxseal::guard::Network;
use waxseal::types::UnixMillis;

use super::{ask, explained, words};
use crate::error::{Error, coded};
use crate::letter::EdgeArgs;
use crate::output::{Output, count, line};
use crate::when::{self, When};

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal guard bans list --url https://letters.example
  waxseal guard bans list --network 192.0.2.0/24 --json";

pub(super) const BAN_EXAMPLES: &str = "\
Examples:
  waxseal guard ban 192.0.2.7 --url https://letters.example
  waxseal guard ban 2001:db8:1::/48 --until 6h

Without --until the ban ends with the day. Genuine links still open there, under a stricter
limit. To refuse an address or a network whatever it asks for, write a [[deny]] rule.";

pub(super) const UNBAN_EXAMPLES: &str = "\
Examples:
  waxseal guard unban 192.0.2.7 --url https://letters.example
  waxseal guard unban 192.0.2.0/24

Lifts the ban of the network and of every client in it, and forgets their points. A ban of a wider
network stays: `waxseal guard explain` shows it.";

/// Asked for at once.
const PAGE: usize = 1_000;

#[derive(Subcommand)]
pub(crate) enum Bans {
    /// List the bans that hold
    #[command(after_help = EXAMPLES)]
    List(List),
}

#[derive(clap::Args)]
pub(crate) struct List {
    /// Show at most this many
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// Only bans of this network, in it, or around it
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    network: Option<Network>,
    #[command(flatten)]
    edge: EdgeArgs,
}

#[derive(clap::Args)]
pub(crate) struct Ban {
    /// An address or network, such as 192.0.2.7 or 2001:db8:1::/48
    #[arg(value_name = "TARGET", value_parser = network)]
    target: Network,
    /// When the ban ends: a duration (6h, 7d) or an RFC 3339 date; by default with the day
    #[arg(long, value_name = "WHEN", value_parser = when::parse)]
    until: Option<When>,
    #[command(flatten)]
    edge: EdgeArgs,
}

#[derive(clap::Args)]
pub(crate) struct Unban {
    /// An address or network, such as 192.0.2.7 or 2001:db8:1::/48
    #[arg(value_name = "TARGET", value_parser = network)]
    target: Network,
    #[command(flatten)]
    edge: EdgeArgs,
}

/// It would be over already.
#[derive(Debug, thiserror::Error)]
#[error("--until {0} is in the past: give a later time, such as 6h")]
struct Past(String);

coded!(Past = "until_in_the_past": usage);

/// An address or network, for clap. Its error is the guard's own sentence.
fn network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|error: waxseal::guard::NetworkError| error.to_string())
}

fn text(ban: &BanView) -> String {
    let BanView { target, since, until, reason, asn, dry_run } = ban;
    let asn = asn.map(|asn| format!(" AS{asn}")).unwrap_or_default();
    let dry_run = if *dry_run { " (in dry run: refuses nobody)" } else { "" };
    let (since, until) = (when::words(*since), when::words(*until));
    format!("{:<24}  {since} to {until}  {}{asn}{dry_run}", target.to_string(), words::reason(reason))
}

pub(super) async fn list(args: &List, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let most = usize::try_from(args.limit).unwrap_or(usize::MAX);
    // One more than is shown tells whether there are more.
    let wanted = most.saturating_add(1);
    // A filter is applied here, so pages are whole then.
    let page = if args.network.is_some() { PAGE } else { wanted.min(PAGE) }.to_string();
    let mut bans: Vec<BanView> = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut query = vec![("limit", page.as_str())];
        query.extend(after.as_deref().map(|after| ("after", after)));
        let (found, _) = ask::<op::ListBans>(&api, &query, (), None).await?;
        let wanted_here = |ban: &BanView| args.network.is_none_or(|network| ban.target.overlaps(&network));
        bans.extend(found.bans.into_iter().filter(wanted_here));
        // A cursor that stands still would go on for ever.
        if bans.len() >= wanted || found.next.is_none() || found.next == after {
            break;
        }
        after = found.next;
    }
    let more = bans.len() > most;
    bans.truncate(most);
    let mut lines: Vec<String> = bans.iter().map(text).collect();
    if lines.is_empty() {
        lines.push("Nobody is banned.".to_owned());
    }
    output.answer(&json!({ "bans": bans, "more": more }), &lines.join("\n"))?;
    if more {
        output.note("There are more: raise --limit.");
    }
    Ok(())
}

pub(super) async fn ban(args: &Ban, output: Output, now: UnixMillis) -> Result<(), Error> {
    let now = now.seconds();
    let api = args.edge.api(output)?;
    let until = match args.until {
        // As without --until: a day ends where the site is.
        Some(day @ When::Day(date)) if day.from(now).0.saturating_add(86_400) > now.0 => {
            Some(api.time_zone().await?.ends(date).unwrap_or(day.from(now)))
        }
        until => until.map(|until| until.from(now)),
    };
    if let Some(past) = until.filter(|until| *until <= now) {
        return Err(Past(when::rfc3339(past)).into());
    }
    let wanted = BanRequest { target: args.target.to_string(), until };
    let (banned, _) = ask::<op::Ban>(&api, &[], wanted, None).await?;
    let until = banned.until;
    let links = if args.target.is_single() {
        "Its links do not open either."
    } else {
        "Genuine links still open from it."
    };
    let text = format!("{} is banned until {}. {links}", line(&banned.target), when::full(until, now));
    let answer = json!({ "target": banned.target, "until": until.0, "until_at": when::rfc3339(until) });
    Ok(output.answer(&answer, &text)?)
}

pub(super) async fn unban(args: &Unban, output: Output) -> Result<(), Error> {
    let api = args.edge.api(output)?;
    let lifted = api.call::<op::LiftBan>(&[&args.target.to_string()], ()).await;
    let lifted = lifted.map_err(|error| explained(&api, error))?;
    let target = line(&lifted.target);
    let text = match lifted.lifted {
        0 => format!("{target} was not banned; its points are forgotten."),
        bans => {
            let bans = count(bans.into(), "ban");
            format!("{bans} of {target} lifted; isolates learn of it in a little over a minute.")
        }
    };
    Ok(output.answer(&json!({ "target": lifted.target, "lifted": lifted.lifted }), &text)?)
}
