//! When a link ends: `--expires` of `seal` and `mint`. A bare date lasts to its last second in the site's time zone, so that the
//! envelope names that day.

use jiff::civil::Date;
use serde_json::json;
use waxseal::token::SiteKey;
use waxseal::types::UnixSeconds;

use crate::api::Api;
use crate::args::Expires;
use crate::error::{Error, coded};
use crate::origin::Origin;
use crate::output::{Warning, line};
use crate::when::{self, When, Zone};

/// A link that ends sooner is dead before many people read their mail.
const SHORT_SECONDS: u64 = 3_600;
const DAY_SECONDS: u64 = 86_400;

/// Why it is not known when a day ends.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub(crate) enum ExpiryError {
    #[error(
        "--expires {0} is a date, and it ends in the site's time zone, which is not known here: add --time-zone \
         Europe/Amsterdam (or set WAXSEAL_TIME_ZONE), or --url to ask the edge, or give a time such as {0}T23:59:59+01:00"
    )]
    #[strum(to_string = "time_zone_missing")]
    NoZone(Date),
    #[error(
        "--expires {day} is a date, and it ends in the site's time zone, which {reason}. Or say it: --time-zone \
         Europe/Amsterdam (WAXSEAL_TIME_ZONE)"
    )]
    #[strum(to_string = "time_zone_unknown")]
    NotAsked { day: Date, reason: String },
    #[error("--expires {0} is too late: a token can say no time after 2106-02-07")]
    #[strum(to_string = "expires_too_late")]
    NoEnd(Date),
}

coded!(ExpiryError: usage unless Self::NotAsked { .. });

/// The end of a link, and the time zone if it took one to know it.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) at: UnixSeconds,
    zone: Option<Zone>,
}

impl Ends {
    /// The end; the edge is asked for its time zone where that is needed and was not said.
    pub(crate) async fn of(
        args: &Expires,
        url: Option<&Origin>,
        retries: u32,
        key: &SiteKey,
        now: UnixSeconds,
    ) -> Result<Self, Error> {
        let (When::Day(day), None) = (args.expires, &args.time_zone) else {
            return Ok(Self::local(args, now)?);
        };
        // Over everywhere on earth, or more than a token can say: no need to ask.
        let utc = When::Day(day).from(now);
        if utc.0.saturating_add(DAY_SECONDS) <= now.0
            || utc.0 > u64::from(u32::MAX).saturating_add(DAY_SECONDS)
        {
            return Ok(Self::of_day(day, Zone::utc())?);
        }
        let origin = url.ok_or(ExpiryError::NoZone(day))?;
        let zone = Api::new(origin.clone(), key, retries)?.time_zone().await.map_err(|error| {
            let reason = line(&error.to_string());
            ExpiryError::NotAsked {
                day,
                reason: format!("could not be asked: {}", reason.trim_end_matches('.')),
            }
        })?;
        Ok(Self::of_day(day, zone)?)
    }

    /// The end without asking anybody.
    pub(crate) fn local(args: &Expires, now: UnixSeconds) -> Result<Self, ExpiryError> {
        match (args.expires, &args.time_zone) {
            (When::Day(day), Some(zone)) => Self::of_day(day, zone.clone()),
            (When::Day(day), None) => Err(ExpiryError::NoZone(day)),
            (other, _) => Ok(Self { at: other.from(now), zone: None }),
        }
    }

    fn of_day(day: Date, zone: Zone) -> Result<Self, ExpiryError> {
        let next = zone.ends(day).ok_or(ExpiryError::NoEnd(day))?;
        Ok(Self { at: UnixSeconds(next.0.saturating_sub(1)), zone: Some(zone) })
    }

    /// For people: with the time zone, if it took one to know it.
    pub(crate) fn words(&self) -> String {
        match &self.zone {
            Some(zone) => zone.words(self.at),
            None => when::words(self.at),
        }
    }

    /// Whether the day was told by its date alone, so that it is worth saying when it ends.
    pub(crate) const fn is_day(&self) -> bool {
        self.zone.is_some()
    }

    /// A warning about a link that ends in less than an hour.
    pub(crate) fn warning(&self, now: UnixSeconds) -> Option<Warning> {
        let short = self.at.0.saturating_sub(now.0) < SHORT_SECONDS;
        short.then(|| Warning {
            code: "short_lived",
            message: format!(
                "this link ends {} ({}): many people read their mail later than that. Leave --expires out for 30 days",
                when::distance(self.at, now),
                self.words()
            ),
        })
    }

    /// Adds what is known to an answer in JSON.
    pub(crate) fn insert(&self, answer: &mut serde_json::Value) {
        if let (Some(object), Some(zone)) = (answer.as_object_mut(), &self.zone) {
            object.insert("time_zone".to_owned(), json!(zone.name()));
        }
    }
}
