//! Whether what lies in the bucket is anybody's to read.

use reqwest::{Method, StatusCode};

use super::Findings;
use super::outside::{PATIENCE, ask};
use crate::error::Error;
use crate::http::client;
use crate::origin::Origin;

/// Whether the bucket is public at this address. `entries` of the log, if known: then it has a checkpoint.
pub(super) async fn look(
    address: Option<&Origin>,
    entries: Option<u64>,
    findings: &mut Findings,
) -> Result<(), Error> {
    let name = "bucket";
    let close = "in the dashboard, R2, the bucket, Settings: disable the Public Development URL and remove every custom domain; what lies there is encrypted, but anybody who \
                 knows a letter's id learns that it is there";
    let Some(address) = address else {
        let cure = "the dashboard says it: R2, the bucket, Settings, Public Access; or give its r2.dev address with --bucket-url";
        findings.unknown(name, "a bucket's public address cannot be known from here", cure);
        return Ok(());
    };
    let client = client(PATIENCE, address)?;
    let mut statuses = Vec::new();
    for path in ["/log/checkpoint", "/site/jurisdiction"] {
        match ask(&client, Method::GET, address.at(path)).await {
            Ok(answer) if answer.status.is_success() => {
                findings.failure(
                    name,
                    format!("{address}{path} can be read by everybody: the bucket is public"),
                    close,
                );
                return Ok(());
            }
            Ok(answer) => statuses.push(answer.status),
            Err(reason) => {
                findings.unknown(
                    name,
                    format!("{address} could not be reached: {reason}"),
                    "check the address in --bucket-url",
                );
                return Ok(());
            }
        }
    }
    let closed = |status: &StatusCode| matches!(status.as_u16(), 401 | 403);
    if statuses.iter().all(closed) || entries.is_some_and(|entries| entries > 0) {
        findings.ok(name, format!("{address} gives nothing of it to strangers"));
    } else {
        findings.unknown(
            name,
            format!("{address} has nothing of it to show yet"),
            "look again once the log has an entry, with a key",
        );
    }
    Ok(())
}
