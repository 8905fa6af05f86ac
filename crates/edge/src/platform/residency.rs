//! A Durable Object of one name is another object in another jurisdiction. A site that was moved would find its ledgers
//! empty, and open letters again that were cancelled or refused. So the bucket remembers where the ledgers are, and
//! without them no ledger is created.

use std::cell::Cell;

use worker::Env;

use super::bucket::{Letters, Put};
use super::error::Fault;
use super::settings;
use waxseal::site::Jurisdiction;

pub(crate) const KEY: &str = "site/jurisdiction";

/// The longest name of a jurisdiction that is read.
const MAX_NAME: u64 = 64;

thread_local! {
    /// The settings of an isolate stay the same, and so does what the bucket remembers.
    static CHECKED: Cell<bool> = const { Cell::new(false) };
}

/// The word for where the settings keep Durable Objects.
pub(crate) fn name(jurisdiction: Option<Jurisdiction>) -> &'static str {
    jurisdiction.map_or("none", |it| it.code())
}

/// Where the bucket says that the ledgers are; nothing before the first letter.
pub(crate) async fn noted(env: &Env) -> Result<Option<String>, Fault> {
    let noted = Letters::open(env)?.read(KEY, MAX_NAME).await?;
    Ok(noted.map(|noted| String::from_utf8_lossy(&noted).into_owned()))
}

/// Refuses when this site's ledgers are somewhere else than the settings say. The first letter of a site settles it.
pub(crate) async fn check(env: &Env) -> Result<(), Fault> {
    if CHECKED.get() {
        return Ok(());
    }
    let here = name(settings::jurisdiction(env)?);
    let bucket = Letters::open(env)?;
    let noted = match bucket.read(KEY, MAX_NAME).await? {
        Some(noted) => noted,
        None if bucket.create(KEY, here.into()).await? == Put::Written => here.into(),
        // Another isolate was first.
        None => bucket.read(KEY, MAX_NAME).await?.unwrap_or_default(),
    };
    if noted != here.as_bytes() {
        let noted = String::from_utf8_lossy(&noted);
        return Err(Fault::new(
            "jurisdiction_changed",
            format_args!(
                "the ledgers of this bucket's letters are in jurisdiction \"{noted}\", but SITE.jurisdiction says \
                 \"{here}\", where they are not: set it back, or begin a new site with a new bucket"
            ),
        ));
    }
    CHECKED.set(true);
    Ok(())
}
