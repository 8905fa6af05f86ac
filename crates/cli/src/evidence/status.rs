//! `waxseal evidence status`: the state of the log.

use serde_json::json;
use waxseal::api::{LogStatus, op};
use waxseal::types::{UnixMillis, UnixSeconds};

use crate::error::Error;
use crate::letter::EdgeArgs;
use crate::output::{Output, line};
use crate::when;

pub(super) const EXAMPLES: &str = "\
Examples:
  waxseal evidence status --url https://letters.example
  waxseal evidence status --url https://letters.example --json

Exit status: 0 the log grows, 1 something keeps it from growing.";

pub(super) async fn run(args: &EdgeArgs, output: Output, now: UnixMillis) -> Result<(), Error> {
    let api = args.api(output)?;
    let status = super::ask::<op::Log>(&api, None).await?;
    output.answer(&json!(status), &words(&status, now))?;
    match status.fault {
        None => Ok(()),
        Some(fault) => Err(Error::failed(
            "log_stuck",
            format!(
                "the log does not grow ({}): letters go on being served, and their events wait. The edge's log lines say more",
                line(&fault.code)
            ),
        )),
    }
}

fn words(status: &LogStatus, now: UnixMillis) -> String {
    let ago = |at: UnixSeconds| when::distance(at, now.seconds());
    let mut lines = vec![
        format!("Log         {}", line(&status.origin)),
        format!("Entries     {}", status.size),
        format!(
            "Signed      {}",
            status.signed.map_or_else(|| "nothing yet".to_owned(), |at| ago(at.seconds()))
        ),
        format!("Waiting     {}", status.pending),
    ];
    lines.extend(status.vkey.iter().map(|key| format!("Key         {}", line(key))));
    for witness in &status.witnesses {
        let seen = match witness.at {
            Some(at) => format!("saw {} entries {}", witness.size, ago(at)),
            None => "has seen nothing yet".to_owned(),
        };
        let fault = witness.fault.as_deref().map(|fault| format!("; {}", line(fault))).unwrap_or_default();
        lines.push(format!("Witness     {}: {seen}{fault}", line(&witness.name)));
    }
    if let Some(fault) = &status.fault {
        lines.push(format!("Fault       {}, {}", line(&fault.code), ago(fault.at.seconds())));
    }
    lines.join("\n")
}
